//! What a registry answers: documents of images, challenges, headers, words.

use crate::{
    image::document::{self, Config, Document},
    provenance,
    registry::fuzzing::header,
};

const TYPES: [&str; 5] = [
    document::OCI_INDEX,
    document::OCI_MANIFEST,
    document::DOCKER_LIST,
    document::DOCKER_MANIFEST,
    "text/html",
];

/// The bytes are a body, of every type, and the values of each header that is read.
pub(super) fn registry_answer(bytes: &[u8]) {
    let mut taken = 0;
    for media_type in TYPES {
        match Document::parse(media_type, bytes) {
            Ok(Document::Index(index)) => {
                taken |= 1;
                assert!(!index.images.is_empty(), "an index holds an image");
                let platforms: Vec<_> =
                    index.images.iter().filter_map(document::Descriptor::platform).collect();
                assert!(platforms.iter().all(|platform| platform.to_string() != "unknown/unknown"));
            }
            Ok(Document::Manifest(manifest)) => {
                taken |= 2;
                manifest.annotations.get("org.opencontainers.image.revision");
                manifest.config.is_config();
            }
            Err(reason) => assert!(!reason.is_empty()),
        }
    }
    assert_ne!(taken, 3, "one body is two documents");
    document::media_type(bytes).ok();
    document::blobs(document::OCI_MANIFEST, bytes).ok();
    document::entries(document::OCI_INDEX, bytes).ok();
    provenance::fuzzing::statement(bytes);
    if let Ok(config) = Config::parse(bytes) {
        config.platform();
        config.label("org.opencontainers.image.revision");
    }
    header(bytes);
}
