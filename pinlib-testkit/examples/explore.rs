//! Plays seeds, and says what came of it: counts, and the smallest story of the first broken promise.
//!
//! `cargo run --release -p pinlib-testkit --example explore -- --seeds 1000000`

use pinlib_testkit::{
    fault::Fault,
    memory::MemoryForge,
    sim::{Guard, Image, Job, Move, Plan, Seed, Swarm, Tally, explore, play},
};
use std::{
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

const USAGE: &str =
    "explore [--seeds N] [--seed N] [--fault NAME]… [--pairs] [--each] [--exhaustive] [--jobs N]

  --seeds N     plays the seeds 0 to N-1 (100000)
  --seed N      plays one seed and tells its story
  --fault NAME  only this fault, in every seed; may be repeated
  --each        each fault alone, N seeds each
  --pairs       each pair of faults, N seeds each
  --exhaustive  every schedule of two pins, and of three and a person up to two preemptions
  --jobs N      threads (one a core)
";

struct Options {
    seeds: Option<u64>,
    seed: Option<u64>,
    faults: Vec<Fault>,
    each: bool,
    pairs: bool,
    exhaustive: bool,
    jobs: usize,
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

fn options() -> Result<Option<Options>, Failed> {
    let jobs = thread::available_parallelism().map_or(1, usize::from);
    let mut options = Options {
        seeds: None,
        seed: None,
        faults: Vec::new(),
        each: false,
        pairs: false,
        exhaustive: false,
        jobs,
    };
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--seeds" => options.seeds = Some(value()?.parse()?),
            "--seed" => options.seed = Some(value()?.parse()?),
            "--fault" => options.faults.push(value()?.parse()?),
            "--jobs" => options.jobs = value()?.parse()?,
            "--each" => options.each = true,
            "--pairs" => options.pairs = true,
            "--exhaustive" => options.exhaustive = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("{other} is no option\n\n{USAGE}").into()),
        }
    }
    Ok(Some(options))
}

/// Says how far it is, on a terminal only, twice a second.
struct Progress {
    shown: Mutex<Instant>,
    terminal: bool,
}

impl Progress {
    fn new() -> Self {
        Self { shown: Mutex::new(Instant::now()), terminal: io::stderr().is_terminal() }
    }
    fn say(&self, done: u64, of: u64) {
        let Ok(mut shown) = self.shown.try_lock() else { return };
        if self.terminal && shown.elapsed() > Duration::from_millis(500) {
            *shown = Instant::now();
            write!(io::stderr(), "\r{done} of {of} ").ok();
        }
    }
    fn clear(&self) {
        if self.terminal {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
    }
}

fn report(out: &mut impl Write, tally: &Tally, took: Duration) -> io::Result<()> {
    let minute = 60.0 / took.as_secs_f64().max(1e-9);
    #[expect(clippy::cast_precision_loss, reason = "a count for people")]
    let pace = tally.schedules as f64 * minute;
    writeln!(out, "{} schedules in {:.1} s: {pace:.0} a minute", tally.schedules, took.as_secs_f64())?;
    for (kind, count) in tally.outcomes().filter(|(_, count)| *count > 0) {
        writeln!(out, "  {:<16} {count:>10}", format!("{kind:?}"))?;
    }
    if tally.crashed > 0 {
        writeln!(out, "  {:<16} {:>10}", "(crashed)", tally.crashed)?;
    }
    for (fault, count) in tally.faults().filter(|(_, count)| *count > 0) {
        writeln!(out, "  fault {:>2} {fault:<16} {count:>10}", fault.number())?;
    }
    writeln!(out, "  violations       {:>10}", 0)
}

/// Plays seeds; false where a promise broke.
fn sweep(
    out: &mut impl Write,
    swarm: &Swarm,
    seeds: u64,
    jobs: usize,
    total: &mut Tally,
) -> Result<bool, Failed> {
    let progress = Progress::new();
    let done = swarm.sweep::<MemoryForge>(0..seeds, jobs, &|done| progress.say(done, seeds));
    progress.clear();
    match done {
        Ok(tally) => {
            total.merge(&tally);
            Ok(true)
        }
        Err(failure) => {
            write!(out, "{failure}again: explore --seed {}", failure.seed)?;
            for fault in &swarm.faults {
                write!(out, " --fault {fault}")?;
            }
            writeln!(out)?;
            Ok(false)
        }
    }
}

/// One seed, with its story.
fn replay(out: &mut impl Write, swarm: &Swarm, seed: Seed) -> Result<bool, Failed> {
    write!(out, "seed {seed}\n{}", swarm.plan(seed))?;
    let played = swarm.play::<MemoryForge>(seed, true)?;
    for (step, line) in played.trace.iter().enumerate() {
        writeln!(out, "{:>4}  {line}", step + 1)?;
    }
    for (index, end) in played.ends.iter().enumerate() {
        match end {
            Some(kind) => writeln!(out, "pin {index}: {kind:?}")?,
            None => writeln!(out, "pin {index}: crashed")?,
        }
    }
    match swarm.check::<MemoryForge>(seed) {
        Ok(_) => writeln!(out, "every promise held")?,
        Err(failure) => write!(out, "\n{failure}")?,
    }
    Ok(played.verdict.is_ok())
}

/// Every schedule of one plan.
fn exhaust(out: &mut impl Write, name: &str, plan: &Plan) -> Result<bool, Failed> {
    let (started, mut total) = (Instant::now(), Tally::default());
    let done = explore(|tape| {
        let played = play::<MemoryForge>(plan, tape, false).map_err(|error| error.to_string())?;
        total.add(&played);
        played.verdict.map(drop).map_err(|violation| violation.to_string())
    });
    match done {
        Ok(runs) => {
            writeln!(out, "{name}: all {runs} schedules in {:.1} s", started.elapsed().as_secs_f64())?;
            Ok(true)
        }
        Err(example) => {
            writeln!(out, "{name}: {example}\n{plan}")?;
            Ok(false)
        }
    }
}

fn exhaustive(out: &mut impl Write) -> Result<bool, Failed> {
    let mut held = true;
    for (guard, wait) in [
        (Guard::Exact, false),
        (Guard::PinsOnly, false),
        (Guard::PinsOnly, true),
        (Guard::Inputs, false),
        (Guard::Inputs, true),
    ] {
        let job = |image| Job { wait, ..Job::of(image, guard) };
        let name = if wait { format!("{guard:?} that waits") } else { format!("{guard:?}") };
        for second in [Image::Web, Image::Api] {
            let jobs = vec![job(Image::Web), job(second)];
            let name = format!("two pins, {name}, web and {}", second.name());
            held &= exhaust(out, &name, &Plan::quiet(jobs, Vec::new()))?;
        }
        for act in
            [Move::Docs, Move::Src, Move::TakeBack(Image::Web), Move::ForceBack, Move::Delete, Move::Protect]
        {
            let jobs = Image::ALL.map(job).into();
            let plan = Plan { preemptions: Some(2), ..Plan::quiet(jobs, vec![act]) };
            let name = format!("three pins, {name}, somebody {act}, two preemptions");
            held &= exhaust(out, &name, &plan)?;
        }
    }
    Ok(held)
}

fn explored(options: &Options) -> Result<bool, Failed> {
    let mut out = io::stdout().lock();
    if let Some(seed) = options.seed {
        return replay(&mut out, &Swarm { faults: options.faults.clone() }, Seed(seed));
    }
    if options.exhaustive {
        return exhaustive(&mut out);
    }
    let mut swarms = Vec::new();
    for (at, fault) in Fault::ALL.into_iter().enumerate() {
        if options.each {
            swarms.push(Swarm { faults: vec![fault] });
        }
        if options.pairs {
            swarms.extend(Fault::ALL[at + 1..].iter().map(|other| Swarm { faults: vec![fault, *other] }));
        }
    }
    let seeds = options.seeds.unwrap_or(if swarms.is_empty() { 100_000 } else { 1000 });
    if swarms.is_empty() {
        swarms.push(Swarm { faults: options.faults.clone() });
    }
    let (started, mut total) = (Instant::now(), Tally::default());
    for swarm in &swarms {
        if !sweep(&mut out, swarm, seeds, options.jobs, &mut total)? {
            return Ok(false);
        }
    }
    writeln!(out, "{} swarms of {seeds} seeds", swarms.len())?;
    report(&mut out, &total, started.elapsed())?;
    for (number, place) in Fault::ELSEWHERE {
        writeln!(out, "  fault {number:>2} is played elsewhere: {place}")?;
    }
    Ok(true)
}

fn main() -> Result<ExitCode, Failed> {
    let Some(options) = options()? else {
        write!(io::stdout(), "{USAGE}")?;
        return Ok(ExitCode::SUCCESS);
    };
    Ok(if explored(&options)? { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
