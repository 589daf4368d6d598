//! A branch that people merge to at random while images are built: how many builds get pinned, how soon, and how many pins
//! are wrong, by the policies of the real algorithm and by what most scripts do, `git pull --rebase` and push again.
//!
//! `cargo run --release -p pinlib-testkit --example busy_branch -- --svg docs/busy-branch.svg`

mod agenda;
mod plot;
mod world;

use std::{
    env,
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    sync::{Mutex, PoisonError},
    thread,
};
use world::{Method, Played, play};

const USAGE: &str = "busy_branch [--seeds N] [--builds N] [--svg FILE]

  --seeds N    branches a rate, each played by every method (20)
  --builds N   builds a branch (100)
  --svg FILE   draws the figures as well
";

/// Merges while one image is built.
const RATES: [f64; 8] = [0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0];

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// A share or a time, over all seeds that have one; not a number where none has.
#[derive(Clone, Copy)]
struct Figure {
    mean: f64,
    /// Two standard errors: the mean is within them, nineteen times of twenty.
    within: f64,
}

impl Figure {
    #[expect(clippy::cast_precision_loss, reason = "there are a few seeds")]
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let values: Vec<_> = values.collect();
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let spread: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, within: 2.0 * (spread / (count - 1.0).max(1.0) / count).sqrt() }
    }
}

/// What one method came to at one rate.
struct Row {
    rate: f64,
    method: Method,
    /// Of all builds, pinned.
    pinned: Figure,
    /// Of the builds whose inputs nobody had changed when they ended, pinned.
    current: Figure,
    /// Of the pins, of an image that is built from other inputs than stand there.
    wrong: Figure,
    /// Seconds from the end of a build to its pin: the middle, and what one of twenty exceeds.
    median: Figure,
    late: Figure,
    /// Decisions a pin.
    decisions: Figure,
}

impl Row {
    fn of(rate: f64, method: Method, all: &[Played]) -> Self {
        let figure = |value: fn(&Played) -> Option<f64>| Figure::of(all.iter().filter_map(value));
        Self {
            rate,
            method,
            pinned: figure(|played| share(played.pinned, played.builds)),
            current: figure(|played| share(played.current_pinned, played.current)),
            wrong: figure(|played| share(played.wrong, played.pinned)),
            median: figure(|played| quantile(&played.seconds, 50)),
            late: figure(|played| quantile(&played.seconds, 95)),
            decisions: figure(|played| share(played.decisions, played.pinned)),
        }
    }
}

/// None of nothing.
#[expect(clippy::cast_precision_loss, reason = "there are a few builds")]
fn share(part: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

fn quantile(values: &[f64], percent: usize) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get(last * percent / 100).copied()
}

/// Plays every branch by every method, on two threads.
fn rows(seeds: u64, builds: usize) -> Result<Vec<Row>, Failed> {
    let games: Vec<_> = RATES.into_iter().flat_map(|rate| Method::ALL.map(|method| (rate, method))).collect();
    let (next, done) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || -> Result<(), Failed> {
        while let Some((rate, method)) = games.get(next.fetch_add(1, Relaxed)) {
            let all: Vec<_> =
                (0..seeds).map(|seed| play(*rate, *method, seed, builds)).collect::<Result<_, _>>()?;
            let row = Row::of(*rate, *method, &all);
            done.lock().unwrap_or_else(PoisonError::into_inner).push(row);
        }
        Ok(())
    };
    thread::scope(|scope| {
        let other = scope.spawn(work);
        work()?;
        other.join().unwrap_or_else(|_| Err("a thread ended early".into()))
    })?;
    let mut rows = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    rows.sort_by(|one, other| one.rate.total_cmp(&other.rate).then(one.method.cmp(&other.method)));
    Ok(rows)
}

fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "merges_per_build,method,pinned,pinned_within,current_pinned,current_pinned_within,wrong,wrong_within,\
         median_seconds,late_seconds,decisions\n",
    );
    for row in rows {
        let Row { rate, method, pinned, current, wrong, median, late, decisions } = row;
        writeln!(
            text,
            "{rate},{method},{:.3},{:.3},{:.3},{:.3},{:.3},{:.3},{:.1},{:.1},{:.2}",
            pinned.mean,
            pinned.within,
            current.mean,
            current.within,
            wrong.mean,
            wrong.within,
            median.mean,
            late.mean,
            decisions.mean
        )
        .ok();
    }
    text
}

fn main() -> Result<(), Failed> {
    let (mut seeds, mut builds, mut svg) = (20, 100, None);
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} wants a value"));
        match word.as_str() {
            "--seeds" => seeds = value()?.parse()?,
            "--builds" => builds = value()?.parse()?,
            "--svg" => svg = Some(value()?),
            _ => return Err(USAGE.into()),
        }
    }
    let rows = rows(seeds, builds)?;
    io::stdout().write_all(table(&rows).as_bytes())?;
    if let Some(file) = svg {
        fs::write(file, plot::drawn(&rows))?;
    }
    Ok(())
}
