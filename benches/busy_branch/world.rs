//! One branch of one repository: people merge, images are built, and each is pinned when its build ends.

use crate::{
    Failed,
    agenda::{Agenda, Event, Far},
};
use pinlib::{
    BranchName, Digest, DigestSource, ImagePin, NoRegistry, Oid, OutcomeKind, Patience, PinOptions,
    PinRequest, Pinner, Policy, RepoPath, Target, Wait,
};
use pinlib_testkit::{
    lines::ImageLines,
    memory::MemoryForge,
    sim::{Dice, Seed, Task},
};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

/// How a digest comes to the branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Method {
    Exact,
    PinsOnly,
    Inputs,
    /// Commits on the source commit; where that is refused, `git pull --rebase` and a push again, until it lands.
    Rebase,
}

impl Method {
    pub(crate) const ALL: [Self; 4] = [Self::Exact, Self::PinsOnly, Self::Inputs, Self::Rebase];
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::PinsOnly => "pins-only",
            Self::Inputs => "inputs",
            Self::Rebase => "rebase-and-retry",
        })
    }
}

/// What came of the builds of one branch.
#[derive(Debug, Default)]
pub(crate) struct Played {
    pub(crate) builds: usize,
    pub(crate) pinned: usize,
    /// Builds whose inputs nobody had changed when they ended.
    pub(crate) current: usize,
    pub(crate) current_pinned: usize,
    /// Pins onto a head whose inputs are not those that the image was built from.
    pub(crate) wrong: usize,
    pub(crate) decisions: usize,
    /// From the end of each build to its pin.
    pub(crate) seconds: Vec<f64>,
}

const SERVICES: usize = 5;
/// The mean; a build takes between three quarters and five quarters of it.
const BUILD: Duration = Duration::from_secs(600);
/// The command line's own, where nobody says more than `--wait`.
const WAIT: Wait = Wait { tries: 30, time: Duration::from_secs(300) };
/// Of the merges, so many in a hundred change what all services are built from, and what none is.
const SHARED: usize = 10;
const DOCS: usize = 20;

struct Build {
    service: usize,
    source: Oid,
    ended: Option<Ended>,
}

/// A build's end, and its pin on the way.
struct Ended {
    at: Duration,
    current: bool,
    task: Task<'static, Option<Landed>>,
}

/// A pin that landed, and after how many decisions.
struct Landed {
    commit: Oid,
    decisions: usize,
}

struct World {
    memory: Arc<MemoryForge>,
    agenda: Arc<Agenda>,
    forge: Arc<Far>,
    branch: BranchName,
    method: Method,
    builds: Vec<Build>,
    played: Played,
}

/// Plays one branch to the end of so many builds. The same seed has the same merges and builds, whatever the method.
pub(crate) fn play(rate: f64, method: Method, seed: u64, builds: usize) -> Result<Played, Failed> {
    let mut dice = Dice::from(Seed(seed));
    let mut world = World::new(method, Seed(seed ^ 0x5eed))?;
    let gap = BUILD.div_f64(rate);
    world.agenda.note(random_gap(&mut dice, gap), Event::Merge);
    while let Some(event) = world.agenda.next() {
        match event {
            // People merge on while the last image is built and pinned.
            Event::Merge if world.builds.len() < builds || world.is_at_work() => {
                world.merge(&mut dice, builds)?;
                world.agenda.note(random_gap(&mut dice, gap), Event::Merge);
            }
            Event::Merge => {}
            Event::Built(build) => {
                world.end(build)?;
                world.step(build)?;
            }
            Event::Wake(build) => world.step(build)?,
        }
    }
    Ok(world.played)
}

/// Poisson: the gaps between merges are exponential.
#[expect(clippy::cast_precision_loss, reason = "a million is a float")]
fn random_gap(dice: &mut Dice, mean: Duration) -> Duration {
    const FINE: usize = 1_000_000;
    mean.mul_f64(-((dice.below(FINE) + 1) as f64 / FINE as f64).ln())
}

fn path(text: &str) -> Result<RepoPath, Failed> {
    Ok(text.parse()?)
}

/// The file that names the image of a service.
fn declares(service: usize) -> Result<RepoPath, Failed> {
    path(&format!("deploy/s{service}"))
}

/// What a service is built from: its folder, and one for all.
fn inputs(service: usize) -> Result<Vec<RepoPath>, Failed> {
    Ok(vec![path(&format!("services/s{service}"))?, path("shared")?])
}

fn image(service: usize) -> String {
    format!("ghcr.io/acme/s{service}")
}

impl World {
    fn new(method: Method, seed: Seed) -> Result<Self, Failed> {
        let (memory, agenda, branch) =
            (Arc::<MemoryForge>::default(), Arc::<Agenda>::default(), "main".parse()?);
        let mut files = Vec::new();
        for service in 0..SERVICES {
            files.push((declares(service)?, format!("image: {}\n", image(service))));
        }
        let files: Vec<_> = files.iter().map(|(path, text)| (path.clone(), text.as_str())).collect();
        memory.push(&branch, &files, "begin");
        let dice = Mutex::new(Dice::from(seed));
        let forge = Arc::new(Far { memory: Arc::clone(&memory), agenda: Arc::clone(&agenda), dice });
        Ok(Self { memory, agenda, forge, branch, method, builds: Vec::new(), played: Played::default() })
    }

    fn is_at_work(&self) -> bool {
        self.played.builds < self.builds.len() || self.builds.iter().any(|build| build.ended.is_some())
    }

    /// Somebody merges: what is made of it is built, up to so many builds in all.
    fn merge(&mut self, dice: &mut Dice, builds: usize) -> Result<(), Failed> {
        let number = self.memory.heads(&self.branch).len().to_string();
        let (changed, built) = match dice.below(100) {
            0..SHARED => ("shared/code".to_owned(), 0..SERVICES),
            luck if luck < SHARED + DOCS => ("docs".to_owned(), 0..0),
            _ => {
                let service = dice.below(SERVICES);
                (format!("services/s{service}/code"), service..service + 1)
            }
        };
        let source = self.memory.push(&self.branch, &[(path(&changed)?, &number)], "merge");
        for service in built.take(builds.saturating_sub(self.builds.len())) {
            let takes = BUILD.mul_f64(0.75) + BUILD.mul_f64(0.0005) * u32::try_from(dice.below(1001))?;
            self.agenda.note(takes, Event::Built(self.builds.len()));
            self.builds.push(Build { service, source, ended: None });
        }
        Ok(())
    }

    fn head(&self) -> Result<Oid, Failed> {
        Ok(self.memory.heads(&self.branch).last().copied().flatten().ok_or("no head")?)
    }

    /// Whether the inputs of a service are the same in both commits, by their bytes alone.
    fn same_inputs(&self, service: usize, one: Oid, other: Oid) -> Result<bool, Failed> {
        let inputs = inputs(service)?;
        let of = |at| {
            let mut files = self.memory.files(at);
            files.retain(|path, _| inputs.iter().any(|input| path.is_in(input)));
            files
        };
        Ok(of(one) == of(other))
    }

    /// A build ends, and its pin begins.
    fn end(&mut self, number: usize) -> Result<(), Failed> {
        let Build { service, source, .. } = self.builds[number];
        let digest = Digest::of(format!("{service} {source}").as_bytes());
        let task = match self.method {
            Method::Exact => self.pin(number, digest, Policy::Exact, Wait::default())?,
            Method::PinsOnly => self.pin(number, digest, Policy::PinsOnly, WAIT)?,
            Method::Inputs => self.pin(number, digest, Policy::Inputs(inputs(service)?), WAIT)?,
            Method::Rebase => self.rebase(number, digest)?,
        };
        let current = self.same_inputs(service, source, self.head()?)?;
        self.played.builds += 1;
        self.played.current += usize::from(current);
        self.builds[number].ended = Some(Ended { at: self.agenda.passed(), current, task });
        Ok(())
    }

    fn pin(
        &self,
        number: usize,
        digest: Digest,
        policy: Policy,
        wait: Wait,
    ) -> Result<Task<'static, Option<Landed>>, Failed> {
        let Build { service, source, .. } = self.builds[number];
        let target = |service| Ok::<_, Failed>(Target::new(declares(service)?, Arc::new(ImageLines)));
        let known = (0..SERVICES).map(target).collect::<Result<_, _>>()?;
        let image = ImagePin {
            image: image(service).parse()?,
            digest: DigestSource::Declared(digest),
            platform: None,
            targets: vec![target(service)?],
            was: None,
        };
        let options = PinOptions { policy, wait, known, ..PinOptions::default() };
        let request = PinRequest::new(source, self.branch.clone(), vec![image], options)?;
        let pinner = Pinner {
            registry: Arc::new(NoRegistry),
            forge: Arc::<Far>::clone(&self.forge),
            clock: Arc::<Agenda>::clone(&self.agenda),
            patience: Patience::default(),
        };
        let mut random = [0; 16];
        let mut dice = Dice::from(Seed(number as u64));
        random.fill_with(|| u8::try_from(dice.below(256)).unwrap_or_default());
        Ok(Box::pin(async move {
            let receipt = pinner.pin(&request, random.into()).await.ok()?;
            let decisions = usize::try_from(receipt.decisions).unwrap_or_default();
            (receipt.kind() == OutcomeKind::Pinned).then_some(Landed { commit: receipt.commit, decisions })
        }))
    }

    /// What scripts do: the work tree is the source commit's, and what the build wrote wins where a rebase would conflict.
    fn rebase(&self, number: usize, digest: Digest) -> Result<Task<'static, Option<Landed>>, Failed> {
        let Build { service, source, .. } = self.builds[number];
        let (forge, branch) = (Arc::clone(&self.forge), self.branch.clone());
        let (file, text) = (declares(service)?, format!("image: {}@{digest}\n", image(service)));
        Ok(Box::pin(async move {
            let (mut base, mut decisions) = (source, 0);
            loop {
                decisions += 1;
                forge.travel().await;
                let head = forge.memory.heads(&branch).last().copied().flatten()?;
                if head == base {
                    let commit = forge.memory.push(&branch, &[(file, &text)], "Update the image");
                    forge.travel().await;
                    return Some(Landed { commit, decisions });
                }
                // Refused; then the pull.
                forge.travel().await;
                forge.travel().await;
                base = forge.memory.heads(&branch).last().copied().flatten()?;
                forge.travel().await;
            }
        }))
    }

    /// Lets a pin go on as far as it can.
    fn step(&mut self, number: usize) -> Result<(), Failed> {
        let woken = Arc::new(Woken(AtomicBool::new(true)));
        let waker = Waker::from(Arc::clone(&woken));
        self.agenda.turn_to(number);
        let Some(ended) = &mut self.builds[number].ended else { return Ok(()) };
        let mut poll = Poll::Pending;
        while poll.is_pending() && woken.0.swap(false, Relaxed) {
            poll = ended.task.as_mut().poll(&mut Context::from_waker(&waker));
        }
        let Poll::Ready(landed) = poll else { return Ok(()) };
        let (at, current) = (ended.at, ended.current);
        self.builds[number].ended = None;
        let Some(Landed { commit, decisions }) = landed else { return Ok(()) };
        let Build { service, source, .. } = self.builds[number];
        let parent = self.memory.fact(commit).and_then(|fact| fact.parents.first().copied());
        let right = self.same_inputs(service, source, parent.ok_or("a pin without a parent")?)?;
        self.played.pinned += 1;
        self.played.current_pinned += usize::from(current);
        self.played.wrong += usize::from(!right);
        self.played.decisions += decisions;
        self.played.seconds.push(self.agenda.passed().saturating_sub(at).as_secs_f64());
        Ok(())
    }
}

/// Whether a task wants to go on at once.
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Relaxed);
    }
}
