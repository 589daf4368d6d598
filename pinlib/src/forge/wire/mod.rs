//! Any git server, by git's own protocol: no clone, nothing on disk, whatever carries it.
//!
//! `pkt` is the wire format, `fetch` reads single objects, `pack` unpacks and packs them, `reader` follows paths, `push` is
//! the one compare-and-swap. Here they become a [`GitForge`] over a [`Transport`].

mod fetch;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod pack;
pub(super) mod pkt;
mod push;
mod reader;

use super::{
    CommitError, GitForge, LARGEST_FILE,
    objects::{self, Commit},
    sign::Author,
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    git::{BranchName, CommitRange, FileAt, History, Identity, Mode, Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
};
use async_trait::async_trait;
use fetch::{Offer, Wish};
use gix::objs::Kind;
use pack::Objects;
use reader::{Reader, Wanted};
use std::{
    collections::BTreeSet,
    fmt::{self, Debug, Display},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Makes a push of what the writing service offers.
pub(crate) type MakePush<'a> = dyn FnMut(&[u8]) -> Result<Vec<u8>, BackendError> + Send + 'a;

/// How the two services of one repository are reached: `git-upload-pack`, which reads, and `git-receive-pack`.
#[async_trait]
pub trait Transport: Debug + Display + Send + Sync + 'static {
    /// Hears what the reading service offers.
    async fn offer(&self, act: &str) -> Result<Vec<u8>, BackendError>;
    /// Asks where refs stand. It must be a service that answered nothing before: git's keeps refs in mind as long as it runs.
    async fn refs(&self, body: Vec<u8>, limit: usize, act: &str) -> Result<Vec<u8>, BackendError>;
    /// Asks the reading service one thing, and hears the whole answer, of at most `limit` bytes; more is `Incomplete`.
    async fn ask(&self, body: Vec<u8>, limit: usize, act: &str) -> Result<Vec<u8>, BackendError>;
    /// Hears what the writing service offers, makes the push of it, sends that once, and hears the answer.
    ///
    /// `NotLanded` where no byte of the push left, or it was turned away unseen; any other failure is `Ambiguous`.
    async fn push(&self, make: &mut MakePush<'_>, act: &str) -> Result<Vec<u8>, CommitError>;
}

/// A repository behind git's protocol: GitHub, GitLab, Gitea, Bitbucket, or git itself.
///
/// It reads single objects by name, and writes by a push whose old oid is the expected head, so that the server compares
/// and swaps. A plain fast-forward push would succeed on a branch that was rewound.
///
/// The server must speak protocol version 2 (git 2.18). It should allow filters (`uploadpack.allowFilter`, as the
/// hosted ones do): without them a commit comes with all its files, and a large repository is refused.
#[derive(Debug)]
pub struct WireForge<T> {
    pub(super) transport: T,
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

/// What git takes for the end of every history.
const DEEPEST: usize = 0x7fff_ffff;

/// More bytes of objects than this are not kept.
const KEPT: usize = 64 << 20;

impl<T: Transport> WireForge<T> {
    pub(super) fn over(transport: T, author: Author) -> Self {
        Self { transport, author, memory: Mutex::default() }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn offer(&self, act: &str) -> Result<Offer, BackendError> {
        if let Some(offer) = self.memory().offer {
            return Ok(offer);
        }
        let offer = Offer::read(&self.transport, act).await?;
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

    /// The commits after `base` up to `upto`, where they are one line and all of them are kept: then nobody need be asked.
    fn kept_line(&self, base: Oid, upto: Oid) -> Option<Objects> {
        let (memory, mut line, mut at) = (self.memory(), Objects::new(), upto);
        while at != base {
            let object = memory.objects.get(&at).filter(|object| object.kind == Kind::Commit)?;
            line.insert(at, Arc::clone(object));
            // With a second parent, others might lead around the base.
            let [parent] = objects::commit(at, &object.bytes).ok()?.fact.parents[..] else { return None };
            at = parent;
        }
        Some(line)
    }

    /// The commits of a range, as the server finds them; none where it does not know the base.
    async fn fetch_commits(
        &self,
        offer: Offer,
        range: &CommitRange,
        act: &str,
    ) -> Result<Option<Objects>, BackendError> {
        let CommitRange { base, upto, limit } = *range;
        // No commit is deeper than there are commits: so many deep holds the limit, and little more.
        let depth = base.is_none().then(|| limit.clamp(1, DEEPEST));
        let wish = Wish { wants: &[upto], have: base, done: base.is_none(), depth, levels: 0 };
        let mut fetched = offer.fetch(&self.transport, wish, act).await?;
        if base.is_some() && !fetched.common {
            // So it has not sent all that it has.
            return Ok(None);
        }
        if fetched.objects.is_none() {
            // It did not see that they meet. It looks no further than at what is younger than the base, by dates that
            // anybody sets: so that proves nothing, and the commits are asked for all the same.
            fetched = offer.fetch(&self.transport, Wish { done: true, ..wish }, act).await?;
        }
        let commits = fetched.objects.unwrap_or_default();
        self.keep(&commits);
        Ok(Some(commits))
    }

    fn reader<'a>(&'a self, act: &'a str) -> Reader<'a, T> {
        Reader { forge: self, act, objects: Objects::new() }
    }
}

impl<T: Transport> fmt::Display for WireForge<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.transport, f)
    }
}

#[async_trait]
impl<T: Transport> GitForge for WireForge<T> {
    async fn identity(&self) -> Result<Identity, BackendError> {
        Ok(self.author.identity())
    }

    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        let act = format!("read the head of {branch}");
        let offer = self.offer(&act).await?;
        let head = offer.head(&self.transport, branch, &act).await?;
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
        reader.bring(blobs, Wanted::Inside).await?;
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
        reader.bring(oids.iter().copied(), Wanted::Anything).await?;
        let mut trees = Vec::new();
        for oid in oids {
            let commit = reader.objects.get(oid).is_some_and(|object| object.kind == Kind::Commit);
            trees.push(if commit { reader.commit(*oid)?.tree } else { *oid });
        }
        reader.bring(trees.iter().copied(), Wanted::Inside).await?;
        trees.into_iter().map(|tree| reader.tree(tree)).collect()
    }

    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        let CommitRange { base, upto, limit } = *range;
        if base == Some(upto) {
            return Ok(History::Descends(Vec::new()));
        }
        let act = format!("read the history {range}");
        let offer = self.offer(&act).await?;
        if [base, Some(upto)].iter().flatten().any(|oid| oid.format() != offer.format) {
            return match base {
                Some(_) => Ok(History::Unrelated),
                None => Err(BackendError::new(BackendErrorKind::NotFound, act)
                    .because(format!("{upto} names no object of a {:?} repository", offer.format))),
            };
        }
        let objects = match base.and_then(|base| self.kept_line(base, upto)) {
            Some(line) => line,
            None => match self.fetch_commits(offer, range, &act).await? {
                Some(commits) => commits,
                None => return Ok(History::Unrelated),
            },
        };
        let reader = Reader { forge: self, act: &act, objects };
        let (mut facts, mut met, mut seen) = (Vec::new(), false, BTreeSet::new());
        let mut todo = vec![upto];
        while let Some(oid) = todo.pop().filter(|_| base.is_some() || facts.len() < limit) {
            if Some(oid) == base {
                met = true;
            } else if reader.objects.contains_key(&oid) && seen.insert(oid) {
                // What the server left out, it has found in the base's history: there the walk ends.
                let Commit { mut fact, signed, .. } = reader.commit(oid)?;
                // Of a commit by somebody else nobody asks for a proof, and each costs processes.
                if let Some(signed) = signed.filter(|_| fact.author == *self.author.person()) {
                    fact.signature = self.author.judge(&signed.signature, &signed.payload).await;
                }
                // First parents first: a line is read without its sides.
                todo.extend(fact.parents.iter().rev());
                facts.push(fact);
            }
        }
        match met {
            _ if base.is_none() => Ok(History::to_the_roots(upto, facts)),
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
        push::push(&self.transport, commit, new.oid, &pack, &act).await
    }
}
