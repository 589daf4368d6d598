//! Signed attestations, verified without asking anybody: who signed what, when, and what the signer's certificate says.
//!
//! `sigstore-verify` proves the signature, the certificate's chain and the log's entry. Everything that the user stated is
//! compared here: subject, issuer, signer, repository, commit, in this order.

mod claims;
#[cfg(test)]
mod tests;
mod trust;

use super::statement::Statement;
use crate::{
    backend::{BackendError, BackendErrorKind},
    error::{Field, Mismatch, PinError, Refusal},
    evidence::{AttestationRule, Attested, RawBundle, Signer},
    git::Oid,
    image::{Digest, Reference},
};
use claims::{Built, identity_is, quoted};
use sigstore_verify::{
    SubjectAltName, VerificationResult,
    types::{Bundle, SignatureContent},
};
use std::time::SystemTime;
use trust::Authorities;

/// A longer bundle is not read.
const BUNDLE_LIMIT: usize = 4 << 20;
/// Of one place, more bundles than this are not verified.
const BUNDLES: usize = 64;

/// Why a bundle does not suffice.
type Refused = (Field, String);

/// Finds one bundle that satisfies the whole rule. Where none does, the error tells of each what it fails of first.
///
/// A place that cannot be asked does not stop the others; where nothing else is found, its failure is the answer.
pub(super) async fn weigh(
    rule: &AttestationRule,
    image: &Reference,
    digest: Digest,
    source: Oid,
) -> Result<Attested, PinError> {
    let authorities = Authorities::new(&rule.trust, &rule.signer).map_err(PinError::Invalid)?;
    let (mut refusals, mut failure) = (Vec::new(), None);
    for place in &rule.sources {
        let bundles = match place.bundles(image).await {
            Ok(bundles) => bundles,
            Err(error) => {
                failure.get_or_insert(error);
                continue;
            }
        };
        if bundles.len() > BUNDLES {
            let act = format!("look for an attestation in {place}");
            let error = BackendError::new(BackendErrorKind::Invalid, act);
            let why = format!("it holds {} bundles, and at most {BUNDLES} are verified", bundles.len());
            failure.get_or_insert(error.because(why));
            continue;
        }
        for RawBundle { from, bytes } in bundles {
            match check(&authorities, rule, digest, source, &bytes) {
                Ok(attested) => return Ok(Attested { from, ..attested }),
                Err((field, reason)) => refusals.push(Refusal { from, field, reason }),
            }
        }
    }
    // That it is not known there is an answer, and no failure.
    match failure.filter(|error| error.kind() != BackendErrorKind::NotFound) {
        Some(error) => Err(error.into()),
        None if refusals.is_empty() => {
            let places: Vec<_> = rule.sources.iter().map(ToString::to_string).collect();
            Err(Mismatch::NoAttestation { image: image.to_string(), places }.into())
        }
        None => Err(Mismatch::Attestation { image: image.to_string(), found: refusals }.into()),
    }
}

/// Holds one bundle against the whole rule.
fn check(
    authorities: &Authorities,
    rule: &AttestationRule,
    digest: Digest,
    source: Oid,
    bytes: &[u8],
) -> Result<Attested, Refused> {
    let of_bundle = |reason: &str| (Field::Bundle, reason.to_owned());
    if bytes.len() > BUNDLE_LIMIT {
        return Err(of_bundle("it is longer than 4 MiB"));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| (Field::Bundle, error.to_string()))?;
    let bundle = Bundle::from_json(text).map_err(|error| (Field::Bundle, quoted(&error.to_string())))?;
    let by_key = matches!(rule.signer, Signer::Key { .. });
    match (bundle.signing_certificate().is_some(), by_key) {
        (true, true) => {
            return Err((Field::Signer, "it is signed by a certificate, and not by a key".into()));
        }
        (false, false) => {
            return Err((Field::Signer, "it is signed by a key, and not by a certificate".into()));
        }
        _ => {}
    }
    let SignatureContent::DsseEnvelope(envelope) = &bundle.content else {
        return Err(of_bundle("it signs a file, and states nothing about an image"));
    };
    let statement =
        Statement::parse(envelope.payload.as_bytes()).map_err(|reason| (Field::Bundle, quoted(&reason)))?;
    let proven = authorities.verify(&bundle, digest)?;
    if !statement.is_about(digest) {
        return Err((Field::Subject, format!("it is about something else than {digest}")));
    }
    let signer = signer(authorities, &rule.signer, &proven)?;
    if !statement.tells_of_a_build() {
        return Err((
            Field::Predicate,
            format!("{} tells nothing of a build", quoted(statement.predicate_type())),
        ));
    }
    let certificate = proven.certificate().map(|certificate| &certificate.ci_claims);
    let claimed_by = Built::of(certificate, &statement).judge(&rule.repository, source)?;
    let entry = bundle.verification_material.tlog_entries.first().filter(|_| proven.tlog_verified());
    Ok(Attested {
        subject: digest,
        repository: rule.repository.clone(),
        claimed_by,
        signer,
        issuer: proven.issuer().map(str::to_owned),
        log_index: entry.map(|entry| entry.log_index.get()),
        signed: proven.verified_timestamps().iter().min().map(|time| SystemTime::from(*time)),
        from: String::new(),
    })
}

/// Who signed, held against who should have.
fn signer(
    authorities: &Authorities,
    wanted: &Signer,
    proven: &VerificationResult,
) -> Result<String, Refused> {
    match wanted {
        Signer::Key { .. } => Ok(format!(
            "key {}",
            authorities.key_digest().ok_or_else(|| (Field::Signer, "there is no key".into()))?
        )),
        Signer::Keyless { issuer, identity } => {
            // Only what a trusted authority put into the certificate is a claim at all.
            if !proven.certificate_verified() {
                return Err((Field::Signature, "its certificate was not verified".into()));
            }
            let found = proven.issuer().unwrap_or_default();
            if found != issuer {
                return Err((Field::Issuer, format!("{} is not {issuer}", quoted(found))));
            }
            let found = proven.identity().map(SubjectAltName::as_str).unwrap_or_default();
            if !identity_is(found, identity) {
                return Err((Field::Signer, format!("{} is not {identity}", quoted(found))));
            }
            Ok(found.to_owned())
        }
    }
}
