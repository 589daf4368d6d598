//! The table of `verify`, as people read it: no line is longer than a terminal is wide.

use super::{
    clean,
    doctor::wrapped,
    history::clipped,
    human::{short, what},
    v1::{AppState, Drifted, RunRow, Verify},
};
use std::{collections::BTreeMap, fmt::Write as _};

const WIDTH: usize = 80;

/// The image and the digest that Git has, and below it `verdict  where  how many`.
pub(super) fn table(verify: &Verify) -> String {
    let mut text = String::new();
    for rows in verify.rows.chunk_by(|a, b| (&a.image, &a.wanted) == (&b.image, &b.wanted)) {
        // What Git does not know stands with the drift.
        if rows[0].verdict == "unmanaged" {
            continue;
        }
        writeln!(text, "{}", named(&rows[0])).ok();
        for one in rows {
            row(one, &mut text);
        }
    }
    verify.application.iter().for_each(|app| application(app, &mut text));
    if let Some(drift) = verify.drift.as_ref().filter(|drift| !drift.is_empty()) {
        text.push_str("drift\n");
        for one in drift {
            drifted(one, &mut text);
        }
    }
    text
}

fn named(row: &RunRow) -> String {
    let digest =
        row.wanted.as_ref().map(|digest| format!("  {}", what(&format!("@{digest}")))).unwrap_or_default();
    let image = clipped(&clean::line(&row.image), WIDTH - 16);
    format!("{image}{digest}")
}

fn row(row: &RunRow, text: &mut String) {
    let owner = [&row.namespace, &row.kind, &row.name, &row.container];
    let place: Vec<_> = owner.into_iter().flatten().map(String::as_str).collect();
    let mut told = vec![match (&row.container, row.pods.len()) {
        (None, _) => String::new(),
        (Some(_), all) => format!("{} of {all} ready", row.ready),
    }];
    told.extend(row.track.clone());
    told.extend(row.role.clone().filter(|role| role != "container"));
    if row.verdict != "match" {
        told.extend(row.running.as_deref().map(|running| format!("runs {}", id(running))));
    }
    told.extend(row.equality.as_ref().filter(|how| *how != "digest").map(|how| format!("by its {how}")));
    let told = clean::line(&told.join(", "));
    let place = clean::line(&place.join("/"));
    let room = WIDTH.saturating_sub(15 + told.chars().count()).max(20);
    writeln!(text, "{}", format!("  {:<11}{}  {told}", row.verdict, clipped(&place, room)).trim_end()).ok();
    reason(row.why.as_deref(), text);
}

/// A digest by its first digits.
fn id(running: &str) -> String {
    if running.starts_with("sha") { what(&format!("@{running}")) } else { what(running) }
}

fn reason(why: Option<&str>, text: &mut String) {
    for line in why.iter().flat_map(|why| wrapped(&clean::line(why), WIDTH - 13)) {
        writeln!(text, "{:13}{line}", "").ok();
    }
}

fn application(app: &AppState, text: &mut String) {
    let words: Vec<_> = [&app.sync, &app.health].into_iter().flatten().map(String::as_str).collect();
    let at: Vec<_> = app.revisions.iter().map(|revision| short(Some(revision))).collect();
    let line = format!("  {:<11}{} at {}", app.verdict, words.join(", "), at.join(", "));
    writeln!(text, "{}\n{}", clean::line(&format!("application {}", app.name)), clean::line(&line)).ok();
    reason(app.why.as_deref(), text);
}

fn drifted(one: &Drifted, text: &mut String) {
    let place = one.place.as_deref().map(clean::line).unwrap_or_default();
    let reference = match one.reference.split_once('@') {
        Some((name, _)) => format!("{name}@{}", what(&one.reference)),
        None => one.reference.clone(),
    };
    writeln!(text, "  {:<13}{}", one.kind, clipped(&clean::line(&reference), WIDTH - 15)).ok();
    if !place.is_empty() {
        writeln!(text, "{:15}{}", "", clipped(&place, WIDTH - 15)).ok();
    }
}

/// What the table does not say.
pub(super) fn sum(verify: &Verify) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for row in verify.rows.iter().filter(|row| row.verdict != "unmanaged") {
        *counts.entry(&row.verdict).or_default() += row.pods.len().max(1);
    }
    let commit = short(verify.commit.as_ref());
    let all: usize = counts.values().sum();
    let matching = counts.get("match").copied().unwrap_or_default();
    let sum = match (all, matching) {
        (0, _) => return Vec::new(),
        (all, matching) if all == matching => format!("all {all} containers run what {commit} says"),
        (all, matching) => format!("{matching} of {all} containers are shown to run what {commit} says"),
    };
    let drift = verify.drift.as_ref().map(|drift| match drift.len() {
        0 => "nothing has drifted".to_owned(),
        1 => "1 drift".to_owned(),
        n => format!("{n} drifts"),
    });
    std::iter::once(sum).chain(drift).collect()
}

/// One line an image: what changes while a rollout is followed.
pub(crate) fn states(verify: &Verify) -> BTreeMap<String, String> {
    let mut states: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for row in verify.rows.iter().filter(|row| row.verdict != "unmanaged") {
        let word = match &row.why {
            Some(why) => format!("{} ({why})", row.verdict),
            None => row.verdict.clone(),
        };
        *states.entry(named(row)).or_default().entry(word).or_default() += row.pods.len();
    }
    let told = |words: BTreeMap<String, usize>| {
        let word = |(word, count)| if count == 0 { word } else { format!("{count} {word}") };
        words.into_iter().map(word).collect::<Vec<_>>().join(", ")
    };
    let apps = verify.application.iter().map(|app| {
        let why = app.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        (format!("application {}", app.name), format!("{}{why}", app.verdict))
    });
    states.into_iter().map(|(image, words)| (image, told(words))).chain(apps).collect()
}
