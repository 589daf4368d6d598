//! What stands on pinlib's own branches: a pin of its own, nothing, or somebody else's commit.

use super::Way;
use crate::{
    backend::BackendErrorKind,
    error::{Movement, PinError},
    git::{BranchName, Oid},
    guard::{self, GuardedCommit},
    read,
    record::{Claim, Record},
    snapshot::Kin,
};
use futures_util::FutureExt as _;

/// What stands on a branch of pinlib's own.
pub(super) enum Standing {
    /// Nothing, or a commit that the base has too.
    Nothing(Option<Oid>),
    /// A pin of the same base, by this identity.
    Pin { oid: Oid, record: Record, message: String },
}

impl Standing {
    pub(super) fn oid(&self) -> Option<Oid> {
        match self {
            Self::Nothing(oid) => *oid,
            Self::Pin { oid, .. } => Some(*oid),
        }
    }
    /// The same pin on the same head, by whichever run, and its message.
    pub(super) fn same(&self, commit: &GuardedCommit) -> Option<(Oid, String)> {
        let Self::Pin { oid, record, message } = self else { return None };
        let same = record.claim.key() == commit.record().claim.key();
        (same && record.parent == commit.expected_head()).then(|| (*oid, message.clone()))
    }
}

impl Way<'_> {
    /// What stands on a branch of pinlib's own, and that nobody else has put a commit there.
    pub(super) async fn standing(&self, branch: &BranchName, base: Oid) -> Result<Standing, PinError> {
        self.pinner.patiently(|| self.look(branch, base).boxed()).await
    }

    async fn look(&self, branch: &BranchName, base: Oid) -> Result<Standing, PinError> {
        let forge = &*self.pinner.forge;
        let Some(oid) = self.tip(branch).await? else { return Ok(Standing::Nothing(None)) };
        if oid == base {
            return Ok(Standing::Nothing(Some(oid)));
        }
        let fact = read::fact(forge, oid).await?;
        let message = fact.message.clone();
        let examined =
            read::examine(forge, &forge.identity().await?, &self.request.known(), vec![fact]).await?;
        // Of the same base: the guard put it on a head of that, so that nothing else lies between.
        let ours = |pin: &Record| pin.claim.branch() == self.request.branch();
        match examined.into_iter().find_map(|passed| passed.pin.filter(ours)) {
            Some(record) => Ok(Standing::Pin { oid, record, message }),
            None if read::since(forge, oid, base).await?.is_some() => Ok(Standing::Nothing(Some(oid))),
            None => Err(PinError::HeadMoved {
                branch: branch.clone(),
                expected: base,
                actual: Some(oid),
                how: Movement::Taken { commit: oid },
            }),
        }
    }

    pub(super) async fn tip(&self, branch: &BranchName) -> Result<Option<Oid>, PinError> {
        match self.pinner.forge.head(branch).await {
            Ok(oid) => Ok(Some(oid)),
            Err(error) if error.kind() == BackendErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether the other source is newer than ours. Both were on the base's line, else no guard would have let them pass:
    /// what is not newer is the same, or older.
    pub(super) async fn newer(&self, theirs: Oid) -> Result<bool, PinError> {
        let ours = self.request.source();
        let since = || read::since(&*self.pinner.forge, ours, theirs).boxed();
        Ok(theirs != ours && self.pinner.patiently(since).await?.is_some())
    }

    /// I6 among proposals: what stands there gives way by the guard's own rule.
    pub(super) async fn gives_way(
        &self,
        standing: &Standing,
        claim: &Claim,
        head: Oid,
    ) -> Result<(), PinError> {
        let Standing::Pin { oid, record, .. } = standing else { return Ok(()) };
        let theirs = record.claim.source();
        let kin = if theirs == claim.source() {
            Kin::Same
        } else if self.newer(theirs).await? {
            Kin::Newer
        } else {
            Kin::Older
        };
        let moved =
            |how| PinError::HeadMoved { branch: self.own.clone(), expected: head, actual: Some(*oid), how };
        let replace = self.request.options().replace_rebuilt;
        claim.sites().iter().try_for_each(|site| guard::older(*oid, record, kin, site, replace, &moved))
    }
}
