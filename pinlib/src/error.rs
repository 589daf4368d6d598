//! Why there is no receipt, as data: fields for what a caller branches on, no hints.

use crate::{
    backend::{BackendError, BackendErrorKind},
    git::{BranchName, Oid, RepoPath, SourceRepository, TreePath},
    image::Digest,
    manifest::{EditError, EditErrorKind, Locator},
    outcome::OutcomeKind,
    record::{Key, RunId},
};
use std::fmt::{self, Write as _};

/// What one part of an image says about what it was built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which part, as in `the label of linux/arm64`.
    pub part: String,
    /// The commit or the repository, in the part's own words; none where it says nothing.
    pub value: Option<String>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            // A text from outside: cut and escaped.
            Some(value) => {
                write!(f, "{} says {:?}", self.part, value.chars().take(100).collect::<String>())
            }
            None => write!(f, "{} says nothing", self.part),
        }
    }
}

/// The first few; an index can hold many platforms.
fn said(all: &[Said]) -> String {
    let mut text = all.iter().take(8).map(ToString::to_string).collect::<Vec<_>>().join(", ");
    if all.len() > 8 {
        write!(text, ", and {} more", all.len() - 8).ok();
    }
    text
}

/// What an attestation fails of: the first thing that is not as it was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Field {
    /// The bundle itself: what it is made of.
    Bundle,
    /// The signature, and the certificate or key that it is by.
    Signature,
    /// The transparency log's entry.
    Log,
    /// When it was signed, against the certificate's time.
    Time,
    /// What it is about.
    Subject,
    /// Who knew the signer.
    Issuer,
    /// Who signed.
    Signer,
    /// What kind of thing it states.
    Predicate,
    /// The repository that the image was built from.
    SourceRepository,
    /// The commit that it was built from.
    SourceCommit,
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bundle => "bundle",
            Self::Signature => "signature",
            Self::Log => "log",
            Self::Time => "time",
            Self::Subject => "subject",
            Self::Issuer => "issuer",
            Self::Signer => "signer",
            Self::Predicate => "predicate",
            Self::SourceRepository => "source repository",
            Self::SourceCommit => "source commit",
        })
    }
}

/// Why one attestation does not suffice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where it was found.
    pub from: String,
    /// What is not as it was asked for.
    pub field: Field,
    /// Why, with the other's words cut and escaped.
    pub reason: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.from, self.field, self.reason)
    }
}

/// The first few; an image can have many attestations.
fn refusals(all: &[Refusal]) -> String {
    let mut text = all.iter().take(4).map(ToString::to_string).collect::<Vec<_>>().join("; ");
    if all.len() > 4 {
        write!(text, "; and {} more", all.len() - 4).ok();
    }
    text
}

/// Two things that should be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Mismatch {
    #[error("the manifest of {image} hashes to {found}, not {expected}")]
    Manifest { image: String, expected: Digest, found: Digest },
    #[error("{path} does not hash to the blob {oid} that the forge named")]
    Blob { path: RepoPath, oid: Oid },
    #[error("{image} does not show that it was built from {expected}: {}", said(found))]
    Source { image: String, expected: Oid, found: Vec<Said> },
    #[error("{image} does not show that it was built from {expected}: {}", said(found))]
    Repository { image: String, expected: SourceRepository, found: Vec<Said> },
    #[error("nothing shows what {image} was built from: {what}")]
    NoProvenance { image: String, what: String },
    #[error("nothing shows what {image} was built from: there is no attestation of it in {}", places.join(", nor in "))]
    NoAttestation { image: String, places: Vec<String> },
    #[error("no attestation of {image} is what was asked for: {}", refusals(found))]
    Attestation { image: String, found: Vec<Refusal> },
    #[error("{} already pinned another digest built from the same commit", commit.short())]
    Rebuilt { commit: Oid },
    #[error("{image} is not shown to run by {}: {why}", digest.short())]
    NotRunning { image: String, digest: Digest, why: String },
    #[error("{path} holds {found}, not {expected}")]
    Was { path: RepoPath, expected: String, found: String },
}

fn again(times: u32) -> String {
    if times > 1 { format!(", {times} times") } else { String::new() }
}

/// How the branch went away from under a pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Movement {
    #[error("another commit came first{}", again(*times))]
    Raced { times: u32 },
    #[error("it was forced back")]
    Rewound,
    #[error("it does not descend from there")]
    Diverged,
    #[error("the source commit came in by a merge and is not on its line")]
    Sideways,
    #[error("{} is not a pin", commit.short())]
    NotAPin { commit: Oid },
    #[error("{path}, which the image is built from, changed")]
    InputChanged { path: TreePath },
    #[error("{} changed a declared site in {path} by hand", commit.short())]
    ByHand { commit: Oid, path: RepoPath },
    #[error("{} pinned what was built from {}, which is neither older nor newer", commit.short(), source_commit.short())]
    Unordered { commit: Oid, source_commit: Oid },
    #[error("{} there is somebody else's", commit.short())]
    Taken { commit: Oid },
}

/// What outranks a pin.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the messages say it")]
pub enum Superseder {
    #[error("{} pinned what was built from the newer {}", commit.short(), source_commit.short())]
    NewerPin { commit: Oid, source_commit: Oid },
    #[error("{} rolled the site back", commit.short())]
    Rollback { commit: Oid },
    #[error("{locator} in {path} is on hold")]
    Hold { path: RepoPath, locator: Locator },
    #[error("{} was the same pin, and was taken back", commit.short())]
    Undone { commit: Oid },
    #[error("#{number} asked for this very pin, and was closed")]
    Declined { number: u64 },
}

/// Why there is no receipt.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// What was asked for cannot be meant.
    #[error("{0}")]
    Invalid(String),
    /// Two things differ that must not.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A file cannot be edited.
    #[error(transparent)]
    Edit(#[from] EditError),
    /// A read failed; nothing was written.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The branch moved to something the policy does not pass; nothing was written.
    #[error("{branch} moved from {}{}: {how}; nothing was written", expected.short(), to(*actual))]
    HeadMoved {
        /// Where.
        branch: BranchName,
        /// The head that the pin was made for.
        expected: Oid,
        /// What stands there, where known.
        actual: Option<Oid>,
        /// What the guard objected to.
        how: Movement,
    },
    /// Something outranks this pin; nothing was written.
    #[error("the pin is superseded: {0}; nothing was written")]
    Superseded(Superseder),
    /// A rule of the server refused.
    #[error("the server refused: {message}")]
    Rejected {
        /// Which rule.
        rule: Option<String>,
        /// What it said.
        message: String,
    },
    /// It may have landed, or may land yet: look for the run before another try.
    #[error("cannot tell whether the pin is on {branch}: the server's answer was lost{}", last_seen(*expected, *seen))]
    Unknown {
        /// Where to look.
        branch: BranchName,
        /// What to look for.
        key: Key,
        /// Whose commit it would be.
        run: RunId,
        /// The head that the commit was sent for.
        expected: Oid,
        /// The head that was seen last.
        seen: Option<Oid>,
        /// The doubt.
        source: BackendError,
    },
    /// The commit of a proposal stands on its branch; whether a pull request asks for it was not to be found out.
    #[error("cannot tell whether a pull request asks for {} on {branch}: {why}", commit.short())]
    Unshown {
        /// The proposal's branch.
        branch: BranchName,
        /// What stands there.
        commit: Oid,
        /// The last try's reason.
        why: String,
    },
}

fn to(actual: Option<Oid>) -> String {
    actual.map(|oid| format!(" to {}", oid.short())).unwrap_or_default()
}

fn last_seen(expected: Oid, seen: Option<Oid>) -> String {
    let expected = expected.short();
    match seen {
        Some(seen) => format!(", and the branch went on from {expected} to {}", seen.short()),
        None => format!(", and looking for it at {expected} showed nothing"),
    }
}

impl PinError {
    /// The closed set of outcomes, for exit codes and reports.
    pub fn kind(&self) -> OutcomeKind {
        match self {
            Self::Invalid(_) => OutcomeKind::Invalid,
            Self::Mismatch(_) => OutcomeKind::Mismatch,
            Self::Edit(error) => match error.kind {
                EditErrorKind::NoSite => OutcomeKind::NotFound,
                EditErrorKind::Refused => OutcomeKind::Invalid,
                EditErrorKind::Unverified => OutcomeKind::Mismatch,
            },
            Self::Backend(error) => match error.kind() {
                BackendErrorKind::NotFound => OutcomeKind::NotFound,
                BackendErrorKind::Unauthorized => OutcomeKind::Unauthorized,
                BackendErrorKind::Invalid => OutcomeKind::Invalid,
                BackendErrorKind::RateLimited
                | BackendErrorKind::Unavailable
                | BackendErrorKind::Incomplete
                | BackendErrorKind::Unsupported => OutcomeKind::Unavailable,
            },
            Self::HeadMoved { .. } => OutcomeKind::HeadMoved,
            Self::Superseded(_) => OutcomeKind::Superseded,
            Self::Rejected { .. } => OutcomeKind::Rejected,
            Self::Unknown { .. } | Self::Unshown { .. } => OutcomeKind::Unknown,
        }
    }
}
