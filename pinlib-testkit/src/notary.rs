//! A signer with a key and a transparency log of its own: signed attestations that can be made wrong in every way.
//!
//! Source: <https://github.com/sigstore/protobuf-specs/blob/main/protos/sigstore_bundle.proto>,
//! <https://github.com/secure-systems-lab/dsse/blob/master/protocol.md>, and for the log
//! <https://github.com/sigstore/rekor/blob/main/types.md>.

use crate::image::{Document, Image, descriptor};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use pinlib::Digest;
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

const IN_TOTO: &str = "application/vnd.in-toto+json";
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What an elliptic point on P-256 is wrapped in to be a public key.
const SPKI: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];
/// When everything is signed.
const TIME: u64 = 1_700_000_000;

/// Signs statements by a key, and enters each in a log that holds nothing else.
#[derive(Debug)]
pub struct Notary {
    signer: Key,
    log: Key,
}

#[derive(Debug)]
struct Key(EcdsaKeyPair);

impl Key {
    fn new() -> Self {
        let random = SystemRandom::new();
        let algorithm = &ECDSA_P256_SHA256_ASN1_SIGNING;
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).expect("a key");
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).expect("a key"))
    }
    fn der(&self) -> Vec<u8> {
        [&SPKI[..], self.0.public_key().as_ref()].concat()
    }
    fn pem(&self) -> String {
        let text = STANDARD.encode(self.der());
        let lines: Vec<_> = text.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }
    fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), bytes).expect("a signature").as_ref().to_vec()
    }
    /// The hash of the key, which names a log.
    fn id(&self) -> Vec<u8> {
        sha256(&self.der())
    }
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let hex = Digest::of(bytes).hex();
    (0..hex.len()).step_by(2).filter_map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

impl Default for Notary {
    fn default() -> Self {
        Self::new()
    }
}

impl Notary {
    /// One with new keys.
    ///
    /// # Panics
    /// Where the system has no random numbers.
    pub fn new() -> Self {
        Self { signer: Key::new(), log: Key::new() }
    }

    /// The public key that it signs by, as PEM.
    pub fn key(&self) -> String {
        self.signer.pem()
    }

    /// The trusted root that names its log, and no authority.
    pub fn trusted_root(&self) -> Value {
        json!({
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [{
                "baseUrl": "https://log.test",
                "hashAlgorithm": "SHA2_256",
                "publicKey": {
                    "rawBytes": STANDARD.encode(self.log.der()),
                    "keyDetails": "PKIX_ECDSA_P256_SHA_256",
                    "validFor": {"start": "2020-01-01T00:00:00Z"},
                },
                "logId": {"keyId": STANDARD.encode(self.log.id())},
            }],
        })
    }

    /// Signs a statement, and enters it in the log: a bundle.
    pub fn attest(&self, statement: &Value) -> Value {
        let payload = statement.to_string().into_bytes();
        let mut signed = format!("DSSEv1 {} {IN_TOTO} {} ", IN_TOTO.len(), payload.len()).into_bytes();
        signed.extend(&payload);
        let signature = STANDARD.encode(self.signer.sign(&signed));
        let envelope = json!({
            "payload": STANDARD.encode(&payload),
            "payloadType": IN_TOTO,
            "signatures": [{"sig": signature}],
        });
        json!({
            "mediaType": BUNDLE,
            "verificationMaterial": {
                "publicKey": {"hint": STANDARD.encode(self.signer.id())},
                "tlogEntries": [self.entry(&payload, &envelope)],
            },
            "dsseEnvelope": envelope,
        })
    }

    /// The entry of a log that is one leaf tall.
    fn entry(&self, payload: &[u8], envelope: &Value) -> Value {
        let hash = |bytes: &[u8]| json!({"algorithm": "sha256", "value": Digest::of(bytes).hex()});
        let verifier = STANDARD.encode(self.signer.pem());
        let body = json!({
            "apiVersion": "0.0.1",
            "kind": "dsse",
            "spec": {
                "envelopeHash": hash(envelope.to_string().as_bytes()),
                "payloadHash": hash(payload),
                "signatures": [{"signature": envelope["signatures"][0]["sig"], "verifier": verifier}],
            },
        });
        let body = body.to_string().into_bytes();
        let root = STANDARD.encode(sha256(&[&[0], &body[..]].concat()));
        let note = format!("log.test\n1\n{root}\n");
        let hint = &self.log.id()[..4];
        let signed_note = STANDARD.encode([hint, &self.log.sign(note.as_bytes())].concat());
        let log = self.log.id().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        let promised =
            json!({"body": STANDARD.encode(&body), "integratedTime": TIME, "logID": log, "logIndex": 0});
        json!({
            "logIndex": "0",
            "logId": {"keyId": STANDARD.encode(self.log.id())},
            "kindVersion": {"kind": "dsse", "version": "0.0.1"},
            "integratedTime": TIME.to_string(),
            "inclusionPromise": {"signedEntryTimestamp": STANDARD.encode(self.log.sign(promised.to_string().as_bytes()))},
            "inclusionProof": {
                "logIndex": "0",
                "rootHash": root,
                "treeSize": "1",
                "hashes": [],
                "checkpoint": {"envelope": format!("{note}\n\u{2014} log.test {signed_note}\n")},
            },
            "canonicalizedBody": STANDARD.encode(&body),
        })
    }
}

/// What stands under the tag `sha256-HEX` beside an image, where a registry keeps no list of what refers to it: an index of
/// these bundles, each in a manifest of its own.
///
/// Source: <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#referrers-tag-schema>.
pub fn beside(subject: &Document, bundles: &[Value]) -> Image {
    let mut image = Image {
        root: Document { media_type: INDEX.into(), bytes: Vec::new() },
        manifests: Vec::new(),
        attestations: Vec::new(),
        blobs: std::collections::BTreeMap::new(),
    };
    let mut entries = Vec::new();
    for bundle in bundles {
        let (bytes, empty) = (bundle.to_string().into_bytes(), b"{}".to_vec());
        let manifest = Document::of(
            MANIFEST,
            &json!({
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "artifactType": BUNDLE,
                "config": descriptor("application/vnd.oci.empty.v1+json", &empty),
                "layers": [descriptor(BUNDLE, &bytes)],
                "subject": subject.descriptor(),
            }),
        );
        let mut entry = manifest.descriptor();
        entry["artifactType"] = BUNDLE.into();
        entries.push(entry);
        image.blobs.insert(Digest::of(&bytes), bytes);
        image.blobs.insert(Digest::of(&empty), empty);
        image.attestations.push(manifest);
    }
    image.root = Document::of(INDEX, &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries}));
    image
}
