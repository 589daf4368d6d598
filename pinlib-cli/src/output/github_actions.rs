//! The report as GitHub Actions takes it: annotations, outputs, the step's summary.
//!
//! No `::command::` is ever made from data: what stands in one is escaped, and outputs stand between random delimiters.
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>.

use super::{
    clean, json, summary,
    v1::{Body, Error, Finding, Health, Outcome, Report, RunRow},
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
    io::stderr().write_all(annotations(report, around).as_bytes())?;
    if let Some(file) = around.variable("GITHUB_OUTPUT") {
        append(Path::new(file), &outputs(report, around, &delimiter()?))?;
    }
    if let Some(file) = around.variable("GITHUB_STEP_SUMMARY") {
        append(Path::new(file), &summary::of(report))?;
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

pub(crate) fn title(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pinned => "Pinned",
        Outcome::AlreadyPinned => "Already pinned",
        Outcome::Proposed => "Proposed",
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
        Outcome::Blocked => "A pin would be stopped",
        Outcome::Defect => "Defect of pinlib",
    }
}

fn annotations(report: &Report, around: &Surroundings) -> String {
    let mut text = String::new();
    if let Some(error) = &report.error {
        // The Action's `on-race: neutral`: a lost race is no failure of the job.
        let calm =
            report.outcome == Outcome::HeadMoved && around.variable("PINLIB_ON_RACE") == Some("neutral");
        text += &annotation(if calm { "warning" } else { "error" }, title(report.outcome), error);
    }
    if let Body::Pin(pin) = &report.body {
        if let Some(objection) = &pin.objection {
            text += &annotation("warning", &format!("Would not land: {}", title(objection.kind)), objection);
        }
        for warning in pin.warnings.iter().take(ANNOTATIONS) {
            writeln!(text, "::warning title=Pull request::{}", escaped(warning)).ok();
        }
    }
    if let Body::Doctor(doctor) = &report.body {
        for row in doctor.rows.iter().filter(|row| row.health == Health::NotOk) {
            let cure = row.cure.as_ref().map(|cure| format!("\n{cure}")).unwrap_or_default();
            writeln!(
                text,
                "::error title={}::{}",
                property(&row.check),
                escaped(&format!("{}{cure}", row.seen))
            )
            .ok();
        }
    }
    if let Body::Audit(audit) = &report.body {
        for Finding { commit, path, line, message, .. } in audit.findings.iter().take(ANNOTATIONS) {
            let file = path.as_ref().map(|path| format!("file={},", property(path))).unwrap_or_default();
            let line = line.map(|line| format!("line={line},")).unwrap_or_default();
            let message = escaped(&clean::line(&format!("{commit}: {message}")));
            writeln!(text, "::error {file}{line}title=Audit::{message}").ok();
        }
    }
    if let Body::Verify(verify) = &report.body {
        let wrong = |row: &&RunRow| matches!(row.verdict.as_str(), "mismatch" | "not-running");
        for row in verify.rows.iter().filter(wrong).take(ANNOTATIONS) {
            let (wanted, runs) = (row.wanted.as_deref(), row.running.as_deref());
            let place = [&row.namespace, &row.kind, &row.name, &row.container];
            let place = place.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/");
            let message = match runs {
                Some(runs) => format!("{place} runs {runs}, and Git says {}", wanted.unwrap_or("no digest")),
                None => {
                    format!("Git says {}@{}, and it runs nowhere", row.image, wanted.unwrap_or("no digest"))
                }
            };
            writeln!(text, "::error title=Verify::{}", escaped(&clean::line(&message))).ok();
        }
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

/// An annotation of a whole failure, at its place in the file where it has one.
fn annotation(level: &str, title: &str, error: &Error) -> String {
    let Error { message, hint, path, line, column, .. } = error;
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
    format!("::{level} {at}title={}::{}\n", property(title), escaped(&format!("{message}{hint}")))
}

fn outputs(report: &Report, around: &Surroundings, delimiter: &str) -> String {
    let mut values = vec![("outcome", word(report.outcome)), ("receipt", json(report).trim_end().to_owned())];
    if let Body::Pin(pin) = &report.body {
        let digest = match &pin.images[..] {
            [one] => one.digest.clone(),
            _ => None,
        };
        values.push(("changed", pin.changed.to_string()));
        values.push(("commit-sha", pin.commit.clone().unwrap_or_default()));
        let pages = pin.forge.as_deref().and_then(|forge| commit_pages(forge, around));
        let url = pages.zip(pin.commit.as_deref()).map(|(pages, commit)| pages + commit);
        values.push(("commit-url", url.unwrap_or_default()));
        let url = pin.pull_request.as_ref().map(|pull| pull.url.clone());
        values.push(("pull-request-url", url.unwrap_or_default()));
        values.push(("digest", digest.unwrap_or_default()));
    }
    values.iter().fold(String::new(), |mut text, (name, value)| {
        write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n").ok();
        text
    })
}

/// What the addresses of its commits' pages begin with, where the repository is on the GitHub that runs this.
pub(crate) fn commit_pages(forge: &str, around: &Surroundings) -> Option<String> {
    let server = around.variable("GITHUB_SERVER_URL").unwrap_or("https://github.com").trim_end_matches('/');
    let by_name = |forge: &str| forge.strip_prefix("github:").map(str::to_owned);
    let by_address = |forge: &str| Some(forge.strip_prefix(server)?.strip_prefix('/')?.to_owned());
    let repository = by_name(forge).or_else(|| by_address(forge))?;
    let repository = repository.split_whitespace().next()?.trim_end_matches(".git");
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let named = repository.split('/').count() == 2
        && repository.split('/').all(|part| !part.is_empty() && part.chars().all(plain));
    named.then(|| format!("{server}/{repository}/commit/"))
}

fn word(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Surroundings, commit_pages};
    use std::path::Path;

    #[test]
    fn a_commit_has_a_page_only_on_the_github_that_runs_this() {
        let url = |forge: &str, server: &str| {
            commit_pages(forge, &Surroundings::bare(Path::new("/")).with("GITHUB_SERVER_URL", server))
        };
        let page = |host: &str| Some(format!("https://{host}/o/r/commit/"));
        assert_eq!(url("github:o/r", ""), page("github.com"));
        assert_eq!(url("github:o/r", "https://git.corp.test/"), page("git.corp.test"));
        assert_eq!(url("https://git.corp.test/o/r.git", "https://git.corp.test"), page("git.corp.test"));
        for forge in [
            "https://other.test/o/r.git",
            "https://github.com.evil/o/r",
            "github:o/r/x",
            "/srv/o.git",
            "github:o/<r>",
        ] {
            assert_eq!(url(forge, ""), None, "{forge}");
        }
    }
}
