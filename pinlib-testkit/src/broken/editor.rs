//! Editors that are wrong on purpose: the suite must say so.

use pinlib::{Digest, EditError, EditErrorKind, FileAt, ManifestEditor, Region, Site};
use std::{
    fmt::{self, Display},
    sync::Arc,
};

/// What is wrong with an editor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditorFlaw {
    /// Reads the file, changes a value, and writes all of it anew: the comments are gone.
    Reserialising,
    /// Spans reach into the next.
    Overlapping,
    /// Takes the comment behind a value for a part of it.
    EatingComments,
    /// Writes a note beside the digest.
    LeavingNotes,
    /// Writes a digest, but not the one that it was given.
    OtherDigest,
    /// Names a site by what stands there.
    NamedByValue,
    /// Tells sites as it met them, the last first.
    Unordered,
    /// Writes without the quotes that stood there.
    Unquoting,
    /// Ends each line that it brings in as Unix does.
    UnixLines,
    /// Believes that every file is text.
    Trusting,
    /// Reads what is not text as well as it can.
    Lossy,
    /// Finds a fault with every edit.
    NeverContent,
    /// Calls a file without sites an empty list.
    EmptyList,
    /// Forgets in which file it was.
    Pathless,
}

/// Any editor with a flaw.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the sentence above")]
pub struct BrokenEditor {
    pub inner: Arc<dyn ManifestEditor>,
    pub flaw: EditorFlaw,
}

impl Display for BrokenEditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {:?}", self.inner, self.flaw)
    }
}

/// The end of the line that a place is in.
fn line_end(file: &FileAt, at: usize) -> usize {
    file.bytes[at..].iter().position(|byte| b"\r\n".contains(byte)).map_or(file.bytes.len(), |len| at + len)
}

impl BrokenEditor {
    fn damage(&self, file: &FileAt, mut sites: Vec<Site>) -> Vec<Site> {
        match self.flaw {
            EditorFlaw::Unordered => sites.reverse(),
            EditorFlaw::Reserialising => sites.truncate(1),
            _ => {}
        }
        for site in &mut sites {
            match self.flaw {
                EditorFlaw::Reserialising => site.span = 0..file.bytes.len(),
                EditorFlaw::Overlapping => site.span.end = file.bytes.len(),
                EditorFlaw::EatingComments => site.span.end = line_end(file, site.span.end),
                EditorFlaw::NamedByValue => {
                    let digest = site.image.digest().map_or_else(|| "none".into(), |digest| digest.short());
                    let name = format!("{}/{digest}", site.locator);
                    site.locator = name.parse().unwrap_or_else(|_error| site.locator.clone());
                }
                _ => {}
            }
        }
        sites
    }
    /// The site as the editor beneath knows it.
    fn whole(&self, file: &FileAt, site: &Site) -> Result<Site, EditError> {
        let sites = self.inner.sites(file)?;
        let found = sites.into_iter().find(|found| (found.line, found.column) == (site.line, site.column));
        Ok(found.unwrap_or_else(|| site.clone()))
    }
}

impl ManifestEditor for BrokenEditor {
    #[expect(clippy::unwrap_used, reason = "it is what is wrong")]
    fn sites(&self, file: &FileAt) -> Result<Vec<Site>, EditError> {
        let text = || String::from_utf8_lossy(&file.bytes).into_owned().into_bytes();
        if self.flaw == EditorFlaw::Trusting {
            std::str::from_utf8(&file.bytes).unwrap();
        }
        let sites = match self.flaw {
            EditorFlaw::Lossy => self.inner.sites(&FileAt { bytes: text(), ..file.clone() }),
            _ => self.inner.sites(file),
        };
        match (self.flaw, sites) {
            (EditorFlaw::EmptyList, Err(error)) if error.kind == EditErrorKind::NoSite => Ok(Vec::new()),
            (EditorFlaw::Pathless, Err(error)) => {
                Err(EditError { path: "unknown".parse().unwrap_or(error.path), ..error })
            }
            (_, sites) => sites.map(|sites| self.damage(file, sites)),
        }
    }
    fn pinned(&self, file: &FileAt, site: &Site, digest: Digest) -> Result<String, EditError> {
        let whole = self.whole(file, site)?;
        let right = self.inner.pinned(file, &whole, digest)?;
        Ok(match self.flaw {
            EditorFlaw::Reserialising => {
                let mut bytes = file.bytes.clone();
                bytes.splice(whole.span, right.into_bytes());
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let data = |line: &&str| !line.trim_start().starts_with('#');
                text.lines().filter(data).flat_map(|line| [line, "\n"]).collect()
            }
            EditorFlaw::LeavingNotes => format!("{right} # pinned"),
            EditorFlaw::OtherDigest => self.inner.pinned(file, &whole, Digest::of(b"cached"))?,
            EditorFlaw::Unquoting => right.replace(['"', '\''], ""),
            EditorFlaw::UnixLines => right.replace("\r\n", "\n"),
            _ => right,
        })
    }
    fn verify(&self, before: &FileAt, after: &FileAt, regions: &[Region]) -> Result<(), EditError> {
        match self.flaw {
            EditorFlaw::NeverContent => Err(EditError {
                kind: EditErrorKind::Unverified,
                path: after.path.clone(),
                line: 0,
                column: 0,
                expected: "another edit".into(),
                found: "this".into(),
            }),
            // What it wrote is no scalar; it would say so itself, if it looked.
            EditorFlaw::Reserialising | EditorFlaw::LeavingNotes | EditorFlaw::EatingComments => Ok(()),
            _ => self.inner.verify(before, after, regions),
        }
    }
}
