//! Pull requests in the place of commits: opened, brought up to date, closed; and what stands in their way.

use crate::{
    git_world::main_branch,
    github_world::{Scene, app, forge},
    remote::{FILE, request},
};
use pinlib::{
    AutoMerge, BranchName, Clock, GitHubForge, MergeMethod, Mismatch, Movement, NoRegistry, Oid, OutcomeKind,
    Patience, PinError, PinOptions, PinRequest, Policy, Proposal, Proposed, Proposer, Record, ReviewState,
    RunId, Superseder,
};
use pinlib_testkit::servers::{
    github::{CLIENT_ID, GitHub, INSTALLATION, Lost, Meddling, Pull},
    script::Request,
};
use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

/// A repository whose `main` takes pull requests alone, and an App that may open them.
pub(crate) struct Desk {
    pub(crate) scene: Scene,
    forge: Arc<GitHubForge>,
    auto_merge: AutoMerge,
}

impl Desk {
    pub(crate) fn new() -> Option<Self> {
        let scene = Scene::new()?;
        scene.hub.change(|settings| {
            settings.permissions.insert("pull_requests".into(), "write".into());
            (settings.protected_classic, settings.pull_request_required) = (true, true);
        });
        let login = app(&scene.hub, CLIENT_ID, Some(INSTALLATION));
        let clock = Arc::clone(&scene.clock) as Arc<dyn Clock>;
        let forge = Arc::new(forge(&scene.hub, login, clock).with_pull_requests());
        Some(Self { scene, forge, auto_merge: AutoMerge::Leave })
    }
    pub(crate) fn proposer(&self) -> Proposer {
        Proposer {
            registry: Arc::new(NoRegistry),
            forge: Arc::clone(&self.forge) as Arc<dyn pinlib::ReviewForge>,
            clock: Arc::clone(&self.scene.clock) as Arc<dyn Clock>,
            patience: Patience::default(),
            auto_merge: self.auto_merge,
        }
    }
    pub(crate) fn propose(&self, request: &PinRequest) -> Result<Proposal, PinError> {
        self.scene.block_on(self.proposer().propose(request, RunId::from([9; 16])))
    }
    /// A commit of a person's on `main`.
    pub(crate) fn person(&self, what: &str) -> Oid {
        self.scene.repository.push(&main_branch(), &[("other", what)], "by hand").expect("a push")
    }
    pub(crate) fn pulls(&self) -> Vec<Pull> {
        self.scene.hub.pulls().expect("git works")
    }
    pub(crate) fn head(&self, branch: &BranchName) -> Option<Oid> {
        self.scene.repository.head(branch).expect("git works")
    }
    /// Moves a branch while a request is on its way.
    pub(crate) fn moving(
        &self,
        branch: &BranchName,
        to: Oid,
    ) -> impl Fn() -> Meddling + Send + Sync + 'static {
        let (path, name, to) = (self.scene.repository.path().to_owned(), branch.full(), to.to_string());
        move || {
            let git = Command::new("git")
                .arg("-C")
                .arg(&path)
                .args(["update-ref", &name, &to])
                .status()
                .expect("git works");
            assert!(git.success());
            Meddling::Late(Duration::ZERO)
        }
    }
    /// Every branch but `main`.
    pub(crate) fn branches(&self) -> Vec<String> {
        let all = self.scene.repository.git(&["for-each-ref", "--format=%(refname:short)", "refs/heads"]);
        all.expect("git works").lines().filter(|name| *name != "main").map(str::to_owned).collect()
    }
    /// One open pull request, for the one commit on its branch, which lies on `parent`; and nothing else.
    pub(crate) fn one(&self, parent: Oid) -> (Pull, Oid) {
        let open: Vec<_> = self.pulls().into_iter().filter(|pull| pull.state == "OPEN").collect();
        assert_eq!(open.len(), 1, "{open:?}");
        assert_eq!(self.branches(), [&*open[0].branch], "the scratch branch is gone");
        let head = self.head(&open[0].branch.parse().expect("a branch")).expect("it is there");
        let fact = self.scene.repository.fact(head).expect("git works");
        assert_eq!((&*open[0].head, &fact.parents[..]), (&*head.to_string(), &[parent][..]));
        assert!(Record::parse(&fact.message).is_some_and(|record| record.claim.branch() == &main_branch()));
        assert_eq!(
            self.scene.repository.git(&["fsck", "--strict", "--no-dangling"]).expect("git works").trim(),
            ""
        );
        (open[0].clone(), head)
    }
}

/// The same request under a policy that passes over what people did elsewhere.
pub(crate) fn passing(source: Oid, what: &str) -> PinRequest {
    let request = request(source, what);
    let inputs = Policy::Inputs(vec![FILE.0.parse().expect("a path")]);
    let options = PinOptions { policy: inputs, ..PinOptions::default() };
    PinRequest::new(source, main_branch(), request.images().to_vec(), options).expect("a request")
}

pub(crate) fn shown(proposal: &Proposal) -> (BranchName, Oid, pinlib::Review) {
    match &proposal.done {
        Proposed::Review { on, commit, review, .. } => (on.clone(), *commit, review.clone()),
        other => panic!("{other:?}"),
    }
}

/// Lets the first request that says this go wrong.
pub(crate) fn once(hub: &GitHub, says: &'static str, how: impl Fn() -> Meddling + Send + Sync + 'static) {
    let sent = AtomicUsize::new(0);
    hub.meddle(move |request: &Request| {
        (request.body.contains(says) && sent.fetch_add(1, Relaxed) == 0).then(&how)
    });
}

#[test]
fn a_proposal_is_a_pull_request_for_one_commit_on_the_head() {
    let Some(desk) = Desk::new() else { return };
    let proposal = desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    assert_eq!(proposal.kind(), OutcomeKind::Proposed);
    let (on, commit, review) = shown(&proposal);
    let (pull, head) = desk.one(desk.scene.source);
    assert_eq!((head, &*pull.branch, pull.number), (commit, &*on.to_string(), review.number));
    assert!(pull.branch.starts_with("pinlib/main/app-"), "{pull:?}");
    assert!(pull.title.starts_with("Pin app to sha256:"), "{pull:?}");
    for told in
        [&desk.scene.source.to_string()[..], &proposal.claim.key().to_string(), FILE.0, "ghcr.io/acme/app"]
    {
        assert!(pull.body.contains(told), "{told}: {pull:?}");
    }
    assert_eq!((desk.scene.head(), proposal.warnings), (desk.scene.source, vec![]));
}

#[test]
fn a_token_may_write_pull_requests_only_where_that_is_wanted() {
    let Some(desk) = Desk::new() else { return };
    desk.scene.pin("one").expect_err("main is protected");
    desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    let wishes =
        desk.scene.hub.requests().into_iter().filter(|request| request.target.ends_with("access_tokens"));
    let wishes: Vec<_> = wishes.map(|request| request.body.contains("pull_requests")).collect();
    assert_eq!(wishes, [false, true]);
}

/// At no instant the branch stands at a commit of the base: GitHub would close the pull request.
#[test]
fn a_newer_pin_takes_the_place_of_an_older_one_in_the_same_pull_request() {
    let Some(desk) = Desk::new() else { return };
    desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    let (first, _) = desk.one(desk.scene.source);
    let newer = desk.person("y\n");
    let (_, commit, _) = shown(&desk.propose(&request(newer, "two")).expect("a proposal"));
    let (pull, head) = desk.one(newer);
    assert_eq!((pull.number, head, desk.pulls().len()), (first.number, commit, 1));
    assert!(pull.title != first.title && pull.body.contains(&newer.to_string()), "{pull:?}");
}

#[test]
fn the_same_again_changes_nothing() {
    let Some(desk) = Desk::new() else { return };
    let first = desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    let before = desk.pulls();
    let again = desk
        .scene
        .block_on(desk.proposer().propose(&request(desk.scene.source, "one"), RunId::from([8; 16])));
    assert_eq!(shown(&again.expect("a proposal")).1, shown(&first).1);
    assert_eq!(desk.pulls(), before);
}

/// The same pin, decided again where a person's commit has moved the branch: its commit is built on the new head.
#[test]
fn a_pin_goes_along_with_the_branch() {
    let Some(desk) = Desk::new() else { return };
    desk.propose(&passing(desk.scene.source, "one")).expect("a proposal");
    let (first, now) = (desk.one(desk.scene.source), desk.person("y\n"));
    desk.propose(&passing(desk.scene.source, "one")).expect("a proposal");
    let (pull, head) = desk.one(now);
    assert!(pull.number == first.0.number && head != first.1, "{pull:?}");
}

/// A pin that was made for the proposal's branch itself may lie on anybody's commit.
#[test]
fn a_pin_of_another_branch_is_somebody_else_s() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let theirs = desk.scene.repository.push(&on, &[("notes", "mine\n")], "a note").expect("a push");
    let images = request(theirs, "of the branch").images().to_vec();
    let there = PinRequest::new(theirs, on.clone(), images, PinOptions::default()).expect("a request");
    let pin = desk.scene.pin_this(&there).expect("a pin").commit;
    let newer = desk.person("y\n");
    let error = desk.propose(&request(newer, "two")).expect_err("no proposal");
    assert!(matches!(error, PinError::HeadMoved { how: Movement::Taken { .. }, .. }), "{error}");
    assert_eq!(desk.head(&on), Some(pin));
}

#[test]
fn a_commit_of_a_person_s_stops_everything() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let theirs = desk.scene.repository.push(&on, &[("notes", "mine\n")], "a note").expect("a push");
    let (newer, before) = (desk.person("y\n"), desk.pulls());
    match desk.propose(&request(newer, "two")) {
        Err(PinError::HeadMoved { branch, actual, how: Movement::Taken { commit }, .. }) => {
            assert_eq!((branch, actual, commit), (on.clone(), Some(theirs), theirs));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((desk.head(&on), desk.pulls()), (Some(theirs), before));
    // Nor is it closed once the branch holds the digests.
    desk.scene.repository.push(&main_branch(), &[(FILE.0, &pinned(&desk, &on))], "by hand").expect("a push");
    let proposal = desk.propose(&request(desk.scene.source, "one")).expect("it is there");
    assert!(matches!(proposal.done, Proposed::AlreadyPinned { closed: None, .. }), "{proposal:?}");
    assert_eq!(desk.head(&on), Some(theirs));
}

/// The file as it stands on a branch.
fn pinned(desk: &Desk, on: &BranchName) -> String {
    let head = desk.head(on).expect("it is there");
    String::from_utf8(desk.scene.repository.file(head, FILE.0).expect("git works")).expect("text")
}

#[test]
fn a_commit_of_a_person_s_on_the_scratch_branch_stops_everything_too() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let scratch: BranchName = format!("{on}.next").parse().expect("a branch");
    let newer = desk.person("y\n");
    let theirs = desk.scene.repository.write(&[newer], &[], "mine").expect("a commit");
    desk.scene.repository.force(&scratch, Some(theirs)).expect("it moves");
    let error = desk.propose(&request(newer, "two")).expect_err("no proposal");
    assert_eq!(error.kind(), OutcomeKind::HeadMoved, "{error}");
    assert_eq!(desk.head(&scratch), Some(theirs));
}

/// A run died with its scratch branch at a head that the branch has left behind.
#[test]
fn a_scratch_branch_that_was_left_behind_is_taken_over() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let scratch: BranchName = format!("{on}.next").parse().expect("a branch");
    desk.scene.repository.force(&scratch, Some(desk.scene.source)).expect("it moves");
    let newer = desk.person("y\n");
    desk.propose(&request(newer, "two")).expect("a proposal");
    desk.one(newer);
}

#[test]
fn what_the_branch_holds_by_now_is_closed_with_a_word() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let text = pinned(&desk, &on);
    let now = desk.scene.repository.push(&main_branch(), &[(FILE.0, &text)], "by hand").expect("a push");
    let proposal = desk.propose(&request(desk.scene.source, "one")).expect("it is there");
    let Proposed::AlreadyPinned { head, closed: Some(review) } = &proposal.done else {
        panic!("{proposal:?}")
    };
    assert_eq!(
        (*head, review.state, proposal.kind()),
        (now, ReviewState::Closed, OutcomeKind::AlreadyPinned)
    );
    let pulls = desk.pulls();
    assert_eq!((pulls.len(), &*pulls[0].state, pulls[0].comments.len()), (1, "CLOSED", 1));
    assert!(desk.branches().is_empty(), "{:?}", desk.branches());
}

/// The branch holds what an older run would propose; the pull request asks for something newer.
#[test]
fn a_newer_pull_request_is_not_closed_by_an_older_run() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let text = pinned(&desk, &on);
    let newer = desk.person("y\n");
    desk.propose(&request(newer, "two")).expect("a proposal");
    desk.scene.repository.push(&main_branch(), &[(FILE.0, &text)], "by hand").expect("a push");
    let proposal = desk.propose(&request(desk.scene.source, "one")).expect("it is there");
    assert!(matches!(proposal.done, Proposed::AlreadyPinned { closed: None, .. }), "{proposal:?}");
    desk.one(newer);
}

#[test]
fn an_older_run_does_not_overwrite_a_newer_pin() {
    let Some(desk) = Desk::new() else { return };
    let newer = desk.person("y\n");
    let (_, commit, _) = shown(&desk.propose(&passing(newer, "two")).expect("a proposal"));
    let before = desk.pulls();
    match desk.propose(&passing(desk.scene.source, "one")) {
        Err(PinError::Superseded(Superseder::NewerPin { commit: by, source_commit })) => {
            assert_eq!((by, source_commit), (commit, newer));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!((desk.one(newer).1, desk.pulls()), (commit, before));
}

#[test]
fn another_digest_of_the_same_commit_must_be_asked_for() {
    let Some(desk) = Desk::new() else { return };
    desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    let (_, first) = desk.one(desk.scene.source);
    let rebuilt = request(desk.scene.source, "another");
    match desk.propose(&rebuilt) {
        Err(PinError::Mismatch(Mismatch::Rebuilt { commit })) => assert_eq!(commit, first),
        other => panic!("{other:?}"),
    }
    let options = PinOptions { replace_rebuilt: true, ..PinOptions::default() };
    let told = PinRequest::new(desk.scene.source, main_branch(), rebuilt.images().to_vec(), options);
    desk.propose(&told.expect("a request")).expect("a proposal");
    assert_ne!(desk.one(desk.scene.source).1, first);
}

#[test]
fn what_somebody_closed_is_not_opened_again_by_the_same_pin() {
    let Some(desk) = Desk::new() else { return };
    desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    let number = desk.one(desk.scene.source).0.number;
    desk.scene.hub.alter_pull(number, |pull| pull.state = "CLOSED".into());
    match desk.propose(&request(desk.scene.source, "one")) {
        Err(PinError::Superseded(Superseder::Declined { number: by })) => assert_eq!(by, number),
        other => panic!("{other:?}"),
    }
    let newer = desk.person("y\n");
    desk.propose(&request(newer, "two")).expect("a proposal");
    assert_ne!(desk.one(newer).0.number, number);
}

/// Somebody closed the newest pull request and opened an older one again: that is the one.
#[test]
fn the_open_pull_request_is_the_one_however_old() {
    let Some(desk) = Desk::new() else { return };
    desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    let first = desk.one(desk.scene.source).0.number;
    desk.scene.hub.alter_pull(first, |pull| pull.state = "CLOSED".into());
    let newer = desk.person("y\n");
    desk.propose(&request(newer, "two")).expect("a proposal");
    let second = desk.one(newer).0.number;
    desk.scene.hub.alter_pull(second, |pull| pull.state = "CLOSED".into());
    desk.scene.hub.alter_pull(first, |pull| pull.state = "OPEN".into());
    let newest = desk.person("z\n");
    desk.propose(&request(newest, "three")).expect("a proposal");
    assert_eq!((desk.one(newest).0.number, desk.pulls().len()), (first, 2));
}

/// Merged, its branch left behind: the next one is a pull request of its own.
#[test]
fn after_a_merge_the_next_pin_has_a_pull_request_of_its_own() {
    let Some(desk) = Desk::new() else { return };
    let (_, commit, _) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let file = desk.scene.repository.file(commit, FILE.0).expect("git works");
    let entry = (pinlib::Mode::Regular, FILE.0, &file[..]);
    let merge =
        desk.scene.repository.write(&[desk.scene.source, commit], &[entry], "Merge #12").expect("a merge");
    desk.scene.repository.force(&main_branch(), Some(merge)).expect("it moves");
    assert_eq!(desk.pulls()[0].state, "MERGED");
    desk.propose(&request(merge, "two")).expect("a proposal");
    desk.one(merge);
    assert_eq!(desk.pulls().len(), 2);
}

#[test]
fn a_stranger_s_pull_request_of_the_same_name_is_none() {
    let Some(desk) = Desk::new() else { return };
    let (on, ..) = shown(&desk.propose(&request(desk.scene.source, "one")).expect("a proposal"));
    let number = desk.one(desk.scene.source).0.number;
    let strange = desk.scene.hub.stranger_opens(&on.to_string(), &desk.scene.source.to_string());
    let newer = desk.person("y\n");
    let (_, _, review) = shown(&desk.propose(&request(newer, "two")).expect("a proposal"));
    assert_eq!(review.number, number);
    let theirs = desk.pulls().into_iter().find(|pull| pull.number == strange).expect("it is there");
    assert_eq!((&*theirs.title, &*theirs.body), ("", ""));
}

#[test]
fn github_merges_it_where_that_is_asked_for() {
    for (methods, merged, warned) in [
        (&["MERGE", "SQUASH"][..], Some(MergeMethod::Merge), None),
        (&["SQUASH"], Some(MergeMethod::Squash), Some("no recognised pin")),
        (&[], None, Some("no way to merge")),
    ] {
        let Some(mut desk) = Desk::new() else { return };
        desk.auto_merge = AutoMerge::Enable;
        desk.scene
            .hub
            .change(|settings| settings.merge_methods = methods.iter().map(|one| (*one).into()).collect());
        let proposal = desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
        assert_eq!(shown(&proposal).2.auto_merge, merged, "{methods:?}");
        assert_eq!(proposal.warnings.len(), usize::from(warned.is_some()), "{:?}", proposal.warnings);
        assert!(warned.is_none_or(|warned| proposal.warnings[0].contains(warned)), "{:?}", proposal.warnings);
        assert_eq!(desk.one(desk.scene.source).0.auto_merge.is_some(), merged.is_some());
    }
}

/// That GitHub will not is a warning: by its settings, because nothing is left to wait for, or in an answer that is lost.
#[test]
fn a_merge_that_github_will_not_wait_for_is_a_warning() {
    type Refusal = (fn(&Desk), &'static str);
    let refusals: [Refusal; 3] = [
        (|desk| desk.scene.hub.change(|settings| settings.auto_merge_allowed = false), "allow no auto-merge"),
        (|desk| desk.scene.hub.change(|settings| settings.protected_classic = false), "clean status"),
        (
            |desk| {
                once(&desk.scene.hub, "enablePullRequestAutoMerge", || Meddling::Before(Lost::Status(502)));
            },
            "502",
        ),
    ];
    for (refusal, says) in refusals {
        let Some(mut desk) = Desk::new() else { return };
        desk.auto_merge = AutoMerge::Enable;
        refusal(&desk);
        let proposal = desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
        assert!(
            proposal.warnings.len() == 1 && proposal.warnings[0].contains(says),
            "{:?}",
            proposal.warnings
        );
        desk.one(desk.scene.source);
    }
    let Some(mut desk) = Desk::new() else { return };
    desk.auto_merge = AutoMerge::Enable;
    once(&desk.scene.hub, "enablePullRequestAutoMerge", || Meddling::AfterServing(Lost::Status(502)));
    let proposal = desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    assert_eq!((shown(&proposal).2.auto_merge, proposal.warnings), (Some(MergeMethod::Merge), vec![]));
}

#[test]
fn the_guard_is_that_of_a_pin() {
    let Some(desk) = Desk::new() else { return };
    let newer = desk.person("y\n");
    match desk.propose(&request(desk.scene.source, "one")) {
        Err(PinError::HeadMoved { branch, expected, actual, how: Movement::Raced { .. } }) => {
            assert_eq!((branch, expected, actual), (main_branch(), desk.scene.source, Some(newer)));
        }
        other => panic!("{other:?}"),
    }
    assert!(desk.branches().is_empty() && desk.pulls().is_empty());
}

/// One branch for the same images in the same targets, on the same base; another for each other.
#[test]
fn each_target_has_a_branch_of_its_own() {
    let Some(desk) = Desk::new() else { return };
    desk.propose(&request(desk.scene.source, "one")).expect("a proposal");
    let other = crate::remote::request_in("deploy/stage/app.yaml", desk.scene.source, "one");
    let error = desk.propose(&other).expect_err("there is no such file");
    assert_eq!(error.kind(), OutcomeKind::NotFound, "{error}");
    let newer = desk
        .scene
        .repository
        .push(&main_branch(), &[("deploy/stage/app.yaml", FILE.1)], "a stage")
        .expect("a push");
    desk.propose(&crate::remote::request_in("deploy/stage/app.yaml", newer, "one")).expect("a proposal");
    assert_eq!((desk.branches().len(), desk.pulls().len()), (2, 2));
    let pulls = desk.pulls();
    assert_ne!(pulls[0].branch, pulls[1].branch);
}
