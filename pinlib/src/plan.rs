//! What will change, as pure values.

use crate::{
    error::{Mismatch, PinError},
    git::{BranchName, FileAt, Mode, RepoPath},
    hold::{self, HOLDS},
    image::{Proof, Reference},
    manifest::{
        self, EditError,
        EditErrorKind::{self, NoSite, Refused, Unverified},
        Locator, Read, Site,
    },
    record::{Claim, Operation, Pinned},
    request::{PinOptions, PinRequest, Target},
    resolved::ResolvedImage,
    snapshot::Snapshot,
};
use std::{collections::BTreeMap, fmt};

/// One scalar before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteChange {
    /// Which scalar.
    pub locator: Locator,
    /// Its line in the file, from 1.
    pub line: usize,
    /// What stood there.
    pub from: Reference,
    /// What will.
    pub to: Reference,
}

/// One file before and after.
#[derive(Clone, Debug)]
pub struct FileEdit {
    path: RepoPath,
    before: Option<FileAt>,
    bytes: Vec<u8>,
    changes: Vec<SiteChange>,
}

/// A site that the request declares: whose it is, and what it shall hold.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) target: Target,
    pub(crate) pinned: Pinned,
}

impl FileEdit {
    /// The file at the expected head; none where the commit makes it, which only the hold file is.
    pub fn before(&self) -> Option<&FileAt> {
        self.before.as_ref()
    }
    /// The file's path.
    pub fn path(&self) -> &RepoPath {
        &self.path
    }
    /// The bytes to commit.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
    /// The sites that differ; none in the hold file.
    pub fn changes(&self) -> &[SiteChange] {
        &self.changes
    }
}

/// A target file on its way.
struct Draft {
    before: FileAt,
    after: FileAt,
    changes: Vec<SiteChange>,
}

impl Draft {
    /// Pins every site of the image in one pass, verified on the whole file.
    fn pin(&mut self, target: &Target, image: &ResolvedImage) -> Result<Vec<Declared>, PinError> {
        let (editor, digest) = (&*target.editor, image.digest());
        let sites = sites(target, &self.after, &image.pin().image)?;
        let (mut bytes, mut from, mut pins) = (Vec::with_capacity(self.after.bytes.len()), 0, Vec::new());
        for site in sites.iter().filter(|site| site.image.digest() != Some(digest)) {
            if let Some(was) = image.pin().was.as_ref().filter(|was| **was != site.image) {
                let (expected, found) = (was.to_string(), site.image.to_string());
                return Err(Mismatch::Was { path: target.path.clone(), expected, found }.into());
            }
            bytes.extend(self.after.bytes.get(from..site.span.start).unwrap_or_default());
            bytes.extend(editor.pinned(&self.after, site, digest)?.into_bytes());
            from = site.span.end;
            pins.push((&site.locator, digest));
        }
        if !pins.is_empty() {
            bytes.extend(self.after.bytes.get(from..).unwrap_or_default());
            let after = FileAt { bytes, ..self.after.clone() };
            let read = Read { editor, before: sites.clone(), after: manifest::found(editor, &after)? };
            if !manifest::reads_as_pins(std::slice::from_ref(&read), &self.after, &after, &pins)? {
                let found = "another edit: nothing was written";
                return Err(refuse(target, Unverified, "an edit of these sites alone", found).into());
            }
            let now: BTreeMap<_, _> = read.after.iter().map(|site| (&site.locator, &site.image)).collect();
            for site in sites.iter().filter(|site| site.image.digest() != Some(digest)) {
                let to =
                    now.get(&site.locator).map_or_else(|| site.image.at(digest), |image| (*image).clone());
                let (locator, from) = (site.locator.clone(), site.image.clone());
                self.changes.push(SiteChange { locator, line: site.line, from, to });
            }
            self.after = after;
        }
        let pinned = |site: Site| Pinned { path: target.path.clone(), locator: site.locator, digest };
        Ok(sites.into_iter().map(|site| Declared { target: target.clone(), pinned: pinned(site) }).collect())
    }
}

fn refuse(target: &Target, kind: EditErrorKind, expected: &str, found: &str) -> EditError {
    let (expected, found) = (expected.into(), found.into());
    EditError { kind, path: target.path.clone(), line: 0, column: 0, expected, found }
}

/// The sites of this image that a target means: a regular file, as many as were declared.
pub(crate) fn sites(target: &Target, file: &FileAt, image: &Reference) -> Result<Vec<Site>, EditError> {
    if file.mode != Mode::Regular {
        return Err(refuse(target, Refused, "a regular file (100644)", &file.mode.to_string()));
    }
    let (sites, others): (Vec<_>, Vec<_>) =
        target.editor.sites(file)?.into_iter().partition(|site| site.image.same_image(image));
    if sites.is_empty() {
        let found =
            manifest::nearest(image.written_name(), others.iter().map(|site| site.image.written_name()));
        return Err(refuse(target, NoSite, &format!("the image {}", image.written_name()), &found));
    }
    match target.count {
        Some(count) if count != sites.len() => {
            let found = format!("{}, the first in line {}", sites.len(), sites[0].line);
            Err(refuse(target, Refused, &format!("{count} sites of {}", image.written_name()), &found))
        }
        _ => Ok(sites),
    }
}

/// What an operation makes of these files: the files that change, and every declared site, changed or not.
fn edit(
    operation: Operation,
    images: &[ResolvedImage],
    files: &[FileAt],
    holds: Option<&FileAt>,
) -> Result<(Vec<FileEdit>, Vec<Declared>), PinError> {
    let draft = |file: &FileAt| Draft { before: file.clone(), after: file.clone(), changes: Vec::new() };
    let mut drafts: Vec<_> = files.iter().map(draft).collect();
    let mut sites = Vec::new();
    for image in images {
        for target in &image.pin().targets {
            for draft in drafts.iter_mut().filter(|draft| draft.before.path == target.path) {
                sites.extend(draft.pin(target, image)?);
            }
        }
    }
    drafts.retain(|draft| !draft.changes.is_empty());
    let mut edits: Vec<_> = drafts
        .into_iter()
        .map(|Draft { before, after, changes }| FileEdit {
            path: after.path,
            before: Some(before),
            bytes: after.bytes,
            changes,
        })
        .collect();
    let pinned: Vec<_> = sites.iter().map(|site| site.pinned.clone()).collect();
    if let Some(bytes) = hold::after(operation, &pinned, holds)? {
        let path = RepoPath::own(HOLDS);
        edits.push(FileEdit { path, before: holds.cloned(), bytes, changes: Vec::new() });
    }
    Ok((edits, sites))
}

/// Whether nothing is left to do: every site holds its digest, judged by bytes, and the hold file is as it shall be.
pub(crate) fn is_done(
    operation: Operation,
    images: &[ResolvedImage],
    files: &[Option<FileAt>],
    holds: Option<&FileAt>,
) -> bool {
    let files: Option<Vec<_>> = files.iter().cloned().collect();
    files.is_some_and(|files| edit(operation, images, &files, holds).is_ok_and(|(edits, _)| edits.is_empty()))
}

/// Every file that will change, the snapshot it was planned on, and the claim that goes with it.
#[derive(Clone, Debug)]
pub struct PinPlan {
    branch: BranchName,
    options: PinOptions,
    snapshot: Snapshot,
    images: Vec<ResolvedImage>,
    edits: Vec<FileEdit>,
    sites: Vec<Declared>,
    claim: Claim,
    proof: Proof,
}

impl PinPlan {
    /// Plans the images' targets on the snapshot's files. A site that already holds its digest is no change; one that
    /// cannot be edited, or holds another value than the caller said, stops them all.
    ///
    // For the crate, since pin.rs above has all three.
    /// Not public: a plan for one request on the snapshot of another would be judged by the wrong source.
    pub(crate) fn new(
        operation: Operation,
        request: &PinRequest,
        images: &[ResolvedImage],
        snapshot: Snapshot,
    ) -> Result<Self, PinError> {
        let (edits, sites) = edit(operation, images, snapshot.files(), snapshot.holds())?;
        let pinned = sites.iter().map(|site| site.pinned.clone()).collect();
        let declared = images.iter().any(|image| image.proof() == Proof::Declared);
        Ok(Self {
            branch: request.branch().clone(),
            options: request.options().clone(),
            snapshot,
            images: images.to_vec(),
            edits,
            sites,
            claim: Claim::new(operation, request.branch(), request.source(), pinned),
            proof: if declared { Proof::Declared } else { Proof::Hashed },
        })
    }
    /// The files that will change.
    pub fn edits(&self) -> &[FileEdit] {
        &self.edits
    }
    /// What each image of the request was settled to.
    pub fn images(&self) -> &[ResolvedImage] {
        &self.images
    }
    /// What it was made on.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.edits.is_empty()
    }
    /// What the commit will claim.
    pub fn claim(&self) -> &Claim {
        &self.claim
    }
    /// How its digests are known.
    pub fn proof(&self) -> Proof {
        self.proof
    }
    // What only the guard above asks: where to, by which options, every declared site; and the edits, to keep.
    pub(crate) fn branch(&self) -> &BranchName {
        &self.branch
    }
    pub(crate) fn options(&self) -> &PinOptions {
        &self.options
    }
    pub(crate) fn sites(&self) -> &[Declared] {
        &self.sites
    }
    pub(crate) fn into_edits(self) -> Vec<FileEdit> {
        self.edits
    }
}

impl fmt::Display for PinPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for edit in &self.edits {
            for change in &edit.changes {
                writeln!(f, "{}:{}\n-{}\n+{}", edit.path, change.line, change.from, change.to)?;
            }
        }
        Ok(())
    }
}
