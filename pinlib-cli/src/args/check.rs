//! `pinlib check`: every image in the manifests on disk that is not pinned by digest.

use super::{
    Progress,
    scan::{self, Scanned},
};
use crate::{
    exit::Ending,
    failure::Failure,
    output::v1::{Body, Check as Found, Unpinned},
    surroundings::Surroundings,
};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pinlib check\n  pinlib check --exit-code platform/ charts/")]
pub(crate) struct Check {
    /// Files, and folders to look through
    #[arg(default_value = ".")]
    paths: Vec<PathBuf>,
    /// Exits with 11 when an image is not pinned
    #[arg(long)]
    exit_code: bool,
}

impl Check {
    pub(crate) fn run(&self, around: &Surroundings, progress: &mut Progress) -> Result<Ending, Failure> {
        let mut found = Found::default();
        let skipped = &mut Vec::new();
        let mut look = |file: Scanned| note(file, &mut found);
        let ended =
            self.paths.iter().try_for_each(|path| scan::all(path, around.folder(), skipped, &mut look));
        found.skipped.append(skipped);
        found.unpinned.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        let due = !found.unpinned.is_empty();
        progress.body = Body::Check(found);
        ended?;
        Ok(if due { Ending::Due { told: self.exit_code } } else { Ending::Clean })
    }
}

/// Takes in a file's images.
fn note(file: Scanned, found: &mut Found) {
    found.files += 1;
    for image in file.images {
        found.found += 1;
        let why = match &image.image {
            Ok(reference) if reference.digest().is_some() => continue,
            Ok(reference) if reference.tag().is_some() => "a tag can change under you".to_owned(),
            Ok(_) => "without a tag it means latest, which changes".to_owned(),
            Err(error) => format!("no image: {}", error.reason()),
        };
        let (path, line, column) = (file.shown.clone(), image.line, image.column);
        found.unpinned.push(Unpinned { path, line, column, image: image.text, why });
    }
}
