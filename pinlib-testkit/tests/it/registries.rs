//! The registry suite over the registry in memory, and over registries that are wrong on purpose.

use async_trait::async_trait;
use pinlib::{BackendError, Digest, RawManifest, Reference, Registry};
use pinlib_testkit::{
    conformance::registry::{RegistryWorld, all},
    image::Image,
    memory::MemoryRegistry,
    sim,
};
use std::{
    fmt::{self, Debug},
    future::Future,
    marker::PhantomData,
    sync::Arc,
};

/// What is wrong with a registry.
trait Flaw: Debug + Default + Send + Sync + 'static {
    fn asked(image: &Reference) -> Reference {
        image.clone()
    }
    fn answered(_: &mut RawManifest) {}
}

#[derive(Debug, Default)]
struct Broken<F>(MemoryRegistry, PhantomData<F>);

impl<F: Flaw> fmt::Display for Broken<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken registry")
    }
}

#[async_trait]
impl<F: Flaw> Registry for Broken<F> {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        let mut answer = self.0.manifest(&F::asked(image)).await?;
        F::answered(&mut answer);
        Ok(answer)
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        self.0.blob(image, digest).await
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        self.0.referrers(image).await
    }
}

struct World<F>(Arc<Broken<F>>);

impl<F: Flaw> RegistryWorld for World<F> {
    fn create() -> Option<Self> {
        Some(Self(Arc::default()))
    }
    fn registry(&self) -> Arc<dyn Registry> {
        Arc::<Broken<F>>::clone(&self.0)
    }
    fn repository(&self) -> Reference {
        "registry.test/acme/app".parse().expect("a repository")
    }
    fn push(&self, tag: &str, image: &Image) {
        let name = format!("{}:{tag}", self.repository()).parse().expect("an image");
        self.0.0.push(&name, image);
    }
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        sim::run(future)
    }
}

#[derive(Debug, Default)]
struct Sound;
impl Flaw for Sound {}

/// Lets the tag win over the digest.
#[derive(Debug, Default)]
struct TagFirst;
impl Flaw for TagFirst {
    fn asked(image: &Reference) -> Reference {
        match image.tag() {
            Some(tag) => format!("{}:{tag}", image.written_name()).parse().expect("an image"),
            None => image.clone(),
        }
    }
}

/// Writes JSON its own way.
#[derive(Debug, Default)]
struct Rewriter;
impl Flaw for Rewriter {
    fn answered(answer: &mut RawManifest) {
        if answer.media_type.contains("docker") {
            answer.bytes.push(b'\n');
        }
    }
}

mod memory {
    pinlib_testkit::registry_conformance!(super::World<super::Sound>);
}

fn fails<F: Flaw>() -> Vec<&'static str> {
    let cases = all::<World<F>>().into_iter();
    cases
        .filter(|(_, case)| World::create().is_some_and(|world| case(&world).is_err()))
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn each_flaw_fails_its_cases_and_no_other() {
    assert_eq!(fails::<TagFirst>(), ["a_digest_names_its_bytes_wherever_the_tag_goes"]);
    assert_eq!(
        fails::<Rewriter>(),
        ["every_kind_of_image_comes_as_it_was_pushed", "the_core_finds_platforms_and_evidence"]
    );
}
