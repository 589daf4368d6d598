//! A repository on this machine, bare or not, by gix: objects and refs, never a work tree.
//!
//! `disk` reads objects, `history` walks commits, `refs` finds the branch and moves it.

mod disk;
mod history;
mod refs;

use super::{
    objects::{Commit, Draft},
    sign::Author,
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{CommitError, GitForge},
    git::{BranchName, CommitRange, FileAt, History, Identity, Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
};
use async_trait::async_trait;
use disk::Disk;
use gix::ThreadSafeRepository;
use std::{
    fmt,
    path::{Path, PathBuf},
};
use tokio::task::spawn_blocking;

/// Whether a pin may move a branch that a work tree has checked out: its files would then differ from its head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckedOut {
    /// It may not, as with `git push`.
    #[default]
    Refuse,
    /// It may.
    Allow,
}

/// A repository on disk. The compare-and-swap is git's own: the ref is locked, read, compared and replaced.
///
/// No hook runs: a repository on disk has no server that could refuse. Objects are written before the ref moves, so that
/// a crash leaves some that nothing names, which git prunes; they are as durable as git's own by default. A lock that
/// another process holds is waited for as long as git waits.
///
/// Whose repository it is matters as it does to git: one that belongs to somebody else is refused, unless the user's
/// `safe.directory` names it.
///
/// ```no_run
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use pinlib::{Author, CheckedOut, LocalForge, Person};
/// let bot = Author::new(Person { name: "bot".into(), email: "bot@example.test".into() }, None)?;
/// let forge = LocalForge::open("/srv/git/deploy.git", bot, CheckedOut::Refuse)?;
/// # Ok(()) }
/// ```
///
/// # Cancellation
/// What has begun goes on to its end: dropped after its first poll, a commit may land.
#[derive(Clone, Debug)]
pub struct LocalForge {
    path: PathBuf,
    opened: ThreadSafeRepository,
    author: Author,
    checked_out: CheckedOut,
}

impl fmt::Display for LocalForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

impl LocalForge {
    /// Opens the repository at a path: its git folder, or the folder that holds it.
    ///
    /// # Errors
    /// `NotFound` where there is none; `Unsupported` where its refs are a reftable; `Unauthorized` where it may not be
    /// read; `Invalid` where it is damaged or somebody else's.
    pub fn open(
        path: impl AsRef<Path>,
        author: Author,
        checked_out: CheckedOut,
    ) -> Result<Self, BackendError> {
        let path = path.as_ref().to_path_buf();
        let opened = Disk::open(&path)?;
        Ok(Self { path, opened, author, checked_out })
    }

    /// Reads where it may block.
    async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let opened = self.opened.clone();
        let done = spawn_blocking(move || work(&Disk::now(&opened)?)).await;
        done.map_err(|error| {
            BackendError::new(BackendErrorKind::Unavailable, format!("read {self}")).with_source(error)
        })?
    }
}

#[async_trait]
impl GitForge for LocalForge {
    async fn identity(&self) -> Result<Identity, BackendError> {
        Ok(self.author.identity())
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let branch = branch.clone();
        self.read(move |disk| Ok(disk.branch(&branch)?.head)).await
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let wanted = wanted.to_vec();
        self.read(move |disk| disk.files(&wanted)).await
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        let oids = oids.to_vec();
        self.read(move |disk| oids.iter().map(|oid| disk.entries(*oid)).collect()).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        let range = *range;
        let Some(commits) = self.read(move |disk| disk.history(&range)).await? else {
            return Ok(History::Unrelated);
        };
        let mut facts = Vec::with_capacity(commits.len());
        for Commit { mut fact, signed, .. } in commits {
            // Of a commit by somebody else nobody asks for a proof, and each costs processes.
            if let Some(signed) = signed.filter(|_| fact.author == *self.author.person()) {
                fact.signature = self.author.judge(&signed.signature, &signed.payload).await;
            }
            facts.push(fact);
        }
        Ok(match range.base {
            Some(_) => History::Descends(facts),
            None => History::to_the_roots(range.upto, facts),
        })
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (guarded, person, checked_out) = (commit.clone(), self.author.person().clone(), self.checked_out);
        let draft = move |disk: &Disk| {
            let (root, trees) = disk.trees_of(&guarded)?;
            let taken = match checked_out {
                CheckedOut::Allow => None,
                CheckedOut::Refuse => disk.checked_out(&disk.branch(guarded.branch())?)?,
            };
            Ok((Draft::new(&guarded, &person, root, &trees)?, taken))
        };
        let (draft, taken) = self.read(draft).await.map_err(CommitError::NotLanded)?;
        if let Some(work_tree) = taken {
            let branch = commit.branch();
            let message = format!(
                "{branch} is checked out in {}, whose files would differ from its head: check out another branch \
                 there, or pin in a bare repository",
                work_tree.display()
            );
            return Err(CommitError::Rejected { rule: Some("checked-out branch".into()), message });
        }
        let signature = self.author.sign(draft.payload().as_bytes()).await.map_err(CommitError::NotLanded)?;
        let new = draft.seal(signature.as_deref());
        let (opened, guarded, person) = (self.opened.clone(), commit.clone(), self.author.person().clone());
        let swap = move || {
            let disk = Disk::now(&opened).map_err(CommitError::NotLanded)?;
            disk.write(&new.objects).map_err(CommitError::NotLanded)?;
            disk.swap(&guarded, new.oid, &person)
        };
        spawn_blocking(swap).await.unwrap_or_else(|error| {
            let act = format!("commit to {} of {self}", commit.branch());
            Err(CommitError::Ambiguous(
                BackendError::new(BackendErrorKind::Unavailable, act).with_source(error),
            ))
        })
    }
}
