//! Signed attestations beside an image in its registry: what refers to it, as OCI 1.1 has it, or under the tag that stands
//! for that list where a registry keeps none.
//!
//! Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#listing-referrers>, and
//! <https://github.com/sigstore/cosign/blob/main/specs/BUNDLE_SPEC.md> for what stands there.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::PinError,
    evidence::{Attestations, RawBundle},
    image::{
        Digest, Reference,
        document::{self, Descriptor},
    },
    registry::{RawManifest, Registry},
    resolve::{proven_blob, proven_bytes},
};
use async_trait::async_trait;
use std::{
    fmt::{self, Display},
    sync::Arc,
};

/// More bundles of one image than this are not read.
const BUNDLES: usize = 32;
/// What a bundle is called, whatever its version.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";

/// The bundles that a registry keeps beside an image, as `actions/attest` pushes them with `push-to-registry`, and cosign
/// since its version 3.
#[derive(Clone, Debug)]
pub struct RegistryAttestations {
    registry: Arc<dyn Registry>,
}

impl RegistryAttestations {
    /// Looks in this registry.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry }
    }

    /// The list of what refers to the image: by its own request, else by its tag. None where there is neither.
    async fn list(&self, image: &Reference, digest: Digest) -> Result<Option<RawManifest>, BackendError> {
        match self.registry.referrers(image).await {
            Err(error) if error.kind() == BackendErrorKind::Unsupported => {}
            answer => return answer.map(Some),
        }
        let tag = format!("{}:{}-{}", image.written_name(), digest.algorithm(), digest.hex());
        let tag = tag.parse().map_err(|error: crate::parse::ParseError| invalid(image, error.to_string()))?;
        match self.registry.manifest(&tag).await {
            Err(error) if error.kind() == BackendErrorKind::NotFound => Ok(None),
            answer => answer.map(Some),
        }
    }

    /// The bundle in one manifest of that list.
    async fn bundle(&self, image: &Reference, at: Digest) -> Result<Option<Vec<u8>>, BackendError> {
        let unproven = |error| unproven(image, error);
        let manifest = proven_bytes(&*self.registry, &image.at(at), Some(at)).await.map_err(unproven)?;
        let blobs = document::blobs(&manifest.media_type, &manifest.bytes)
            .map_err(|reason| invalid(image, reason))?;
        let Some(blob) = blobs.iter().find(|blob| blob.media_type.starts_with(BUNDLE)) else {
            return Ok(None);
        };
        proven_blob(&*self.registry, image, blob.digest).await.map(Some).map_err(unproven)
    }
}

impl Display for RegistryAttestations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the registry")
    }
}

#[async_trait]
impl Attestations for RegistryAttestations {
    async fn bundles(&self, image: &Reference) -> Result<Vec<RawBundle>, BackendError> {
        let digest = image.digest().ok_or_else(|| invalid(image, "only a digest is attested to"))?;
        let Some(list) = self.list(image, digest).await? else { return Ok(Vec::new()) };
        let entries =
            document::entries(&list.media_type, &list.bytes).map_err(|reason| invalid(image, reason))?;
        // Who keeps such a list by hand may leave the type out: then the manifest itself tells.
        let may_be =
            |entry: &&Descriptor| entry.artifact_type.as_deref().is_none_or(|kind| kind.starts_with(BUNDLE));
        let found: Vec<_> = entries.iter().filter(may_be).collect();
        if found.len() > BUNDLES {
            let reason = format!("the registry holds {}, and at most {BUNDLES} are read", found.len());
            return Err(invalid(image, reason));
        }
        let mut bundles = Vec::new();
        for entry in found {
            if let Some(bytes) = self.bundle(image, entry.digest).await? {
                bundles.push(RawBundle { from: format!("the registry's {}", entry.digest.short()), bytes });
            }
        }
        Ok(bundles)
    }
}

/// What does not hash to its digest is no attestation.
fn unproven(image: &Reference, error: PinError) -> BackendError {
    match error {
        PinError::Backend(error) => error,
        error => invalid(image, error.to_string()),
    }
}

fn invalid(image: &Reference, reason: impl Into<String>) -> BackendError {
    BackendError::new(BackendErrorKind::Invalid, format!("read the attestations of {image}")).because(reason)
}
