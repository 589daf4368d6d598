//! What a container's status says, held against the digest in Git.

use super::{Shop, WEB, asks, digest, pod, request, told};
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, Digest, RawManifest, RecordedCluster, Reference, Registry, Verifier,
};
use pinlib_testkit::{
    servers::kubernetes::objects::{PodObject, printed},
    sim,
};
use std::{fmt, sync::Arc};

#[test]
fn each_form_of_an_image_id_is_held_against_the_digest_in_git() {
    let shop = Shop::open();
    let (wanted, (platform, config)) = (shop.index.digest(), shop.platform());
    let commit = shop.deploy(wanted);
    let other = shop.other.digest();
    let gone = digest("an image that no registry has");
    for (image_id, verdict) in [
        (format!("{WEB}@{wanted}"), "match"),
        (format!("docker-pullable://{WEB}@{wanted}"), "match"),
        (format!("mirror.example/hub/web@{wanted}"), "match"),
        (format!("docker.io/library/import-2026-11-29@{wanted}"), "match"),
        (format!("{WEB}@{platform}"), "match"),
        (platform.to_string(), "match"),
        (config.to_string(), "match"),
        (format!("docker://{config}"), "match"),
        (config.hex(), "match"),
        (format!("{WEB}@{other}"), "mismatch"),
        (gone.to_string(), "mismatch"),
        (format!("{WEB}@{gone}"), "unknown: registry.test/shop/web has no "),
        (format!("docker.io/library/import-2026-11-29@{gone}"), "unknown: registry.test/shop/web has no "),
        (String::new(), "pending: it is not started yet"),
        ("rkt://web".to_owned(), "unknown: its node tells an image id that is none: \"rkt://web\""),
    ] {
        let report =
            shop.verify(commit, &[pod("web-1", "a").container("web", &asks(wanted), &image_id).json()]);
        let told = told(&report);
        assert!(told.len() == 1 && told[0].starts_with(verdict), "{image_id}: {told:?}");
        assert_eq!(report.verdict().name(), verdict.split(':').next().unwrap_or_default());
    }
}

#[test]
fn without_a_registry_another_digest_is_not_known_to_be_another_image() {
    let shop = Shop::open();
    let commit = shop.deploy(shop.index.digest());
    let pod = pod("web-1", "a").container("web", &asks(shop.index.digest()), &shop.platform().0.to_string());
    let cluster = RecordedCluster::read("pods", printed(&[pod.json()]).as_bytes()).expect("a list");
    let verifier = Verifier { registry: Arc::new(pinlib::NoRegistry), ..shop.verifier(Arc::new(cluster)) };
    let report = sim::run(verifier.verify(&request(commit))).expect("a report");
    let why = "unknown: the digests differ, and no registry was asked whether one is part of the other";
    assert_eq!(told(&report), [why]);
}

#[test]
fn what_is_not_ready_or_on_its_way_out_is_pending() {
    let shop = Shop::open();
    let (wanted, other) = (shop.index.digest(), shop.other.digest());
    let commit = shop.deploy(wanted);
    let (good, bad) = (format!("{WEB}@{wanted}"), format!("{WEB}@{other}"));
    let same = || pod("web-1", "a").container("web", &good, &good);
    let old = || pod("web-2", "a").container("web", &bad, &bad);
    let fresh = |reason: &str| pod("web-3", "a").container("web", &good, "").waiting(reason);
    let cases: Vec<(Vec<PodObject>, &[&str])> = vec![
        (vec![same()], &["match"]),
        (vec![same().waiting("CrashLoopBackOff")], &["pending: CrashLoopBackOff"]),
        (vec![fresh("ContainerCreating")], &["pending: ContainerCreating"]),
        (vec![fresh("ImagePullBackOff")], &["unknown: ImagePullBackOff"]),
        (vec![same(), old().leaving()], &["pending: it is being deleted", "match"]),
        (vec![same().leaving()], &["pending: nothing that is ready runs it"]),
        (vec![same(), old().phase("Succeeded")], &["match"]),
        (vec![same().phase("Failed")], &["not-running"]),
        (vec![same(), old()], &["mismatch", "match"]),
        (vec![old().waiting("CrashLoopBackOff")], &["mismatch"]),
        (vec![], &["not-running"]),
        (
            vec![PodObject::new("shop", "web-4").ephemeral("debug", &good, &good)],
            &["pending: nothing that is ready runs it"],
        ),
        (vec![PodObject::new("shop", "web-5").init("web", &good, &good)], &["match"]),
    ];
    for (pods, verdicts) in cases {
        let pods: Vec<_> = pods.into_iter().map(PodObject::json).collect();
        assert_eq!(told(&shop.verify(commit, &pods)), verdicts, "{pods:#?}");
    }
}

/// Answers whatever digest it is asked for with the index that Git names.
#[derive(Debug)]
struct Lying(RawManifest);

impl fmt::Display for Lying {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a registry that lies")
    }
}

#[async_trait]
impl Registry for Lying {
    async fn manifest(&self, _: &Reference) -> Result<RawManifest, BackendError> {
        Ok(self.0.clone())
    }
    async fn blob(&self, _: &Reference, _: Digest) -> Result<Vec<u8>, BackendError> {
        Err(BackendError::new(BackendErrorKind::NotFound, "read a blob"))
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        self.manifest(image).await
    }
}

#[test]
fn what_a_registry_says_counts_only_where_it_hashes_to_what_was_asked_for() {
    let shop = Shop::open();
    let commit = shop.deploy(shop.other.digest());
    let root = &shop.index.root;
    let lie = RawManifest { media_type: root.media_type.clone(), claimed: None, bytes: root.bytes.clone() };
    // Of the index that is not Git's, this would be an image.
    let one = pod("web-1", "a").container("web", &asks(shop.other.digest()), &shop.platform().0.to_string());
    let cluster = RecordedCluster::read("pods", printed(&[one.json()]).as_bytes()).expect("a list");
    let verifier = Verifier { registry: Arc::new(Lying(lie)), ..shop.verifier(Arc::new(cluster)) };
    let report = sim::run(verifier.verify(&request(commit))).expect("a report");
    assert!(
        told(&report)[0].starts_with("unknown: the manifest of registry.test/shop/web@"),
        "{:?}",
        told(&report)
    );
}
