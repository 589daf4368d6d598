//! The tables of `log` and `audit`, as people read them: no line is longer than a terminal is wide.

use super::{
    clean,
    doctor::wrapped,
    human::{short, what},
    v1::{Audit, Finding, Held, Log, Logged, LoggedSite},
};
use std::fmt::Write as _;

const WIDTH: usize = 80;

/// `commit  when  operation from source`, and below it each site.
pub(super) fn log(log: &Log) -> String {
    log.entries.iter().map(entry).collect()
}

fn entry(pin: &Logged) -> String {
    let from = match pin.operation {
        "release" => String::new(),
        _ => format!(" from {}", short(Some(&pin.source_commit))),
    };
    let when = pin.committed.get(..16).unwrap_or_default().replace('T', " ");
    let doubt = if pin.recognised { "" } else { "  not recognised" };
    let mut text = format!("{}  {when}  {}{from}{doubt}\n", short(Some(&pin.commit)), pin.operation);
    for LoggedSite { path, image, from, to, .. } in &pin.sites {
        let image = image.as_deref().map_or("", |image| image.rsplit('/').next().unwrap_or(image));
        let from = from.as_deref().map_or_else(String::new, |from| format!("{} → ", digest(from)));
        let what = format!("  {} {from}{}  ", clean::line(image), digest(to));
        let room = WIDTH.saturating_sub(what.chars().count());
        writeln!(text, "{what}{}", clipped(&clean::line(path), room)).ok();
    }
    text
}

/// The first digits of a digest; a tag as it is.
fn digest(text: &str) -> String {
    if text.contains(':') { what(&format!("@{text}")) } else { clean::line(text) }
}

/// The end of a text, which tells more of a path than its beginning.
pub(super) fn clipped(text: &str, room: usize) -> String {
    let count = text.chars().count();
    if count <= room || room == 0 {
        return text.to_owned();
    }
    format!("…{}", text.chars().skip(count + 1 - room).collect::<String>())
}

/// What the table of pins does not say.
pub(super) fn log_sum(log: &Log) -> Vec<String> {
    let branch = clean::line(&log.branch);
    let count = match (log.entries.len(), log.cut) {
        (0, false) => format!("no pin on {branch}"),
        (0, true) => {
            format!("no such pin among the commits of {branch} that were looked at: see --max-commits")
        }
        (1, false) => format!("1 pin on {branch}"),
        (n, false) => format!("{n} pins on {branch}"),
        (n, true) => {
            format!("the newest {n} on {branch}; there may be older ones: see --limit and --max-commits")
        }
    };
    let held = |Held { path, locator }: &Held| clean::line(&format!("on hold: {locator} in {path}"));
    std::iter::once(count).chain(log.holds.iter().map(held)).collect()
}

/// `commit  kind  path:line`, and below it the words.
pub(super) fn audit(audit: &Audit) -> String {
    let mut text = String::new();
    for Finding { commit, kind, path, line, message } in &audit.findings {
        let place = match (path, line) {
            (Some(path), Some(line)) => format!("{}:{line}", clean::line(path)),
            (Some(path), None) => clean::line(path),
            (None, _) => String::new(),
        };
        let place = clipped(&place, WIDTH - 28);
        writeln!(text, "{}", format!("{}  {kind:<12}  {place}", short(Some(commit))).trim_end()).ok();
        for line in wrapped(&clean::line(message), WIDTH - 2) {
            writeln!(text, "  {line}").ok();
        }
    }
    text
}

/// What the table of findings does not say.
pub(super) fn audit_sum(audit: &Audit) -> String {
    let count = |n: usize, one: &str| if n == 1 { format!("1 {one}") } else { format!("{n} {one}s") };
    let looked = format!("{}, {} of them by pinlib", count(audit.commits, "commit"), audit.pins);
    match audit.findings.len() {
        0 => format!("nothing to find in {looked}"),
        n => format!("{} in {looked}", count(n, "finding")),
    }
}
