//! What may tie a digest to the commit that it was built from: what is asked for, and what was found.

use crate::{
    backend::BackendError,
    git::SourceRepository,
    image::{Digest, Reference},
};
use async_trait::async_trait;
use std::{
    fmt::{self, Debug, Display},
    sync::Arc,
    time::SystemTime,
};

/// What must tie the digest to the source commit. Each asks exactly for what it names; what is not there is a failure.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum EvidenceRule {
    /// Nothing.
    #[default]
    None,
    /// The image's own word: `org.opencontainers.image.revision` wherever it stands, and nowhere another commit.
    Label {
        /// What `org.opencontainers.image.source` must name as well, likewise.
        repository: Option<SourceRepository>,
    },
    /// The provenance that `BuildKit` puts into the index, one for each platform.
    Provenance {
        /// The repository that the commit must be of.
        repository: Option<SourceRepository>,
    },
    /// A signed attestation of the digest, by a signer that is named here. Needs the feature `provenance`.
    Attestation(AttestationRule),
}

impl EvidenceRule {
    /// Whether nothing is asked for.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }
    /// Why it cannot be meant, where it cannot.
    pub(crate) fn objection(&self) -> Option<String> {
        match self {
            Self::Attestation(_) if !cfg!(feature = "provenance") => Some(
                "signed attestations cannot be checked: pinlib was built without its feature `provenance`"
                    .into(),
            ),
            Self::Attestation(rule) => rule.objection().map(str::to_owned),
            _ => None,
        }
    }
}

impl Display for EvidenceRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Label { .. } => "label",
            Self::Provenance { .. } => "provenance",
            Self::Attestation(_) => "attestation",
        })
    }
}

/// Which signed attestation suffices: one that satisfies all of this.
///
/// The signer is always named: there is no "any".
#[derive(Clone, Debug)]
pub struct AttestationRule {
    /// The repository that the image was built from.
    pub repository: SourceRepository,
    /// Who must have signed.
    pub signer: Signer,
    /// Where attestations are looked for, in this order.
    pub sources: Vec<Arc<dyn Attestations>>,
    /// Whose certificates, logs and clocks are believed.
    pub trust: Trust,
}

impl AttestationRule {
    fn objection(&self) -> Option<&'static str> {
        let blank = |text: &str| text.trim().is_empty();
        match &self.signer {
            Signer::Keyless { issuer, .. } if blank(issuer) => {
                Some("an attestation needs the issuer of its signer's identity")
            }
            Signer::Keyless { identity, .. } if blank(identity) => {
                Some("an attestation needs the identity of its signer")
            }
            Signer::Key { pem } if pem.is_empty() => Some("an attestation needs the key of its signer"),
            _ if self.sources.is_empty() => Some("an attestation needs a place to look for it"),
            _ => None,
        }
    }
}

/// Who must have signed an attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signer {
    /// Whoever Fulcio gave a certificate to, for the length of one signature.
    Keyless {
        /// Who knew the signer, as `https://token.actions.githubusercontent.com`.
        issuer: String,
        /// The identity in the certificate, whole. A workflow may be written without the ref behind it
        /// (`https://github.com/acme/app/.github/workflows/build.yml`): then it may have run at any.
        identity: String,
    },
    /// Whoever holds the other half of this key.
    Key {
        /// The public key, as PEM.
        pem: Vec<u8>,
    },
}

/// Whose certificates, logs and clocks are believed when an attestation is checked. Nothing is fetched for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// Sigstore's public instance, and for keyless signatures GitHub's own, which signs for private repositories: as they
    /// were when pinlib's dependencies were published.
    #[default]
    Embedded,
    /// These trusted roots, JSON each, one or more to a file. Of a root that names no log no entry in one is asked.
    Roots(Vec<u8>),
}

/// A sigstore bundle as it came: the core verifies it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBundle {
    /// Where it is from, for people.
    pub from: String,
    /// JSON.
    pub bytes: Vec<u8>,
}

/// Finds attestations of an image. Promises nothing about them: they are verified by whoever asked.
#[async_trait]
pub trait Attestations: Debug + Display + Send + Sync + 'static {
    /// Reads the bundles that may attest to the image, which is given by digest; none where it knows of none. Called by the
    /// core while it weighs [`EvidenceRule::Attestation`].
    ///
    /// # Errors
    /// Where it cannot tell. A failure that may pass is asked again.
    ///
    /// # Cancellation
    /// A read, which may be dropped.
    async fn bundles(&self, image: &Reference) -> Result<Vec<RawBundle>, BackendError>;
}

/// Bundles that the caller has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBundles {
    from: String,
    bundles: Vec<RawBundle>,
}

impl GivenBundles {
    /// Takes a file's content: one bundle, or one a line.
    pub fn new(from: impl Into<String>, content: &[u8]) -> Self {
        let from = from.into();
        let lines: Vec<_> =
            content.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()).collect();
        // A bundle that is laid out over many lines begins with a brace alone.
        let many = lines.len() > 1 && lines.iter().all(|line| line.trim_ascii().starts_with(b"{\""));
        let bundles = if many {
            let bundle = |(n, line): (usize, &&[u8])| RawBundle {
                from: format!("{from}:{}", n + 1),
                bytes: line.to_vec(),
            };
            lines.iter().enumerate().map(bundle).collect()
        } else {
            vec![RawBundle { from: from.clone(), bytes: content.to_vec() }]
        };
        Self { from, bundles }
    }
}

impl Display for GivenBundles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.from)
    }
}

#[async_trait]
impl Attestations for GivenBundles {
    async fn bundles(&self, _: &Reference) -> Result<Vec<RawBundle>, BackendError> {
        Ok(self.bundles.clone())
    }
}

/// What was found to tie a digest to its source commit, which is the one that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Evidence {
    /// Nobody asked.
    NotAsked,
    /// The image carries the commit's id, on every platform.
    Label {
        /// The repository that it names as well, where that was asked for.
        repository: Option<SourceRepository>,
    },
    /// Each platform has a provenance that names the commit.
    Provenance {
        /// The repository that it names, where that was asked for.
        repository: Option<SourceRepository>,
    },
    /// The signer that was named attests to the digest, and names the commit.
    Attestation(Box<Attested>),
}

/// What a verified attestation says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attested {
    /// The digest that it is about.
    pub subject: Digest,
    /// The repository that the image was built from.
    pub repository: SourceRepository,
    /// Who says what it was built from.
    pub claimed_by: Claimant,
    /// Who signed: the identity in the certificate, or the key's own digest.
    pub signer: String,
    /// Who knew the signer; none for a key.
    pub issuer: Option<String>,
    /// Where in the transparency log it stands; none where the trusted root has no log.
    pub log_index: Option<u64>,
    /// When it was signed, as the log or a timestamp authority says.
    pub signed: Option<SystemTime>,
    /// Where the bundle was found.
    pub from: String,
}

/// Who says what an image was built from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claimant {
    /// The certificate: whoever issued it saw the build's own token.
    Certificate,
    /// The statement: the signer's word.
    Statement,
}

impl Evidence {
    /// What it proves, in one sentence; none where nothing was asked.
    pub fn proves(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotAsked => return None,
            Self::Label { .. } => {
                "whoever built or relabelled each platform's image wrote this commit into it"
            }
            Self::Provenance { .. } => {
                "the index carries, for each platform, a build record that names this commit and that platform's image"
            }
            Self::Attestation(found) if found.claimed_by == Claimant::Certificate => {
                "the named signer attested to this digest, in a run that its identity provider tied to this commit"
            }
            Self::Attestation(_) => {
                "the named signer attested to this digest, and wrote that it was built from this commit"
            }
        })
    }
    /// What it does not prove, in one sentence; none where nothing was asked.
    pub fn does_not_prove(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotAsked => return None,
            Self::Label { .. } => {
                "that it is true: a label is not signed, and anyone who can push can write one"
            }
            Self::Provenance { .. } => {
                "who wrote that record: it has no signature of its own, and anyone who can push can write one"
            }
            Self::Attestation(found) if found.claimed_by == Claimant::Certificate => {
                "that the run built nothing else into the image, or that it can be built again the same"
            }
            Self::Attestation(_) => {
                "that the signer's word is true: nobody but the signer says what it was built from"
            }
        })
    }
}

impl Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAsked => "none",
            Self::Label { .. } => "label",
            Self::Provenance { .. } => "provenance",
            Self::Attestation(_) => "attestation",
        })
    }
}
