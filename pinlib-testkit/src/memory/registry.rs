//! Images in memory.

use super::not_found;
use crate::{
    image::{Document, Image},
    sim::Yield,
};
use async_trait::async_trait;
use pinlib::{BackendError, BackendErrorKind, Digest, RawManifest, Reference, Registry};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
};

/// Images in memory.
#[derive(Debug, Default)]
pub struct MemoryRegistry(Mutex<BTreeMap<String, Repository>>);

/// One repository: what another pushed is not in it.
#[derive(Debug, Default)]
struct Repository {
    tags: BTreeMap<String, Digest>,
    documents: BTreeMap<Digest, Document>,
    blobs: BTreeMap<Digest, Vec<u8>>,
}

impl MemoryRegistry {
    /// Pushes an image whole, under the tag of a reference (`latest` where it has none), and answers its digest.
    pub fn push(&self, name: &Reference, image: &Image) -> Digest {
        let mut repositories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let repository = repositories.entry(name.name()).or_default();
        repository.blobs.extend(image.blobs.clone());
        repository.documents.extend(image.documents().map(|document| (document.digest(), document.clone())));
        repository.tags.insert(name.tag().unwrap_or("latest").into(), image.digest());
        image.digest()
    }

    fn find<T>(
        &self,
        act: String,
        image: &Reference,
        find: impl FnOnce(&Repository) -> Option<T>,
    ) -> Result<T, BackendError> {
        let repositories = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        repositories.get(&image.name()).and_then(find).ok_or_else(|| not_found(act))
    }
}

impl fmt::Display for MemoryRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("memory registry")
    }
}

#[async_trait]
impl Registry for MemoryRegistry {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        Yield::default().await;
        let Document { media_type, bytes } =
            self.find(format!("read the manifest of {image}"), image, |repository| {
                let tagged = || repository.tags.get(image.tag().unwrap_or("latest")).copied();
                repository.documents.get(&image.digest().or_else(tagged)?).cloned()
            })?;
        Ok(RawManifest { media_type, claimed: Some(Digest::of(&bytes)), bytes })
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        let act = format!("read the blob {digest} of {image}");
        self.find(act, image, |repository| repository.blobs.get(&digest).cloned())
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, format!("list what refers to {image}")))
    }
}
