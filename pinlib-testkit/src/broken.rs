//! Forges that are wrong on purpose: the suite must say so.

use crate::memory::{MemoryForge, human};
use async_trait::async_trait;
use pinlib::{
    BackendError, BranchName, CommitError, CommitRange, FileAt, GitForge, GuardedCommit, History, Identity,
    Oid, RepoPath, TreeEntry,
};
use std::fmt::{self, Debug};

/// What is wrong with a forge: each method begins as the memory forge's, and a flaw overrides the one that it breaks.
#[async_trait]
#[expect(missing_docs, reason = "GitForge's own methods")]
pub trait Flaw: Debug + Default + Send + Sync + 'static {
    async fn identity(&self, inner: &MemoryForge) -> Result<Identity, BackendError> {
        inner.identity().await
    }
    async fn read(
        &self,
        inner: &MemoryForge,
        wanted: &[(Oid, RepoPath)],
    ) -> Result<Vec<Option<FileAt>>, BackendError> {
        inner.read(wanted).await
    }
    async fn history(&self, inner: &MemoryForge, range: &CommitRange) -> Result<History, BackendError> {
        inner.history(range).await
    }
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        inner.commit(commit).await
    }
}

/// A memory forge with a flaw.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "the sentence above")]
pub struct Broken<F> {
    pub memory: MemoryForge,
    pub flaw: F,
}

impl<F: Flaw> fmt::Display for Broken<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "forge with {:?}", self.flaw)
    }
}

#[async_trait]
impl<F: Flaw> GitForge for Broken<F> {
    async fn identity(&self) -> Result<Identity, BackendError> {
        self.flaw.identity(&self.memory).await
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        self.memory.head(branch).await
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        self.flaw.read(&self.memory, wanted).await
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        self.memory.trees(oids).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        self.flaw.history(&self.memory, range).await
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        self.flaw.commit(&self.memory, commit).await
    }
}

/// Says that it is somebody else.
#[derive(Debug, Default)]
pub struct FalseName;
/// Knows first parents alone.
#[derive(Debug, Default)]
pub struct FirstParents;
/// Reads the head, compares it here, and pushes: what most tools do.
#[derive(Debug, Default)]
pub struct CheckThenPush;
/// Takes whatever is a fast-forward, as `git push` without a lease does.
#[derive(Debug, Default)]
pub struct FastForward;

#[async_trait]
impl Flaw for FalseName {
    async fn identity(&self, _: &MemoryForge) -> Result<Identity, BackendError> {
        Ok(human())
    }
}

#[async_trait]
impl Flaw for FirstParents {
    async fn history(&self, inner: &MemoryForge, range: &CommitRange) -> Result<History, BackendError> {
        let line: Vec<_> = inner.line(range.upto).into_iter().collect();
        match line.iter().position(|fact| fact.oid == range.base) {
            Some(at) if at > range.limit => inner.history(range).await,
            Some(at) => Ok(History::Descends(line[..at].to_vec())),
            None => Ok(History::Unrelated),
        }
    }
}

#[async_trait]
impl Flaw for CheckThenPush {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        let actual = inner.head(branch).await.map_err(CommitError::NotLanded)?;
        let moved = || CommitError::HeadMoved { branch: branch.clone(), expected, actual: Some(actual) };
        if actual == expected { inner.put(commit).ok_or_else(moved) } else { Err(moved()) }
    }
}

#[async_trait]
impl Flaw for FastForward {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        let actual = inner.heads(branch).last().copied().flatten();
        if actual.is_some_and(|actual| actual != expected && inner.ancestors(expected).contains(&actual)) {
            inner.force(branch, Some(expected));
        }
        inner.commit(commit).await
    }
}
