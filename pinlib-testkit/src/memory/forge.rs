//! One repository in memory.

use super::{not_found, review::Pull};
use crate::sim::Yield;
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, BranchName, CommitError, CommitFact, CommitRange, FileAt, FileEdit,
    GitForge, GuardedCommit, History, Identity, Mode, ObjectFormat, Oid, Person, Record, RepoPath, Signature,
    TreeEntry,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Every file of a commit.
pub type Files = BTreeMap<RepoPath, Vec<u8>>;

/// What a commit holds at each path: files and links with their bytes, a submodule with its commit's hex.
type Entries = BTreeMap<RepoPath, (Mode, Vec<u8>)>;

fn regular(changes: Files) -> Entries {
    changes.into_iter().map(|(path, bytes)| (path, (Mode::Regular, bytes))).collect()
}

fn oid_of(mode: Mode, bytes: &[u8]) -> Oid {
    let commit = std::str::from_utf8(bytes).ok().and_then(|hex| hex.parse().ok());
    commit.filter(|_| mode == Mode::Gitlink).unwrap_or_else(|| Oid::of(ObjectFormat::Sha1, "blob", bytes))
}

/// A tree's entries as bytes to hash: who is equal here is equal.
fn listed(entries: &[TreeEntry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for TreeEntry { name, mode, oid } in entries {
        bytes.extend(u32::from(*mode).to_be_bytes());
        bytes.extend(name);
        bytes.push(0);
        bytes.extend(oid.as_bytes());
    }
    bytes
}

/// Who the memory forge's commits are by: an author, and as on GitHub another committer, signed.
pub fn bot() -> Identity {
    let person = |name: &str| Person { name: name.into(), email: format!("{name}@forge.test") };
    Identity { author: person("bot"), committer: person("forge"), signature: Signature::Valid }
}

/// Who everyone else is.
pub fn human() -> Identity {
    let person = Person { name: "human".into(), email: "human@home.test".into() };
    Identity { author: person.clone(), committer: person, signature: Signature::Absent }
}

/// One repository in memory.
#[derive(Debug, Default)]
pub struct MemoryForge(Mutex<State>);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) commits: BTreeMap<Oid, (CommitFact, Entries)>,
    trees: BTreeMap<Oid, Vec<TreeEntry>>,
    /// Every head that each branch ever had, newest last; none where it was deleted.
    heads: BTreeMap<BranchName, Vec<Option<Oid>>>,
    /// The branches that no pin may be put on.
    pub(super) protected: BTreeSet<BranchName>,
    /// The pull requests, the oldest first.
    pub(super) pulls: Vec<Pull>,
}

impl State {
    pub(super) fn head(&self, branch: &BranchName) -> Option<Oid> {
        self.heads.get(branch)?.last().copied().flatten()
    }

    fn entries(&mut self, files: &[(&str, Mode, &[u8])]) -> Vec<TreeEntry> {
        let mut entries = Vec::new();
        let mut below = BTreeMap::<&str, Vec<(&str, Mode, &[u8])>>::new();
        for &(path, mode, bytes) in files {
            match path.split_once('/') {
                Some((folder, rest)) => below.entry(folder).or_default().push((rest, mode, bytes)),
                None => {
                    entries.push(TreeEntry { name: path.as_bytes().into(), mode, oid: oid_of(mode, bytes) });
                }
            }
        }
        for (folder, files) in below {
            let inner = self.entries(&files);
            let oid = Oid::of(ObjectFormat::Sha1, "tree", &listed(&inner));
            self.trees.insert(oid, inner);
            entries.push(TreeEntry { name: folder.into(), mode: Mode::Tree, oid });
        }
        entries
    }

    fn write(&mut self, parents: &[Oid], by: &Identity, changes: Entries, message: &str) -> Oid {
        let mut files = parents
            .first()
            .and_then(|oid| self.commits.get(oid))
            .map(|(_, files)| files.clone())
            .unwrap_or_default();
        files.extend(changes);
        self.store(parents, by, files, message)
    }

    fn store(&mut self, parents: &[Oid], by: &Identity, files: Entries, message: &str) -> Oid {
        let view: Vec<_> =
            files.iter().map(|(path, (mode, bytes))| (path.as_str(), *mode, bytes.as_slice())).collect();
        let root = self.entries(&view);
        let mut content = listed(&root);
        content.extend(parents.iter().flat_map(Oid::as_bytes));
        let Identity { author, committer, signature } = by.clone();
        for part in [&author.name, &author.email, &committer.name, &committer.email, message] {
            content.extend(part.as_bytes());
            content.push(0);
        }
        content.push(u8::from(signature == Signature::Valid));
        let oid = Oid::of(ObjectFormat::Sha1, "commit", &content);
        let fact = CommitFact {
            oid,
            parents: parents.into(),
            author,
            committer,
            signature,
            committed: 0,
            message: message.into(),
        };
        self.trees.insert(oid, root);
        self.commits.insert(oid, (fact, files));
        oid
    }

    /// Moves branches at one instant.
    pub(super) fn set(&mut self, moves: impl IntoIterator<Item = (BranchName, Option<Oid>)>) {
        for (branch, head) in moves {
            self.heads.entry(branch).or_default().push(head);
        }
        self.follow();
    }

    /// What a commit has at a path: a folder, too.
    fn entry(&self, at: Oid, path: &RepoPath) -> Option<TreeEntry> {
        let mut found: Option<TreeEntry> = None;
        for name in path.components() {
            let tree = found.map_or(at, |folder| folder.oid);
            found = self.trees.get(&tree)?.iter().find(|entry| entry.name == name.as_bytes()).cloned();
            found.as_ref()?;
        }
        found
    }

    /// So many ancestors, each found by a child: sides before the line, as a history ordered by dates may have it.
    fn down_from(&self, oid: Oid, limit: usize) -> Vec<CommitFact> {
        let (mut facts, mut seen, mut todo) = (Vec::new(), BTreeSet::new(), vec![oid]);
        while let Some(oid) = todo.pop().filter(|_| facts.len() < limit) {
            if let Some((fact, _)) = self.commits.get(&oid).filter(|_| seen.insert(oid)) {
                todo.extend(&fact.parents);
                facts.push(fact.clone());
            }
        }
        facts
    }

    pub(super) fn ancestors(&self, of: Oid) -> BTreeSet<Oid> {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![of]);
        while let Some(oid) = todo.pop() {
            if seen.insert(oid) {
                todo.extend(self.commits.get(&oid).into_iter().flat_map(|(fact, _)| &fact.parents));
            }
        }
        seen
    }
}

impl MemoryForge {
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Writes a commit on no branch: the first parent's files with these changes. Merges, picks and amends are made of it.
    pub fn write(&self, parents: &[Oid], by: &Identity, changes: &[(RepoPath, &str)], message: &str) -> Oid {
        let changes = changes.iter().map(|(path, text)| (path.clone(), text.as_bytes().to_vec())).collect();
        self.state().write(parents, by, regular(changes), message)
    }
    /// The same with modes, which may be any: a submodule's bytes are its commit's hex.
    pub fn write_entries(
        &self,
        parents: &[Oid],
        by: &Identity,
        changes: &[(RepoPath, Mode, &[u8])],
        message: &str,
    ) -> Oid {
        let entry = |(path, mode, bytes): &(RepoPath, Mode, &[u8])| (path.clone(), (*mode, bytes.to_vec()));
        self.state().write(parents, by, changes.iter().map(entry).collect(), message)
    }
    /// Moves the branch anywhere, as a force-push does, or deletes it.
    pub fn force(&self, branch: &BranchName, to: Option<Oid>) {
        self.state().set([(branch.clone(), to)]);
    }
    /// Pushes a human's commit onto whatever the head is.
    pub fn push(&self, branch: &BranchName, changes: &[(RepoPath, &str)], message: &str) -> Oid {
        let parents: Vec<_> = self.state().head(branch).into_iter().collect();
        let oid = self.write(&parents, &human(), changes, message);
        self.force(branch, Some(oid));
        oid
    }
    /// Lets a rule of the server refuse every pin on this branch, or no more.
    pub fn protect(&self, branch: &BranchName, protected: bool) {
        let rules = &mut self.state().protected;
        if protected {
            rules.insert(branch.clone());
        } else {
            rules.remove(branch);
        }
    }
    /// Writes a human's commit on no branch that takes a file away.
    pub fn without(&self, parent: Oid, path: &RepoPath, message: &str) -> Oid {
        let mut state = self.state();
        let mut files = state.commits.get(&parent).map(|(_, files)| files.clone()).unwrap_or_default();
        files.remove(path);
        state.store(&[parent], &human(), files, message)
    }
    /// Writes a human's commit on no branch that puts a link where a folder was.
    pub fn link(&self, parent: Oid, folder: &RepoPath, to: &str, message: &str) -> Oid {
        let mut state = self.state();
        let mut files = state.commits.get(&parent).map(|(_, files)| files.clone()).unwrap_or_default();
        files.retain(|path, _| !path.as_str().starts_with(&format!("{folder}/")));
        files.insert(folder.clone(), (Mode::Symlink, to.into()));
        state.store(&[parent], &human(), files, message)
    }
    /// Puts a pin of regular files on the branch with no comparison at all: for forges that are wrong on purpose.
    pub fn put(&self, commit: &GuardedCommit) -> Option<Oid> {
        let parent = self.state().head(commit.branch())?;
        self.put_on(parent, commit)
    }
    /// Moves the branch from wherever it is to a pin of regular files on this parent: likewise.
    pub fn put_on(&self, parent: Oid, commit: &GuardedCommit) -> Option<Oid> {
        let mut state = self.state();
        let fits = |edit: &FileEdit| match state.entry(parent, edit.path()) {
            Some(entry) => entry.mode == Mode::Regular,
            None => edit.before().is_none(),
        };
        if !commit.edits().iter().all(fits) {
            return None;
        }
        let changes =
            commit.edits().iter().map(|edit| (edit.path().clone(), edit.bytes().to_vec())).collect();
        let oid = state.write(&[parent], &bot(), regular(changes), &commit.message());
        state.set([(commit.branch().clone(), Some(oid))]);
        Some(oid)
    }
    /// A commit as it is.
    pub fn fact(&self, oid: Oid) -> Option<CommitFact> {
        self.state().commits.get(&oid).map(|(fact, _)| fact.clone())
    }
    /// Every file of a commit.
    pub fn files(&self, oid: Oid) -> Files {
        let entries = self.state().commits.get(&oid).map(|(_, entries)| entries.clone()).unwrap_or_default();
        entries.into_iter().map(|(path, (_, bytes))| (path, bytes)).collect()
    }
    /// One file of a commit.
    pub fn file(&self, at: Oid, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let (_, entries) = state.commits.get(&at)?;
        entries.iter().find(|(name, _)| name.as_str() == path).map(|(_, (_, bytes))| bytes.clone())
    }
    /// Every head that the branch had, oldest first.
    pub fn heads(&self, branch: &BranchName) -> Vec<Option<Oid>> {
        self.state().heads.get(branch).cloned().unwrap_or_default()
    }
    /// A commit and all its ancestors.
    pub fn ancestors(&self, of: Oid) -> BTreeSet<Oid> {
        self.state().ancestors(of)
    }
    /// A commit's first-parent chain, newest first.
    pub fn line(&self, from: Oid) -> Vec<CommitFact> {
        std::iter::successors(self.fact(from), |fact| self.fact(*fact.parents.first()?)).collect()
    }

    fn swap(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let mut state = self.state();
        let (branch, expected) = (commit.branch(), commit.expected_head());
        let Some(actual) = state.head(branch) else {
            return Err(CommitError::NotLanded(not_found(format!("commit to {branch}"))));
        };
        if actual != expected {
            return Err(CommitError::HeadMoved { branch: branch.clone(), expected, actual: Some(actual) });
        }
        if state.protected.contains(branch) {
            return Err(CommitError::Rejected {
                rule: Some("protected".into()),
                message: "no pins here".into(),
            });
        }
        // Stricter than any server: what the core promises of a commit is checked, not believed.
        let message = commit.message();
        let Some((_, base)) = state.commits.get(&expected) else { return Err(refuse("no such parent")) };
        let mut changes = Files::new();
        for edit in commit.edits() {
            match (base.get(edit.path()), edit.before()) {
                (Some((Mode::Regular, old)), Some(before)) if *old == before.bytes && old != edit.bytes() => {
                }
                (None, None) => {}
                _ => {
                    return Err(refuse(
                        "an edit does not start from the regular file at the expected head, or changes nothing",
                    ));
                }
            }
            changes.insert(edit.path().clone(), edit.bytes().to_vec());
        }
        if changes.is_empty() || Record::parse(&message).as_ref() != Some(commit.record()) {
            return Err(refuse("an empty commit, or a record that cannot be read back"));
        }
        let oid = state.write(&[expected], &bot(), regular(changes), &message);
        state.set([(branch.clone(), Some(oid))]);
        Ok(oid)
    }
}

fn refuse(message: &str) -> CommitError {
    CommitError::Rejected { rule: Some("strict".into()), message: message.into() }
}

impl fmt::Display for MemoryForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory forge")
    }
}

#[async_trait]
impl GitForge for MemoryForge {
    async fn identity(&self) -> Result<Identity, BackendError> {
        Ok(bot())
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let head = self.state().head(branch);
        Yield::default().await;
        head.ok_or_else(|| not_found(format!("read head of {branch}")))
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let state = self.state();
        let file = |(at, path): &(Oid, RepoPath)| {
            let (_, files) = state.commits.get(at).ok_or_else(|| not_found(format!("read commit {at}")))?;
            let Some(TreeEntry { mode, oid, .. }) = state.entry(*at, path) else { return Ok(None) };
            let bytes = files.get(path).filter(|_| mode != Mode::Gitlink).map(|(_, bytes)| bytes.clone());
            Ok(Some(FileAt { path: path.clone(), mode, oid, bytes: bytes.unwrap_or_default() }))
        };
        wanted.iter().map(file).collect()
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        let state = self.state();
        oids.iter()
            .map(|oid| state.trees.get(oid).cloned().ok_or_else(|| not_found(format!("read tree {oid}"))))
            .collect()
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        let state = self.state();
        let Some(base) = range.base else {
            if !state.commits.contains_key(&range.upto) {
                return Err(not_found(format!("read the history {range}")));
            }
            return Ok(History::to_the_roots(range.upto, state.down_from(range.upto, range.limit)));
        };
        let (have, all) = (state.ancestors(base), state.ancestors(range.upto));
        if !all.contains(&base) {
            return Ok(History::Unrelated);
        }
        let facts: Vec<_> =
            all.difference(&have).filter_map(|oid| Some(state.commits.get(oid)?.0.clone())).collect();
        if facts.len() > range.limit {
            return Err(BackendError::new(BackendErrorKind::Incomplete, format!("read {range:?}")));
        }
        Ok(History::Descends(facts))
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let answer = self.swap(commit);
        Yield::default().await;
        answer
    }
}
