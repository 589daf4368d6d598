//! A registry of one's own: images that a build left in a store of artifacts. `cargo run -p pinlib --example own_registry`.
//!
//! A registry brings bytes as they are; pinlib hashes them. So it can be wrong, or hostile, and no wrong digest gets
//! through. The testkit's suite shows whether the rest is kept: what is missing is `NotFound`, a digest beats a tag, and so on.

#![expect(clippy::print_stdout, reason = "it shows what it does")]

use async_trait::async_trait;
use pinlib::{BackendError, BackendErrorKind, Digest, RawManifest, Reference, Registry};
use pinlib_testkit::{
    conformance::registry::{self, RegistryWorld},
    image::Image,
    sim,
};
use std::{
    collections::BTreeMap,
    error::Error,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// What the store holds: bytes by (repository, digest), types beside them, and tags.
#[derive(Debug, Default)]
struct Shelves {
    bytes: BTreeMap<(String, Digest), Vec<u8>>,
    types: BTreeMap<(String, Digest), String>,
    tags: BTreeMap<(String, String), Digest>,
}

#[derive(Debug, Default)]
struct Store(Mutex<Shelves>);

impl Store {
    fn shelves(&self) -> MutexGuard<'_, Shelves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn missing(act: String) -> BackendError {
    BackendError::new(BackendErrorKind::NotFound, act)
}

/// Names the endpoint, without credentials.
impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store of artifacts")
    }
}

#[async_trait]
impl Registry for Store {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        let shelves = self.shelves();
        let tag = image.tag().unwrap_or("latest").to_owned();
        let tagged = || shelves.tags.get(&(image.name(), tag)).copied();
        let found = image.digest().or_else(tagged).and_then(|digest| {
            let key = (image.name(), digest);
            let (media_type, bytes) = (shelves.types.get(&key)?.clone(), shelves.bytes.get(&key)?.clone());
            Some(RawManifest { media_type, claimed: Some(digest), bytes })
        });
        found.ok_or_else(|| missing(format!("read the manifest of {image} in {self}")))
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        let found = self.shelves().bytes.get(&(image.name(), digest)).cloned();
        found.ok_or_else(|| missing(format!("read the blob {digest} of {image} in {self}")))
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        // Not "none": the store has no such list.
        let act = format!("list what refers to {image} in {self}");
        Err(BackendError::new(BackendErrorKind::Unsupported, act))
    }
}

/// The store in a test: made empty, and filled by whoever builds.
struct World(Arc<Store>);

impl RegistryWorld for World {
    fn create() -> Option<Self> {
        Some(Self(Arc::default()))
    }
    fn registry(&self) -> Arc<dyn Registry> {
        Arc::<Store>::clone(&self.0)
    }
    fn repository(&self) -> Reference {
        "artifacts.example/acme/web".parse().unwrap_or_else(|error| panic!("{error}"))
    }
    fn push(&self, tag: &str, image: &Image) {
        let name = self.repository().name();
        let mut shelves = self.0.shelves();
        for document in image.documents() {
            let key = (name.clone(), document.digest());
            shelves.types.insert(key.clone(), document.media_type.clone());
            shelves.bytes.insert(key, document.bytes.clone());
        }
        let blobs = image.blobs.iter().map(|(digest, bytes)| ((name.clone(), *digest), bytes.clone()));
        shelves.bytes.extend(blobs);
        shelves.tags.insert((name, tag.to_owned()), image.digest());
    }
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        sim::run(future)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    // In a test file `pinlib_testkit::registry_conformance!(World);` makes a test of each.
    for (name, case) in registry::all::<World>() {
        case(&World::create().ok_or("no store")?)?;
        println!("{name}: kept");
    }
    Ok(())
}
