//! The repository that a plan happens to: three images with a file each, a source commit and perhaps a newer one.

use super::{
    orders::Asked,
    plan::{Digested, Errand, Guard, Image, Job, Move},
    supply::built,
};
use crate::{
    broken::{Broken, Flaw},
    lines::ImageLines,
    memory::{MemoryForge, bot, human},
};
use pinlib::{
    BranchName, Digest, DigestSource, Former, GitForge, HOLDS, ImagePin, Oid, Origin, PinError, PinOptions,
    PinRequest, Placement, Policy, PromoteRequest, ReleaseRequest, RepoPath, RollbackRequest, Target, Wait,
};
use std::{
    fmt::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

/// How long a pin that waits does: either bound can be met, as the clock jumps.
const WAIT: Wait = Wait { tries: 4, time: Duration::from_secs(10) };

/// A forge that lives in memory, right or wrong.
pub trait Server: GitForge + Default {
    /// What it keeps.
    fn memory(&self) -> &MemoryForge;
}

impl Server for MemoryForge {
    fn memory(&self) -> &MemoryForge {
        self
    }
}

impl<F: Flaw> Server for Broken<F> {
    fn memory(&self) -> &MemoryForge {
        &self.memory
    }
}

/// One repository behind one server.
#[derive(Debug)]
pub(super) struct Stage<S> {
    pub(super) server: Arc<S>,
    pub(super) branch: BranchName,
    pub(super) tags_moved: Arc<AtomicBool>,
    root: Oid,
    source: Oid,
    newer: Oid,
}

/// What the stage is made of is well-formed.
fn path(name: &str) -> RepoPath {
    #[expect(clippy::expect_used, reason = "every name here is a constant")]
    name.parse().expect("a path")
}

/// The file of the environment that images are promoted to: it has a place for each.
pub(super) const NEXT: &str = "next";

fn target(image: Image) -> Target {
    Target::new(path(image.name()), Arc::new(ImageLines))
}

fn next() -> Target {
    Target::new(path(NEXT), Arc::new(ImageLines))
}

fn file(image: Image, digest: Option<Digest>) -> String {
    let mut text = format!("x: 1\nimage: ghcr.io/acme/{}", image.name());
    if let Some(digest) = digest {
        write!(text, "@{digest}").ok();
    }
    text + "\n"
}

impl<S: Server> Stage<S> {
    /// Sets it up; the newer source commit is there where somebody pins what was built from it.
    pub(super) fn new(newer: bool) -> Self {
        #[expect(clippy::expect_used, reason = "the name is a constant")]
        let (server, branch) = (Arc::<S>::default(), "main".parse::<BranchName>().expect("a branch"));
        let memory = server.memory();
        let files = Image::ALL.map(|image| (path(image.name()), file(image, None)));
        let next = Image::ALL.map(|image| file(image, None)).concat();
        let mut files: Vec<_> = files.iter().map(|(path, text)| (path.clone(), text.as_str())).collect();
        files.push((path(NEXT), &next));
        let root = memory.push(&branch, &files, "root");
        let source = memory.push(&branch, &[(path("src"), "1")], "source");
        let newer = if newer { memory.push(&branch, &[(path("docs"), "1")], "newer source") } else { source };
        Self { server, branch, tags_moved: Arc::default(), root, source, newer }
    }
    pub(super) fn memory(&self) -> &MemoryForge {
        self.server.memory()
    }
    pub(super) fn head(&self) -> Option<Oid> {
        self.memory().heads(&self.branch).last().copied().flatten()
    }
    /// What a job asks for, of this forge.
    pub(super) fn asked(&self, job: &Job, forge: &Arc<dyn GitForge>) -> Result<Asked, PinError> {
        let images = [Some(job.image), job.beside].into_iter().flatten();
        let placed = |image: Image, target: Target| -> Result<Placement, PinError> {
            let name = format!("ghcr.io/acme/{}", image.name()).parse();
            Ok((name.map_err(|error| PinError::Invalid(format!("{error}")))?, vec![target]))
        };
        let own = images.clone().map(|image| placed(image, target(image))).collect::<Result<Vec<_>, _>>()?;
        let branch = self.branch.clone();
        let (append_only, declared) = (job.append_only, job.digested == Digested::Declared);
        let known: Vec<_> = Image::ALL.map(target).into_iter().chain([next()]).collect();
        Ok(match job.errand {
            Errand::Pin => Asked::Pin(self.request(job, known)?),
            Errand::Rollback => {
                let to = Former::Before;
                Asked::Rollback(RollbackRequest { branch, images: own, to, known, declared, append_only })
            }
            Errand::Release => Asked::Release(ReleaseRequest { branch, images: own, append_only }),
            Errand::Promote => {
                let (forge, sources) = (Arc::clone(forge), Arc::clone(forge));
                let images = images.map(|image| placed(image, next())).collect::<Result<_, _>>()?;
                let from = Origin {
                    forge,
                    branch: branch.clone(),
                    images: own,
                    known: known.clone(),
                    sources,
                    running: None,
                };
                let replace_rebuilt = job.replace_rebuilt;
                let options = PinOptions { known, append_only, replace_rebuilt, ..PinOptions::default() };
                Asked::Promote(PromoteRequest { from, branch, images, source: None, declared, options })
            }
        })
    }
    fn request(&self, job: &Job, known: Vec<Target>) -> Result<PinRequest, PinError> {
        let pin = |image: Image, mut targets: Vec<Target>| {
            targets.insert(0, target(image));
            let digest = built(image, job.newer, job.rebuilt);
            let digest = match (job.digested, digest) {
                (Digested::Declared, Some(digest)) => DigestSource::Declared(digest),
                (Digested::Reported, Some(digest)) => DigestSource::Reported(digest),
                (Digested::ByTag, _) | (_, None) => DigestSource::Tag,
            };
            let image = format!("ghcr.io/acme/{}", image.name()).parse();
            let image = image.map_err(|error| PinError::Invalid(format!("{error}")))?;
            Ok::<_, PinError>(ImagePin { image, digest, targets, was: None, platform: None })
        };
        let siteless = || Target::new(path("src"), Arc::new(ImageLines));
        let mut images = vec![pin(job.image, job.broken.then(siteless).into_iter().collect())?];
        if let Some(beside) = job.beside {
            images.push(pin(beside, Vec::new())?);
        }
        let policy = match job.guard {
            Guard::Exact => Policy::Exact,
            Guard::PinsOnly => Policy::PinsOnly,
            Guard::Inputs => Policy::Inputs(vec![path("src")]),
        };
        let (append_only, replace_rebuilt) = (job.append_only, job.replace_rebuilt);
        let wait = if job.wait { WAIT } else { Wait::default() };
        let options =
            PinOptions { policy, append_only, replace_rebuilt, known, wait, ..PinOptions::default() };
        let source = if job.newer { self.newer } else { self.source };
        PinRequest::new(source, self.branch.clone(), images, options)
    }
    /// Does what somebody does; nothing where the branch is gone and it is needed.
    pub(super) fn act(&self, act: Move) {
        let (memory, branch) = (self.memory(), &self.branch);
        let Some(head) = self.head() else {
            if act == Move::Recreate {
                let last = memory.heads(branch).into_iter().rev().flatten().next();
                memory.force(branch, last);
            }
            return;
        };
        let number = memory.heads(branch).len();
        let push = |path: RepoPath, text: &str, what: &str| {
            memory.push(branch, &[(path, text)], &format!("{what} {number}"));
        };
        match act {
            Move::Docs => push(path("docs"), &number.to_string(), "docs"),
            Move::Src => push(path("src"), &number.to_string(), "src"),
            Move::Hotfix(image) => {
                push(path(image.name()), &file(image, Some(Digest::of(b"hotfix"))), "hotfix");
            }
            Move::TakeBack(image) => push(path(image.name()), &file(image, None), "take back"),
            Move::Hold(image) => push(path(HOLDS), &format!("line:0 {}\n", image.name()), "hold"),
            Move::Strip(image) => push(path(image.name()), "x: 1\n", "strip"),
            Move::Remove(image) => {
                let without = memory.without(head, &path(image.name()), "remove");
                memory.force(branch, Some(without));
            }
            Move::Revert => self.again(head, head, true),
            Move::Pick => {
                let pin = memory.line(head).into_iter().find(|fact| bot().made(fact));
                self.again(pin.map_or(head, |pin| pin.oid), head, false);
            }
            Move::Amend => self.amend(head),
            Move::ForceBack => memory.force(branch, Some(self.source)),
            Move::Rewind => memory.force(branch, Some(self.root)),
            Move::Delete => memory.force(branch, None),
            Move::Recreate => {}
            Move::Protect => memory.protect(branch, true),
            Move::Unprotect => memory.protect(branch, false),
            Move::Queue => {
                let side = memory.write(&[self.source], &human(), &[(path("queued"), "1")], "side");
                let merge =
                    memory.write(&[head, side], &human(), &[(path("queued"), "1")], "merge by the queue");
                memory.force(branch, Some(merge));
            }
            Move::Ours => {
                let side = memory.write(&[self.source], &human(), &[(path("docs"), "ours")], "side");
                let merge = memory.write(&[side, head], &human(), &[], "merge -s ours");
                memory.force(branch, Some(merge));
            }
            Move::MoveTags => self.tags_moved.store(true, Relaxed),
        }
    }
    /// Commits the difference that a commit made again, or backwards, with its message in the new one's.
    fn again(&self, of: Oid, head: Oid, backwards: bool) {
        let memory = self.memory();
        let Some(fact) = memory.fact(of) else { return };
        let Some(parent) = fact.parents.first() else { return };
        let (before, after) = (memory.files(*parent), memory.files(of));
        let wanted = if backwards { &before } else { &after };
        let differs = |path: &RepoPath| before.get(path) != after.get(path);
        let changes: Vec<_> = wanted
            .iter()
            .filter(|(path, _)| differs(path))
            .map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned()))
            .collect();
        let changes: Vec<_> = changes.iter().map(|(path, text)| (path.clone(), text.as_str())).collect();
        let message = if backwards { format!("Revert\n\n{}", fact.message) } else { fact.message };
        let again = memory.write(&[head], &human(), &changes, &message);
        memory.force(&self.branch, Some(again));
    }
    fn amend(&self, head: Oid) {
        let memory = self.memory();
        let Some(fact) = memory.fact(head) else { return };
        let files = memory.files(head);
        let mut changes: Vec<_> = files
            .iter()
            .map(|(path, bytes)| (path.clone(), String::from_utf8_lossy(bytes).into_owned()))
            .collect();
        changes.push((path("docs"), "amended".into()));
        let changes: Vec<_> = changes.iter().map(|(path, text)| (path.clone(), text.as_str())).collect();
        let amended = memory.write(&fact.parents, &human(), &changes, &fact.message);
        memory.force(&self.branch, Some(amended));
    }
}
