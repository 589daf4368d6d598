//! Whether a pin replaced one of a newer source.

use super::{Breach, Tampering};
use crate::{
    error::PinError,
    forge::GitForge,
    git::{Oid, RepoPath},
    image::Digest,
    manifest::Locator,
    read,
    record::{Claim, Operation},
};
use std::collections::{BTreeMap, HashMap};

/// What was last written to a site, as the walk down the line met it.
#[derive(Clone, Copy, Debug)]
struct Wrote {
    commit: Oid,
    source: Oid,
    digest: Digest,
    /// Rollbacks go back by intent, and what is promoted may be built from another repository.
    forward: bool,
}

/// A pin that replaced another, where the line does not show that its source is newer.
#[derive(Debug)]
struct Doubt {
    path: RepoPath,
    locator: Locator,
    later: Wrote,
    earlier: Wrote,
}

/// The order of the commits of a line, and of the sources of its pins.
#[derive(Debug, Default)]
pub(super) struct Ancestry {
    /// How far down the line each commit is.
    depths: HashMap<Oid, usize>,
    newer: BTreeMap<(RepoPath, Locator), Wrote>,
    doubts: Vec<Doubt>,
}

impl Ancestry {
    /// Takes in the next commit down the line.
    pub(super) fn pass(&mut self, commit: Oid) {
        self.depths.insert(commit, self.depths.len());
    }

    /// Takes in the pin that this commit is.
    pub(super) fn pin(&mut self, commit: Oid, claim: &Claim) {
        let forward = match claim.operation() {
            Operation::Release(_) => return,
            operation => operation == Operation::Pin,
        };
        for site in claim.sites() {
            let (path, locator) = (site.path.clone(), site.locator.clone());
            let earlier = Wrote { commit, source: claim.source(), digest: site.digest, forward };
            let Some(later) = self.newer.insert((path.clone(), locator.clone()), earlier) else { continue };
            let written = later.forward && forward && later.digest != earlier.digest;
            // A source that was passed by now is, or descends from, the pin that was replaced: so from its source, too.
            if written && later.source != earlier.source && !self.depths.contains_key(&later.source) {
                self.doubts.push(Doubt { path, locator, later, earlier });
            }
        }
    }

    /// Settles what is in doubt: by the line where both sources are on it, else by their history. Sorts what was found.
    pub(super) async fn finish(
        self,
        forge: &dyn GitForge,
        breaches: &mut Vec<Breach>,
    ) -> Result<(), PinError> {
        let mut known = BTreeMap::new();
        for Doubt { path, locator, later, earlier } in self.doubts {
            let pair = (later.source, earlier.source);
            let older = match (self.depths.get(&pair.0), self.depths.get(&pair.1)) {
                (Some(later), Some(earlier)) => later > earlier,
                _ => {
                    if let Some(older) = known.get(&pair) {
                        *older
                    } else {
                        let older = read::since(forge, pair.0, pair.1).await?.is_some();
                        known.insert(pair, older);
                        older
                    }
                }
            };
            if older {
                let what = Tampering::Downgrade {
                    locator,
                    source_commit: later.source,
                    replaced: earlier.commit,
                    replaced_source: earlier.source,
                };
                breaches.push(Breach {
                    commit: later.commit,
                    path: Some(path.to_string()),
                    line: None,
                    what,
                });
            }
        }
        breaches.sort_by_key(|breach| self.depths.get(&breach.commit).copied());
        Ok(())
    }
}
