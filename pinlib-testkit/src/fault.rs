//! Faults on the way to a backend, chosen by a tape so that each can be replayed.

use crate::sim::Tape;
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, BranchName, CommitError, CommitRange, FileAt, GitForge, GuardedCommit,
    History, Identity, Oid, RepoPath, TreeEntry,
};
use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A backend behind a network that loses answers, delays requests, sends twice and reads from lagging replicas,
/// or only in part.
#[derive(Debug)]
pub struct Faulty<T> {
    inner: Arc<T>,
    tape: Arc<Tape>,
    twice: bool,
    state: Mutex<Network>,
}

#[derive(Debug)]
struct Network {
    /// Faults still to be had.
    budget: usize,
    /// How often a commit was sent.
    sent: usize,
    /// Sent, given up by the client, not yet arrived.
    late: Vec<GuardedCommit>,
    /// Each head that was ever shown.
    seen: Vec<Oid>,
}

impl<T: GitForge> Faulty<T> {
    /// Puts at most `budget` faults in front of a backend. `twice`: something on the way may send a commit twice.
    pub fn new(inner: Arc<T>, tape: Arc<Tape>, budget: usize, twice: bool) -> Self {
        Self {
            inner,
            tape,
            twice,
            state: Mutex::new(Network { budget, sent: 0, late: Vec::new(), seen: Vec::new() }),
        }
    }
    /// How often a commit was sent.
    pub fn sent(&self) -> usize {
        self.network().sent
    }
    /// How many requests are still on their way.
    pub fn late(&self) -> usize {
        self.network().late.len()
    }
    /// Lets the oldest late request arrive.
    pub async fn arrive(&self) {
        let commit = self.network().late.remove(0);
        self.inner.commit(&commit).await.ok();
    }
    fn network(&self) -> MutexGuard<'_, Network> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn fault(&self, kinds: usize) -> usize {
        let mut network = self.network();
        let choice = if network.budget == 0 { 0 } else { self.tape.choose(kinds + 1) };
        network.budget -= usize::from(choice > 0);
        choice
    }
}

impl<T: fmt::Display> fmt::Display for Faulty<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} behind faults", self.inner)
    }
}

fn lost(act: &str) -> BackendError {
    BackendError::new(BackendErrorKind::Unavailable, act)
}

#[async_trait]
impl<T: GitForge> GitForge for Faulty<T> {
    async fn identity(&self) -> Result<Identity, BackendError> {
        self.inner.identity().await
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let head = self.inner.head(branch).await?;
        let oldest = {
            let mut network = self.network();
            network.seen.push(head);
            network.seen.first().copied()
        };
        match self.fault(2) {
            0 => Ok(head),
            1 => Ok(oldest.unwrap_or(head)),
            _ => Err(lost("read the head")),
        }
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        self.inner.read(wanted).await
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        self.inner.trees(oids).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        match self.fault(1) {
            0 => self.inner.history(range).await,
            _ => Err(BackendError::new(BackendErrorKind::Incomplete, "read the whole history")),
        }
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        {
            let mut network = self.network();
            network.sent += 1;
            network.seen.push(commit.expected_head());
        }
        match self.fault(4 + usize::from(self.twice)) {
            0 => self.inner.commit(commit).await,
            1 => Err(CommitError::NotLanded(lost("connect"))),
            2 => Err(CommitError::Ambiguous(lost("send"))),
            3 => {
                self.inner.commit(commit).await.ok();
                Err(CommitError::Ambiguous(lost("hear the answer")))
            }
            4 => {
                self.network().late.push(commit.clone());
                Err(CommitError::Ambiguous(lost("wait")))
            }
            // Whatever sends twice breaks an assumption (T1). A look then finds the truth; where that is lost too, or the
            // branch is forced away, nothing can. So this is the last fault.
            _ => {
                self.network().budget = 0;
                self.inner.commit(commit).await.ok();
                self.inner.commit(commit).await
            }
        }
    }
}
