//! pinlib writes the digest of an image built from commit A into Git, and only where that is still true.
//!
//! A [`Pinner`] holds a [`Registry`], a [`GitForge`] and a [`Clock`]. What it is asked is a [`PinRequest`]: images, their
//! [`Target`]s, the commit that they were built from, a branch. It proves the digests, edits the files of one head of the branch,
//! lets the [`Policy`] judge that head, and has the server compare and swap: the branch moves from that head to the pin, or does not
//! move.
//!
//! ```
//! use pinlib::*;
//! use pinlib_testkit::{image::{Recipe, Variant}, memory::{MemoryClock, MemoryForge, MemoryRegistry}, sim};
//! use std::sync::Arc;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (forge, registry) = (Arc::new(MemoryForge::default()), Arc::new(MemoryRegistry::default()));
//! let main: BranchName = "main".parse()?;
//! let path: RepoPath = "kustomization.yaml".parse()?;
//! let text = "images:\n  - name: ghcr.io/acme/web # the shop\n";
//! let source = forge.push(&main, &[(path.clone(), text)], "Open the shop");
//! let digest = registry.push(&"ghcr.io/acme/web:1.0".parse()?, &Recipe::of([Variant::of("linux/amd64")]).index());
//!
//! let clock = Arc::new(MemoryClock::default());
//! let pinner = Pinner { registry, forge: forge.clone(), clock, patience: Patience::default() };
//! let image = ImagePin {
//!     image: "ghcr.io/acme/web".parse()?,
//!     digest: DigestSource::Reported(digest),
//!     platform: None,
//!     targets: vec![Target::new(path, Arc::new(Kustomization::default()))],
//!     was: None,
//! };
//! let request = PinRequest::new(source, main, vec![image], PinOptions::default())?;
//! let receipt = sim::run(pinner.pin(&request, RunId::from([7; 16])))?;
//!
//! let pinned = forge.file(receipt.commit, "kustomization.yaml").ok_or("a file")?;
//! assert_eq!(String::from_utf8(pinned)?, format!("{text}    digest: {digest}\n"));
//! // The commit says what it is, in trailers that git can read too.
//! let commit = forge.fact(receipt.commit).ok_or("a commit")?;
//! let record = Record::parse(&commit.message).ok_or("a record")?;
//! assert_eq!((record.claim.source(), record.parent), (source, source));
//! # Ok(())
//! # }
//! ```
//!
//! **`Ok` means that the digest is on the branch.** A lost race, a hold, and an answer that was lost and could not be found out are
//! errors ([`PinError`]), so that `?` never walks past one.
//!
//! | feature | brings |
//! |---|---|
//! | – | the algorithm, the traits, the editors, [`LayoutRegistry`], [`audit()`] and [`PinLog`]; no runtime, no network |
//! | `oci` | `OciRegistry`: any OCI registry over HTTP(S) |
//! | `git-local` | `LocalForge`: a repository on this machine |
//! | `git-http` | `SmartHttpForge`, `SshForge`: any git server, without a clone |
//! | `github` | `GitHubForge`: GitHub's API, as an App or with a token |
//! | `provenance` | signed attestations as evidence, verified offline |
//! | `kube` | `KubeCluster`: what runs in a cluster, by its API |
//! | `system-clock` | `SystemClock`, on tokio's timer; each of the above brings it |
//!
//! The oldest Rust is 1.89. The library installs no TLS provider: whoever uses a feature that speaks HTTP installs rustls's.
//!
//! The book has [a page on embedding](https://github.com/pinlib/pinlib/blob/main/docs/library.md) and one on
//! [writing a backend](https://github.com/pinlib/pinlib/blob/main/docs/backends.md); `examples/` has programs that run as they are.

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

// the world outside, what proves its answers, and what runs there:
mod cluster;
mod forge;
#[cfg(any(feature = "oci", feature = "git-http", feature = "github"))]
mod http;
#[cfg(any(feature = "oci", feature = "git-http", feature = "github", feature = "kube"))]
mod meter;
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

/// The page on embedding: each of its blocks is a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/library.md")]
mod embedding {}
