//! Attestations in an index, in the shape that `BuildKit` publishes.
//!
//! Source: <https://github.com/moby/buildkit/blob/master/docs/attestations/attestation-storage.md> and
//! `slsa-definitions.md` beside it.

use super::{Document, Form, Image, descriptor};
use pinlib::{Digest, Platform};
use serde_json::{Value, json};

pub(super) const SLSA_0_2: &str = "https://slsa.dev/provenance/v0.2";
const IN_TOTO: &str = "application/vnd.in-toto+json";

/// A statement about one thing.
pub fn statement(predicate_type: &str, subject: Digest, predicate: &Value) -> Value {
    json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": predicate_type,
        "subject": [{"name": "pkg:docker/acme/app@v1?platform=linux%2Famd64", "digest": {subject.algorithm(): subject.hex()}}],
        "predicate": predicate,
    })
}

/// A provenance by SLSA v0.2 of a build from a repository.
pub fn slsa_0_2(subject: Digest, repository: &str, commit: &str) -> Value {
    let source = json!({"uri": format!("{repository}#refs/heads/main"), "digest": {"sha1": commit}});
    let mut config = source.clone();
    config["entryPoint"] = "Dockerfile".into();
    statement(
        SLSA_0_2,
        subject,
        &json!({
            "builder": {"id": "https://ci.test/runs/1"},
            "buildType": "https://mobyproject.org/buildkit@v1",
            "materials": [base_image(), source],
            "invocation": {"configSource": config, "parameters": {"frontend": "dockerfile.v0"}, "environment": {}},
            "metadata": {"completeness": {"parameters": true, "environment": true, "materials": false}},
        }),
    )
}

/// The same by SLSA v1.
pub fn slsa_1(subject: Digest, repository: &str, commit: &str) -> Value {
    let source = json!({"uri": format!("{repository}#refs/heads/main"), "digest": {"sha1": commit}});
    let mut config = source.clone();
    config["path"] = "Dockerfile".into();
    statement(
        "https://slsa.dev/provenance/v1",
        subject,
        &json!({
            "buildDefinition": {
                "buildType": "https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md",
                "externalParameters": {"configSource": config, "request": {"frontend": "dockerfile.v0"}},
                "internalParameters": {"builderPlatform": "linux/amd64"},
                "resolvedDependencies": [base_image(), source],
            },
            "runDetails": {"builder": {"id": "https://ci.test/runs/1"}, "metadata": {}},
        }),
    )
}

fn base_image() -> Value {
    let digest = Digest::of(b"base").hex();
    json!({"uri": "pkg:docker/alpine@3.17?platform=linux%2Famd64", "digest": {"sha256": digest}})
}

impl Image {
    /// The same index with a manifest of attestations beside each image for which there are statements.
    ///
    /// # Panics
    /// Where the root is no index.
    #[must_use]
    pub fn attested(mut self, mut statements: impl FnMut(&Platform, Digest) -> Vec<Value>) -> Self {
        let mut root: Value = serde_json::from_slice(&self.root.bytes).expect("JSON");
        let entries = root["manifests"].as_array_mut().expect("an index");
        for (platform, manifest) in &self.manifests {
            let statements = statements(platform, manifest.digest());
            if statements.is_empty() {
                continue;
            }
            let [_, manifest_type, config_type, _] = Form::Oci.types();
            let mut layers = Vec::new();
            for statement in statements {
                let bytes = statement.to_string().into_bytes();
                let mut layer = descriptor(IN_TOTO, &bytes);
                layer["annotations"] = json!({"in-toto.io/predicate-type": statement["predicateType"]});
                layers.push(layer);
                self.blobs.insert(Digest::of(&bytes), bytes);
            }
            let config =
                json!({"architecture": "unknown", "os": "unknown", "config": {}}).to_string().into_bytes();
            let attestation = Document::of(
                manifest_type,
                &json!({
                    "schemaVersion": 2,
                    "mediaType": manifest_type,
                    "config": descriptor(config_type, &config),
                    "layers": layers,
                }),
            );
            self.blobs.insert(Digest::of(&config), config);
            let mut entry = attestation.descriptor();
            entry["platform"] = json!({"os": "unknown", "architecture": "unknown"});
            entry["annotations"] = json!({
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": manifest.digest(),
            });
            entries.push(entry);
            self.attestations.push(attestation);
        }
        self.root = Document::of(&self.root.media_type, &root);
        self
    }
}
