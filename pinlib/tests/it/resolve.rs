//! From what a registry says to what is pinned: digests, platforms, evidence.

use async_trait::async_trait;
use pinlib::{
    BackendError, Digest, DigestSource, Evidence, EvidenceRule, ImagePin, Mismatch, Oid, OutcomeKind,
    Patience, PinError, PinOptions, PinRequest, Pinner, RawManifest, Reference, Registry, ResolvedImage,
    RunId, Target,
};
use pinlib_testkit::{
    image::{Document, Form, Image, Recipe, Variant},
    lines::ImageLines,
    memory::{MemoryClock, MemoryForge, MemoryRegistry},
    sim,
};
use serde_json::{Value, json};
use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

const REVISION: &str = "org.opencontainers.image.revision";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn name() -> Reference {
    "registry.test/acme/app:v1".parse().expect("an image")
}

/// A registry that may lie about one answer, and counts.
#[derive(Debug, Default)]
struct Watched {
    memory: MemoryRegistry,
    /// Which answer is false.
    lie: Option<usize>,
    claim: Option<Digest>,
    answers: AtomicUsize,
    open: AtomicUsize,
    most_open: Mutex<usize>,
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("watched registry")
    }
}

impl Watched {
    fn lies(&self) -> bool {
        self.lie == Some(self.answers.fetch_add(1, SeqCst))
    }
}

#[async_trait]
impl Registry for Watched {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        let open = self.open.fetch_add(1, SeqCst) + 1;
        {
            let mut most = self.most_open.lock().expect("a lock");
            *most = open.max(*most);
        }
        let mut answer = self.memory.manifest(image).await?;
        self.open.fetch_sub(1, SeqCst);
        answer.claimed = self.claim;
        if self.lies() {
            answer.bytes.push(b' ');
        }
        Ok(answer)
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        let mut bytes = self.memory.blob(image, digest).await?;
        if self.lies() {
            bytes.push(b' ');
        }
        Ok(bytes)
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        self.memory.referrers(image).await
    }
}

/// The commit that everything here is built from.
fn source() -> Oid {
    let forge = MemoryForge::default();
    forge.push(&"main".parse().expect("a branch"), &[files()], "source")
}

fn files() -> (pinlib::RepoPath, &'static str) {
    ("app".parse().expect("a path"), "image: registry.test/acme/app\n")
}

/// What is asked of an image.
#[derive(Clone, Copy, Debug, Default)]
struct Wish<'a> {
    digest: Option<Digest>,
    platform: Option<&'a str>,
    label: bool,
}

fn settle(registry: &Arc<Watched>, wish: Wish<'_>) -> Result<ResolvedImage, PinError> {
    let (forge, branch) = (MemoryForge::default(), "main".parse().expect("a branch"));
    let source = forge.push(&branch, &[files()], "source");
    let pin = ImagePin {
        image: name(),
        digest: wish.digest.map_or(DigestSource::Tag, DigestSource::Reported),
        platform: wish.platform.map(|text| text.parse().expect("a platform")),
        targets: vec![Target::new(files().0, Arc::new(ImageLines))],
        was: None,
    };
    let evidence = if wish.label { EvidenceRule::Label { repository: None } } else { EvidenceRule::None };
    let request =
        PinRequest::new(source, branch, vec![pin], PinOptions { evidence, ..PinOptions::default() })?;
    let registry = Arc::<Watched>::clone(registry);
    let clock = Arc::new(MemoryClock::default());
    let pinner = Pinner { registry, forge: Arc::new(forge), clock, patience: Patience::default() };
    let receipt = sim::run(pinner.pin(&request, RunId::from([1; 16])))?;
    Ok(receipt.images[0].clone())
}

fn pushed(image: &Image) -> Arc<Watched> {
    let watched = Watched::default();
    watched.memory.push(&name(), image);
    Arc::new(watched)
}

fn two() -> [Variant; 2] {
    ["linux/amd64", "linux/arm64/v8"].map(Variant::of)
}

/// An image of one document, whatever it is.
fn raw(media_type: &str, value: &Value) -> Image {
    let root = Document { media_type: media_type.into(), bytes: value.to_string().into_bytes() };
    Image { root, manifests: Vec::new(), attestations: Vec::new(), blobs: std::collections::BTreeMap::new() }
}

/// The same image with another root.
fn altered(image: &Image, alter: impl FnOnce(&mut Value)) -> Image {
    let mut image = image.clone();
    let mut root = serde_json::from_slice(&image.root.bytes).expect("JSON");
    alter(&mut root);
    image.root.bytes = root.to_string().into_bytes();
    image
}

fn refused(image: &Image, wish: Wish<'_>, kind: OutcomeKind, says: &str) {
    let error = settle(&pushed(image), wish).expect_err(says);
    assert!(error.kind() == kind && error.to_string().contains(says), "{:?}: {error}", error.kind());
    assert!(!error.to_string().contains('\n'), "{error}");
}

#[test]
fn one_read_settles_a_digest_and_shows_its_platforms() {
    for form in [Form::Oci, Form::Docker] {
        let image = Recipe { form, attested: true, ..Recipe::of(two()) }.index();
        for digest in [None, Some(image.digest())] {
            let registry = pushed(&image);
            let found = settle(&registry, Wish { digest, ..Wish::default() }).expect("an image");
            assert_eq!((found.digest(), found.evidence()), (image.digest(), &Evidence::NotAsked));
            let platforms: Vec<_> = found.platforms().iter().map(ToString::to_string).collect();
            assert_eq!(platforms, ["linux/amd64", "linux/arm64/v8"], "what attests is none");
            assert_eq!(registry.answers.load(SeqCst), 1);
        }
        let single = Recipe { form, ..Recipe::of(two()) }.single();
        let found = settle(&pushed(&single), Wish::default()).expect("an image");
        assert_eq!((found.digest(), found.platforms().len()), (single.digest(), 0));
    }
}

#[test]
fn every_answer_is_hashed() {
    let image = Recipe::of(two().map(|variant| variant.built_from(source()))).index();
    let lying = |lie, wish| {
        let watched = Watched { lie, ..Watched::default() };
        watched.memory.push(&name(), &image);
        settle(&Arc::new(watched), wish)
    };
    let wish = Wish { digest: Some(image.digest()), label: true, ..Wish::default() };
    assert!(lying(None, wish).is_ok());
    for lie in 0..5 {
        let error = lying(Some(lie), wish).expect_err("a lie");
        assert!(matches!(error, PinError::Mismatch(Mismatch::Manifest { .. })), "{lie}: {error}");
    }
    assert!(lying(Some(1), Wish { platform: Some("linux/amd64"), ..Wish::default() }).is_err());
    // What the registry itself says of a tag must be so.
    let watched = Watched { claim: Some(Digest::of(b"another")), ..Watched::default() };
    watched.memory.push(&name(), &image);
    let error = settle(&Arc::new(watched), Wish::default()).expect_err("a false claim");
    assert!(matches!(error, PinError::Mismatch(Mismatch::Manifest { .. })), "{error}");
}

#[test]
fn a_platform_is_taken_out_of_an_index() {
    let of = |platforms: &[&str]| {
        Recipe { attested: true, ..Recipe::of(platforms.iter().map(|p| Variant::of(p))) }.index()
    };
    let image = of(&["linux/amd64", "linux/amd64/v3", "linux/arm/v6", "linux/arm/v7", "linux/arm64/v8"]);
    let wish = |platform| Wish { platform: Some(platform), ..Wish::default() };
    for (platform, at) in [("linux/amd64", 0), ("linux/amd64/v3", 1), ("linux/arm/v7", 3), ("linux/arm64", 4)]
    {
        let registry = pushed(&image);
        let found = settle(&registry, wish(platform)).expect(platform);
        assert_eq!(found.digest(), image.manifests[at].1.digest(), "{platform}");
        assert_eq!(found.platforms(), [image.manifests[at].0.clone()]);
        assert_eq!(registry.answers.load(SeqCst), 2, "the manifest is read, and proven");
    }
    let has = "cannot find windows/amd64 in registry.test/acme/app:v1: it has linux/amd64, linux/amd64/v3, linux/arm/v6";
    refused(&image, wish("windows/amd64"), OutcomeKind::NotFound, has);
    refused(&image, wish("linux/arm"), OutcomeKind::Invalid, "it could be linux/arm/v6 ");
    refused(&image, wish("unknown/unknown"), OutcomeKind::NotFound, "it has linux/amd64");
    refused(&image, wish("linux/amd64/v2"), OutcomeKind::NotFound, "it has linux/amd64");
    // An image of its own is held against its config.
    let single = Recipe::of([Variant::of("linux/arm64/v8")]).single();
    let found = settle(&pushed(&single), wish("linux/arm64")).expect("its platform");
    assert_eq!(
        (found.digest(), found.platforms()[0].to_string().as_str()),
        (single.digest(), "linux/arm64/v8")
    );
    refused(&single, wish("linux/amd64"), OutcomeKind::NotFound, "it has linux/arm64/v8");
}

#[test]
fn what_attests_is_never_pinned() {
    let image = Recipe { attested: true, ..Recipe::of(two()) }.index();
    let attestation = Some(image.attestations[0].digest());
    let wish = Wish { digest: attestation, ..Wish::default() };
    refused(&image, wish, OutcomeKind::Invalid, "it is an attestation of an image, and not an image");
    // Marked by its platform, or by its annotation: either is enough.
    for field in ["platform", "annotations"] {
        let only = altered(&image, |root| {
            let entries = root["manifests"].as_array_mut().expect("entries");
            entries.drain(..2);
            for entry in entries {
                entry.as_object_mut().expect("an entry").remove(field);
            }
        });
        refused(&only, Wish::default(), OutcomeKind::Invalid, "the index holds no image");
    }
}

#[test]
fn a_document_is_one_thing() {
    let image = Recipe::of(two()).index();
    let invalid = |image: &Image, says| refused(image, Wish::default(), OutcomeKind::Invalid, says);
    let config = json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": Digest::of(b"{}"), "size": 2});
    invalid(
        &altered(&image, |root| root["config"] = config.clone()),
        "it does not hold what makes a application",
    );
    invalid(&altered(&image, |root| root["layers"] = json!([])), "it does not hold what makes");
    invalid(&altered(&image, |root| root["mediaType"] = MANIFEST.into()), "and says that it is");
    invalid(&altered(&image, |root| root["manifests"] = json!([])), "the index holds no image");
    invalid(&altered(&image, |root| root["manifests"] = Value::Null), "it does not hold what makes");
    invalid(
        &altered(&image, |root| root["manifests"][0]["digest"] = "sha256:zz".into()),
        "is not a valid digest",
    );
    invalid(&raw(INDEX, &json!("<html>")), "it is no JSON of an image");
    invalid(&raw(MANIFEST, &json!({})), "it does not hold what makes");
    invalid(&raw(MANIFEST, &json!({"manifests": [], "config": config})), "it does not hold what makes");
    invalid(&raw("text/html", &json!({"manifests": []})), "\"text/html\" is no image");
    // What real registries hold, and the specification does not: no media type within, no platform, lists that are null.
    let bare = json!({"config": config, "layers": null, "annotations": null});
    assert!(settle(&pushed(&raw(MANIFEST, &bare)), Wish::default()).is_ok());
    let bare = json!({"manifests": [{"digest": Digest::of(b"{}"), "platform": {"architecture": ""}, "annotations": null}]});
    assert!(settle(&pushed(&raw(INDEX, &bare)), Wish::default()).is_ok());
    // An index in an index has no platform of its own to stand for.
    let mut nested = altered(&image, |root| root["manifests"][0]["digest"] = json!(image.digest()));
    nested.attestations.push(image.root.clone());
    let wish = Wish { platform: Some("linux/amd64"), ..Wish::default() };
    refused(&nested, wish, OutcomeKind::Invalid, "an index stands in an index");
}

#[test]
fn evidence_stands_on_each_platform_and_nowhere_another() {
    let (ours, other) = (source().to_string(), "b".repeat(40));
    let (amd, arm) = (Variant::of("linux/amd64"), Variant::of("linux/arm64"));
    let label = |variant: &Variant, value: &str| variant.clone().label(REVISION, value);
    let note = |variant: &Variant, value: &str| variant.clone().annotation(REVISION, value);
    let index = |variants: [Variant; 2]| Recipe::of(variants).index();
    let over = |value: &str, variants: [Variant; 2]| {
        let annotations = [(REVISION.to_owned(), value.to_owned())].into();
        Recipe { annotations, ..Recipe::of(variants) }.index()
    };
    let said = |image: &Image, wish: Wish<'_>| match settle(&pushed(image), wish) {
        Ok(found) => {
            assert_eq!(found.evidence(), &Evidence::Label { repository: None });
            Ok(found.platforms().len())
        }
        Err(PinError::Mismatch(Mismatch::Source { found, .. })) => {
            Err(found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))
        }
        Err(error) => panic!("{error}"),
    };
    let wish = Wish { label: true, ..Wish::default() };
    let whole = |image: &Image| said(image, wish);
    let both = [label(&amd, &ours), label(&arm, &ours)];
    let (says_ours, says_other) = (format!("says {ours:?}"), format!("says {other:?}"));
    assert_eq!(whole(&index(both.clone())), Ok(2));
    assert_eq!(whole(&index([note(&amd, &ours), label(&arm, &ours)])), Ok(2), "either is enough");
    assert_eq!(whole(&over(&ours, both.clone())), Ok(2));
    assert_eq!(whole(&Recipe::of(both.clone()).single()), Ok(1));
    assert_eq!(
        whole(&index([label(&amd, &ours), label(&arm, &other)])),
        Err(format!("the label of linux/amd64 {says_ours}, the label of linux/arm64 {says_other}"))
    );
    assert_eq!(
        whole(&index([label(&amd, &ours), arm.clone()])),
        Err(format!("the label of linux/amd64 {says_ours}, linux/arm64 says nothing"))
    );
    assert_eq!(
        whole(&index([amd.clone(), arm.clone()])),
        Err("linux/amd64 says nothing, linux/arm64 says nothing".into())
    );
    assert_eq!(
        whole(&over(&ours, [label(&amd, &ours), arm.clone()])),
        Err(format!(
            "the annotation of the index {says_ours}, the label of linux/amd64 {says_ours}, linux/arm64 says nothing"
        )),
        "the index does not speak for what it lists"
    );
    assert!(whole(&over(&other, both.clone())).is_err());
    assert!(whole(&index([note(&label(&amd, &ours), &other), label(&arm, &ours)])).is_err());
    let entry =
        altered(&index(both.clone()), |root| root["manifests"][1]["annotations"] = json!({REVISION: other}));
    assert!(
        whole(&entry).expect_err("another").contains(&format!("the index about linux/arm64 {says_other}"))
    );
    for almost in
        [&ours[..7], &ours[..39], &ours.to_uppercase(), &format!(" {ours}"), &format!("{ours}-dirty"), ""]
    {
        assert!(whole(&index([label(&amd, &ours), label(&arm, almost)])).is_err(), "{almost:?}");
    }
    // One platform's digest covers neither the index nor its other platforms.
    let image = over(&other, [label(&amd, &ours), label(&arm, &other)]);
    assert_eq!(said(&image, Wish { platform: Some("linux/amd64"), ..wish }), Ok(1));
    assert!(said(&image, Wish { platform: Some("linux/arm64"), ..wish }).is_err());
    let image = over(&ours, [amd, arm]);
    assert!(said(&image, Wish { platform: Some("linux/amd64"), ..wish }).is_err());
}

#[test]
fn a_hostile_label_is_cut_and_escaped() {
    let evil = format!("\u{1b}[31m\n\u{202e}{}", "x".repeat(100_000));
    let image = Recipe::of([Variant::of("linux/amd64").label(REVISION, &evil)]).single();
    let error =
        settle(&pushed(&image), Wish { label: true, ..Wish::default() }).expect_err("no commit").to_string();
    assert!(error.len() < 500 && error.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{error}");
}

#[test]
fn an_index_is_looked_through_within_bounds() {
    let many = |count: usize| {
        let variants = (0..count).map(|n| Variant::of(&format!("linux/a{n}")).built_from(source()));
        Recipe::of(variants).index()
    };
    let wish = Wish { label: true, ..Wish::default() };
    let registry = pushed(&many(64));
    assert_eq!(settle(&registry, wish).expect("an image").platforms().len(), 64);
    let most = *registry.most_open.lock().expect("a lock");
    assert!((2..=4).contains(&most), "{most} at once");
    refused(&many(65), wish, OutcomeKind::Invalid, "it holds 65 images, and at most 64 are read");
}

#[test]
fn a_platform_that_is_not_in_the_registry_is_no_evidence() {
    let mut image = Recipe::of(two().map(|variant| variant.built_from(source()))).index();
    image.manifests.pop();
    refused(&image, Wish { label: true, ..Wish::default() }, OutcomeKind::NotFound, "read the manifest of");
}
