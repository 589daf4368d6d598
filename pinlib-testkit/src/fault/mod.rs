//! Faults on the way to a backend, chosen by a tape so that each can be replayed.
//!
//! `kind` names them, `network` holds what they leave on the way; here stands the forge behind it.

mod kind;
mod network;

pub use kind::{Fault, NoSuchFault, Rates};
pub use network::Network;

use crate::sim::{Tape, Yield};
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, BranchName, CommitError, CommitRange, FileAt, GitForge, GuardedCommit,
    History, Identity, Oid, RepoPath, TreeEntry,
};
use std::{fmt, sync::Arc, time::Duration};

/// A backend behind a network that loses answers, delays requests, sends twice and reads from lagging replicas,
/// or only in part.
#[derive(Debug)]
pub struct Faulty<T: ?Sized> {
    inner: Arc<T>,
    tape: Arc<Tape>,
    network: Arc<Network>,
    who: usize,
    fine: bool,
}

impl<T: GitForge> Faulty<T> {
    /// Puts at most `budget` faults in front of a backend. `twice`: something on the way may send a commit twice.
    pub fn new(inner: Arc<T>, tape: Arc<Tape>, budget: usize, twice: bool) -> Self {
        let lossy = [
            Fault::AnswerLost,
            Fault::RequestLost,
            Fault::Unreachable,
            Fault::ReadLost,
            Fault::Late,
            Fault::StaleRead,
            Fault::Truncated,
        ];
        let rates = lossy.into_iter().chain(twice.then_some(Fault::SentTwice)).collect();
        Self::client(inner, tape, Arc::new(Network::new(rates, budget)), 0, false)
    }
    /// One client of many on a network. `fine`: every call takes a turn, those too whose answers cannot change.
    pub fn client(inner: Arc<T>, tape: Arc<Tape>, network: Arc<Network>, who: usize, fine: bool) -> Self {
        Self { inner, tape, network, who, fine }
    }
    /// How often a commit was sent.
    pub fn sent(&self) -> usize {
        self.network.sent()
    }
    /// How many requests are still on their way.
    pub fn late(&self) -> usize {
        self.network.late()
    }
    /// Lets the oldest late request arrive.
    pub async fn arrive(&self) {
        self.arrive_one(0).await;
    }
    pub(crate) async fn arrive_one(&self, which: usize) {
        let commit = self.network.release(which);
        let landed = self.inner.commit(&commit).await;
        self.network
            .say(|| format!("a late commit on {} arrives: {}", short(commit.expected_head()), told(&landed)));
    }

    async fn turn(&self) {
        if self.fine {
            Yield::default().await;
        }
    }
}

pub(crate) fn short(oid: Oid) -> String {
    let mut text = oid.to_string();
    text.truncate(7);
    text
}

fn told(answer: &Result<Oid, CommitError>) -> String {
    match answer {
        Ok(oid) => format!("landed as {}", short(*oid)),
        Err(CommitError::NotLanded(error) | CommitError::Ambiguous(error)) => error.to_string(),
        Err(error) => error.to_string(),
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

/// What a server says that looks at nothing, or a connection that is none.
pub(crate) fn refusal(fault: Fault, act: &str) -> BackendError {
    let refused = |kind| BackendError::new(kind, act);
    match fault {
        Fault::TokenExpired => refused(BackendErrorKind::Unauthorized),
        Fault::RateLimited => refused(BackendErrorKind::RateLimited).with_retry_after(Duration::from_secs(1)),
        Fault::RegistryLags => refused(BackendErrorKind::NotFound).with_retry_after(Duration::from_secs(1)),
        _ => lost(act),
    }
}

#[async_trait]
impl<T: GitForge> GitForge for Faulty<T> {
    async fn identity(&self) -> Result<Identity, BackendError> {
        self.inner.identity().await
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        self.network.say(|| "asks for the head".into());
        let head = self.inner.head(branch).await?;
        self.network.show(head);
        let faults = [Fault::StaleRead, Fault::ReadLost, Fault::TokenExpired, Fault::RateLimited];
        let shown = match self.network.strike(&self.tape, &faults) {
            None => head,
            Some(Fault::StaleRead) => self.network.lagging(self.who).unwrap_or(head),
            Some(fault) => return Err(refusal(fault, "read the head")),
        };
        self.network.say(|| format!("hears that the head is {}", short(shown)));
        Ok(shown)
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let files = self.inner.read(wanted).await;
        self.network.say(|| format!("reads {} files", wanted.len()));
        self.turn().await;
        files
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        self.inner.trees(oids).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        self.network.say(|| format!("reads the history {range}"));
        let history = match self.network.strike(&self.tape, &[Fault::Truncated]) {
            None => self.inner.history(range).await,
            Some(_) => Err(BackendError::new(BackendErrorKind::Incomplete, "read the whole history")),
        };
        self.turn().await;
        history
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        self.network.say(|| format!("sends a commit on {}", short(commit.expected_head())));
        self.network.send(self.who, commit);
        self.turn().await;
        self.network.land(self.who);
        self.network.say(|| "its commit gets on its way".into());
        let answer = self.travel(commit).await;
        self.network.say(|| format!("hears of its commit: {}", told(&answer)));
        answer
    }
}

impl<T: GitForge> Faulty<T> {
    async fn travel(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let faults = [
            Fault::Unreachable,
            Fault::RequestLost,
            Fault::AnswerLost,
            Fault::Late,
            Fault::SentTwice,
            Fault::TokenExpired,
            Fault::RateLimited,
        ];
        match self.network.strike(&self.tape, &faults) {
            None => self.inner.commit(commit).await,
            Some(Fault::RequestLost) => Err(CommitError::Ambiguous(lost("send"))),
            Some(Fault::AnswerLost) => {
                self.inner.commit(commit).await.ok();
                Err(CommitError::Ambiguous(lost("hear the answer")))
            }
            Some(Fault::Late) => {
                self.network.delay(commit.clone());
                Err(CommitError::Ambiguous(lost("wait")))
            }
            // Whatever sends twice breaks an assumption (T1). A look then finds the truth; where that is lost too, or the
            // branch is forced away, nothing can. So this is the last fault.
            Some(Fault::SentTwice) => {
                self.network.calm();
                self.inner.commit(commit).await.ok();
                self.inner.commit(commit).await
            }
            Some(fault) => Err(CommitError::NotLanded(refusal(fault, "connect"))),
        }
    }
}
