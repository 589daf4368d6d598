//! How long a pin goes on after lost races: within both bounds, from scratch each time, and never past a definite no.

use crate::scene::{Outcome, Scene, file, inputs, options, path};
use async_trait::async_trait;
use pinlib::{
    Clock, CommitError, GitForge as _, GuardedCommit, HOLDS, Movement, Oid, Operation, OutcomeKind, PinError,
    PinOptions, Pinner, Policy, Superseder, Wait,
};
use pinlib_testkit::{
    broken::{Broken, Flaw},
    memory::{MemoryClock, MemoryForge, bot},
    sim::run,
};
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

/// Another service's pin comes just before each of the first so many commits.
#[derive(Debug, Default)]
struct Rivals(AtomicU32);

#[async_trait]
impl Flaw for Rivals {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        if let Ok(left) = self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)) {
            let (scene, content) = (Scene::quiet(), format!("api {left}"));
            let head = inner.heads(commit.branch()).into_iter().flatten().last().expect("a head");
            let source = commit.record().claim.source();
            let message = scene.record(Operation::Pin, source, "api", &content, head).message("Pin api");
            let pin = inner.write(&[head], &bot(), &[(path("api"), &file("api", Some(&content)))], &message);
            inner.force(commit.branch(), Some(pin));
        }
        inner.commit(commit).await
    }
}

/// A clock that stands still but for the pauses, which it keeps; in the first, somebody commits this.
#[derive(Debug)]
struct Pauses {
    forge: Arc<Broken<Rivals>>,
    taken: Mutex<Vec<Duration>>,
    meanwhile: Option<(&'static str, String)>,
}

#[async_trait]
impl Clock for Pauses {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.taken.lock().expect("a lock").iter().sum::<Duration>()
    }
    async fn sleep(&self, time: Duration) {
        let mut taken = self.taken.lock().expect("a lock");
        if let (true, Some((name, text))) = (taken.is_empty(), &self.meanwhile) {
            self.forge.memory.push(&"main".parse().expect("a branch"), &[(path(name), text)], "meanwhile");
        }
        taken.push(time);
    }
}

/// A pin of `web`, so many rivals, and what somebody commits meanwhile.
struct Play {
    policy: Policy,
    wait: Wait,
    rivals: u32,
    run: u8,
    meanwhile: Option<(&'static str, String)>,
}

const LONG: Wait = Wait { tries: 100, time: Duration::from_secs(3600) };

fn rivals(rivals: u32, wait: Wait) -> Play {
    Play { policy: Policy::PinsOnly, wait, rivals, run: 0x80, meanwhile: None }
}

impl Play {
    /// How it ended, the pauses that it took, and how many pins are on the branch.
    fn play(self) -> (Outcome, Vec<Duration>, usize) {
        let (scene, forge) = (Scene::quiet(), Arc::new(Broken::<Rivals>::default()));
        forge.flaw.0.store(self.rivals, Relaxed);
        let files = ["web", "api"].map(|name| (path(name), file(name, None)));
        let files = files.each_ref().map(|(path, text)| (path.clone(), text.as_str()));
        let source = forge.memory.push(&scene.branch, &files, "source");
        let told = PinOptions { wait: self.wait, ..options(self.policy) };
        let job = scene.job(source, "web", "web", told);
        let meanwhile = self.meanwhile;
        let clock = Arc::new(Pauses { forge: Arc::clone(&forge), taken: Mutex::default(), meanwhile });
        let pinner = Pinner {
            forge: Arc::<Broken<Rivals>>::clone(&forge),
            clock: Arc::<Pauses>::clone(&clock),
            ..scene.pinner()
        };
        let end = run(pinner.pin(&job.request, [self.run; 16].into()));
        let head = forge.memory.heads(&scene.branch).into_iter().flatten().last().expect("a head");
        let pins = forge.memory.line(head).iter().filter(|fact| bot().made(fact)).count();
        let taken = clock.taken.lock().expect("a lock").clone();
        (end, taken, pins)
    }
}

#[track_caller]
fn raced(end: Outcome) -> u32 {
    match end {
        Err(PinError::HeadMoved { how: Movement::Raced { times }, .. }) => times,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_waits_lands_after_any_number_of_rivals_within_the_bounds() {
    let (end, taken, pins) = rivals(9, LONG).play();
    let receipt = end.expect("a receipt");
    assert_eq!((receipt.kind(), receipt.decisions), (OutcomeKind::Pinned, 10));
    assert_eq!((taken.len(), pins), (9, 10), "a pause a race, and no pin but the rivals' and ours");
}

#[test]
fn who_does_not_wait_is_decided_once_more_and_at_once() {
    for wait in [Wait::default(), Wait { tries: 9, ..Wait::default() }, Wait { tries: 1, ..LONG }] {
        let (end, taken, _) = rivals(1, wait).play();
        assert_eq!((end.expect("a receipt").decisions, taken.len()), (2, 0), "{wait:?}");
        let (end, taken, pins) = rivals(9, wait).play();
        assert_eq!((raced(end), taken.len(), pins), (2, 0, 2), "{wait:?}");
    }
}

#[test]
fn the_bound_in_tries_holds() {
    let (end, taken, pins) = rivals(99, Wait { tries: 5, ..LONG }).play();
    assert_eq!((raced(end), taken.len(), pins), (5, 4, 5));
}

#[test]
fn the_bound_in_time_holds_to_the_second() {
    let time = Duration::from_secs(20);
    let (end, taken, _) = rivals(99, Wait { time, ..LONG }).play();
    assert_eq!(taken.iter().sum::<Duration>(), time, "the last pause is what is left");
    assert_eq!(raced(end), 1 + u32::try_from(taken.len()).expect("a few"));
}

/// Up to twice the time that is gone, and a limit: 32 times the first. What the run's bytes draw is a share of it; here always
/// half.
#[test]
fn pauses_grow_up_to_a_limit() {
    let (_, taken, _) = rivals(9, LONG).play();
    let seconds: Vec<_> = taken.iter().map(Duration::as_secs_f64).map(f64::round).collect();
    assert_eq!(seconds, [1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 16.0, 16.0]);
}

#[test]
fn two_runs_pause_differently_and_one_run_always_alike() {
    let taken = |run| Play { run, ..rivals(5, LONG) }.play().1;
    assert_eq!(taken(7), taken(7));
    let apart = taken(7).into_iter().zip(taken(200)).all(|(one, other)| one != other);
    assert!(apart, "{:?} {:?}", taken(7), taken(200));
}

/// Each decision after a pause is made at the head that stands there then, from scratch: what people did in the pause counts.
#[test]
fn what_happens_in_a_pause_is_seen() {
    let meanwhile = |policy, name, text: String| {
        let play = Play { policy, meanwhile: Some((name, text)), ..rivals(1, LONG) };
        let (end, taken, pins) = play.play();
        assert_eq!(taken.len(), 1);
        (end, pins)
    };
    // One pause, and no second race: the head was read again.
    let (end, pins) = meanwhile(inputs(), "docs", "x".into());
    assert_eq!((end.expect("a receipt").decisions, pins), (2, 2));
    let (end, pins) = meanwhile(inputs(), "src", "x".into());
    assert!(
        matches!(end, Err(PinError::HeadMoved { how: Movement::InputChanged { .. }, .. })) && pins == 1,
        "{end:?}"
    );
    let (end, pins) = meanwhile(Policy::PinsOnly, "docs", "x".into());
    assert!(
        matches!(end, Err(PinError::HeadMoved { how: Movement::NotAPin { .. }, .. })) && pins == 1,
        "{end:?}"
    );
    let (end, pins) = meanwhile(inputs(), "web", file("web", Some("hotfix")));
    assert!(
        matches!(end, Err(PinError::HeadMoved { how: Movement::ByHand { .. }, .. })) && pins == 1,
        "{end:?}"
    );
    let (end, pins) = meanwhile(Policy::PinsOnly, HOLDS, "line:0 web\n".into());
    assert!(matches!(end, Err(PinError::Superseded(Superseder::Hold { .. }))) && pins == 1, "{end:?}");
    let (end, pins) = meanwhile(inputs(), "web", file("web", Some("web")));
    assert_eq!((end.expect("the digest is there").kind(), pins), (OutcomeKind::AlreadyPinned, 1));
}

/// How a pin that could wait long fails, and how long it waited.
fn fails(scene: &Scene, policy: Policy) -> (OutcomeKind, Duration) {
    let clock = Arc::new(MemoryClock::default());
    let job = scene.job(scene.source, "web", "web", PinOptions { wait: LONG, ..options(policy) });
    let pinner = Pinner { clock: Arc::<MemoryClock>::clone(&clock), ..scene.pinner() };
    let end = run(pinner.pin(&job.request, job.run));
    (end.expect_err("a definite no").kind(), clock.waited())
}

/// A history of more than a thousand commits is not read whole.
#[test]
fn what_cannot_be_seen_whole_is_not_decided_on_and_not_waited_for() {
    let scene = Scene::quiet();
    for n in 0..=1000 {
        scene.push("docs", &format!("{n}"));
    }
    for policy in [Policy::PinsOnly, inputs()] {
        assert_eq!(fails(&scene, policy), (OutcomeKind::Unavailable, Duration::ZERO));
    }
}

/// A definite no is told at once.
#[test]
fn what_no_wait_can_cure_is_not_waited_for() {
    let scene = Scene::quiet();
    scene.push("docs", "2");
    assert_eq!(fails(&scene, Policy::PinsOnly), (OutcomeKind::HeadMoved, Duration::ZERO), "not a pin");
    scene.push("src", "2");
    assert_eq!(fails(&scene, inputs()), (OutcomeKind::HeadMoved, Duration::ZERO), "an input");
    scene.push("web", &file("web", Some("hotfix")));
    assert_eq!(fails(&scene, inputs()), (OutcomeKind::HeadMoved, Duration::ZERO), "by hand");
    scene.push(HOLDS, "line:0 web\n");
    assert_eq!(fails(&scene, inputs()), (OutcomeKind::Superseded, Duration::ZERO), "a hold");
    let scene = Scene::quiet();
    scene.memory.protect(&scene.branch, true);
    assert_eq!(fails(&scene, Policy::PinsOnly), (OutcomeKind::Rejected, Duration::ZERO), "a rule");
}

#[test]
fn waiting_under_exact_is_no_request() {
    let scene = Scene::quiet();
    let images = scene.of("web", Policy::Exact).request.images().to_vec();
    let told = PinOptions { wait: LONG, ..options(Policy::Exact) };
    let request = pinlib::PinRequest::new(scene.source, scene.branch.clone(), images, told);
    assert_eq!(request.expect_err("it waits for nothing").kind(), OutcomeKind::Invalid);
}
