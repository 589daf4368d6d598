//! Looking back over a line that is longer than what is read at once, and over forges that do not tell all of it.

use crate::scene::{Scene, file, path, target};
use async_trait::async_trait;
use pinlib::{
    Audit, AuditOptions, BackendError, CommitRange, GitForge, HOLDS, History, Identity, LineRange, Mode, Oid,
    Operation, OutcomeKind, PinError, PinLog, RepoPath, Signature, Tampering, audit,
};
use pinlib_testkit::{
    broken::{Broken, Flaw},
    memory::{MemoryForge, bot, human},
    sim::run,
};
use std::slice;

fn options() -> AuditOptions {
    let known = ["web", "api", "job"].map(target).into();
    AuditOptions { by: bot(), known, signed: false, hand_edits: false }
}

fn audited(forge: &dyn GitForge, upto: Oid, base: Option<Oid>) -> Result<Audit, PinError> {
    run(audit(forge, LineRange { upto, base, limit: 1000 }, &options()))
}

/// The names of what is found in the whole line of a commit.
fn found(scene: &Scene, upto: Oid) -> Vec<&'static str> {
    let found = audited(&*scene.memory, upto, None).expect("an audit");
    assert!(found.breaches.iter().all(|breach| breach.commit == upto), "{found:?}");
    found.breaches.iter().map(|breach| breach.what.name()).collect()
}

/// A pin of `web` on a commit, from a source.
fn pin_from(scene: &Scene, source: Oid, parent: Oid, content: &str) -> Oid {
    let record = scene.record(Operation::Pin, source, "web", content, parent);
    let text = file("web", Some(content));
    scene.memory.write(&[parent], &bot(), &[(path("web"), &text)], &record.message("Pin"))
}

/// The same from the commit that it is on.
fn pin(scene: &Scene, parent: Oid, content: &str) -> Oid {
    pin_from(scene, parent, parent, content)
}

fn by_hand(scene: &Scene, parent: Oid, name: &str, text: &str) -> Oid {
    scene.memory.write(&[parent], &human(), &[(path(name), text)], "by hand")
}

#[test]
fn digests_that_no_pin_wrote_are_found() {
    let scene = Scene::quiet();
    let one = pin(&scene, scene.head(), "one");
    assert_eq!(found(&scene, one), [""; 0]);
    let two = by_hand(&scene, one, "web", &file("web", Some("two")));
    assert_eq!(found(&scene, two), ["unrecorded"]);
    let other = by_hand(&scene, one, "web", &file("other", Some("one")));
    assert_eq!(found(&scene, other), ["unrecorded"], "the same digest under another name");
    let new = by_hand(&scene, one, "job", &format!("{}{}", file("job", None), file("job", Some("new"))));
    assert_eq!(found(&scene, new), ["unrecorded"], "a place that is new");
    let words = by_hand(&scene, one, "web", &format!("# hello\n{}", file("web", Some("one"))));
    assert_eq!(found(&scene, words), [""; 0]);
    let allowed = AuditOptions { hand_edits: true, ..options() };
    let range = LineRange { upto: two, base: None, limit: 1000 };
    assert_eq!(run(audit(&*scene.memory, range, &allowed)).expect("an audit").breaches, []);
}

#[test]
fn what_comes_in_the_place_of_a_digest_is_found() {
    let scene = Scene::quiet();
    let one = pin(&scene, scene.head(), "one");
    let tag = by_hand(&scene, one, "web", "x: 1\nimage: ghcr.io/acme/web:latest\n");
    assert_eq!(found(&scene, tag), ["unpinned"]);
    let gone = by_hand(&scene, one, "web", "x: 1\n");
    assert_eq!(found(&scene, gone), ["unpinned"]);
    let broken = by_hand(&scene, one, "web", "image: ?\n");
    assert_eq!(found(&scene, broken), ["unreadable"]);
    let never = by_hand(&scene, broken, "web", "image: !\n");
    let known = audited(&*scene.memory, never, Some(broken)).expect("an audit");
    assert_eq!(known.breaches.len(), 1, "what cannot be read is told, whatever was there before");
    let link = scene.memory.without(one, &path("web"), "away");
    let link = scene.memory.write_entries(&[link], &human(), &[(path("web"), Mode::Symlink, b"job")], "link");
    assert_eq!(
        audited(&*scene.memory, link, None).expect("an audit").breaches.len(),
        1,
        "a link is another file"
    );
    let removed = scene.memory.without(one, &path("web"), "away");
    assert_eq!(found(&scene, removed), [""; 0], "what is not there deploys nothing");
}

#[test]
fn what_the_pinner_does_beside_its_pins_is_found() {
    let scene = Scene::quiet();
    let (head, web) = (scene.head(), file("web", Some("one")));
    let record = |parent| scene.record(Operation::Pin, parent, "web", "one", parent).message("Pin");
    let write = |parents: &[Oid], by: &Identity, files: &[(RepoPath, &str)], message: &str| {
        found(&scene, scene.memory.write(parents, by, files, message))
    };
    let (file, ci) = ((path("web"), web.as_str()), (path("ci"), "on: push\n"));
    assert_eq!(write(&[head], &bot(), slice::from_ref(&file), &record(head)), [""; 0]);
    assert_eq!(write(&[head], &bot(), &[file.clone(), ci.clone()], &record(head)), ["outside"]);
    assert_eq!(write(&[head], &bot(), &[ci], "Hello"), ["outside"]);
    let hold = (path(HOLDS), "line:0 job\n");
    assert_eq!(
        write(&[head], &bot(), &[file.clone(), hold], &record(head)),
        ["outside"],
        "a hold of a pin's"
    );
    assert_eq!(write(&[head], &bot(), &[], "Hello"), ["no-record"]);
    assert_eq!(write(&[head], &bot(), &[], &record(head)), ["misfit"], "a record and no change");
    assert_eq!(
        write(&[head], &bot(), slice::from_ref(&file), &record(scene.root)),
        ["misfit"],
        "another parent"
    );
    assert_eq!(write(&[head], &human(), slice::from_ref(&file), &record(head)), ["misfit"], "somebody else");
    let garbled = record(head).replace("Pinlib-Key: sha256:", "Pinlib-Key: sha256:0");
    assert_eq!(write(&[head], &bot(), slice::from_ref(&file), &garbled), ["misfit"], "another key");
    let unsigned = Identity { signature: Signature::Absent, ..bot() };
    assert_eq!(write(&[head], &unsigned, &[file], &record(head)), ["unsigned"]);
}

#[test]
fn a_signature_is_asked_for_where_the_pinner_s_own_commits_have_none() {
    let scene = Scene::quiet();
    let by = Identity { signature: Signature::Absent, ..bot() };
    let record = scene.record(Operation::Pin, scene.source, "web", "one", scene.source);
    let text = file("web", Some("one"));
    let upto = scene.memory.write(&[scene.source], &by, &[(path("web"), &text)], &record.message("Pin"));
    let range = LineRange { upto, base: None, limit: 1000 };
    for (signed, count) in [(false, 0), (true, 1)] {
        let options = AuditOptions { by: by.clone(), signed, ..options() };
        let found = run(audit(&*scene.memory, range, &options)).expect("an audit");
        assert_eq!((found.pins, found.breaches.len()), (1, count), "{found:?}");
    }
}

#[test]
fn a_pin_does_not_go_back_unless_it_says_so() {
    let scene = Scene::quiet();
    let (root, newer) = (scene.root, scene.head());
    let one = pin_from(&scene, newer, newer, "one");
    let back = pin_from(&scene, root, one, "two");
    assert_eq!(found(&scene, back), ["downgrade"]);
    let part = audited(&*scene.memory, back, Some(newer)).expect("an audit");
    assert_eq!(part.breaches.len(), 1, "by the history of the sources, where the line does not hold them");
    let on = pin_from(&scene, one, one, "two");
    assert_eq!(found(&scene, on), [""; 0]);
    let record = scene.record(Operation::Rollback(one), root, "web", "two", one);
    let (text, hold) = (file("web", Some("two")), (path(HOLDS), "line:0 web\n"));
    let files = [(path("web"), text.as_str()), hold];
    let rollback = scene.memory.write(&[one], &bot(), &files, &record.message("Back"));
    assert_eq!(found(&scene, rollback), [""; 0]);
}

#[test]
fn a_hold_holds_until_a_release() {
    let scene = Scene::quiet();
    let held = by_hand(&scene, scene.head(), HOLDS, "line:0 web\n");
    assert_eq!(found(&scene, held), [""; 0], "anybody may stop pins");
    assert_eq!(found(&scene, pin(&scene, held, "one")), ["hold-ignored"]);
    assert_eq!(found(&scene, by_hand(&scene, held, HOLDS, "")), ["hold-taken"]);
    assert_eq!(found(&scene, by_hand(&scene, held, HOLDS, "all of it\n")), ["unreadable"]);
    let broken = by_hand(&scene, held, HOLDS, "all of it\n");
    let pinned = audited(&*scene.memory, pin(&scene, broken, "one"), Some(broken)).expect("an audit");
    assert_eq!(pinned.breaches[0].what.name(), "unreadable", "pinned past holds that nobody can read");
    // A hold that came later held nothing then.
    let before = pin(&scene, scene.head(), "one");
    assert_eq!(found(&scene, by_hand(&scene, before, HOLDS, "line:0 web\n")), [""; 0]);
}

#[test]
fn a_base_that_is_not_on_the_line_and_a_line_that_is_too_long_are_errors() {
    let scene = Scene::quiet();
    let aside = by_hand(&scene, scene.root, "src", "aside");
    let head = scene.memory.write(&[scene.head(), aside], &human(), &[], "merge");
    let error = audited(&*scene.memory, head, Some(aside)).expect_err("no audit");
    assert_eq!(error.kind(), OutcomeKind::NotFound, "{error}");
    let error = run(audit(&*scene.memory, LineRange { upto: head, base: None, limit: 2 }, &options()));
    assert_eq!(error.expect_err("no audit").kind(), OutcomeKind::Unavailable);
}

/// 250 pins, each after a merge that brings a commit of its own; at these of them a hand writes the other service.
fn long_line(scene: &Scene, by_hand: &[usize]) -> (Oid, Vec<Oid>) {
    let (memory, mut head, mut hands) = (&scene.memory, scene.head(), Vec::new());
    for n in 0..250 {
        let side = memory.write(&[head], &human(), &[(path("src"), &n.to_string())], "side");
        head = memory.write(&[head, side], &human(), &[(path("src"), &n.to_string())], "merge");
        if by_hand.contains(&n) {
            let text = file("api", Some(&n.to_string()));
            head = memory.write(&[head], &human(), &[(path("api"), &text)], "by hand");
            hands.insert(0, head);
        }
        head = pin(scene, head, &n.to_string());
    }
    (head, hands)
}

#[test]
fn each_commit_of_a_long_line_is_looked_at_once() {
    let scene = Scene::quiet();
    // Wherever what is read at once begins and ends.
    let (head, hands) = long_line(&scene, &[0, 49, 50, 51, 99, 100, 199, 249]);
    let found = audited(&*scene.memory, head, None).expect("an audit");
    assert_eq!((found.commits, found.pins), (2 + 500 + hands.len(), 250));
    let commits: Vec<_> = found.breaches.iter().map(|breach| breach.commit).collect();
    assert_eq!(commits, hands, "newest first");
    assert!(found.breaches.iter().all(|breach| matches!(breach.what, Tampering::Unrecorded { .. })));

    let part = audited(&*scene.memory, head, Some(hands[3])).expect("an audit");
    assert_eq!(part.breaches.len(), 3, "what stands on the base, and not the base");

    let range = LineRange { upto: head, base: None, limit: 1000 };
    let mut log = PinLog::new(&*scene.memory, range, bot(), vec![target("web")]);
    let mut pins = 0;
    while let Some(found) = run(log.more()).expect("a log") {
        assert!(found.iter().all(|pin| pin.recognised && pin.sites.len() == 1));
        pins += found.len();
    }
    assert_eq!((pins, log.is_cut()), (250, false));
}

#[test]
fn a_merge_answers_for_what_it_brings() {
    let scene = Scene::quiet();
    let root = scene.head();
    let aside = pin(&scene, root, "one");
    let text = file("web", Some("one"));
    let ours = scene.memory.write(&[root], &human(), &[(path("src"), "2")], "ours");
    let merge = scene.memory.write(&[ours, aside], &human(), &[(path("web"), &text)], "merge");
    let found = audited(&*scene.memory, merge, None).expect("an audit");
    assert_eq!((found.pins, found.breaches.len(), found.breaches[0].commit), (0, 1, merge));
    // Fast-forwarded, it is a pin of the line.
    assert_eq!(audited(&*scene.memory, aside, None).expect("an audit").breaches, []);
}

/// Leaves the commits with this message out of every history.
#[derive(Debug, Default)]
struct Forgetful;

#[async_trait]
impl Flaw for Forgetful {
    async fn history(&self, inner: &MemoryForge, range: &CommitRange) -> Result<History, BackendError> {
        let mut history = inner.history(range).await?;
        if let History::Descends(facts) | History::Cut(facts) = &mut history {
            facts.retain(|fact| fact.message != "by hand");
        }
        Ok(history)
    }
}

#[test]
fn a_history_that_leaves_a_commit_out_is_no_clean_one() {
    let broken = Broken::<Forgetful>::default();
    let memory = &broken.memory;
    let root = memory.write(&[], &human(), &[(path("web"), &file("web", None))], "root");
    let text = file("web", Some("one"));
    let hand = memory.write(&[root], &human(), &[(path("web"), &text)], "by hand");
    let head = memory.write(&[hand], &human(), &[(path("src"), "1")], "later");
    for base in [None, Some(root)] {
        let error = audited(&broken, head, base).expect_err("no audit");
        assert_eq!(error.kind(), OutcomeKind::Unavailable, "{error}");
    }
}

#[test]
fn a_folder_that_becomes_a_link_is_found() {
    let memory = MemoryForge::default();
    let root = memory.write(&[], &human(), &[(path("deploy/web"), &file("web", Some("one")))], "root");
    let bare = memory.without(root, &path("deploy/web"), "away");
    let linked = memory.link(root, &path("deploy"), "elsewhere", "link");
    let options = AuditOptions { known: vec![target("deploy/web")], ..options() };
    let audit = |upto| run(audit(&memory, LineRange { upto, base: Some(root), limit: 9 }, &options));
    assert_eq!(audit(bare).expect("an audit").breaches, []);
    let found = audit(linked).expect("an audit").breaches;
    assert_eq!(found.iter().map(|one| one.what.name()).collect::<Vec<_>>(), ["unpinned"]);
}
