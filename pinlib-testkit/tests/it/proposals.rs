//! Proposals of one target side by side, with people about, in orders of the seed's choice.

use crate::scene::{Job, Scene, options, path};
use pinlib::{
    AutoMerge, BranchName, NoRegistry, Oid, Patience, PinError, Policy, Proposal, Proposed, Proposer, Record,
    ReviewForge as _, ReviewState, Superseder,
};
use pinlib_testkit::{
    memory::{MemoryClock, MemoryForge, bot, human},
    sim::{End, Seed, Tape, Task, race, run},
};
use std::{sync::Arc, time::Duration};

type Ended = Result<Proposal, PinError>;

fn proposer(scene: &Scene) -> Proposer {
    Proposer {
        registry: Arc::new(NoRegistry),
        forge: Arc::<MemoryForge>::clone(&scene.memory),
        clock: Arc::new(MemoryClock::default()),
        patience: Patience { tries: 4, pause: Duration::from_secs(1), ..Patience::default() },
        auto_merge: AutoMerge::Leave,
    }
}

fn task(scene: &Scene, job: &Job) -> Task<'static, Ended> {
    let (proposer, job) = (proposer(scene), job.clone());
    Box::pin(async move { proposer.propose(&job.request, job.run).await })
}

/// One build of the target a commit; the policy passes over what is no input.
fn build(scene: &Scene, source: Oid, content: &str) -> Job {
    scene.job(source, "web", content, options(Policy::Inputs(vec![path("lib")])))
}

/// The branch that every proposal of the target comes from.
fn own() -> BranchName {
    let scene = Scene::quiet();
    let proposal = run(task(&scene, &build(&scene, scene.source, "any"))).expect("nothing is in the way");
    match proposal.done {
        Proposed::Review { on, .. } => on,
        other => panic!("{other:?}"),
    }
}

/// Every pin that a branch ever stood at, in order, by source.
fn sources(scene: &Scene, branch: &BranchName) -> Vec<Oid> {
    let facts = scene.memory.heads(branch).into_iter().flatten().filter_map(|oid| scene.memory.fact(oid));
    let pins = facts.filter(|fact| fact.author == bot().author);
    pins.filter_map(|fact| Some(Record::parse(&fact.message)?.claim.source())).collect()
}

/// Plays seeds of a scenario, and names the one that fails.
fn played(seeds: u64, mut scenario: impl FnMut(&Tape) -> Result<(), String>) {
    for seed in 0..seeds {
        scenario(&Tape::random(Seed(seed))).unwrap_or_else(|broken| panic!("seed {seed}: {broken}"));
    }
}

fn want(holds: bool, promise: &str, found: impl std::fmt::Debug) -> Result<(), String> {
    if holds { Ok(()) } else { Err(format!("{promise}: {found:?}")) }
}

/// What no order of anything breaks.
fn check(scene: &Scene, own: &BranchName, ends: &[End<Ended>]) -> Result<(), String> {
    let mut pinned = scene.memory.heads(&scene.branch).into_iter().flatten();
    let ours = pinned.find(|oid| scene.memory.fact(*oid).is_some_and(|fact| fact.author == bot().author));
    want(ours.is_none(), "the branch itself is not written to", ours)?;
    for end in ends {
        let End::Done(Ok(Proposal { done: Proposed::Review { on, commit, parent, review, .. }, .. })) = end
        else {
            continue;
        };
        let stood = scene.memory.heads(own).contains(&Some(*commit));
        want(on == own && stood, "what is told as proposed stood on the proposal's branch", end)?;
        let built = scene.memory.heads(&scene.branch).contains(&Some(*parent));
        want(
            built && review.state == ReviewState::Open,
            "on a head of the branch, in an open pull request",
            end,
        )?;
    }
    Ok(())
}

#[test]
fn of_an_older_and_a_newer_build_the_newer_is_proposed() {
    let own = own();
    let (mut proposed, mut given_way, mut replaced) = (0, 0, 0);
    played(1_000, |tape| {
        let scene = Scene::quiet();
        let newer = scene.push("src", "2");
        let jobs =
            [build(&scene, scene.source, "one"), build(&scene, newer, "two"), build(&scene, newer, "two")];
        let mut pushes = 1;
        let ends = race(tape, jobs.iter().map(|job| task(&scene, job)).collect(), 0, |act| {
            if act.is_some() {
                scene.push("elsewhere", "x");
                pushes -= 1;
            }
            pushes
        });
        check(&scene, &own, &ends)?;
        let stood = sources(&scene, &own);
        let back = stood.iter().skip_while(|source| **source != newer).find(|source| **source != newer);
        want(back.is_none(), "a newer proposal is not replaced by an older one", &stood)?;
        given_way +=
            usize::from(matches!(ends[0], End::Done(Err(PinError::Superseded(Superseder::NewerPin { .. })))));
        replaced += usize::from(stood.first() == Some(&scene.source));
        // Of a newer run that lost every race nothing is promised but that it says so.
        if ends[1..].iter().any(|end| matches!(end, End::Done(Ok(_)))) {
            want(stood.last() == Some(&newer), "a newer one that was proposed stands in the end", &ends)?;
            let review = run(scene.memory.review(&own, &scene.branch)).map_err(|error| error.to_string())?;
            let said = review.is_some_and(|review| review.text.body.contains(&newer.to_string()));
            want(said, "and the pull request says so", &ends)?;
            proposed += 1;
        }
        let next = format!("{own}.next").parse().map_err(|error| format!("{error}"))?;
        let left = scene.memory.heads(&next).last().copied().flatten();
        want(left.is_none(), "nothing is left behind", left)
    });
    let played = (proposed, given_way, replaced);
    assert!(proposed > 900 && given_way > 50 && replaced > 50, "each way round was played: {played:?}");
}

#[test]
fn a_person_s_commit_on_the_proposal_is_never_overwritten() {
    let own = own();
    let mut stopped = 0;
    played(1_000, |tape| {
        let scene = Scene::quiet();
        let newer = scene.push("src", "2");
        let jobs = [build(&scene, scene.source, "one"), build(&scene, newer, "two")];
        let mut person = None;
        let ends = race(tape, jobs.iter().map(|job| task(&scene, job)).collect(), 1, |act| {
            if act.is_some() {
                let parent = scene.memory.heads(&own).last().copied().flatten().unwrap_or(scene.root);
                let oid = scene.memory.write(&[parent], &human(), &[(path("note"), "mine")], "by hand");
                scene.memory.force(&own, Some(oid));
                person = Some(oid);
            }
            usize::from(person.is_none())
        });
        check(&scene, &own, &ends)?;
        let last = scene.memory.heads(&own).last().copied().flatten();
        stopped +=
            ends.iter().filter(|end| matches!(end, End::Done(Err(PinError::HeadMoved { .. })))).count();
        want(last == person, "it is where it was put", (person, last, &ends))
    });
    assert!(stopped > 50, "runs met it: {stopped}");
}

#[test]
fn what_a_run_that_died_left_the_same_again_finishes() {
    let own = own();
    let mut died = 0;
    played(1_000, |tape| {
        let scene = Scene::quiet();
        let job = build(&scene, scene.source, "one");
        let ends = race(tape, vec![task(&scene, &job)], 1, |_| 0);
        died += usize::from(matches!(ends[..], [End::Dropped]));
        let again = run(task(&scene, &Job { run: pinlib::RunId::from([77; 16]), ..job }));
        let heads: Vec<_> = scene.memory.heads(&own).into_iter().flatten().collect();
        let one = heads.iter().collect::<std::collections::BTreeSet<_>>().len() == 1;
        want(again.is_ok() && one, "one commit, in one pull request", (&again, &heads))?;
        check(&scene, &own, &[End::Done(again)])
    });
    assert!(died > 50, "runs died: {died}");
}
