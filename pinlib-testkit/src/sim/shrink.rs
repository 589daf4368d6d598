//! Makes a failing schedule small: fewer pins, people and faults, then fewer and simpler answers.

use super::{
    plan::Plan,
    play::play,
    promise::{Promise, Violation},
    stage::Server,
    tape::Tape,
};
use std::sync::Arc;

/// So many runs are tried at most.
const TRIES: usize = 4000;

/// The smallest that still breaks the same promise.
#[derive(Debug)]
pub struct Shrunk {
    /// The plan.
    pub plan: Plan,
    /// The answers of its tape; the first option after them.
    pub answers: Vec<usize>,
    /// The promise that it breaks.
    pub violation: Violation,
    /// How many runs were tried.
    pub tries: usize,
}

impl Shrunk {
    /// Takes this plan and tape, if the same promise breaks on them.
    fn offer<S: Server>(&mut self, plan: Plan, answers: Vec<usize>, promise: Promise) -> bool {
        if self.tries >= TRIES {
            return false;
        }
        self.tries += 1;
        let tape = Arc::new(Tape::replay(&answers));
        match play::<S>(&plan, &tape, false).map(|played| played.verdict) {
            Ok(Err(violation)) if violation.promise == promise => {
                (self.plan, self.answers, self.violation) = (plan, answers, violation);
                true
            }
            _ => false,
        }
    }
    /// One pass over everything that could be left out of the plan; whether something was.
    fn plans<S: Server>(&mut self, promise: Promise) -> bool {
        let mut shrunk = false;
        for index in (0..self.plan.moves.len()).rev() {
            let mut plan = self.plan.clone();
            plan.moves.remove(index);
            shrunk |= self.offer::<S>(plan, self.answers.clone(), promise);
        }
        for index in (0..self.plan.jobs.len()).rev() {
            let mut plan = self.plan.clone();
            plan.jobs.remove(index);
            for job in &mut plan.jobs {
                job.after = job.after.filter(|after| *after != index);
                job.after = job.after.map(|after| after - usize::from(after > index));
            }
            shrunk |= self.offer::<S>(plan, self.answers.clone(), promise);
        }
        for fault in self.plan.rates.faults().collect::<Vec<_>>() {
            let mut plan = self.plan.clone();
            plan.rates.set(fault, 0);
            shrunk |= self.offer::<S>(plan, self.answers.clone(), promise);
        }
        if self.plan.crashes > 0 {
            let plan = Plan { crashes: 0, ..self.plan.clone() };
            shrunk |= self.offer::<S>(plan, self.answers.clone(), promise);
        }
        shrunk
    }
    /// One pass of cutting and zeroing chunks of the tape, from halves to single answers.
    fn tapes<S: Server>(&mut self, promise: Promise) -> bool {
        let before = self.answers.clone();
        let mut size = self.answers.len();
        while size > 0 {
            let mut at = self.answers.len();
            while at > 0 {
                let from = at.saturating_sub(size);
                at = from;
                let end = (from + size).min(self.answers.len());
                if from >= end {
                    continue;
                }
                let mut cut = self.answers.clone();
                cut.drain(from..end);
                if self.offer::<S>(self.plan.clone(), cut, promise) {
                    continue;
                }
                let mut zeroed = self.answers.clone();
                zeroed[from..end].fill(0);
                if zeroed != self.answers {
                    self.offer::<S>(self.plan.clone(), zeroed, promise);
                }
            }
            size /= 2;
        }
        while self.answers.last() == Some(&0) {
            self.answers.pop();
        }
        self.answers != before
    }
}

/// Shrinks a plan and the answers on which it broke a promise.
pub fn shrink<S: Server>(plan: Plan, answers: Vec<usize>, violation: Violation) -> Shrunk {
    let promise = violation.promise;
    let mut shrunk = Shrunk { plan, answers, violation, tries: 0 };
    while shrunk.plans::<S>(promise) | shrunk.tapes::<S>(promise) {}
    shrunk
}
