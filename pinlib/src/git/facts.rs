//! What a forge tells of files, trees and commits.

use super::{Oid, RepoPath};
use std::{borrow::Cow, collections::BTreeSet, fmt};

/// What a tree entry is. Only a regular file can be pinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Mode {
    /// 100644
    Regular,
    /// 100755
    Executable,
    /// 120000
    Symlink,
    /// 160000: a submodule's commit.
    Gitlink,
    /// 040000
    Tree,
    /// Any other, as old tools wrote them.
    Other(u32),
}

impl From<u32> for Mode {
    fn from(mode: u32) -> Self {
        match mode {
            0o100_644 => Self::Regular,
            0o100_755 => Self::Executable,
            0o120_000 => Self::Symlink,
            0o160_000 => Self::Gitlink,
            0o040_000 => Self::Tree,
            other => Self::Other(other),
        }
    }
}

impl From<Mode> for u32 {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Regular => 0o100_644,
            Mode::Executable => 0o100_755,
            Mode::Symlink => 0o120_000,
            Mode::Gitlink => 0o160_000,
            Mode::Tree => 0o040_000,
            Mode::Other(other) => other,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self {
            Self::Regular => "a regular file",
            Self::Executable => "an executable file",
            Self::Symlink => "a symbolic link",
            Self::Gitlink => "a submodule",
            Self::Tree => "a folder",
            Self::Other(_) => "no file that git knows today",
        };
        write!(f, "{what} ({:06o})", u32::from(*self))
    }
}

/// One file as it stands in one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileAt {
    /// Where it is.
    pub path: RepoPath,
    /// What it is.
    pub mode: Mode,
    /// The blob that the forge says it is; the core hashes `bytes` against it.
    pub oid: Oid,
    /// What it holds. For a submodule nothing; for a folder nothing.
    pub bytes: Vec<u8>,
}

/// One entry of one tree object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeEntry {
    /// One component of a path. Git does not promise that it is UTF-8.
    pub name: Vec<u8>,
    /// What it is.
    pub mode: Mode,
    /// The blob or tree.
    pub oid: Oid,
}

/// A path as a tree has it, which may be one that pinlib would never write to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(Vec<u8>);

impl TreePath {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
    /// Whether this is `folder`, or in it.
    pub fn is_in(&self, folder: &RepoPath) -> bool {
        let rest = self.0.strip_prefix(folder.as_str().as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }
    /// Whether this is `file`, or a folder that it is in.
    pub(crate) fn leads_to(&self, file: &RepoPath) -> bool {
        let rest = file.as_str().as_bytes().strip_prefix(&self.0[..]);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    }
    /// The path as text, what is not UTF-8 replaced.
    pub fn to_text(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.0)
    }
}

impl PartialEq<RepoPath> for TreePath {
    fn eq(&self, path: &RepoPath) -> bool {
        self.0 == path.as_str().as_bytes()
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.to_text().escape_debug())
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who wrote or committed a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Person {
    pub name: String,
    pub email: String,
}

impl fmt::Display for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <{}>", self.name, self.email)
    }
}

/// What the forge says of a commit's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signature {
    /// There is none.
    Absent,
    /// It is there and the forge vouches for it.
    Valid,
    /// It is there and proves nothing.
    Unproven,
}

/// Who the commits of a forge are by, and whether they come signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The author of each.
    pub author: Person,
    /// The committer of each: on GitHub another than the author.
    pub committer: Person,
    /// The signature of each.
    pub signature: Signature,
}

impl Identity {
    /// Whether a commit is by this identity: each part of it.
    pub fn made(&self, fact: &CommitFact) -> bool {
        self.wrote(fact) && self.signature == fact.signature
    }
    /// Whether a commit says that it is, signed or not.
    pub fn wrote(&self, fact: &CommitFact) -> bool {
        self.author == fact.author && self.committer == fact.committer
    }
}

/// One commit as the forge tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "git's own words")]
pub struct CommitFact {
    pub oid: Oid,
    pub parents: Vec<Oid>,
    pub author: Person,
    pub committer: Person,
    pub signature: Signature,
    /// The committer's seconds since the epoch, for showing alone: anybody sets them, so they order nothing.
    pub committed: i64,
    pub message: String,
}

/// Asks for every ancestor of `upto`, itself included, that `base` does not have, as `git rev-list base..upto` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommitRange {
    /// Whose ancestors are left out. None asks down to the roots.
    pub base: Option<Oid>,
    /// Whose ancestors are asked for.
    pub upto: Oid,
    /// More commits than this are `Incomplete` past a base, and cut where there is none: no more are fetched then.
    pub limit: usize,
}

impl fmt::Display for CommitRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.base {
            Some(base) => write!(f, "{}..{}", base.short(), self.upto.short()),
            None => write!(f, "of {}", self.upto.short()),
        }
    }
}

/// What lies between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum History {
    /// `base` is `upto` or an ancestor of it, by whatever parents; every commit of the range, in any order.
    Descends(Vec<CommitFact>),
    /// No base was given, and there are more commits than the limit. So many of them, in any order: `upto`, and each other one
    /// the parent of one that is told.
    Cut(Vec<CommitFact>),
    /// It is not.
    Unrelated,
}

impl History {
    /// The history of `upto` down to the roots that these commits make: whole where no parent is left out.
    pub fn to_the_roots(upto: Oid, facts: Vec<CommitFact>) -> Self {
        let told: BTreeSet<_> = facts.iter().map(|fact| fact.oid).collect();
        let whole = facts.iter().flat_map(|fact| &fact.parents).chain([&upto]).all(|oid| told.contains(oid));
        if whole { Self::Descends(facts) } else { Self::Cut(facts) }
    }
}
