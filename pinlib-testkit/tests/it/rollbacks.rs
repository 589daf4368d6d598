//! Back to a former pin and held there; released; and promoted from one environment to another.

use crate::scene::{Outcome, Scene, file, options, target};
use pinlib::{
    Done, Former, GitForge, HOLDS, Movement, Oid, Operation, Origin, OutcomeKind, PinError, PinOptions,
    Placement, Policy, PromoteRequest, Record, ReleaseRequest, RollbackRequest, RunId, Superseder, Target,
};
use pinlib_testkit::sim::run;
use std::sync::Arc;

fn image(name: &str) -> Vec<Placement> {
    vec![(format!("ghcr.io/acme/{name}").parse().expect("an image"), vec![target(name)])]
}

fn kind(end: &Outcome) -> OutcomeKind {
    end.as_ref().map_or_else(PinError::kind, pinlib::Receipt::kind)
}

fn rollback(scene: &Scene, to: Former) -> Outcome {
    let request = RollbackRequest {
        branch: scene.branch.clone(),
        images: image("web"),
        to,
        known: ["web", "api", "job"].map(target).into(),
        declared: true,
        append_only: false,
    };
    run(scene.pinner().rollback(&request, RunId::from([201; 16])))
}

fn release(scene: &Scene, name: &str) -> Outcome {
    let request = ReleaseRequest { branch: scene.branch.clone(), images: image(name), append_only: false };
    run(scene.pinner().release(&request, RunId::from([202; 16])))
}

/// A source commit of its own, and web pinned from it.
fn built(scene: &Scene, content: &str) -> Oid {
    let source = scene.push("src", content);
    let end = scene.pin(&scene.job(source, "web", content, options(Policy::Exact)));
    end.expect("a pin").commit
}

fn web(scene: &Scene) -> String {
    text(scene, "web")
}

fn text(scene: &Scene, path: &str) -> String {
    String::from_utf8(scene.memory.file(scene.head(), path).unwrap_or_default()).expect("text")
}

fn record(scene: &Scene, at: Oid) -> Record {
    Record::parse(&scene.memory.fact(at).expect("a commit").message).expect("a record")
}

#[test]
fn the_one_before_comes_back_and_is_held() {
    let scene = Scene::quiet();
    let (one, _) = (built(&scene, "one"), built(&scene, "two"));
    let head = scene.head();
    let receipt = rollback(&scene, Former::Before).expect("a rollback");
    assert!(matches!(receipt.done, Done::Pinned { parent, .. } if parent == head));
    assert_eq!(web(&scene), file("web", Some("one")));
    assert_eq!(text(&scene, HOLDS), "line:0 web\n");
    let record = record(&scene, scene.head());
    assert_eq!(record.claim.operation(), Operation::Rollback(head));
    assert_eq!(record.claim.source(), self::record(&scene, one).claim.source());

    // Later pins of the site stop at the hold; those of others go on, and pass the rollback over as one of pinlib's own.
    let source = receipt.commit;
    let end = scene.pin(&scene.job(source, "web", "three", options(Policy::Exact)));
    assert!(matches!(end, Err(PinError::Superseded(Superseder::Hold { .. }))), "{end:?}");
    let end = scene.pin(&scene.job(head, "api", "api", options(Policy::PinsOnly)));
    assert_eq!(kind(&end), OutcomeKind::Pinned, "{end:?}");

    // Until they are released.
    assert_eq!(kind(&release(&scene, "web")), OutcomeKind::Pinned);
    assert_eq!((text(&scene, HOLDS).as_str(), web(&scene)), ("", file("web", Some("one"))));
    assert_eq!(kind(&release(&scene, "web")), OutcomeKind::AlreadyPinned, "nothing is held any more");
    let end = scene.pin(&scene.job(scene.head(), "web", "three", options(Policy::Exact)));
    assert_eq!(kind(&end), OutcomeKind::Pinned, "{end:?}");
}

#[test]
fn a_second_rollback_goes_further_back() {
    let scene = Scene::quiet();
    for content in ["one", "two", "three"] {
        built(&scene, content);
    }
    for content in ["two", "one"] {
        assert_eq!(kind(&rollback(&scene, Former::Before)), OutcomeKind::Pinned);
        assert_eq!(web(&scene), file("web", Some(content)));
    }
    assert_eq!(text(&scene, HOLDS), "line:0 web\n", "a site is held once");
    let (head, end) = (scene.head(), rollback(&scene, Former::Before));
    assert_eq!((kind(&end), scene.head()), (OutcomeKind::NotFound, head), "{end:?}");
}

/// One digest from two sources is one digest.
#[test]
fn the_one_before_has_another_digest() {
    let scene = Scene::quiet();
    for content in ["one", "two"] {
        built(&scene, content);
    }
    assert_eq!(kind(&rollback(&scene, Former::Before)), OutcomeKind::Pinned);
    assert_eq!(kind(&release(&scene, "web")), OutcomeKind::Pinned);
    let end = scene.pin(&scene.job(scene.push("src", "3"), "web", "two", options(Policy::Exact)));
    assert_eq!(kind(&end), OutcomeKind::Pinned, "{end:?}");
    assert_eq!(kind(&rollback(&scene, Former::Before)), OutcomeKind::Pinned);
    assert_eq!(web(&scene), file("web", Some("one")));
}

#[test]
fn a_pin_is_named_by_its_commit() {
    let scene = Scene::quiet();
    let one = built(&scene, "one");
    let human = scene.push("docs", "2");
    built(&scene, "two");
    built(&scene, "three");
    let to = |oid: Oid| Former::Commit(oid.short().parse().expect("a prefix"));
    let (head, end) = (scene.head(), rollback(&scene, to(human)));
    assert_eq!((kind(&end), scene.head()), (OutcomeKind::NotFound, head), "{end:?}");
    assert_eq!(kind(&rollback(&scene, to(one))), OutcomeKind::Pinned);
    assert_eq!(web(&scene), file("web", Some("one")));
    assert_eq!(kind(&rollback(&scene, to(one))), OutcomeKind::AlreadyPinned);
}

#[test]
fn what_a_hand_wrote_is_not_rolled_back() {
    let scene = Scene::quiet();
    built(&scene, "one");
    built(&scene, "two");
    let hand = scene.push("web", &file("web", Some("hotfix")));
    let one = scene.memory.line(hand).into_iter().nth(3).expect("the first pin").oid;
    let end = rollback(&scene, Former::Commit(one.short().parse().expect("a prefix")));
    let by_hand = |how: &Movement| matches!(how, Movement::ByHand { commit, .. } if *commit == hand);
    assert!(matches!(&end, Err(PinError::HeadMoved { how, .. }) if by_hand(how)), "{end:?}");
    assert_eq!(scene.head(), hand);
}

#[test]
fn only_the_hold_is_written_where_the_digest_stands() {
    let scene = Scene::quiet();
    let one = built(&scene, "one");
    let end = rollback(&scene, Former::Commit(one.short().parse().expect("a prefix")));
    assert_eq!(kind(&end), OutcomeKind::Pinned, "{end:?}");
    assert_eq!((text(&scene, HOLDS).as_str(), web(&scene)), ("line:0 web\n", file("web", Some("one"))));
    let message = scene.memory.fact(scene.head()).expect("a commit").message;
    assert!(message.starts_with("Hold web\n"), "{message}");
}

#[test]
fn other_holds_stay_as_they_stand() {
    let scene = Scene::quiet();
    built(&scene, "one");
    scene.push(HOLDS, "\n line:0 job\r\nline:0 api");
    built(&scene, "two");
    assert_eq!(kind(&rollback(&scene, Former::Before)), OutcomeKind::Pinned);
    assert_eq!(text(&scene, HOLDS), "\n line:0 job\r\nline:0 api\nline:0 web\n");
    assert_eq!(kind(&release(&scene, "web")), OutcomeKind::Pinned);
    assert_eq!(text(&scene, HOLDS), "\n line:0 job\r\nline:0 api\n");
    scene.push(HOLDS, "nonsense\n");
    assert_eq!(kind(&release(&scene, "web")), OutcomeKind::Invalid, "a hold that nobody understands");
}

#[test]
fn a_former_pin_is_found_however_far_back() {
    let scene = Scene::quiet();
    built(&scene, "one");
    for n in 0..1200 {
        scene.push("docs", &n.to_string());
    }
    built(&scene, "two");
    assert_eq!(kind(&rollback(&scene, Former::Before)), OutcomeKind::Pinned);
    assert_eq!(web(&scene), file("web", Some("one")));
}

/// An environment's file: the image is web, whatever the file is called.
fn environment(scene: &Scene, name: &str) -> Vec<Placement> {
    let targets: Vec<Target> = vec![target(name)];
    scene.push(name, &file("web", None));
    vec![("ghcr.io/acme/web".parse().expect("an image"), targets)]
}

fn promote(scene: &Scene, from: &[Placement], to: &[Placement], source: Option<Oid>) -> Outcome {
    let forge: Arc<dyn GitForge> = scene.pinner().forge;
    let known: Vec<_> = ["web", "api", "job", "staging", "production"].map(target).into();
    let request = PromoteRequest {
        from: Origin {
            forge: Arc::clone(&forge),
            branch: scene.branch.clone(),
            images: from.to_vec(),
            known: known.clone(),
            sources: forge,
            running: None,
        },
        branch: scene.branch.clone(),
        images: to.to_vec(),
        source,
        declared: true,
        options: PinOptions { known, ..PinOptions::default() },
    };
    run(scene.pinner().promote(&request, RunId::from([203; 16])))
}

/// Staging and production of web, of which staging is pinned from a commit of its own.
fn staged(scene: &Scene, content: &str, staging: &[Placement]) -> Oid {
    let source = scene.push("src", content);
    let mut job = scene.job(source, "web", content, options(Policy::Exact));
    let mut image = job.request.images()[0].clone();
    image.targets.clone_from(&staging[0].1);
    job.request = pinlib::PinRequest::new(source, scene.branch.clone(), vec![image], options(Policy::Exact))
        .expect("one");
    scene.pin(&job).expect("a pin");
    source
}

#[test]
fn what_stands_by_record_goes_to_the_next_environment() {
    let scene = Scene::quiet();
    let (staging, production) = (environment(&scene, "staging"), environment(&scene, "production"));
    let (before, end) = (scene.head(), promote(&scene, &staging, &production, None));
    assert_eq!(
        (kind(&end), scene.head()),
        (OutcomeKind::NotFound, before),
        "nothing is pinned there: {end:?}"
    );

    let one = staged(&scene, "one", &staging);
    let head = scene.head();
    let receipt = promote(&scene, &staging, &production, None).expect("a promotion");
    assert_eq!(text(&scene, "production"), file("web", Some("one")));
    let record = record(&scene, receipt.commit);
    assert_eq!((record.claim.operation(), record.claim.source()), (Operation::Promote(head), one));
    assert_eq!(kind(&promote(&scene, &staging, &production, None)), OutcomeKind::AlreadyPinned);

    // Then a newer one; and an older one never again, but by rollback.
    staged(&scene, "two", &staging);
    assert_eq!(kind(&promote(&scene, &staging, &production, None)), OutcomeKind::Pinned);
    let end = promote(&scene, &staging, &production, Some(one));
    assert!(matches!(end, Err(PinError::Superseded(Superseder::NewerPin { .. }))), "{end:?}");
    let end = promote(&scene, &staging, &production, Some(scene.root));
    assert_eq!(kind(&end), OutcomeKind::NotFound, "{end:?}");
    assert_eq!(text(&scene, "production"), file("web", Some("two")));
}

#[test]
fn a_release_of_an_older_build_is_promoted_by_its_source() {
    let scene = Scene::quiet();
    let (staging, production) = (environment(&scene, "staging"), environment(&scene, "production"));
    let one = staged(&scene, "one", &staging);
    staged(&scene, "two", &staging);
    assert_eq!(kind(&promote(&scene, &staging, &production, Some(one))), OutcomeKind::Pinned);
    assert_eq!(text(&scene, "production"), file("web", Some("one")));
}

#[test]
fn a_hand_and_a_hold_stand_in_a_promotion_s_way() {
    let scene = Scene::quiet();
    let (staging, production) = (environment(&scene, "staging"), environment(&scene, "production"));
    staged(&scene, "one", &staging);
    scene.push(HOLDS, "line:0 production\n");
    let end = promote(&scene, &staging, &production, None);
    assert!(matches!(end, Err(PinError::Superseded(Superseder::Hold { .. }))), "{end:?}");
    scene.push(HOLDS, "");
    assert_eq!(kind(&promote(&scene, &staging, &production, None)), OutcomeKind::Pinned);
    staged(&scene, "two", &staging);
    let hand = scene.push("production", &file("web", Some("hotfix")));
    let end = promote(&scene, &staging, &production, None);
    let by_hand = |how: &Movement| matches!(how, Movement::ByHand { commit, .. } if *commit == hand);
    assert!(matches!(&end, Err(PinError::HeadMoved { how, .. }) if by_hand(how)), "{end:?}");
    // What a hand wrote in the environment that gives is not promoted either.
    scene.push("staging", &file("web", Some("hotfix")));
    assert_eq!(kind(&promote(&scene, &staging, &production, None)), OutcomeKind::NotFound);
}

#[test]
fn what_was_rolled_back_and_released_may_be_promoted_again() {
    let scene = Scene::quiet();
    let (staging, production) = (environment(&scene, "staging"), environment(&scene, "production"));
    for content in ["one", "two"] {
        staged(&scene, content, &staging);
        assert_eq!(kind(&promote(&scene, &staging, &production, None)), OutcomeKind::Pinned);
    }
    let request = RollbackRequest {
        branch: scene.branch.clone(),
        images: production.clone(),
        to: Former::Before,
        known: ["staging", "production"].map(target).into(),
        declared: true,
        append_only: false,
    };
    assert_eq!(kind(&run(scene.pinner().rollback(&request, RunId::from([9; 16])))), OutcomeKind::Pinned);
    assert_eq!(text(&scene, "production"), file("web", Some("one")));
    assert_eq!(kind(&promote(&scene, &staging, &production, None)), OutcomeKind::Superseded);
    let release =
        ReleaseRequest { branch: scene.branch.clone(), images: production.clone(), append_only: false };
    assert_eq!(kind(&run(scene.pinner().release(&release, RunId::from([8; 16])))), OutcomeKind::Pinned);
    assert_eq!(kind(&promote(&scene, &staging, &production, None)), OutcomeKind::Pinned);
    assert_eq!(text(&scene, "production"), file("web", Some("two")));
}

#[test]
fn a_digest_that_no_registry_has_is_not_gone_back_to() {
    let scene = Scene::quiet();
    built(&scene, "one");
    built(&scene, "two");
    let head = scene.head();
    let request = RollbackRequest {
        branch: scene.branch.clone(),
        images: image("web"),
        to: Former::Before,
        known: Vec::new(),
        declared: false,
        append_only: false,
    };
    let registry = Arc::new(pinlib_testkit::memory::MemoryRegistry::default());
    let pinner = pinlib::Pinner { registry, ..scene.pinner() };
    let end = run(pinner.rollback(&request, RunId::from([7; 16])));
    assert_eq!((kind(&end), scene.head()), (OutcomeKind::NotFound, head), "{end:?}");
}
