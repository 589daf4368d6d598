//! Pins on GitHub: what they cost, what becomes of lost answers, and of files that GraphQL does not tell as they are.

use crate::{
    git_world::{main_branch, regular},
    github_world::{Scene, app, forge, is_commit},
    remote::{FILE, pinner, request, request_in},
};
use pinlib::{Clock, Done, GitForge, GitHubLogin, Mode, OutcomeKind, PinError, RunId};
use pinlib_testkit::servers::{
    github::{CLIENT_ID, INSTALLATION, Lost, Meddling, OWNER, SLUG, TOKEN},
    script::Request,
};
use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

#[test]
fn a_pin_takes_three_requests_in_sequence_and_one_to_give_its_token_back() {
    let Some(scene) = Scene::new() else { return };
    scene.pin("one").expect("a pin");
    scene.block_on(scene.forge.close()).expect("revoked");
    let mint = format!("POST /app/installations/{INSTALLATION}/access_tokens");
    assert_eq!(scene.asked(), [&*mint, "query", "mutation", "DELETE /installation/token"]);
}

#[test]
fn without_a_known_installation_it_takes_one_more() {
    let Some(scene) = Scene::with(|hub| app(hub, CLIENT_ID, None)) else { return };
    scene.pin("one").expect("a pin");
    scene.block_on(scene.forge.close()).expect("revoked");
    assert_eq!(scene.asked()[0], format!("GET /repos/{OWNER}/deploy/installation"));
    assert_eq!(scene.asked().len(), 5);
}

#[test]
fn a_plain_token_takes_two() {
    let Some(scene) = Scene::with(|_| GitHubLogin::Token(TOKEN.to_owned().into())) else { return };
    scene.pin("one").expect("a pin");
    scene.block_on(scene.forge.close()).expect("nothing to give back");
    assert_eq!(scene.asked(), ["query", "mutation"]);
}

#[test]
fn what_is_pinned_already_takes_one_look_more_and_no_commit() {
    let Some(scene) = Scene::new() else { return };
    let first = scene.pin("one").expect("a pin").commit;
    let before = scene.asked().len();
    // Built from the pin commit itself: nothing to change there.
    let receipt = scene.pin_this(&request(first, "one")).expect("it is there");
    assert!(matches!(receipt.done, Done::AlreadyPinned));
    assert_eq!(scene.asked()[before..], ["query", "query"]);
}

#[test]
fn many_files_are_read_in_one_request() {
    let Some(scene) = Scene::new() else { return };
    let paths: Vec<_> = (0..150).map(|n| format!("env/{n}/app.yaml")).collect();
    let entries: Vec<_> = paths.iter().map(|path| regular(path, "image: ghcr.io/acme/app\n")).collect();
    let head = scene.repository.write(&[scene.source], &entries, "many").expect("a commit");
    scene.repository.force(&main_branch(), Some(head)).expect("it moves");
    let wanted: Vec<_> = paths.iter().map(|path| (head, path.parse().expect("a path"))).collect();
    let files = scene.block_on(scene.forge.read(&wanted)).expect("they are read");
    assert!(files.iter().all(Option::is_some));
    assert_eq!(scene.asked().iter().filter(|name| *name == "query").count(), 1);
}

#[test]
fn the_commit_is_git_s_own_and_by_the_bot() {
    let Some(scene) = Scene::new() else { return };
    let receipt = scene.pin("one").expect("a pin");
    let log = scene.repository.log(&main_branch()).expect("git works");
    assert_eq!((log[0].oid, &log[0].parents[..]), (receipt.commit, &[scene.source][..]));
    assert_eq!(log[0].author.name, format!("{SLUG}[bot]"));
    assert_eq!(log[0].committer.name, "GitHub");
    let names = scene.repository.git(&["diff", "--name-only", "HEAD^", "HEAD"]).expect("git works");
    assert_eq!(names.trim(), FILE.0);
    assert_eq!(scene.repository.git(&["fsck", "--strict"]).expect("git works").trim(), "");
    let identity = scene.block_on(scene.forge.identity()).expect("an identity");
    assert_eq!((&identity.author, &identity.committer), (&log[0].author, &log[0].committer));
}

#[test]
fn of_ten_at_once_one_lands() {
    let Some(scene) = Scene::new() else { return };
    let path = |n: u8| format!("env/{n}/app.yaml");
    let paths: Vec<_> = (0..10).map(path).collect();
    let entries: Vec<_> = paths.iter().map(|path| regular(path, FILE.1)).collect();
    let source = scene.repository.write(&[scene.source], &entries, "ten services").expect("a commit");
    scene.repository.force(&main_branch(), Some(source)).expect("it moves");
    let pin = |n: u8| {
        let login = app(&scene.hub, CLIENT_ID, Some(INSTALLATION));
        let mut pinner =
            pinner(Arc::new(forge(&scene.hub, login, Arc::clone(&scene.clock) as Arc<dyn Clock>)));
        pinner.clock = Arc::clone(&scene.clock) as Arc<dyn Clock>;
        let request = request_in(&path(n), source, "its image");
        async move { pinner.pin(&request, RunId::from([n; 16])).await.map(|receipt| receipt.commit) }
    };
    let answers = scene.block_on(futures_util::future::join_all((0..10).map(pin)));
    let (won, lost): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len(), scene.commits()), (1, 9, 3));
    assert_eq!(won[0].as_ref().ok(), Some(&scene.head()));
    for error in lost {
        assert!(matches!(&error, Err(PinError::HeadMoved { .. })), "{error:?}");
    }
}

/// The answer to the first commit is lost, or those to the first two.
#[test]
fn an_answer_that_is_lost_after_the_commit_is_found_out() {
    for lost in [Lost::Close, Lost::Cut, Lost::Status(502), Lost::Status(504), Lost::Status(200)] {
        for times in [1, 2] {
            let Some(scene) = Scene::new() else { return };
            let sent = AtomicUsize::new(0);
            scene.hub.meddle(move |request| {
                (is_commit(request) && sent.fetch_add(1, Relaxed) < times)
                    .then_some(Meddling::AfterServing(lost))
            });
            let receipt = scene.pin("one").unwrap_or_else(|error| panic!("{lost:?} {times}: {error}"));
            assert!(matches!(receipt.done, Done::Pinned { .. }), "{lost:?} {times}");
            assert_eq!((receipt.commit, scene.commits()), (scene.head(), 2), "{lost:?} {times}");
        }
    }
}

/// The first try never arrives; the second does, and its answer is lost.
#[test]
fn a_commit_that_is_lost_on_the_way_and_then_its_answer() {
    for lost in [Lost::Close, Lost::Status(502)] {
        let Some(scene) = Scene::new() else { return };
        let sent = AtomicUsize::new(0);
        scene.hub.meddle(move |request| match is_commit(request).then(|| sent.fetch_add(1, Relaxed)) {
            Some(0) => Some(Meddling::Before(lost)),
            Some(1) => Some(Meddling::AfterServing(lost)),
            _ => None,
        });
        let receipt = scene.pin("one").unwrap_or_else(|error| panic!("{lost:?}: {error}"));
        assert_eq!((receipt.commit, scene.commits()), (scene.head(), 2), "{lost:?}");
    }
}

#[test]
fn a_commit_that_something_sends_twice_lands_once() {
    let Some(scene) = Scene::new() else { return };
    scene.hub.meddle(|request| is_commit(request).then_some(Meddling::Twice));
    let receipt = scene.pin("one").expect("a pin");
    assert!(matches!(receipt.done, Done::Pinned { .. }));
    assert_eq!((receipt.commit, scene.commits()), (scene.head(), 2));
}

/// For 30 seconds reads tell of the old head: after a clear yes nobody looks; after a lost answer one does, until it shows.
#[test]
fn reads_that_lag_change_no_outcome() {
    let Some(scene) = Scene::new() else { return };
    let (source, clock) = (scene.source, Arc::clone(&scene.clock));
    scene.hub.change(|settings| settings.stale_reads = Some(source));
    scene.pin("one").expect("a clear yes");

    let Some(scene) = Scene::new() else { return };
    let (source, waiting) = (scene.source, Arc::clone(&scene.clock));
    let sent = AtomicUsize::new(0);
    scene.hub.meddle(move |request| {
        if is_commit(request) && sent.fetch_add(1, Relaxed) == 0 {
            return Some(Meddling::AfterServing(Lost::Close));
        }
        let head = request.body.contains("qualifiedName") && waiting.slept() < Duration::from_secs(30);
        let old =
            format!("{{\"data\":{{\"repository\":{{\"ref\":{{\"target\":{{\"oid\":\"{source}\"}}}}}}}}}}");
        head.then(|| Meddling::Answer {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: old,
        })
    });
    let receipt = scene.pin("one").expect("found out");
    assert!(matches!(receipt.done, Done::Pinned { .. }));
    assert_eq!((receipt.commit, scene.commits()), (scene.head(), 2));
    drop(clock);
}

#[test]
fn a_race_is_no_failure_of_another_kind() {
    let Some(scene) = Scene::new() else { return };
    let now = scene.repository.push(&main_branch(), &[("other", "y\n")], "human").expect("a push");
    match scene.pin("one") {
        Err(PinError::HeadMoved { expected, actual, .. }) => {
            assert_eq!((expected, actual), (scene.source, Some(now)));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(scene.head(), now);
}

#[test]
fn a_branch_that_was_rewound_takes_nothing() {
    let Some(scene) = Scene::new() else { return };
    let later = scene.repository.push(&main_branch(), &[("other", "y\n")], "later").expect("a push");
    scene.repository.force(&main_branch(), Some(scene.source)).expect("rewound");
    let error = scene.pin_this(&request(later, "one")).expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::HeadMoved, "{error}");
    assert_eq!(scene.head(), scene.source);
}

/// A byte order mark, no text at all, a long file: GraphQL tells none of these as they are. The blob does.
#[test]
fn files_are_read_byte_for_byte() {
    let Some(scene) = Scene::new() else { return };
    let long = "# padding\n".repeat(60_000);
    let files: [(&str, Vec<u8>); 5] = [
        ("bom.yaml", b"\xef\xbb\xbfa: 1\r\nb: 2\r\n".to_vec()),
        ("latin.yaml", b"name: caf\xe9\n".to_vec()),
        ("zero.bin", b"a\0b".to_vec()),
        ("long.yaml", long.into_bytes()),
        ("empty.yaml", Vec::new()),
    ];
    let entries: Vec<_> = files.iter().map(|(path, bytes)| (Mode::Regular, *path, &bytes[..])).collect();
    let head = scene.repository.write(&[scene.source], &entries, "odd").expect("a commit");
    let wanted: Vec<_> = files.iter().map(|(path, _)| (head, path.parse().expect("a path"))).collect();
    let found = scene.block_on(scene.forge.read(&wanted)).expect("they are read");
    for ((path, bytes), file) in files.iter().zip(found) {
        let file = file.expect("it is there");
        assert_eq!(file.bytes, *bytes, "{path}");
        assert!(file.oid.is_blob(bytes), "{path}");
    }
}

/// The text that GraphQL tells is not what the blob holds: then the blob is asked.
#[test]
fn a_text_that_is_not_the_blob_is_not_believed() {
    let Some(scene) = Scene::new() else { return };
    scene.hub.meddle(|request: &Request| {
        let files = request.body.contains("isTruncated");
        files.then(|| Meddling::Replace(Box::new(|body| body.replace("a: 1", "a: 2"))))
    });
    let wanted = [(scene.source, FILE.0.parse().expect("a path"))];
    let found = scene.block_on(scene.forge.read(&wanted)).expect("it is read");
    assert_eq!(found[0].as_ref().expect("it is there").bytes, FILE.1.as_bytes());
    assert!(scene.asked().iter().any(|name| name.contains("/git/blobs/")));
}

/// GitHub would make a regular file of an executable one: it is refused before.
#[test]
fn a_mode_that_would_be_lost_is_refused() {
    let Some(scene) = Scene::new() else { return };
    let entries = [(Mode::Executable, FILE.0, FILE.1.as_bytes())];
    let head = scene.repository.write(&[scene.source], &entries, "mode").expect("a commit");
    scene.repository.force(&main_branch(), Some(head)).expect("it moves");
    let error = scene.pin_this(&request(head, "one")).expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Invalid, "{error}");
    assert!(!scene.asked().iter().any(|name| name == "mutation"));
}

/// Ruleset and classic protection as the server enforces them, and an App that may bypass the one.
#[test]
fn rules_of_the_branch_are_kept_or_bypassed() {
    use pinlib_testkit::servers::github::{Bypass, Ruleset};
    let rules =
        |can_bypass| vec![Ruleset { rules: vec!["pull_request".into()], can_bypass, ..Ruleset::default() }];
    let Some(scene) = Scene::new() else { return };
    scene.hub.change(|settings| settings.rulesets = rules(Bypass::Never));
    let error = scene.pin("one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Rejected, "{error}");
    scene.hub.change(|settings| settings.rulesets = rules(Bypass::Always));
    scene.pin("one").expect("a pin");

    let Some(scene) = Scene::new() else { return };
    scene.hub.change(|settings| (settings.protected_classic, settings.pull_request_required) = (true, true));
    let error = scene.pin("one").expect_err("no pin");
    assert!(error.to_string().contains("pull request"), "{error}");
}

/// GitHub asks to wait: within the bound that is done, beyond it that is told at once.
#[test]
fn a_limit_is_waited_for_within_the_bound() {
    for (seconds, pinned) in [(30, true), (3600, false)] {
        let Some(scene) = Scene::new() else { return };
        let asked = AtomicUsize::new(0);
        scene.hub.meddle(move |request| {
            let read = request.body.contains("isTruncated") && asked.fetch_add(1, Relaxed) == 0;
            read.then(|| Meddling::Answer {
                status: 403,
                headers: vec![
                    ("content-type".into(), "application/json".into()),
                    ("retry-after".into(), seconds.to_string()),
                ],
                body: "{\"message\":\"You have exceeded a secondary rate limit.\"}".into(),
            })
        });
        // Past the moment in which a 403 may mean that the token is too new.
        scene.block_on(scene.forge.head(&main_branch())).expect("a head");
        scene.block_on(scene.clock.sleep(Duration::from_secs(60)));
        let before = scene.clock.slept();
        let answer = scene.pin("one");
        assert_eq!(answer.is_ok(), pinned, "{seconds}: {answer:?}");
        let waited = scene.clock.slept().saturating_sub(before);
        assert_eq!(waited >= Duration::from_secs(30), pinned, "{seconds}: {waited:?}");
    }
}
