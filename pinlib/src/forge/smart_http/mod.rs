//! Any git server over HTTP(S): no clone, nothing on disk.
//!
//! `remote` is the address and the login, `pkt` the wire format, `fetch` reads single objects, `pack` unpacks and packs
//! them, `push` is the one compare-and-swap. Here they become a [`GitForge`].

mod fetch;
pub(crate) mod pack;
mod pkt;
mod push;
mod remote;

pub use remote::GitLogin;

use super::{
    CommitError, GitForge,
    objects::{self, Commit, Draft, LARGEST_FILE, NewCommit, Object, Trees, Walk},
    sign::Author,
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    git::{BranchName, CommitRange, FileAt, History, Identity, Mode, Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
    http::Http,
};
use async_trait::async_trait;
use fetch::{Offer, Wish};
use gix::objs::Kind;
use pack::Objects;
use remote::Remote;
use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

/// A repository behind git's smart HTTP protocol: GitHub, GitLab, Gitea, Bitbucket, or `git http-backend`.
///
/// It reads single objects by name, and writes by a push whose old oid is the expected head, so that the server compares
/// and swaps. A plain fast-forward push would succeed on a branch that was rewound.
///
/// The server must speak protocol version 2 (git 2.18). It should allow filters (`uploadpack.allowFilter`, as the
/// hosted ones do): without them a commit comes with all its files, and a large repository is refused.
#[derive(Debug)]
pub struct SmartHttpForge {
    remote: Remote,
    author: Author,
    memory: Mutex<Memory>,
}

/// What cannot change: what the server offers, and objects by name. Where a branch stands is never kept.
#[derive(Debug, Default)]
struct Memory {
    offer: Option<Offer>,
    objects: Objects,
    bytes: usize,
}

/// More bytes of objects than this are not kept.
const KEPT: usize = 64 << 20;

impl SmartHttpForge {
    /// Makes a forge of an address (`https://host/path/repository.git`), a client, a login and who its commits are by.
    ///
    /// # Errors
    /// `Invalid` where the address is no `http(s)` URL, holds a user or a password, or would send a login over plain
    /// HTTP to another machine.
    pub fn new(url: &str, http: Http, login: Option<GitLogin>, author: Author) -> Result<Self, BackendError> {
        Ok(Self { remote: Remote::new(url, http, login)?, author, memory: Mutex::default() })
    }

    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn offer(&self, act: &str) -> Result<Offer, BackendError> {
        if let Some(offer) = self.memory().offer {
            return Ok(offer);
        }
        let offer = Offer::read(&self.remote, act).await?;
        self.memory().offer = Some(offer);
        Ok(offer)
    }

    fn keep(&self, objects: &Objects) {
        let mut memory = self.memory();
        for (oid, object) in objects {
            if memory.objects.insert(*oid, Arc::clone(object)).is_none() {
                memory.bytes += object.bytes.len();
            }
        }
        if memory.bytes > KEPT {
            (memory.objects, memory.bytes) = (Objects::new(), 0);
        }
    }

    fn reader<'a>(&'a self, act: &'a str) -> Reader<'a> {
        Reader { forge: self, act, objects: Objects::new() }
    }
}

/// The objects of one call: those that the forge remembers, and those that it must fetch.
struct Reader<'a> {
    forge: &'a SmartHttpForge,
    act: &'a str,
    objects: Objects,
}

/// What shall come with a commit.
#[derive(Clone, Copy, PartialEq)]
enum Along {
    Nothing,
    ItsTree,
}

impl Reader<'_> {
    fn wrong(&self, kind: BackendErrorKind, reason: String) -> BackendError {
        BackendError::new(kind, self.act).because(reason)
    }

    /// Brings objects here, all in one request where the server sends them so.
    async fn bring(&mut self, oids: impl IntoIterator<Item = Oid>, along: Along) -> Result<(), BackendError> {
        let mut missing: BTreeSet<Oid> =
            oids.into_iter().filter(|oid| !self.objects.contains_key(oid)).collect();
        {
            let memory = self.forge.memory();
            missing.retain(|oid| match memory.objects.get(oid) {
                Some(object) => {
                    self.objects.insert(*oid, Arc::clone(object));
                    false
                }
                None => true,
            });
        }
        while !missing.is_empty() {
            let offer = self.forge.offer(self.act).await?;
            if let Some(oid) = missing.iter().find(|oid| oid.format() != offer.format) {
                let reason = format!("{oid} names no object of a {:?} repository", offer.format);
                return Err(self.wrong(BackendErrorKind::NotFound, reason));
            }
            let wants: Vec<_> = missing.iter().copied().collect();
            let wish = Wish {
                wants: &wants,
                have: None,
                done: true,
                alone: true,
                levels: usize::from(along == Along::ItsTree),
            };
            let fetched = offer.fetch(&self.forge.remote, wish, self.act).await?.objects.unwrap_or_default();
            self.forge.keep(&fetched);
            self.objects.extend(fetched);
            let before = missing.len();
            // Git leaves out a tree that another wanted one holds, where the filter leaves out what trees hold: such
            // a one is asked for again. A server that sends nothing of what was asked is not asked for ever.
            missing.retain(|oid| !self.objects.contains_key(oid));
            if missing.len() == before {
                return Err(
                    self.wrong(BackendErrorKind::Incomplete, format!("the server did not send {}", wants[0]))
                );
            }
        }
        Ok(())
    }

    fn get(&self, oid: Oid, kind: Kind) -> Result<&Object, BackendError> {
        match self.objects.get(&oid) {
            Some(object) if object.kind == kind => Ok(object),
            Some(object) => {
                Err(self
                    .wrong(BackendErrorKind::Invalid, format!("{oid} is a {}, not a {kind}", object.kind)))
            }
            None => Err(self.wrong(BackendErrorKind::Incomplete, format!("{oid} is not at hand"))),
        }
    }

    fn commit(&self, oid: Oid) -> Result<Commit, BackendError> {
        objects::commit(oid, &self.get(oid, Kind::Commit)?.bytes)
    }

    fn tree(&self, oid: Oid) -> Result<Vec<TreeEntry>, BackendError> {
        objects::tree(oid, &self.get(oid, Kind::Tree)?.bytes)
    }

    fn trees(&self) -> Trees {
        let trees = self.objects.iter().filter(|(_, object)| object.kind == Kind::Tree);
        trees.map(|(oid, object)| (*oid, object.bytes.clone())).collect()
    }

    /// Finds where paths lead to, each in its commit: one request a level of folders, whatever their number. The trees on
    /// the way are at hand then.
    async fn find(&mut self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<TreeEntry>>, BackendError> {
        self.bring(wanted.iter().map(|(commit, _)| *commit), Along::ItsTree).await?;
        loop {
            let (trees, mut found, mut needed) = (self.trees(), Vec::new(), Vec::new());
            for (commit, path) in wanted {
                match objects::walk(self.commit(*commit)?.tree, path, &trees)? {
                    Walk::Found(entry) => found.push(Some(entry)),
                    Walk::Nothing => found.push(None),
                    Walk::Needs(tree) => needed.push(tree),
                }
            }
            if needed.is_empty() {
                return Ok(found);
            }
            self.bring(needed, Along::Nothing).await?;
        }
    }

    /// Builds the commit and signs it.
    async fn build(mut self, commit: &GuardedCommit, author: &Author) -> Result<NewCommit, BackendError> {
        let head = commit.expected_head();
        let paths: Vec<_> = commit.edits().iter().map(|edit| (head, edit.path().clone())).collect();
        self.find(&paths).await?;
        let draft = Draft::new(commit, author.person(), self.commit(head)?.tree, &self.trees())?;
        let signature = author.sign(draft.payload().as_bytes()).await?;
        Ok(draft.seal(signature.as_deref()))
    }
}

impl fmt::Display for SmartHttpForge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.remote, f)
    }
}

#[async_trait]
impl GitForge for SmartHttpForge {
    async fn identity(&self) -> Result<Identity, BackendError> {
        Ok(self.author.identity())
    }

    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let act = format!("read the head of {branch}");
        let offer = self.offer(&act).await?;
        let head = offer.head(&self.remote, branch, &act).await?;
        head.ok_or_else(|| {
            BackendError::new(BackendErrorKind::NotFound, act).because(format!("{self} has no such branch"))
        })
    }

    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        let act = match wanted {
            [(at, path)] => format!("read {path} at {}", at.short()),
            [(at, _), rest @ ..] if rest.iter().all(|(other, _)| other == at) => {
                format!("read {} files at {}", wanted.len(), at.short())
            }
            _ => format!("read {} files", wanted.len()),
        };
        let mut reader = self.reader(&act);
        let found = reader.find(wanted).await?;
        let holds = |mode| !matches!(mode, Mode::Tree | Mode::Gitlink);
        let blobs: Vec<_> =
            found.iter().flatten().filter(|entry| holds(entry.mode)).map(|entry| entry.oid).collect();
        reader.bring(blobs, Along::Nothing).await?;
        let file = |(entry, (_, path)): (Option<TreeEntry>, &(Oid, RepoPath))| {
            let Some(TreeEntry { mode, oid, .. }) = entry else { return Ok(None) };
            let bytes = if holds(mode) { &reader.get(oid, Kind::Blob)?.bytes[..] } else { &[] };
            if bytes.len() as u64 > LARGEST_FILE {
                let why = format!("{path} is larger than {} MiB", LARGEST_FILE >> 20);
                return Err(reader.wrong(BackendErrorKind::Invalid, why));
            }
            Ok(Some(FileAt { path: path.clone(), mode, oid, bytes: bytes.to_vec() }))
        };
        found.into_iter().zip(wanted).map(file).collect()
    }

    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        let act = format!("read {} trees", oids.len());
        let mut reader = self.reader(&act);
        reader.bring(oids.iter().copied(), Along::Nothing).await?;
        let mut trees = Vec::new();
        for oid in oids {
            let commit = reader.objects.get(oid).is_some_and(|object| object.kind == Kind::Commit);
            trees.push(if commit { reader.commit(*oid)?.tree } else { *oid });
        }
        reader.bring(trees.iter().copied(), Along::Nothing).await?;
        trees.into_iter().map(|tree| reader.tree(tree)).collect()
    }

    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        let CommitRange { base, upto, limit } = *range;
        if base == upto {
            return Ok(History::Descends(Vec::new()));
        }
        let act = format!("read the history {}..{}", base.short(), upto.short());
        let offer = self.offer(&act).await?;
        if base.format() != offer.format || upto.format() != offer.format {
            return Ok(History::Unrelated);
        }
        let wish = Wish { wants: &[upto], have: Some(base), done: false, alone: false, levels: 0 };
        let mut fetched = offer.fetch(&self.remote, wish, &act).await?;
        if !fetched.common {
            // The server does not know the base, so it has not sent all that it has.
            return Ok(History::Unrelated);
        }
        if fetched.objects.is_none() {
            // It did not see that they meet. It looks no further than at what is younger than the base, by dates that
            // anybody sets: so that proves nothing, and the commits are asked for all the same.
            fetched = offer.fetch(&self.remote, Wish { done: true, ..wish }, &act).await?;
        }
        let objects = fetched.objects.unwrap_or_default();
        self.keep(&objects);
        let reader = Reader { forge: self, act: &act, objects };
        let (mut facts, mut met, mut seen) = (Vec::new(), false, BTreeSet::new());
        let mut todo = vec![upto];
        while let Some(oid) = todo.pop() {
            if oid == base {
                met = true;
            } else if reader.objects.contains_key(&oid) && seen.insert(oid) {
                // What the server left out, it has found in the base's history: there the walk ends.
                let Commit { mut fact, signed, .. } = reader.commit(oid)?;
                // Of a commit by somebody else nobody asks for a proof, and each costs processes.
                if let Some(signed) = signed.filter(|_| fact.author == *self.author.person()) {
                    fact.signature = self.author.judge(&signed.signature, &signed.payload).await;
                }
                todo.extend(fact.parents.iter().copied());
                facts.push(fact);
            }
        }
        match met {
            // Each way from `upto` to an ancestor of it passes through commits that the base has not, so all of them
            // are here: had the base been such an ancestor, a way would have met it.
            false => Ok(History::Unrelated),
            true if facts.len() > limit => {
                let reason = format!("it holds more than {limit} commits");
                Err(BackendError::new(BackendErrorKind::Incomplete, act).because(reason))
            }
            true => Ok(History::Descends(facts)),
        }
    }

    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let act = format!("push to {}", commit.branch());
        let new = self.reader(&act).build(commit, &self.author).await.map_err(CommitError::NotLanded)?;
        let pack = pack::write(&new.objects, new.oid.format()).map_err(|error| {
            let unpacked = BackendError::new(BackendErrorKind::Invalid, &*act).because(error.to_string());
            CommitError::NotLanded(unpacked.with_source(error))
        })?;
        push::push(&self.remote, commit, new.oid, &pack, &act).await
    }
}
