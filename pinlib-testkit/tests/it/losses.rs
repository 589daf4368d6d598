//! The suite on lost answers, over a forge in memory at the end of a wire that loses them; and over clients that are wrong on
//! purpose.

use crate::conformance::{World, caught};
use async_trait::async_trait;
use pinlib::{BackendError, BackendErrorKind, CommitError, GitForge, GuardedCommit, Oid};
use pinlib_testkit::{
    broken::{Broken, Flaw},
    conformance::forge::losses::{LossyWorld, all},
    memory::MemoryForge,
    servers::proxy::Fate,
};
use std::{
    fmt::Debug,
    marker::PhantomData,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// What stands between a client and the memory forge.
#[derive(Debug)]
struct Wire<C> {
    fate: Mutex<Fate>,
    sent: AtomicUsize,
    client: PhantomData<C>,
}

impl<C> Default for Wire<C> {
    fn default() -> Self {
        Self { fate: Mutex::new(Fate::Pass), sent: AtomicUsize::new(0), client: PhantomData }
    }
}

impl<C: Client> LossyWorld for World<Broken<Wire<C>>> {
    fn meddle(&self, fate: Fate) {
        *self.0.flaw.fate.lock().expect("no panic") = fate;
    }
    fn sent(&self) -> usize {
        self.0.flaw.sent.load(Relaxed)
    }
}

type Answer = Result<Oid, CommitError>;

impl<C: Client> Wire<C> {
    /// One request, and what comes back, if anything does.
    async fn request(&self, memory: &MemoryForge, commit: &GuardedCommit) -> Option<Answer> {
        self.sent.fetch_add(1, Relaxed);
        let fate = self.fate.lock().expect("no panic").clone();
        if matches!(fate, Fate::DropRequest | Fate::Answer(..)) {
            return None;
        }
        let answer = memory.commit(commit).await;
        (fate == Fate::Pass).then_some(answer)
    }
}

/// What a client makes of a wire.
#[async_trait]
trait Client: Debug + Send + Sync + Sized + 'static {
    async fn commit(wire: &Wire<Self>, memory: &MemoryForge, commit: &GuardedCommit) -> Answer {
        wire.request(memory, commit).await.unwrap_or_else(|| Err(CommitError::Ambiguous(lost())))
    }
}

fn lost() -> BackendError {
    BackendError::new(BackendErrorKind::Unavailable, "hear the answer")
}

#[async_trait]
impl<C: Client> Flaw for Wire<C> {
    async fn commit(&self, memory: &MemoryForge, commit: &GuardedCommit) -> Answer {
        C::commit(self, memory, commit).await
    }
}

/// Says that it does not know.
#[derive(Debug)]
struct Honest;
impl Client for Honest {}

/// Takes a lost answer for a commit that never was.
#[derive(Debug)]
struct Hasty;
#[async_trait]
impl Client for Hasty {
    async fn commit(wire: &Wire<Self>, memory: &MemoryForge, commit: &GuardedCommit) -> Answer {
        wire.request(memory, commit).await.unwrap_or_else(|| Err(CommitError::NotLanded(lost())))
    }
}

/// Sends again by itself, and believes the server that the head moved.
#[derive(Debug)]
struct Retrying;
#[async_trait]
impl Client for Retrying {
    async fn commit(wire: &Wire<Self>, memory: &MemoryForge, commit: &GuardedCommit) -> Answer {
        if let Some(answer) = wire.request(memory, commit).await {
            return answer;
        }
        *wire.fate.lock().expect("no panic") = Fate::Pass;
        wire.request(memory, commit).await.unwrap_or_else(|| Err(CommitError::Ambiguous(lost())))
    }
}

mod memory {
    pinlib_testkit::forge_loss_conformance!(super::World<super::Broken<super::Wire<super::Honest>>>);
}

#[test]
fn each_wrong_client_fails_its_cases_and_no_other_and_names_the_promise() {
    let landed = ("a_commit_whose_answer_is_lost_is_no_refusal", "I3: what may have landed is not refused");
    let flying = "a_commit_that_may_be_on_its_way_is_no_refusal";
    caught(
        &all::<World<Broken<Wire<Hasty>>>>(),
        &[landed, (flying, "I3: what may still land is not refused")],
    );
    caught(
        &all::<World<Broken<Wire<Retrying>>>>(),
        &[
            landed,
            (flying, "nothing lands that was lost"),
            ("a_commit_is_sent_once", "T1: one commit is one request"),
        ],
    );
}
