//! What is ordered, and what that comes to at one head: read from scratch, each time.

use crate::{
    error::PinError,
    git::{BranchName, Oid},
    pin::Pinner,
    promote::PromoteRequest,
    read,
    record::Operation,
    request::{PinRequest, Policy},
    resolved::ResolvedImage,
    rollback::{ReleaseRequest, RollbackRequest},
    snapshot::Snapshot,
    wait::Wait,
};
use futures_util::{FutureExt, future::join};
use std::{borrow::Cow, time::Duration};

/// What a commit is asked for.
#[derive(Clone, Copy, Debug)]
#[expect(missing_docs, reason = "the methods of Pinner say it")]
pub enum Order<'a> {
    Pin(&'a PinRequest),
    Rollback(&'a RollbackRequest),
    Release(&'a ReleaseRequest),
    Promote(&'a PromoteRequest),
}

/// How long the others than a pin go on after lost races: somebody wants them whatever comes first, and waits for them.
const PATIENT: Wait = Wait { tries: 8, time: Duration::from_secs(60) };

impl Order<'_> {
    pub(crate) fn is_exact(&self) -> bool {
        matches!(self, Self::Pin(request) if request.options().policy == Policy::Exact)
    }
    /// The source commit, where it does not depend on the head.
    pub(crate) fn source(&self) -> Option<Oid> {
        match self {
            Self::Pin(request) => Some(request.source()),
            _ => None,
        }
    }
    pub(crate) fn wait(&self) -> Wait {
        match self {
            Self::Pin(request) => request.options().wait,
            _ => PATIENT,
        }
    }
}

impl<'a> From<&'a PinRequest> for Order<'a> {
    fn from(request: &'a PinRequest) -> Self {
        Self::Pin(request)
    }
}

/// What is to be done at one head.
pub(crate) struct Decision<'a> {
    pub(crate) operation: Operation,
    pub(crate) request: Cow<'a, PinRequest>,
    pub(crate) images: Vec<ResolvedImage>,
    pub(crate) snapshot: Snapshot,
}

impl Pinner {
    /// Reads what is to be done at a head: the one that is given, else the one that the order begins with. What a pin
    /// resolved at another head it has resolved for good.
    pub(crate) async fn decide<'a>(
        &self,
        order: Order<'a>,
        at: Option<Oid>,
        resolved: Option<Vec<ResolvedImage>>,
    ) -> Result<Decision<'a>, PinError> {
        match order {
            Order::Pin(request) => {
                let resolve = async {
                    match resolved {
                        Some(images) => Ok(images),
                        None => self.resolve(request).await,
                    }
                };
                let (images, snapshot) = join(resolve, self.snapshot(request, at)).await;
                let (images, snapshot, request) = (images?, snapshot?, Cow::Borrowed(request));
                Ok(Decision { operation: Operation::Pin, request, images, snapshot })
            }
            Order::Rollback(rollback) => {
                let head = self.start(&rollback.branch, at).await?;
                let found = self.patiently(|| rollback.at(&*self.forge, head).boxed()).await?;
                self.settled(Operation::Rollback(head), found).await
            }
            Order::Release(release) => {
                let head = self.start(&release.branch, at).await?;
                let found = self.patiently(|| release.at(&*self.forge, head).boxed()).await?;
                self.settled(Operation::Release(head), found).await
            }
            Order::Promote(promote) => {
                let head = self.start(&promote.branch, at).await?;
                let found = self.patiently(|| promote.at(&self.forge, head).boxed()).await?;
                self.settled(Operation::Promote(head), found).await
            }
        }
    }

    async fn start(&self, branch: &BranchName, at: Option<Oid>) -> Result<Oid, PinError> {
        match at {
            Some(head) => Ok(head),
            None => self.head(branch).await,
        }
    }

    /// Settles what was found in the history: its digests are proven like any other.
    async fn settled(
        &self,
        operation: Operation,
        (request, snapshot): (PinRequest, Snapshot),
    ) -> Result<Decision<'static>, PinError> {
        let images = self.resolve(&request).await?;
        Ok(Decision { operation, request: Cow::Owned(request), images, snapshot })
    }

    async fn snapshot(&self, request: &PinRequest, at: Option<Oid>) -> Result<Snapshot, PinError> {
        self.patiently(|| read::snapshot(&*self.forge, request, at).boxed()).await
    }
}
