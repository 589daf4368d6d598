//! What every forge with pull requests must keep, as cases that any world can run.

use super::{Outcome, check};
use pinlib::{BranchMove, BranchName, CommitError, Oid, Review, ReviewForge, ReviewText};
use std::{fmt::Display, future::Future, sync::Arc};

/// A repository with a forge in front, a way past the forge, and the truth.
///
/// Its branch has rules that a pull request waits for, so that it can be told to merge by itself.
pub trait ReviewWorld: Sized {
    /// Makes a repository with one branch and one commit.
    fn create() -> Self;
    /// The forge under test.
    fn forge(&self) -> Arc<dyn ReviewForge>;
    /// The branch.
    fn branch(&self) -> BranchName;
    /// Writes a commit on no branch, behind the forge's back: the parent's files, and one that says this.
    fn write(&self, parent: Oid, what: &str) -> Oid;
    /// Moves any branch behind the forge's back, or deletes it.
    fn force(&self, branch: &BranchName, to: Option<Oid>);
    /// Where a branch truly is.
    fn head(&self, branch: &BranchName) -> Option<Oid>;
    /// What was said in a pull request.
    fn comments(&self, number: u64) -> Vec<String>;
    /// Runs a future to its end.
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;
}

/// A world, its one commit, and two branches of pinlib's own that are not there yet.
struct Desk<W> {
    world: W,
    root: Oid,
    own: BranchName,
    next: BranchName,
}

impl<W: ReviewWorld> Desk<W> {
    fn new() -> Result<Self, String> {
        let world = W::create();
        let root = world.head(&world.branch()).ok_or("the world's branch is not there")?;
        let own = |name: &str| format!("pinlib/{}/{name}", world.branch()).parse().map_err(text);
        let (own, next) = (own("app")?, own("app.next")?);
        Ok(Self { world, root, own, next })
    }
    fn shift(&self, moves: &[(&BranchName, Option<Oid>, Option<Oid>)]) -> Result<(), CommitError> {
        let moves: Vec<_> =
            moves.iter().map(|&(branch, from, to)| BranchMove { branch: branch.clone(), from, to }).collect();
        self.world.block_on(self.world.forge().move_branches(&moves))
    }
    /// Where the two branches are.
    fn heads(&self) -> [Option<Oid>; 2] {
        [&self.own, &self.next].map(|branch| self.world.head(branch))
    }
    /// Puts a new commit on the own branch.
    fn commit(&self, what: &str) -> Result<Oid, String> {
        let oid = self.world.write(self.root, what);
        self.shift(&[(&self.own, self.world.head(&self.own), Some(oid))]).map_err(text)?;
        Ok(oid)
    }
    fn open(&self) -> Result<Review, CommitError> {
        let forge = self.world.forge();
        self.world.block_on(forge.open_review(&self.own, &self.world.branch(), &words("one")))
    }
    fn review(&self) -> Result<Option<Review>, String> {
        self.world.block_on(self.world.forge().review(&self.own, &self.world.branch())).map_err(text)
    }
    fn there(&self) -> Result<Review, String> {
        self.review()?.ok_or_else(|| "the pull request is found; found none".into())
    }
}

fn text(error: impl Display) -> String {
    error.to_string()
}

fn words(what: &str) -> ReviewText {
    ReviewText {
        title: format!("Pin {what}"),
        body: format!("**{what}**\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
    }
}

/// Whether it says these words, however the forge keeps line breaks.
fn says(review: &Review, words: &ReviewText) -> bool {
    let plain = |text: &str| text.replace('\r', "").trim_end().to_owned();
    review.text.title == words.title && plain(&review.text.body) == plain(&words.body)
}

#[expect(missing_docs, clippy::missing_errors_doc, reason = "the names say it")]
pub mod cases;

macro_rules! suite {
    (($d:tt) $($case:ident)*) => {
        /// Every case by name: for the tests of the suite itself.
        pub fn all<W: ReviewWorld>() -> Vec<(&'static str, fn() -> Outcome)> {
            vec![$((stringify!($case), cases::$case::<W>)),*]
        }
        /// Expands to one `#[test]` for each guarantee of a forge with pull requests. A world that needs programs is given
        /// with a condition that says whether they are there.
        #[macro_export]
        macro_rules! review_conformance {
            ($d world:ty) => {
                $d crate::review_conformance!($d world, true);
            };
            ($d world:ty, $d present:expr) => {
                $(#[test]
                fn $case() -> Result<(), String> {
                    if $d present { $d crate::conformance::review::cases::$case::<$d world>() } else { Ok(()) }
                })*
            };
        }
    };
}
suite! { ($)
    branches_move_together
    one_stale_branch_holds_all
    a_branch_is_made_only_where_there_is_none
    a_branch_ends_only_where_it_stands
    of_many_moves_from_one_commit_one_is_made
    no_pull_request_is_none
    an_opened_pull_request_is_found
    a_branch_has_one_open_pull_request
    a_pull_request_without_a_commit_is_refused
    new_words_take_the_place_of_the_old
    a_pull_request_follows_its_branch
    where_its_branch_ends_a_pull_request_is_closed
    an_open_pull_request_comes_before_one_that_ended
    what_came_into_the_branch_is_merged
    a_comment_is_said_once
    another_head_is_not_merged
}
