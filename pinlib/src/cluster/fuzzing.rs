//! What a cluster answers: lists of objects, and the words of their nodes.

use super::{
    image_id::ImageId,
    list,
    object::{Object, Pod},
};
use crate::{
    git::{FileAt, Mode, ObjectFormat, Oid},
    manifest::overlay,
};

/// The bytes are a list, the id of a container's image, and a kustomization.
pub(crate) fn cluster(bytes: &[u8]) {
    for asked in [None, Some("Pod"), Some("Application")] {
        for object in list::read(bytes, asked).into_iter().flat_map(|list| list.objects) {
            if let Object::Pod(Pod { name, containers, .. }) = object {
                assert!(!name.is_empty(), "a pod is called something");
                for one in &containers {
                    told(&one.image_id);
                }
            }
        }
    }
    let text = String::from_utf8_lossy(bytes);
    told(&ImageId::parse(&text));
    let Ok(path) = "kustomization.yaml".parse() else { return };
    let oid = Oid::of(ObjectFormat::Sha1, "blob", bytes);
    let file = FileAt { path, mode: Mode::Regular, oid, bytes: bytes.to_vec() };
    if let Ok(Some(overlay)) = overlay(&file) {
        for image in ["web", "web:1.0", "ghcr.io/acme/web@sha256:00", &text] {
            overlay.apply(image);
        }
    }
}

/// What an id means, it means again; what it does not mean has no digest.
fn told(id: &ImageId) {
    match id {
        ImageId::Manifest(_) | ImageId::Config(_) => {
            assert!(id.digest().is_some());
            assert_eq!(ImageId::parse(&id.to_string()), *id);
        }
        ImageId::Absent | ImageId::Unreadable(_) => assert_eq!(id.digest(), None),
    }
}
