//! Objects on disk: opened, read whole, held against their names, and written.

use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{
        LARGEST_FILE,
        objects::{self, Commit, Object, Trees, Walk},
    },
    git::{FileAt, Mode, Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
};
use gix::{
    ObjectId, Repository, ThreadSafeRepository,
    objs::{Kind, Write as _},
    open::{Options, Permissions, permissions::Environment},
    sec::Permission,
};
use std::{error::Error as StdError, io, path::Path};

/// The repository as it is now.
pub(super) struct Disk(pub(super) Repository);

impl Disk {
    /// Finds the repository, for [`Disk::now`].
    pub(super) fn open(path: &Path) -> Result<ThreadSafeRepository, BackendError> {
        let act = format!("open the repository {}", path.display());
        let fail = |kind, why: &str| Err(BackendError::new(kind, &*act).because(why));
        if !path.exists() {
            return fail(BackendErrorKind::NotFound, "there is no such folder");
        }
        let there = [".git", "HEAD"].iter().any(|name| path.join(name).exists());
        if !there {
            return fail(BackendErrorKind::NotFound, "it is not a git repository");
        }
        let repository = gix::open_opts(path, options()).map_err(|error| failed(act.clone(), error))?;
        // Gix would open a reftable, and then find no refs in it.
        let storage = repository.config_snapshot().string("extensions.refStorage");
        if storage.is_some_and(|storage| !storage.eq_ignore_ascii_case(b"files")) {
            return fail(
                BackendErrorKind::Unsupported,
                "its refs are stored in another way than as files, as a reftable",
            );
        }
        Ok(repository.into_sync())
    }

    /// Nothing that others change is remembered: of objects a new one is looked for, of refs all are read again.
    pub(super) fn now(opened: &ThreadSafeRepository) -> Result<Self, BackendError> {
        let repository = opened.to_thread_local();
        // Gix knows a new file of packed refs by its time alone, which two writes of one moment share.
        let refs = &repository.refs;
        if refs.packed_refs_path().exists() {
            refs.force_refresh_packed_buffer().map_err(|error| failed("read packed refs", error))?;
        }
        Ok(Self(repository))
    }

    /// An object, whole; none where the repository does not have it.
    pub(super) fn object(&self, oid: Oid) -> Result<Option<(Kind, Vec<u8>)>, BackendError> {
        if objects::hash(oid.format()) != self.0.object_hash() {
            return Ok(None);
        }
        let act = || format!("read object {oid}");
        let found = self.0.try_find_object(id(oid)).map_err(|error| failed(act(), error))?;
        let Some(object) = found.map(gix::Object::detach) else { return Ok(None) };
        // Gix does not hash what it reads.
        if objects::oid(oid.format(), object.kind, &object.data) != oid {
            return Err(BackendError::new(BackendErrorKind::Invalid, act())
                .because("it is corrupt: it does not hash to its name"));
        }
        Ok(Some((object.kind, object.data)))
    }

    /// An object that another one names, so that it should be there.
    fn inner(&self, oid: Oid, kind: Kind, act: &str) -> Result<Vec<u8>, BackendError> {
        let fail = |kind, why: String| Err(BackendError::new(kind, act).because(why));
        match self.object(oid)? {
            Some((found, bytes)) if found == kind => Ok(bytes),
            Some((found, _)) => fail(BackendErrorKind::Invalid, format!("{oid} is a {found}, not a {kind}")),
            None => fail(
                BackendErrorKind::Incomplete,
                format!("the repository does not have {kind} {oid}, as in a shallow or partial clone"),
            ),
        }
    }

    /// A commit; `NotFound` where the repository does not have it.
    pub(super) fn commit(&self, oid: Oid) -> Result<Commit, BackendError> {
        let fail = |kind, why: String| {
            Err(BackendError::new(kind, format!("read commit {}", oid.short())).because(why))
        };
        match self.object(oid)? {
            Some((Kind::Commit, bytes)) => objects::commit(oid, &bytes),
            Some((other, _)) => fail(BackendErrorKind::Invalid, format!("{oid} is a {other}")),
            None => fail(BackendErrorKind::NotFound, format!("the repository does not have {oid}")),
        }
    }

    /// The entries of a tree; a commit stands for its root tree.
    pub(super) fn entries(&self, oid: Oid) -> Result<Vec<TreeEntry>, BackendError> {
        let act = format!("read tree {}", oid.short());
        let tree = match self.object(oid)? {
            Some((Kind::Commit, bytes)) => objects::commit(oid, &bytes)?.tree,
            Some(_) => oid,
            None => {
                let why = format!("the repository does not have {oid}");
                return Err(BackendError::new(BackendErrorKind::NotFound, act).because(why));
            }
        };
        objects::tree(tree, &self.inner(tree, Kind::Tree, &act)?)
    }

    /// Each file as it stands in its commit. What several of them share is read once.
    pub(super) fn files(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let (mut trees, mut files) = (Trees::new(), Vec::with_capacity(wanted.len()));
        let mut last = None;
        for (at, path) in wanted {
            let root = match last {
                Some((commit, root)) if commit == *at => root,
                _ => self.commit(*at)?.tree,
            };
            last = Some((*at, root));
            files.push(self.file(*at, root, path, &mut trees)?);
        }
        Ok(files)
    }

    fn file(
        &self,
        at: Oid,
        root: Oid,
        path: &RepoPath,
        trees: &mut Trees,
    ) -> Result<Option<FileAt>, BackendError> {
        let act = format!("read {path} at {}", at.short());
        let Some(TreeEntry { mode, oid, .. }) = self.walk(root, path, trees, &act)? else { return Ok(None) };
        let bytes = match mode {
            Mode::Tree | Mode::Gitlink => Vec::new(),
            _ => {
                let header = self.0.try_find_header(id(oid)).map_err(|error| failed(act.clone(), error))?;
                if let Some(size) = header.map(|header| header.size()).filter(|size| *size > LARGEST_FILE) {
                    let why = format!("it has {size} bytes, and no more than {LARGEST_FILE} are read");
                    return Err(BackendError::new(BackendErrorKind::Invalid, act).because(why));
                }
                self.inner(oid, Kind::Blob, &act)?
            }
        };
        Ok(Some(FileAt { path: path.clone(), mode, oid, bytes }))
    }

    /// The entry at a path, and each tree on the way to it.
    fn walk(
        &self,
        root: Oid,
        path: &RepoPath,
        trees: &mut Trees,
        act: &str,
    ) -> Result<Option<TreeEntry>, BackendError> {
        loop {
            match objects::walk(root, path, trees)? {
                Walk::Found(entry) => return Ok(Some(entry)),
                Walk::Nothing => return Ok(None),
                Walk::Needs(tree) => drop(trees.insert(tree, self.inner(tree, Kind::Tree, act)?)),
            }
        }
    }

    /// The root tree of the expected head, and each tree on the way to an edit.
    pub(super) fn trees_of(&self, commit: &GuardedCommit) -> Result<(Oid, Trees), BackendError> {
        let head = commit.expected_head();
        let (root, mut trees) = (self.commit(head)?.tree, Trees::new());
        for edit in commit.edits() {
            let act = format!("read {} at {}", edit.path(), head.short());
            self.walk(root, edit.path(), &mut trees, &act)?;
        }
        Ok((root, trees))
    }

    /// Writes loose objects, each after what it names.
    pub(super) fn write(&self, objects: &[Object]) -> Result<(), BackendError> {
        for Object { kind, oid, bytes } in objects {
            let act = || format!("write {kind} {oid}");
            let written = self.0.write_buf(*kind, bytes).map_err(|error| failed(act(), error))?;
            if written != id(*oid) {
                let why = format!("the repository calls it {written}");
                return Err(BackendError::new(BackendErrorKind::Invalid, act()).because(why));
            }
        }
        Ok(())
    }
}

/// The repository's own settings, and the user's, who says in `safe.directory` whose repositories are trusted. Nothing of
/// the environment but where the user's settings are: `GIT_DIR` and its like are for another repository.
fn options() -> Options {
    let mut permissions = Permissions::isolated();
    let config = &mut permissions.config;
    (config.system, config.git, config.user, config.includes) = (true, true, true, true);
    permissions.env = Environment {
        xdg_config_home: Permission::Allow,
        home: Permission::Allow,
        ..Environment::isolated()
    };
    // What is hashed must be what is stored: no object stands for another.
    let overrides = ["core.useReplaceRefs=false"];
    Options::isolated().permissions(permissions).bail_if_untrusted(true).config_overrides(overrides)
}

pub(super) fn id(oid: Oid) -> ObjectId {
    ObjectId::from_bytes_or_panic(oid.as_bytes())
}

/// Sorts what gix says: the system's refusals by their kind, all else is damage.
pub(super) fn failed(act: impl Into<String>, error: gix::Error) -> BackendError {
    let io = error.iter_errors().find_map(|cause| Some(cause.downcast_ref::<io::Error>()?.kind()));
    let kind = match io {
        None
        | Some(io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof) => {
            BackendErrorKind::Invalid
        }
        Some(io::ErrorKind::PermissionDenied) => BackendErrorKind::Unauthorized,
        Some(_) => BackendErrorKind::Unavailable,
    };
    BackendError::new(kind, act).because(reason(&error)).with_source(error)
}

/// All that an error says, in one line.
pub(super) fn reason(error: &(dyn StdError + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error: &&dyn StdError| (*error).source())
        .map(ToString::to_string);
    let mut said = Vec::<String>::new();
    for cause in causes.map(|cause| cause.replace('\n', " ")) {
        if !said.iter().any(|said| said.contains(&cause)) {
            said.push(cause);
        }
    }
    said.join(": ")
}
