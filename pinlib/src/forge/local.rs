//! A repository on this machine, bare or not, by gix: objects and refs, never a work tree.

use super::{
    objects::{self, ObjectKind, ParsedCommit},
    sign::Author,
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{CommitError, GitForge},
    git::{BranchName, CommitRange, FileAt, History, Identity, Mode, ObjectFormat, Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
};
use async_trait::async_trait;
use gix::{
    ObjectId, Repository,
    bstr::ByteSlice,
    objs::{Kind, Write as _},
    refs::{
        Target,
        transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog},
    },
};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    error::Error as StdError,
    fmt,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

/// Whether a pin may move a branch that a work tree has checked out: its files would then differ from its head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CheckedOut {
    /// It may not, as with `git push`.
    #[default]
    Refuse,
    /// It may.
    Allow,
}

/// A target is read into memory whole; a larger file is no manifest.
const LARGEST_FILE: u64 = 16 << 20;

/// How long a lock of another process is waited for, as git does.
const LOCK: Duration = Duration::from_millis(100);

/// A repository on disk. The compare-and-swap is git's own: the ref is locked, read, compared and replaced.
///
/// No hook runs: a repository on disk has no server that could refuse. Objects are written before the ref moves, so that
/// a crash leaves some that nothing names, which git prunes.
#[derive(Clone, Debug)]
pub struct LocalForge {
    path: PathBuf,
    author: Author,
    checked_out: CheckedOut,
}

impl fmt::Display for LocalForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())
    }
}

/// What gix says, all of it in one line.
fn reason(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let more = inner.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = inner.source();
    }
    text.replace('\n', " ")
}

fn failed(
    kind: BackendErrorKind,
    act: &str,
    error: impl Into<Box<dyn StdError + Send + Sync>>,
) -> BackendError {
    let error = error.into();
    BackendError::new(kind, act).because(reason(&*error)).with_source(error)
}

fn id(oid: Oid) -> ObjectId {
    ObjectId::from_bytes_or_panic(oid.as_bytes())
}

impl LocalForge {
    /// Opens the repository at a path: its git folder, or the folder that holds it.
    ///
    /// # Errors
    /// `NotFound` where there is none; `Unsupported` where its refs are a reftable; `Invalid` where it is damaged.
    pub fn open(
        path: impl AsRef<Path>,
        author: Author,
        checked_out: CheckedOut,
    ) -> Result<Self, BackendError> {
        let path = path.as_ref().to_path_buf();
        Reader::open(&path)?;
        Ok(Self { path, author, checked_out })
    }

    /// Runs blocking work where it may block.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Reader) -> Result<T, BackendError> + Send + 'static,
    ) -> Result<T, BackendError> {
        let path = self.path.clone();
        let done = tokio::task::spawn_blocking(move || work(&Reader::open(&path)?)).await;
        done.map_err(|error| failed(BackendErrorKind::Unavailable, "read the repository", error))?
    }
}

/// The repository as it is now: opened for each call, so that nothing that others change is remembered.
struct Reader(Repository);

impl Reader {
    fn open(path: &Path) -> Result<Self, BackendError> {
        let act = format!("open the repository {}", path.display());
        if !path.exists() {
            return Err(BackendError::new(BackendErrorKind::NotFound, act).because("there is no such folder"));
        }
        // What is hashed must be what is stored: no object stands for another.
        let options = gix::open::Options::isolated().config_overrides(["core.useReplaceRefs=false"]);
        let repository = gix::open_opts(path, options).map_err(|error| {
            let there = path.join(".git").exists() || path.join("HEAD").exists();
            let kind = if there { BackendErrorKind::Invalid } else { BackendErrorKind::NotFound };
            failed(kind, &act, error)
        })?;
        let storage = repository.config_snapshot().string("extensions.refStorage");
        if storage.is_some_and(|storage| !storage.eq_ignore_ascii_case(b"files")) {
            return Err(BackendError::new(BackendErrorKind::Unsupported, act)
                .because("its refs are stored as a reftable, which cannot be written yet"));
        }
        Ok(Self(repository))
    }

    /// An object, or none where the repository does not have it.
    fn object(&self, oid: Oid, act: &str) -> Result<Option<(Kind, Vec<u8>)>, BackendError> {
        let same_hash = match oid.format() {
            ObjectFormat::Sha1 => self.0.object_hash() == gix::hash::Kind::Sha1,
            ObjectFormat::Sha256 => self.0.object_hash() == gix::hash::Kind::Sha256,
        };
        if !same_hash {
            return Ok(None);
        }
        let found =
            self.0.try_find_object(id(oid)).map_err(|error| failed(BackendErrorKind::Invalid, act, error))?;
        Ok(found.map(|object| (object.kind, object.detach().data)))
    }

    /// An object that another one names, so that it must be there.
    fn inner(&self, oid: Oid, kind: Kind, act: &str) -> Result<Vec<u8>, BackendError> {
        match self.object(oid, act)? {
            Some((found, bytes)) if found == kind => Ok(bytes),
            Some((found, _)) => Err(BackendError::new(BackendErrorKind::Invalid, act)
                .because(format!("{oid} is a {found}, not a {kind}"))),
            None => Err(BackendError::new(BackendErrorKind::Incomplete, act).because(format!(
                "the repository lacks the {kind} {oid}: is it a shallow or a partial clone?"
            ))),
        }
    }

    fn commit(&self, oid: Oid) -> Result<ParsedCommit, BackendError> {
        let act = format!("read commit {oid}");
        match self.object(oid, &act)? {
            Some((Kind::Commit, bytes)) => objects::commit(oid, &bytes)
                .ok_or_else(|| BackendError::new(BackendErrorKind::Invalid, act).because("it is damaged")),
            Some((other, _)) => {
                Err(BackendError::new(BackendErrorKind::Invalid, act).because(format!("it is a {other}")))
            }
            None => Err(BackendError::new(BackendErrorKind::NotFound, act)),
        }
    }

    fn tree(&self, oid: Oid) -> Result<(Vec<u8>, Vec<TreeEntry>), BackendError> {
        let act = format!("read tree {oid}");
        let bytes = self.inner(oid, Kind::Tree, &act)?;
        let entries = objects::entries(&bytes, oid.format())
            .ok_or_else(|| BackendError::new(BackendErrorKind::Invalid, act).because("it is damaged"))?;
        Ok((bytes, entries))
    }

    /// Where a branch stands.
    fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let act = format!("read head of {branch}");
        let found = self
            .0
            .try_find_reference(branch.full().as_str())
            .map_err(|error| failed(BackendErrorKind::Invalid, &act, error))?
            .ok_or_else(|| {
                BackendError::new(BackendErrorKind::NotFound, &*act).because("there is no such branch")
            })?;
        let Some(target) = found.target().try_id().map(ToOwned::to_owned) else {
            return Err(BackendError::new(BackendErrorKind::Unsupported, act).because("it is a symbolic ref"));
        };
        Oid::from_bytes(target.as_slice())
            .ok_or_else(|| BackendError::new(BackendErrorKind::Invalid, act).because("it points at nothing"))
    }

    /// Each tree on the way to each path, by oid, from this root.
    fn way(&self, root: Oid, paths: &[&RepoPath]) -> Result<BTreeMap<Oid, Vec<u8>>, BackendError> {
        let mut trees = BTreeMap::new();
        for path in paths {
            let mut at = Some(root);
            for name in path.components() {
                let Some(oid) = at else { break };
                let (bytes, entries) = self.tree(oid)?;
                let next = entries.iter().find(|entry| entry.name == name.as_bytes());
                at = next.filter(|entry| entry.mode == Mode::Tree).map(|entry| entry.oid);
                trees.insert(oid, bytes);
            }
        }
        Ok(trees)
    }

    fn file(&self, at: Oid, path: &RepoPath) -> Result<Option<FileAt>, BackendError> {
        let mut tree = self.commit(at)?.tree;
        let mut names = path.components().peekable();
        while let Some(name) = names.next() {
            let (_, entries) = self.tree(tree)?;
            let Some(entry) = entries.into_iter().find(|entry| entry.name == name.as_bytes()) else {
                return Ok(None);
            };
            if names.peek().is_some() {
                if entry.mode != Mode::Tree {
                    return Ok(None);
                }
                tree = entry.oid;
                continue;
            }
            let act = format!("read {path} at {}", at.short());
            let bytes = match entry.mode {
                Mode::Tree | Mode::Gitlink => Vec::new(),
                _ => {
                    let header = self.0.try_find_header(id(entry.oid));
                    let header = header.map_err(|error| failed(BackendErrorKind::Invalid, &act, error))?;
                    if header.is_some_and(|header| header.size() > LARGEST_FILE) {
                        return Err(BackendError::new(BackendErrorKind::Invalid, act)
                            .because(format!("it is larger than {LARGEST_FILE} bytes")));
                    }
                    self.inner(entry.oid, Kind::Blob, &act)?
                }
            };
            return Ok(Some(FileAt { path: path.clone(), mode: entry.mode, oid: entry.oid, bytes }));
        }
        Ok(None)
    }

    /// Every ancestor of `tip`, itself included, that is reached without going through `stop`; and whether `stop` was met, a
    /// root, or the edge of a shallow clone.
    fn ancestors(&self, tip: Oid, stop: Option<Oid>, act: &str) -> Result<Ancestors, BackendError> {
        let wrong = |error| failed(BackendErrorKind::Incomplete, act, error);
        let shallow = self.0.shallow_commits().map_err(wrong)?;
        let edge =
            |oid: &ObjectId| shallow.as_ref().is_some_and(|commits| commits.iter().any(|edge| edge == oid));
        let stop = stop.map(id);
        let (mut seen, mut todo) = (HashSet::new(), vec![id(tip)]);
        let mut met = Ancestors::default();
        while let Some(oid) = todo.pop() {
            if Some(oid) == stop {
                met.stop = true;
                continue;
            }
            if !seen.insert(oid) {
                continue;
            }
            if edge(&oid) {
                met.cut = true;
                continue;
            }
            let commit = self.0.find_commit(oid).map_err(wrong)?;
            let before = todo.len();
            todo.extend(commit.parent_ids().map(gix::Id::detach));
            met.root |= todo.len() == before;
        }
        met.oids = seen;
        Ok(met)
    }

    fn history(&self, range: &CommitRange) -> Result<Option<Vec<ParsedCommit>>, BackendError> {
        let CommitRange { base, upto, limit } = *range;
        let act = format!("read the history {}..{}", base.short(), upto.short());
        self.commit(upto)?;
        if self.object(base, &act)?.is_none() {
            return Ok(None);
        }
        let cut = || {
            BackendError::new(BackendErrorKind::Incomplete, &*act)
                .because("the clone is shallow, and ends on the way")
        };
        let mut reached = self.ancestors(upto, Some(base), &act)?;
        if !reached.stop {
            return if reached.cut { Err(cut()) } else { Ok(None) };
        }
        // A way that ends elsewhere than at the base may have left the base's own history aside.
        if reached.root || reached.cut {
            let own = self.ancestors(base, None, &act)?;
            if own.cut || reached.cut {
                return Err(cut());
            }
            reached.oids.retain(|oid| !own.oids.contains(oid));
        }
        if reached.oids.len() > limit {
            let found = reached.oids.len();
            return Err(BackendError::new(BackendErrorKind::Incomplete, act)
                .because(format!("{found} commits are more than {limit}")));
        }
        let oids: BTreeSet<_> =
            reached.oids.iter().filter_map(|oid| Oid::from_bytes(oid.as_slice())).collect();
        oids.into_iter().map(|oid| self.commit(oid)).collect::<Result<_, _>>().map(Some)
    }

    /// Whether a work tree, the main one or a linked one, has the branch checked out.
    fn checked_out(&self, branch: &BranchName) -> bool {
        let on = |repository: &Repository| {
            let name = repository.head_name().ok().flatten();
            name.is_some_and(|name| name.as_bstr() == branch.full().as_str())
        };
        let main = self.0.main_repo().ok();
        let linked = self.0.worktrees().unwrap_or_default();
        main.is_some_and(|main| !main.is_bare() && on(&main))
            || (!self.0.is_bare() && on(&self.0))
            || linked
                .into_iter()
                .filter_map(|proxy| proxy.into_repo_with_possibly_inaccessible_worktree().ok())
                .any(|repository| on(&repository))
    }

    /// Writes the objects, then moves the branch if it still stands at the expected head.
    fn swap(
        &self,
        commit: &GuardedCommit,
        objects: &[objects::Object],
        author: &Author,
    ) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        let act = format!("commit to {branch}");
        let not_landed =
            |error: gix::Error| CommitError::NotLanded(failed(BackendErrorKind::Unavailable, &act, error));
        for object in objects {
            let kind = match object.kind {
                ObjectKind::Blob => Kind::Blob,
                ObjectKind::Tree => Kind::Tree,
                ObjectKind::Commit => Kind::Commit,
            };
            let written = self.0.write_buf(kind, &object.bytes).map_err(not_landed)?;
            if Oid::from_bytes(written.as_slice()) != Some(object.oid) {
                let error = BackendError::new(BackendErrorKind::Invalid, &*act);
                return Err(CommitError::NotLanded(
                    error.because("the repository hashes objects in another way"),
                ));
            }
        }
        let Some(new) = objects.last().map(|object| object.oid) else {
            return Err(CommitError::NotLanded(BackendError::new(BackendErrorKind::Invalid, act)));
        };
        let edit = RefEdit {
            change: Change::Update {
                log: LogChange {
                    mode: RefLog::AndReference,
                    force_create_reflog: false,
                    message: "pinlib: pin".into(),
                },
                expected: PreviousValue::MustExistAndMatch(Target::Object(id(expected))),
                new: Target::Object(id(new)),
            },
            name: branch
                .full()
                .try_into()
                .map_err(|error| CommitError::NotLanded(failed(BackendErrorKind::Invalid, &act, error)))?,
            deref: false,
        };
        let wait = gix::lock::acquire::Fail::AfterDurationWithBackoff(LOCK);
        // What fails before the commit of the transaction has locked, compared, and let go: nothing was written.
        let prepared = self.0.refs.transaction().prepare([edit], wait, wait);
        let transaction = match prepared {
            Ok(transaction) => transaction,
            Err(error) => {
                return Err(match self.head(branch) {
                    Ok(actual) if actual != expected => {
                        CommitError::HeadMoved { branch: branch.clone(), expected, actual: Some(actual) }
                    }
                    Ok(_) => not_landed(error),
                    Err(error) => CommitError::NotLanded(error),
                });
            }
        };
        let seconds = commit.date().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let time = format!("{seconds} +0000");
        let person = author.person();
        let committer = gix::actor::SignatureRef {
            name: person.name.as_bytes().as_bstr(),
            email: person.email.as_bytes().as_bstr(),
            time: &time,
        };
        match transaction.commit(Some(committer)) {
            Ok(_) => Ok(new),
            Err(error) => Err(CommitError::Ambiguous(failed(BackendErrorKind::Unavailable, &act, error))),
        }
    }
}

/// What a walk over ancestors met.
#[derive(Default)]
struct Ancestors {
    oids: HashSet<ObjectId>,
    /// The commit at which it was to stop.
    stop: bool,
    /// A commit without parents.
    root: bool,
    /// A commit whose parents a shallow clone leaves out.
    cut: bool,
}

#[async_trait]
impl GitForge for LocalForge {
    async fn identity(&self) -> Result<Identity, BackendError> {
        Ok(self.author.identity())
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let branch = branch.clone();
        self.with(move |reader| reader.head(&branch)).await
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let wanted = wanted.to_vec();
        self.with(move |reader| wanted.iter().map(|(at, path)| reader.file(*at, path)).collect()).await
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        let oids = oids.to_vec();
        self.with(move |reader| {
            let tree = |oid: &Oid| {
                let root = match reader.object(*oid, &format!("read tree {oid}"))? {
                    Some((Kind::Commit, _)) => reader.commit(*oid)?.tree,
                    Some(_) => *oid,
                    None => {
                        return Err(BackendError::new(
                            BackendErrorKind::NotFound,
                            format!("read tree {oid}"),
                        ));
                    }
                };
                Ok(reader.tree(root)?.1)
            };
            oids.iter().map(tree).collect()
        })
        .await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        let range = *range;
        let Some(commits) = self.with(move |reader| reader.history(&range)).await? else {
            return Ok(History::Unrelated);
        };
        let mut facts = Vec::with_capacity(commits.len());
        for ParsedCommit { mut fact, signed, .. } in commits {
            if let Some((armor, bytes)) = signed {
                fact.signature = self.author.judge(&armor, &bytes).await;
            }
            facts.push(fact);
        }
        Ok(History::Descends(facts))
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let (branch, expected) = (commit.branch().clone(), commit.expected_head());
        let paths: Vec<_> = commit.edits().iter().map(|edit| edit.path().clone()).collect();
        let refuse = self.checked_out == CheckedOut::Refuse;
        let read = move |reader: &Reader| {
            reader.head(&branch)?;
            let root = reader.commit(expected)?.tree;
            let trees = reader.way(root, &paths.iter().collect::<Vec<_>>())?;
            Ok((root, trees, refuse && reader.checked_out(&branch)))
        };
        let (root, trees, checked_out) = self.with(read).await.map_err(CommitError::NotLanded)?;
        if checked_out {
            let branch = commit.branch();
            return Err(CommitError::Rejected {
                rule: Some("checked-out branch".into()),
                message: format!(
                    "{branch} is checked out in {}: its files would differ from its head",
                    self.path.display()
                ),
            });
        }
        let objects = objects::build(commit, root, &trees, &self.author).await?;
        let (commit, author) = (commit.clone(), self.author.clone());
        let path = self.path.clone();
        let swap =
            move || Reader::open(&path).map_err(CommitError::NotLanded)?.swap(&commit, &objects, &author);
        tokio::task::spawn_blocking(swap).await.unwrap_or_else(|error| {
            Err(CommitError::Ambiguous(failed(BackendErrorKind::Unavailable, "commit", error)))
        })
    }
}
