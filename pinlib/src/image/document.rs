//! The JSON documents that an image is made of: indexes, manifests, configs.
//!
//! Read by types of our own, since real registries hold what the specification's grammar refuses (platforms without an
//! operating system, lists that are `null`), and since only what is used here may make a document invalid.
//!
//! Source: <https://github.com/opencontainers/image-spec/blob/main/image-index.md>, `manifest.md` and `config.md` beside it.

use super::{Digest, Platform};
use serde::Deserialize;
use std::collections::BTreeMap;

// The media types that an image's root can have.
pub(crate) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(crate) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(crate) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

const CONFIGS: [&str; 2] =
    ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
/// What `BuildKit` keeps its attestations in, and how it marks them.
///
/// Source: <https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md>.
const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";
const ATTESTATION_MANIFEST: &str = "attestation-manifest";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// An index with more images than this is not looked through, one by one.
pub(crate) const IMAGES: usize = 64;

/// The root of an image, or one image of an index.
#[derive(Debug)]
pub(crate) enum Document {
    Index(Index),
    Manifest(Manifest),
}

#[derive(Debug)]
pub(crate) struct Index {
    /// The images, without what only attests to them.
    pub(crate) images: Vec<Descriptor>,
    /// What only attests to them.
    pub(crate) attestations: Vec<Descriptor>,
    pub(crate) annotations: Annotations,
}

#[derive(Debug)]
pub(crate) struct Manifest {
    pub(crate) config: Descriptor,
    pub(crate) annotations: Annotations,
}

/// One entry of a list of documents or blobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Descriptor {
    #[serde(default)]
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) artifact_type: Option<String>,
    platform: Option<Machine>,
    #[serde(default)]
    pub(crate) annotations: Annotations,
}

/// Key and value pairs; a list that is not there is empty.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Annotations(Option<BTreeMap<String, String>>);

impl Annotations {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.as_ref()?.get(key).map(String::as_str)
    }
}

/// A platform as descriptors and configs write it.
#[derive(Clone, Debug, Default, Deserialize)]
struct Machine {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    variant: Option<String>,
}

impl Machine {
    fn platform(&self) -> Option<Platform> {
        let variant = self.variant.iter().filter(|text| !text.is_empty());
        let parts: Vec<_> =
            [&self.os, &self.architecture].into_iter().chain(variant).map(String::as_str).collect();
        parts.join("/").parse().ok()
    }
    fn is_unknown(&self) -> bool {
        self.os == "unknown" && self.architecture == "unknown"
    }
}

impl Descriptor {
    /// What it runs on, where it says so.
    pub(crate) fn platform(&self) -> Option<Platform> {
        self.platform.as_ref()?.platform()
    }
    /// Whether it is the config of an image, and not of something else that is kept in a registry.
    pub(crate) fn is_config(&self) -> bool {
        CONFIGS.contains(&self.media_type.as_str())
    }
    /// Whether it only attests to an image, as `BuildKit` marks it.
    fn attests(&self) -> bool {
        self.platform.as_ref().is_some_and(Machine::is_unknown)
            || self.annotations.get(REFERENCE_TYPE).is_some()
    }
    /// Whether it attests to this image of its index.
    pub(crate) fn attests_to(&self, image: Digest) -> bool {
        self.annotations.get(REFERENCE_TYPE) == Some(ATTESTATION_MANIFEST)
            && self.annotations.get(REFERENCE_DIGEST).and_then(|text| text.parse().ok()) == Some(image)
    }
    /// What it says that it holds, where it is an in-toto statement; an empty word where it does not say.
    pub(crate) fn predicate_type(&self) -> Option<&str> {
        (self.media_type == IN_TOTO)
            .then(|| self.annotations.get("in-toto.io/predicate-type").unwrap_or_default())
    }
}

/// What an index or a manifest can hold.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    media_type: Option<String>,
    artifact_type: Option<String>,
    manifests: Option<Vec<Descriptor>>,
    config: Option<Descriptor>,
    layers: Option<Vec<Descriptor>>,
    #[serde(default)]
    annotations: Annotations,
}

impl Body {
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON of an image: {error}"))
    }
    /// A manifest of attestations alone, such as an index lists beside its images.
    fn attests(&self) -> bool {
        let in_toto = |layer: &Descriptor| layer.media_type == IN_TOTO;
        let layers = self.layers.as_deref().unwrap_or_default();
        self.artifact_type.as_deref() == Some("application/vnd.docker.attestation.manifest.v1+json")
            || !layers.is_empty() && layers.iter().all(in_toto)
    }
}

/// The media type of a document that nobody named one for: its own word, else its shape.
pub(crate) fn media_type(bytes: &[u8]) -> Result<String, String> {
    let body = Body::parse(bytes)?;
    let shape = if body.manifests.is_some() { OCI_INDEX } else { OCI_MANIFEST };
    Ok(body.media_type.unwrap_or_else(|| shape.to_owned()))
}

impl Document {
    /// Reads a document as the type that it came as. What could be read as both is neither: two readers would see two
    /// images behind one digest.
    pub(crate) fn parse(media_type: &str, bytes: &[u8]) -> Result<Self, String> {
        let body = Body::parse(bytes)?;
        if let Some(own) = body.media_type.as_deref().filter(|own| *own != media_type) {
            return Err(format!("it came as {media_type:?} and says that it is {own:?}"));
        }
        let attests = body.attests();
        match (media_type, body.manifests, body.config, body.layers) {
            (OCI_INDEX | DOCKER_LIST, Some(entries), None, None) => {
                let (attestations, images): (Vec<_>, Vec<_>) =
                    entries.into_iter().partition(Descriptor::attests);
                if images.is_empty() {
                    return Err("the index holds no image".into());
                }
                Ok(Self::Index(Index { images, attestations, annotations: body.annotations }))
            }
            (OCI_MANIFEST | DOCKER_MANIFEST, None, Some(_), _) if attests => {
                Err("it is an attestation of an image, and not an image".into())
            }
            (OCI_MANIFEST | DOCKER_MANIFEST, None, Some(config), _) => {
                Ok(Self::Manifest(Manifest { config, annotations: body.annotations }))
            }
            (OCI_INDEX | DOCKER_LIST | OCI_MANIFEST | DOCKER_MANIFEST, ..) => {
                Err(format!("it does not hold what makes a {media_type}"))
            }
            _ => Err(format!("{media_type:?} is no image")),
        }
    }
}

/// The blobs of a manifest that is no image: of attestations that an index lists, or of what refers to an image.
pub(crate) fn blobs(media_type: &str, bytes: &[u8]) -> Result<Vec<Descriptor>, String> {
    let body = Body::parse(bytes)?;
    let own = body.media_type.as_deref().unwrap_or(media_type);
    match (media_type, body.manifests, body.layers) {
        (OCI_MANIFEST | DOCKER_MANIFEST, None, Some(layers)) if own == media_type => Ok(layers),
        _ => Err(format!("it does not hold what makes a {OCI_MANIFEST}")),
    }
}

/// Everything that an index lists, whatever it is.
pub(crate) fn entries(media_type: &str, bytes: &[u8]) -> Result<Vec<Descriptor>, String> {
    match Body::parse(bytes)? {
        Body { manifests: Some(entries), config: None, layers: None, .. } if media_type == OCI_INDEX => {
            Ok(entries)
        }
        _ => Err(format!("it does not hold what makes a {OCI_INDEX}")),
    }
}

/// What is used of an image's config.
#[derive(Deserialize)]
pub(crate) struct Config {
    #[serde(flatten)]
    machine: Machine,
    #[serde(default)]
    config: Option<Run>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Run {
    #[serde(default)]
    labels: Annotations,
}

impl Config {
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("it is no JSON of a config: {error}"))
    }
    pub(crate) fn platform(&self) -> Option<Platform> {
        self.machine.platform()
    }
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.config.as_ref()?.labels.get(key)
    }
}
