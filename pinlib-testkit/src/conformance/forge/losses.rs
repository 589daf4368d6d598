//! What a forge says of a commit whose request or answer is lost: for worlds that can put something between it and its server.

use super::{FILE, ForgeWorld, Outcome, check, cleared};
use crate::servers::proxy::Fate;
use pinlib::{CommitError, Oid};

/// A world with something on the way to its server: [`Proxy`](crate::servers::proxy::Proxy), or what it has of its own.
pub trait LossyWorld: ForgeWorld {
    /// From now on this happens to each request that carries a commit.
    fn meddle(&self, fate: Fate);
    /// How many such requests came.
    fn sent(&self) -> usize;
}

/// It arrives, and the answer does not come, or not whole, or another does.
fn answer_lost() -> Vec<Fate> {
    let statuses = [200, 500, 502, 503, 504].map(Fate::Instead);
    [Fate::DropAnswer, Fate::CutAnswer].into_iter().chain(statuses).collect()
}

/// It does not arrive, for all that its sender can know.
fn request_lost() -> Vec<Fate> {
    let statuses = [500, 502, 503, 504].map(|status| Fate::Answer(status, vec![], vec![]));
    let page = Fate::Answer(200, vec!["Content-Type: text/html".into()], b"<html>".into());
    [Fate::DropRequest, page].into_iter().chain(statuses).collect()
}

/// Commits under this fate: the world after it, and what the forge answers.
fn commit<W: LossyWorld>(fate: Fate) -> Result<(W, Result<Oid, CommitError>), String> {
    let world = W::create(&[FILE]);
    let commit = cleared(&world, world.log()[0].oid, "one")?;
    world.meddle(fate);
    let answer = world.block_on(world.forge().commit(&commit));
    Ok((world, answer))
}

/// The cases. Each name is the guarantee.
#[expect(missing_docs, clippy::missing_errors_doc, reason = "the names say it")]
pub mod cases {
    use super::{CommitError, LossyWorld, Outcome, answer_lost, check, commit, request_lost};

    pub fn a_commit_whose_answer_is_lost_is_no_refusal<W: LossyWorld>() -> Outcome {
        for fate in answer_lost() {
            let (world, answer) = commit::<W>(fate.clone())?;
            let line = world.log();
            check(line.len() == 2, "the world lets it arrive", format!("{fate:?}: {answer:?}"))?;
            let true_word = match &answer {
                Ok(oid) => *oid == line[0].oid,
                Err(error) => matches!(error, CommitError::Ambiguous(_)),
            };
            check(true_word, "I3: what may have landed is not refused", format!("{fate:?}: {answer:?}"))?;
        }
        Ok(())
    }

    pub fn a_commit_that_may_be_on_its_way_is_no_refusal<W: LossyWorld>() -> Outcome {
        for fate in request_lost() {
            let (world, answer) = commit::<W>(fate.clone())?;
            check(world.log().len() == 1, "nothing lands that was lost", format!("{fate:?}: {answer:?}"))?;
            let unclear = matches!(answer, Err(CommitError::Ambiguous(_)));
            check(unclear, "I3: what may still land is not refused", format!("{fate:?}: {answer:?}"))?;
        }
        Ok(())
    }

    pub fn a_commit_is_sent_once<W: LossyWorld>() -> Outcome {
        for fate in answer_lost().into_iter().chain(request_lost()) {
            let (world, answer) = commit::<W>(fate.clone())?;
            let sent = world.sent();
            check(sent == 1, "T1: one commit is one request", format!("{sent}, {fate:?}: {answer:?}"))?;
        }
        Ok(())
    }
}

macro_rules! suite {
    (($d:tt) $($case:ident)*) => {
        /// Every case by name: for the tests of the suite itself.
        pub fn all<W: LossyWorld>() -> Vec<(&'static str, fn() -> Outcome)> {
            vec![$((stringify!($case), cases::$case::<W>)),*]
        }
        /// Expands to one `#[test]` for each guarantee of a forge about what is lost. A world that needs programs is given
        /// with a condition that says whether they are there.
        #[macro_export]
        macro_rules! forge_loss_conformance {
            ($d world:ty) => {
                $d crate::forge_loss_conformance!($d world, true);
            };
            ($d world:ty, $d present:expr) => {
                $(#[test]
                fn $case() -> Result<(), String> {
                    if $d present { $d crate::conformance::forge::losses::cases::$case::<$d world>() } else { Ok(()) }
                })*
            };
        }
    };
}
suite! { ($)
    a_commit_whose_answer_is_lost_is_no_refusal
    a_commit_that_may_be_on_its_way_is_no_refusal
    a_commit_is_sent_once
}
