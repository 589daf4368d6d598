//! When the record of a commit is believed, as a pure function of what the commit did.

use crate::{
    git::{CommitFact, Identity, Mode, TreePath},
    hold::{self, HOLDS},
    manifest::{self, ManifestEditor},
    record::{Claim, Operation, Record},
    request::Target,
    snapshot::Change,
};

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
) -> Option<Record> {
    let record = Record::parse(&fact.message)?;
    let operation = record.claim.operation();
    let told = fact.parents == [record.parent]
        && by.made(fact)
        && !changed.is_empty()
        && changed.iter().all(|path| may_change(&record.claim, path));
    let left = operation.head().is_none_or(|head| head == record.parent);
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
    (told && left && kept && held).then_some(record)
}

/// The files that a commit with this claim may differ in from its parent.
fn may_change(claim: &Claim, path: &TreePath) -> bool {
    let hold = matches!(claim.operation(), Operation::Rollback(_) | Operation::Release(_))
        && path.to_text() == HOLDS;
    hold || claim.sites().iter().any(|site| *path == site.path)
}
