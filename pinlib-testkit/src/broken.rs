//! Forges that are wrong on purpose: the suite must say so. Editors that are, too: [`editor`]; and pull requests: [`review`].

pub mod editor;
pub mod review;

use crate::memory::{MemoryForge, bot, human};
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, BranchMove, BranchName, CommitError, CommitRange, FileAt, FileEdit,
    GitForge, GuardedCommit, History, Identity, MergeMethod, Mode, Oid, RepoPath, Review, ReviewForge as _,
    TreeEntry,
};
use std::{
    fmt::{self, Debug},
    sync::Arc,
};

/// What is wrong with a forge: each method begins as the memory forge's, and a flaw overrides the one that it breaks.
#[async_trait]
#[expect(missing_docs, reason = "methods of GitForge and ReviewForge")]
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
    async fn move_branches(&self, inner: &MemoryForge, moves: &[BranchMove]) -> Result<(), CommitError> {
        inner.move_branches(moves).await
    }
    async fn merge_when_allowed(
        &self,
        inner: &MemoryForge,
        review: &Review,
        head: Oid,
    ) -> Result<MergeMethod, CommitError> {
        inner.merge_when_allowed(review, head).await
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

/// Any forge, but it takes everything for a regular file.
#[derive(Debug)]
pub struct Blind(pub Arc<dyn GitForge>);

fn blindly(files: Vec<Option<FileAt>>) -> Vec<Option<FileAt>> {
    files.into_iter().map(|file| file.map(|file| FileAt { mode: Mode::Regular, ..file })).collect()
}

impl fmt::Display for Blind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, seen blindly", self.0)
    }
}

#[async_trait]
impl GitForge for Blind {
    async fn identity(&self) -> Result<Identity, BackendError> {
        self.0.identity().await
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        self.0.head(branch).await
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        self.0.read(wanted).await.map(blindly)
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        self.0.trees(oids).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        self.0.history(range).await
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        self.0.commit(commit).await
    }
}

/// Says that it is somebody else.
#[derive(Debug, Default)]
pub struct FalseName;
/// Takes everything for a regular file.
#[derive(Debug, Default)]
pub struct NoModes;
/// Pins whatever stands at the path.
#[derive(Debug, Default)]
pub struct AnyFile;
/// Writes each file anew, as a regular one: what an API does that takes paths and contents alone.
#[derive(Debug, Default)]
pub struct Rewriting;
/// Knows first parents alone.
#[derive(Debug, Default)]
pub struct FirstParents;
/// Takes what it was told of a history for all of it.
#[derive(Debug, Default)]
pub struct Content;
/// Reads the head, compares it here, and pushes: what most tools do.
#[derive(Debug, Default)]
pub struct CheckThenPush;
/// Takes whatever is a fast-forward, as `git push` without a lease does.
#[derive(Debug, Default)]
pub struct FastForward;
/// Sends everything twice and reports the second answer, as a transport that retries does.
#[derive(Debug, Default)]
pub struct Retrying;
/// Compares the files that it writes, not the head: what an API for single files does.
#[derive(Debug, Default)]
pub struct ContentsApi;
/// Takes a lost answer for a commit that never was.
#[derive(Debug, Default)]
pub struct Hasty;

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
        let Some(base) = range.base else { return Ok(History::to_the_roots(range.upto, line)) };
        match line.iter().position(|fact| fact.oid == base) {
            Some(at) if at > range.limit => inner.history(range).await,
            Some(at) => Ok(History::Descends(line[..at].to_vec())),
            None => Ok(History::Unrelated),
        }
    }
}

#[async_trait]
impl Flaw for Content {
    async fn history(&self, inner: &MemoryForge, range: &CommitRange) -> Result<History, BackendError> {
        Ok(match inner.history(range).await? {
            History::Cut(facts) => History::Descends(facts),
            history => history,
        })
    }
}

#[async_trait]
impl Flaw for CheckThenPush {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        let actual = inner.head(branch).await.map_err(CommitError::NotLanded)?;
        if actual != expected {
            return Err(CommitError::HeadMoved { branch: branch.clone(), expected, actual: Some(actual) });
        }
        match inner.put(commit) {
            Some(oid) => Ok(oid),
            None => inner.commit(commit).await,
        }
    }
}

#[async_trait]
impl Flaw for FastForward {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        let actual = inner.heads(branch).last().copied().flatten();
        let forward = actual.is_some_and(|actual| inner.ancestors(expected).contains(&actual));
        match forward.then(|| inner.put_on(expected, commit)).flatten() {
            Some(oid) => Ok(oid),
            None => inner.commit(commit).await,
        }
    }
}

#[async_trait]
impl Flaw for Retrying {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        inner.commit(commit).await.ok();
        inner.commit(commit).await
    }
}

#[async_trait]
impl Flaw for ContentsApi {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let Some(head) = inner.heads(commit.branch()).last().copied().flatten() else {
            return inner.commit(commit).await;
        };
        let files = inner.files(head);
        let same = |edit: &FileEdit| files.get(edit.path()) == edit.before().map(|before| &before.bytes);
        match commit.edits().iter().all(same).then(|| inner.put_on(head, commit)).flatten() {
            Some(oid) => Ok(oid),
            None => inner.commit(commit).await,
        }
    }
}

#[async_trait]
impl Flaw for Hasty {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        // What was committed, and is then told as a refusal.
        inner.commit(commit).await?;
        let error = BackendError::new(BackendErrorKind::Unavailable, "hear the answer");
        Err(CommitError::NotLanded(error))
    }
}

#[async_trait]
impl Flaw for NoModes {
    async fn read(
        &self,
        inner: &MemoryForge,
        wanted: &[(Oid, RepoPath)],
    ) -> Result<Vec<Option<FileAt>>, BackendError> {
        inner.read(wanted).await.map(blindly)
    }
}

#[async_trait]
impl Flaw for AnyFile {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        if inner.heads(branch).last() != Some(&Some(expected)) {
            return inner.commit(commit).await;
        }
        let edits = commit.edits().iter();
        let entries: Vec<_> = edits.map(|edit| (edit.path().clone(), Mode::Regular, edit.bytes())).collect();
        let oid = inner.write_entries(&[expected], &bot(), &entries, &commit.message());
        inner.force(branch, Some(oid));
        Ok(oid)
    }
}

#[async_trait]
impl Flaw for Rewriting {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let oid = inner.commit(commit).await?;
        let files = inner.files(oid);
        let entries: Vec<_> =
            files.iter().map(|(path, bytes)| (path.clone(), Mode::Regular, bytes.as_slice())).collect();
        let oid = inner.write_entries(&[commit.expected_head()], &bot(), &entries, &commit.message());
        inner.force(commit.branch(), Some(oid));
        Ok(oid)
    }
}
