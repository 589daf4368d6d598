//! The guard against a naive model of it: small histories, drawn at random, judged by both.
//!
//! The model reads the rules off `docs/guarantees.md`, in their order, over a list of what happened. It knows nothing of
//! commits, records and snapshots.

use crate::scene::{Outcome, Scene, file, inputs, options, path};
use pinlib::{HOLDS, Mismatch, Movement, Oid, Operation, PinError, Policy, Superseder, Verdict, judge};
use pinlib_testkit::{
    memory::{bot, human},
    sim::run,
};
use proptest::prelude::*;
use std::{collections::BTreeMap, time::SystemTime};

/// What somebody did after the source commit, on the line of the branch. `web` is what is pinned then, to `CONTENT`.
#[derive(Clone, Debug, PartialEq)]
enum Act {
    /// A person changed something that is no input, an input, the site.
    Other,
    Input,
    Hand(Content),
    /// A pin by pinlib, built from a commit.
    Pin(Built, Content),
    /// A pin of another image's site.
    PinBeside,
    /// A person's commit that quotes the record of such a pin.
    Quoted(Content),
    RolledBack(Content),
    Held,
    Released,
}

/// What stands at the site: an image of this build.
type Content = &'static str;

const CONTENT: Content = "web";

#[derive(Clone, Copy, Debug, PartialEq)]
enum Built {
    Before,
    FromSource,
    /// From the head that it was pinned on.
    Later,
}

/// How both may end.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Clear,
    Nothing,
    Held,
    Undone,
    ByHand,
    RolledBack,
    Rebuilt,
    NewerPin,
    Raced,
    NotAPin,
    InputChanged,
}

/// The rules, in their order.
fn model(acts: &[Act], policy: &Policy) -> End {
    let (mut site, mut held, mut inputs) = ("none", false, 0);
    // Each commit: who changed the site, where somebody did; and whether it is a recognised pin.
    let mut line: Vec<(Act, bool, bool)> = Vec::new();
    for act in acts {
        let before = site;
        match act {
            Act::Hand(content) | Act::Quoted(content) | Act::RolledBack(content) | Act::Pin(_, content) => {
                site = content;
            }
            Act::Input => inputs += 1,
            Act::Held => held = true,
            Act::Released => held = false,
            Act::Other | Act::PinBeside => {}
        }
        let changed = site != before;
        let pin = match act {
            Act::Pin(..) | Act::RolledBack(_) => changed,
            // The first writes the digest, and the next ones find it there.
            Act::PinBeside => !line.iter().any(|(act, ..)| *act == Act::PinBeside),
            _ => false,
        };
        line.push((act.clone(), changed, pin));
    }
    if site == CONTENT {
        return End::Nothing;
    }
    if held {
        return End::Held;
    }
    if line.is_empty() {
        return End::Clear;
    }
    if line.iter().any(|(act, _, pin)| *pin && *act == Act::Pin(Built::FromSource, CONTENT)) {
        return End::Undone;
    }
    for (act, ..) in line.iter().rev().filter(|(_, changed, _)| *changed) {
        match act {
            Act::Pin(Built::Before, _) => {}
            Act::Pin(Built::FromSource, _) => return End::Rebuilt,
            Act::Pin(Built::Later, _) => return End::NewerPin,
            Act::RolledBack(_) => return End::RolledBack,
            _ => return End::ByHand,
        }
    }
    match policy {
        Policy::PinsOnly if line.iter().any(|(.., pin)| !pin) => End::NotAPin,
        Policy::Inputs(_) if inputs > 0 => End::InputChanged,
        Policy::Exact => End::Raced,
        _ => End::Clear,
    }
}

/// Does it, with real commits.
fn perform(scene: &Scene, acts: &[Act]) {
    for (number, act) in acts.iter().enumerate() {
        let text = |content: &str| file("web", (content != "none").then_some(content));
        let pinned = |operation, source, image: &str, content: &str, by, files: &[(&str, &str)]| {
            let record = scene.record(operation, source, image, content, scene.head());
            let files: Vec<_> = files.iter().map(|(name, text)| (path(name), *text)).collect();
            // The pinner has no empty commits: so that each is one of its own, the message is numbered.
            let message = record.message(&format!("Pin {number}"));
            scene.force(scene.memory.write(&[scene.head()], by, &files, &message));
        };
        let (bot, human) = (bot(), human());
        match act {
            Act::Other => drop(scene.push("docs", &number.to_string())),
            Act::Input => drop(scene.push("src", &format!("changed {number}"))),
            Act::Hand(content) => drop(scene.push("web", &text(content))),
            Act::Held => drop(scene.push(HOLDS, "line:0 web\n")),
            Act::Released => drop(scene.push(HOLDS, "\n")),
            Act::PinBeside => {
                let files = [("api", &*file("api", Some("api")))];
                pinned(Operation::Pin, scene.source, "api", "api", &bot, &files);
            }
            Act::Pin(built, content) => {
                let source: Oid = match built {
                    Built::Before => scene.root,
                    Built::FromSource => scene.source,
                    Built::Later => scene.head(),
                };
                pinned(Operation::Pin, source, "web", content, &bot, &[("web", &text(content))]);
            }
            Act::Quoted(content) => {
                pinned(Operation::Pin, scene.source, "web", content, &human, &[("web", &text(content))]);
            }
            Act::RolledBack(content) => {
                let back = Operation::Rollback(scene.head());
                pinned(back, scene.root, "web", content, &bot, &[("web", &text(content))]);
            }
        }
    }
}

fn ended(refused: &PinError) -> End {
    match refused {
        PinError::Superseded(Superseder::Hold { .. }) => End::Held,
        PinError::Superseded(Superseder::Undone { .. }) => End::Undone,
        PinError::Superseded(Superseder::Rollback { .. }) => End::RolledBack,
        PinError::Superseded(Superseder::NewerPin { .. }) => End::NewerPin,
        PinError::Mismatch(Mismatch::Rebuilt { .. }) => End::Rebuilt,
        PinError::HeadMoved { how, .. } => match how {
            Movement::ByHand { .. } => End::ByHand,
            Movement::Raced { .. } => End::Raced,
            Movement::NotAPin { .. } => End::NotAPin,
            Movement::InputChanged { .. } => End::InputChanged,
            other => panic!("no history of these is {other}"),
        },
        other => panic!("no rule: {other}"),
    }
}

/// What the guard says.
fn judged(scene: &Scene, policy: &Policy) -> End {
    let job = scene.job(scene.source, "web", CONTENT, options(policy.clone()));
    if *policy == Policy::Exact {
        // Its plan rests on A alone; so it is asked with the compare-and-swap behind it.
        let outcome: Outcome = scene.pin(&job);
        return match &outcome {
            Ok(receipt) if receipt.kind() == pinlib::OutcomeKind::Pinned => End::Clear,
            Ok(_) => End::Nothing,
            Err(error) => ended(error),
        };
    }
    let plan = run(scene.pinner().plan(&job.request)).expect("a plan");
    match judge(plan.clone(), job.run, SystemTime::UNIX_EPOCH) {
        Ok(verdict) => {
            let again = judge(plan, job.run, SystemTime::UNIX_EPOCH);
            assert_eq!(
                format!("{again:?}"),
                format!("{:?}", Ok::<_, PinError>(&verdict)),
                "it is a pure function"
            );
            if let Verdict::Clear(_) = verdict { End::Clear } else { End::Nothing }
        }
        Err(error) => ended(&error),
    }
}

/// Both on the same history, under a policy; what they said.
fn both(acts: &[Act], policy: &Policy) -> (End, End) {
    // What is built from the head that A still is, is built from A.
    let first = |(at, act): (usize, &Act)| match act {
        Act::Pin(Built::Later, content) if at == 0 => Act::Pin(Built::FromSource, content),
        act => act.clone(),
    };
    let acts: Vec<_> = acts.iter().enumerate().map(first).collect();
    let scene = Scene::quiet();
    perform(&scene, &acts);
    (judged(&scene, policy), model(&acts, policy))
}

fn policies() -> [Policy; 3] {
    [Policy::Exact, Policy::PinsOnly, inputs()]
}

/// Everything that can be done in one step.
fn every_act() -> Vec<Act> {
    let mut acts = vec![Act::Other, Act::Input, Act::PinBeside, Act::Held, Act::Released, Act::Hand("none")];
    for content in [CONTENT, "other"] {
        acts.extend([Act::Hand(content), Act::Quoted(content), Act::RolledBack(content)]);
        acts.extend([Built::Before, Built::FromSource, Built::Later].map(|built| Act::Pin(built, content)));
    }
    acts
}

#[test]
fn every_history_of_two_is_judged_as_the_rules_say() {
    let (acts, mut seen) = (every_act(), BTreeMap::new());
    let steps = || std::iter::once(None).chain(acts.iter().map(Some));
    for (first, second) in steps().flat_map(|first| steps().map(move |second| (first, second))) {
        let history: Vec<_> = first.into_iter().chain(second).cloned().collect();
        for policy in policies() {
            let (guard, model) = both(&history, &policy);
            assert_eq!(guard, model, "{history:?} under {policy:?}");
            *seen.entry(format!("{model:?}")).or_insert(0) += 1;
        }
    }
    assert_eq!(seen.len(), 11, "every rule had its say: {seen:?}");
}

fn act() -> impl Strategy<Value = Act> {
    let content = prop_oneof![Just(CONTENT), Just("other"), Just("third"), Just("none")];
    let image = prop_oneof![2 => Just(CONTENT), 2 => Just("other"), 1 => Just("third")];
    let built = prop_oneof![2 => Just(Built::Before), 1 => Just(Built::FromSource), 1 => Just(Built::Later)];
    prop_oneof![
        2 => Just(Act::Other),
        1 => Just(Act::Input),
        1 => content.prop_map(Act::Hand),
        4 => (built, image.clone()).prop_map(|(built, image)| Act::Pin(built, image)),
        2 => Just(Act::PinBeside),
        1 => image.clone().prop_map(Act::Quoted),
        1 => image.prop_map(Act::RolledBack),
        1 => Just(Act::Held),
        1 => Just(Act::Released),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]
    #[test]
    fn the_guard_judges_any_small_history_as_the_rules_say(acts in prop::collection::vec(act(), 3..6)) {
        for policy in policies() {
            let (guard, model) = both(&acts, &policy);
            prop_assert_eq!(guard, model, "{:?} under {:?}", acts, policy);
        }
    }
}
