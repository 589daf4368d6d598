//! A real image for two platforms, in an OCI image layout: small, but every byte of it is there.

use anyhow::Context as _;
use pinlib::Digest;
use serde_json::{Value, json};
use std::{fs, path::Path};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Adds the image of a commit to the layout, and makes the layout where there is none; answers the index's digest.
pub(super) fn push(layout: &Path, commit: &str) -> anyhow::Result<Digest> {
    let blobs = layout.join("blobs/sha256");
    fs::create_dir_all(&blobs).with_context(|| format!("cannot make {}", blobs.display()))?;
    let blob = |media_type: &str, bytes: &[u8]| -> anyhow::Result<Value> {
        let digest = Digest::of(bytes);
        fs::write(blobs.join(digest.hex()), bytes)?;
        Ok(json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() }))
    };
    // An archive without files is two blocks of zeros.
    let files = [0; 1024];
    let layer = blob(LAYER, &files)?;
    let mut images = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let config = json!({
            "architecture": architecture,
            "os": "linux",
            "config": { "Labels": { "org.opencontainers.image.revision": commit } },
            "rootfs": { "type": "layers", "diff_ids": [Digest::of(&files)] },
        });
        let config = blob(CONFIG, config.to_string().as_bytes())?;
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer] });
        let mut entry = blob(MANIFEST, manifest.to_string().as_bytes())?;
        entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
        images.push(entry);
    }
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": images }).to_string();
    let mut entry = blob(INDEX, index.as_bytes())?;
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("build-{commit}") });

    let list = layout.join("index.json");
    let mut top = match fs::read(&list) {
        Ok(bytes) => serde_json::from_slice(&bytes)?,
        Err(_) => json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] }),
    };
    top["manifests"].as_array_mut().context("the layout's index lists nothing")?.push(entry);
    fs::write(list, top.to_string())?;
    fs::write(layout.join("oci-layout"), json!({ "imageLayoutVersion": "1.0.0" }).to_string())?;
    Ok(Digest::of(index.as_bytes()))
}
