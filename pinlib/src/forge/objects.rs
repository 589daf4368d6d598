//! Git's objects as pure values: trees looked into and spliced, commits written and read.
//!
//! What both git forges share. Whoever reads objects hands them in by oid, proven to hash to it; nothing here does I/O.

use crate::{
    backend::{BackendError, BackendErrorKind},
    git::{CommitFact, Mode, ObjectFormat, Oid, Person, RepoPath, Signature, TreeEntry},
    guard::GuardedCommit,
    plan::FileEdit,
};
use gix::objs::{CommitRef, Kind, TreeRefIter};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    time::{SystemTime, UNIX_EPOCH},
};

/// Raw tree objects at hand.
pub(crate) type Trees = BTreeMap<Oid, Vec<u8>>;

/// How far the trees at hand lead on the way to a path.
#[derive(Debug)]
pub(crate) enum Walk {
    /// To this entry.
    Found(TreeEntry),
    /// Nowhere: there is no such path.
    Nothing,
    /// Up to this tree, which is not at hand.
    Needs(Oid),
}

/// Follows a path down from a root tree. A symlink or a submodule on the way leads nowhere.
pub(crate) fn walk(root: Oid, path: &RepoPath, trees: &Trees) -> Result<Walk, BackendError> {
    let mut at = root;
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next() {
        let Some(bytes) = trees.get(&at) else { return Ok(Walk::Needs(at)) };
        let Some((entry, _)) = find(at, bytes, part)? else { return Ok(Walk::Nothing) };
        if parts.peek().is_none() {
            return Ok(Walk::Found(entry));
        }
        if entry.mode != Mode::Tree {
            return Ok(Walk::Nothing);
        }
        at = entry.oid;
    }
    Ok(Walk::Nothing)
}

/// Reads a raw tree.
pub(crate) fn tree(oid: Oid, bytes: &[u8]) -> Result<Vec<TreeEntry>, BackendError> {
    TreeRefIter::from_bytes(bytes, hash(oid.format()))
        .map(|entry| {
            let entry = entry.map_err(|error| malformed("tree", oid).with_source(error))?;
            Ok(TreeEntry {
                name: entry.filename.to_vec(),
                mode: Mode::from(u32::from(entry.mode.value())),
                oid: Oid::from_bytes(entry.oid.as_bytes()).ok_or_else(|| malformed("tree", oid))?,
            })
        })
        .collect()
}

/// One entry of a raw tree by its name, and where its oid stands in the bytes.
fn find(oid: Oid, bytes: &[u8], name: &str) -> Result<Option<(TreeEntry, Range<usize>)>, BackendError> {
    let mut entries = TreeRefIter::from_bytes(bytes, hash(oid.format()));
    let mut found = None;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| malformed("tree", oid).with_source(error))?;
        if entry.filename != name {
            continue;
        }
        // Git would take the first, another reader the last.
        if found.is_some() {
            return Err(malformed("tree", oid).because(format!("it has two entries named {name:?}")));
        }
        let end = entries.offset_to_next_entry(bytes);
        let entry = TreeEntry {
            name: entry.filename.to_vec(),
            mode: Mode::from(u32::from(entry.mode.value())),
            oid: Oid::from_bytes(entry.oid.as_bytes()).ok_or_else(|| malformed("tree", oid))?,
        };
        found = Some((entry, end - oid.as_bytes().len()..end));
    }
    Ok(found)
}

/// One entry as a raw tree has it.
fn raw(mode: Mode, name: &str, oid: Oid) -> Vec<u8> {
    [format!("{:o} {name}\0", u32::from(mode)).as_bytes(), oid.as_bytes()].concat()
}

/// Puts a new entry into a raw tree, where git's order has it: a folder is compared as if a slash ended its name.
fn insert(oid: Oid, bytes: &mut Vec<u8>, name: &str, mode: Mode, new: Oid) -> Result<(), BackendError> {
    let key = |name: &[u8], mode| [name, if mode == Mode::Tree { b"/" } else { b"" }].concat();
    let mut entries = TreeRefIter::from_bytes(bytes, hash(oid.format()));
    let mut place = 0;
    while let Some(entry) = entries.next() {
        let entry = entry.map_err(|error| malformed("tree", oid).with_source(error))?;
        if key(entry.filename, Mode::from(u32::from(entry.mode.value()))) > key(name.as_bytes(), mode) {
            break;
        }
        place = entries.offset_to_next_entry(bytes);
    }
    bytes.splice(place..place, raw(mode, name, new));
    Ok(())
}

/// One new object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub kind: Kind,
    pub oid: Oid,
    pub bytes: Vec<u8>,
}

impl Object {
    fn new(format: ObjectFormat, kind: Kind, bytes: Vec<u8>) -> Self {
        Self { kind, oid: oid(format, kind, &bytes), bytes }
    }
}

/// Hashes an object.
pub(crate) fn oid(format: ObjectFormat, kind: Kind, bytes: &[u8]) -> Oid {
    Oid::of(format, &kind.to_string(), bytes)
}

/// A commit with all that is new in it, not signed yet.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    format: ObjectFormat,
    objects: Vec<Object>,
    payload: String,
}

/// A commit with all that is new in it: blobs, trees (innermost first), itself last; each once.
#[derive(Clone, Debug)]
pub(crate) struct NewCommit {
    pub oid: Oid,
    pub objects: Vec<Object>,
}

impl Draft {
    /// Builds the commit out of the trees on the paths of its edits, of which `root` is the expected head's.
    ///
    /// # Errors
    /// `Incomplete` where a tree is not at hand, `NotFound` where a file is not there, `Invalid` where it is anything but
    /// the regular file that the edit starts from.
    pub(crate) fn new(
        commit: &GuardedCommit,
        by: &Person,
        root: Oid,
        trees: &Trees,
    ) -> Result<Self, BackendError> {
        let format = commit.expected_head().format();
        let mut splicer =
            Splicer { head: commit.expected_head(), trees, seen: BTreeSet::new(), objects: vec![] };
        let edits = commit.edits().iter().map(|edit| (edit.path().components().collect(), edit)).collect();
        let tree = splicer.tree(root, edits, 0)?;
        let seconds = seconds(commit.date());
        let payload = format!(
            "tree {tree}\nparent {}\nauthor {by} {seconds} +0000\ncommitter {by} {seconds} +0000\n\n{}",
            commit.expected_head(),
            commit.message()
        );
        Ok(Self { format, objects: splicer.objects, payload })
    }
    /// What a signature signs.
    pub(crate) fn payload(&self) -> &str {
        &self.payload
    }
    /// Puts the signature in, where there is one, as git does: the last header.
    pub(crate) fn seal(mut self, signature: Option<&str>) -> NewCommit {
        let mut text = self.payload;
        if let (Some(signature), Some(end)) = (signature, text.find("\n\n")) {
            let field = format!("{} {}\n", field(self.format), signature.trim_end().replace('\n', "\n "));
            text.insert_str(end + 1, &field);
        }
        let commit = Object::new(self.format, Kind::Commit, text.into_bytes());
        let oid = commit.oid;
        self.objects.push(commit);
        NewCommit { oid, objects: self.objects }
    }
}

/// Rewrites trees from the leaves up.
struct Splicer<'a> {
    head: Oid,
    trees: &'a Trees,
    seen: BTreeSet<Oid>,
    objects: Vec<Object>,
}

impl Splicer<'_> {
    /// Puts new oids into a tree in the place of the old. Names, modes, order and every other entry stand as they stood,
    /// whatever old tools made of them: nothing is written anew.
    fn tree(
        &mut self,
        oid: Oid,
        edits: Vec<(Vec<&str>, &FileEdit)>,
        depth: usize,
    ) -> Result<Oid, BackendError> {
        let mut bytes = self.trees.get(&oid).cloned().ok_or_else(|| {
            BackendError::new(BackendErrorKind::Incomplete, format!("read tree {oid}"))
                .because("the repository does not have it")
        })?;
        let mut below = BTreeMap::<&str, Vec<_>>::new();
        for (parts, edit) in edits {
            below.entry(parts.get(depth).copied().unwrap_or_default()).or_default().push((parts, edit));
        }
        for (name, edits) in below {
            let Some((_, first)) = edits.first() else { continue };
            let (path, head) = (first.path().clone(), self.head);
            let refuse = |kind, why: String| {
                BackendError::new(kind, format!("edit {path} at {}", head.short())).because(why)
            };
            let missing = || refuse(BackendErrorKind::NotFound, "the commit has no such file".to_owned());
            let Some((entry, place)) = find(oid, &bytes, name)? else {
                let [(parts, edit)] = &edits[..] else { return Err(missing()) };
                let (mode, new) = self.create(&parts[depth + 1..], edit).ok_or_else(missing)?;
                insert(oid, &mut bytes, name, mode, new)?;
                continue;
            };
            let new = match &edits[..] {
                [(parts, edit)] if parts.len() == depth + 1 => {
                    let Some(before) = edit.before() else {
                        let why = format!("it is {} already", entry.mode);
                        return Err(refuse(BackendErrorKind::Invalid, why));
                    };
                    if entry.mode != Mode::Regular {
                        let why = format!("it is {}, not a regular file (100644)", entry.mode);
                        return Err(refuse(BackendErrorKind::Invalid, why));
                    }
                    if entry.oid != before.oid {
                        let why = format!("it is {}, not {} as the edit has it", entry.oid, before.oid);
                        return Err(refuse(BackendErrorKind::Invalid, why));
                    }
                    self.add(Kind::Blob, edit.bytes().to_vec())
                }
                _ if entry.mode == Mode::Tree => self.tree(entry.oid, edits, depth + 1)?,
                _ => return Err(missing()),
            };
            bytes[place].copy_from_slice(new.as_bytes());
        }
        Ok(self.add(Kind::Tree, bytes))
    }

    /// Makes a file that is not there yet, in folders that are not there yet; none where it should be there.
    fn create(&mut self, folders: &[&str], edit: &FileEdit) -> Option<(Mode, Oid)> {
        if edit.before().is_some() {
            return None;
        }
        let blob = self.add(Kind::Blob, edit.bytes().to_vec());
        Some(folders.iter().rev().fold((Mode::Regular, blob), |(mode, inner), name| {
            (Mode::Tree, self.add(Kind::Tree, raw(mode, name, inner)))
        }))
    }

    fn add(&mut self, kind: Kind, bytes: Vec<u8>) -> Oid {
        let object = Object::new(self.head.format(), kind, bytes);
        let oid = object.oid;
        if self.seen.insert(oid) {
            self.objects.push(object);
        }
        oid
    }
}

/// A commit as it is read.
#[derive(Clone, Debug)]
pub(crate) struct Commit {
    /// Its root tree.
    pub tree: Oid,
    /// What it says. A signature that is there proves nothing yet.
    pub fact: CommitFact,
    /// Its signature, where it has just one.
    pub signed: Option<Signed>,
}

/// A signature and what it is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub payload: Vec<u8>,
    pub signature: String,
}

/// Reads a commit object. What is not UTF-8 in it is replaced.
pub(crate) fn commit(oid: Oid, bytes: &[u8]) -> Result<Commit, BackendError> {
    let wrong = |error: gix::Error| malformed("commit", oid).with_source(error);
    let commit = CommitRef::from_bytes(bytes, hash(oid.format())).map_err(wrong)?;
    let name = |id: gix::ObjectId| Oid::from_bytes(id.as_bytes()).ok_or_else(|| malformed("commit", oid));
    let person = |who: gix::actor::SignatureRef<'_>| Person {
        name: String::from_utf8_lossy(who.name).into_owned(),
        email: String::from_utf8_lossy(who.email).into_owned(),
    };
    let (signature, signed) = signed(oid.format(), bytes);
    let fact = CommitFact {
        oid,
        parents: commit.parents().map(name).collect::<Result<_, _>>()?,
        author: person(commit.author().map_err(wrong)?),
        committer: person(commit.committer().map_err(wrong)?),
        signature,
        committed: commit.committer().map_err(wrong)?.seconds(),
        message: String::from_utf8_lossy(commit.message).into_owned(),
    };
    Ok(Commit { tree: name(commit.tree())?, fact, signed })
}

/// Whether a commit has a signature, and where it has just one, of the repository's own hash, what it is over.
fn signed(format: ObjectFormat, bytes: &[u8]) -> (Signature, Option<Signed>) {
    let (mut payload, mut signature) = (Vec::with_capacity(bytes.len()), Vec::new());
    let (mut count, mut foreign, mut inside) = (0, false, false);
    let mut rest = bytes;
    while !rest.starts_with(b"\n") && !rest.is_empty() {
        let end = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let (line, tail) = rest.split_at(end);
        rest = tail;
        let own = line.strip_prefix(field(format).as_bytes()).and_then(|line| line.strip_prefix(b" "));
        if let Some(first) = own {
            (count, inside) = (count + 1, true);
            signature.extend_from_slice(first);
        } else if line.starts_with(b"gpgsig") {
            foreign = true;
        } else if let (true, Some(next)) = (inside, line.strip_prefix(b" ")) {
            signature.extend_from_slice(next);
        } else {
            inside = false;
            payload.extend_from_slice(line);
        }
    }
    payload.extend_from_slice(rest);
    match (count, foreign) {
        (0, false) => (Signature::Absent, None),
        (1, false) => {
            let signature = String::from_utf8_lossy(&signature).into_owned();
            (Signature::Unproven, Some(Signed { payload, signature }))
        }
        _ => (Signature::Unproven, None),
    }
}

/// The header that a signature stands in. Source: <https://git-scm.com/docs/gitformat-signature>.
fn field(format: ObjectFormat) -> &'static str {
    match format {
        ObjectFormat::Sha1 => "gpgsig",
        ObjectFormat::Sha256 => "gpgsig-sha256",
    }
}

pub(crate) fn hash(format: ObjectFormat) -> gix::hash::Kind {
    match format {
        ObjectFormat::Sha1 => gix::hash::Kind::Sha1,
        ObjectFormat::Sha256 => gix::hash::Kind::Sha256,
    }
}

fn malformed(kind: &str, oid: Oid) -> BackendError {
    BackendError::new(BackendErrorKind::Invalid, format!("read {kind} {oid}")).because("it is malformed")
}

/// Whole seconds since the epoch, which git knows before it, too.
pub(crate) fn seconds(date: SystemTime) -> i128 {
    match date.duration_since(UNIX_EPOCH) {
        Ok(since) => i128::from(since.as_secs()),
        Err(before) => -i128::from(before.duration().as_secs()),
    }
}
