//! Edits of files in memory, as the core makes them: sites found, written, found again, verified. Prints seconds and bytes.
//!
//! `editor [--container NAME] [--times N] FILE...` pins every image of workloads, or of the containers of that name.

use pinlib::{Digest, EditErrorKind, FileAt, ManifestEditor, Mode, ObjectFormat, Oid, Region, Workload};
use std::{
    env, fs,
    io::{self, Write as _},
    time::{Duration, Instant},
};

type Failed = Box<dyn std::error::Error>;

/// One file edited; how many sites it has.
fn edit(editor: &Workload, file: &FileAt, digest: Digest) -> Result<usize, Failed> {
    let sites = match editor.sites(file) {
        Err(error) if error.kind == EditErrorKind::NoSite => return Ok(0),
        sites => sites?,
    };
    let (mut bytes, mut from, mut regions) =
        (Vec::with_capacity(file.bytes.len() + 80 * sites.len()), 0, Vec::new());
    for site in &sites {
        bytes.extend(&file.bytes[from..site.span.start]);
        let start = bytes.len();
        bytes.extend(editor.pinned(file, site, digest)?.into_bytes());
        regions.push(Region { before: site.span.clone(), after: start..bytes.len() });
        from = site.span.end;
    }
    bytes.extend(&file.bytes[from..]);
    let after = FileAt { bytes, ..file.clone() };
    let found = editor.sites(&after)?;
    if found.len() != sites.len() || found.iter().any(|site| site.image.digest() != Some(digest)) {
        return Err(format!("{}: not every site holds the digest", file.path).into());
    }
    editor.verify(file, &after, &regions)?;
    Ok(sites.len())
}

fn main() -> Result<(), Failed> {
    let (mut editor, mut times, mut files) = (Workload::default(), 1, Vec::new());
    let mut words = env::args().skip(1);
    while let Some(word) = words.next() {
        match &*word {
            "--container" => editor.container = words.next(),
            "--times" => times = words.next().ok_or("how often?")?.parse()?,
            path => {
                let bytes = fs::read(path)?;
                let oid = Oid::of(ObjectFormat::Sha1, "blob", &bytes);
                files.push(FileAt { path: "a.yaml".parse()?, mode: Mode::Regular, oid, bytes });
            }
        }
    }
    let (mut sites, mut refused, mut best) = (0, 0, Duration::MAX);
    for n in 0..times {
        let digest = Digest::of(&[n]);
        (sites, refused) = (0, 0);
        let start = Instant::now();
        for file in &files {
            match edit(&editor, file, digest) {
                Ok(found) => sites += found,
                Err(_) => refused += 1,
            }
        }
        best = best.min(start.elapsed());
    }
    let bytes: usize = files.iter().map(|file| file.bytes.len()).sum();
    let seconds = best.as_secs_f64();
    writeln!(
        io::stdout(),
        "{{\"seconds\":{seconds},\"bytes\":{bytes},\"files\":{},\"sites\":{sites},\"refused\":{refused}}}",
        files.len()
    )?;
    Ok(())
}
