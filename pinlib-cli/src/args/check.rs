//! `pinlib check`: every image in the manifests on disk that is not pinned by digest.

use super::Progress;
use crate::{
    exit::Ending,
    failure::Failure,
    output::v1::{Body, Check as Found, Skipped, Unpinned},
    surroundings::Surroundings,
};
use anyhow::{Context as _, bail};
use pinlib::{FileAt, Mode, ObjectFormat, Oid};
use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

/// A larger file is no manifest.
const LARGEST: u64 = 4 << 20;
/// Deeper folders are not entered.
const DEEPEST: usize = 64;
/// More files than this are not looked at.
const FILES: usize = 100_000;

#[derive(Debug, clap::Args)]
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
        let ended = self.paths.iter().try_for_each(|path| start(path, around, &mut found));
        found.unpinned.sort_by(|a, b| (&a.path, a.line, a.column).cmp(&(&b.path, b.line, b.column)));
        let due = !found.unpinned.is_empty();
        progress.body = Body::Check(found);
        ended?;
        Ok(if due { Ending::Due { told: self.exit_code } } else { Ending::Clean })
    }
}

/// What the user named must be there and be read; what is only found may be passed over.
fn start(path: &Path, around: &Surroundings, found: &mut Found) -> Result<(), Failure> {
    let on_disk = around.path(path);
    let meta = fs::metadata(&on_disk).map_err(|error| Failure::unreadable(path, &error))?;
    if meta.is_dir() {
        return walk(&on_disk, path, DEEPEST, found);
    }
    file(&on_disk, path, found).map_err(|error| Failure::usage(format!("{}: {error:#}", path.display())))
}

/// Goes through a folder in the order of names, and follows no link.
fn walk(on_disk: &Path, shown: &Path, depth: usize, found: &mut Found) -> Result<(), Failure> {
    let skip = |found: &mut Found, path: &Path, why: String| {
        found.skipped.push(Skipped { path: path.display().to_string(), why });
    };
    if depth == 0 {
        skip(found, shown, format!("more than {DEEPEST} folders deep"));
        return Ok(());
    }
    let mut entries = match fs::read_dir(on_disk).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
        Ok(entries) => entries,
        Err(error) => {
            skip(found, shown, error.to_string());
            return Ok(());
        }
    };
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name();
        let shown = if shown == Path::new(".") { PathBuf::from(&name) } else { shown.join(&name) };
        let kind = entry.file_type().map_err(|error| Failure::unreadable(&shown, &error))?;
        if kind.is_dir() && name != ".git" {
            walk(&entry.path(), &shown, depth - 1, found)?;
        } else if kind.is_file() && is_manifest(&shown) {
            if found.files + found.skipped.len() >= FILES {
                return Err(Failure::usage(format!(
                    "there are more than {FILES} files: name a part of them"
                )));
            }
            if let Err(error) = file(&entry.path(), &shown, found) {
                skip(found, &shown, format!("{error:#}"));
            }
        }
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension
        .is_some_and(|extension| ["yaml", "yml", "json"].contains(&extension.to_ascii_lowercase().as_str()))
}

fn file(on_disk: &Path, shown: &Path, found: &mut Found) -> anyhow::Result<()> {
    let mut bytes = Vec::new();
    fs::File::open(on_disk)?.take(LARGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        bail!("larger than {LARGEST} bytes");
    }
    // The editor wants a path as a repository has it, and tells kinds by the file's name.
    let path =
        on_disk.file_name().and_then(|name| name.to_str()).context("its name is not UTF-8")?.parse()?;
    let oid = Oid::of(ObjectFormat::Sha1, "blob", &bytes);
    let file = FileAt { path, mode: Mode::Regular, oid, bytes };
    let images = pinlib::images(&file).map_err(|error| {
        let place = if error.line > 0 { format!("{}:{}: ", error.line, error.column) } else { String::new() };
        anyhow::anyhow!("{place}expected {}, found {}", error.expected, error.found)
    })?;
    found.files += 1;
    for image in images {
        found.found += 1;
        let why = match &image.image {
            Ok(reference) if reference.digest().is_some() => continue,
            Ok(reference) if reference.tag().is_some() => "a tag can change under you".to_owned(),
            Ok(_) => "without a tag it means latest, which changes".to_owned(),
            Err(error) => format!("no image: {}", error.reason()),
        };
        let (path, line, column) = (shown.display().to_string(), image.line, image.column);
        found.unpinned.push(Unpinned { path, line, column, image: image.text, why });
    }
    Ok(())
}
