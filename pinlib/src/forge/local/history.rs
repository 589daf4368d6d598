//! What lies between two commits, or behind one, by all parents.

use super::disk::{Disk, failed, id};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::objects::Commit,
    git::{CommitRange, Oid},
};
use gix::{ObjectId, objs::Kind};
use std::collections::{BTreeSet, HashSet};

const SHALLOW: &str = "the repository is a shallow clone that ends on the way";

/// What a walk over ancestors met.
#[derive(Default)]
struct Ancestors {
    oids: HashSet<ObjectId>,
    /// The commit at which it was to stop.
    stop: bool,
    /// A commit without parents.
    root: bool,
    /// A commit whose parents a shallow clone leaves out.
    cut: bool,
}

impl Disk {
    /// Every commit that `upto` has and `base` has not; none where `base` is no ancestor, or not here at all. Without a
    /// base, as many as the limit says.
    pub(super) fn history(&self, range: &CommitRange) -> Result<Option<Vec<Commit>>, BackendError> {
        let CommitRange { base, upto, limit } = *range;
        let act = format!("read the history {range}");
        let Some(base) = base else { return self.down_from(upto, limit, &act).map(Some) };
        let fail = |why: String| Err(BackendError::new(BackendErrorKind::Incomplete, &*act).because(why));
        self.commit(upto)?;
        if !matches!(self.object(base)?, Some((Kind::Commit, _))) {
            return Ok(None);
        }
        let mut reached = self.ancestors(upto, Some(base), &act)?;
        if !reached.stop {
            return if reached.cut { fail(SHALLOW.into()) } else { Ok(None) };
        }
        // A way that ends elsewhere than at the base goes round it, perhaps through the base's own history.
        if reached.root || reached.cut {
            let own = self.ancestors(base, None, &act)?;
            if own.cut || reached.cut {
                return fail(SHALLOW.into());
            }
            reached.oids.retain(|oid| !own.oids.contains(oid));
        }
        if reached.oids.len() > limit {
            return fail(format!("it has {} commits, more than {limit}", reached.oids.len()));
        }
        let oids: BTreeSet<_> =
            reached.oids.iter().filter_map(|oid| Oid::from_bytes(oid.as_slice())).collect();
        oids.into_iter().map(|oid| self.commit(oid)).collect::<Result<_, _>>().map(Some)
    }

    /// So many ancestors of `tip`, itself the first, by first parents before others: a line is read without its sides.
    fn down_from(&self, tip: Oid, limit: usize, act: &str) -> Result<Vec<Commit>, BackendError> {
        let shallow = self.0.shallow_commits().map_err(|error| failed(act, error))?;
        let (mut commits, mut met) = (Vec::new(), HashSet::from([tip]));
        let (mut line, mut sides) = (Some(tip), Vec::new());
        while let Some(oid) = line.take().or_else(|| sides.pop()).filter(|_| commits.len() < limit) {
            let commit = self.commit(oid)?;
            if shallow.as_ref().is_some_and(|ends| ends.contains(&id(oid))) && !commit.fact.parents.is_empty()
            {
                return Err(BackendError::new(BackendErrorKind::Incomplete, act).because(SHALLOW));
            }
            let mut parents = commit.fact.parents.iter().copied().filter(|parent| met.insert(*parent));
            line = parents.next();
            sides.extend(parents);
            commits.push(commit);
        }
        Ok(commits)
    }

    /// Every ancestor of `tip`, itself included, that is reached without going through `stop`.
    fn ancestors(&self, tip: Oid, stop: Option<Oid>, act: &str) -> Result<Ancestors, BackendError> {
        let shallow = self.0.shallow_commits().map_err(|error| failed(act, error))?;
        let edge = |oid: &ObjectId| shallow.as_ref().is_some_and(|commits| commits.contains(oid));
        let stop = stop.map(id);
        let (mut met, mut todo) = (Ancestors::default(), vec![id(tip)]);
        while let Some(oid) = todo.pop() {
            if Some(oid) == stop {
                met.stop = true;
            } else if met.oids.insert(oid) {
                if edge(&oid) {
                    met.cut = true;
                    continue;
                }
                let commit = self.0.try_find_object(oid).map_err(|error| failed(act, error))?;
                let Some(commit) = commit else {
                    let why = format!("the repository does not have commit {oid}");
                    return Err(BackendError::new(BackendErrorKind::Incomplete, act).because(why));
                };
                let commit = commit.try_into_commit().map_err(|error| failed(act, error))?;
                let before = todo.len();
                todo.extend(commit.parent_ids().map(gix::Id::detach));
                met.root |= todo.len() == before;
            }
        }
        Ok(met)
    }
}
