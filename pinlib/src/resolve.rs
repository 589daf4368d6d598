//! Asks a registry, and proves what it answers: manifests hashed, evidence weighed.

use crate::{
    error::{Mismatch, PinError},
    git::Oid,
    image::Digest,
    registry::{RawManifest, Registry},
    request::{DigestSource, EvidenceRule, ImagePin},
    resolved::{Evidence, ResolvedImage},
};

/// Settles one digest: reads by tag or digest, hashes, then asks for evidence.
pub(crate) async fn resolve(
    registry: &dyn Registry,
    pin: &ImagePin,
    source: Oid,
    rule: EvidenceRule,
) -> Result<ResolvedImage, PinError> {
    let (reference, expected) = match pin.digest {
        DigestSource::Declared(digest) => return Ok(ResolvedImage::declared(pin, digest)),
        DigestSource::Reported(digest) => (pin.image.at(digest), Some(digest)),
        DigestSource::Tag => (pin.image.clone(), pin.image.digest()),
    };
    let manifest = registry.manifest(&reference).await?;
    // A digest that was asked for is kept, in its own algorithm, once the bytes are proven to be its.
    let digest = expected.unwrap_or_else(|| Digest::of(&manifest.bytes));
    if !digest.is_of(&manifest.bytes) {
        let found = Digest::of(&manifest.bytes);
        return Err(Mismatch::Manifest { image: reference.to_string(), expected: digest, found }.into());
    }
    Ok(ResolvedImage::hashed(pin, digest).with_evidence(weigh(rule, source, &manifest)?))
}

/// Judges evidence: pure, over bytes that are already proven to be the digest's.
fn weigh(rule: EvidenceRule, source: Oid, manifest: &RawManifest) -> Result<Evidence, Mismatch> {
    if rule == EvidenceRule::None {
        return Ok(Evidence::NotAsked);
    }
    let text = String::from_utf8_lossy(&manifest.bytes);
    let found =
        text.split("\"org.opencontainers.image.revision\":\"").nth(1).and_then(|rest| rest.split('"').next());
    match found {
        Some(revision) if revision == source.to_string() => Ok(Evidence::Label),
        _ => Err(Mismatch::Source { expected: source, found: found.map(str::to_owned) }),
    }
}
