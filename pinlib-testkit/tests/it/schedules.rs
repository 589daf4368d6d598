//! Every schedule, with the real algorithm. What each leaves behind is judged by the scene's oracle.

use crate::scene::{Job, Outcome, Scene, file, inputs, options, path};
use pinlib::{DigestSource, Oid, OutcomeKind, PinError, PinOptions, Policy, Receipt};
use pinlib_testkit::{
    image::{Recipe, Variant},
    memory::{MemoryRegistry, human},
    sim::{End, Tape, explore},
};
use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

fn explored(name: &str, scenario: impl FnMut(&Arc<Tape>) -> Result<(), String>) {
    let runs = explore(scenario).unwrap_or_else(|example| panic!("{name}: {example}"));
    std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{name}: {runs} schedules\n")).ok();
}

fn want(holds: bool, what: impl std::fmt::Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{what:?}")) }
}

fn kind(end: &End<Outcome>) -> Option<OutcomeKind> {
    match end {
        End::Done(end) => Some(end.as_ref().map_or_else(PinError::kind, Receipt::kind)),
        End::Dropped => None,
    }
}

fn counted(ends: &[End<Outcome>], wanted: OutcomeKind) -> usize {
    ends.iter().filter(|end| kind(end) == Some(wanted)).count()
}

#[test]
fn of_three_exact_pins_one_lands() {
    explored("three exact pins", |tape| {
        let scene = Scene::new(tape, 0);
        let jobs = ["web", "api", "job"].map(|image| scene.of(image, Policy::Exact));
        let ends = scene.race(tape, &jobs, 0, &[]);
        let pinned = scene.check(&jobs, &ends)?;
        want(pinned == 1 && counted(&ends, OutcomeKind::HeadMoved) == 2, ends)
    });
}

#[test]
fn the_same_pin_twice_is_one_pin_and_two_successes() {
    for policy in [Policy::Exact, Policy::PinsOnly, inputs()] {
        explored("the same pin twice", |tape| {
            let scene = Scene::new(tape, 0);
            let jobs = [scene.of("web", policy.clone()), scene.of("web", policy.clone())];
            let ends = scene.race(tape, &jobs, 0, &[]);
            let pinned = scene.check(&jobs, &ends)?;
            want(pinned == 1 && counted(&ends, OutcomeKind::AlreadyPinned) == 1, ends)
        });
    }
}

#[test]
fn two_exact_pins_a_pusher_and_two_faults() {
    explored("two exact pins, a pusher, two faults", |tape| {
        let scene = Scene::new(tape, 2);
        let jobs = [scene.of("web", Policy::Exact), scene.of("api", Policy::Exact)];
        let push = || scene.push("src", "2");
        let ends = scene.race(tape, &jobs, 0, &[&push]);
        let pinned = scene.check(&jobs, &ends)?;
        want(pinned < 2, ends)
    });
}

#[test]
fn one_pin_a_pusher_and_four_faults() {
    explored("one pin, a pusher, four faults", |tape| {
        let scene = Scene::new(tape, 4);
        let jobs = [scene.of("web", Policy::Exact)];
        let push = || scene.push("src", "2");
        let ends = scene.race(tape, &jobs, 0, &[&push]);
        scene.check(&jobs, &ends)?;
        want(scene.forge.sent() <= 3, "sent again more than twice")
    });
}

#[test]
fn one_fault_alone_never_ends_in_doubt() {
    for append_only in [false, true] {
        explored("one pin, a fault", |tape| {
            let scene = Scene::new(tape, 1);
            let jobs =
                [scene.job(scene.source, "web", "web", PinOptions { append_only, ..options(Policy::Exact) })];
            let ends = scene.race(tape, &jobs, 0, &[]);
            scene.check(&jobs, &ends)?;
            want(
                ends.iter()
                    .all(|end| matches!(kind(end), Some(OutcomeKind::Pinned | OutcomeKind::Unavailable))),
                ends,
            )
        });
    }
    explored("one pin, a pusher, a fault, append only", |tape| {
        let scene = Scene::new(tape, 1);
        let jobs = [scene.job(
            scene.source,
            "web",
            "web",
            PinOptions { append_only: true, ..options(Policy::Exact) },
        )];
        let push = || scene.push("src", "2");
        let ends = scene.race(tape, &jobs, 0, &[&push]);
        scene.check(&jobs, &ends)?;
        want(counted(&ends, OutcomeKind::Unknown) == 0, ends)
    });
}

#[test]
fn two_services_both_land_where_the_policy_lets_them() {
    for policy in [Policy::PinsOnly, inputs()] {
        explored("two services", |tape| {
            let scene = Scene::new(tape, 0);
            let jobs = ["web", "api"].map(|image| scene.of(image, policy.clone()));
            let ends = scene.race(tape, &jobs, 0, &[]);
            let pinned = scene.check(&jobs, &ends)?;
            want(pinned == 2, ends)
        });
    }
}

#[test]
fn two_pins_a_pusher_and_a_fault() {
    for (policy, pushed) in [(Policy::PinsOnly, "src"), (inputs(), "docs")] {
        explored("two services, a pusher, a fault", |tape| {
            let scene = Scene::new(tape, 1);
            let jobs = ["web", "api"].map(|image| scene.of(image, policy.clone()));
            let push = || scene.push(pushed, "2");
            let ends = scene.race(tape, &jobs, 0, &[&push]);
            scene.check(&jobs, &ends).map(drop)
        });
    }
}

#[test]
fn older_and_newer_builds_race() {
    explored("older and newer, a fault", |tape| {
        let scene = Scene::new(tape, 1);
        let newer = scene.push("docs", "2");
        let jobs = [scene.of("web", inputs()), scene.job(newer, "web", "newer", options(inputs()))];
        let ends = scene.race(tape, &jobs, 0, &[]);
        scene.check(&jobs, &ends).map(drop)
    });
}

#[test]
fn a_human_takes_back_edits_and_holds_meanwhile() {
    let text = file("web", None);
    let by_hand = file("web", Some("hotfix"));
    for (name, changed, text) in [
        ("takes back", "web", &text),
        ("edits", "web", &by_hand),
        ("holds", ".pinlib/holds", &"line:0 web\n".to_owned()),
    ] {
        explored(&format!("the same pin twice, a human {name}, a fault"), |tape| {
            let scene = Scene::new(tape, 1);
            let jobs = [scene.of("web", inputs()), scene.of("web", inputs())];
            let act = || scene.push(changed, text);
            let ends = scene.race(tape, &jobs, 0, &[&act]);
            scene.check(&jobs, &ends).map(drop)
        });
    }
}

#[test]
fn a_merge_takes_the_pin_aside() {
    explored("a pin, forced off, merged back by ours, then again, a fault", |tape| {
        let scene = Scene::forced(tape, 1);
        let first = [scene.of("web", inputs())];
        let aside = std::cell::Cell::new(scene.source);
        let off = || {
            aside.set(scene.head());
            scene.force(scene.source);
            scene.push("docs", "2")
        };
        let back =
            || scene.force(scene.memory.write(&[scene.head(), aside.get()], &human(), &[], "merge -s ours"));
        let mut ends = scene.race(tape, &first, 0, &[&off, &back]);
        let [first] = first;
        let jobs = [first, scene.of("web", inputs())];
        ends.extend(scene.race(tape, &jobs[1..], 0, &[]));
        scene.check(&jobs, &ends).map(drop)
    });
}

#[test]
fn a_human_amends_what_was_pinned() {
    explored("a pin, amended by a human, a fault", |tape| {
        let scene = Scene::forced(tape, 1);
        let jobs = [scene.of("web", Policy::Exact)];
        let amend = || {
            let head = scene.memory.fact(scene.head()).expect("a commit");
            let text = String::from_utf8(scene.memory.files(head.oid)[&path("web")].clone()).expect("text");
            scene.force(scene.memory.write(
                &head.parents,
                &human(),
                &[(path("web"), &text), (path("docs"), "2")],
                &head.message,
            ))
        };
        let ends = scene.race(tape, &jobs, 0, &[&amend]);
        scene.check(&jobs, &ends).map(drop)
    });
}

#[test]
fn a_stale_read_settles_nothing_even_where_the_branch_only_grows() {
    explored("one pin, a pusher, two faults, append only", |tape| {
        let scene = Scene::forced(tape, 2);
        let jobs =
            [scene.job(scene.source, "web", "web", PinOptions { append_only: true, ..options(inputs()) })];
        let push = || scene.push("docs", "2");
        let ends = scene.race(tape, &jobs, 0, &[&push]);
        scene.check(&jobs, &ends).map(drop)
    });
}

#[test]
fn a_dropped_pin_runs_again_and_converges() {
    explored("dropped, then run again", |tape| {
        let scene = Scene::new(tape, 1);
        let first = [scene.of("web", Policy::Exact)];
        scene.race(tape, &first, 1, &[]);
        let again = [scene.of("web", Policy::Exact)];
        let ends = scene.race(tape, &again, 0, &[]);
        scene.check(&again, &ends)?;
        let known =
            [OutcomeKind::Pinned, OutcomeKind::AlreadyPinned, OutcomeKind::Unavailable, OutcomeKind::Unknown];
        want(ends.iter().filter_map(kind).all(|kind| known.contains(&kind)), ends)
    });
}

fn force(scene: &Scene, tape: &Tape, jobs: &[Job], there: impl Fn(&Scene) -> Oid) -> Result<(), String> {
    let (away, back) = (|| there(scene), || scene.force(scene.source));
    let ends = scene.race(tape, jobs, 0, &[&away, &back]);
    scene.check(jobs, &ends).map(drop)
}

#[test]
fn a_branch_forced_away_and_back_fools_nobody() {
    explored("rewound and restored, two faults", |tape| {
        let scene = Scene::forced(tape, 2);
        force(&scene, tape, &[scene.of("web", Policy::Exact)], |scene| scene.force(scene.root))
    });
    explored("pushed and forced back, two faults", |tape| {
        let scene = Scene::forced(tape, 2);
        force(&scene, tape, &[scene.of("web", Policy::Exact)], |scene| scene.push("src", "2"))
    });
}

/// Who says that the branch only grows, and forces it, is told a wrong abort: the price of F1, written down.
#[test]
fn a_branch_that_breaks_its_word_is_told_wrong() {
    let found = explore(|tape| {
        let scene = Scene::forced(tape, 1);
        let job =
            scene.job(scene.source, "web", "web", PinOptions { append_only: true, ..options(Policy::Exact) });
        force(&scene, tape, &[job], |scene| scene.push("src", "2"))
    });
    assert!(found.is_err_and(|example| example.broken.starts_with("I3")));
}

#[test]
fn the_explorer_finds_what_it_must() {
    let found = explore(|tape| {
        let scene = Scene::new(tape, 1);
        let end = scene.pin(&scene.of("web", Policy::Exact));
        if end.is_ok() { Ok(()) } else { Err("not every run lands".into()) }
    });
    assert!(found.is_err());
}

/// The registry, the head and the commit make one other task wait each; the first two do so at once.
#[test]
fn resolving_and_reading_run_side_by_side() {
    let scene = Scene::quiet();
    let (registry, mut job) = (MemoryRegistry::default(), scene.of("web", Policy::PinsOnly));
    let mut image = job.request.images()[0].clone();
    image.digest = DigestSource::Tag;
    registry.push(&image.image, &Recipe::of([Variant::of("linux/amd64")]).index());
    job.request =
        pinlib::PinRequest::new(scene.source, scene.branch.clone(), vec![image], options(Policy::PinsOnly))
            .expect("a request");
    let pinner = pinlib::Pinner { registry: Arc::new(registry), ..scene.pinner() };
    let mut future = pin!(pinner.pin(&job.request, job.run));
    let polls = (1..9).find(|_| {
        matches!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(_)))
    });
    assert_eq!(polls, Some(3));
}
