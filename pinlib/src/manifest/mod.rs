//! Files that name images: where the scalars stand, and which bytes go there.
//!
//! [`ManifestEditor`] is what the core asks of a format. [`same_but_pins`] is the one judge of edits, the core's own and
//! everyone else's. Beside them, the formats that people use: `kustomize`, `workload`, `helm` and any `path`, which find
//! their places and leave reading, splicing and verifying to `yaml`. `overlay` is what kustomize makes of the images of others.

mod helm;
mod images;
mod kustomize;
mod overlay;
mod path;
mod place;
mod pointer;
mod workload;
mod yaml;

pub use helm::HelmValues;
pub use images::{ImageUse, images};
pub use kustomize::Kustomization;
pub(crate) use overlay::{Overlay, overlay};
pub use path::PathEditor;
pub(crate) use place::nearest;
pub use pointer::{Pointer, Step};
pub use workload::Workload;

use crate::{
    git::{FileAt, RepoPath},
    image::{Digest, Reference},
    parse::name,
};
use std::{
    collections::BTreeMap,
    fmt::{Debug, Display},
    ops::Range,
};

name!(
    /// Names one scalar in one file, as `KIND:ADDRESS`; it stays while values change. It goes into the key.
    ///
    /// One word of plain ASCII: what else an address holds is percent-encoded.
    Locator, "locator", locator
);

fn locator(text: &str) -> Result<(), &'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/:=@~+,-%".contains(&b);
    if text.contains(':') && text.len() <= 2048 && text.bytes().all(plain) {
        Ok(())
    } else {
        Err("want KIND:ADDRESS, at most 2048 bytes, with all but plain ASCII percent-encoded")
    }
}

/// One image scalar in one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Which.
    pub locator: Locator,
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// The bytes that a pin may replace, quotes included; empty where a pin inserts.
    pub span: Range<usize>,
    /// The image that stands there, as far as the file says: without a digest where it has none.
    pub image: Reference,
}

/// What stands in the way of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditErrorKind {
    /// The file has no such site.
    NoSite,
    /// The file, or what stands at the site, is not what the editor takes.
    Refused,
    /// The editor did not do what it said.
    Unverified,
}

/// Why a file cannot be edited.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct EditError {
    /// Of which sort.
    pub kind: EditErrorKind,
    /// Which file.
    pub path: RepoPath,
    /// The line, from 1; 0 where it is about the whole file.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What was wanted there.
    pub expected: String,
    /// What stands there.
    pub found: String,
}

impl Display for EditError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.path)?;
        if self.line > 0 {
            write!(f, ":{}:{}", self.line, self.column)?;
        }
        write!(f, ": expected {}, found {}", self.expected, self.found)
    }
}

/// The same bytes of a file before and after an edit: what the edit put where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Region {
    pub before: Range<usize>,
    pub after: Range<usize>,
}

/// Finds and replaces image scalars in one format. A value that carries its own selection, as "the container web".
///
/// Pure: no I/O, same answer for same bytes. `Display` is for people, as in `workload`.
pub trait ManifestEditor: Debug + Display + Send + Sync + 'static {
    /// Finds every site of the selection, in order of spans; spans do not overlap. Never an empty list.
    ///
    /// # Errors
    /// `NoSite`, with the nearest names, where the selection matches nothing; `Refused` where the file is not what the
    /// editor reads, or what it selects cannot be edited safely; each with its line and column.
    fn sites(&self, file: &FileAt) -> Result<Vec<Site>, EditError>;
    /// The text that pins this site to this digest, in the style that stands there: it goes in place of the span.
    ///
    /// Where the span is empty, the text ends with the digest's scalar: after the edit the site's span ends where the
    /// inserted text ends.
    ///
    /// # Errors
    /// Where the site cannot hold a digest.
    fn pinned(&self, file: &FileAt, site: &Site, digest: Digest) -> Result<String, EditError>;
    /// Checks that `after` reads, in this format, as `before` does in all but these regions: the second half of the
    /// proof of an edit. The core has compared the bytes around the regions already.
    ///
    /// # Errors
    /// `Unverified` at the first difference.
    fn verify(&self, before: &FileAt, after: &FileAt, regions: &[Region]) -> Result<(), EditError>;
}

/// Finds one site again.
pub(crate) fn site(
    editor: &dyn ManifestEditor,
    file: &FileAt,
    locator: &Locator,
) -> Result<Option<Site>, EditError> {
    Ok(found(editor, file)?.into_iter().find(|site| site.locator == *locator))
}

/// Every site, where none is no error.
pub(crate) fn found(editor: &dyn ManifestEditor, file: &FileAt) -> Result<Vec<Site>, EditError> {
    match editor.sites(file) {
        Err(error) if error.kind == EditErrorKind::NoSite => Ok(Vec::new()),
        sites => sites,
    }
}

/// Whether `after` is `before` with nothing but these sites rewritten, each to its digest.
///
/// The core asks it of its own edits, and of everyone else's where a pin must be recognised.
pub(crate) fn same_but_pins(
    editors: &[&dyn ManifestEditor],
    before: &FileAt,
    after: &FileAt,
    pins: &[(&Locator, Digest)],
) -> Result<bool, EditError> {
    let mut reads = Vec::new();
    for &editor in editors {
        reads.push(Read { editor, before: found(editor, before)?, after: found(editor, after)? });
    }
    reads_as_pins(&reads, before, after, pins)
}

/// The sites that an editor found in a file before and after.
pub(crate) struct Read<'a> {
    pub(crate) editor: &'a dyn ManifestEditor,
    pub(crate) before: Vec<Site>,
    pub(crate) after: Vec<Site>,
}

/// The same, of sites that were found already.
pub(crate) fn reads_as_pins(
    reads: &[Read<'_>],
    before: &FileAt,
    after: &FileAt,
    pins: &[(&Locator, Digest)],
) -> Result<bool, EditError> {
    if before.mode != after.mode {
        return Ok(false);
    }
    let mut wanted: BTreeMap<&Locator, Digest> = pins.iter().copied().collect();
    let mut rewritten = Vec::new();
    for read in reads {
        let mut news: BTreeMap<_, _> = read.after.iter().map(|site| (&site.locator, site)).collect();
        for old in &read.before {
            if let Some((new, digest)) = news.remove(&old.locator).zip(wanted.remove(&old.locator)) {
                rewritten.push((read.editor, old, new, digest));
            }
        }
    }
    rewritten.sort_by_key(|(_, old, new, _)| (old.span.start, new.span.start));
    let Some(regions) = regions(before, after, &rewritten)?.filter(|_| wanted.is_empty()) else {
        return Ok(false);
    };
    for read in reads {
        match read.editor.verify(before, after, &regions) {
            Err(error) if error.kind == EditErrorKind::Unverified => return Ok(false),
            verified => verified?,
        }
    }
    Ok(true)
}

type Rewritten<'a> = (&'a dyn ManifestEditor, &'a Site, &'a Site, Digest);

/// Where each rewritten site stood and stands; none where a byte around them differs, or a site holds another thing.
fn regions(
    before: &FileAt,
    after: &FileAt,
    sites: &[Rewritten<'_>],
) -> Result<Option<Vec<Region>>, EditError> {
    let (mut regions, mut old_at, mut new_at) = (Vec::new(), 0, 0);
    for (editor, old, new, digest) in sites {
        let Some(gap) = before.bytes.get(old_at..old.span.start) else { return Ok(None) };
        let start = new_at + gap.len();
        // What is replaced is one scalar for one scalar. What is inserted is compared to the letter.
        let placed = if old.span.is_empty() {
            after.bytes.get(start..new.span.end) == Some(editor.pinned(before, old, *digest)?.as_bytes())
        } else {
            new.span.start == start
        };
        let holds = new.image.digest() == Some(*digest) && new.image.same_image(&old.image);
        if after.bytes.get(new_at..start) != Some(gap) || !placed || !holds {
            return Ok(None);
        }
        regions.push(Region { before: old.span.clone(), after: start..new.span.end });
        (old_at, new_at) = (old.span.end, new.span.end);
    }
    let same_end = before.bytes.get(old_at..).is_some_and(|rest| after.bytes.get(new_at..) == Some(rest));
    Ok(same_end.then_some(regions))
}
