//! Every answer that GitHub is known to give in the place of a commit, and of a read: its outcome, and what a user reads.

use crate::{
    git_world::main_branch,
    github_world::{Scene, is_commit},
};
use pinlib::{BackendErrorKind, CommitRange, GitForge, History, Oid, OutcomeKind, PinError, Signature};
use pinlib_testkit::servers::{
    github::{Lost, Meddling},
    script::Request,
};

const JSON: (&str, &str) = ("content-type", "application/json; charset=utf-8");
const HTML: (&str, &str) = ("content-type", "text/html");

fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Meddling {
    let headers = headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    Meddling::Answer { status, headers, body: body.into() }
}

/// The mutation answered with one error.
fn refused(kind: &str, message: &str) -> (u16, Vec<(&'static str, &'static str)>, String) {
    let kind = if kind.is_empty() { String::new() } else { format!("\"type\":{kind:?},") };
    let error = format!(
        "{{\"data\":{{\"createCommitOnBranch\":null}},\"errors\":[{{{kind}\"path\":[\"createCommitOnBranch\"],\"message\":{message:?}}}]}}"
    );
    (200, vec![JSON], error)
}

type Row = ((u16, Vec<(&'static str, &'static str)>, String), OutcomeKind, &'static str);

/// Answers to the mutation that say clearly that nothing landed. `{head}` stands for the source, `{other}` for another oid.
fn clear_answers() -> Vec<Row> {
    use OutcomeKind::{HeadMoved, NotFound, Rejected, Unauthorized, Unavailable};
    let rest = |status, headers: &[(&'static str, &'static str)], message: &str| {
        let mut all = vec![JSON];
        all.extend(headers);
        (
            status,
            all,
            format!("{{\"message\":{message:?},\"documentation_url\":\"https://docs.github.com\"}}"),
        )
    };
    vec![
        (
            refused(
                "STALE_DATA",
                "Expected branch to point to \"{head}\" but it did not.  Pull and try again.",
            ),
            HeadMoved,
            "main moved from",
        ),
        (refused("", "main is at {other} but expected {head}"), HeadMoved, "main moved from"),
        (
            refused(
                "BRANCH_PROTECTION_RULE_VIOLATION",
                "protected branch 'main' check failed:\n  Changes must be made through a pull request.",
            ),
            Rejected,
            "Changes must be made through a pull request.",
        ),
        (
            refused(
                "",
                "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
            ),
            Rejected,
            "Repository rule violations found; Changes must be made through a pull request.",
        ),
        (
            refused("FORBIDDEN", "Resource not accessible by integration"),
            Rejected,
            "Resource not accessible by integration",
        ),
        (
            refused("UNPROCESSABLE", "Repository was archived so is read-only."),
            Rejected,
            "Repository was archived so is read-only.",
        ),
        (refused("NOT_FOUND", "Branch not found"), NotFound, "there is no such branch"),
        (
            refused("NOT_FOUND", "Could not resolve to a Repository with the name 'acme/deploy'."),
            NotFound,
            "Could not resolve to a Repository",
        ),
        (
            refused("RATE_LIMITED", "API rate limit exceeded for installation ID 1."),
            Unavailable,
            "API rate limit exceeded",
        ),
        (
            refused(
                "",
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            ),
            Unavailable,
            "secondary rate limit",
        ),
        (rest(401, &[], "Bad credentials"), Unauthorized, "GitHub says: Bad credentials"),
        (
            rest(403, &[], "Resource not accessible by integration"),
            Rejected,
            "Resource not accessible by integration",
        ),
        (
            rest(403, &[("retry-after", "60")], "You have exceeded a secondary rate limit"),
            Unavailable,
            "secondary rate limit",
        ),
        (
            rest(
                403,
                &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1")],
                "API rate limit exceeded",
            ),
            Unavailable,
            "API rate limit exceeded",
        ),
        (rest(429, &[], "Too many requests"), Unavailable, "Too many requests"),
        (rest(404, &[], "Not Found"), NotFound, "GitHub says: Not Found"),
    ]
}

#[test]
fn every_clear_answer_has_its_outcome() {
    for ((status, headers, body), outcome, says) in clear_answers() {
        let Some(scene) = Scene::new() else { return };
        let body = body.replace("{head}", &scene.source.to_string()).replace("{other}", &"1".repeat(40));
        scene.hub.meddle({
            let body = body.clone();
            move |request| is_commit(request).then(|| answer(status, &headers, &body))
        });
        let error = scene.pin("one").expect_err(&body);
        assert_eq!(error.kind(), outcome, "{body}: {error}");
        assert!(error.to_string().contains(says), "{body}: {error}");
        assert!(!error.to_string().contains('\n'), "one line: {error}");
        assert_eq!(scene.head(), scene.source, "{body}");
        let sent = scene.hub.requests().iter().filter(|request| is_commit(request)).count();
        assert_eq!(sent, 1, "a clear answer is not asked for again: {body}");
    }
}

#[test]
fn a_refusal_names_its_rule() {
    for (message, rule) in [
        (
            "protected branch 'main' check failed:\n  Required status check \"ci\" is expected.",
            "branch protection",
        ),
        ("Repository rule violations found\n\nCannot update this protected ref.\n\n", "ruleset"),
        ("Resource not accessible by integration", "permission contents:write"),
        ("Repository was archived so is read-only.", "archived repository"),
    ] {
        let Some(scene) = Scene::new() else { return };
        let (status, headers, body) = refused("", message);
        scene.hub.meddle(move |request| is_commit(request).then(|| answer(status, &headers, &body)));
        match scene.pin("one") {
            Err(PinError::Rejected { rule: Some(found), .. }) => assert_eq!(found, rule, "{message}"),
            other => panic!("{message}: {other:?}"),
        }
    }
}

/// What proves nothing: it may have landed. The branch stands still, and the commit is sent again within the bound.
#[test]
fn every_other_answer_is_unclear() {
    let page = "<html><title>502 Bad Gateway</title></html>";
    let broken = "{\"data\":null,\"errors\":[{\"message\":\"Something went wrong while executing your query. This may be the result of a timeout, or it could be a GitHub bug.\"}]}";
    for (status, headers, body) in [
        (500, vec![JSON], "{\"message\":\"Server Error\"}"),
        (502, vec![HTML], page),
        (503, vec![HTML], page),
        (504, vec![HTML], page),
        (403, vec![HTML], "<html>a proxy's page</html>"),
        (404, vec![HTML], "<html>a proxy's page</html>"),
        (302, vec![("location", "https://elsewhere.test/")], ""),
        (422, vec![JSON], "{\"message\":\"Validation Failed\"}"),
        (200, vec![JSON], "{\"data\":{\"createCommitOnBranch\":null}}"),
        (200, vec![JSON], "{\"data\":{\"createCommitOnBranch\":{\"commit\":null}}}"),
        (200, vec![JSON], "{\"data\":null}"),
        (200, vec![JSON], "{}"),
        (200, vec![JSON], "[]"),
        (200, vec![JSON], "not json"),
        (200, vec![HTML], page),
        (200, vec![JSON], broken),
        (200, vec![JSON], "{\"errors\":[{\"type\":\"NEW_KIND\",\"message\":\"nobody knows this one\"}]}"),
        (200, vec![JSON], "{\"errors\":[{\"type\":\"STALE_DATA\",\"message\":\"a\"},{\"message\":\"b\"}]}"),
    ] {
        let Some(scene) = Scene::new() else { return };
        scene.hub.meddle(move |request| is_commit(request).then(|| answer(status, &headers, body)));
        let error = scene.pin("one").expect_err(body);
        assert_eq!(error.kind(), OutcomeKind::Unknown, "{status} {body}: {error}");
        assert_eq!(scene.head(), scene.source, "{body}");
        let sent = scene.hub.requests().iter().filter(|request| is_commit(request)).count();
        assert_eq!(sent, 3, "sent again while the branch stands still: {status} {body}");
    }
}

/// GitHub says that it made a commit, and that is not the one that was asked for.
#[test]
fn a_commit_on_another_parent_is_no_pin() {
    for answer_of in [
        "{\"data\":{\"createCommitOnBranch\":{\"commit\":{\"oid\":\"{other}\",\"parents\":{\"nodes\":[{\"oid\":\"{other}\"}]}}}}}",
        "{\"data\":{\"createCommitOnBranch\":{\"commit\":{\"oid\":\"{other}\",\"parents\":{\"nodes\":[]}}}}}",
        "{\"data\":{\"createCommitOnBranch\":{\"commit\":{\"oid\":\"{other}\",\"parents\":{\"nodes\":[{\"oid\":\"{head}\"},{\"oid\":\"{other}\"}]}}}}}",
        "{\"data\":{\"createCommitOnBranch\":{\"commit\":{\"oid\":\"{other}\",\"parents\":{\"nodes\":[{\"oid\":\"{head}\"}]}}}},\"errors\":[{\"message\":\"and yet\"}]}",
    ] {
        let Some(scene) = Scene::new() else { return };
        let body = answer_of.replace("{head}", &scene.source.to_string()).replace("{other}", &"1".repeat(40));
        scene.hub.meddle(move |request| is_commit(request).then(|| answer(200, &[JSON], &body)));
        let error = scene.pin("one").expect_err(answer_of);
        assert_eq!(error.kind(), OutcomeKind::Unknown, "{answer_of}: {error}");
    }
}

/// The same for reads, each kind by its own row.
#[test]
fn every_failed_read_has_its_kind() {
    use BackendErrorKind::{Invalid, NotFound, RateLimited, Unauthorized, Unavailable};
    let of_graphql = |kind: &str, message: &str| {
        format!(
            "{{\"data\":{{\"repository\":null}},\"errors\":[{{\"type\":{kind:?},\"message\":{message:?}}}]}}"
        )
    };
    let rest = |message: &str| format!("{{\"message\":{message:?}}}");
    for (status, headers, body, kind) in [
        (401, vec![JSON], rest("Bad credentials"), Unauthorized),
        (403, vec![JSON], rest("Resource not accessible by integration"), Unauthorized),
        (403, vec![JSON, ("retry-after", "3")], rest("secondary"), RateLimited),
        (403, vec![JSON], rest("You have exceeded a secondary rate limit."), RateLimited),
        (429, vec![JSON], rest("Too many requests"), RateLimited),
        (404, vec![JSON], rest("Not Found"), NotFound),
        (422, vec![JSON], rest("Unprocessable"), Invalid),
        (500, vec![JSON], rest("Server Error"), Unavailable),
        (502, vec![HTML], "<html>".into(), Unavailable),
        (200, vec![JSON], of_graphql("NOT_FOUND", "Could not resolve to a Repository"), NotFound),
        (200, vec![JSON], of_graphql("FORBIDDEN", "Resource not accessible by integration"), Unauthorized),
        (200, vec![JSON], of_graphql("RATE_LIMITED", "API rate limit exceeded"), RateLimited),
        (200, vec![JSON], of_graphql("SOME_KIND", "nobody knows this one"), Invalid),
        (
            200,
            vec![JSON],
            "{\"errors\":[{\"message\":\"Something went wrong while executing your query.\"}]}".into(),
            Unavailable,
        ),
        (200, vec![JSON], "{\"data\":{\"repository\":null}}".into(), NotFound),
        (200, vec![JSON], "{\"data\":{\"repository\":{\"ref\":null}}}".into(), NotFound),
        (200, vec![JSON], "{\"data\":null}".into(), Unavailable),
        (200, vec![JSON], "nonsense".into(), Invalid),
    ] {
        let Some(scene) = Scene::new() else { return };
        // Past the moment in which a token may be unknown.
        scene.block_on(scene.forge.head(&main_branch())).expect("a head");
        scene.block_on(pinlib::Clock::sleep(&*scene.clock, std::time::Duration::from_secs(60)));
        let told = body.clone();
        scene.hub.meddle(move |_| Some(answer(status, &headers, &told)));
        let error = scene.block_on(scene.forge.head(&main_branch())).expect_err("no head");
        assert_eq!(error.kind(), kind, "{status} {body}: {error}");
        assert!(!error.to_string().contains('<'), "{error}");
        if kind == RateLimited {
            assert!(error.retry_after().is_some(), "{status} {body}");
        }
    }
}

#[test]
fn a_read_whose_answer_is_lost_is_repeated() {
    for lost in [Lost::Close, Lost::Cut, Lost::Status(502), Lost::Status(200)] {
        let Some(scene) = Scene::new() else { return };
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let first = move |request: &Request| {
            let read = request.target == "/graphql" && !is_commit(request);
            let first = read && asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
            first.then_some(Meddling::AfterServing(lost))
        };
        scene.hub.meddle(first);
        match scene.pin("one") {
            Ok(receipt) => assert_eq!(receipt.commit, scene.head(), "{lost:?}"),
            // A page of somebody's, with status 200, is not an answer that may pass.
            Err(error) => assert!(lost == Lost::Status(200), "{lost:?}: {error}"),
        }
    }
}

/// A comparison that does not tell all of its commits is no history.
#[test]
fn a_history_that_is_cut_is_incomplete() {
    let Some(scene) = Scene::new() else { return };
    for n in 0..3 {
        scene.repository.push(&main_branch(), &[("other", &format!("{n}\n"))], "on").expect("a push");
    }
    let range = CommitRange { base: Some(scene.source), upto: scene.head(), limit: 9 };
    scene.hub.meddle(|request| {
        let compare = request.target.contains("/compare/");
        compare.then(|| {
            Meddling::Replace(Box::new(|body| {
                let mut whole: serde_json::Value = serde_json::from_str(&body).expect("json");
                if let Some(commits) = whole["commits"].as_array_mut() {
                    commits.truncate(usize::from(commits.len() > 1));
                }
                whole.to_string()
            }))
        })
    });
    let error = scene.block_on(scene.forge.history(&range)).expect_err("cut");
    assert_eq!(error.kind(), BackendErrorKind::Incomplete, "{error}");
}

/// A signature that is there and does not fit is none that anybody may believe.
#[test]
fn a_signature_is_believed_where_github_says_that_it_fits() {
    let Some(scene) = Scene::new() else { return };
    let pinned = scene.pin("one").expect("a pin").commit;
    let bytes = scene.repository.git(&["cat-file", "commit", &pinned.to_string()]).expect("a commit");
    // Somebody's own words under GitHub's signature.
    let forged = bytes.replace("Pin app", "Take app");
    assert!(forged != bytes && forged.contains("gpgsig"), "{bytes}");
    let words = ["hash-object", "-t", "commit", "-w", "--stdin"];
    let forged: Oid =
        scene.repository.feed(&words, forged.as_bytes()).expect("git works").trim().parse().expect("an oid");
    for (head, signature) in [(pinned, Signature::Valid), (forged, Signature::Unproven)] {
        scene.repository.force(&main_branch(), Some(head)).expect("a forced push");
        let range = CommitRange { base: Some(scene.source), upto: head, limit: 9 };
        let history = scene.block_on(scene.forge.history(&range)).expect("a history");
        let History::Descends(facts) = history else { panic!("{history:?}") };
        assert_eq!(facts.iter().map(|fact| fact.signature).collect::<Vec<_>>(), [signature], "{facts:?}");
    }
    let unsigned = scene.repository.push(&main_branch(), &[("other", "x\n")], "by hand").expect("a push");
    let range = CommitRange { base: Some(forged), upto: unsigned, limit: 9 };
    let history = scene.block_on(scene.forge.history(&range)).expect("a history");
    assert!(
        matches!(&history, History::Descends(facts) if facts[0].signature == Signature::Absent),
        "{history:?}"
    );
}
