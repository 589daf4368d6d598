//! The manifests on disk: what `check` looks at, and `init`.

use crate::{failure::Failure, output::v1::Skipped};
use anyhow::{Context as _, bail};
use pinlib::{FileAt, ImageUse, Mode, ObjectFormat, Oid};
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

/// A file that was read, and the images that it names.
#[derive(Debug)]
pub(super) struct Scanned {
    /// Its path as it is shown.
    pub(super) shown: String,
    /// The file, called by its last name alone.
    pub(super) file: FileAt,
    pub(super) images: Vec<ImageUse>,
}

/// Hands over every manifest below a path in the order of names, and notes what was passed over. What was named must be
/// there and be read; what is only found may be passed over.
pub(super) fn all(
    path: &Path,
    from: &Path,
    skipped: &mut Vec<Skipped>,
    found: &mut dyn FnMut(Scanned),
) -> Result<(), Failure> {
    let on_disk = from.join(path);
    let meta = fs::metadata(&on_disk).map_err(|error| Failure::unreadable(path, &error))?;
    if meta.is_dir() {
        return Scan { seen: 0, skipped, found }.walk(&on_disk, path, DEEPEST);
    }
    found(read(&on_disk, path).map_err(|error| Failure::usage(format!("{}: {error:#}", path.display())))?);
    Ok(())
}

struct Scan<'a> {
    seen: usize,
    skipped: &'a mut Vec<Skipped>,
    found: &'a mut dyn FnMut(Scanned),
}

impl Scan<'_> {
    fn skip(&mut self, path: &Path, why: String) {
        self.skipped.push(Skipped { path: path.display().to_string(), why });
    }

    /// Goes through a folder, and follows no link.
    fn walk(&mut self, on_disk: &Path, shown: &Path, depth: usize) -> Result<(), Failure> {
        if depth == 0 {
            self.skip(shown, format!("more than {DEEPEST} folders deep"));
            return Ok(());
        }
        let mut entries = match fs::read_dir(on_disk).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
            Ok(entries) => entries,
            Err(error) => {
                self.skip(shown, error.to_string());
                return Ok(());
            }
        };
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name();
            let shown = if shown == Path::new(".") { PathBuf::from(&name) } else { shown.join(&name) };
            let kind = entry.file_type().map_err(|error| Failure::unreadable(&shown, &error))?;
            if kind.is_dir() && name != ".git" {
                self.walk(&entry.path(), &shown, depth - 1)?;
            } else if kind.is_file() && is_manifest(&shown) {
                if self.seen >= FILES {
                    return Err(Failure::usage(format!(
                        "there are more than {FILES} files: name a part of them"
                    )));
                }
                self.seen += 1;
                match read(&entry.path(), &shown) {
                    Ok(file) => (self.found)(file),
                    Err(error) => self.skip(&shown, format!("{error:#}")),
                }
            }
        }
        Ok(())
    }
}

fn is_manifest(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    extension
        .is_some_and(|extension| ["yaml", "yml", "json"].contains(&extension.to_ascii_lowercase().as_str()))
}

fn read(on_disk: &Path, shown: &Path) -> anyhow::Result<Scanned> {
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
    Ok(Scanned { shown: shown.display().to_string(), file, images })
}
