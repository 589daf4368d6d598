//! What the editors' tests share: a pin of a text through the real core, and an edit of one site.

use pinlib::{
    Digest, DigestSource, EditError, FileAt, ImagePin, ManifestEditor, Mode, NoRegistry, ObjectFormat, Oid,
    Patience, PinError, PinOptions, PinRequest, Pinner, Region, Site, Target,
};
use pinlib_testkit::{
    memory::{MemoryClock, MemoryForge},
    sim::run,
};
use std::{env, ops::Range, path::PathBuf, sync::Arc};

pub(crate) fn digest() -> Digest {
    Digest::of(b"new")
}

pub(crate) fn file(path: &str, bytes: impl Into<Vec<u8>>) -> FileAt {
    let bytes = bytes.into();
    let oid = Oid::of(ObjectFormat::Sha1, "blob", &bytes);
    FileAt { path: path.parse().expect("a path"), mode: Mode::Regular, oid, bytes }
}

/// A text after the core pinned an image in it: resolved, planned, guarded, committed and read again.
pub(crate) fn pin(
    editor: impl ManifestEditor,
    path: &str,
    text: &str,
    image: &str,
) -> Result<String, PinError> {
    let (forge, branch) = (Arc::new(MemoryForge::default()), "main".parse().expect("a branch"));
    let repo_path = || path.parse().expect("a path");
    let source = forge.push(&branch, &[(repo_path(), text)], "source");
    let pinner = Pinner {
        registry: Arc::new(NoRegistry),
        forge: Arc::clone(&forge) as _,
        clock: Arc::new(MemoryClock::default()),
        patience: Patience::default(),
    };
    let image = ImagePin {
        image: image.parse().expect("an image"),
        digest: DigestSource::Declared(digest()),
        platform: None,
        targets: vec![Target::new(repo_path(), Arc::new(editor))],
        was: None,
    };
    let request = PinRequest::new(source, branch, vec![image], PinOptions::default())?;
    let receipt = run(pinner.pin(&request, [1; 16].into()))?;
    let files = forge.files(receipt.commit);
    Ok(String::from_utf8(files[&repo_path()].clone()).expect("text"))
}

/// The text with the new digest for `DIGEST`, and another for `OLD`.
pub(crate) fn filled(text: &str) -> String {
    text.replace("DIGEST", &digest().to_string()).replace("OLD", &Digest::of(b"old").to_string())
}

/// Holds a pin of a text against the whole text that shall come out.
#[track_caller]
pub(crate) fn becomes(editor: impl ManifestEditor, path: &str, image: &str, before: &str, after: &str) {
    let now = pin(editor, path, &filled(before), image).unwrap_or_else(|error| panic!("{error}\n{before}"));
    assert_eq!(now, filled(after));
}

/// What the pin of a text is refused with.
#[track_caller]
pub(crate) fn refusal(editor: impl ManifestEditor, path: &str, image: &str, text: &str) -> String {
    match pin(editor, path, &filled(text), image) {
        Err(PinError::Edit(error)) => error.to_string(),
        other => panic!("{other:?}\n{text}"),
    }
}

/// What goes where.
pub(crate) type Splice = (Range<usize>, String);

/// These sites of a file pinned, with the core's own checks: each found again under its name, at its place, holding the
/// digest; every other event as it was.
pub(crate) fn pin_sites(
    editor: &dyn ManifestEditor,
    before: &FileAt,
    sites: &[Site],
) -> Result<(FileAt, Vec<Splice>), EditError> {
    let (mut after, mut regions, mut splices) = (before.clone(), Vec::new(), Vec::new());
    for site in sites.iter().rev() {
        let text = editor.pinned(before, site, digest())?;
        after.bytes.splice(site.span.clone(), text.clone().into_bytes());
        splices.push((site.span.clone(), text));
    }
    splices.reverse();
    let (mut old_end, mut new_end) = (0, 0);
    for (span, text) in &splices {
        let start = new_end + (span.start - old_end);
        regions.push(Region { before: span.clone(), after: start..start + text.len() });
        (old_end, new_end) = (span.end, start + text.len());
    }
    let now = editor.sites(&after)?;
    for (site, region) in sites.iter().zip(&regions) {
        let now = now.iter().find(|now| now.locator == site.locator);
        let now = now.unwrap_or_else(|| panic!("{} is there no more", site.locator));
        assert_eq!(now.span.end, region.after.end, "{site:?}");
        assert!(site.span.is_empty() || now.span.start == region.after.start, "{site:?}");
        assert_eq!(now.image.digest(), Some(digest()), "{site:?}");
        assert!(now.image.same_image(&site.image), "{site:?}");
    }
    editor.verify(before, &after, &regions)?;
    Ok((after, splices))
}

/// Says that a test could not run for want of something; where `CI` is set, that is a failure.
#[expect(clippy::print_stderr, reason = "no test skips without a word")]
pub(crate) fn missing(what: &str) {
    assert!(env::var_os("CI").is_none(), "{what} is missing");
    eprintln!("not run: {what} is missing");
}

/// The folder of real manifests beside the project.
pub(crate) fn corpus() -> Option<PathBuf> {
    let folder = env::var_os("PINLIB_CORPUS")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"), PathBuf::from);
    folder.is_dir().then_some(folder)
}
