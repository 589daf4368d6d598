//! Counts over many plays: how runs ended, and which faults came.

use super::play::Played;
use crate::fault::Fault;
use pinlib::OutcomeKind;

/// Counts over many plays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Schedules.
    pub schedules: u64,
    /// Runs that crashed.
    pub crashed: u64,
    outcomes: [u64; Self::OUTCOMES.len()],
    faults: [u64; Fault::ALL.len()],
}

impl Tally {
    // In the order of their declaration.
    const OUTCOMES: [OutcomeKind; 12] = [
        OutcomeKind::Pinned,
        OutcomeKind::AlreadyPinned,
        OutcomeKind::Proposed,
        OutcomeKind::Superseded,
        OutcomeKind::HeadMoved,
        OutcomeKind::Rejected,
        OutcomeKind::Mismatch,
        OutcomeKind::NotFound,
        OutcomeKind::Invalid,
        OutcomeKind::Unauthorized,
        OutcomeKind::Unavailable,
        OutcomeKind::Unknown,
    ];
    /// Counts a play.
    pub fn add(&mut self, played: &Played) {
        self.schedules += 1;
        for end in &played.ends {
            match end {
                Some(kind) => self.outcomes[*kind as usize] += 1,
                None => self.crashed += 1,
            }
        }
        played.struck.iter().for_each(|fault| self.faults[*fault as usize] += 1);
    }
    /// Counts another tally's plays.
    pub fn merge(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.crashed += other.crashed;
        self.outcomes.iter_mut().zip(other.outcomes).for_each(|(mine, more)| *mine += more);
        self.faults.iter_mut().zip(other.faults).for_each(|(mine, more)| *mine += more);
    }
    /// How often a run ended so.
    pub fn ended(&self, kind: OutcomeKind) -> u64 {
        self.outcomes[kind as usize]
    }
    /// How often a fault came.
    pub fn struck(&self, fault: Fault) -> u64 {
        self.faults[fault as usize]
    }
    /// Each way to end, and how often.
    pub fn outcomes(&self) -> impl Iterator<Item = (OutcomeKind, u64)> {
        Self::OUTCOMES.into_iter().map(|kind| (kind, self.ended(kind)))
    }
    /// Each fault, and how often.
    pub fn faults(&self) -> impl Iterator<Item = (Fault, u64)> {
        Fault::ALL.into_iter().map(|fault| (fault, self.struck(fault)))
    }
}
