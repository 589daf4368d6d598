//! The step's summary on GitHub Actions, in Markdown in which no value can speak.

use super::{
    clean,
    github_actions::title,
    v1::{Audit, Body, Check, Doctor, Error, Health, Init, Pin, Report, Verify},
};
use std::fmt::Write as _;

/// GitHub takes 1 MiB a step; a longer diff is cut.
const DIFF: usize = 128 << 10;
/// More rows are left out.
const ROWS: usize = 1000;

/// The summary of a report.
pub(super) fn of(report: &Report) -> String {
    let mut text = format!("### pinlib {}: {}\n\n", report.command, title(report.outcome));
    if let Some(error) = &report.error {
        text += &of_error(error);
    }
    match &report.body {
        Body::Pin(pin) => of_pin(pin, &mut text),
        Body::Check(check) => of_check(check, &mut text),
        Body::Init(Init { files, .. }) => {
            for file in files {
                writeln!(text, "- {}", code(&file.path)).ok();
            }
        }
        Body::Doctor(doctor) => of_doctor(doctor, &mut text),
        Body::Audit(audit) => of_audit(audit, &mut text),
        Body::Verify(verify) => of_verify(verify, &mut text),
        Body::Log(_)
        | Body::Resolve(_)
        | Body::VerifyImage(_)
        | Body::Schema { .. }
        | Body::File { .. }
        | Body::Empty {} => {}
    }
    text + "\n"
}

/// Text in Markdown and HTML as it is, in a table's cell too.
fn code(text: &str) -> String {
    let text = clean::line(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<code>{}</code>",
        text.replace('|', "&#124;").replace('`', "&#96;").replace('*', "&#42;").replace('_', "&#95;")
    )
}

fn of_error(error: &Error) -> String {
    let hint = error.hint.as_ref().map(|hint| format!("{}\n\n", code(hint))).unwrap_or_default();
    format!("{}\n\n{hint}", code(&error.message))
}

fn of_verify(verify: &Verify, text: &mut String) {
    text.push_str("| image | verdict | where | ready | why |\n|---|---|---|---|---|\n");
    for row in verify.rows.iter().filter(|row| row.verdict != "unmanaged").take(ROWS) {
        let place = [&row.namespace, &row.kind, &row.name, &row.container];
        let place = place.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join("/");
        let (ready, all, why) = (row.ready, row.pods.len(), row.why.as_deref().unwrap_or_default());
        let (image, place, why) = (code(&row.image), code(&place), code(why));
        writeln!(text, "| {image} | {} | {place} | {ready} of {all} | {why} |", row.verdict).ok();
    }
}

fn of_audit(audit: &Audit, text: &mut String) {
    if audit.findings.is_empty() {
        writeln!(text, "Nothing to find in {} commits, {} of them by pinlib.", audit.commits, audit.pins)
            .ok();
        return;
    }
    text.push_str("| commit | finding | file | what was done |\n|---|---|---|---|\n");
    for one in audit.findings.iter().take(ROWS) {
        let path = one.path.as_deref().map(code).unwrap_or_default();
        writeln!(text, "| {} | {} | {path} | {} |", code(&one.commit), one.kind, code(&one.message)).ok();
    }
}

fn of_doctor(doctor: &Doctor, text: &mut String) {
    text.push_str("| check | | seen | to change |\n|---|---|---|---|\n");
    for row in doctor.rows.iter().take(ROWS) {
        let health = match row.health {
            Health::Ok => "ok",
            Health::NotOk => "**not ok**",
            Health::Unknown => "cannot be known",
        };
        let cure = row.cure.as_deref().map(code).unwrap_or_default();
        writeln!(text, "| {} | {health} | {} | {cure} |", code(&row.check), code(&row.seen)).ok();
    }
}

fn of_pin(pin: &Pin, text: &mut String) {
    if let Some(objection) = &pin.objection {
        write!(text, "Now, a pin would not land: {}", of_error(objection)).ok();
    }
    let known = [("branch", &pin.branch), ("source commit", &pin.source_commit), ("pin commit", &pin.commit)];
    for (name, value) in known {
        if let Some(value) = value {
            writeln!(text, "- {name}: {}", code(value)).ok();
        }
    }
    if let Some(pull) = &pin.pull_request {
        writeln!(text, "- pull request: {} ({})", code(&pull.url), pull.state).ok();
    }
    for warning in &pin.warnings {
        writeln!(text, "- warning: {}", code(warning)).ok();
    }
    for reference in pin.images.iter().filter_map(|image| image.reference.as_ref()) {
        writeln!(text, "- image: {}", code(reference)).ok();
    }
    for (n, edit) in pin.edits.iter().take(ROWS).enumerate() {
        if n == 0 {
            text.push_str("\n| file | from | to |\n|---|---|---|\n");
        }
        let place = format!("{}:{}", edit.path, edit.line);
        writeln!(text, "| {} | {} | {} |", code(&place), code(&edit.from), code(&edit.to)).ok();
    }
    if let Some(diff) = pin.diff.as_deref().filter(|diff| !diff.is_empty()) {
        write!(text, "\n{}", fenced(diff)).ok();
    }
}

/// A block that its text cannot leave: the fence is longer than any run of backticks within.
fn fenced(diff: &str) -> String {
    let diff = clean::lines(diff);
    let end = (0..=diff.len().min(DIFF)).rev().find(|at| diff.is_char_boundary(*at)).unwrap_or_default();
    let (shown, cut) = (diff[..end].trim_end_matches('\n'), if end < diff.len() { "… cut\n" } else { "" });
    let longest = shown.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}diff\n{shown}\n{cut}{fence}\n")
}

fn of_check(check: &Check, text: &mut String) {
    writeln!(text, "{} of {} images are not pinned by digest", check.unpinned.len(), check.found).ok();
    for (n, one) in check.unpinned.iter().take(ROWS).enumerate() {
        if n == 0 {
            text.push_str("\n| place | image | why |\n|---|---|---|\n");
        }
        let place = format!("{}:{}:{}", one.path, one.line, one.column);
        writeln!(text, "| {} | {} | {} |", code(&place), code(&one.image), one.why).ok();
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_diff_cannot_leave_its_block() {
        let text = super::fenced("+```\n+# Not a title\n");
        assert_eq!(text, "````diff\n+```\n+# Not a title\n````\n");
        let long = super::fenced(&"+ä\n".repeat(100_000));
        assert!(long.len() < super::DIFF + 100 && long.ends_with("… cut\n```\n"));
    }
}
