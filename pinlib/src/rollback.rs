//! Back to a former pin, with a hold; and the hold taken back again.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::PinError,
    forge::GitForge,
    git::{BranchName, Oid, OidPrefix},
    hold,
    image::Digest,
    read,
    record::Record,
    request::{DigestSource, ImagePin, PinOptions, PinRequest, Placement, Target},
    snapshot::Snapshot,
    trace::{Placed, Trace, names, placed},
};
use std::collections::BTreeMap;

/// To which of its former pins an image goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Former {
    /// The newest that has another digest and is older than the pin of what stands.
    Before,
    /// The one that this commit is.
    Commit(OidPrefix),
}

/// Images that go back to a former pin, together, in one commit.
#[derive(Clone, Debug)]
pub struct RollbackRequest {
    /// The branch.
    pub branch: BranchName,
    /// The images, each with its targets.
    pub images: Vec<Placement>,
    /// Where to.
    pub to: Former,
    /// The other targets of the repository, by which its pins are recognised.
    pub known: Vec<Target>,
    /// Takes the former record's word for the digest; otherwise the registry must hold it still.
    pub declared: bool,
    /// The user's word that the branch only grows.
    pub append_only: bool,
}

/// Images whose holds are taken back, together, in one commit.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "as in RollbackRequest")]
pub struct ReleaseRequest {
    pub branch: BranchName,
    pub images: Vec<Placement>,
    pub append_only: bool,
}

impl RollbackRequest {
    /// What the rollback is at this head: a request for the former digests, on what stands there and who wrote it.
    pub(crate) async fn at(
        &self,
        forge: &dyn GitForge,
        head: Oid,
    ) -> Result<(PinRequest, Snapshot), PinError> {
        let placed = placed(forge, head, &self.images).await?;
        let standing: Option<Vec<_>> = placed.iter().map(Placed::standing).collect();
        let found = |trace: &Trace| self.former(trace, &placed, standing.as_deref());
        let enough = |trace: &Trace| found(trace).is_some() && trace.writers(&placed).is_some();
        let trace = Trace::back(forge, head, &placed, &self.known, enough).await?;
        let (source, digests) = found(&trace).ok_or_else(|| self.none(&placed, standing.as_deref()))?;
        let pinned = |digest| {
            if self.declared { DigestSource::Declared(digest) } else { DigestSource::Reported(digest) }
        };
        let options =
            PinOptions { known: self.known.clone(), append_only: self.append_only, ..PinOptions::default() };
        let digests = digests.into_iter().map(pinned);
        let request = request(source, &self.branch, &self.images, digests, options)?;
        let writers = trace.writers(&placed).unwrap_or_default();
        let snapshot = read::traced(forge, &request, head, writers).await?;
        Ok((request, snapshot))
    }

    /// The former pin's source, and its digest of each image; it must have one of every image, for every site.
    fn former(
        &self,
        trace: &Trace,
        placed: &[Placed],
        standing: Option<&[Digest]>,
    ) -> Option<(Oid, Vec<Digest>)> {
        let recorded = |record: &Record| -> Option<Vec<_>> {
            placed.iter().map(|image| image.recorded(record)).collect()
        };
        let mut pins = trace.pins().filter_map(|(commit, record)| Some((commit, record, recorded(record)?)));
        let (_, record, digests) = match &self.to {
            Former::Commit(wanted) => pins.find(|(commit, ..)| wanted.is_of(*commit))?,
            Former::Before => {
                let mut built = pins.filter(|(_, record, _)| record.claim.operation().is_forward());
                let standing = standing?;
                built.find(|(.., digests)| digests == standing)?;
                built.find(|(.., digests)| digests != standing)?
            }
        };
        Some((record.claim.source(), digests))
    }

    fn none(&self, placed: &[Placed], standing: Option<&[Digest]>) -> PinError {
        let act = format!("roll {} back on {}", names(placed), self.branch);
        let why = match &self.to {
            Former::Commit(commit) => format!("{commit} is no pin of all its places in the branch's history"),
            Former::Before if standing.is_none() => {
                let pinned =
                    placed.iter().flat_map(|image| &image.sites).any(|(.., digest)| digest.is_some());
                let why =
                    if pinned { "its places do not hold one digest" } else { "nothing is pinned there" };
                why.to_owned()
            }
            Former::Before => "there is no earlier pin of another digest".to_owned(),
        };
        BackendError::new(BackendErrorKind::NotFound, act).because(why).into()
    }
}

impl ReleaseRequest {
    /// What the release is at this head.
    pub(crate) async fn at(
        &self,
        forge: &dyn GitForge,
        head: Oid,
    ) -> Result<(PinRequest, Snapshot), PinError> {
        let placed = placed(forge, head, &self.images).await?;
        let digest = |image: &Placed| {
            image.standing().map(DigestSource::Declared).ok_or_else(|| {
                PinError::Invalid(format!(
                    "the places of {} do not hold one digest: take its lines out of {} by hand",
                    image.image.written_name(),
                    hold::HOLDS
                ))
            })
        };
        let digests = placed.iter().map(digest).collect::<Result<Vec<_>, _>>()?;
        let options = PinOptions { append_only: self.append_only, ..PinOptions::default() };
        // It writes nothing that was built from anything: its source is the head that it was decided on.
        let request = request(head, &self.branch, &self.images, digests, options)?;
        let snapshot = read::traced(forge, &request, head, BTreeMap::new()).await?;
        Ok((request, snapshot))
    }
}

/// A request for these digests.
pub(crate) fn request(
    source: Oid,
    branch: &BranchName,
    images: &[Placement],
    digests: impl IntoIterator<Item = DigestSource>,
    options: PinOptions,
) -> Result<PinRequest, PinError> {
    let pin = |((image, targets), digest): (&Placement, _)| ImagePin {
        image: image.clone(),
        digest,
        platform: None,
        targets: targets.clone(),
        was: None,
    };
    PinRequest::new(source, branch.clone(), images.iter().zip(digests).map(pin).collect(), options)
}
