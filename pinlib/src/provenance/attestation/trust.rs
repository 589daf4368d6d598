//! Whose signatures are believed: trusted roots, and for each the policy that it can be held to.

use super::{Refused, claims::quoted};
use crate::{
    error::Field,
    evidence::{Signer, Trust},
    image::Digest,
};
use sigstore_verify::{
    CertificateError, Error, PublicKeyVerificationPolicy, VerificationPolicy, VerificationResult, Verifier,
    bundle::Error as BundleError,
    trust_root::{SIGSTORE_GITHUB_TRUSTED_ROOT, SIGSTORE_PRODUCTION_TRUSTED_ROOT, TrustedRoot},
    types::{Artifact, ArtifactDigest, Bundle, DerPublicKey, HashAlgorithm},
};

/// A file with more trusted roots than this is none.
const ROOTS: usize = 16;

/// The trusted roots, each with what it can prove.
pub(super) struct Authorities {
    roots: Vec<Authority>,
    key: Option<DerPublicKey>,
}

struct Authority {
    verifier: Verifier,
    /// Whether it has a transparency log: then an entry there is asked for.
    logs: bool,
    /// Whether it has a log of certificates: then a promise of one is asked for.
    certificate_logs: bool,
}

impl Authorities {
    pub(super) fn new(trust: &Trust, signer: &Signer) -> Result<Self, String> {
        let key = match signer {
            Signer::Keyless { .. } => None,
            Signer::Key { pem } => {
                let text = std::str::from_utf8(pem)
                    .map_err(|error| format!("the signing key is no PEM: {error}"))?;
                Some(
                    DerPublicKey::from_pem(text)
                        .map_err(|error| format!("the signing key is no public key: {error}"))?,
                )
            }
        };
        let embedded = |json| {
            TrustedRoot::from_json(json)
                .map_err(|error| format!("the trusted root that pinlib holds cannot be read: {error}"))
        };
        let roots = match trust {
            // GitHub's has no log: with a key, which no authority vouches for, that would leave nothing.
            Trust::Embedded if key.is_some() => vec![embedded(SIGSTORE_PRODUCTION_TRUSTED_ROOT)?],
            Trust::Embedded => {
                vec![embedded(SIGSTORE_PRODUCTION_TRUSTED_ROOT)?, embedded(SIGSTORE_GITHUB_TRUSTED_ROOT)?]
            }
            Trust::Roots(json) => serde_json::Deserializer::from_slice(json)
                .into_iter::<TrustedRoot>()
                .take(ROOTS + 1)
                .collect::<Result<_, _>>()
                .map_err(|error| format!("the trusted root cannot be read: {error}"))?,
        };
        if roots.is_empty() || roots.len() > ROOTS {
            return Err(format!(
                "a trusted root is wanted, or at most {ROOTS}, and there are {}",
                roots.len()
            ));
        }
        let authority = |root: TrustedRoot| {
            let verifier =
                Verifier::new(&root).map_err(|error| format!("the trusted root is not sound: {error}"))?;
            Ok(Authority {
                verifier,
                logs: !root.tlogs.is_empty(),
                certificate_logs: !root.ctlogs.is_empty(),
            })
        };
        Ok(Self { roots: roots.into_iter().map(authority).collect::<Result<_, String>>()?, key })
    }

    /// What names the key, where the signer is one.
    pub(super) fn key_digest(&self) -> Option<Digest> {
        self.key.as_ref().map(|key| Digest::of(key.as_bytes()))
    }

    /// Verifies a bundle by a root that can. Where none does, the first that could have tells why.
    pub(super) fn verify(&self, bundle: &Bundle, digest: Digest) -> Result<VerificationResult, Refused> {
        let logged = !bundle.verification_material.tlog_entries.is_empty();
        let able = self.roots.iter().filter(|root| logged || !root.logs);
        let mut first = None;
        for root in able {
            match root.verify(bundle, digest, self.key.as_ref()) {
                Ok(proven) => return Ok(proven),
                Err(error) => {
                    first.get_or_insert(error);
                }
            }
        }
        // Who has no entry in a log may be of an authority that keeps none; if it is not, the entry is what is missing.
        Err(match first {
            Some(error) if logged || self.roots.iter().all(|root| !root.logs) => refused(&error),
            Some(Error::Certificate(_) | Error::Bundle(_)) | None => {
                (Field::Log, "it stands in no transparency log".to_owned())
            }
            Some(error) => refused(&error),
        })
    }
}

impl Authority {
    fn verify(
        &self,
        bundle: &Bundle,
        digest: Digest,
        key: Option<&DerPublicKey>,
    ) -> Result<VerificationResult, Error> {
        let artifact = artifact(digest)?;
        if let Some(key) = key {
            let policy = PublicKeyVerificationPolicy::new(key.clone());
            let policy = if self.logs { policy } else { policy.skip_tlog_unsafe() };
            return self.verifier.verify(artifact, bundle, &policy);
        }
        // Who signed is compared by the caller, who knows more ways to write it.
        let policy = VerificationPolicy::any_identity();
        let policy = if self.logs { policy } else { policy.skip_tlog_unsafe() };
        let policy = if self.certificate_logs { policy } else { policy.skip_sct() };
        self.verifier.verify(artifact, bundle, &policy)
    }
}

/// The image's digest, as the verifier takes it.
fn artifact(digest: Digest) -> Result<Artifact<'static>, Error> {
    let algorithm =
        if digest.algorithm() == "sha512" { HashAlgorithm::Sha2512 } else { HashAlgorithm::Sha2256 };
    Ok(ArtifactDigest::new(algorithm, digest.bytes())?.into())
}

/// Which field it is that the verifier objects to.
fn refused(error: &Error) -> Refused {
    let text = error.to_string();
    let field = match error {
        Error::ArtifactMismatch(_) | Error::UnsupportedArtifact(_) => Field::Subject,
        Error::Timestamp(_)
        | Error::Certificate(CertificateError::Expired { .. } | CertificateError::NotYetValid { .. }) => {
            Field::Time
        }
        // The chain's own error has no type there.
        Error::Certificate(CertificateError::ChainInvalid(why))
            if why.contains("CertExpired") || why.contains("CertNotValidYet") =>
        {
            Field::Time
        }
        Error::TransparencyLog(_)
        | Error::Bundle(
            BundleError::MissingInclusionPromise(_)
            | BundleError::MissingInclusionProof(_)
            | BundleError::MissingSigningTimeEvidence
            | BundleError::MissingCheckpoint
            | BundleError::LogIndexOutOfRange { .. }
            | BundleError::CheckpointRootMismatch,
        ) => Field::Log,
        Error::InvalidBundle(_) | Error::UnsupportedBundle(_) | Error::Types(_) | Error::Bundle(_) => {
            Field::Bundle
        }
        _ => Field::Signature,
    };
    let text = quoted(&text);
    (field, text.trim_matches('"').to_owned())
}
