//! Receipts of earlier runs (`pinlib pin --json`): they alone know of a run that left no commit.

use crate::{failure::Failure, output::v1::Outcome, surroundings::Surroundings, text};
use serde::Deserialize;
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Larger files are not read.
const LIMIT: u64 = 16 << 20;

/// What a receipt says of a run that pinned nothing. Other fields are passed over.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Receipt {
    version: u8,
    pub(super) command: String,
    pub(super) outcome: Outcome,
    pub(super) error: Option<Reason>,
    /// When the run ended, which older receipts do not tell.
    pub(super) ended: Option<String>,
    pub(super) source_commit: Option<String>,
    pub(super) expected_head: Option<String>,
    pub(super) actual_head: Option<String>,
    pub(super) run: Option<String>,
    #[serde(default)]
    pub(super) images: Vec<Named>,
    /// The files that it was to write, which older receipts do not tell.
    #[serde(default)]
    pub(super) targets: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Reason {
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// Reads the files, each with one receipt or several, one after the other. Only runs that tried to write and did not are
/// kept: what landed stands in the log, and a plan tries nothing.
pub(crate) fn read(files: &[PathBuf], around: &Surroundings) -> Result<Vec<Receipt>, Failure> {
    let mut all = Vec::new();
    for file in files {
        all.extend(parse(&text::read(File::open(around.path(file)), file, LIMIT)?, file)?);
    }
    Ok(all)
}

pub(super) fn parse(text: &str, file: &Path) -> Result<Vec<Receipt>, Failure> {
    let wrong =
        |reason: String| Failure::usage(format!("cannot read a receipt from {}: {reason}", file.display()));
    let mut all = Vec::new();
    for receipt in serde_json::Deserializer::from_str(text).into_iter::<Receipt>() {
        let receipt = receipt.map_err(|error| wrong(error.to_string()))?;
        if receipt.version != 1 {
            return Err(wrong(format!("it has version {}, and this pinlib knows 1", receipt.version)));
        }
        let tries = ["pin", "rollback", "promote"].contains(&receipt.command.as_str());
        if tries && receipt.error.is_some() {
            all.push(receipt);
        }
    }
    Ok(all)
}
