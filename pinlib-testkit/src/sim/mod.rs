//! Every schedule and every fault, replayed against the real algorithm, without a runtime.
//!
//! `tape` answers each question of a run: all answers in turn, or random ones, or those of another run. `race` polls
//! tasks as a tape says. A `plan` says which pins run and what people do meanwhile; `stage` is the repository that it
//! happens to, `supply` its registry and clock; `play` plays a plan and `trace` tells the story. `checker` judges what
//! is left by each `promise` of `guarantees.md`, `tally` counts. `swarm` draws plans from seeds, and `shrink` makes a
//! failing one small.

mod checker;
mod orders;
mod plan;
mod play;
mod promise;
mod race;
mod shrink;
mod stage;
mod supply;
mod swarm;
mod tally;
mod tape;
mod trace;

pub use checker::{Checker, Ran};
pub use orders::Asked;
pub use plan::{Digested, Errand, Guard, Image, Job, Move, Plan};
pub use play::{Played, play};
pub use promise::{Promise, Violation};
pub use race::{End, Task, Yield, race, run, together};
pub use shrink::{Shrunk, shrink};
pub use stage::Server;
pub use swarm::{Failure, Swarm};
pub use tally::Tally;
pub use tape::{Counterexample, Dice, Seed, Tape, explore};
