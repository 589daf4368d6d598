//! Where commits go: raw reads, and one compare-and-swap.
//!
//! Beside the trait: `objects` builds the git objects of a pin commit, `sign` says who they are by and signs them, `local`
//! is a repository on this machine; `wire` is one behind any git server, which `smart_http` and `ssh` reach; `github`
//! is one behind GitHub's API; `text` reads a server's words; and `review` is what a forge with pull requests can do beside.

#[cfg(feature = "github")]
pub(crate) mod github;
#[cfg(feature = "git-local")]
pub(crate) mod local;
#[cfg(any(feature = "git-local", feature = "git-http"))]
mod objects;
pub(crate) mod review;
#[cfg(any(feature = "git-local", feature = "git-http"))]
pub(crate) mod sign;
#[cfg(feature = "git-http")]
pub(crate) mod smart_http;
#[cfg(feature = "git-http")]
pub(crate) mod ssh;
#[cfg(any(feature = "git-http", feature = "github"))]
mod text;
#[cfg(feature = "git-http")]
mod wire;

#[cfg(all(feature = "git-http", any(test, feature = "fuzzing")))]
pub(crate) use wire::fuzzing;

use crate::{
    backend::BackendError,
    git::{BranchName, CommitRange, FileAt, History, Identity, Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
};
use async_trait::async_trait;
use std::fmt::{Debug, Display};

/// A file larger than this is no manifest, and is not read.
#[cfg(any(feature = "git-local", feature = "git-http", feature = "github"))]
const LARGEST_FILE: u64 = 16 << 20;

/// Why a commit did not come back as a clear yes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The server compared and refused. Nothing of this call landed.
    #[error("the head of {branch} is not {expected}")]
    HeadMoved {
        /// Where.
        branch: BranchName,
        /// What was asked for.
        expected: Oid,
        /// What stands there, where the server said so.
        actual: Option<Oid>,
    },
    /// A rule of the server refused. Nothing landed.
    #[error("the server refused: {message}")]
    Rejected {
        /// Which rule, in the server's words.
        rule: Option<String>,
        /// What it said.
        message: String,
    },
    /// Surely nothing landed: never sent, or refused before it was looked at (login, rate, missing branch).
    #[error("nothing was written")]
    NotLanded(#[source] BackendError),
    /// Anything else: it may have landed, or may land yet.
    #[error("the answer was lost")]
    Ambiguous(#[source] BackendError),
}

/// Reads one repository and writes to it under a compare-and-swap.
///
/// Its address and credentials are its own. It never retries and never waits: the core does, on the caller's clock. It
/// brings raw facts: the core proves them. Reads may be dropped at any point.
#[async_trait]
pub trait GitForge: Debug + Display + Send + Sync + 'static {
    /// Says who its commits are by. Asked where a pin must be told from a commit that quotes one.
    async fn identity(&self) -> Result<Identity, BackendError>;
    /// Reads the branch's head. May be stale; a missing branch is `NotFound`.
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError>;
    /// Reads files, each as it stands in one commit: one answer a wish, in the order asked, over many commits at once.
    /// `None` is "the commit has no such file". A symlink answers with its mode and the bytes of its blob, a folder or a
    /// submodule with its mode and no bytes.
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError>;
    /// Reads tree objects, whole, in the order asked; a commit stands for its root tree.
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError>;
    /// Reads what `upto` has and `base` has not, by all parents, whole, or answers `Incomplete`. A base that the repository
    /// does not have is `Unrelated`. Without a base it reads as far as the limit, and says where it was cut.
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError>;
    /// Moves the branch from `expected_head` to one new commit on it, if and only if it still stands there.
    ///
    /// The compare and the swap are one act of the server. Dropped after its first poll, it counts as
    /// [`CommitError::Ambiguous`]. Sent twice, at most one lands.
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError>;
}
