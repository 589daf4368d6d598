//! A repository with three services, and an oracle that judges what happened to it by its own reading of the rules.

use pinlib::{
    BranchName, Claim, CommitFact, Digest, DigestSource, HOLDS, ImagePin, NoRegistry, Oid, Operation,
    OutcomeKind, Patience, PinError, PinOptions, PinRequest, Pinned, Pinner, Policy, Proof, Receipt, Record,
    RepoPath, RunId, Target,
};
use pinlib_testkit::{
    fault::Faulty,
    lines::ImageLines,
    memory::{MemoryClock, MemoryForge, bot},
    sim::{End, Tape, Task, race, run},
};
use std::{
    collections::{BTreeMap, BTreeSet},
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

    fn bytes(&self, at: Oid, name: &str) -> Vec<u8> {
        self.memory.files(at).get(&path(name)).cloned().unwrap_or_default()
    }
    /// The pins among these commits: those that the forge made.
    fn pins<'a>(&self, of: impl IntoIterator<Item = &'a Oid>) -> BTreeMap<Oid, (CommitFact, Record)> {
        let facts = of.into_iter().filter_map(|oid| self.memory.fact(*oid)).filter(|fact| bot().made(fact));
        facts.filter_map(|fact| Some((fact.oid, (fact.clone(), Record::parse(&fact.message)?)))).collect()
    }
    /// Judges how the jobs ended, and every pin that they left. Answers how many say that they pinned.
    pub(crate) fn check(&self, jobs: &[Job], ends: &[End<Outcome>]) -> Result<usize, String> {
        let heads = self.memory.heads(&self.branch);
        let ever: BTreeSet<_> =
            heads.iter().flatten().flat_map(|head| self.memory.ancestors(*head)).collect();
        let pins = self.pins(&ever);
        for (fact, record) in pins.values() {
            if let Some(job) = jobs.iter().find(|job| job.run == record.run) {
                self.lawful(job, fact, record, &heads).map_err(|broken| format!("{broken}: {}", fact.oid))?;
            }
        }
        let mut pinned = 0;
        for (job, end) in jobs.iter().zip(ends) {
            let mine = pins.values().find(|(_, record)| record.run == job.run).map(|(fact, _)| fact.oid);
            let image = job.request.images()[0].image.written_name().trim_start_matches("ghcr.io/acme/");
            let DigestSource::Declared(digest) = job.request.images()[0].digest else {
                return Err("a digest".into());
            };
            match end {
                End::Done(Ok(receipt)) if receipt.kind() == OutcomeKind::Pinned => {
                    pinned += 1;
                    if mine != Some(receipt.commit) {
                        return Err(format!("I3: pinned, and yet {mine:?}"));
                    }
                }
                End::Done(Ok(receipt)) => {
                    let held = String::from_utf8_lossy(&self.bytes(receipt.commit, image))
                        .contains(&digest.to_string());
                    if !held || !heads.contains(&Some(receipt.commit)) {
                        return Err("I3: already pinned, and yet not there".into());
                    }
                }
                End::Done(Err(error)) if error.kind() != OutcomeKind::Unknown && mine.is_some() => {
                    return Err(format!("I3: landed, and yet {error}"));
                }
                End::Done(Err(_)) | End::Dropped => {}
            }
        }
        Ok(pinned)
    }
    /// I1, I2, I4, I6, I7, I8 of one pin, from the objects alone.
    fn lawful(
        &self,
        job: &Job,
        fact: &CommitFact,
        record: &Record,
        heads: &[Option<Oid>],
    ) -> Result<(), String> {
        let broken = |rule: &str| Err(rule.to_owned());
        let ([parent], source) = (&fact.parents[..], record.claim.source()) else {
            return broken("I1: not one parent");
        };
        let name = record.claim.sites()[0].path.as_str();
        if !heads.windows(2).any(|pair| pair == [Some(*parent), Some(fact.oid)]) {
            return broken("I1: its parent was not the head");
        }
        let (before, after) = (self.memory.files(*parent), self.memory.files(fact.oid));
        if before.keys().ne(after.keys())
            || before.iter().any(|(path, bytes)| path.as_str() != name && after[path] != *bytes)
        {
            return broken("I4: it changed more than its file");
        }
        let older = self.memory.ancestors(*parent);
        if self.pins(&older).values().any(|(_, earlier)| earlier.claim.key() == record.claim.key()) {
            return broken("I2: a second pin with one key");
        }
        let base = self.memory.ancestors(source);
        let between: BTreeSet<_> = older.difference(&base).copied().collect();
        let line: Vec<_> =
            self.memory.line(*parent).into_iter().take_while(|fact| between.contains(&fact.oid)).collect();
        let root = line.last().map_or(Some(*parent), |last| last.parents.first().copied());
        match &job.request.options().policy {
            Policy::Exact if *parent != source => return broken("I1: exact on another head"),
            Policy::PinsOnly if self.pins(&between).len() != between.len() => {
                return broken("I1: passed over more than pins");
            }
            Policy::Inputs(_) if root != Some(source) => return broken("I1: the source is not on the line"),
            Policy::Inputs(_) if self.bytes(source, "src") != self.bytes(*parent, "src") => {
                return broken("I1: an input changed");
            }
            _ => {}
        }
        for passed in &line {
            let image = |at: Option<&Oid>| {
                at.map(|at| String::from_utf8_lossy(&self.bytes(*at, name)).lines().nth(1).map(str::to_owned))
            };
            if image(Some(&passed.oid)) == image(passed.parents.first()) {
                continue;
            }
            match self.pins([&passed.oid]).get(&passed.oid).map(|(_, pin)| &pin.claim) {
                None => return broken("I7: overwrote what a hand wrote"),
                Some(pin)
                    if pin.source() != source && self.memory.ancestors(pin.source()).contains(&source) =>
                {
                    return broken("I6: went back");
                }
                Some(pin) if pin.source() == source && pin.sites() != record.claim.sites() => {
                    return broken("I6: replaced a rebuild");
                }
                Some(_) => {}
            }
        }
        if String::from_utf8_lossy(&self.bytes(*parent, HOLDS)).contains(name) {
            return broken("I8: pinned a site on hold");
        }
        Ok(())
    }
}
