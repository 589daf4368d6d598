//! `BuildKit`'s provenance in an index: what is enough, and each thing that is not.

use pinlib::{
    Digest, DigestSource, Evidence, EvidenceRule, ImagePin, Mismatch, Oid, OutcomeKind, PinError, Reference,
    ResolvedImage,
};
use pinlib_testkit::{
    image::{
        Image, Recipe, Variant,
        provenance::{slsa_0_2, slsa_1, statement},
    },
    memory::MemoryRegistry,
    sim,
};
use serde_json::{Value, json};

pub(crate) const REPOSITORY: &str = "https://github.com/acme/app";
const GIT: &str = "https://github.com/acme/app.git";
pub(crate) const A: &str = "1f3c9ab72e101f3c9ab72e101f3c9ab72e101f3c";
pub(crate) const B: &str = "5d2e77103bd85d2e77103bd85d2e77103bd85d2e";

pub(crate) fn name() -> Reference {
    "registry.test/acme/app:v1".parse().expect("an image")
}

pub(crate) fn two() -> Image {
    Recipe::of(["linux/amd64", "linux/arm64/v8"].map(Variant::of)).index()
}

/// What an image is settled to where provenance is asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Wish<'a> {
    platform: Option<&'a str>,
    repository: Option<&'a str>,
}

fn weigh(image: &Image, wish: Wish<'_>) -> Result<ResolvedImage, PinError> {
    let registry = MemoryRegistry::default();
    registry.push(&name(), image);
    let pin = ImagePin {
        image: name(),
        digest: DigestSource::Tag,
        platform: wish.platform.map(|text| text.parse().expect("a platform")),
        targets: Vec::new(),
        was: None,
    };
    let repository = wish.repository.map(|text| text.parse().expect("a repository"));
    let source: Oid = A.parse().expect("an oid");
    sim::run(pinlib::verify(&registry, &pin, source, &EvidenceRule::Provenance { repository }))
}

#[track_caller]
fn refused(image: &Image, wish: Wish<'_>, says: &str) {
    let error = weigh(image, wish).expect_err(says);
    assert!(
        error.kind() == OutcomeKind::Mismatch && error.to_string().contains(says),
        "{:?}: {error}",
        error.kind()
    );
    assert!(!error.to_string().contains(char::is_control), "{error}");
}

/// The same provenance on both platforms, altered.
fn both(alter: impl Fn(&mut Value)) -> Image {
    two().attested(|_, subject| {
        let mut statement = slsa_0_2(subject, GIT, A);
        alter(&mut statement);
        vec![statement]
    })
}

const OWN: Wish<'_> = Wish { platform: None, repository: Some(REPOSITORY) };

#[test]
fn both_versions_are_read_on_every_platform() {
    for make in [slsa_0_2, slsa_1] {
        let image = two().attested(|_, subject| vec![make(subject, GIT, A)]);
        for repository in [
            None,
            Some(REPOSITORY),
            Some("git@github.com:acme/app.git"),
            Some("ssh://git@github.com/acme/app"),
        ] {
            let found = weigh(&image, Wish { repository, ..Wish::default() }).expect("evidence");
            assert_eq!((found.digest(), found.platforms().len()), (image.digest(), 2));
            let repository = repository.map(|_| REPOSITORY.parse().expect("a repository"));
            assert_eq!(found.evidence(), &Evidence::Provenance { repository });
        }
    }
    // Other statements beside it, and an artifact of a newer BuildKit.
    let sbom = |subject| statement("https://spdx.dev/Document", subject, &json!({}));
    let image = two().attested(|_, subject| vec![sbom(subject), slsa_1(subject, GIT, A)]);
    assert!(weigh(&image, OWN).is_ok());
}

#[test]
fn where_the_source_is_not_told_first_hand_its_inputs_are_asked() {
    let inputs = |more: Vec<Value>| {
        both(move |statement| {
            statement["predicate"]["invocation"]["configSource"] = json!({"entryPoint": "Dockerfile"});
            statement["predicate"]["materials"].as_array_mut().expect("a list").extend(more.clone());
        })
    };
    let other = |repository: &str, commit: &str| json!({"uri": format!("{repository}#v1"), "digest": {"sha1": commit}});
    assert!(weigh(&inputs(vec![]), OWN).is_ok());
    assert!(weigh(&inputs(vec![]), Wish::default()).is_ok());
    // What it depends on is no source, where it is known which one is.
    let dependency = inputs(vec![other("https://github.com/acme/lib.git", B)]);
    assert!(weigh(&dependency, OWN).is_ok());
    refused(&dependency, Wish::default(), &format!("the provenance of linux/amd64 says {B:?}"));
    refused(&inputs(vec![other(GIT, B)]), OWN, &format!("says {B:?}"));
    // What the build was defined in is heard first: its inputs say nothing against it, and nothing in its place.
    let defined =
        both(|statement| statement["predicate"]["invocation"]["configSource"]["digest"]["sha1"] = B.into());
    refused(&defined, OWN, &format!("the provenance of linux/amd64 says {B:?}"));
    // A folder of the builder's is no repository, whatever was fetched for it.
    let local = both(|statement| {
        statement["predicate"]["invocation"] = json!({"configSource": {"entryPoint": "Dockerfile"}, "parameters": {"locals": [{"name": "context"}]}});
    });
    refused(&local, OWN, "the provenance of linux/amd64 says nothing");
}

#[test]
fn another_commit_or_another_repository_is_refused() {
    let of = |repository: &str, commit: &str| {
        two().attested(|_, subject| vec![slsa_0_2(subject, repository, commit)])
    };
    let says = format!("does not show that it was built from {A}: the provenance of linux/amd64 says {B:?}");
    refused(&of(GIT, B), Wish::default(), &says);
    for almost in [&A[..12], &A.to_uppercase(), &format!("{A}-dirty"), ""] {
        refused(&of(GIT, almost), Wish::default(), "the provenance of linux/amd64 says");
    }
    let says = format!(
        "does not show that it was built from {REPOSITORY}: the provenance of linux/amd64 says \"https://github.com/evil/app.git#"
    );
    refused(&of("https://github.com/evil/app.git", A), OWN, &says);
    assert!(
        weigh(&of("https://github.com/evil/app.git", A), Wish::default()).is_ok(),
        "nobody asked for one"
    );
}

#[test]
fn platforms_that_disagree_are_refused() {
    let image = two().attested(|platform, subject| {
        vec![slsa_0_2(subject, GIT, if platform.arch() == "amd64" { A } else { B })]
    });
    refused(
        &image,
        OWN,
        &format!("the provenance of linux/amd64 says {A:?}, the provenance of linux/arm64/v8 says {B:?}"),
    );
    let one =
        two().attested(
            |platform, subject| {
                if platform.arch() == "amd64" { vec![slsa_0_2(subject, GIT, A)] } else { Vec::new() }
            },
        );
    refused(&one, OWN, "its index holds no provenance of linux/arm64/v8");
    // One platform's own is enough for a pin of that platform, and for no other.
    let amd = Wish { platform: Some("linux/amd64"), ..OWN };
    let arm = Wish { platform: Some("linux/arm64"), ..OWN };
    for image in [&image, &one] {
        let found = weigh(image, amd).expect("evidence");
        assert_eq!(found.digest(), image.manifests[0].1.digest());
    }
    refused(&image, arm, &format!("the provenance of linux/arm64/v8 says {B:?}"));
    refused(&one, arm, "its index holds no provenance of linux/arm64/v8");
    // Two that disagree about one image.
    let twice = two().attested(|_, subject| vec![slsa_0_2(subject, GIT, A), slsa_1(subject, GIT, B)]);
    refused(&twice, OWN, &format!("says {B:?}"));
}

#[test]
fn what_is_not_there_or_about_something_else_is_no_evidence() {
    refused(&two(), OWN, "its index holds no provenance of linux/amd64");
    let single = Recipe::of([Variant::of("linux/amd64")]).single();
    refused(&single, OWN, "provenance stands in an index, and this is a single manifest");
    refused(&single, Wish { platform: Some("linux/amd64"), ..OWN }, "and this is a single manifest");
    let sbom = two().attested(|_, subject| vec![statement("https://spdx.dev/Document", subject, &json!({}))]);
    refused(&sbom, OWN, "its index holds no provenance of linux/amd64");
    let about = |subjects: &Value| {
        let subjects = subjects.clone();
        both(move |statement| statement["subject"] = subjects.clone())
    };
    let elsewhere = json!([{"name": "_", "digest": {"sha256": Digest::of(b"another").hex()}}]);
    for subjects in [json!([]), elsewhere, json!([{"name": "_"}]), json!([{"name": "_", "digest": {}}])] {
        refused(
            &about(&subjects),
            OWN,
            "the provenance that its index holds of linux/amd64 is not about that image",
        );
    }
    let more = both(|statement| {
        let other = json!({"name": "_", "digest": {"sha256": Digest::of(b"another").hex()}});
        statement["subject"].as_array_mut().expect("a list").push(other);
    });
    refused(&more, OWN, "is not about that image");
    // Each image's own, and not the other's.
    let image = two();
    let first = image.manifests[0].1.digest();
    refused(
        &image.attested(|_, _| vec![slsa_0_2(first, GIT, A)]),
        OWN,
        "of linux/arm64/v8 is not about that image",
    );
    refused(
        &both(|statement| statement["predicate"] = Value::Null),
        OWN,
        "the provenance of linux/amd64 says nothing",
    );
}

#[test]
fn what_the_client_says_is_never_evidence_and_may_not_differ() {
    let with = |revision: &str| {
        let vcs = json!({"vcs": {"revision": revision, "source": GIT}});
        let statement = move |subject| {
            let mut old = slsa_0_2(subject, GIT, A);
            old["predicate"]["metadata"]["https://mobyproject.org/buildkit@v1#metadata"] = vcs.clone();
            let mut new = slsa_1(subject, GIT, A);
            new["predicate"]["runDetails"]["metadata"]["buildkit_metadata"] = vcs.clone();
            [old, new]
        };
        [0, 1].map(|version| two().attested(|_, subject| vec![statement(subject)[version].clone()]))
    };
    for (agrees, dirty) in with(A).into_iter().zip(with(&format!("{A}-dirty"))) {
        assert!(weigh(&agrees, OWN).is_ok());
        refused(&dirty, OWN, &format!("the client that built linux/amd64 says \"{A}-dirty\""));
    }
    let alone = both(|statement| {
        statement["predicate"]["invocation"] =
            json!({"configSource": {}, "parameters": {"locals": [{"name": "context"}]}});
        statement["predicate"]["metadata"]["https://mobyproject.org/buildkit@v1#metadata"] =
            json!({"vcs": {"revision": A}});
    });
    refused(&alone, OWN, "the provenance of linux/amd64 says nothing");
}

#[test]
fn every_document_on_the_way_is_hashed_and_bounded() {
    let sound = both(|_| {});
    assert!(weigh(&sound, OWN).is_ok());
    for blob in
        sound.blobs.iter().filter(|(_, bytes)| bytes.starts_with(b"{\"_type\"")).map(|(digest, _)| *digest)
    {
        let mut image = sound.clone();
        image.blobs.insert(blob, b"{}".to_vec());
        let error = weigh(&image, OWN).expect_err("a lie");
        assert!(
            matches!(error, PinError::Mismatch(Mismatch::Manifest { expected, .. }) if expected == blob),
            "{error}"
        );
    }
    let many = two().attested(|_, subject| vec![slsa_0_2(subject, GIT, A); 9]);
    let error = weigh(&many, OWN).expect_err("too many");
    assert_eq!(error.kind(), OutcomeKind::Invalid);
    assert!(
        error.to_string().ends_with("it holds 9 statements of one image, and at most 8 are read"),
        "{error}"
    );
    for broken in ["x", "https://in-toto.io/Statement/v2"] {
        let broken = json!({"_type": broken, "predicateType": "https://slsa.dev/provenance/v1"});
        let image = two().attested(|_, _| vec![broken.clone()]);
        let error = weigh(&image, OWN).expect_err("no statement");
        assert!(
            error.kind() == OutcomeKind::Invalid && error.to_string().contains("read the statement in"),
            "{error}"
        );
    }
}

#[test]
fn a_label_names_the_repository_too_where_that_is_asked_for() {
    const REVISION: &str = "org.opencontainers.image.revision";
    const SOURCE: &str = "org.opencontainers.image.source";
    let of = |variant: Variant, source: &str| variant.label(REVISION, A).label(SOURCE, source);
    let weigh = |variants: [Variant; 2], repository: Option<&str>| {
        let registry = MemoryRegistry::default();
        registry.push(&name(), &Recipe::of(variants).index());
        let pin = ImagePin {
            image: name(),
            digest: DigestSource::Tag,
            platform: None,
            targets: Vec::new(),
            was: None,
        };
        let repository = repository.map(|text| text.parse().expect("a repository"));
        let source: Oid = A.parse().expect("an oid");
        sim::run(pinlib::verify(&registry, &pin, source, &EvidenceRule::Label { repository }))
    };
    let (amd, arm) = (Variant::of("linux/amd64"), Variant::of("linux/arm64"));
    let own = Some(REPOSITORY);
    let agreeing = [of(amd.clone(), REPOSITORY), of(arm.clone(), "git@github.com:acme/app.git")];
    let found = weigh(agreeing.clone(), own).expect("evidence");
    assert_eq!(
        found.evidence(),
        &Evidence::Label { repository: own.map(|text| text.parse().expect("a repository")) }
    );
    assert!(weigh(agreeing, None).is_ok());
    let evil = [of(amd.clone(), REPOSITORY), of(arm.clone(), "https://github.com/evil/app")];
    assert!(weigh(evil.clone(), None).is_ok(), "nobody asked");
    let silent = [of(amd.clone(), REPOSITORY), arm.clone().label(REVISION, A)];
    for (variants, says) in [
        (evil, "the label of linux/arm64 says \"https://github.com/evil/app\""),
        (silent, "linux/arm64 says nothing"),
        (
            [of(amd.clone(), REPOSITORY).annotation(SOURCE, "https://x.test/y"), of(arm.clone(), REPOSITORY)],
            "x.test",
        ),
    ] {
        let error = weigh(variants, own).expect_err(says);
        assert!(matches!(error, PinError::Mismatch(Mismatch::Repository { .. })), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}
