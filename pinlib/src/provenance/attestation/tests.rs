//! Attestations that others made, held against rules that fit, and against each that does not.

use super::{Authorities, Field, check};
use crate::{
    error::Refusal,
    evidence::{AttestationRule, Attested, Claimant, GivenBundles, Signer, Trust},
    image::Digest,
};
use serde_json::{Value, json};
use std::sync::Arc;

const ACTIONS: &str = "https://token.actions.githubusercontent.com";

/// Where test data of others is.
macro_rules! data {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/attestations/", $name))
    };
}

/// What is asked of one bundle.
#[derive(Clone, Debug)]
struct Case {
    bundle: Vec<u8>,
    digest: String,
    repository: String,
    commit: String,
    issuer: String,
    identity: String,
    trust: Trust,
}

impl Case {
    fn check(&self) -> Result<Attested, (Field, String)> {
        let rule = AttestationRule {
            repository: self.repository.parse().expect("a repository"),
            signer: Signer::Keyless { issuer: self.issuer.clone(), identity: self.identity.clone() },
            sources: vec![Arc::new(GivenBundles::new("a file", &self.bundle))],
            trust: self.trust.clone(),
        };
        let digest: Digest = self.digest.parse().expect("a digest");
        let authorities = Authorities::new(&rule.trust, &rule.signer).expect("a trusted root");
        check(&authorities, &rule, digest, self.commit.parse().expect("an oid"), &self.bundle)
    }
    fn with(&self, change: impl FnOnce(&mut Self)) -> Self {
        let mut other = self.clone();
        change(&mut other);
        other
    }
    fn edited(&self, change: impl FnOnce(&mut Value)) -> Self {
        let mut bundle = serde_json::from_slice(&self.bundle).expect("JSON");
        change(&mut bundle);
        self.with(|case| case.bundle = bundle.to_string().into_bytes())
    }
    #[track_caller]
    fn fails_of(&self, field: Field, says: &str) {
        let (found, reason) = self.check().expect_err(says);
        assert_eq!(found, field, "{reason}");
        assert!(reason.contains(says), "{reason}");
        let shown = Refusal { from: "a file".into(), field, reason }.to_string();
        assert!(!shown.contains(char::is_control), "{shown}");
    }
}

/// A reusable workflow's, in a public repository: who signed is another repository than what was built.
fn public() -> Case {
    Case {
        bundle: data!("github-public.json").to_vec(),
        digest: "sha256:49a3aa6075e0f49f82843e74b5baa614ad2a588e6675612bf108a0a008c5ac25".into(),
        repository: "https://github.com/malancas/attest-demo".into(),
        commit: "95baf27389e83e6a5c48f42e190d48d7abcea19e".into(),
        issuer: ACTIONS.into(),
        identity: "https://github.com/github/artifact-attestations-workflows/.github/workflows/attest.yml"
            .into(),
        trust: Trust::Embedded,
    }
}

/// By GitHub's own authority, which signs for private repositories and keeps no log.
fn private() -> Case {
    Case {
        bundle: data!("github-private.json").to_vec(),
        digest: "sha256:ae57936def59bc4c75edd3a837d89bcefc6d3a5e31d55a6fa7a71624f92c3c3b".into(),
        repository: "github:actions/attest-demo".into(),
        commit: "a6c23b9806c593664f68637c8f9d45dfcf98b2db".into(),
        issuer: ACTIONS.into(),
        identity: "https://github.com/actions/attest-demo/.github/workflows/build-python.yml@refs/heads/main"
            .into(),
        trust: Trust::Embedded,
    }
}

/// The certificate names one source, and the statement another.
fn two_words() -> Case {
    let beacon = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon";
    Case {
        bundle: data!("two-words.json").to_vec(),
        digest: "sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf".into(),
        repository: beacon.into(),
        commit: "82a3bfe6dd50fe9c71d6315eae66da15307856cf".into(),
        issuer: ACTIONS.into(),
        identity: format!("{beacon}/.github/workflows/extremely-dangerous-oidc-beacon.yml"),
        trust: Trust::Embedded,
    }
}

/// The certificate says nothing of a source; the root is not sigstore's.
fn no_claims() -> Case {
    Case {
        bundle: data!("no-claims.json").to_vec(),
        digest: "sha256:330a043220fa13e01d68a7db39c89e12b0c4c3b6a0346fe624b0903f1303b5b2".into(),
        repository: "https://github.com/sigstore/sigstore-conformance".into(),
        commit: "c5f5fb255163ed85ddb32d54dcdd710ac3f04603".into(),
        trust: Trust::Roots(data!("trusted-root.json").to_vec()),
        ..two_words()
    }
}

#[test]
fn what_others_signed_verifies() {
    let found = public().check().expect("a public repository's");
    assert_eq!(found.claimed_by, Claimant::Certificate);
    assert_eq!(found.issuer.as_deref(), Some(ACTIONS));
    assert!(
        found.signer.ends_with("/attest.yml@09b495c3f12c7881b3cc17209a327792065c1a1d"),
        "{}",
        found.signer
    );
    assert!(found.log_index.is_some() && found.signed.is_some());
    let found = private().check().expect("a private repository's");
    assert_eq!((found.claimed_by, found.log_index), (Claimant::Certificate, None));
    assert!(found.signed.is_some(), "a timestamp authority says when");
    assert_eq!(two_words().check().expect("the certificate's word").claimed_by, Claimant::Certificate);
    assert_eq!(no_claims().check().expect("the statement's word").claimed_by, Claimant::Statement);
}

#[test]
fn each_field_of_the_rule_is_compared() {
    for sound in [public(), private(), two_words(), no_claims()] {
        assert!(sound.check().is_ok());
        let other = Digest::of(b"another").to_string();
        sound
            .with(|case| case.digest.clone_from(&other))
            .fails_of(Field::Subject, "does not match any subject");
        sound
            .with(|case| case.issuer.push_str("/hammer-time"))
            .fails_of(Field::Issuer, "is not https://token.");
        sound
            .with(|case| case.issuer = "https://token.actions".into())
            .fails_of(Field::Issuer, "is not https://token.");
        let of_another = "https://github.com/evil/app/.github/workflows/build.yml";
        sound
            .with(|case| case.identity = of_another.into())
            .fails_of(Field::Signer, &format!("is not {of_another}"));
        let at_another = |case: &mut Case| {
            case.identity =
                format!("{}@refs/heads/evil", case.identity.split('@').next().unwrap_or_default());
        };
        sound.with(at_another).fails_of(Field::Signer, "@refs/heads/evil");
        let fork = "https://github.com/evil/app";
        sound
            .with(|case| case.repository = fork.into())
            .fails_of(Field::SourceRepository, &format!("and not {fork}"));
        let (was, now) = (sound.commit.clone(), "b".repeat(40));
        let says = format!("names \"{was}\", and not {now}");
        sound.with(|case| case.commit.clone_from(&now)).fails_of(Field::SourceCommit, &says);
    }
}

#[test]
fn the_certificate_s_word_beats_the_statement_s() {
    let stated = |case: &mut Case| {
        case.repository = "https://github.com/loosebazooka/aa-test".into();
        case.commit = "ebff8dfbd609b7b22237c7719ce07f2dc7934f5f".into();
    };
    two_words().with(stated).fails_of(Field::SourceRepository, "the certificate names");
}

#[test]
fn what_was_tampered_with_is_refused() {
    for sound in [public(), private(), two_words()] {
        let payload = |bundle: &mut Value| {
            let text = bundle["dsseEnvelope"]["payload"].as_str().expect("a payload").to_owned();
            // Another letter in a name, and the statement still reads.
            bundle["dsseEnvelope"]["payload"] = text.replacen("Imh0dHBz", "Imh0dHBy", 1).into();
            assert_ne!(bundle["dsseEnvelope"]["payload"], text);
        };
        let (field, reason) = sound.edited(payload).check().expect_err("a payload that nobody signed");
        assert!(matches!(field, Field::Signature | Field::Bundle | Field::Log), "{field}: {reason}");
        let signature = |bundle: &mut Value| {
            let text =
                bundle["dsseEnvelope"]["signatures"][0]["sig"].as_str().expect("a signature").to_owned();
            let changed = text.replacen(&text[20..22], if &text[20..22] == "AA" { "BB" } else { "AA" }, 1);
            bundle["dsseEnvelope"]["signatures"][0]["sig"] = changed.into();
        };
        let (field, reason) = sound.edited(signature).check().expect_err("a signature that is none");
        assert!(matches!(field, Field::Signature | Field::Log | Field::Time), "{field}: {reason}");
    }
}

#[test]
fn without_the_log_s_entry_there_is_no_attestation() {
    for sound in [public(), two_words(), no_claims()] {
        let none = |bundle: &mut Value| bundle["verificationMaterial"]["tlogEntries"] = json!([]);
        sound.edited(none).fails_of(Field::Log, "it stands in no transparency log");
        let unproven = |bundle: &mut Value| {
            let entry = bundle["verificationMaterial"]["tlogEntries"][0].as_object_mut().expect("an entry");
            entry.remove("inclusionProof");
        };
        sound.edited(unproven).fails_of(Field::Log, "inclusion proof");
        let index = |bundle: &mut Value| {
            let entry = &mut bundle["verificationMaterial"]["tlogEntries"][0];
            entry["inclusionProof"]["rootHash"] = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".into();
        };
        sound.edited(index).fails_of(Field::Log, "");
    }
    // An entry of another signature's does not vouch for this one.
    let other: Value = serde_json::from_slice(&two_words().bundle).expect("JSON");
    let entry = other["verificationMaterial"]["tlogEntries"].clone();
    let (field, reason) = public()
        .edited(|bundle| bundle["verificationMaterial"]["tlogEntries"] = entry)
        .check()
        .expect_err("another's entry");
    assert!(matches!(field, Field::Log | Field::Time), "{field}: {reason}");
}

#[test]
fn a_certificate_counts_at_its_own_time_alone() {
    no_claims().with(|case| case.bundle = data!("expired.json").to_vec()).fails_of(Field::Time, "");
    no_claims().with(|case| case.bundle = data!("too-late.json").to_vec()).fails_of(Field::Time, "");
}

#[test]
fn another_authority_s_certificate_is_none() {
    public().with(|case| case.trust = no_claims().trust).check().expect_err("another root");
    no_claims().with(|case| case.trust = Trust::Embedded).check().expect_err("another root");
    // Which has no log, and so would ask for none.
    let github = serde_json::from_str(sigstore_verify::trust_root::SIGSTORE_GITHUB_TRUSTED_ROOT)
        .map(|root: Value| root.to_string());
    let github = Trust::Roots(github.expect("JSON").into_bytes());
    assert!(private().with(|case| case.trust = github.clone()).check().is_ok());
    public().with(|case| case.trust = github).check().expect_err("another root");
}

#[test]
fn a_person_s_signature_of_something_else_tells_nothing_of_a_build() {
    let case = Case {
        bundle: data!("cosign-person.json").to_vec(),
        digest: "sha256:732112270d7e59418a8c080b134b24cabd67d250d0d0147a97ed95ba5c280aa4".into(),
        issuer: "https://github.com/login/oauth".into(),
        identity: "cody@soyland.com".into(),
        ..public()
    };
    case.fails_of(
        Field::Predicate,
        "\"https://cosign.sigstore.dev/attestation/v1\" tells nothing of a build",
    );
}

#[test]
fn what_is_no_bundle_is_refused_within_bounds() {
    let of = |bundle: &[u8]| public().with(|case| case.bundle = bundle.to_vec());
    of(b"").fails_of(Field::Bundle, "");
    of(b"{}").fails_of(Field::Bundle, "");
    of(&[0xff]).fails_of(Field::Bundle, "");
    of(&vec![b' '; super::BUNDLE_LIMIT + 1]).fails_of(Field::Bundle, "longer than 4 MiB");
    of("[".repeat(100_000).as_bytes()).fails_of(Field::Bundle, "");
    let signed_file = |bundle: &mut Value| {
        let bundle = bundle.as_object_mut().expect("an object");
        bundle.remove("dsseEnvelope");
        let digest =
            json!({"algorithm": "SHA2_256", "digest": "SaOqYHXg9J+Cg+dLW6phStKljmZ1YSvxCKCgCMWsJQ=="});
        bundle.insert("messageSignature".into(), json!({"messageDigest": digest, "signature": "AAAA"}));
    };
    let (field, _) = public().edited(signed_file).check().expect_err("no statement");
    assert_eq!(field, Field::Bundle);
    for root in ["", "{}", "[]", "null"] {
        let trust = Trust::Roots(root.as_bytes().to_vec());
        let signer = Signer::Keyless { issuer: "i".into(), identity: "s".into() };
        let usable = Authorities::new(&trust, &signer).is_ok();
        assert!(!usable || public().with(|case| case.trust = trust).check().is_err(), "{root}");
    }
}
