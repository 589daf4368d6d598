//! What runs, held against what Git says: pods as kubectl prints them, a forge and a registry in memory.

mod images;
mod kubectl;
mod lists;
mod reports;
mod rollouts;
mod says;
mod turning;
mod waits;

use pinlib::{
    Cluster, Digest, ManifestEditor, Oid, Patience, Placement, RecordedCluster, Reference, RepoPath,
    RunReport, RunRequest, Target, Verifier, Workload,
};
use pinlib_testkit::{
    image::{Image, Recipe, Variant},
    memory::{MemoryClock, MemoryForge, MemoryRegistry},
    servers::kubernetes::objects::{PodObject, printed},
    sim,
};
use serde_json::Value;
use std::sync::Arc;

pub(crate) const WEB: &str = "registry.test/shop/web";

fn path(text: &str) -> RepoPath {
    text.parse().expect("a path")
}

fn image(text: &str) -> Reference {
    text.parse().expect("an image")
}

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// The web shop's index for two platforms, another build of it, and where they are.
pub(crate) struct Shop {
    forge: Arc<MemoryForge>,
    registry: Arc<MemoryRegistry>,
    clock: Arc<MemoryClock>,
    pub(crate) index: Image,
    pub(crate) other: Image,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let (registry, forge) = (MemoryRegistry::default(), MemoryForge::default());
        let build = |version: &str| {
            let variants = ["linux/amd64", "linux/arm64"]
                .map(|platform| Variant::of(platform).label("version", version));
            Recipe::of(variants).index()
        };
        let (index, other) = (build("2"), build("1"));
        for (tag, image_of) in [("2", &index), ("1", &other)] {
            registry.push(&image(&format!("{WEB}:{tag}")), image_of);
        }
        Self { forge: Arc::new(forge), registry: Arc::new(registry), clock: Arc::default(), index, other }
    }
    /// A commit with these files.
    pub(crate) fn commit(&self, files: &[(&str, &str)]) -> Oid {
        let files: Vec<_> = files.iter().map(|(name, text)| (path(name), *text)).collect();
        self.forge.push(&"main".parse().expect("a branch"), &files, "Change the shop")
    }
    /// The shop's Rollout, by this digest.
    pub(crate) fn deploy(&self, digest: Digest) -> Oid {
        self.commit(&[("rollout.yaml", &manifest("Rollout", "web", &format!("{WEB}@{digest}")))])
    }
    pub(crate) fn verifier(&self, cluster: Arc<dyn Cluster>) -> Verifier {
        Verifier {
            cluster,
            registry: Arc::clone(&self.registry) as _,
            forge: Arc::clone(&self.forge) as _,
            clock: Arc::clone(&self.clock) as _,
            patience: Patience::default(),
        }
    }
    fn verify(&self, commit: Oid, objects: &[Value]) -> RunReport {
        let cluster = RecordedCluster::read("pods", printed(objects).as_bytes()).expect("a list");
        sim::run(self.verifier(Arc::new(cluster)).verify(&request(commit))).expect("a report")
    }
    /// The first platform's manifest, and its config.
    fn platform(&self) -> (Digest, Digest) {
        let (_, manifest) = &self.index.manifests[0];
        let body: Value = serde_json::from_slice(&manifest.bytes).expect("JSON");
        let config = body["config"]["digest"].as_str().and_then(|text| text.parse().ok()).expect("a config");
        (manifest.digest(), config)
    }
}

/// A manifest of one workload with one container.
fn manifest(kind: &str, name: &str, image: &str) -> String {
    format!(
        "kind: {kind}\napiVersion: apps/v1\nmetadata: {{name: {name}}}\nspec:\n  template:\n    spec:\n      containers:\n        \
         - name: web\n          image: {image}\n"
    )
}

pub(crate) fn request(commit: Oid) -> RunRequest {
    let images = vec![placement(&[("rollout.yaml", Arc::new(Workload::default()))])];
    RunRequest { commit, images, namespaces: Vec::new(), application: None }
}

fn placement(targets: &[(&str, Arc<dyn ManifestEditor>)]) -> Placement {
    let target =
        |(name, editor): &(&str, Arc<dyn ManifestEditor>)| Target::new(path(name), Arc::clone(editor));
    (image(WEB), targets.iter().map(target).collect())
}

/// A pod of the Rollout `web`, of this template.
pub(crate) fn pod(name: &str, hash: &str) -> PodObject {
    PodObject::new("shop", name).of_rollout("web", hash)
}

fn asks(digest: Digest) -> String {
    format!("{WEB}@{digest}")
}

/// The verdicts, a word each, with why and which track.
fn told(report: &RunReport) -> Vec<String> {
    let row = |row: &pinlib::RunRow| {
        let track = row
            .place
            .as_ref()
            .and_then(|place| place.track)
            .map(|track| format!(" {track}"))
            .unwrap_or_default();
        let why = row.verdict.why().map(|why| format!(": {why}")).unwrap_or_default();
        format!("{}{track}{why}", row.verdict.name())
    };
    report.rows.iter().map(row).collect()
}
