//! Every schedule of two pins, many of three, seeds with each fault and each pair of faults; and that forges which are
//! wrong on purpose are caught, by name.

use pinlib::OutcomeKind;
use pinlib_testkit::{
    broken::{Broken, CheckThenPush, ContentsApi, FastForward, Hasty, Retrying},
    fault::Fault,
    memory::MemoryForge,
    sim::{
        Errand, Failure, Guard, Image, Job, Move, Plan, Promise, Seed, Server, Swarm, Tally, Tape, explore,
        play,
    },
};
use std::{fs, io::Write, path::Path, sync::Arc};

/// Says what was counted, where the test is asked to talk.
fn say(what: std::fmt::Arguments<'_>) {
    writeln!(std::io::stderr(), "{what}").ok();
}

/// So many seeds, or so many times more or less: `PINLIB_SEEDS` is a percentage.
fn seeds(usual: u64) -> u64 {
    let percent = std::env::var("PINLIB_SEEDS").ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(100);
    (usual * percent / 100).max(1)
}

fn sweep(swarm: &Swarm, seeds: u64) -> Tally {
    swarm.sweep::<MemoryForge>(0..seeds, 2, &|_| {}).unwrap_or_else(|failure| panic!("{failure}"))
}

fn all_schedules(name: &str, plan: &Plan) -> usize {
    let judged = |tape: &Arc<Tape>| {
        let played = play::<MemoryForge>(plan, tape, false).map_err(|error| error.to_string())?;
        played.verdict.map(drop).map_err(|violation| violation.to_string())
    };
    let runs = explore(judged).unwrap_or_else(|example| panic!("{name}: {example}\n{plan}"));
    say(format_args!("{name}: all {runs} schedules"));
    runs
}

#[test]
fn two_pins_in_every_schedule() {
    for guard in Guard::ALL {
        for second in [Image::Web, Image::Api] {
            let plan = Plan::quiet(vec![Job::of(Image::Web, guard), Job::of(second, guard)], Vec::new());
            all_schedules(&format!("two pins, {guard:?}, web and {}", second.name()), &plan);
        }
    }
}

/// Back, released, promoted, each against another: every schedule. Each errand of a plan lands in one of them at least.
#[test]
fn the_other_orders_in_every_schedule() {
    let guard = Guard::Inputs;
    let web = Job::of(Image::Web, guard);
    let newer = Job { newer: true, after: Some(0), ..web };
    let then = |errand, after| Job { errand, after: Some(after), ..web };
    let beside = |errand, image, after| Job { image, ..then(errand, after) };
    for (name, jobs) in [
        ("rollback and pin", vec![web, newer, then(Errand::Rollback, 1), beside(Errand::Pin, Image::Api, 1)]),
        ("two rollbacks", vec![web, newer, then(Errand::Rollback, 1), then(Errand::Rollback, 1)]),
        ("rollback and newer", vec![web, newer, then(Errand::Rollback, 1), Job { rebuilt: true, ..newer }]),
        (
            "release and pin",
            vec![
                web,
                newer,
                then(Errand::Rollback, 1),
                then(Errand::Release, 2),
                beside(Errand::Pin, Image::Job, 2),
            ],
        ),
        (
            "promotion and pin",
            vec![web, then(Errand::Promote, 0), Job { newer: true, ..then(Errand::Pin, 0) }],
        ),
        (
            "two promotions",
            vec![
                web,
                Job { beside: Some(Image::Api), ..then(Errand::Pin, 0) },
                then(Errand::Promote, 1),
                beside(Errand::Promote, Image::Api, 1),
            ],
        ),
        ("promotion and rollback", vec![web, newer, then(Errand::Promote, 1), then(Errand::Rollback, 1)]),
    ] {
        for moves in [Vec::new(), vec![Move::Docs], vec![Move::Hotfix(Image::Web)]] {
            let plan = Plan { preemptions: Some(2), ..Plan::quiet(jobs.clone(), moves) };
            let mut landed = vec![0; jobs.len()];
            let judged = |tape: &Arc<Tape>| {
                let played = play::<MemoryForge>(&plan, tape, false).map_err(|error| error.to_string())?;
                let pinned = |end: &Option<OutcomeKind>| usize::from(*end == Some(OutcomeKind::Pinned));
                landed.iter_mut().zip(&played.ends).for_each(|(count, end)| *count += pinned(end));
                played.verdict.map(drop).map_err(|violation| violation.to_string())
            };
            let runs = explore(judged).unwrap_or_else(|example| panic!("{name}: {example}\n{plan}"));
            say(format_args!("{name}: {runs} schedules, pinned {landed:?}"));
            let newest = jobs.iter().zip(&landed).filter(|(job, _)| job.errand != Errand::Pin);
            assert!(newest.clone().all(|(_, count)| *count > 0), "{name}: {landed:?}\n{plan}");
        }
    }
}

/// Among pins alone, who waits lands: in every schedule, up to the bound of the next test.
#[test]
fn three_pins_that_wait_all_land() {
    for guard in [Guard::PinsOnly, Guard::Inputs] {
        let jobs = Image::ALL.map(|image| Job { wait: true, ..Job::of(image, guard) }).into();
        let plan = Plan { preemptions: Some(2), ..Plan::quiet(jobs, Vec::new()) };
        let landed = |tape: &Arc<Tape>| {
            let played = play::<MemoryForge>(&plan, tape, false).map_err(|error| error.to_string())?;
            match played.verdict {
                Ok(3) => Ok(()),
                other => Err(format!("{other:?}: {:?}", played.ends)),
            }
        };
        let runs = explore(landed).unwrap_or_else(|example| panic!("{guard:?}: {example}\n{plan}"));
        say(format_args!("three pins that wait, {guard:?}: {runs} schedules"));
    }
}

/// The bound: a pin that could go on is left at most once, for another pin or for somebody. Without a person, and under
/// `exact`, all schedules.
#[test]
fn three_pins_and_somebody_up_to_a_bound() {
    for guard in Guard::ALL {
        let jobs: Vec<_> = Image::ALL.map(|image| Job::of(image, guard)).into();
        for act in
            [Move::Docs, Move::Src, Move::TakeBack(Image::Web), Move::ForceBack, Move::Delete, Move::Protect]
        {
            let preemptions = if guard == Guard::Exact { None } else { Some(1) };
            let plan = Plan { preemptions, ..Plan::quiet(jobs.clone(), vec![act]) };
            all_schedules(&format!("three pins, {guard:?}, somebody {act}"), &plan);
        }
    }
}

#[test]
fn a_swarm_of_all_faults() {
    let tally = sweep(&Swarm::default(), seeds(4000));
    say(format_args!("{tally:?}"));
    let silent: Vec<_> = tally.faults().filter(|(_, count)| *count == 0).map(|(fault, _)| fault).collect();
    assert!(seeds(4000) < 4000 || silent.is_empty(), "never came: {silent:?}");
}

#[test]
fn each_fault_in_turn() {
    for fault in Fault::ALL {
        let tally = sweep(&Swarm { faults: vec![fault] }, seeds(60));
        assert!(tally.struck(fault) > 0 || seeds(60) < 60, "{fault} never came");
    }
}

#[test]
fn each_pair_of_faults() {
    let mut total = Tally::default();
    for (at, fault) in Fault::ALL.into_iter().enumerate() {
        for other in &Fault::ALL[at + 1..] {
            total.merge(&sweep(&Swarm { faults: vec![fault, *other] }, seeds(8)));
        }
    }
    say(format_args!("pairs: {} schedules", total.schedules));
}

/// The first seed that catches this forge.
fn caught<S: Server>(within: u64) -> Box<Failure> {
    let swarm = Swarm::default();
    let found = (0..within).find_map(|seed| swarm.check::<S>(Seed(seed)).err());
    found.unwrap_or_else(|| panic!("{} was not caught by {within} seeds", S::default()))
}

#[test]
fn a_wrong_forge_is_caught_by_name() {
    for (failure, promises) in [
        (caught::<Broken<CheckThenPush>>(500), &[Promise::Guard][..]),
        (caught::<Broken<FastForward>>(500), &[Promise::Guard]),
        (caught::<Broken<ContentsApi>>(500), &[Promise::Guard]),
        (caught::<Broken<Retrying>>(2000), &[Promise::Truth]),
        (caught::<Broken<Hasty>>(500), &[Promise::Truth]),
    ] {
        say(format_args!("{failure}"));
        assert!(promises.contains(&failure.violation.promise), "{failure}");
        assert_eq!(failure.shrunk.violation.promise, failure.violation.promise);
        assert!(!failure.trace.is_empty());
    }
}

#[test]
fn a_seed_is_a_seed_everywhere() {
    let swarm = Swarm::default();
    for seed in 0..20 {
        let story = || swarm.play::<MemoryForge>(Seed(seed), true).expect("requests").trace;
        assert_eq!(story(), story());
    }
    let mut dice = pinlib_testkit::sim::Dice::from(Seed(0));
    let rolled: Vec<_> = (0..6).map(|_| dice.below(1000)).collect();
    assert_eq!(rolled, [883, 431, 26, 970, 106, 327]);
}

/// The page on faults names each of them, where it is played, and tests that there are.
#[test]
fn each_fault_is_in_the_book() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let read =
        |path: &str| fs::read_to_string(root.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let page = read("docs/faults.md");
    let rows: Vec<Vec<_>> =
        page.lines().filter(|line| line.starts_with("| ")).map(|line| line.split(" | ").collect()).collect();
    let row = |number: u8| {
        let row = rows.iter().find(|row| row[0] == format!("| {number}"));
        row.unwrap_or_else(|| panic!("fault {number} has no row"))
    };
    for fault in Fault::ALL {
        assert!(row(fault.number())[3].contains(&format!("`{fault}`")), "{fault}");
    }
    let played = |number| Fault::ALL.iter().any(|fault| fault.number() == number);
    let elsewhere = |number| Fault::ELSEWHERE.iter().any(|(other, _)| *other == number);
    for number in 1..=27 {
        assert!(played(number) != elsewhere(number), "fault {number} is played here or elsewhere");
        let tests: Vec<_> = row(number)[4].split('`').filter(|word| word.contains("::")).collect();
        assert!(!tests.is_empty(), "fault {number} has no test");
        for test in tests {
            let (module, name) = test.split_once("::").unwrap_or_default();
            let there = ["pinlib", "pinlib-testkit", "pinlib-cli"].iter().any(|package| {
                let file = root.join(format!("{package}/tests/it/{module}.rs"));
                fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("fn {name}(")))
            });
            assert!(there, "fault {number} names {test}");
        }
    }
}
