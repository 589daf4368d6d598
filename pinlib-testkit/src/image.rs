//! Real images, byte for byte, of any shape that registries hold.

pub mod provenance;

use pinlib::{Digest, Oid, Platform};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fs, io, path::Path};

/// A gzipped tar of nothing, and the digest of the tar: the layer that every image here has.
const LAYER: [u8; 32] = [
    0x1f, 0x8b, 8, 0, 0, 9, 0x6e, 0x88, 0, 0xff, 0x62, 0x18, 5, 0xa3, 0x60, 0x14, 0x8c, 0x58, 0, 8, 0, 0,
    0xff, 0xff, 0x2e, 0xaf, 0xb5, 0xef, 0, 4, 0, 0,
];
const LAYER_TAR: &str = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef";
const REVISION: &str = "org.opencontainers.image.revision";

/// Whose media types an image has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// The specification's.
    #[default]
    Oci,
    /// Docker's own, which are older.
    Docker,
}

impl Form {
    fn types(self) -> [&'static str; 4] {
        match self {
            Self::Oci => [
                "application/vnd.oci.image.index.v1+json",
                "application/vnd.oci.image.manifest.v1+json",
                "application/vnd.oci.image.config.v1+json",
                "application/vnd.oci.image.layer.v1.tar+gzip",
            ],
            Self::Docker => [
                "application/vnd.docker.distribution.manifest.list.v2+json",
                "application/vnd.docker.distribution.manifest.v2+json",
                "application/vnd.docker.container.image.v1+json",
                "application/vnd.docker.image.rootfs.diff.tar.gzip",
            ],
        }
    }
}

/// The image of one platform, still to be built.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Variant {
    pub platform: Platform,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

impl Variant {
    /// One with neither labels nor annotations.
    ///
    /// # Panics
    /// Where the text is no platform.
    pub fn of(platform: &str) -> Self {
        let platform = platform.parse().expect("a platform");
        Self { platform, labels: BTreeMap::new(), annotations: BTreeMap::new() }
    }
    /// The same with a label in its config.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> Self {
        self.labels.insert(key.into(), value.into());
        self
    }
    /// The same with an annotation in its manifest.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }
    /// The same with the label that says which commit it was built from.
    #[must_use]
    pub fn built_from(self, source: Oid) -> Self {
        self.label(REVISION, &source.to_string())
    }
}

/// What an image is built of.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// Whose media types.
    pub form: Form,
    /// One image each, all in one index.
    pub variants: Vec<Variant>,
    /// Of the index.
    pub annotations: BTreeMap<String, String>,
    /// Whether an attestation stands beside each image, as `BuildKit` puts it there.
    pub attested: bool,
}

/// A manifest or an index.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Document {
    pub media_type: String,
    pub bytes: Vec<u8>,
}

impl Document {
    /// What names it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
    pub(crate) fn of(media_type: &str, value: &Value) -> Self {
        Self { media_type: media_type.into(), bytes: value.to_string().into_bytes() }
    }
    pub(crate) fn descriptor(&self) -> Value {
        descriptor(&self.media_type, &self.bytes)
    }
}

pub(crate) fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len()})
}

/// An image: an index with all that it lists, or a single manifest.
#[derive(Clone, Debug)]
pub struct Image {
    /// The index, or the manifest of an image that has none.
    pub root: Document,
    /// The manifests of the index, by platform.
    pub manifests: Vec<(Platform, Document)>,
    /// The manifests of the index that only attest to another.
    pub attestations: Vec<Document>,
    /// Configs and layers.
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Recipe {
    /// A recipe of the specification's form for these.
    pub fn of(variants: impl IntoIterator<Item = Variant>) -> Self {
        Self { variants: variants.into_iter().collect(), ..Self::default() }
    }

    /// Builds the index.
    pub fn index(&self) -> Image {
        let [index_type, ..] = self.form.types();
        let mut image = Image {
            root: Document { media_type: index_type.into(), bytes: Vec::new() },
            manifests: Vec::new(),
            attestations: Vec::new(),
            blobs: BTreeMap::new(),
        };
        let mut entries = Vec::new();
        for variant in &self.variants {
            let manifest = self.manifest(variant, &mut image.blobs);
            let mut entry = manifest.descriptor();
            entry["platform"] = platform(&variant.platform);
            entries.push(entry);
            image.manifests.push((variant.platform.clone(), manifest));
        }
        let mut index = json!({"schemaVersion": 2, "mediaType": index_type, "manifests": entries});
        annotate(&mut index, &self.annotations);
        image.root = Document::of(index_type, &index);
        if self.attested {
            // A provenance that tells nothing.
            return image.attested(|_, subject| {
                vec![provenance::statement(provenance::SLSA_0_2, subject, &json!({}))]
            });
        }
        image
    }

    /// Builds the manifest of the first variant, in no index.
    ///
    /// # Panics
    /// Where there is no variant.
    pub fn single(&self) -> Image {
        let mut blobs = BTreeMap::new();
        let variant = self.variants.first().expect("a variant");
        let root = self.manifest(variant, &mut blobs);
        Image { root, manifests: Vec::new(), attestations: Vec::new(), blobs }
    }

    fn manifest(&self, variant: &Variant, blobs: &mut BTreeMap<Digest, Vec<u8>>) -> Document {
        let [_, manifest_type, config_type, layer_type] = self.form.types();
        let mut config = platform(&variant.platform);
        config["rootfs"] = json!({"type": "layers", "diff_ids": [LAYER_TAR]});
        config["config"] = json!({"Entrypoint": ["/app"]});
        if !variant.labels.is_empty() {
            config["config"]["Labels"] = json!(variant.labels);
        }
        let config = config.to_string().into_bytes();
        let mut manifest = json!({
            "schemaVersion": 2,
            "mediaType": manifest_type,
            "config": descriptor(config_type, &config),
            "layers": [descriptor(layer_type, &LAYER)],
        });
        annotate(&mut manifest, &variant.annotations);
        blobs.insert(Digest::of(&config), config);
        blobs.insert(Digest::of(&LAYER), LAYER.into());
        Document::of(manifest_type, &manifest)
    }
}

fn platform(platform: &Platform) -> Value {
    let mut value = json!({"os": platform.os(), "architecture": platform.arch()});
    if let Some(variant) = platform.variant() {
        value["variant"] = variant.into();
    }
    value
}

fn annotate(document: &mut Value, annotations: &BTreeMap<String, String>) {
    if !annotations.is_empty() {
        document["annotations"] = json!(annotations);
    }
}

impl Image {
    /// What names it.
    pub fn digest(&self) -> Digest {
        self.root.digest()
    }
    /// Every manifest and index of it, the root last.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        let manifests = self.manifests.iter().map(|(_, manifest)| manifest);
        manifests.chain(&self.attestations).chain([&self.root])
    }

    /// Adds it to the OCI layout in a folder, which is made where there is none, under a name: a tag, or a reference.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_layout(&self, folder: &Path, name: &str) -> io::Result<()> {
        let documents = self.documents().map(|document| (document.digest(), &document.bytes));
        for (digest, bytes) in documents.chain(self.blobs.iter().map(|(digest, bytes)| (*digest, bytes))) {
            let blobs = folder.join("blobs").join(digest.algorithm());
            fs::create_dir_all(&blobs)?;
            fs::write(blobs.join(digest.hex()), bytes)?;
        }
        fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let index = folder.join("index.json");
        let mut entries = match fs::read(&index) {
            Ok(bytes) => serde_json::from_slice::<Map<String, Value>>(&bytes)?.remove("manifests"),
            Err(_) => None,
        }
        .unwrap_or_else(|| json!([]));
        let mut entry = self.root.descriptor();
        entry["annotations"] = json!({"org.opencontainers.image.ref.name": name});
        if let Some(entries) = entries.as_array_mut() {
            // A tag names one image: who had the name has it no more.
            entries.retain(|other| other["annotations"] != entry["annotations"]);
            entries.push(entry);
        }
        fs::write(index, json!({"schemaVersion": 2, "manifests": entries}).to_string())
    }

    /// Writes it as a folder of skopeo's `dir:` transport, which keeps any media type.
    ///
    /// # Errors
    /// What the file system says.
    pub fn write_dir(&self, folder: &Path) -> io::Result<()> {
        fs::create_dir_all(folder)?;
        fs::write(folder.join("version"), "Directory Transport Version: 1.1\n")?;
        fs::write(folder.join("manifest.json"), &self.root.bytes)?;
        for document in self.documents() {
            let name = format!("{}.manifest.json", document.digest().hex());
            fs::write(folder.join(name), &document.bytes)?;
        }
        self.blobs.iter().try_for_each(|(digest, bytes)| fs::write(folder.join(digest.hex()), bytes))
    }
}
