//! Asks a registry, and proves what it answers: manifests hashed, platforms found, evidence weighed.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::{Mismatch, PinError},
    evidence::{Evidence, EvidenceRule},
    git::Oid,
    image::{
        Digest, Platform, Reference,
        document::{Config, Descriptor, Document, Index, Manifest},
    },
    provenance::{self, Found},
    registry::{RawManifest, Registry},
    request::{DigestSource, ImagePin},
    resolved::ResolvedImage,
};

/// Settles one digest as a pin would, but asks for no evidence and asks only once: what an image is now.
///
/// # Errors
/// What the registry answers, and `Mismatch` where its bytes are not what was asked for.
pub async fn resolve(registry: &dyn Registry, pin: &ImagePin) -> Result<ResolvedImage, PinError> {
    Ok(look_up(registry, pin).await?.0)
}

/// Settles one digest and looks for evidence that it was built from a commit, as a pin would, and asks only once.
///
/// # Errors
/// As [`resolve`]; `Mismatch` where there is no such evidence, `Invalid` where what is asked for cannot be meant, as evidence
/// of a digest that is only declared.
pub async fn verify(
    registry: &dyn Registry,
    pin: &ImagePin,
    source: Oid,
    rule: &EvidenceRule,
) -> Result<ResolvedImage, PinError> {
    if let Some(objection) = rule.objection() {
        return Err(PinError::Invalid(objection));
    }
    match look_up(registry, pin).await? {
        (image, Some(found)) => {
            let (reference, digest) = (image.reference(), image.digest());
            let (evidence, heard) =
                provenance::weigh(registry, &reference, digest, &found, source, rule).await?;
            let platforms = heard.unwrap_or_else(|| image.platforms().to_vec());
            Ok(image.with(platforms, evidence))
        }
        (image, None) if rule.is_none() => Ok(image),
        (_, None) => Err(PinError::Invalid(
            "evidence needs a registry: a digest that is only declared cannot be looked into".into(),
        )),
    }
}

/// Reads by tag or digest, hashes, finds the platform. Of what is only declared nothing is found.
async fn look_up(
    registry: &dyn Registry,
    pin: &ImagePin,
) -> Result<(ResolvedImage, Option<Found>), PinError> {
    let (image, expected) = match pin.digest {
        DigestSource::Declared(digest) => return Ok((ResolvedImage::declared(pin, digest), None)),
        DigestSource::Reported(digest) => (pin.image.at(digest), Some(digest)),
        DigestSource::Tag => (pin.image.clone(), pin.image.digest()),
    };
    let (mut digest, document) = proven(registry, &image, expected).await?;
    let mut platforms = match &document {
        Document::Index(index) => index.images.iter().filter_map(Descriptor::platform).collect(),
        Document::Manifest(_) => Vec::new(),
    };
    let found = match (&pin.platform, document) {
        (None, document) => Found { document, within: None },
        (Some(wish), Document::Manifest(manifest)) => {
            let platform = own_platform(registry, &image, digest, &manifest, wish).await?;
            platforms = vec![platform];
            Found { document: Document::Manifest(manifest), within: None }
        }
        (Some(wish), Document::Index(index)) => {
            let (at, manifest, platform) = for_platform(registry, &image, &index, wish).await?;
            (digest, platforms) = (at, vec![platform]);
            Found { document: Document::Manifest(manifest), within: Some(index) }
        }
    };
    Ok((ResolvedImage::hashed(pin, digest).with(platforms, Evidence::NotAsked), Some(found)))
}

/// Reads a manifest or index, and proves it to be what was asked for and what the registry says that it is.
pub(crate) async fn proven(
    registry: &dyn Registry,
    image: &Reference,
    expected: Option<Digest>,
) -> Result<(Digest, Document), PinError> {
    let manifest = proven_bytes(registry, image, expected).await?;
    let document = Document::parse(&manifest.media_type, &manifest.bytes)
        .map_err(|reason| invalid(format!("read the manifest of {image}"), reason))?;
    // A digest that was asked for is kept, in its own algorithm.
    Ok((expected.unwrap_or_else(|| Digest::of(&manifest.bytes)), document))
}

/// Reads the bytes of a manifest or index, whatever they say.
pub(crate) async fn proven_bytes(
    registry: &dyn Registry,
    image: &Reference,
    expected: Option<Digest>,
) -> Result<RawManifest, PinError> {
    let manifest = registry.manifest(image).await?;
    for expected in [expected, manifest.claimed].into_iter().flatten() {
        hashes(image, expected, &manifest.bytes)?;
    }
    Ok(manifest)
}

/// Reads a blob of the image's repository.
pub(crate) async fn proven_blob(
    registry: &dyn Registry,
    image: &Reference,
    digest: Digest,
) -> Result<Vec<u8>, PinError> {
    let bytes = registry.blob(image, digest).await?;
    hashes(&image.at(digest), digest, &bytes)?;
    Ok(bytes)
}

fn hashes(image: &Reference, expected: Digest, bytes: &[u8]) -> Result<(), Mismatch> {
    if expected.is_of(bytes) {
        return Ok(());
    }
    Err(Mismatch::Manifest { image: image.to_string(), expected, found: Digest::of(bytes) })
}

/// Reads the manifest of one image of an index, and proves it.
pub(crate) async fn proven_manifest(
    registry: &dyn Registry,
    image: &Reference,
    digest: Digest,
) -> Result<Manifest, PinError> {
    let image = image.at(digest);
    match proven(registry, &image, Some(digest)).await?.1 {
        Document::Manifest(manifest) => Ok(manifest),
        Document::Index(_) => {
            Err(invalid(format!("read the manifest of {image}"), "an index stands in an index").into())
        }
    }
}

/// Reads a manifest's config, and proves it; none where the manifest is of something that is not a container's image.
pub(crate) async fn proven_config(
    registry: &dyn Registry,
    image: &Reference,
    manifest: &Manifest,
) -> Result<Option<Config>, PinError> {
    if !manifest.config.is_config() {
        return Ok(None);
    }
    let bytes = proven_blob(registry, image, manifest.config.digest).await?;
    let config =
        Config::parse(&bytes).map_err(|reason| invalid(format!("read the config of {image}"), reason))?;
    Ok(Some(config))
}

/// Holds the platform of an image that stands in no index against the one that is wished for.
async fn own_platform(
    registry: &dyn Registry,
    image: &Reference,
    digest: Digest,
    manifest: &Manifest,
    wish: &Platform,
) -> Result<Platform, PinError> {
    let config = proven_config(registry, &image.at(digest), manifest).await?;
    let platform = config.and_then(|config| config.platform());
    match platform.clone().filter(|platform| wish.takes(platform)) {
        Some(platform) => Ok(platform),
        None => Err(not_there(image, wish, platform).into()),
    }
}

/// Finds the one manifest for a platform, and proves it. What only attests to an image is never found.
async fn for_platform(
    registry: &dyn Registry,
    image: &Reference,
    index: &Index,
    wish: &Platform,
) -> Result<(Digest, Manifest, Platform), PinError> {
    let all: Vec<_> =
        index.images.iter().filter_map(|entry| Some((entry.platform()?, entry.digest))).collect();
    // `linux/amd64` is the plain one, where `linux/amd64/v3` stands beside it.
    let plain = all.iter().any(|(platform, _)| platform == wish);
    let mut found: Vec<_> = all
        .iter()
        .filter(|(platform, _)| if plain { platform == wish } else { wish.takes(platform) })
        .collect();
    found.dedup();
    match found[..] {
        [(platform, digest)] => {
            Ok((*digest, proven_manifest(registry, image, *digest).await?, platform.clone()))
        }
        [] => Err(not_there(image, wish, all.into_iter().map(|(platform, _)| platform)).into()),
        _ => {
            let named: Vec<_> =
                found.iter().map(|(platform, digest)| format!("{platform} {}", digest.short())).collect();
            Err(invalid(format!("find {wish} in {image}"), format!("it could be {}", named.join(" or ")))
                .into())
        }
    }
}

fn not_there(image: &Reference, wish: &Platform, has: impl IntoIterator<Item = Platform>) -> BackendError {
    let has: Vec<_> = has.into_iter().map(|platform| platform.to_string()).collect();
    let has =
        if has.is_empty() { "it names no platform".into() } else { format!("it has {}", has.join(", ")) };
    BackendError::new(BackendErrorKind::NotFound, format!("find {wish} in {image}")).because(has)
}

fn invalid(act: String, reason: impl Into<String>) -> BackendError {
    BackendError::new(BackendErrorKind::Invalid, act).because(reason)
}
