//! Pull requests where things go wrong: lost answers, runs that died, two at once, and what GitHub refuses.

use crate::{
    github_proposals::{Desk, once, passing, shown},
    remote::request,
};
use pinlib::{Movement, OutcomeKind, PinError, RunId, Superseder};
use pinlib_testkit::servers::github::{Bypass, Lost, Meddling, Ruleset};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

const WRITES: [&str; 3] = ["updateRefs", "createCommitOnBranch", "createPullRequest"];

/// Each answer lost in each way, whether or not the request arrived before: one pull request for one commit.
#[test]
fn a_lost_answer_at_any_step_makes_one_pull_request() {
    let lost = [Lost::Close, Lost::Cut, Lost::Status(502), Lost::Status(200)];
    for says in WRITES {
        for (n, lost) in lost.into_iter().enumerate() {
            for served in [true, false] {
                let Some(desk) = Desk::new() else { return };
                once(&desk.scene.hub, says, move || {
                    if served { Meddling::AfterServing(lost) } else { Meddling::Before(lost) }
                });
                let proposal = desk.propose(&request(desk.scene.source, "one"));
                let proposal = proposal.unwrap_or_else(|error| panic!("{says} {n} {served}: {error}"));
                assert_eq!(shown(&proposal).1, desk.one(desk.scene.source).1, "{says} {n} {served}");
            }
        }
    }
}

/// The same while a pull request is brought up to date.
#[test]
fn a_lost_answer_at_any_step_of_an_update_leaves_one_pull_request() {
    for says in [WRITES[0], WRITES[1], "updatePullRequest"] {
        for served in [true, false] {
            let Some(desk) = Desk::new() else { return };
            desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
            let newer = desk.person("y\n");
            let lost = Lost::Status(502);
            once(&desk.scene.hub, says, move || {
                if served { Meddling::AfterServing(lost) } else { Meddling::Before(lost) }
            });
            desk.propose(&request(newer, "two")).unwrap_or_else(|error| panic!("{says} {served}: {error}"));
            desk.one(newer);
            assert_eq!(desk.pulls().len(), 1);
        }
    }
}

/// A run that dies after any of its requests, with its answer: the next one finishes what it began.
#[test]
fn a_run_that_died_anywhere_is_finished_by_the_next() {
    for step in 1.. {
        let Some(desk) = Desk::new() else { return };
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        desk.scene.hub.meddle(move |_| match count.fetch_add(1, Relaxed) {
            n if n < step => None,
            n if n == step => Some(Meddling::AfterServing(Lost::Close)),
            _ => Some(Meddling::Before(Lost::Close)),
        });
        let first = desk.propose(&request(desk.scene.source, "one"));
        let whole = asked.load(Relaxed) <= step;
        assert!(!whole || first.is_ok(), "{step}: {first:?}");
        desk.scene.hub.meddle(|_| None);
        let again = desk
            .scene
            .block_on(desk.proposer().propose(&request(desk.scene.source, "one"), RunId::from([8; 16])));
        again.unwrap_or_else(|error| panic!("{step}: {error}"));
        desk.one(desk.scene.source);
        assert_eq!(desk.pulls().len(), 1, "{step}");
        if whole {
            break;
        }
    }
}

/// The mover's answers are lost, all of them, and reads with them: nobody claims that nothing is there.
#[test]
fn doubt_that_stays_is_told() {
    for says in ["updateRefs", "createPullRequest"] {
        let Some(desk) = Desk::new() else { return };
        let moved = AtomicUsize::new(0);
        desk.scene.hub.meddle(move |request| {
            // The first move is the scratch branch's own.
            let late =
                request.body.contains(says) && (says != "updateRefs" || moved.fetch_add(1, Relaxed) > 0);
            let blind = moved.load(Relaxed) > 1 && !request.target.ends_with("access_tokens");
            (late || blind).then_some(Meddling::Before(Lost::Status(502)))
        });
        let error = desk.propose(&request(desk.scene.source, "one")).expect_err("doubt");
        assert_eq!(error.kind(), OutcomeKind::Unknown, "{says}: {error}");
    }
}

#[test]
fn of_many_at_once_all_end_in_one_pull_request() {
    let Some(desk) = Desk::new() else { return };
    let (request, proposer) = (request(desk.scene.source, "one"), desk.proposer());
    let runs = (0..4).map(|n| proposer.propose(&request, RunId::from([n; 16])));
    let answers = desk.scene.block_on(futures_util::future::join_all(runs));
    let (_, head) = desk.one(desk.scene.source);
    for answer in answers {
        assert_eq!(shown(&answer.expect("a proposal")).1, head);
    }
    assert_eq!(desk.pulls().len(), 1);
}

/// Two sources, two digests, at once, over and over: the newer one stands there in the end, in its own words.
#[test]
fn of_two_sources_at_once_the_newer_one_stays() {
    for round in 0..4 {
        let Some(desk) = Desk::new() else { return };
        let newer = desk.person("y\n");
        let (old, new) = (passing(desk.scene.source, "one"), passing(newer, "two"));
        let proposer = desk.proposer();
        let run = |n| RunId::from([n; 16]);
        let (first, second) = if round % 2 == 0 { (&old, &new) } else { (&new, &old) };
        let runs = [proposer.propose(first, run(1)), proposer.propose(second, run(2))];
        let answers = desk.scene.block_on(futures_util::future::join_all(runs));
        for answer in &answers {
            let calm = match answer {
                Ok(_) => true,
                Err(error) => matches!(
                    error.kind(),
                    OutcomeKind::Superseded | OutcomeKind::HeadMoved | OutcomeKind::Unavailable
                ),
            };
            assert!(calm, "{round}: {answer:?}");
        }
        desk.propose(&new).expect("a proposal");
        let (pull, _) = desk.one(newer);
        assert!(pull.body.contains(&newer.to_string()), "{round}: {pull:?}");
    }
}

/// A person's commit comes between the look at the branch and the swap.
#[test]
fn whoever_comes_in_between_is_not_overwritten() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let (newer, under) = (desk.person("y\n"), desk.head(&on).expect("it is there"));
    let theirs = desk.scene.repository.write(&[under], &[], "mine").expect("a commit");
    once(&desk.scene.hub, "createCommitOnBranch", desk.moving(&on, theirs));
    match desk.propose(&request(newer, "two")) {
        Err(PinError::HeadMoved { branch, how: Movement::Taken { commit }, .. }) => {
            assert_eq!((branch, commit), (on.clone(), theirs));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((desk.head(&on), desk.branches()), (Some(theirs), vec![on.to_string()]));
}

/// The older run changes the words after the newer one moved the branch: it leaves them as the newer one has them.
#[test]
fn the_words_are_those_of_the_pin_that_stands_there() {
    let Some(desk) = Desk::new() else { return };
    let (on, older, _) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let middle = desk.person("y\n");
    let newest = desk.person("z\n");
    let (_, commit, _) = shown(&desk.propose(&passing(newest, "three")).expect("a proposal"));
    let (words, _) = desk.one(newest);
    desk.scene.repository.force(&on, Some(older)).expect("it moves");
    desk.scene.hub.alter_pull(words.number, |pull| pull.title = "Pin something older".into());
    once(&desk.scene.hub, "updatePullRequest", desk.moving(&on, commit));
    let error = desk.propose(&passing(middle, "two")).expect_err("superseded");
    assert!(matches!(error, PinError::Superseded(Superseder::NewerPin { .. })), "{error}");
    let (pull, head) = desk.one(newest);
    assert_eq!((head, pull.title, pull.body), (commit, words.title, words.body));
}

#[test]
fn a_missing_permission_is_named() {
    // Of the App's installation: before anything is touched.
    let Some(desk) = Desk::new() else { return };
    desk.scene.hub.change(|settings| drop(settings.permissions.remove("pull_requests")));
    let error = desk.propose(&request(desk.scene.source, "one")).expect_err("no permission");
    assert_eq!(error.kind(), OutcomeKind::Unauthorized);
    assert!(error.to_string().contains("pull_requests:write") && desk.branches().is_empty(), "{error}");
    // Of a token: once it is asked for. Whoever grants it then has the rest done by the next run.
    let words = [
        "Resource not accessible by integration",
        "GitHub Actions is not permitted to create or approve pull requests.",
    ];
    for words in words {
        let Some(desk) = Desk::new() else { return };
        once(&desk.scene.hub, "createPullRequest", move || Meddling::Answer {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            body: format!(
                "{{\"data\":{{\"done\":null}},\"errors\":[{{\"type\":\"FORBIDDEN\",\"message\":\"{words}\"}}]}}"
            ),
        });
        match desk.propose(&request(desk.scene.source, "one")) {
            Err(PinError::Rejected { rule: Some(rule), .. }) => {
                assert_eq!(rule, "permission pull_requests:write");
            }
            other => panic!("{other:?}"),
        }
        desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
        desk.one(desk.scene.source);
    }
}

#[test]
fn rules_over_pinlib_s_own_branches_refuse() {
    for rule in ["creation", "deletion"] {
        let Some(desk) = Desk::new() else { return };
        let set = Ruleset { rules: vec![rule.into()], can_bypass: Bypass::Never, ..Ruleset::default() };
        desk.scene.hub.change(|settings| settings.rulesets = vec![set]);
        match desk.propose(&request(desk.scene.source, "one")) {
            Err(PinError::Rejected { rule: Some(rule), .. }) => assert_eq!(rule, "ruleset"),
            other => panic!("{rule}: {other:?}"),
        }
        assert!(desk.pulls().is_empty(), "{rule}");
    }
}
