//! Signed attestations of images in a registry: found, weighed, and each way to be none.

use crate::provenance::{A, B, REPOSITORY, name, two};
use async_trait::async_trait;
use pinlib::{
    AttestationRule, Attestations, Attested, BackendError, BackendErrorKind, Claimant, Digest, DigestSource,
    Evidence, EvidenceRule, Field, GivenBundles, ImagePin, Mismatch, Oid, OutcomeKind, PinError, RawBundle,
    RawManifest, Reference, Registry, RegistryAttestations, Signer, Trust,
};
use pinlib_testkit::{
    image::{
        Image,
        provenance::{slsa_0_2, slsa_1, statement},
    },
    memory::MemoryRegistry,
    notary::{Notary, beside},
    sim,
};
use serde_json::{Value, json};
use std::{fmt, sync::Arc};

/// Where an image and its attestations are, and whose word is asked for.
struct Office {
    registry: Arc<MemoryRegistry>,
    notary: Notary,
    image: Image,
}

impl Office {
    fn open() -> Self {
        let (registry, image) = (Arc::new(MemoryRegistry::default()), two());
        registry.push(&name(), &image);
        Self { registry, notary: Notary::new(), image }
    }
    /// Puts bundles beside the image, under the tag that stands for the list.
    fn keep(&self, bundles: &[Value]) {
        let tag = format!("registry.test/acme/app:sha256-{}", self.image.digest().hex());
        self.registry.push(&tag.parse().expect("a tag"), &beside(&self.image.root, bundles));
    }
    fn rule(&self) -> AttestationRule {
        let registry = Arc::clone(&self.registry) as Arc<dyn Registry>;
        AttestationRule {
            repository: REPOSITORY.parse().expect("a repository"),
            signer: Signer::Key { pem: self.notary.key().into_bytes() },
            sources: vec![Arc::new(RegistryAttestations::new(registry))],
            trust: Trust::Roots(self.notary.trusted_root().to_string().into_bytes()),
        }
    }
    fn weigh(&self, rule: AttestationRule) -> Result<Attested, PinError> {
        let pin = ImagePin {
            image: name(),
            digest: DigestSource::Tag,
            platform: None,
            targets: Vec::new(),
            was: None,
        };
        let source: Oid = A.parse().expect("an oid");
        let found =
            sim::run(pinlib::verify(&*self.registry, &pin, source, &EvidenceRule::Attestation(rule)))?;
        match found.evidence() {
            Evidence::Attestation(attested) => Ok((**attested).clone()),
            other => panic!("{other:?}"),
        }
    }
    /// What a bundle alone comes to.
    fn weigh_one(&self, bundle: &Value) -> Result<Attested, PinError> {
        let source = GivenBundles::new("a file", bundle.to_string().as_bytes());
        self.weigh(AttestationRule { sources: vec![Arc::new(source)], ..self.rule() })
    }
    #[track_caller]
    fn refused(&self, bundle: &Value, field: Field) {
        match self.weigh_one(bundle) {
            Err(PinError::Mismatch(Mismatch::Attestation { found, .. })) => {
                let fields: Vec<_> = found.iter().map(|refusal| refusal.field).collect();
                assert_eq!(fields, [field], "{found:?}");
            }
            other => panic!("{other:?}"),
        }
    }
    fn sound(&self) -> Value {
        self.notary.attest(&slsa_1(self.image.digest(), REPOSITORY, A))
    }
}

fn edited(bundle: &Value, edit: impl FnOnce(&mut Value)) -> Value {
    let mut bundle = bundle.clone();
    edit(&mut bundle);
    bundle
}

#[test]
fn a_key_s_word_is_taken_from_the_registry_or_a_file() {
    let office = Office::open();
    for make in [slsa_0_2, slsa_1] {
        let bundle = office.notary.attest(&make(office.image.digest(), REPOSITORY, A));
        office.keep(std::slice::from_ref(&bundle));
        let found = office.weigh(office.rule()).expect("an attestation");
        assert_eq!((found.subject, found.claimed_by), (office.image.digest(), Claimant::Statement));
        assert!(found.signer.starts_with("key sha256:") && found.issuer.is_none());
        assert_eq!(found.log_index, Some(0));
        assert!(found.from.starts_with("the registry's "), "{}", found.from);
        assert_eq!(office.weigh_one(&bundle).expect("the same").from, "a file");
    }
    // One of many is enough: what others signed about it is passed over.
    let sbom =
        office.notary.attest(&statement("https://spdx.dev/Document", office.image.digest(), &json!({})));
    let strange = Notary::new().attest(&slsa_1(office.image.digest(), REPOSITORY, A));
    office.keep(&[sbom, json!({}), strange, office.sound()]);
    assert!(office.weigh(office.rule()).is_ok());
    let many = [office.sound().to_string(), Notary::new().attest(&json!({})).to_string()].join("\n");
    let file = GivenBundles::new("lines", many.as_bytes());
    let found = office.weigh(AttestationRule { sources: vec![Arc::new(file)], ..office.rule() });
    assert_eq!(found.expect("the first line").from, "lines:1");
    let spread = serde_json::to_string_pretty(&office.sound()).expect("JSON");
    let file = GivenBundles::new("spread", spread.as_bytes());
    assert!(office.weigh(AttestationRule { sources: vec![Arc::new(file)], ..office.rule() }).is_ok());
}

#[test]
fn each_thing_that_is_not_as_it_was_asked_for_is_named() {
    let office = Office::open();
    let (sound, digest) = (office.sound(), office.image.digest());
    assert!(office.weigh_one(&sound).is_ok());
    let says = |statement: &Value| office.notary.attest(statement);
    office.refused(&says(&slsa_1(Digest::of(b"another"), REPOSITORY, A)), Field::Subject);
    office.refused(&says(&slsa_1(office.image.manifests[0].1.digest(), REPOSITORY, A)), Field::Subject);
    office.refused(&says(&slsa_1(digest, "https://github.com/evil/app", A)), Field::SourceRepository);
    office.refused(&says(&slsa_1(digest, REPOSITORY, B)), Field::SourceCommit);
    office.refused(&says(&slsa_1(digest, REPOSITORY, &A[..12])), Field::SourceCommit);
    office.refused(&says(&statement("https://spdx.dev/Document", digest, &json!({}))), Field::Predicate);
    // A signature alone names no source.
    let only_signed = statement("https://sigstore.dev/cosign/sign/v1", digest, &json!({}));
    office.refused(&says(&only_signed), Field::SourceRepository);
    office.refused(&Notary::new().attest(&slsa_1(digest, REPOSITORY, A)), Field::Log);
    let entries = "/verificationMaterial/tlogEntries";
    let at = |path: &str| format!("{entries}/0/{path}");
    let set = |path: &str, value: Value| {
        edited(&sound, |bundle| *bundle.pointer_mut(path).expect("a place") = value)
    };
    office.refused(&set(entries, json!([])), Field::Log);
    office.refused(&set(&at("inclusionProof"), Value::Null), Field::Log);
    office.refused(&set(&at("integratedTime"), "1700000001".into()), Field::Log);
    let other = office.notary.attest(&slsa_0_2(digest, REPOSITORY, A));
    office.refused(&set(entries, other["verificationMaterial"]["tlogEntries"].clone()), Field::Log);
    office.refused(&set("/dsseEnvelope/payload", other["dsseEnvelope"]["payload"].clone()), Field::Signature);
    office.refused(&set("/dsseEnvelope/signatures/0/sig", "AAAA".into()), Field::Signature);
    office.refused(&set("/dsseEnvelope/payloadType", "text/plain".into()), Field::Bundle);
    // The key is the identity: a certificate is another, and a key is none where a name is asked for.
    let signer = Signer::Keyless { issuer: "https://a.test".into(), identity: "me@a.test".into() };
    let sources: Vec<Arc<dyn Attestations>> =
        vec![Arc::new(GivenBundles::new("a file", sound.to_string().as_bytes()))];
    let error = office.weigh(AttestationRule { signer, sources, ..office.rule() }).expect_err("a key");
    assert!(
        error.to_string().ends_with("a file: signer: it is signed by a key, and not by a certificate"),
        "{error}"
    );
}

#[test]
fn a_log_is_asked_for_unless_the_root_that_the_user_gave_has_none() {
    let office = Office::open();
    let bare = edited(&office.sound(), |bundle| bundle["verificationMaterial"]["tlogEntries"] = json!([]));
    let rule = |bundle: &Value, trust| AttestationRule {
        sources: vec![Arc::new(GivenBundles::new("a file", bundle.to_string().as_bytes()))],
        trust,
        ..office.rule()
    };
    for trust in [office.rule().trust, Trust::Embedded] {
        let error = office.weigh(rule(&bare, trust)).expect_err("no entry");
        assert!(error.to_string().ends_with("a file: log: it stands in no transparency log"), "{error}");
    }
    // GitHub's own authority keeps no log; it vouches for certificates, and for no key.
    let dated = edited(&bare, |bundle| {
        bundle["verificationMaterial"]["timestampVerificationData"] =
            json!({"rfc3161Timestamps": [{"signedTimestamp": "AAAA"}]});
    });
    let error = office.weigh(rule(&dated, Trust::Embedded)).expect_err("no entry");
    assert!(error.to_string().ends_with("a file: log: it stands in no transparency log"), "{error}");
}

/// A place that is down.
#[derive(Debug)]
struct Down;
impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a place that is down")
    }
}
#[async_trait]
impl Attestations for Down {
    async fn bundles(&self, _: &Reference) -> Result<Vec<RawBundle>, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unavailable, "ask"))
    }
}

#[test]
fn no_attestation_is_a_failure_and_a_place_that_cannot_be_asked_is_another() {
    let office = Office::open();
    let error = office.weigh(office.rule()).expect_err("nothing is there");
    assert_eq!(error.kind(), OutcomeKind::Mismatch);
    assert!(error.to_string().ends_with("there is no attestation of it in the registry"), "{error}");
    let good: Arc<dyn Attestations> =
        Arc::new(GivenBundles::new("a file", office.sound().to_string().as_bytes()));
    let bad: Arc<dyn Attestations> = Arc::new(GivenBundles::new("a file", b"{}"));
    let with = |last: &Arc<dyn Attestations>| {
        office.weigh(AttestationRule { sources: vec![Arc::new(Down), Arc::clone(last)], ..office.rule() })
    };
    assert!(with(&good).is_ok(), "another place may know");
    assert_eq!(with(&bad).expect_err("nobody knows").kind(), OutcomeKind::Unavailable);
}

/// A registry that lists what refers to an image, or lies about it.
#[derive(Debug)]
struct Listing {
    memory: Arc<MemoryRegistry>,
    list: Vec<u8>,
    /// Whether each blob has one more byte.
    lies: bool,
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a listing registry")
    }
}

#[async_trait]
impl Registry for Listing {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        self.memory.manifest(image).await
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        let mut bytes = self.memory.blob(image, digest).await?;
        bytes.extend(self.lies.then_some(b' '));
        Ok(bytes)
    }
    async fn referrers(&self, _: &Reference) -> Result<RawManifest, BackendError> {
        let media_type = "application/vnd.oci.image.index.v1+json".into();
        Ok(RawManifest { media_type, claimed: None, bytes: self.list.clone() })
    }
}

#[test]
fn a_list_of_referrers_is_read_within_bounds_and_hashed() {
    let office = Office::open();
    let kept = beside(&office.image.root, &[office.sound()]);
    office.registry.push(&"registry.test/acme/app:kept".parse().expect("a tag"), &kept);
    let weigh = |list: Vec<u8>, lies: bool| {
        let listing = Listing { memory: Arc::clone(&office.registry), list, lies };
        let source = RegistryAttestations::new(Arc::new(listing));
        office.weigh(AttestationRule { sources: vec![Arc::new(source)], ..office.rule() })
    };
    assert!(weigh(kept.root.bytes.clone(), false).is_ok());
    let error = weigh(kept.root.bytes.clone(), true).expect_err("a lie");
    assert!(error.to_string().contains(" hashes to "), "{error}");
    let edit = |edit: &dyn Fn(&mut Vec<Value>)| {
        let mut list: Value = serde_json::from_slice(&kept.root.bytes).expect("JSON");
        edit(list["manifests"].as_array_mut().expect("a list"));
        list.to_string().into_bytes()
    };
    let untyped = edit(&|entries| drop(entries[0].as_object_mut().expect("an entry").remove("artifactType")));
    assert!(weigh(untyped, false).is_ok(), "the manifest tells");
    let typed = edit(&|entries| entries[0]["artifactType"] = "application/spdx+json".into());
    assert_eq!(weigh(typed, false).expect_err("none").kind(), OutcomeKind::Mismatch);
    let many = edit(&|entries| *entries = vec![entries[0].clone(); 33]);
    let error = weigh(many, false).expect_err("too many");
    assert!(error.to_string().ends_with("the registry holds 33, and at most 32 are read"), "{error}");
    assert_eq!(weigh(b"[]".to_vec(), false).expect_err("no list").kind(), OutcomeKind::Invalid);
}

#[test]
fn a_rule_that_names_nobody_cannot_be_meant() {
    let office = Office::open();
    let keyless =
        |issuer: &str, identity: &str| Signer::Keyless { issuer: issuer.into(), identity: identity.into() };
    for (signer, says) in [
        (keyless("", "me@a.test"), "needs the issuer"),
        (keyless("https://a.test", " "), "needs the identity"),
        (Signer::Key { pem: Vec::new() }, "needs the key"),
        (Signer::Key { pem: b"-----BEGIN PUBLIC KEY-----\n".to_vec() }, "the signing key is no public key"),
    ] {
        let error = office.weigh(AttestationRule { signer, ..office.rule() }).expect_err(says);
        assert!(error.kind() == OutcomeKind::Invalid && error.to_string().contains(says), "{error}");
    }
    let error = office.weigh(AttestationRule { sources: Vec::new(), ..office.rule() }).expect_err("nowhere");
    assert!(error.to_string().contains("needs a place to look for it"), "{error}");
    let error = office.weigh(AttestationRule { trust: Trust::Roots(b"[]".to_vec()), ..office.rule() });
    assert_eq!(error.expect_err("no root").kind(), OutcomeKind::Invalid);
}

#[test]
fn more_bundles_than_are_verified_are_not_passed_over_in_silence() {
    let office = Office::open();
    let lines = |count: usize| format!("{}\n", office.sound()).repeat(count);
    let weigh = |lines: String| {
        let source = GivenBundles::new("a file", lines.as_bytes());
        office.weigh(AttestationRule { sources: vec![Arc::new(source)], ..office.rule() })
    };
    assert!(weigh(lines(64)).is_ok());
    let error = weigh(lines(65)).expect_err("too many");
    assert!(error.to_string().ends_with("it holds 65 bundles, and at most 64 are verified"), "{error}");
}
