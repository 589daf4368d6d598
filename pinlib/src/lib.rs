//! pinlib writes the digest of an image built from commit A into Git, and only where that is still true.

// Each group knows itself and the groups before it. First what everything is made of:
mod backend;
mod clock;
mod git;
mod image;
mod outcome;
mod parse;

// the values of one pin, and why it fails:
mod error;
mod evidence;
mod hold;
mod manifest;
mod record;
mod request;
mod resolved;
mod snapshot;
mod wait;

// what decides, pure:
mod guard;
mod plan;
mod recognise;

// the world outside, and what proves its answers:
mod forge;
#[cfg(any(feature = "oci", feature = "git-http", feature = "github"))]
mod http;
mod provenance;
mod read;
mod registry;
mod resolve;
mod trace;
mod walk;

// the algorithm, what is asked of it, and what it hands back:
mod decide;
mod pin;
mod promote;
mod propose;
mod receipt;
mod rollback;

// what looks back at what was pinned:
mod audit;
mod log;

// what feeds the parsers with anything; no part of the API:
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;

pub use audit::{Audit, AuditOptions, Breach, Tampering, audit};
pub use backend::{BackendError, BackendErrorKind};
#[cfg(feature = "system-clock")]
pub use clock::SystemClock;
pub use clock::{Clock, Patience};
pub use decide::Order;
pub use error::{Field, Mismatch, Movement, PinError, Refusal, Said, Superseder};
pub use evidence::{
    AttestationRule, Attestations, Attested, Claimant, Evidence, EvidenceRule, GivenBundles, RawBundle,
    Signer, Trust,
};
#[cfg(feature = "github")]
pub use forge::github::{
    GitHubForge,
    app::AppKey,
    attestations::GitHubAttestations,
    doctor::{Finding, Health, Row},
    host::{GitHubHost, GitHubRepository},
    login::GitHubLogin,
};
#[cfg(feature = "git-local")]
pub use forge::local::{CheckedOut, LocalForge};
#[cfg(any(feature = "git-local", feature = "git-http"))]
pub use forge::sign::{Author, SigningKey};
pub use forge::{
    CommitError, GitForge,
    review::{BranchMove, MergeMethod, Review, ReviewForge, ReviewState, ReviewText},
};
#[cfg(feature = "git-http")]
pub use forge::{
    smart_http::{GitLogin, SmartHttpForge},
    ssh::SshForge,
};
pub use git::{
    BranchName, CommitFact, CommitRange, FileAt, History, Identity, Mode, ObjectFormat, Oid, OidPrefix,
    Person, RepoPath, Signature, SourceRepository, TreeEntry, TreePath,
};
pub use guard::{Basis, GuardedCommit, Verdict, judge};
pub use hold::{HOLDS, Hold, holds};
#[cfg(any(feature = "oci", feature = "git-http", feature = "github"))]
pub use http::{Http, Meter, Traffic};
pub use image::{Digest, Platform, Proof, Reference};
pub use log::{Logged, LoggedSite, PinLog, holds_at};
pub use manifest::{
    EditError, EditErrorKind, HelmValues, ImageUse, Kustomization, Locator, ManifestEditor, PathEditor,
    Pointer, Region, Site, Step, Workload, images,
};
pub use outcome::OutcomeKind;
pub use parse::ParseError;
pub use pin::Pinner;
pub use plan::{FileEdit, PinPlan, SiteChange};
pub use promote::{Origin, PromoteRequest};
pub use propose::{AutoMerge, Proposer};
pub use provenance::RegistryAttestations;
pub use receipt::{Done, Proposal, Proposed, Receipt};
pub use recognise::Misfit;
pub use record::{Claim, Key, Operation, Pinned, Record, RunId};
pub use registry::{LayoutRegistry, NoRegistry, RawManifest, Registry};
#[cfg(feature = "oci")]
pub use registry::{Logins, OciOptions, OciRegistry, RegistryLogin};
pub use request::{DigestSource, ImagePin, PinOptions, PinRequest, Placement, Policy, Target};
pub use resolve::{resolve, verify};
pub use resolved::ResolvedImage;
pub use rollback::{Former, ReleaseRequest, RollbackRequest};
pub use snapshot::{Change, Kin, Passage, Passed, Snapshot, Writer};
pub use wait::Wait;
pub use walk::LineRange;
