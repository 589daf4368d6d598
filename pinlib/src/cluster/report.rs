//! What a look at a cluster came to, as values: one row for all that is alike.

use super::{
    image_id::ImageId,
    object::{Owner, Role},
    same::Equality,
    wanted::Wanted,
};
use crate::{
    git::Oid,
    image::{Digest, Reference},
};
use std::fmt;

/// Whether what runs is what Git says.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunVerdict {
    /// It is.
    Match(Equality),
    /// It is not yet, for this reason, and may be soon.
    Pending(String),
    /// Git says it, and it runs nowhere that was looked.
    NotRunning,
    /// It cannot be known, for this reason.
    Unknown(String),
    /// It is another image.
    Mismatch,
    /// It runs, and Git says nothing of it.
    Unmanaged,
}

impl RunVerdict {
    /// Its name, as in `not-running`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Match(_) => "match",
            Self::Pending(_) => "pending",
            Self::NotRunning => "not-running",
            Self::Unknown(_) => "unknown",
            Self::Mismatch => "mismatch",
            Self::Unmanaged => "unmanaged",
        }
    }
    /// Why, where the name does not say it all.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Pending(why) | Self::Unknown(why) => Some(why),
            _ => None,
        }
    }
}

/// Which of the revisions of a workload a pod is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Track {
    /// The one that a Rollout has proven.
    Stable,
    /// The one that a Rollout is trying out.
    Canary,
    /// One before the newest.
    Old,
}

impl fmt::Display for Track {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stable => "stable",
            Self::Canary => "canary",
            Self::Old => "old",
        })
    }
}

/// Where something runs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RunPlace {
    /// The namespace.
    pub namespace: String,
    /// What holds the pods; none for a pod by itself.
    pub owner: Option<Owner>,
    /// The container's name.
    pub container: String,
    /// What the container is for.
    pub role: Role,
    /// Which revision, where several run or a Rollout tells.
    pub track: Option<Track>,
}

/// Containers that are alike in all that matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// The image, as Git calls it; where Git does not know it, as its pods do.
    pub image: Reference,
    /// The digest that Git has for it.
    pub wanted: Option<Digest>,
    /// Where they run; none where they do not.
    pub place: Option<RunPlace>,
    /// The image that their pods ask for, as it is written there.
    pub asked: Option<String>,
    /// What their nodes say that they run.
    pub running: ImageId,
    /// The pods.
    pub pods: Vec<String>,
    /// How many of them serve.
    pub ready: usize,
    /// What that comes to.
    pub verdict: RunVerdict,
}

/// What an Argo CD Application says of its sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppState {
    /// Its namespace and name.
    pub name: String,
    /// The revisions that it is synced to.
    pub revisions: Vec<String>,
    /// In its own word, as `Synced`.
    pub sync: Option<String>,
    /// In its own word, as `Healthy`.
    pub health: Option<String>,
    /// Whether it holds the commit, is synced and healthy: a match, or why not.
    pub verdict: RunVerdict,
}

/// What a look at a cluster came to.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// The commit that was held against the cluster.
    pub commit: Oid,
    /// What Git says there.
    pub wanted: Vec<Wanted>,
    /// What runs, and what does not: worst first within an image.
    pub rows: Vec<RunRow>,
    /// The application, where one was asked for.
    pub application: Option<AppState>,
}

/// A way in which a cluster and Git have drifted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Drift {
    /// Git says it, and it runs nowhere.
    NotRunning,
    /// It runs, and Git does not say it.
    Unmanaged,
    /// It runs, and its pods ask for it by a tag: what runs after the next start may be another.
    MutableTag,
}

impl Drift {
    /// Its name, as in `mutable-tag`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotRunning => "not-running",
            Self::Unmanaged => "unmanaged",
            Self::MutableTag => "mutable-tag",
        }
    }
}

/// Why it is not shown that a digest runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotShown {
    /// No container that is ready runs it.
    #[error("no container that is ready is shown to run it")]
    Nowhere,
    /// A container that is ready runs another, or what it runs is not known.
    #[error("{place}: {verdict}")]
    Beside {
        /// Where.
        place: String,
        /// What is the matter there.
        verdict: String,
    },
}

impl RunReport {
    /// The worst of what Git says should run, and of the application; what Git does not know weighs nothing.
    ///
    /// A match only where there is something that matches.
    pub fn verdict(&self) -> &RunVerdict {
        let rows =
            self.rows.iter().map(|row| &row.verdict).filter(|verdict| **verdict != RunVerdict::Unmanaged);
        let all = rows.chain(self.application.iter().map(|app| &app.verdict));
        all.max().unwrap_or(&RunVerdict::NotRunning)
    }

    /// What has drifted, each with its row.
    pub fn drift(&self) -> Vec<(Drift, &RunRow)> {
        let of = |row: &RunRow| {
            let by_tag = || row.asked.as_ref().is_some_and(|asked| !asked.contains('@'));
            match row.verdict {
                RunVerdict::NotRunning => vec![Drift::NotRunning],
                RunVerdict::Unmanaged if by_tag() => vec![Drift::Unmanaged, Drift::MutableTag],
                RunVerdict::Unmanaged => vec![Drift::Unmanaged],
                _ if by_tag() => vec![Drift::MutableTag],
                _ => Vec::new(),
            }
        };
        let all = self.rows.iter().flat_map(|row| of(row).into_iter().map(move |drift| (drift, row)));
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|(drift, _)| *drift);
        all
    }

    /// Whether an image is shown to run by this digest: at least one container that is ready runs it, and none that is ready
    /// runs another. So a promotion can ask that what it takes on was seen to run.
    ///
    /// # Errors
    /// Why that is not shown.
    pub fn shows(&self, image: &Reference, digest: Digest) -> Result<(), NotShown> {
        shown_to_run(&self.rows, image, digest)
    }
}

/// The same of rows alone.
///
/// # Errors
/// Why that is not shown.
pub fn shown_to_run(rows: &[RunRow], image: &Reference, digest: Digest) -> Result<(), NotShown> {
    let mut runs = false;
    for row in rows.iter().filter(|row| row.image.same_image(image) && row.ready > 0) {
        let serves = row.place.as_ref().is_some_and(|place| place.role != Role::Ephemeral);
        match row.verdict {
            RunVerdict::Match(_) if row.wanted == Some(digest) => runs |= serves,
            _ => {
                let place = row.place.as_ref().map(ToString::to_string).unwrap_or_default();
                let verdict = format!("{} runs there, {}", row.running, row.verdict.name());
                return Err(NotShown::Beside { place, verdict });
            }
        }
    }
    if runs { Ok(()) } else { Err(NotShown::Nowhere) }
}

impl fmt::Display for RunPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.namespace)?;
        self.owner.iter().try_for_each(|owner| write!(f, "{owner}/"))?;
        f.write_str(&self.container)
    }
}
