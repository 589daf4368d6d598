//! Time that passes from event to event, and a forge that is as far away as a real one.

use async_trait::async_trait;
use pinlib::{
    BackendError, BranchName, Clock, CommitError, CommitRange, FileAt, GitForge, GuardedCommit, History,
    Identity, Oid, RepoPath, TreeEntry,
};
use pinlib_testkit::{memory::MemoryForge, sim::Dice};
use std::{
    cmp::Reverse,
    collections::BinaryHeap,
    fmt,
    future::{Future, poll_fn},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::Poll,
    time::{Duration, SystemTime},
};

/// What happens at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Event {
    Merge,
    /// The image of this build is there.
    Built(usize),
    /// What this pin waited for is there.
    Wake(usize),
}

/// The time, and everything that is due.
#[derive(Debug, Default)]
pub(crate) struct Agenda(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    now: Duration,
    /// Whoever waits now.
    task: usize,
    /// In the order of their times, and of being noted.
    due: BinaryHeap<Reverse<(Duration, usize, Event)>>,
    noted: usize,
}

impl State {
    fn note(&mut self, at: Duration, event: Event) {
        self.noted += 1;
        self.due.push(Reverse((at, self.noted, event)));
    }
}

impl Agenda {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// How much time has passed.
    pub(crate) fn passed(&self) -> Duration {
        self.state().now
    }
    pub(crate) fn note(&self, after: Duration, event: Event) {
        let mut state = self.state();
        let at = state.now + after;
        state.note(at, event);
    }
    /// Lets time pass up to the next event.
    pub(crate) fn next(&self) -> Option<Event> {
        let mut state = self.state();
        let Reverse((at, _, event)) = state.due.pop()?;
        state.now = at;
        Some(event)
    }
    /// Who waits from now on.
    pub(crate) fn turn_to(&self, task: usize) {
        self.state().task = task;
    }
}

#[async_trait]
impl Clock for Agenda {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.passed()
    }
    async fn sleep(&self, time: Duration) {
        let until = {
            let mut state = self.state();
            let (until, task) = (state.now + time, state.task);
            state.note(until, Event::Wake(task));
            until
        };
        poll_fn(|_| if self.passed() >= until { Poll::Ready(()) } else { Poll::Pending }).await;
    }
}

/// The memory forge, behind a network: a request takes 0.1 to 0.5 s, and does what it does in the middle of it.
#[derive(Debug)]
pub(crate) struct Far {
    pub(crate) memory: Arc<MemoryForge>,
    pub(crate) agenda: Arc<Agenda>,
    pub(crate) dice: Mutex<Dice>,
}

impl Far {
    /// Half of the way.
    pub(crate) async fn travel(&self) {
        let random = self.dice.lock().unwrap_or_else(PoisonError::into_inner).below(200);
        self.agenda.sleep(Duration::from_millis(50 + random as u64)).await;
    }
    async fn asked<T>(&self, request: impl Future<Output = T>) -> T {
        self.travel().await;
        let answer = request.await;
        self.travel().await;
        answer
    }
}

impl fmt::Display for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("far forge")
    }
}

#[async_trait]
impl GitForge for Far {
    async fn identity(&self) -> Result<Identity, BackendError> {
        self.memory.identity().await
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        self.asked(self.memory.head(branch)).await
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        self.asked(self.memory.read(wanted)).await
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        self.asked(self.memory.trees(oids)).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        self.asked(self.memory.history(range)).await
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        self.asked(self.memory.commit(commit)).await
    }
}
