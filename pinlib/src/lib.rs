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
mod evidence;
mod forge;
#[cfg(any(feature = "oci", feature = "git-http", feature = "github"))]
mod http;
#[cfg(any(feature = "oci", feature = "git-http", feature = "github", feature = "kube"))]
mod meter;
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

// what looks back at what was pinned, and at what runs:
mod audit;
mod cluster;
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
#[cfg(feature = "kube")]
pub use cluster::kube::{KubeAccess, KubeCluster};
pub use cluster::{
    Application, Cluster, Container, Equality, Forbidden, ImageId, ObjectName, Owner, Pod, RecordedCluster,
    ReplicaSet, Role, Rollout,
    report::{AppState, Drift, NotShown, RunPlace, RunReport, RunRow, RunVerdict, Track, shown_to_run},
    verify::{RunRequest, Verifier},
    wanted::{NamedContainer, Wanted, wanted},
};
pub use decide::Order;
pub use error::{Mismatch, Movement, PinError, Said, Superseder};
#[cfg(feature = "github")]
pub use forge::github::{
    GitHubForge,
    app::AppKey,
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
    Person, RepoPath, Signature, TreeEntry, TreePath,
};
pub use guard::{Basis, GuardedCommit, Verdict, judge};
pub use hold::{HOLDS, Hold, holds};
#[cfg(any(feature = "oci", feature = "git-http", feature = "github"))]
pub use http::Http;
pub use image::{Digest, Platform, Proof, Reference};
pub use log::{Logged, LoggedSite, PinLog, holds_at};
pub use manifest::{
    EditError, EditErrorKind, HelmValues, ImageUse, Kustomization, Locator, ManifestEditor, PathEditor,
    Pointer, Region, Site, Step, Workload, images,
};
#[cfg(any(feature = "oci", feature = "git-http", feature = "github", feature = "kube"))]
pub use meter::{Meter, Traffic};
pub use outcome::OutcomeKind;
pub use parse::ParseError;
pub use pin::Pinner;
pub use plan::{FileEdit, PinPlan, SiteChange};
pub use promote::{Origin, PromoteRequest};
pub use propose::{AutoMerge, Proposer};
pub use receipt::{Done, Proposal, Proposed, Receipt};
pub use recognise::Misfit;
pub use record::{Claim, Key, Operation, Pinned, Record, RunId};
pub use registry::{LayoutRegistry, NoRegistry, RawManifest, Registry};
#[cfg(feature = "oci")]
pub use registry::{Logins, OciOptions, OciRegistry, RegistryLogin};
pub use request::{DigestSource, EvidenceRule, ImagePin, PinOptions, PinRequest, Placement, Policy, Target};
pub use resolve::resolve;
pub use resolved::{Evidence, ResolvedImage};
pub use rollback::{Former, ReleaseRequest, RollbackRequest};
pub use snapshot::{Change, Kin, Passage, Passed, Snapshot, Writer};
pub use wait::Wait;
pub use walk::LineRange;
