//! What comes out: a report, told to people, to programs (`--json`) and to GitHub Actions, from one model (`v1`).
//!
//! stdout is data, stderr is the story.

pub(crate) mod clean;
mod doctor;
mod evidence;
pub(crate) mod github_actions;
mod history;
mod human;
pub(crate) mod of_cluster;
pub(crate) mod of_history;
pub(crate) mod of_library;
mod requests;
pub(crate) mod running;
mod summary;
pub(crate) mod v1;

pub(crate) use requests::listen;

use crate::{
    args::{Display, Progress, moment::Moment},
    exit::Ending,
    failure::Failure,
};
use anstream::AutoStream;
use clap::ColorChoice;
use pinlib::{Clock as _, OutcomeKind, PinError, SystemClock};
use std::{
    io::{self, IsTerminal as _, Write},
    time::{Duration, Instant},
};
use v1::{Outcome, Report, Traffic};

/// A wait shorter than this shows nothing.
const PATIENCE: Duration = Duration::from_millis(700);

/// The two streams, and how much goes there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Screen {
    display: Display,
    color: anstream::ColorChoice,
}

impl Screen {
    pub(crate) fn new(display: Display) -> Self {
        let color = match display.color {
            ColorChoice::Auto => anstream::ColorChoice::Auto,
            ColorChoice::Always => anstream::ColorChoice::Always,
            ColorChoice::Never => anstream::ColorChoice::Never,
        };
        Self { display, color }
    }

    /// Where a value came from (`-v`).
    pub(crate) fn choice(self, what: &str, value: &str, from: &str) {
        self.detail(&format!("{what:<15} {value}  from {from}"));
    }
    /// A line for whoever asks for details (`-v`).
    pub(crate) fn detail(self, text: &str) {
        if self.display.verbose > 0 {
            self.tell(&human::dim(&clean::line(text)));
        }
    }
    /// Tells a piece of the story, a line break behind it.
    pub(crate) fn tell(self, styled: &str) {
        if !self.display.quiet {
            self.stderr(styled);
        }
    }
    /// The demo: a command as it is typed.
    pub(crate) fn command(self, line: &str) {
        self.tell(&human::command(&clean::line(line)));
    }
    /// The demo: what a command of others printed.
    pub(crate) fn quote(self, text: &str) {
        self.tell(&human::colored(&clean::lines(text)));
    }
    /// The demo: a word about what was just seen.
    pub(crate) fn remark(self, text: &str) {
        self.tell(&human::dim(text));
    }
    /// A step of the story that no report has.
    pub(crate) fn step(self, word: &str, text: &str) {
        self.tell(&human::step(word, &clean::line(text)));
    }
    /// A step of something that goes on, on a line of its own where the wait is shown.
    pub(crate) fn change(self, word: &str, text: &str) {
        if !self.display.quiet && io::stderr().is_terminal() {
            write!(io::stderr(), "\r\x1b[K").ok();
        }
        self.step(word, text);
    }
    fn stderr(self, styled: &str) {
        // With nobody left to read it, the story is not worth a failure.
        writeln!(AutoStream::new(io::stderr().lock(), self.color), "{styled}").ok();
    }

    /// Tells the report as people read it, its data on stdout. Says no if stdout could not be written.
    pub(crate) fn show(self, report: &Report) -> bool {
        let story = human::story(report, self.display.verbose > 0);
        if !story.is_empty() {
            self.tell(&story);
        }
        self.complain(report);
        let data = if self.display.json { json(report) } else { human::data(report) };
        self.stdout(&data)
    }
    /// The same, all of it as story: the demo's own commands.
    pub(crate) fn show_within(self, report: &Report) {
        let data = human::colored(&clean::lines(human::data(report).trim_end()));
        let error = report.error.as_ref().map(human::error).unwrap_or_default();
        for text in [human::story(report, false), error, data] {
            if !text.is_empty() {
                self.tell(&text);
            }
        }
    }
    fn complain(self, report: &Report) {
        if let Some(error) = &report.error {
            self.stderr(&human::error(error));
        }
    }

    /// Data goes out as it is, unless a terminal would obey it.
    fn stdout(self, data: &str) -> bool {
        let mut stdout = io::stdout().lock();
        let written = if stdout.is_terminal() && !self.display.json {
            let text = human::colored(&clean::lines(data));
            AutoStream::new(stdout, self.color).write_all(text.as_bytes())
        } else {
            stdout.write_all(data.as_bytes()).and_then(|()| stdout.flush())
        };
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.stderr(&format!("error: cannot write the answer to stdout: {error}"));
                false
            }
            // Whoever closed the pipe has read enough.
            _ => true,
        }
    }

    /// Waits for work, and where that takes a while shows on a terminal that it goes on.
    pub(crate) async fn while_waiting<T>(self, work: impl Future<Output = T>) -> T {
        if self.display.quiet || self.display.verbose > 0 || !io::stderr().is_terminal() {
            return work.await;
        }
        let (start, mut shown) = (Instant::now(), false);
        let mut tick = tokio::time::interval(PATIENCE);
        tick.tick().await;
        let mut work = std::pin::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => {
                    if shown {
                        write!(io::stderr(), "\r\x1b[K").ok();
                    }
                    return done;
                }
                _ = tick.tick() => {
                    write!(io::stderr(), "\r\x1b[KWaiting   {} s", start.elapsed().as_secs()).ok();
                    shown = true;
                }
            }
        }
    }
}

/// Makes the report of what a command came to.
pub(crate) fn report(
    command: &'static str,
    ended: Result<Ending, Failure>,
    progress: Progress,
    time: Duration,
) -> Report {
    let (ending, error) = match ended {
        Ok(ending) => (ending, None),
        Err(failure) => (failure.ending(), Some(error(&failure))),
    };
    let meter = progress.meter.as_ref();
    Report {
        version: 1,
        outcome: outcome(ending),
        exit_code: ending.code(),
        command,
        traffic: meter.map(traffic).unwrap_or_default(),
        ended: Moment::from(SystemClock.now()).to_string(),
        // Finer than a millisecond is noise.
        seconds: (time.as_secs_f64() * 1000.0).round() / 1000.0,
        error,
        body: progress.body,
    }
}

fn traffic(meter: &pinlib::Meter) -> Traffic {
    let hosts = meter.hosts().into_iter().map(|(host, one)| (host, one.into())).collect();
    Traffic { total: meter.total().into(), hosts }
}

/// A failure as data.
pub(crate) fn error(failure: &Failure) -> v1::Error {
    let edit = match failure {
        Failure::Pin(PinError::Edit(edit)) => Some(edit),
        _ => None,
    };
    let place = edit.filter(|edit| edit.line > 0);
    v1::Error {
        kind: outcome(failure.ending()),
        message: clean::line(&failure.to_string()),
        hint: failure.hint().map(|hint| clean::line(&hint)),
        path: edit.map(|edit| edit.path.to_string()),
        line: place.map(|edit| edit.line),
        column: place.map(|edit| edit.column),
    }
}

fn outcome(ending: Ending) -> Outcome {
    match ending {
        Ending::Pin(kind) => match kind {
            OutcomeKind::Pinned => Outcome::Pinned,
            OutcomeKind::AlreadyPinned => Outcome::AlreadyPinned,
            OutcomeKind::Proposed => Outcome::Proposed,
            OutcomeKind::Superseded => Outcome::Superseded,
            OutcomeKind::HeadMoved => Outcome::HeadMoved,
            OutcomeKind::Rejected => Outcome::Rejected,
            OutcomeKind::Mismatch => Outcome::Mismatch,
            OutcomeKind::NotFound => Outcome::NotFound,
            OutcomeKind::Invalid => Outcome::Invalid,
            OutcomeKind::Unauthorized => Outcome::Unauthorized,
            OutcomeKind::Unavailable => Outcome::Unavailable,
            OutcomeKind::Unknown => Outcome::Unknown,
        },
        Ending::Due { .. } => Outcome::ChangesDue,
        Ending::Clean => Outcome::NothingDue,
        Ending::Answered => Outcome::Answered,
        Ending::Blocked => Outcome::Blocked,
        Ending::Defect => Outcome::Defect,
    }
}

/// The report as one line of JSON.
pub(crate) fn json(report: &Report) -> String {
    // Strings, numbers and lists: there is nothing that JSON could not hold. GitHub's runner obeys `##[` in a log.
    serde_json::to_string(report).map(|text| text.replace("##[", "##\\u005b") + "\n").unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Ending, OutcomeKind, outcome};
    use OutcomeKind::{
        AlreadyPinned, HeadMoved, Invalid, Mismatch, NotFound, Pinned, Proposed, Rejected, Superseded,
        Unauthorized, Unavailable, Unknown,
    };

    #[test]
    fn the_book_s_table_has_each_outcome_at_its_code() {
        let page = include_str!("../../../docs/reference/exit-codes.md");
        let kinds = [
            Pinned,
            AlreadyPinned,
            Proposed,
            Superseded,
            HeadMoved,
            Rejected,
            Mismatch,
            NotFound,
            Invalid,
            Unauthorized,
            Unavailable,
            Unknown,
        ];
        let (due, told) = (Ending::Due { told: false }, Ending::Due { told: true });
        let others = [due, told, Ending::Clean, Ending::Answered, Ending::Blocked, Ending::Defect];
        for ending in kinds.map(Ending::Pin).into_iter().chain(others) {
            let name = serde_json::to_value(outcome(ending)).unwrap_or_default();
            let (row, name) = (format!("| {} | ", ending.code()), name.as_str().unwrap_or_default());
            let found =
                page.lines().any(|line| line.starts_with(&row) && line.contains(&format!("`{name}`")));
            assert!(found, "no row {row}`{name}`");
        }
    }
}
