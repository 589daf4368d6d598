//! Draws a plan and a tape from each seed, plays it, and where a promise breaks tells the smallest story of it.
//!
//! Each seed has its own swarm of faults: a fault's rate is none, low or high, so that some seeds see much of few faults.

use super::{
    plan::{Digested, Errand, Guard, Image, Job, Move, Plan},
    play::{Played, play},
    promise::Violation,
    shrink::{Shrunk, shrink},
    stage::Server,
    tally::Tally,
    tape::{Dice, Seed, Tape},
};
use crate::fault::{Fault, Rates};
use pinlib::PinError;
use std::{
    fmt,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
};

const LOW: u32 = 8;
const HIGH: u32 = 50;

/// Which faults may come: all, or only these, always.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swarm {
    /// The faults of each seed; empty for a swarm of all of them.
    pub faults: Vec<Fault>,
}

/// A seed that breaks a promise, and the smallest schedule that was found to break the same.
#[derive(Debug)]
pub struct Failure {
    /// The seed.
    pub seed: Seed,
    /// The promise that it broke.
    pub violation: Violation,
    /// What it was made of.
    pub shrunk: Shrunk,
    /// The story, one line a step.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shrunk { plan, answers, violation, tries } = &self.shrunk;
        writeln!(f, "seed {}: {violation}", self.seed)?;
        writeln!(f, "the smallest of {tries} schedules, tape {answers:?}:")?;
        write!(f, "{plan}")?;
        self.trace.iter().enumerate().try_for_each(|(step, line)| writeln!(f, "{:>4}  {line}", step + 1))
    }
}

impl Swarm {
    /// The plan of a seed.
    pub fn plan(&self, seed: Seed) -> Plan {
        let mut dice = Dice::from(seed);
        let mut rates = Rates::default();
        if self.faults.is_empty() {
            for fault in Fault::ALL {
                rates.set(fault, [0, 0, LOW, HIGH][dice.below(4)]);
            }
        }
        self.faults.iter().for_each(|fault| rates.set(*fault, HIGH));
        let moves = moves(&mut dice, &rates);
        // Who sends twice breaks T1; on a branch that is forced or deleted no look can tell any more.
        let forced = moves.iter().any(|act| act.forces());
        if forced {
            rates.set(Fault::SentTwice, 0);
        }
        let jobs = jobs(&mut dice, &rates, forced);
        let budget = 1 + dice.below(8);
        let pace = [20, 100, 300][dice.below(3)];
        let crashes = usize::from(rates.of(Fault::Crash) > 0) * (1 + dice.below(2));
        Plan { jobs, moves, rates, budget, crashes, pace, fine: true, preemptions: None }
    }
    /// Plays a seed; `told` writes its story.
    ///
    /// # Errors
    /// Where its plan is no request: a fault of the swarm's own.
    pub fn play<S: Server>(&self, seed: Seed, told: bool) -> Result<Played, PinError> {
        play::<S>(&self.plan(seed), &tape(seed), told)
    }
    /// Plays a seed, and where it breaks a promise makes it small.
    ///
    /// # Errors
    /// The promise that broke, and how.
    ///
    /// # Panics
    /// Where its plan is no request: a fault of the swarm's own.
    pub fn check<S: Server>(&self, seed: Seed) -> Result<Played, Box<Failure>> {
        let (plan, tape) = (self.plan(seed), tape(seed));
        #[expect(clippy::expect_used, reason = "the swarm draws requests that are well-formed")]
        let played = play::<S>(&plan, &tape, false).expect("requests");
        let Err(violation) = played.verdict else { return Ok(played) };
        let shrunk = shrink::<S>(plan, tape.answers(), violation.clone());
        let again = play::<S>(&shrunk.plan, &Arc::new(Tape::replay(&shrunk.answers)), true);
        let trace = again.map(|played| played.trace).unwrap_or_default();
        Err(Box::new(Failure { seed, violation, shrunk, trace }))
    }
    /// Plays all of these seeds on so many threads; `progress` hears how many are done.
    ///
    /// # Errors
    /// The first seed that was found to break a promise.
    pub fn sweep<S: Server>(
        &self,
        seeds: Range<u64>,
        threads: usize,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Tally, Box<Failure>> {
        const CHUNK: u64 = 64;
        let (next, stop) = (AtomicU64::new(seeds.start), AtomicBool::new(false));
        let found = Mutex::new((Tally::default(), None));
        let work = || {
            while !stop.load(Relaxed) {
                let from = next.fetch_add(CHUNK, Relaxed);
                let mut tally = Tally::default();
                let mut failure = None;
                for seed in from..seeds.end.min(from.saturating_add(CHUNK)) {
                    match self.check::<S>(Seed(seed)) {
                        Ok(played) => tally.add(&played),
                        Err(found) => failure = Some(found),
                    }
                    if failure.is_some() {
                        stop.store(true, Relaxed);
                        break;
                    }
                }
                let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                found.0.merge(&tally);
                found.1 = found.1.take().or(failure);
                progress(found.0.schedules);
                if from.saturating_add(CHUNK) >= seeds.end {
                    return;
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads.max(1) {
                scope.spawn(work);
            }
            work();
        });
        let (tally, failure) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(tally), Err)
    }
}

/// The tape of a seed: other dice than the plan's.
fn tape(seed: Seed) -> Arc<Tape> {
    Arc::new(Tape::random(Seed(seed.0 ^ 0x5eed_5eed_5eed_5eed)))
}

/// Whether a fault of the world comes in this run.
fn comes(dice: &mut Dice, rates: &Rates, fault: Fault) -> bool {
    dice.chance(match rates.of(fault) {
        0 => 0,
        HIGH => 60,
        _ => 15,
    })
}

fn image(dice: &mut Dice) -> Image {
    Image::ALL[dice.below(3)]
}

fn moves(dice: &mut Dice, rates: &Rates) -> Vec<Move> {
    let mut moves = Vec::new();
    for _ in 0..dice.below(4) {
        let image = image(dice);
        let plain = [Move::Docs, Move::Docs, Move::Src, Move::TakeBack(image), Move::Hold(image)];
        moves.extend(dice.pick(&plain));
    }
    for (fault, one_of) in [
        (Fault::ForcedBack, &[Move::ForceBack][..]),
        (Fault::TagMoves, &[Move::MoveTags]),
        (
            Fault::TargetChanged,
            &[Move::Hotfix(image(dice)), Move::Strip(image(dice)), Move::Remove(image(dice))],
        ),
        (Fault::MergeQueue, &[Move::Queue]),
        (Fault::Rewound, &[Move::Rewind]),
        (Fault::Quoted, &[Move::Revert, Move::Amend, Move::Pick]),
        (Fault::Sideways, &[Move::Ours]),
    ] {
        if comes(dice, rates, fault) {
            let at = dice.below(moves.len() + 1);
            moves.splice(at..at, dice.pick(one_of).copied());
        }
    }
    for (fault, first, then) in [
        (Fault::BranchGone, Move::Delete, Move::Recreate),
        (Fault::Protected, Move::Protect, Move::Unprotect),
    ] {
        if comes(dice, rates, fault) {
            let at = dice.below(moves.len() + 1);
            moves.insert(at, first);
            if dice.chance(70) {
                let later = at + 1 + dice.below(moves.len() - at);
                moves.insert(later, then);
            }
        }
    }
    moves
}

fn jobs(dice: &mut Dice, rates: &Rates, forced: bool) -> Vec<Job> {
    let mut jobs = Vec::new();
    let same = dice.chance(40);
    let guard = Guard::ALL[dice.below(3)];
    for _ in 0..2 + dice.below(2) {
        let guard = if dice.chance(60) { guard } else { Guard::ALL[dice.below(3)] };
        let mut job = Job::of(if same { Image::Web } else { image(dice) }, guard);
        job.digested = [Digested::Declared, Digested::Reported, Digested::ByTag][dice.below(3)];
        job.beside = Some(image(dice)).filter(|beside| *beside != job.image && dice.chance(20));
        job.append_only = !forced && dice.chance(25);
        job.newer = comes(dice, rates, Fault::OlderBuild) && dice.chance(60);
        job.rebuilt = comes(dice, rates, Fault::Rebuild) && dice.chance(50);
        job.replace_rebuilt = dice.chance(20);
        job.wait = guard != Guard::Exact && dice.chance(50);
        job.broken = comes(dice, rates, Fault::OneFileBroken) && dice.chance(30);
        if !jobs.is_empty() && dice.chance(25) {
            job.errand = Errand::ALL[dice.below(4)];
            job.broken = false;
            // Half of them begin when there is something to go back to, to release or to promote.
            job.after = dice.chance(50).then(|| jobs.len() - 1);
        }
        jobs.push(job);
    }
    if comes(dice, rates, Fault::SecondRun) {
        jobs.push(jobs[dice.below(jobs.len())]);
    }
    if comes(dice, rates, Fault::OldRun) {
        let after = dice.below(jobs.len());
        jobs.push(Job { after: Some(after), ..jobs[after] });
    }
    jobs
}
