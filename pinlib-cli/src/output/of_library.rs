//! The library's values, as the report has them.

use super::{
    clean,
    v1::{Basis, Edit, Image, Operation, Pin, PullRequest, VerifyImage, Weighed},
};
use crate::{args::moment::Moment, diff};
use pinlib::{
    Basis as Why, Claim, Claimant, DigestSource, Done, Evidence, FileEdit, Movement, Oid, Order, PinError,
    PinPlan, PinRequest, Proof, Proposal, Proposed, Receipt, Reference, ResolvedImage, Review, ReviewState,
};
use std::collections::BTreeSet;

/// What is known before anything is read.
pub(crate) fn request(request: &PinRequest, body: &mut Pin) {
    body.branch = Some(request.branch().to_string());
    body.source_commit = Some(request.source().to_string());
    body.policy = Some(request.options().policy.to_string());
    let image = |pin: &pinlib::ImagePin| {
        let digest = match pin.digest {
            DigestSource::Reported(digest) | DigestSource::Declared(digest) => Some(digest),
            DigestSource::Tag => pin.image.digest(),
        };
        Image {
            name: pin.image.written_name().to_owned(),
            tag: pin.image.tag().map(str::to_owned),
            digest: digest.map(|digest| digest.to_string()),
            reference: digest.map(|digest| pin.image.at(digest).to_string()),
            ..Image::default()
        }
    };
    body.images = request.images().iter().map(image).collect();
    let targets: BTreeSet<_> =
        request.images().iter().flat_map(|pin| &pin.targets).map(|one| &one.path).collect();
    body.targets = targets.into_iter().map(ToString::to_string).collect();
}

/// What is asked of the branch.
pub(crate) fn operation(order: Order<'_>) -> Operation {
    match order {
        Order::Pin(_) => Operation::Pin,
        Order::Rollback(_) => Operation::Rollback,
        Order::Release(_) => Operation::Release,
        Order::Promote(_) => Operation::Promote,
    }
}

/// An image that was settled.
pub(crate) fn resolved(image: &ResolvedImage) -> Image {
    let asked = &image.pin().image;
    Image {
        name: asked.written_name().to_owned(),
        tag: asked.tag().map(str::to_owned),
        digest: Some(image.digest().to_string()),
        reference: Some(image.reference().to_string()),
        platforms: image.platforms().iter().map(ToString::to_string).collect(),
        proof: Some(image.proof().to_string()),
        evidence: Some(image.evidence().to_string()),
        weighed: weighed(image.evidence()),
    }
}

fn weighed(evidence: &Evidence) -> Option<Weighed> {
    let (proves, does_not_prove) = evidence.proves().zip(evidence.does_not_prove())?;
    let weighed =
        Weighed { proves: proves.into(), does_not_prove: does_not_prove.into(), ..Weighed::default() };
    Some(match evidence {
        Evidence::Label { repository } | Evidence::Provenance { repository } => {
            Weighed { repository: repository.as_ref().map(ToString::to_string), ..weighed }
        }
        Evidence::Attestation(found) => Weighed {
            repository: Some(found.repository.to_string()),
            claimed_by: Some(
                match found.claimed_by {
                    Claimant::Certificate => "certificate",
                    _ => "statement",
                }
                .into(),
            ),
            signer: Some(clean::line(&found.signer)),
            issuer: found.issuer.as_deref().map(clean::line),
            log_index: found.log_index,
            signed: found.signed.map(|time| Moment::from(time).to_string()),
            found_in: Some(clean::line(&found.from)),
            ..weighed
        },
        _ => weighed,
    })
}

/// An image of which nothing is known yet but what is asked.
pub(crate) fn to_verify(image: &Reference, source: Oid) -> VerifyImage {
    let image = Image {
        name: image.written_name().to_owned(),
        tag: image.tag().map(str::to_owned),
        digest: image.digest().map(|digest| digest.to_string()),
        ..Image::default()
    };
    VerifyImage { source_commit: source.to_string(), image }
}

/// An image that was found to be built from a commit.
pub(crate) fn verified(image: &ResolvedImage, source: Oid) -> VerifyImage {
    VerifyImage { source_commit: source.to_string(), image: resolved(image) }
}

/// What was done.
pub(crate) fn receipt(receipt: &Receipt, body: &mut Pin) {
    claimed(&receipt.claim, receipt.proof, &receipt.images, body);
    body.commit = Some(receipt.commit.to_string());
    body.decisions = Some(receipt.decisions);
    if let Done::Pinned { parent, basis, edits } = &receipt.done {
        body.changed = true;
        changed(&receipt.claim, *parent, basis, edits, body);
    }
}

/// What was proposed.
pub(crate) fn proposal(proposal: &Proposal, body: &mut Pin) {
    claimed(&proposal.claim, proposal.proof, &proposal.images, body);
    body.warnings = proposal.warnings.iter().map(|warning| clean::line(warning)).collect();
    match &proposal.done {
        Proposed::Review { commit, parent, basis, edits, review, .. } => {
            body.commit = Some(commit.to_string());
            body.pull_request = Some(pull_request(review));
            changed(&proposal.claim, *parent, basis, edits, body);
        }
        Proposed::AlreadyPinned { head, closed } => {
            body.commit = Some(head.to_string());
            body.pull_request = closed.as_ref().map(pull_request);
        }
        _ => {}
    }
}

fn pull_request(review: &Review) -> PullRequest {
    PullRequest {
        number: review.number,
        url: clean::line(&review.url),
        state: match review.state {
            ReviewState::Open => "open",
            ReviewState::Merged => "merged",
            ReviewState::Closed => "closed",
        }
        .to_owned(),
        branch: review.branch.to_string(),
        auto_merge: review.auto_merge.map(|method| method.to_string()),
    }
}

fn claimed(claim: &Claim, proof: Proof, images: &[ResolvedImage], body: &mut Pin) {
    body.branch = Some(claim.branch().to_string());
    body.source_commit = Some(claim.source().to_string());
    body.key = Some(claim.key().to_string());
    body.proof = Some(proof.to_string());
    body.images = images.iter().map(resolved).collect();
}

fn changed(claim: &Claim, parent: Oid, basis: &Why, files: &[FileEdit], body: &mut Pin) {
    let passed = match basis {
        Why::PinsOnly(passed) | Why::Inputs(passed) | Why::Written(passed) => {
            passed.iter().map(ToString::to_string).collect()
        }
        _ => Vec::new(),
    };
    let policy = match basis {
        Why::PinsOnly(_) => "pins-only",
        Why::Inputs(_) => "inputs",
        Why::Written(_) => claim.operation().name(),
        _ => "exact",
    };
    body.basis = Some(Basis { policy: policy.to_owned(), passed });
    body.expected_head = Some(parent.to_string());
    body.edits = edits(files);
    body.diff = Some(diff(files));
}

/// What would be done.
pub(crate) fn plan(plan: &PinPlan, body: &mut Pin) {
    claimed(plan.claim(), plan.proof(), plan.images(), body);
    body.expected_head = Some(plan.snapshot().head().to_string());
    body.edits = edits(plan.edits());
    body.diff = Some(diff(plan.edits()));
}

fn diff(files: &[FileEdit]) -> String {
    let of = |file: &FileEdit| match file.before() {
        Some(before) => diff::unified(file.path().as_str(), &before.bytes, file.bytes()),
        None => diff::created(file.path().as_str(), &String::from_utf8_lossy(file.bytes())),
    };
    files.iter().map(of).collect()
}

fn edits(files: &[FileEdit]) -> Vec<Edit> {
    let of = |file: &FileEdit| {
        let path = file.path().to_string();
        let edit = |change: &pinlib::SiteChange| Edit {
            path: path.clone(),
            line: change.line,
            locator: change.locator.to_string(),
            from: change.from.to_string(),
            to: change.to.to_string(),
        };
        file.changes().iter().map(edit).collect::<Vec<_>>()
    };
    files.iter().flat_map(of).collect()
}

/// What a refusal tells of the branch and the pin.
pub(crate) fn refusal(error: &PinError, body: &mut Pin) {
    match error {
        PinError::HeadMoved { expected, actual, how, .. } => {
            if let Movement::Raced { times } = how {
                body.decisions = Some(*times);
            }
            body.expected_head = Some(expected.to_string());
            body.actual_head = actual.map(|oid| oid.to_string());
        }
        PinError::Unknown { key, expected, seen, .. } => {
            body.key = Some(key.to_string());
            body.expected_head = Some(expected.to_string());
            body.actual_head = seen.map(|oid| oid.to_string());
        }
        _ => {}
    }
}
