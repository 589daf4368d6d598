//! When the record of a commit is believed, as a pure function of what the commit did.

use crate::{
    git::{CommitFact, Identity, Mode, TreePath},
    hold::{self, HOLDS},
    manifest::{self, ManifestEditor},
    record::{Claim, Record},
    request::Target,
    snapshot::Change,
};

/// Why a record is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misfit {
    /// There is none that can be read: two of them, or a key that does not come out.
    #[error("it cannot be read as one record whose key comes out")]
    Unreadable,
    /// The commit has not just the parent that the record names.
    #[error("it names another parent than the commit has, as a cherry-pick, a squash or a merge does")]
    Parent,
    /// Somebody else is its author or committer.
    #[error("the commit is not by the pinner")]
    Identity,
    /// It is not signed as the pinner's commits are.
    #[error("the commit is not signed as the pinner's are")]
    Signature,
    /// The commit changes nothing.
    #[error("the commit changes nothing")]
    Unchanged,
    /// The commit changes files that are none of the record's.
    #[error("the commit changes files that the record does not name")]
    Outside,
    /// The sites do not hold what the record says, or more changed than that; or no known target finds a site.
    #[error("the files hold something else than the record's digests put in their places")]
    Bytes,
}

/// Believes the record of a commit, or not: a cherry-pick, a revert, a squash that quotes one is not a pin.
///
/// `changed` is every path that differs from the parent, `files` both sides of every path that the record names, and of
/// the hold file where that changed.
pub(crate) fn recognised(
    fact: &CommitFact,
    by: &Identity,
    changed: &[TreePath],
    files: &[Change],
    known: &[Target],
) -> Result<Record, Misfit> {
    let record = Record::parse(&fact.message).ok_or(Misfit::Unreadable)?;
    let operation = record.claim.operation();
    let left = operation.head().is_none_or(|head| head == record.parent);
    let rules = [
        (Misfit::Parent, fact.parents == [record.parent] && left),
        (Misfit::Identity, by.wrote(fact)),
        (Misfit::Signature, by.signature == fact.signature),
        (Misfit::Unchanged, !changed.is_empty()),
        (Misfit::Outside, changed.iter().all(|path| may_change(&record.claim, path))),
    ];
    if let Some((misfit, _)) = rules.into_iter().find(|(_, kept)| !kept) {
        return Err(misfit);
    }
    let holds = files.iter().find(|change| change.path.as_str() == HOLDS);
    let kept = holds.is_none_or(|Change { before, after, .. }| {
        match hold::after(operation, record.claim.sites(), before.as_ref()) {
            Ok(Some(bytes)) => {
                after.as_ref().is_some_and(|after| after.mode == Mode::Regular && after.bytes == bytes)
            }
            Ok(None) => before == after,
            Err(_) => false,
        }
    });
    let mut paths: Vec<_> = record.claim.sites().iter().map(|site| &site.path).collect();
    paths.dedup();
    let held = paths.into_iter().all(|path| {
        let pins: Vec<_> = record
            .claim
            .sites()
            .iter()
            .filter(|site| site.path == *path)
            .map(|site| (&site.locator, site.digest))
            .collect();
        let editors: Vec<&dyn ManifestEditor> =
            known.iter().filter(|target| target.path == *path).map(|target| &*target.editor).collect();
        let sides = files
            .iter()
            .find(|change| change.path == *path)
            .and_then(|change| Some((change.before.as_ref()?, change.after.as_ref()?)));
        sides.is_some_and(|(before, after)| {
            manifest::same_but_pins(&editors, before, after, &pins).unwrap_or(false)
        })
    });
    if kept && held { Ok(record) } else { Err(Misfit::Bytes) }
}

/// The files that a commit with this claim may differ in from its parent.
pub(crate) fn may_change(claim: &Claim, path: &TreePath) -> bool {
    let hold = !claim.operation().is_forward() && path.to_text() == HOLDS;
    hold || claim.sites().iter().any(|site| *path == site.path)
}
