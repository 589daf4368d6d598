//! What an audit finds, as values.

use crate::{
    git::{Oid, RepoPath},
    image::Reference,
    manifest::{EditError, Locator},
    recognise::Misfit,
};
use std::fmt;

/// One thing that no pin of pinlib's leaves so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// The commit that did it.
    pub commit: Oid,
    /// The file that it is about, as text; none where it is about the commit.
    pub path: Option<String>,
    /// The line in the commit's file, from 1, where there is one.
    pub line: Option<usize>,
    /// What it is.
    pub what: Tampering,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Tampering {
    /// The digest at a site is new, and no record is there.
    Unrecorded {
        /// The site.
        locator: Locator,
        /// What stood there; none where the site is new.
        from: Option<Reference>,
        /// What stands there.
        to: Reference,
    },
    /// The commit holds a record that is not believed, and so is no pin.
    Misfit(Misfit),
    /// The pinner's identity made a commit that is no pin, and changed this file, which is none of its sites'.
    Outside {
        /// How many such files there are beside it.
        more: usize,
    },
    /// The pinner's identity made a commit without a record.
    NoRecord,
    /// A pin that is not signed, or whose signature nobody vouches for.
    Unsigned,
    /// A site held a digest, and holds none any more.
    Unpinned {
        /// The site.
        locator: Locator,
        /// What stood there.
        from: Reference,
        /// What stands there; none where the file has no such site any more.
        to: Option<Reference>,
    },
    /// A file of sites can no longer be read, so that nobody knows what it holds.
    Unreadable(EditError),
    /// A pin replaced a pin of a newer source.
    Downgrade {
        /// The site.
        locator: Locator,
        /// What was pinned from.
        source_commit: Oid,
        /// The pin that was replaced.
        replaced: Oid,
        /// What that was pinned from.
        replaced_source: Oid,
    },
    /// A pin of a site that was on hold.
    HoldIgnored {
        /// The site.
        locator: Locator,
    },
    /// A hold was taken away, and no release says so.
    HoldTaken {
        /// The site.
        locator: Locator,
        /// Its file.
        path: RepoPath,
    },
}

impl Tampering {
    /// Its name, one word for each.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unrecorded { .. } => "unrecorded",
            Self::Misfit(_) => "misfit",
            Self::Outside { .. } => "outside",
            Self::NoRecord => "no-record",
            Self::Unsigned => "unsigned",
            Self::Unpinned { .. } => "unpinned",
            Self::Unreadable(_) => "unreadable",
            Self::Downgrade { .. } => "downgrade",
            Self::HoldIgnored { .. } => "hold-ignored",
            Self::HoldTaken { .. } => "hold-taken",
        }
    }
}

/// What tells an image at a site from another: its digest, else its tag.
fn short(image: &Reference) -> String {
    match (image.digest(), image.tag()) {
        (Some(digest), _) => digest.short(),
        (None, Some(tag)) => format!("the tag {tag}"),
        (None, None) => "no tag".into(),
    }
}

impl fmt::Display for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unrecorded { from: Some(from), to, .. } if !from.same_image(to) => {
                write!(f, "{from} became {to}, and no pin did it")
            }
            Self::Unrecorded { from: Some(from), to, .. } => {
                write!(f, "{} went from {} to {}, and no pin did it", to.name(), short(from), short(to))
            }
            Self::Unrecorded { from: None, to, .. } => {
                write!(f, "{} came with {}, and no pin did it", to.name(), short(to))
            }
            Self::Misfit(misfit) => write!(f, "its record is not believed: {misfit}"),
            Self::Outside { more: 0 } => {
                f.write_str("the pinner changed a file that no pin of its writes to")
            }
            Self::Outside { more } => {
                write!(f, "the pinner changed a file that no pin of its writes to, and {more} more")
            }
            Self::NoRecord => f.write_str("the pinner made a commit without a record"),
            Self::Unsigned => f.write_str("the pin has no signature that is vouched for"),
            Self::Unpinned { from, to: Some(to), .. } => {
                write!(f, "{} held {}, and holds {}", from.name(), short(from), short(to))
            }
            Self::Unpinned { from, to: None, .. } => {
                write!(f, "{} held {}, and is not there any more", from.name(), short(from))
            }
            Self::Unreadable(error) => write!(f, "it cannot be read any more: {error}"),
            Self::Downgrade { source_commit, replaced, replaced_source, .. } => write!(
                f,
                "pinned from {}, which is older than {}, the source of the pin {} that it replaced",
                source_commit.short(),
                replaced_source.short(),
                replaced.short()
            ),
            Self::HoldIgnored { locator } => write!(f, "{locator} was on hold, and was pinned"),
            Self::HoldTaken { locator, path } => {
                write!(f, "the hold of {locator} in {path} was taken away, and no release says so")
            }
        }
    }
}
