//! What `pinlib verify --drift --json` found: where a cluster and Git had drifted apart.

use super::{Outside, event};
use crate::{failure::Failure, output::v1::Drifted, surroundings::Surroundings, text};
use maud::{Markup, html};
use serde::Deserialize;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Larger files are not read.
const LIMIT: u64 = 64 << 20;
/// More rows are counted, and not drawn.
const ROWS: usize = 500;

/// One look at one cluster. Other fields are passed over.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Look {
    version: u8,
    command: String,
    ended: String,
    commit: Option<String>,
    environment: Option<String>,
    cluster: Option<String>,
    drift: Option<Vec<Drifted>>,
}

/// Reads the files, each with one answer.
pub(crate) fn read(files: &[PathBuf], around: &Surroundings) -> Result<Vec<Look>, Failure> {
    files.iter().map(|file| parse(&text::read(File::open(around.path(file)), file, LIMIT)?, file)).collect()
}

pub(super) fn parse(text: &str, file: &Path) -> Result<Look, Failure> {
    let wrong = |why: String| Failure::usage(format!("cannot read a drift from {}: {why}", file.display()));
    let look: Look = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
    if look.version != 1 {
        return Err(wrong(format!("it has version {}, and this pinlib knows 1", look.version)));
    }
    // What was not looked for is not absent.
    if look.command != "verify" || look.drift.is_none() {
        return Err(
            wrong("nobody looked for it".to_owned()).with_hint("pinlib verify --drift --json makes one")
        );
    }
    Ok(look)
}

impl Look {
    /// It, by its number on the page.
    pub(super) fn html(&self, number: usize) -> Markup {
        let (id, drift) = (format!("drift-{number}"), self.drift.as_deref().unwrap_or_default());
        html! {
            section.track.drift aria-labelledby=(id) {
                h2 #(id) {
                    "Drift" @if let Some(name) = &self.environment { " in " (Outside(name)) }
                }
                p.origin {
                    "Seen " (event::time(&self.ended))
                    @if let Some(cluster) = &self.cluster { " by " code { (Outside(cluster)) } }
                    @if let Some(commit) = &self.commit { ", held against " (event::oid(commit)) }
                }
                @if drift.is_empty() { p.change { "Nothing: all that runs is in Git, and all of that runs." } }
                ul.places {
                    @for one in drift.iter().take(ROWS) {
                        li {
                            (badge(&one.kind)) " " code { (Outside(&one.reference)) }
                            @if let Some(place) = &one.place { br; span.dim { "in " code { (Outside(place)) } } }
                        }
                    }
                }
                @if drift.len() > ROWS { p.note { "And " (drift.len() - ROWS) " more." } }
            }
        }
    }
}

/// What kind it is, in a word or two.
fn badge(kind: &str) -> Markup {
    let (class, word) = match kind {
        "not-running" => ("abort", "Nowhere running"),
        "unmanaged" => ("odd", "Not in Git"),
        "mutable-tag" => ("rollback", "By a tag"),
        // Of a later pinlib.
        _ => ("odd", "Drift"),
    };
    html! { span.badge.(class) { (word) } }
}
