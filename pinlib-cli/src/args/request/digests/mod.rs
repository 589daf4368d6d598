//! `--digests`: what a build reported, in the words of the tool that built. A file a format beside this one; which it is
//! shows in its shape alone, and what fits none or several is refused.

mod buildx;
mod kbld;
mod ko;
mod matrix;
mod skaffold;
mod tree;

use crate::{
    failure::Failure,
    surroundings::Surroundings,
    text::{self, Handed},
};
use pinlib::{Digest, Reference};
use std::path::Path;
use tree::Tree;

/// A longer report is not read. buildx writes whole provenance into its own, so this is generous.
const LIMIT: u64 = 16 << 20;

/// An image that a build pushed. Its tag is not kept: it decides nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reported {
    /// Its name alone.
    pub(super) image: Reference,
    pub(super) digest: Digest,
}

/// How a tool reports digests.
struct Format {
    /// As an error calls it.
    name: &'static str,
    fits: fn(&Tree) -> bool,
    read: fn(&Tree) -> Result<Vec<Reported>, String>,
}

const FORMATS: [Format; 8] = [
    matrix::OBJECT,
    matrix::LIST,
    buildx::BUILD,
    buildx::BAKE,
    ko::LINES,
    kbld::CONFIG,
    kbld::IMAGES_LOCK,
    skaffold::BUILDS,
];

/// Reads the reports as one; `-` is the standard input. An image may stand there more than once, by one digest.
pub(super) fn read(files: &[impl AsRef<Path>], around: &Surroundings) -> Result<Vec<Reported>, Failure> {
    let mut all: Vec<Reported> = Vec::new();
    for file in files.iter().map(AsRef::as_ref) {
        let Handed { name, text } = text::handed(file, around, LIMIT)?;
        let wrong = |reason: String| Failure::usage(format!("cannot read digests from {name}: {reason}"));
        let entries = entries(&text).map_err(|(reason, hint)| match hint {
            Some(hint) => wrong(reason).with_hint(hint),
            None => wrong(reason),
        })?;
        for one in entries {
            match all.iter().find(|other| other.image.same_image(&one.image)) {
                None => all.push(one),
                Some(other) if other.digest == one.digest => {}
                Some(other) => {
                    return Err(wrong(format!(
                        "{} is reported twice, as {} and as {}",
                        one.image, other.digest, one.digest
                    ))
                    .with_hint("report the index of a build for several platforms, and each image once"));
                }
            }
        }
    }
    Ok(all)
}

/// What one report holds; else why not, and the next step where the format itself is in doubt.
fn entries(text: &str) -> Result<Vec<Reported>, (String, Option<String>)> {
    let plain = |reason| (reason, None);
    let tree = Tree::parse(text).map_err(plain)?;
    let fitting: Vec<_> = FORMATS.iter().filter(|format| (format.fits)(&tree)).collect();
    let names = |formats: &mut dyn Iterator<Item = &Format>| {
        formats.map(|format| format.name).collect::<Vec<_>>().join("; ")
    };
    match fitting[..] {
        [format] => {
            let reported =
                (format.read)(&tree).map_err(|reason| plain(format!("{}: {reason}", format.name)))?;
            if reported.is_empty() {
                return Err(plain(format!("{}: it reports no image", format.name)));
            }
            Ok(reported)
        }
        [] => {
            let known = names(&mut FORMATS.iter());
            Err((format!("no format that pinlib knows has {tree}"), Some(format!("known are: {known}"))))
        }
        _ => Err(plain(format!("{tree} may be {}", names(&mut fitting.into_iter())))),
    }
}

/// An image that the report names together with its digest.
fn whole(text: &str) -> Result<Reported, String> {
    let image: Reference = text.parse().map_err(|error: pinlib::ParseError| error.to_string())?;
    let digest = image.digest().ok_or_else(|| format!("{text} has no digest: was it pushed?"))?;
    Ok(Reported { image: image.bare(), digest })
}

/// An image that the report names beside its digest.
fn pair(image: &str, digest: &str) -> Result<Reported, String> {
    let parsed: Reference = image.parse().map_err(|error: pinlib::ParseError| error.to_string())?;
    let digest = digest.parse().map_err(|error: pinlib::ParseError| format!("{image}: {error}"))?;
    match parsed.digest() {
        Some(other) if other != digest => Err(format!("{image} stands beside another digest, {digest}")),
        _ => Ok(Reported { image: parsed.bare(), digest }),
    }
}

#[cfg(test)]
mod tests;
