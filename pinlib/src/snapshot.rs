//! What the decision is made on, as values: one head, the files there, and what happened since the source commit.

use crate::{
    git::{CommitFact, FileAt, Oid, RepoPath, TreePath},
    manifest::Locator,
    record::Record,
};
use std::collections::BTreeMap;

/// A file on both sides of a commit.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the sentence above")]
pub struct Change {
    pub path: RepoPath,
    pub before: Option<FileAt>,
    pub after: Option<FileAt>,
}

/// A commit that H has and A has not.
#[derive(Clone, Debug)]
pub struct Passed {
    /// The commit.
    pub fact: CommitFact,
    /// Its record, where it is a recognised pin.
    pub pin: Option<Record>,
    /// What it changed of the files that the request knows, against its first parent.
    pub changes: Vec<Change>,
}

/// How the source of another pin stands to ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Kin {
    Older,
    Same,
    Newer,
    Neither,
}

/// The way from the source commit A to the head H.
#[derive(Clone, Debug)]
pub enum Passage {
    /// H is A: all that `exact` sees on the way that succeeds.
    Still,
    /// A is an ancestor of H, by whatever parents.
    Moved {
        /// Every commit that H has and A has not.
        passed: BTreeMap<Oid, Passed>,
        /// The sources of the pins among them.
        sources: BTreeMap<Oid, Kin>,
        /// The paths in which the trees of A and H differ.
        differing: Vec<TreePath>,
    },
    /// H is an ancestor of A: the branch was forced back.
    Rewound,
    /// Neither.
    Diverged,
    /// Nobody asked: a rollback or a promotion is decided on who wrote what stands at each of its sites.
    Traced(BTreeMap<(RepoPath, Locator), Writer>),
}

/// Who wrote what stands at a site, by the head's first-parent line.
#[derive(Clone, Debug)]
pub enum Writer {
    /// A recognised pin.
    Pin {
        /// Its commit.
        commit: Oid,
        /// Its record.
        record: Record,
        /// How its source stands to ours, where that matters.
        kin: Option<Kin>,
    },
    /// Somebody, by hand, after a pin.
    Hand {
        /// The commit.
        commit: Oid,
    },
    /// Somebody, by hand, and no pin is of this site.
    Nobody,
}

/// Everything a policy may look at. Made only by reading, in read.rs.
#[derive(Clone, Debug)]
pub struct Snapshot {
    head: Oid,
    files: Vec<FileAt>,
    holds: Option<FileAt>,
    passage: Passage,
}

impl Snapshot {
    // For the crate, since the forge is a layer above: read.rs alone calls it, once each part is proven.
    pub(crate) fn new(head: Oid, files: Vec<FileAt>, holds: Option<FileAt>, passage: Passage) -> Self {
        Self { head, files, holds, passage }
    }
    /// The head that all of this was read at.
    pub fn head(&self) -> Oid {
        self.head
    }
    /// The target files.
    pub fn files(&self) -> &[FileAt] {
        &self.files
    }
    /// The hold file, read in the same call as the targets.
    pub fn holds(&self) -> Option<&FileAt> {
        self.holds.as_ref()
    }
    /// What happened since the source commit.
    pub fn passage(&self) -> &Passage {
        &self.passage
    }
}
