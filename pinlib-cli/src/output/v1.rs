//! What a command tells, version 1: the one model behind JSON, the terminal and GitHub Actions.
//!
//! A field is added, never renamed, within a version. Oids and digests stand whole.

mod history;
mod running;

pub(crate) use history::{Audit, Finding, Held, Log, Logged, LoggedSite};
pub(crate) use running::{AppState, Drifted, RunRow, Verify, WantedSite};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one run of pinlib did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(title = "pinlib report, version 1")]
pub(crate) struct Report {
    /// The version of this format.
    pub(crate) version: u8,
    /// How the run ended.
    pub(crate) outcome: Outcome,
    /// The exit code of the process.
    pub(crate) exit_code: u8,
    /// The command.
    pub(crate) command: &'static str,
    /// What went over HTTP.
    pub(crate) traffic: Traffic,
    /// When it ended, by this machine's clock, as RFC 3339 in UTC.
    pub(crate) ended: String,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Why there is no better outcome.
    pub(crate) error: Option<Error>,
    #[serde(flatten)]
    pub(crate) body: Body,
}

/// How a run ended: the library's outcomes, and those of commands that only look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Pinned,
    AlreadyPinned,
    /// A pull request asks for it; the branch itself was not changed.
    Proposed,
    Superseded,
    HeadMoved,
    Rejected,
    Mismatch,
    NotFound,
    Invalid,
    Unauthorized,
    Unavailable,
    /// It may have landed, or may land yet: look before another try.
    Unknown,
    /// `plan` or `check` found changes that are due.
    ChangesDue,
    /// `plan` or `check` found nothing to change.
    NothingDue,
    /// The question was answered.
    Answered,
    /// `doctor` found what would stop a pin.
    Blocked,
    /// pinlib itself failed.
    Defect,
}

/// What went over HTTP. Nothing does for a repository or a layout on disk; ssh is not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Traffic {
    #[serde(flatten)]
    pub(crate) total: Load,
    /// The same by host: `HOST`, or `HOST:PORT`.
    pub(crate) hosts: BTreeMap<String, Load>,
}

/// Requests and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Load {
    pub(crate) requests: u64,
    /// Bytes of request bodies.
    pub(crate) sent: u64,
    /// Bytes of answer bodies.
    pub(crate) received: u64,
}

impl From<pinlib::Traffic> for Load {
    fn from(traffic: pinlib::Traffic) -> Self {
        let pinlib::Traffic { requests, sent, received } = traffic;
        Self { requests, sent, received }
    }
}

/// Why there is no better outcome.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Error {
    /// The outcome again.
    pub(crate) kind: Outcome,
    /// One sentence: what could not be done, to what, why.
    pub(crate) message: String,
    /// The next step.
    pub(crate) hint: Option<String>,
    /// The file of the repository that it is about.
    pub(crate) path: Option<String>,
    /// Where in it, from 1.
    pub(crate) line: Option<usize>,
    /// Where in the line, in characters from 1.
    pub(crate) column: Option<usize>,
}

/// What the command found or did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Body {
    Pin(Box<Pin>),
    Check(Check),
    Resolve(Resolve),
    VerifyImage(Box<VerifyImage>),
    Doctor(Doctor),
    Init(Init),
    Log(Log),
    Audit(Audit),
    Verify(Box<Verify>),
    Schema {
        /// The schema that was asked for.
        schema: serde_json::Value,
    },
    File {
        /// The text of the file that was asked for: completions for a shell, or a manual page.
        file: String,
    },
    Empty {},
}

/// What is asked of a branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Operation {
    #[default]
    Pin,
    Rollback,
    Release,
    Promote,
}

impl Operation {
    /// The body of a command that asked this, and has no answer yet.
    pub(crate) fn asked(self) -> Body {
        Body::Pin(Box::new(Pin { operation: self, ..Pin::default() }))
    }
}

/// What `pin` did, or `plan` would do. What is not known is null.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Pin {
    /// What was asked for.
    pub(crate) operation: Operation,
    /// Whether this run changed the branch.
    pub(crate) changed: bool,
    /// The repository: its folder or its address.
    pub(crate) forge: Option<String>,
    pub(crate) branch: Option<String>,
    /// The commit that the images were built from.
    pub(crate) source_commit: Option<String>,
    /// The pin commit, of a pull request the one on its branch; where everything was pinned already, the head that shows it.
    pub(crate) commit: Option<String>,
    /// Where the branch stood when the commit took its place, or had to stand.
    pub(crate) expected_head: Option<String>,
    /// Where the branch stood instead.
    pub(crate) actual_head: Option<String>,
    /// Names this pin, over runs and retries.
    pub(crate) key: Option<String>,
    /// Names this run.
    pub(crate) run: Option<String>,
    /// How the digests are known.
    pub(crate) proof: Option<String>,
    /// The policy that was asked for.
    pub(crate) policy: Option<String>,
    /// Why the policy let it pass.
    pub(crate) basis: Option<Basis>,
    /// How often it was decided: once, and once more after each race that was lost.
    pub(crate) decisions: Option<u32>,
    pub(crate) images: Vec<Image>,
    /// The files that name them, as far as this run was to write.
    pub(crate) targets: Vec<String>,
    /// What changed, or would.
    pub(crate) edits: Vec<Edit>,
    /// The change as a diff that `git apply` takes.
    pub(crate) diff: Option<String>,
    /// The pull request that asks for the pin; or one that was closed, since the branch holds the digests.
    pub(crate) pull_request: Option<PullRequest>,
    /// What did not work beside it.
    pub(crate) warnings: Vec<String>,
    /// `plan`: why a pin would not land now.
    pub(crate) objection: Option<Error>,
}

/// A pull request.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct PullRequest {
    pub(crate) number: u64,
    pub(crate) url: String,
    /// `open`, `merged` or `closed`.
    pub(crate) state: String,
    /// The branch that it comes from.
    pub(crate) branch: String,
    /// How GitHub will merge it by itself, where it will: `merge`, `squash` or `rebase`.
    pub(crate) auto_merge: Option<String>,
}

/// Why the policy let it pass.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Basis {
    /// The policy that held.
    pub(crate) policy: String,
    /// The commits between the source commit and the head.
    pub(crate) passed: Vec<String>,
}

/// An image, and what it was settled to.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Image {
    /// Its name as it was given, without tag and digest.
    pub(crate) name: String,
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<String>,
    /// `name@digest`.
    pub(crate) reference: Option<String>,
    /// What the digest holds images for, where that was read.
    pub(crate) platforms: Vec<String>,
    /// How the digest is known: the manifest's bytes were `hashed`, or it was `declared`.
    pub(crate) proof: Option<String>,
    /// What ties it to the source commit: `none`, `label`, `provenance` or `attestation`.
    pub(crate) evidence: Option<String>,
    /// What was found of it, and how far that goes.
    pub(crate) weighed: Option<Weighed>,
}

/// The evidence that was found, and how far it goes. What is not known is null.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Weighed {
    /// In one sentence.
    pub(crate) proves: String,
    /// In one sentence.
    pub(crate) does_not_prove: String,
    /// The repository that the source commit is of, where that was asked for.
    pub(crate) repository: Option<String>,
    /// Who says what it was built from: the signer's `certificate`, or the signed `statement`.
    pub(crate) claimed_by: Option<String>,
    /// Who signed.
    pub(crate) signer: Option<String>,
    /// Who knew the signer.
    pub(crate) issuer: Option<String>,
    /// Where in the transparency log the signature stands.
    pub(crate) log_index: Option<u64>,
    /// When it was signed, by the log or a timestamp authority, as RFC 3339 in UTC.
    pub(crate) signed: Option<String>,
    /// Where the attestation was found.
    pub(crate) found_in: Option<String>,
}

/// What `verify-image` found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct VerifyImage {
    /// The commit that it must have been built from.
    pub(crate) source_commit: String,
    pub(crate) image: Image,
}

/// One place in one file.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Edit {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    /// Names the place, whatever stands there.
    pub(crate) locator: String,
    /// The image before.
    pub(crate) from: String,
    /// The image after.
    pub(crate) to: String,
}

/// What `resolve` answers.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Resolve {
    pub(crate) images: Vec<Image>,
}

/// What `init` made.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Init {
    /// The files: written, or with `--dry-run` only shown.
    pub(crate) files: Vec<Made>,
    /// The images that the files pin.
    pub(crate) images: Vec<String>,
    /// The images that are named in the manifests and not pinned.
    pub(crate) others: Vec<String>,
}

/// A file that `init` made.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Made {
    pub(crate) path: String,
    pub(crate) written: bool,
    pub(crate) text: String,
}

/// What `check` found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Check {
    /// How many files were read.
    pub(crate) files: usize,
    /// How many images they name.
    pub(crate) found: usize,
    /// Those that are not pinned by digest.
    pub(crate) unpinned: Vec<Unpinned>,
    /// Files that were passed over, and why.
    pub(crate) skipped: Vec<Skipped>,
}

/// An image that is not pinned by digest.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Unpinned {
    pub(crate) path: String,
    /// From 1.
    pub(crate) line: usize,
    /// In characters, from 1.
    pub(crate) column: usize,
    pub(crate) image: String,
    pub(crate) why: String,
}

/// A file that was passed over.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Skipped {
    pub(crate) path: String,
    pub(crate) why: String,
}

/// What `doctor` found. It cannot prove that the write will succeed.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Doctor {
    pub(crate) rows: Vec<Row>,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Row {
    /// What: `key`, `clock`, `app`, `installation`, `permissions`, `repositories`, `rulesets`, `protection`, `head`,
    /// `targets`, `rate`, `loop` or `registry`. One may come several times.
    pub(crate) check: String,
    pub(crate) health: Health,
    /// What was seen.
    pub(crate) seen: String,
    /// What to change.
    pub(crate) cure: Option<String>,
}

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Health {
    Ok,
    /// A pin would fail of it.
    NotOk,
    /// It cannot be known from here.
    Unknown,
}
