//! Any file to any editor: an error with its place, or an edit of declared scalars and nothing else (I4, I5).

use crate::{
    git::{FileAt, Mode, ObjectFormat, Oid},
    image::Digest,
    manifest::{
        self, EditError, EditErrorKind, HelmValues, Kustomization, ManifestEditor, PathEditor, Site,
        Workload, same_but_pins,
    },
};

fn editors() -> Vec<Box<dyn ManifestEditor>> {
    let path = |path: &str| path.parse().unwrap_or_default();
    let insert = "ghcr.io/acme/web".parse().ok();
    vec![
        Box::new(Kustomization::default()),
        Box::new(Kustomization { insert, ..Kustomization::default() }),
        Box::new(Workload::default()),
        Box::new(Workload { container: Some("web".into()), keep_tag: true }),
        Box::new(HelmValues::default()),
        Box::new(HelmValues { at: path("/image"), keep_tag: true }),
        Box::new(PathEditor { at: path("/a"), keep_tag: false }),
        Box::new(PathEditor { at: path("/a/0/b"), keep_tag: true }),
    ]
}

/// The bytes are a file, for each editor in turn.
pub(super) fn editor(bytes: &[u8]) {
    let Ok(path) = "deploy/kustomization.yaml".parse() else { return };
    let (mode, oid) = (Mode::Regular, Oid::of(ObjectFormat::Sha1, "blob", bytes));
    let file = FileAt { path, mode, oid, bytes: bytes.to_vec() };
    manifest::images(&file).map_err(|error| placed(&file, &error)).ok();
    for editor in editors() {
        match editor.sites(&file) {
            Ok(sites) => of_sites(&*editor, &file, &sites),
            Err(error) => placed(&file, &error),
        }
    }
}

/// An error is of this file, and of a line that it has.
fn placed(file: &FileAt, error: &EditError) {
    assert_eq!(error.path, file.path);
    let lines = file.bytes.split(|byte| *byte == b'\n' || *byte == b'\r').count();
    assert!(error.line <= lines + 1, "{error}, of {lines} lines");
    assert!(!error.to_string().contains(['\n', '\u{1b}']), "{:?}", error.to_string());
}

fn of_sites(editor: &dyn ManifestEditor, file: &FileAt, sites: &[Site]) {
    let ordered = sites.windows(2).all(|two| two[0].span.end <= two[1].span.start);
    assert!(!sites.is_empty() && ordered, "{editor}: {sites:?}");
    let mut names: Vec<_> = sites.iter().map(|site| &site.locator).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), sites.len(), "{editor}: two sites of one name");
    for chosen in sites.chunks(1).take(8).chain([sites]) {
        if let Some(after) = edit(editor, file, chosen, Digest::of(b"new")) {
            let again = editor.sites(&after);
            let again = again.unwrap_or_else(|error| panic!("{editor}: its own edit is not read: {error}"));
            let left: Vec<_> = sites.iter().filter(|site| !chosen.contains(site)).collect();
            let stay = left
                .iter()
                .all(|old| again.iter().any(|new| (&new.locator, &new.image) == (&old.locator, &old.image)));
            assert!(stay, "{editor}: another site changed");
            let held: Vec<_> = again
                .into_iter()
                .filter(|site| chosen.iter().any(|old| old.locator == site.locator))
                .collect();
            assert!(held.iter().all(|site| site.image.digest() == Some(Digest::of(b"new"))), "{editor}");
            let twice = edit(editor, &after, &held, Digest::of(b"new"));
            assert_eq!(twice.as_ref(), Some(&after), "{editor}: an edit twice is another");
        }
    }
}

/// The file with these sites pinned, where the editor can and the core's judge agrees.
fn edit(editor: &dyn ManifestEditor, file: &FileAt, sites: &[Site], digest: Digest) -> Option<FileAt> {
    let mut after = file.clone();
    for site in sites.iter().rev() {
        match editor.pinned(file, site, digest) {
            Ok(text) => drop(after.bytes.splice(site.span.clone(), text.into_bytes())),
            Err(error) => {
                placed(file, &error);
                return None;
            }
        }
    }
    let pins: Vec<_> = sites.iter().map(|site| (&site.locator, digest)).collect();
    match same_but_pins(&[editor], file, &after, &pins) {
        Ok(same) => same.then_some(after),
        Err(error) => {
            assert_ne!(error.kind, EditErrorKind::NoSite, "{editor}: {error}");
            None
        }
    }
}
