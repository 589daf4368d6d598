//! The story of a run, one line a step.

use crate::{fault::short, memory::MemoryForge};
use pinlib::{CommitFact, Oid};
use std::fmt;

/// One step: who, what happened, and where the branch stands after it.
#[derive(Clone, Debug)]
pub(super) struct Step {
    who: String,
    what: Vec<String>,
    branch: String,
}

impl Step {
    pub(super) fn new(who: String, what: Vec<String>, memory: &MemoryForge, head: Option<Oid>) -> Self {
        let branch = match head {
            Some(head) => format!("{} {:?}", short(head), memory.fact(head).as_ref().map_or("", subject)),
            None => "gone".into(),
        };
        Self { who, what, branch }
    }
}

fn subject(fact: &CommitFact) -> &str {
    fact.message.lines().next().unwrap_or_default()
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if self.what.is_empty() { "goes on".into() } else { self.what.join("; ") };
        write!(f, "{:<9} {what}  [branch: {}]", self.who, self.branch)
    }
}
