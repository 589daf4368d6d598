//! A repository with three services, and the checker over what happened to it.

use pinlib::{
    BranchName, Claim, Digest, DigestSource, ImagePin, NoRegistry, Oid, Operation, Order, Patience, PinError,
    PinOptions, PinRequest, Pinned, Pinner, Policy, Proof, Receipt, Record, RepoPath, RunId, Target,
};
use pinlib_testkit::{
    fault::Faulty,
    lines::ImageLines,
    memory::{MemoryClock, MemoryForge},
    sim::{Checker, End, Ran, Tape, Task, race, run},
};
use std::{
    sync::Arc,
    sync::atomic::{AtomicU8, Ordering::Relaxed},
    time::Duration,
};

pub(crate) type Outcome = Result<Receipt, PinError>;

/// One run: what it wants, and its id.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) request: PinRequest,
    pub(crate) run: RunId,
}

pub(crate) struct Scene {
    pub(crate) memory: Arc<MemoryForge>,
    pub(crate) forge: Arc<Faulty<MemoryForge>>,
    pub(crate) branch: BranchName,
    pub(crate) root: Oid,
    pub(crate) source: Oid,
    runs: AtomicU8,
}

pub(crate) fn path(name: &str) -> RepoPath {
    name.parse().expect("a path")
}

pub(crate) fn target(name: &str) -> Target {
    Target::new(path(name), Arc::new(ImageLines))
}

pub(crate) fn inputs() -> Policy {
    Policy::Inputs(vec![path("src")])
}

pub(crate) fn options(policy: Policy) -> PinOptions {
    PinOptions { policy, known: ["web", "api", "job"].map(target).into(), ..PinOptions::default() }
}

/// A service's file as it is before any pin, and with what a build pinned.
pub(crate) fn file(image: &str, content: Option<&str>) -> String {
    let digest = content.map(|content| format!("@{}", Digest::of(content.as_bytes()))).unwrap_or_default();
    format!("x: 1\nimage: ghcr.io/acme/{image}{digest}\n")
}

impl Scene {
    pub(crate) fn new(tape: &Arc<Tape>, faults: usize) -> Self {
        Self::over(tape, faults, true)
    }
    /// For branches that are forced: nothing on the way sends twice (T1).
    pub(crate) fn forced(tape: &Arc<Tape>, faults: usize) -> Self {
        Self::over(tape, faults, false)
    }
    fn over(tape: &Arc<Tape>, faults: usize, twice: bool) -> Self {
        let (memory, branch) = (Arc::new(MemoryForge::default()), "main".parse().expect("a branch"));
        let files = ["web", "api", "job"].map(|name| (path(name), file(name, None)));
        let files: Vec<_> = files.iter().map(|(path, text)| (path.clone(), text.as_str())).collect();
        let root = memory.push(&branch, &files, "root");
        let source = memory.push(&branch, &[(path("src"), "1")], "source");
        let forge = Arc::new(Faulty::new(Arc::clone(&memory), Arc::clone(tape), faults, twice));
        Self { memory, forge, branch, root, source, runs: AtomicU8::new(1) }
    }
    pub(crate) fn quiet() -> Self {
        Self::new(&Arc::default(), 0)
    }
    pub(crate) fn pinner(&self) -> Pinner {
        let patience = Patience { tries: 3, pause: Duration::from_secs(1), ..Patience::default() };
        Pinner {
            registry: Arc::new(NoRegistry),
            forge: Arc::<Faulty<_>>::clone(&self.forge),
            clock: Arc::new(MemoryClock::default()),
            patience,
        }
    }
    pub(crate) fn job(&self, source: Oid, image: &str, content: &str, options: PinOptions) -> Job {
        let digest = DigestSource::Declared(Digest::of(content.as_bytes()));
        let pin = ImagePin {
            image: format!("ghcr.io/acme/{image}").parse().expect("an image"),
            digest,
            targets: vec![target(image)],
            was: None,
            platform: None,
        };
        let request = PinRequest::new(source, self.branch.clone(), vec![pin], options).expect("a request");
        Job { request, run: RunId::from([self.runs.fetch_add(1, Relaxed); 16]) }
    }
    pub(crate) fn of(&self, image: &str, policy: Policy) -> Job {
        self.job(self.source, image, image, options(policy))
    }
    pub(crate) fn task(&self, job: &Job) -> Task<'static, Outcome> {
        let (pinner, job) = (self.pinner(), job.clone());
        Box::pin(async move { pinner.pin(&job.request, job.run).await })
    }
    pub(crate) fn pin(&self, job: &Job) -> Outcome {
        run(self.task(job))
    }
    pub(crate) fn head(&self) -> Oid {
        self.memory.heads(&self.branch).last().copied().flatten().expect("a head")
    }
    pub(crate) fn push(&self, name: &str, text: &str) -> Oid {
        self.memory.push(&self.branch, &[(path(name), text)], "push")
    }
    pub(crate) fn force(&self, to: Oid) -> Oid {
        self.memory.force(&self.branch, Some(to));
        to
    }
    /// The record of a pin that nobody made yet.
    pub(crate) fn record(
        &self,
        operation: Operation,
        source: Oid,
        image: &str,
        content: &str,
        parent: Oid,
    ) -> Record {
        let site = Pinned {
            path: path(image),
            locator: "line:0".parse().expect("a locator"),
            digest: Digest::of(content.as_bytes()),
        };
        Record {
            claim: Claim::new(operation, &self.branch, source, vec![site]),
            proof: Proof::Declared,
            run: RunId::from([99; 16]),
            parent,
        }
    }
    /// Runs the race; the world can let late requests arrive, and do each of `acts` once, in order.
    pub(crate) fn race(
        &self,
        tape: &Tape,
        jobs: &[Job],
        drops: usize,
        acts: &[&dyn Fn() -> Oid],
    ) -> Vec<End<Outcome>> {
        let mut acts = acts.iter();
        race(tape, jobs.iter().map(|job| self.task(job)).collect(), drops, |act| {
            let late = usize::from(self.forge.late() > 0);
            match act {
                None => {}
                Some(0) if late == 1 => run(self.forge.arrive()),
                Some(_) => drop(acts.next().map(|act| act())),
            }
            late + usize::from(acts.len() > 0)
        })
    }

    /// Judges how the jobs ended, and every pin that they left. Answers how many say that they pinned.
    pub(crate) fn check(&self, jobs: &[Job], ends: &[End<Outcome>]) -> Result<usize, String> {
        let heads = self.memory.heads(&self.branch).len();
        let runs: Vec<_> = jobs
            .iter()
            .zip(ends)
            .map(|(job, end)| Ran {
                order: Order::Pin(&job.request),
                run: job.run,
                end,
                during: 0..heads,
                stale: Vec::new(),
                owed: false,
            })
            .collect();
        let checker = Checker { memory: &self.memory, branch: &self.branch, published: |_, _| false };
        checker.check(&runs).map_err(|violation| violation.to_string())
    }
}
