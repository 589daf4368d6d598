//! A pull request in the place of a commit: what a forge that has them can do beside.

use crate::{
    backend::BackendError,
    forge::{CommitError, GitForge},
    git::{BranchName, Oid},
    parse::ParseError,
};
use async_trait::async_trait;
use std::fmt;

/// Names a branch of pinlib's own, for pull requests into this one.
pub(crate) fn own(base: &BranchName, name: &str) -> Result<BranchName, ParseError> {
    format!("pinlib/{base}/{name}").parse()
}

/// A branch that goes from one commit to another. No commit: the branch is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence above")]
pub struct BranchMove {
    pub branch: BranchName,
    pub from: Option<Oid>,
    pub to: Option<Oid>,
}

/// A pull request from one branch of the repository into another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// What the forge itself calls it.
    pub id: String,
    /// What people call it.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// What became of it.
    pub state: ReviewState,
    /// The branch that it comes from.
    pub branch: BranchName,
    /// The commit that it asks for, or asked for when it ended.
    pub head: Oid,
    /// What it says.
    pub text: ReviewText,
    /// How the forge will merge it by itself, where that was asked for.
    pub auto_merge: Option<MergeMethod>,
}

/// What became of a pull request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum ReviewState {
    Open,
    Merged,
    Closed,
}

/// What a pull request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReviewText {
    /// One line.
    pub title: String,
    /// Markdown.
    pub body: String,
}

impl ReviewText {
    /// Whether these are the same words, however a forge keeps line breaks.
    pub(crate) fn says(&self, other: &Self) -> bool {
        let words = |text: &Self| format!("{}\n{}", text.title, text.body).replace('\r', "");
        words(self).trim_end() == words(other).trim_end()
    }
}

/// How a pull request comes into its branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMethod {
    /// By a merge commit: the pin comes along as it is.
    Merge,
    /// As another commit, by another author: no recognised pin.
    Squash,
    /// The same, by the same author.
    Rebase,
}

impl fmt::Display for MergeMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        })
    }
}

/// Opens pull requests in one repository.
///
/// As [`GitForge`], it never retries and never waits: whoever asked looks into a write that came back without a clear yes,
/// and may send it again. But for a comment, none of them does a thing twice.
#[async_trait]
pub trait ReviewForge: GitForge {
    /// Moves branches, all of them or none, each if and only if it stands where the move begins. Where a branch ends, the
    /// forge closes the pull requests that come from it.
    ///
    /// The compare and the swap are one act of the server, over all of the branches. One that moved is `HeadMoved`; one that
    /// is there where none was to be is `Ambiguous`: it may be there by this very call, sent twice, and who asked looks.
    async fn move_branches(&self, moves: &[BranchMove]) -> Result<(), CommitError>;
    /// Finds the pull request from one branch into another: the open one, else the newest that there was. One from another
    /// repository whose branch has the same name is none.
    async fn review(&self, from: &BranchName, into: &BranchName) -> Result<Option<Review>, BackendError>;
    /// Opens one. Where one is open, the server refuses.
    async fn open_review(
        &self,
        from: &BranchName,
        into: &BranchName,
        text: &ReviewText,
    ) -> Result<Review, CommitError>;
    /// Changes what it says.
    async fn amend_review(&self, review: &Review, text: &ReviewText) -> Result<Review, CommitError>;
    /// Says something more in it.
    async fn comment(&self, review: &Review, text: &str) -> Result<(), CommitError>;
    /// Has the forge merge it once its own rules are content, as long as it asks for `head`.
    async fn merge_when_allowed(&self, review: &Review, head: Oid) -> Result<MergeMethod, CommitError>;
}
