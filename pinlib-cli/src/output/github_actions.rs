//! The report as GitHub Actions takes it: annotations, outputs, the step's summary.
//!
//! No `::command::` is ever made from data: what stands in one is escaped, and outputs stand between random delimiters.
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

use super::{
    clean, json,
    v1::{Body, Error, Outcome, Report},
};
use crate::surroundings::Surroundings;
use std::{
    fmt::Write as _,
    fs::OpenOptions,
    io::{self, Write as _},
    path::Path,
};

/// GitHub shows ten annotations of a step; the table has them all.
const ANNOTATIONS: usize = 10;

/// Tells the runner, where there is one.
pub(crate) fn announce(report: &Report, around: &Surroundings) -> io::Result<()> {
    if around.variable("GITHUB_ACTIONS") != Some("true") {
        return Ok(());
    }
    // On stderr, which the runner reads as well: stdout is data.
    io::stderr().write_all(annotations(report).as_bytes())?;
    if let Some(file) = around.variable("GITHUB_OUTPUT") {
        append(Path::new(file), &outputs(report, &delimiter()?))?;
    }
    if let Some(file) = around.variable("GITHUB_STEP_SUMMARY") {
        append(Path::new(file), &summary(report))?;
    }
    Ok(())
}

fn append(file: &Path, text: &str) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(file)?.write_all(text.as_bytes())
}

fn delimiter() -> io::Result<String> {
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(io::Error::other)?;
    Ok(random.iter().fold("pinlib-".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").ok();
        text
    }))
}

/// The data of a command, as the runner's own toolkit escapes it.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

fn title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pinned => "Pinned",
        Outcome::AlreadyPinned => "Already pinned",
        Outcome::Superseded => "Superseded",
        Outcome::HeadMoved => "Head moved",
        Outcome::Rejected => "Rejected",
        Outcome::Mismatch => "Mismatch",
        Outcome::NotFound => "Not found",
        Outcome::Invalid => "Invalid",
        Outcome::Unauthorized => "Unauthorized",
        Outcome::Unavailable => "Unavailable",
        Outcome::Unknown => "Unknown: look before you retry",
        Outcome::ChangesDue => "Changes are due",
        Outcome::NothingDue => "Nothing is due",
        Outcome::Answered => "Done",
        Outcome::Defect => "Defect of pinlib",
    }
}

fn annotations(report: &Report) -> String {
    let mut text = String::new();
    if let Some(Error { message, hint, path, line, column, .. }) = &report.error {
        let mut at = String::new();
        for (key, value) in [
            ("file", path.clone()),
            ("line", line.map(|n| n.to_string())),
            ("col", column.map(|n| n.to_string())),
        ] {
            if let Some(value) = value {
                write!(at, "{key}={},", property(&value)).ok();
            }
        }
        let hint = hint.as_ref().map(|hint| format!("\n{hint}")).unwrap_or_default();
        let message = escaped(&format!("{message}{hint}"));
        writeln!(text, "::error {at}title={}::{message}", property(title(report.outcome))).ok();
    }
    if let Body::Check(check) = &report.body {
        for one in check.unpinned.iter().take(ANNOTATIONS) {
            let (path, message) = (property(&one.path), format!("{}: {}", one.image, one.why));
            writeln!(
                text,
                "::warning file={path},line={},col={},title=Not pinned by digest::{}",
                one.line,
                one.column,
                escaped(&clean::line(&message))
            )
            .ok();
        }
    }
    text
}

fn outputs(report: &Report, delimiter: &str) -> String {
    let mut values = vec![("outcome", word(report.outcome)), ("json", json(report).trim_end().to_owned())];
    if let Body::Pin(pin) = &report.body {
        let digest = match &pin.images[..] {
            [one] => one.digest.clone(),
            _ => None,
        };
        values.push(("changed", pin.changed.to_string()));
        values.push(("commit", pin.commit.clone().unwrap_or_default()));
        values.push(("digest", digest.unwrap_or_default()));
    }
    values.iter().fold(String::new(), |mut text, (name, value)| {
        write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n").ok();
        text
    })
}

fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// Text in Markdown and HTML as it is, in a table's cell too.
fn code(text: &str) -> String {
    let text = clean::line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<code>{}</code>",
        text.replace('|', "&#124;").replace('`', "&#96;").replace('*', "&#42;").replace('_', "&#95;")
    )
}

fn summary(report: &Report) -> String {
    let mut text = format!("### pinlib {}: {}\n\n", report.command, title(report.outcome));
    if let Some(error) = &report.error {
        write!(text, "{}\n\n", code(&error.message)).ok();
        if let Some(hint) = &error.hint {
            write!(text, "{}\n\n", code(hint)).ok();
        }
    }
    match &report.body {
        Body::Pin(pin) => {
            let known =
                [("branch", &pin.branch), ("source commit", &pin.source_commit), ("pin commit", &pin.commit)];
            for (name, value) in known {
                if let Some(value) = value {
                    writeln!(text, "- {name}: {}", code(value)).ok();
                }
            }
            for reference in pin.images.iter().filter_map(|image| image.reference.as_ref()) {
                writeln!(text, "- image: {}", code(reference)).ok();
            }
            for (n, edit) in pin.edits.iter().enumerate() {
                if n == 0 {
                    text.push_str("\n| file | from | to |\n|---|---|---|\n");
                }
                let place = format!("{}:{}", edit.path, edit.line);
                writeln!(text, "| {} | {} | {} |", code(&place), code(&edit.from), code(&edit.to)).ok();
            }
        }
        Body::Check(check) => {
            writeln!(text, "{} of {} images are not pinned by digest", check.unpinned.len(), check.found)
                .ok();
            for (n, one) in check.unpinned.iter().take(1000).enumerate() {
                if n == 0 {
                    text.push_str("\n| place | image | why |\n|---|---|---|\n");
                }
                let place = format!("{}:{}:{}", one.path, one.line, one.column);
                writeln!(text, "| {} | {} | {} |", code(&place), code(&one.image), one.why).ok();
            }
        }
        Body::Resolve(_) | Body::Schema { .. } | Body::Empty {} => {}
    }
    text + "\n"
}
