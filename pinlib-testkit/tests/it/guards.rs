//! One history a rule: what the guard says of it.

use crate::scene::{Outcome, Scene, file, inputs, options, path};
use pinlib::{
    Basis, Claim, CommitError, Done, EvidenceRule, GuardedCommit, HOLDS, Identity, ImagePin, Mismatch, Mode,
    Movement, Oid, Operation, OutcomeKind, PinError, PinOptions, PinRequest, Policy, Receipt, Record,
    Signature, Superseder,
};
use pinlib_testkit::{
    broken::{Broken, Flaw},
    memory::{MemoryForge, bot, human},
};
use std::sync::Arc;

fn superseded(end: &Outcome) -> Option<&Superseder> {
    if let Err(PinError::Superseded(by)) = end { Some(by) } else { None }
}

fn moved(end: &Outcome) -> Option<&Movement> {
    if let Err(PinError::HeadMoved { how, .. }) = end { Some(how) } else { None }
}

fn kind(end: &Outcome) -> OutcomeKind {
    end.as_ref().map_or_else(PinError::kind, Receipt::kind)
}

/// A commit by the pinner's identity, or another's, with a record that says so.
fn claimed(scene: &Scene, by: &Identity, record: &Record, changes: &[(&str, &str)]) -> Oid {
    let changes: Vec<_> = changes.iter().map(|(name, text)| (path(name), *text)).collect();
    scene.force(scene.memory.write(&[scene.head()], by, &changes, &record.message("Pin")))
}

#[test]
fn i6_an_older_build_is_superseded_and_a_newer_one_goes_over_an_older() {
    let scene = Scene::quiet();
    let newer = scene.push("docs", "2");
    assert_eq!(
        kind(&scene.pin(&scene.job(newer, "web", "newer", options(Policy::Exact)))),
        OutcomeKind::Pinned
    );
    for policy in [Policy::Exact, Policy::PinsOnly, inputs()] {
        let end = scene.pin(&scene.job(scene.source, "web", "older", options(policy)));
        assert!(
            matches!(superseded(&end), Some(Superseder::NewerPin { source_commit, .. }) if *source_commit == newer),
            "{end:?}"
        );
    }
    let scene = Scene::quiet();
    let newer = scene.push("docs", "2");
    assert_eq!(
        kind(&scene.pin(&scene.job(scene.source, "web", "older", options(inputs())))),
        OutcomeKind::Pinned
    );
    let end = scene.pin(&scene.job(newer, "web", "newer", options(Policy::PinsOnly)));
    assert!(
        matches!(&end, Ok(Receipt { done: Done::Pinned { basis: Basis::PinsOnly(passed), .. }, .. }) if passed.len() == 1),
        "{end:?}"
    );
}

#[test]
fn i6_a_rebuild_is_refused_unless_told() {
    let scene = Scene::quiet();
    assert_eq!(kind(&scene.pin(&scene.of("web", Policy::Exact))), OutcomeKind::Pinned);
    for policy in [Policy::Exact, inputs()] {
        let end = scene.pin(&scene.job(scene.source, "web", "rebuilt", options(policy)));
        assert!(matches!(end, Err(PinError::Mismatch(Mismatch::Rebuilt { .. }))), "{end:?}");
    }
    let told = PinOptions { replace_rebuilt: true, ..options(inputs()) };
    assert_eq!(kind(&scene.pin(&scene.job(scene.source, "web", "rebuilt", told))), OutcomeKind::Pinned);
}

#[test]
fn i6_a_wider_pin_of_the_same_build_goes_over_a_narrow_one() {
    let scene = Scene::quiet();
    assert_eq!(kind(&scene.pin(&scene.of("web", Policy::Exact))), OutcomeKind::Pinned);
    let (mut wide, narrow) = (scene.of("web", inputs()), scene.of("api", inputs()));
    let images = [wide.request.images(), narrow.request.images()].concat();
    wide.request =
        PinRequest::new(scene.source, scene.branch.clone(), images, options(inputs())).expect("a request");
    assert_eq!(kind(&scene.pin(&wide)), OutcomeKind::Pinned);
    // Its record covers both sites, though one held its digest before: it is still recognised.
    assert_eq!(kind(&scene.pin(&scene.of("job", Policy::PinsOnly))), OutcomeKind::Pinned);
}

#[test]
fn i6_a_source_that_is_neither_older_nor_newer_is_refused() {
    let scene = Scene::quiet();
    let side = scene.memory.write(&[scene.root], &human(), &[(path("docs"), "side")], "side");
    scene.force(scene.memory.write(&[scene.source, side], &human(), &[], "merge"));
    let record = scene.record(Operation::Pin, side, "web", "side", scene.head());
    claimed(&scene, &bot(), &record, &[("web", &file("web", Some("side")))]);
    let end = scene.pin(&scene.of("web", inputs()));
    assert!(
        matches!(moved(&end), Some(Movement::Unordered { source_commit, .. }) if *source_commit == side),
        "{end:?}"
    );
}

#[test]
fn i6_a_rollback_is_not_undone() {
    let scene = Scene::quiet();
    let record = scene.record(Operation::Rollback(scene.head()), scene.root, "web", "good", scene.head());
    claimed(&scene, &bot(), &record, &[("web", &file("web", Some("good"))), (HOLDS, "line:0 web\n")]);
    let end = scene.pin(&scene.of("web", inputs()));
    assert!(matches!(superseded(&end), Some(Superseder::Hold { .. })), "{end:?}");
    scene.push(HOLDS, "");
    let end = scene.pin(&scene.of("web", inputs()));
    assert!(matches!(superseded(&end), Some(Superseder::Rollback { .. })), "{end:?}");
}

#[test]
fn i7_what_a_hand_wrote_is_not_overwritten() {
    for policy in [Policy::Exact, Policy::PinsOnly, inputs()] {
        let scene = Scene::quiet();
        let by_hand = scene.push("web", &file("web", Some("hotfix")));
        let end = scene.pin(&scene.of("web", policy));
        assert!(
            matches!(moved(&end), Some(Movement::ByHand { commit, .. }) if *commit == by_hand),
            "{end:?}"
        );
    }
    let scene = Scene::quiet();
    scene.push("web", &file("web", None).replace("x: 1", "x: 2"));
    assert_eq!(kind(&scene.pin(&scene.of("web", inputs()))), OutcomeKind::Pinned, "another line of the file");
}

#[test]
fn i7_a_declared_old_value_must_stand_there() {
    for (was, wanted) in
        [("ghcr.io/acme/web:old", OutcomeKind::Mismatch), ("ghcr.io/acme/web", OutcomeKind::Pinned)]
    {
        let scene = Scene::quiet();
        let mut job = scene.of("web", Policy::Exact);
        let mut image = job.request.images()[0].clone();
        image.was = Some(was.parse().expect("an image"));
        job.request =
            PinRequest::new(scene.source, scene.branch.clone(), vec![image], options(Policy::Exact))
                .expect("a request");
        assert_eq!(kind(&scene.pin(&job)), wanted);
    }
}

#[test]
fn i8_a_hold_in_the_tree_stops_every_policy() {
    for policy in [Policy::Exact, Policy::PinsOnly, inputs()] {
        let scene = Scene::quiet();
        let source = scene.push(HOLDS, "line:0 web\n");
        let end = scene.pin(&scene.job(source, "web", "web", options(policy.clone())));
        assert!(matches!(superseded(&end), Some(Superseder::Hold { .. })), "{end:?}");
        assert_eq!(
            kind(&scene.pin(&scene.job(source, "api", "api", options(policy)))),
            OutcomeKind::Pinned,
            "a hold on another site"
        );
    }
    let scene = Scene::quiet();
    let source = scene.push(HOLDS, "nonsense\n");
    assert_eq!(
        kind(&scene.pin(&scene.job(source, "web", "web", options(Policy::Exact)))),
        OutcomeKind::Invalid
    );
}

#[test]
fn i2_a_pin_that_was_taken_back_does_not_come_again() {
    for policy in [Policy::Exact, Policy::PinsOnly, inputs()] {
        let scene = Scene::quiet();
        assert_eq!(kind(&scene.pin(&scene.of("web", Policy::Exact))), OutcomeKind::Pinned);
        scene.push("web", &file("web", None));
        let end = scene.pin(&scene.of("web", policy));
        assert!(matches!(superseded(&end), Some(Superseder::Undone { .. })), "{end:?}");
    }
}

#[test]
fn i2_looks_at_every_parent() {
    let scene = Scene::quiet();
    let end = scene.pin(&scene.of("web", Policy::Exact));
    let pin = end.expect("a pin").commit;
    scene.force(scene.source);
    scene.push("docs", "2");
    scene.force(scene.memory.write(&[scene.head(), pin], &human(), &[], "merge -s ours"));
    let end = scene.pin(&scene.of("web", inputs()));
    assert!(matches!(superseded(&end), Some(Superseder::Undone { commit }) if *commit == pin), "{end:?}");
}

#[test]
fn inputs_are_compared_and_the_line_is_first_parents() {
    let scene = Scene::quiet();
    scene.push("src2", "not src");
    let end = scene.pin(&scene.of("web", inputs()));
    assert!(
        matches!(&end, Ok(Receipt { done: Done::Pinned { basis: Basis::Inputs(passed), .. }, .. }) if passed.len() == 1),
        "{end:?}"
    );
    for input in ["src", "lib/deep"] {
        let scene = Scene::quiet();
        let file = path(input);
        scene.push(input, "2");
        let end = scene.pin(&scene.of("web", Policy::Inputs(vec![path("src"), path("lib")])));
        assert!(matches!(moved(&end), Some(Movement::InputChanged { path }) if *path == file), "{end:?}");
        assert!(matches!(
            moved(&scene.pin(&scene.of("web", Policy::PinsOnly))),
            Some(Movement::NotAPin { .. })
        ));
    }
    // The source comes in by a second parent, with the same tree: an ancestor, but never on the line.
    let scene = Scene::quiet();
    scene.force(scene.root);
    scene.push("docs", "2");
    scene.force(scene.memory.write(&[scene.head(), scene.source], &human(), &[(path("src"), "1")], "merge"));
    let end = scene.pin(&scene.of("web", inputs()));
    assert_eq!(moved(&end), Some(&Movement::Sideways), "{end:?}");
}

#[test]
fn a_branch_that_left_the_source_is_refused() {
    for policy in [Policy::Exact, Policy::PinsOnly, inputs()] {
        let scene = Scene::quiet();
        scene.force(scene.root);
        assert_eq!(moved(&scene.pin(&scene.of("web", policy.clone()))), Some(&Movement::Rewound));
        scene.push("docs", "2");
        assert_eq!(moved(&scene.pin(&scene.of("web", policy.clone()))), Some(&Movement::Diverged));
        scene.memory.force(&scene.branch, None);
        assert_eq!(kind(&scene.pin(&scene.of("web", policy))), OutcomeKind::NotFound);
    }
}

#[test]
fn an_empty_plan_is_proven_at_the_head() {
    let scene = Scene::quiet();
    let source = scene.push("web", &file("web", Some("web")));
    let again = || scene.pin(&scene.job(source, "web", "web", options(Policy::Exact)));
    assert_eq!(again().expect("already").commit, source);
    let on = scene.push("docs", "2");
    assert_eq!(again().expect("already").commit, on);
    scene.push("web", &file("web", None));
    assert!(matches!(moved(&again()), Some(Movement::ByHand { .. })), "{:?}", again());
}

#[test]
fn a_pin_is_recognised_by_what_it_did_and_by_whom() {
    let pinned = file("web", Some("newer"));
    let seen = |by: &Identity, alter: &dyn Fn(&Scene, Record) -> Record, changes: &[(&str, &str)]| {
        let scene = Scene::quiet();
        let record = alter(&scene, scene.record(Operation::Pin, scene.source, "web", "newer", scene.head()));
        claimed(&scene, by, &record, changes);
        kind(&scene.pin(&scene.of("api", Policy::PinsOnly))) == OutcomeKind::Pinned
    };
    let as_is = |_: &Scene, record: Record| record;
    let changes = [("web", pinned.as_str())];
    assert!(seen(&bot(), &as_is, &changes));
    let (bot, human) = (bot(), human());
    assert!(!seen(&human, &as_is, &changes), "a human quotes it");
    assert!(!seen(&Identity { author: human.author.clone(), ..bot.clone() }, &as_is, &changes), "an amend");
    assert!(
        !seen(&Identity { committer: human.committer.clone(), ..bot.clone() }, &as_is, &changes),
        "a cherry-pick"
    );
    assert!(
        !seen(&Identity { signature: Signature::Unproven, ..bot.clone() }, &as_is, &changes),
        "a forged signature"
    );
    assert!(
        !seen(&bot, &|scene, record| Record { parent: scene.root, ..record }, &changes),
        "another parent"
    );
    assert!(!seen(&bot, &as_is, &[("web", &file("web", Some("evil")))]), "another digest");
    assert!(!seen(&bot, &as_is, &[changes[0], ("docs", "2")]), "another file");
    assert!(!seen(&bot, &as_is, &[changes[0], (HOLDS, "line:0 job\n")]), "a hold without a rollback");
    assert!(!seen(&bot, &as_is, &[("web", &pinned.replace("x: 1", "x: 2"))]), "another line");
    assert!(!seen(&bot, &as_is, &[("web", &file("api", Some("newer")))]), "another image");
    let left = |scene: &Scene, record: Record| {
        let sites = record.claim.sites().to_vec();
        Record {
            claim: Claim::new(Operation::Rollback(scene.root), &scene.branch, scene.root, sites),
            ..record
        }
    };
    assert!(!seen(&bot, &left, &changes), "a rollback of another head");
    let back = |scene: &Scene, record: Record| {
        let sites = record.claim.sites().to_vec();
        let claim = Claim::new(Operation::Rollback(scene.head()), &scene.branch, scene.root, sites);
        Record { claim, ..record }
    };
    let held = |holds: &'static str| [changes[0], (HOLDS, holds)];
    assert!(seen(&bot, &back, &held("line:0 web\n")), "a rollback and its hold");
    assert!(!seen(&bot, &back, &held("line:0 web\nline:0 job\n")), "a rollback and another's hold");
    let scene = Scene::quiet();
    let record = scene.record(Operation::Pin, scene.source, "web", "newer", scene.head());
    let executable = [(path("web"), Mode::Executable, pinned.as_bytes())];
    scene.force(scene.memory.write_entries(&[scene.head()], &bot, &executable, &record.message("Pin")));
    assert_eq!(kind(&scene.pin(&scene.of("api", Policy::PinsOnly))), OutcomeKind::HeadMoved, "another mode");
    let scene = Scene::quiet();
    let source = scene.push("web", &pinned);
    let record = scene.record(Operation::Pin, source, "web", "newer", source);
    claimed(&scene, &bot, &record, &[]);
    assert_eq!(
        kind(&scene.pin(&scene.job(source, "api", "api", options(Policy::PinsOnly)))),
        OutcomeKind::HeadMoved,
        "no change at all"
    );
    let scene = Scene::quiet();
    let record = scene.record(Operation::Pin, scene.source, "web", "newer", scene.head());
    let parents = [scene.head(), scene.root];
    scene.force(scene.memory.write(&parents, &bot, &[(path("web"), &pinned)], &record.message("Pin")));
    assert_eq!(kind(&scene.pin(&scene.of("api", Policy::PinsOnly))), OutcomeKind::HeadMoved, "a merge");
}

#[test]
fn a_request_that_cannot_be_meant_is_refused_at_once() {
    let scene = Scene::quiet();
    let image = scene.of("web", Policy::Exact).request.images()[0].clone();
    let bare = ImagePin { targets: Vec::new(), ..image.clone() };
    let weighed = PinOptions { evidence: EvidenceRule::Label { repository: None }, ..PinOptions::default() };
    let blind = PinOptions { policy: Policy::Inputs(Vec::new()), ..PinOptions::default() };
    let plain = PinOptions::default;
    for (images, options) in [
        (vec![], plain()),
        (vec![bare], plain()),
        (vec![image.clone(), image.clone()], plain()),
        (vec![image.clone()], weighed),
        (vec![image], blind),
    ] {
        let end = PinRequest::new(scene.source, scene.branch.clone(), images, options);
        assert!(matches!(end, Err(PinError::Invalid(_))), "{end:?}");
    }
}

/// Answers what it is told to, having committed or not.
#[derive(Debug, Default)]
struct Rule<const LANDS: bool>;

#[async_trait::async_trait]
impl<const LANDS: bool> Flaw for Rule<LANDS> {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        if LANDS {
            inner.put(commit);
        }
        Err(CommitError::Rejected { rule: Some("protected".into()), message: "no".into() })
    }
}

fn ruled<const LANDS: bool>() -> Outcome {
    let scene = Scene::quiet();
    let forge = Broken { memory: MemoryForge::default(), flaw: Rule::<LANDS> };
    let source = forge.memory.push(&scene.branch, &[(path("web"), file("web", None).as_str())], "source");
    let job = scene.job(source, "web", "web", options(Policy::Exact));
    let pinner = pinlib::Pinner { forge: Arc::new(forge), ..scene.pinner() };
    pinlib_testkit::sim::run(pinner.pin(&job.request, job.run))
}

#[test]
fn a_rule_that_refuses_is_believed_after_a_look() {
    let end = ruled::<false>();
    assert_eq!(kind(&end), OutcomeKind::Rejected, "{end:?}");
    let end = ruled::<true>();
    assert_eq!(kind(&end), OutcomeKind::Pinned, "{end:?}");
}
