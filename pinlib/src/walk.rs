//! Walks down a branch's first-parent line, some commits at a time.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::PinError,
    forge::GitForge,
    git::{CommitFact, CommitRange, History, Oid},
    read,
};
use std::collections::BTreeMap;

/// So many commits are at hand at once: what GitHub tells on one page.
const PIECE: usize = 100;

/// Part of a branch's first-parent line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineRange {
    /// Its newest commit.
    pub upto: Oid,
    /// The commit that its oldest one is on, which must be on the same line; without one it goes down to the root.
    pub base: Option<Oid>,
    /// No more commits than this are read.
    pub limit: usize,
}

/// A walk, and how far it came.
#[derive(Debug)]
pub(crate) struct Walk<'a> {
    forge: &'a dyn GitForge,
    range: LineRange,
    next: Option<Oid>,
    read: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(forge: &'a dyn GitForge, range: LineRange) -> Self {
        let next = Some(range.upto).filter(|upto| Some(*upto) != range.base);
        Self { forge, range, next, read: 0 }
    }

    /// The next commits, newest first; none at the end, or at the limit.
    ///
    /// # Errors
    /// `NotFound` where the line ends without its base.
    pub(crate) async fn more(&mut self) -> Result<Vec<CommitFact>, PinError> {
        let limit = PIECE.min(self.range.limit.saturating_sub(self.read));
        let Some(from) = self.next.filter(|_| limit > 0) else { return Ok(Vec::new()) };
        let mut piece = line(self.forge, from, limit).await?;
        let base = |fact: &CommitFact| fact.parents.first().copied() == self.range.base;
        if let Some(oldest) = piece.iter().position(base) {
            piece.truncate(oldest + 1);
        }
        self.read += piece.len();
        let parent = piece.last().and_then(|oldest| oldest.parents.first().copied());
        if let (None, Some(base)) = (parent, self.range.base) {
            let act = format!("find {} below {}", base.short(), self.range.upto.short());
            let why = "the first-parent line ends without it: it is on another line, or was forced away";
            return Err(BackendError::new(BackendErrorKind::NotFound, act).because(why).into());
        }
        self.next = parent.filter(|parent| Some(*parent) != self.range.base);
        Ok(piece)
    }

    /// Whether there are older commits of the range that were not read.
    pub(crate) fn is_cut(&self) -> bool {
        self.next.is_some()
    }
    pub(crate) fn forge(&self) -> &'a dyn GitForge {
        self.forge
    }
}

/// A commit's first-parent line as far as this many commits show it, newest first.
async fn line(forge: &dyn GitForge, head: Oid, limit: usize) -> Result<Vec<CommitFact>, PinError> {
    let (facts, whole) = match forge.history(&CommitRange { base: None, upto: head, limit }).await? {
        History::Descends(facts) => (facts, true),
        History::Cut(facts) => (facts, false),
        History::Unrelated => (Vec::new(), true),
    };
    let mut listed: BTreeMap<_, _> = facts.into_iter().map(|fact| (fact.oid, fact)).collect();
    let (mut line, mut next) = (Vec::new(), Some(head));
    while let Some(fact) = next.and_then(|oid| listed.remove(&oid)) {
        next = fact.parents.first().copied();
        line.push(fact);
    }
    if line.is_empty() || (whole && next.is_some()) {
        return Err(read::incomplete(format!("read the history of {}", head.short())));
    }
    Ok(line)
}
