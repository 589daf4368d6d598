//! The images that the manifests name, and the targets that pin them.

use crate::{
    args::scan::{self, Scanned},
    failure::Failure,
};
use pinlib::{HelmValues, Kustomization, ManifestEditor, Reference, RepoPath, Workload};
use std::{collections::BTreeMap, path::Path};

/// An image, and every file that names it.
#[derive(Debug)]
pub(super) struct Image {
    /// As it is written, without tag and digest.
    pub(super) name: String,
    pub(super) reference: Reference,
    pub(super) targets: Vec<Target>,
}

/// A file that names the image, and the editor that finds it there.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) kind: &'static str,
    pub(super) path: RepoPath,
}

/// Finds every image that a target can pin, in the order of names. GitHub's own files are left out: pinlib does not edit
/// workflows.
pub(super) fn find(root: &Path) -> Result<Vec<Image>, Failure> {
    let mut images = BTreeMap::new();
    let mut take = |file: Scanned| {
        if !file.shown.starts_with(".github/") {
            note(&file, &mut images);
        }
    };
    scan::all(Path::new("."), root, &mut Vec::new(), &mut take)?;
    Ok(images.into_values().collect())
}

/// One target a file and an image: the first editor that finds the image there, so that none is pinned twice.
fn note(file: &Scanned, images: &mut BTreeMap<String, Image>) {
    let Ok(path) = file.shown.parse::<RepoPath>() else { return };
    let editors: [(&'static str, &dyn ManifestEditor); 3] = [
        ("kustomization", &Kustomization::default()),
        ("workload", &Workload::default()),
        ("helm", &HelmValues::default()),
    ];
    // An editor that cannot read the file has no site in it.
    let sites = editors.map(|(kind, editor)| (kind, editor.sites(&file.file).unwrap_or_default()));
    for reference in file.images.iter().filter_map(|found| found.image.as_ref().ok()) {
        let holds =
            |(_, sites): &&(_, Vec<pinlib::Site>)| sites.iter().any(|site| site.image.same_image(reference));
        let Some((kind, _)) = sites.iter().find(holds) else { continue };
        let image = images.entry(reference.name()).or_insert_with(|| Image {
            name: reference.written_name().to_owned(),
            reference: reference.bare(),
            targets: Vec::new(),
        });
        if image.targets.iter().all(|target| target.path != path) {
            image.targets.push(Target { kind, path: path.clone() });
        }
    }
}

/// Parts the images that are built here from the rest: those with the owner in their repository's path; where there is
/// none of these, all.
pub(super) fn built_here(images: Vec<Image>, owner: Option<&str>) -> (Vec<Image>, Vec<Image>) {
    let ours = |image: &Image| {
        let is_owner = |part: &str| owner.is_some_and(|owner| part.eq_ignore_ascii_case(owner));
        image.reference.repository().split('/').any(is_owner)
    };
    let (ours, others): (Vec<_>, Vec<_>) = images.into_iter().partition(ours);
    if ours.is_empty() { (others, ours) } else { (ours, others) }
}
