//! The git objects of a pin commit, built of the trees at the expected head alone: no work tree, no index.

use super::sign::Author;
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::CommitError,
    git::{CommitFact, Mode, ObjectFormat, Oid, Person, RepoPath, Signature, TreeEntry},
    guard::GuardedCommit,
};
use gix::{hash::Kind as HashKind, objs::CommitRef};
use std::{collections::BTreeMap, ops::Range, time::UNIX_EPOCH};

/// What an object is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ObjectKind {
    Blob,
    Tree,
    Commit,
}

impl ObjectKind {
    /// The word in its header.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Blob => "blob",
            Self::Tree => "tree",
            Self::Commit => "commit",
        }
    }
}

/// One object, as it is hashed: without its header.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) kind: ObjectKind,
    pub(crate) oid: Oid,
    pub(crate) bytes: Vec<u8>,
}

impl Object {
    fn new(format: ObjectFormat, kind: ObjectKind, bytes: Vec<u8>) -> Self {
        Self { kind, oid: Oid::of(format, kind.as_str(), &bytes), bytes }
    }
}

/// Builds the objects of a commit: blobs, then trees, inner ones first, then the commit itself, last.
///
/// `root` is the tree of the expected head; `trees` holds it, and each tree on the way to an edited file, by oid. A tree
/// keeps each byte but the oids of what changed below it.
///
/// # Errors
/// `NotLanded`: a file that is not there, or not a regular one; a signature that cannot be made.
pub(crate) async fn build(
    commit: &GuardedCommit,
    root: Oid,
    trees: &BTreeMap<Oid, Vec<u8>>,
    author: &Author,
) -> Result<Vec<Object>, CommitError> {
    let format = root.format();
    let (mut objects, mut changes) = (Vec::new(), Vec::new());
    for edit in commit.edits() {
        let blob = Object::new(format, ObjectKind::Blob, edit.bytes().to_vec());
        changes.push((edit.path(), edit.path().components().collect::<Vec<_>>(), blob.oid));
        objects.push(blob);
    }
    let tree = graft(root, trees, &changes, &mut objects)?;
    let seconds = commit.date().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let person = &author.person();
    let by = format!("{person} {seconds} +0000");
    let parent = commit.expected_head();
    let head = format!("tree {tree}\nparent {parent}\nauthor {by}\ncommitter {by}\n");
    let message = commit.message();
    let unsigned = format!("{head}\n{message}");
    let signature = author.sign(unsigned.as_bytes()).await.map_err(CommitError::NotLanded)?;
    let whole = match signature {
        None => unsigned,
        // A header that goes on, goes on after a blank.
        Some(armor) => {
            let lines = armor.trim_end().replace('\n', "\n ");
            format!("{head}{} {lines}\n\n{message}", signature_header(format))
        }
    };
    objects.push(Object::new(format, ObjectKind::Commit, whole.into_bytes()));
    Ok(objects)
}

fn signature_header(format: ObjectFormat) -> &'static str {
    match format {
        ObjectFormat::Sha1 => "gpgsig",
        ObjectFormat::Sha256 => "gpgsig-sha256",
    }
}

/// A file that changes, what is left of its path from here, and its new blob.
type Changed<'a> = (&'a RepoPath, Vec<&'a str>, Oid);

/// Puts new blobs into a tree, and answers the tree's new oid.
fn graft(
    tree: Oid,
    trees: &BTreeMap<Oid, Vec<u8>>,
    changes: &[Changed<'_>],
    objects: &mut Vec<Object>,
) -> Result<Oid, CommitError> {
    let refuse = |path: &RepoPath, kind, reason: String| {
        CommitError::NotLanded(BackendError::new(kind, format!("commit {path}")).because(reason))
    };
    let mut below = BTreeMap::<&str, Vec<Changed<'_>>>::new();
    for (path, way, blob) in changes {
        if let Some((name, rest)) = way.split_first() {
            below.entry(name).or_default().push((path, rest.to_vec(), *blob));
        }
    }
    let any = changes.first().map(|(path, ..)| *path);
    let unread = || {
        any.map(|path| refuse(path, BackendErrorKind::Incomplete, format!("the tree {tree} was not read")))
    };
    let Some(mut bytes) = trees.get(&tree).cloned() else {
        return unread().map_or(Ok(tree), Err);
    };
    let Some(entries) = spans(&bytes, tree.format()) else {
        return unread().map_or(Ok(tree), Err);
    };
    for (name, changes) in below {
        let path = changes[0].0;
        let found = entries.iter().find(|(entry, _)| entry.name == name.as_bytes());
        let leaf = changes.iter().find(|(_, rest, _)| rest.is_empty());
        let new = match (found, leaf) {
            (None, _) => {
                return Err(refuse(path, BackendErrorKind::NotFound, "the commit has no such file".into()));
            }
            (Some((entry, _)), Some((_, _, blob))) if entry.mode == Mode::Regular && changes.len() == 1 => {
                *blob
            }
            (Some((entry, _)), None) if entry.mode == Mode::Tree => {
                graft(entry.oid, trees, &changes, objects)?
            }
            (Some((entry, _)), _) => {
                return Err(refuse(path, BackendErrorKind::Invalid, format!("it is {}", entry.mode)));
            }
        };
        if let Some((_, span)) = found {
            bytes[span.clone()].copy_from_slice(new.as_bytes());
        }
    }
    let new = Object::new(tree.format(), ObjectKind::Tree, bytes);
    let oid = new.oid;
    objects.push(new);
    Ok(oid)
}

/// Reads a tree object: `MODE NAME NUL OID`, again and again. None where it is not one.
pub(crate) fn entries(bytes: &[u8], format: ObjectFormat) -> Option<Vec<TreeEntry>> {
    Some(spans(bytes, format)?.into_iter().map(|(entry, _)| entry).collect())
}

/// Each entry, and where its oid stands.
fn spans(bytes: &[u8], format: ObjectFormat) -> Option<Vec<(TreeEntry, Range<usize>)>> {
    let length = match format {
        ObjectFormat::Sha1 => 20,
        ObjectFormat::Sha256 => 32,
    };
    let (mut at, mut found) = (0, Vec::new());
    while at < bytes.len() {
        let rest = &bytes[at..];
        let nul = rest.iter().position(|byte| *byte == 0)?;
        let blank = rest[..nul].iter().position(|byte| *byte == b' ')?;
        let mode = u32::from_str_radix(std::str::from_utf8(&rest[..blank]).ok()?, 8).ok()?;
        let span = at + nul + 1..at + nul + 1 + length;
        let oid = Oid::from_bytes(bytes.get(span.clone())?)?;
        let name = rest[blank + 1..nul].to_vec();
        at = span.end;
        found.push((TreeEntry { name, mode: mode.into(), oid }, span));
    }
    Some(found)
}

/// A commit object, read: its facts, its tree, and where it is signed what was signed.
pub(crate) struct ParsedCommit {
    /// The signature is `Unproven` where there is one: [`Author::judge`] may know better.
    pub(crate) fact: CommitFact,
    pub(crate) tree: Oid,
    /// The signature, and the bytes that it is over.
    pub(crate) signed: Option<(String, Vec<u8>)>,
}

/// Reads a commit object; None where it is not one.
pub(crate) fn commit(oid: Oid, bytes: &[u8]) -> Option<ParsedCommit> {
    let hash = match oid.format() {
        ObjectFormat::Sha1 => HashKind::Sha1,
        ObjectFormat::Sha256 => HashKind::Sha256,
    };
    let read = CommitRef::from_bytes(bytes, hash).ok()?;
    let by = |who: gix::actor::SignatureRef<'_>| Person {
        name: who.name.to_string(),
        email: who.email.to_string(),
    };
    let parents = read.parents().map(|id| Oid::from_bytes(id.as_slice())).collect::<Option<Vec<_>>>()?;
    let header = signature_header(oid.format());
    let signed = read
        .extra_headers()
        .find(header)
        .and_then(|armor| Some((armor.to_string(), without(bytes, header)?)));
    let fact = CommitFact {
        oid,
        parents,
        author: by(read.author().ok()?),
        committer: by(read.committer().ok()?),
        signature: if signed.is_some() { Signature::Unproven } else { Signature::Absent },
        message: String::from_utf8_lossy(read.message).into_owned(),
    };
    Some(ParsedCommit { fact, tree: Oid::from_bytes(read.tree().as_slice())?, signed })
}

/// The commit as it was before it was signed: without that header and the lines that go on with it.
fn without(bytes: &[u8], header: &str) -> Option<Vec<u8>> {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n")? + 1;
    let (mut kept, mut inside) = (Vec::with_capacity(bytes.len()), false);
    for line in bytes[..end].split_inclusive(|byte| *byte == b'\n') {
        inside = if line.starts_with(b" ") {
            inside
        } else {
            line.strip_prefix(header.as_bytes()).is_some_and(|rest| rest.starts_with(b" "))
        };
        if !inside {
            kept.extend_from_slice(line);
        }
    }
    kept.extend_from_slice(&bytes[end..]);
    Some(kept)
}
