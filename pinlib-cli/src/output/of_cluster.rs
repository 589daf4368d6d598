//! What runs, as the report has it.

use super::v1;
use pinlib::{AppState, Drift, ImageId, RunReport, RunRow, RunVerdict, Wanted};

/// What a look came to; what is known beside it is the caller's to add.
pub(crate) fn verified(report: &RunReport) -> v1::Verify {
    v1::Verify {
        commit: Some(report.commit.to_string()),
        wanted: report.wanted.iter().map(wanted).collect(),
        rows: report.rows.iter().map(row).collect(),
        application: report.application.as_ref().map(application),
        ..v1::Verify::default()
    }
}

/// What has drifted.
pub(crate) fn drift(report: &RunReport) -> Vec<v1::Drifted> {
    report.drift().into_iter().map(drifted).collect()
}

fn wanted(wanted: &Wanted) -> v1::WantedSite {
    v1::WantedSite {
        path: wanted.path.to_string(),
        line: wanted.line,
        locator: wanted.locator.to_string(),
        image: wanted.image.to_string(),
    }
}

fn row(row: &RunRow) -> v1::RunRow {
    let equality = match &row.verdict {
        RunVerdict::Match(how) => Some(how.to_string()),
        _ => None,
    };
    let place = row.place.as_ref();
    let owner = place.and_then(|place| place.owner.as_ref());
    v1::RunRow {
        image: row.image.written_name().to_owned(),
        wanted: row.wanted.map(|digest| digest.to_string()),
        verdict: row.verdict.name().to_owned(),
        why: row.verdict.why().map(str::to_owned),
        equality,
        namespace: place.map(|place| place.namespace.clone()),
        kind: owner.map(|owner| owner.kind.clone()),
        name: owner.map(|owner| owner.name.clone()),
        container: place.map(|place| place.container.clone()),
        role: place.map(|place| place.role.to_string()),
        track: place.and_then(|place| place.track).map(|track| track.to_string()),
        asked: row.asked.clone(),
        running: match &row.running {
            ImageId::Absent => None,
            ImageId::Unreadable(text) => Some(text.clone()),
            id => Some(id.to_string()),
        },
        pods: row.pods.clone(),
        ready: row.ready,
    }
}

fn application(app: &AppState) -> v1::AppState {
    v1::AppState {
        name: app.name.clone(),
        revisions: app.revisions.clone(),
        sync: app.sync.clone(),
        health: app.health.clone(),
        verdict: app.verdict.name().to_owned(),
        why: app.verdict.why().map(str::to_owned),
    }
}

fn drifted((drift, row): (Drift, &RunRow)) -> v1::Drifted {
    let git = || match row.wanted {
        Some(digest) => row.image.at(digest).to_string(),
        None => row.image.to_string(),
    };
    v1::Drifted {
        kind: drift.name().to_owned(),
        image: row.image.written_name().to_owned(),
        place: row.place.as_ref().map(ToString::to_string),
        reference: row.asked.clone().unwrap_or_else(git),
        pods: row.pods.len(),
    }
}
