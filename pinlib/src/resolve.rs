//! Asks a registry, and proves what it answers: manifests hashed, platforms found, evidence weighed.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::{Mismatch, PinError},
    evidence,
    git::Oid,
    image::{
        Digest, Platform, Reference,
        document::{Config, Descriptor, Document, Manifest},
    },
    registry::Registry,
    request::{DigestSource, EvidenceRule, ImagePin},
    resolved::{Evidence, ResolvedImage},
};

/// Settles one digest as a pin would, but asks for no evidence and asks only once: what an image is now.
///
/// # Errors
/// What the registry answers, and `Mismatch` where its bytes are not what was asked for.
pub async fn resolve(registry: &dyn Registry, pin: &ImagePin) -> Result<ResolvedImage, PinError> {
    Ok(look_up(registry, pin).await?.0)
}

/// Settles one digest, then asks for evidence. One read, unless a platform or evidence is asked for.
pub(crate) async fn resolve_built_from(
    registry: &dyn Registry,
    pin: &ImagePin,
    source: Oid,
    rule: EvidenceRule,
) -> Result<ResolvedImage, PinError> {
    match (rule, look_up(registry, pin).await?) {
        (EvidenceRule::Label, (image, Some(document))) => {
            let platforms = evidence::label(registry, &image.reference(), &document, source).await?;
            Ok(image.with(platforms, Evidence::Label))
        }
        (_, (image, _)) => Ok(image),
    }
}

/// Reads by tag or digest, hashes, finds the platform. What is only declared has no document.
async fn look_up(
    registry: &dyn Registry,
    pin: &ImagePin,
) -> Result<(ResolvedImage, Option<Document>), PinError> {
    let (image, expected) = match pin.digest {
        DigestSource::Declared(digest) => return Ok((ResolvedImage::declared(pin, digest), None)),
        DigestSource::Reported(digest) => (pin.image.at(digest), Some(digest)),
        DigestSource::Tag => (pin.image.clone(), pin.image.digest()),
    };
    let (mut digest, mut document) = proven(registry, &image, expected).await?;
    let mut platforms = match &document {
        Document::Index(index) => index.images.iter().filter_map(Descriptor::platform).collect(),
        Document::Manifest(_) => Vec::new(),
    };
    if let Some(wish) = &pin.platform {
        let (at, manifest, platform) = for_platform(registry, &image, digest, document, wish).await?;
        (digest, document, platforms) = (at, Document::Manifest(manifest), vec![platform]);
    }
    Ok((ResolvedImage::hashed(pin, digest).with(platforms, Evidence::NotAsked), Some(document)))
}

/// Reads a manifest or index, and proves it to be what was asked for and what the registry says that it is.
pub(crate) async fn proven(
    registry: &dyn Registry,
    image: &Reference,
    expected: Option<Digest>,
) -> Result<(Digest, Document), PinError> {
    let manifest = registry.manifest(image).await?;
    for expected in [expected, manifest.claimed].into_iter().flatten() {
        if !expected.is_of(&manifest.bytes) {
            let found = Digest::of(&manifest.bytes);
            return Err(Mismatch::Manifest { image: image.to_string(), expected, found }.into());
        }
    }
    let document = Document::parse(&manifest.media_type, &manifest.bytes)
        .map_err(|reason| invalid(format!("read the manifest of {image}"), reason))?;
    // A digest that was asked for is kept, in its own algorithm.
    Ok((expected.unwrap_or_else(|| Digest::of(&manifest.bytes)), document))
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
    let digest = manifest.config.digest;
    if !manifest.config.is_config() {
        return Ok(None);
    }
    let bytes = registry.blob(image, digest).await?;
    if !digest.is_of(&bytes) {
        let (image, found) = (image.at(digest).to_string(), Digest::of(&bytes));
        return Err(Mismatch::Manifest { image, expected: digest, found }.into());
    }
    let config =
        Config::parse(&bytes).map_err(|reason| invalid(format!("read the config of {image}"), reason))?;
    Ok(Some(config))
}

/// Finds the one manifest for a platform, and proves it. What only attests to an image is never found.
async fn for_platform(
    registry: &dyn Registry,
    image: &Reference,
    digest: Digest,
    document: Document,
    wish: &Platform,
) -> Result<(Digest, Manifest, Platform), PinError> {
    let index = match document {
        Document::Index(index) => index,
        Document::Manifest(manifest) => {
            let config = proven_config(registry, &image.at(digest), &manifest).await?;
            let platform = config.and_then(|config| config.platform());
            return match platform.clone().filter(|platform| wish.takes(platform)) {
                Some(platform) => Ok((digest, manifest, platform)),
                None => Err(not_there(image, wish, platform).into()),
            };
        }
    };
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
