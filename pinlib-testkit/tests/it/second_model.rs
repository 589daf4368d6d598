//! A second opinion on the scheduler: shuttle's threads and schedulers over the same algorithm, judged by the same checker.

use crate::scene::{Job, Outcome, Scene, inputs, options};
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, BranchName, CommitError, CommitRange, FileAt, GitForge, GuardedCommit,
    History, Identity, Oid, PinOptions, Pinner, Policy, RepoPath, TreeEntry,
};
use pinlib_testkit::{
    memory::MemoryForge,
    sim::{End, run},
};
use shuttle::{
    Config, Runner,
    future::{block_on, yield_now},
    scheduler::{DfsScheduler, PctScheduler, RandomScheduler, Scheduler},
    sync::Mutex,
    thread,
};
use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

/// The memory forge behind a lock of shuttle's: each call arrives, is served, and its answer travels back.
struct Shuttled {
    memory: Arc<MemoryForge>,
    door: Mutex<()>,
    /// So many answers to commits are lost.
    lost: AtomicU32,
}

impl fmt::Debug for Shuttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shuttled({:?})", self.memory)
    }
}

impl fmt::Display for Shuttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} under shuttle", self.memory)
    }
}

impl Shuttled {
    async fn serve<T>(&self, call: impl Future<Output = T> + Send) -> T {
        let answer = {
            let _open = self.door.lock().expect("a door");
            run(call)
        };
        yield_now().await;
        answer
    }
}

#[async_trait]
impl GitForge for Shuttled {
    async fn identity(&self) -> Result<Identity, BackendError> {
        self.memory.identity().await
    }
    async fn head(&self, branch: &BranchName) -> Result<Oid, BackendError> {
        self.serve(self.memory.head(branch)).await
    }
    async fn read(&self, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, BackendError> {
        self.serve(self.memory.read(wanted)).await
    }
    async fn trees(&self, oids: &[Oid]) -> Result<Vec<Vec<TreeEntry>>, BackendError> {
        self.memory.trees(oids).await
    }
    async fn history(&self, range: &CommitRange) -> Result<History, BackendError> {
        self.serve(self.memory.history(range)).await
    }
    async fn commit(&self, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let answer = self.serve(self.memory.commit(commit)).await;
        if self.lost.fetch_update(Relaxed, Relaxed, |lost| lost.checked_sub(1)).is_ok() {
            let error = BackendError::new(BackendErrorKind::Unavailable, "hear the answer");
            return Err(CommitError::Ambiguous(error));
        }
        answer
    }
}

type Act = fn(&Scene);

/// These pins as shuttle's threads, and somebody who does things meanwhile; `lost` answers to commits are lost.
fn pins(jobs: impl Fn(&Scene) -> Vec<Job>, acts: &[Act], lost: u32) -> Result<usize, String> {
    let scene = Arc::new(Scene::quiet());
    let (memory, lost) = (Arc::clone(&scene.memory), AtomicU32::new(lost));
    let forge = Arc::new(Shuttled { memory, door: Mutex::new(()), lost });
    let jobs = jobs(&scene);
    let start = |job: &Job| {
        let (job, forge) = (job.clone(), Arc::<Shuttled>::clone(&forge));
        let pinner = Pinner { forge, ..scene.pinner() };
        thread::spawn(move || -> Outcome { block_on(pinner.pin(&job.request, job.run)) })
    };
    let threads: Vec<_> = jobs.iter().map(start).collect();
    for act in acts {
        {
            let _open = forge.door.lock().expect("a door");
            act(&scene);
        }
        thread::yield_now();
    }
    let ends: Vec<_> = threads
        .into_iter()
        .map(|thread| End::Done(thread.join().expect("a pin that does not panic")))
        .collect();
    scene.check(&jobs, &ends)
}

/// A pin's futures want more of a stack than shuttle gives by itself.
fn schedules(scheduler: impl Scheduler + 'static, scenario: impl Fn() + Send + Sync + 'static) {
    let mut config = Config::new();
    config.stack_size = 1 << 20;
    let count = Runner::new(scheduler, config).run(scenario);
    std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("shuttle: {count} schedules\n")).ok();
}

fn of(images: &'static [&'static str], policy: Policy) -> impl Fn(&Scene) -> Vec<Job> + Send + Sync {
    move |scene| images.iter().map(|image| scene.of(image, policy.clone())).collect()
}

fn docs(scene: &Scene) {
    scene.push("docs", "2");
}

fn src(scene: &Scene) {
    scene.push("src", "2");
}

fn back(scene: &Scene) {
    scene.force(scene.source);
}

fn held(end: Result<usize, String>) -> usize {
    end.unwrap_or_else(|broken| panic!("{broken}"))
}

#[test]
fn two_exact_pins_depth_first() {
    schedules(DfsScheduler::new(Some(3000), false), || {
        assert_eq!(held(pins(of(&["web", "api"], Policy::Exact), &[], 0)), 1);
    });
}

#[test]
fn two_pins_at_random_and_an_answer_lost() {
    for policy in [Policy::Exact, Policy::PinsOnly, inputs()] {
        schedules(RandomScheduler::new_from_seed(1, 300), move || {
            held(pins(of(&["web", "web"], policy.clone()), &[docs], 1));
        });
    }
}

#[test]
fn three_pins_and_somebody_by_priorities() {
    for policy in [Policy::PinsOnly, inputs()] {
        schedules(PctScheduler::new_from_seed(1, 3, 300), move || {
            held(pins(of(&["web", "api", "job"], policy.clone()), &[docs, src], 0));
        });
    }
    schedules(PctScheduler::new_from_seed(2, 4, 300), || {
        held(pins(of(&["web", "api", "web"], Policy::Exact), &[src, back], 1));
    });
}

/// The second model can fail, too: who says that the branch only grows, and forces it, is told wrong.
#[test]
fn the_second_model_finds_what_it_must() {
    let found = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&found);
    schedules(RandomScheduler::new_from_seed(1, 200), move || {
        let told = |scene: &Scene| {
            let options = PinOptions { append_only: true, ..options(Policy::Exact) };
            vec![scene.job(scene.source, "web", "web", options)]
        };
        let broken = pins(told, &[back, src], 2).is_err_and(|broken| broken.starts_with("I3"));
        count.fetch_add(u32::from(broken), Relaxed);
    });
    assert!(found.load(Relaxed) > 0);
}
