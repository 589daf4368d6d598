//! The network between all clients and all servers of a run: what it may do, what it did, and what is still in it.

use super::kind::{Fault, Rates};
use crate::sim::Tape;
use pinlib::{GuardedCommit, Oid, RunId};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A stale read is at most so many reads old.
const LAG: usize = 8;

/// One network. Each client sees the faults of all, as far as the budget goes.
#[derive(Debug, Default)]
pub struct Network(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    rates: Rates,
    /// Faults still to be had.
    budget: usize,
    /// How often a commit was sent.
    sent: usize,
    /// Sent, given up by the client, not yet arrived.
    late: Vec<GuardedCommit>,
    /// Sent, and the client still waits.
    flying: Vec<(usize, GuardedCommit)>,
    /// Each head that was ever shown.
    seen: Vec<Oid>,
    /// Each head that was shown to whom when it was none any more.
    stale: Vec<(usize, Oid)>,
    struck: Vec<Fault>,
    /// What was done since somebody listened; none where nobody does.
    said: Option<Vec<String>>,
}

impl Network {
    /// A network with these faults, and so many of them.
    pub fn new(rates: Rates, budget: usize) -> Self {
        Self(Mutex::new(State { rates, budget, ..State::default() }))
    }
    /// Writes down from now on what is done.
    pub fn listen(&self) {
        self.state().said = Some(Vec::new());
    }
    /// What was done since.
    pub fn heard(&self) -> Vec<String> {
        self.state().said.as_mut().map(std::mem::take).unwrap_or_default()
    }
    /// Each fault that came, in turn.
    pub fn struck(&self) -> Vec<Fault> {
        self.state().struck.clone()
    }
    /// The old heads that were shown to this client.
    pub fn stale(&self, who: usize) -> Vec<Oid> {
        self.state().stale.iter().filter(|(whom, _)| *whom == who).map(|(_, oid)| *oid).collect()
    }
    /// How often a commit was sent.
    pub fn sent(&self) -> usize {
        self.state().sent
    }
    /// How many requests are still on their way, that nobody waits for.
    pub fn late(&self) -> usize {
        self.state().late.len()
    }
    /// Whether one of them is of this run.
    pub fn owes(&self, run: RunId) -> bool {
        self.state().late.iter().any(|commit| commit.record().run == run)
    }
    /// A client is no more: what it sent is lost, or comes late.
    pub fn crash(&self, who: usize, tape: &Tape) {
        let mut state = self.state();
        if let Some(at) = state.flying.iter().position(|(whose, _)| *whose == who) {
            let (_, commit) = state.flying.remove(at);
            if tape.choose(2) == 1 {
                state.late.push(commit);
            }
        }
        state.struck.push(Fault::Crash);
    }
    /// Counts a fault that the world brought by itself.
    pub fn count(&self, fault: Fault) {
        self.state().struck.push(fault);
    }

    pub(crate) fn say(&self, what: impl FnOnce() -> String) {
        if let Some(said) = &mut self.state().said {
            said.push(what());
        }
    }
    /// Lets the tape pick one of these faults, or none.
    pub(crate) fn strike(&self, tape: &Tape, faults: &[Fault]) -> Option<Fault> {
        let mut state = self.state();
        if state.budget == 0 {
            return None;
        }
        let rates = faults.iter().map(|fault| state.rates.of(*fault));
        let weights: Vec<_> = std::iter::once(Rates::WELL).chain(rates).collect();
        let fault = *faults.get(tape.weigh(&weights).checked_sub(1)?)?;
        state.budget -= 1;
        state.struck.push(fault);
        if let Some(said) = &mut state.said {
            said.push(format!("!! fault {}: {fault}", fault.number()));
        }
        Some(fault)
    }
    /// From here on all goes well.
    pub(super) fn calm(&self) {
        self.state().budget = 0;
    }
    pub(super) fn show(&self, head: Oid) {
        self.state().seen.push(head);
    }
    /// An older head, as a replica that lags has it.
    pub(super) fn lagging(&self, who: usize) -> Option<Oid> {
        let mut state = self.state();
        let oldest = *state.seen.get(state.seen.len().saturating_sub(LAG))?;
        state.stale.push((who, oldest));
        Some(oldest)
    }
    pub(super) fn send(&self, who: usize, commit: &GuardedCommit) {
        let mut state = self.state();
        state.sent += 1;
        state.seen.push(commit.expected_head());
        if state.rates.of(Fault::Crash) > 0 {
            state.flying.push((who, commit.clone()));
        }
    }
    pub(super) fn land(&self, who: usize) {
        self.state().flying.retain(|(whose, _)| *whose != who);
    }
    pub(super) fn delay(&self, commit: GuardedCommit) {
        self.state().late.push(commit);
    }
    pub(super) fn release(&self, at: usize) -> GuardedCommit {
        self.state().late.remove(at)
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
