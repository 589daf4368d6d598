//! The branch: found, and moved by git's own compare-and-swap.

use super::disk::{Disk, failed, id};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::CommitError,
    git::{BranchName, Oid, Person},
    guard::GuardedCommit,
};
use gix::{
    bstr::ByteSlice,
    lock::acquire::Fail,
    refs::{
        FullName, Target,
        transaction::{Change, LogChange, PreviousValue, RefEdit, RefLog},
    },
};
use std::{path::PathBuf, time::Duration};

/// How long a lock of another process is waited for: git's `core.filesRefLockTimeout`.
const LOCK: Fail = Fail::AfterDurationWithBackoff(Duration::from_millis(100));

/// A symbolic ref that leads further than this leads nowhere, to git as well.
const LONGEST_CHAIN: usize = 5;

/// Where a branch stands, and by what way: symbolic refs lead from its name to the one ref that moves.
pub(super) struct Branch {
    pub(super) head: Oid,
    /// Each symbolic ref, and what it points at.
    links: Vec<(FullName, FullName)>,
    /// The ref that holds the head.
    name: FullName,
}

impl Disk {
    pub(super) fn branch(&self, branch: &BranchName) -> Result<Branch, BackendError> {
        let act = format!("read head of {branch}");
        let fail = |kind, why: &str| Err(BackendError::new(kind, &*act).because(why));
        let mut name = FullName::try_from(branch.full())
            .map_err(|error| failed(&*act, gix::Error::from_error(error)))?;
        let mut links = Vec::new();
        loop {
            let found = self.0.try_find_reference(&name).map_err(|error| failed(&*act, error))?;
            let Some(found) = found else {
                return fail(BackendErrorKind::NotFound, "there is no such branch");
            };
            match &found.inner.target {
                Target::Object(oid) => {
                    let Some(head) = Oid::from_bytes(oid.as_slice()) else {
                        return fail(BackendErrorKind::Invalid, "it points at no object");
                    };
                    return Ok(Branch { head, links, name });
                }
                Target::Symbolic(_) if links.len() == LONGEST_CHAIN => {
                    return fail(BackendErrorKind::Invalid, "it is a symbolic ref that leads too far");
                }
                Target::Symbolic(next) => {
                    links.push((name, next.clone()));
                    name = next.clone();
                }
            }
        }
    }

    /// The work tree, the main one or a linked one, that has the branch checked out.
    pub(super) fn checked_out(&self, branch: &Branch) -> Result<Option<PathBuf>, BackendError> {
        let act = "see which branches are checked out";
        // Gix would open a bare repository once more, to say that it has no work tree.
        let repository = &self.0;
        if repository.workdir().is_none() && !repository.common_dir().join("worktrees").exists() {
            return Ok(None);
        }
        for tree in repository.worktrees_including_main().map_err(|error| failed(act, error))? {
            let tree = tree.map_err(|error| failed(act, error))?;
            // The main repository of linked work trees may be bare: its HEAD is nobody's.
            let Some(folder) = tree.workdir() else { continue };
            let head = tree.head_name().map_err(|error| failed(act, error))?;
            let names = branch.links.iter().map(|(name, _)| name).chain([&branch.name]);
            if head.is_some_and(|head| names.clone().any(|name| *name == head)) {
                return Ok(Some(folder.to_path_buf()));
            }
        }
        Ok(None)
    }

    /// Moves the branch to `new` if it still stands at the expected head, by the same way: every ref on it is locked, then
    /// read and compared, and only then is anything replaced.
    pub(super) fn swap(&self, commit: &GuardedCommit, new: Oid, by: &Person) -> Result<Oid, CommitError> {
        let expected = commit.expected_head();
        let act = format!("commit to {}", commit.branch());
        let branch = self.branch(commit.branch()).map_err(CommitError::NotLanded)?;
        let edit = |name: &FullName, from, to| RefEdit {
            change: Change::Update {
                log: LogChange {
                    mode: RefLog::AndReference,
                    force_create_reflog: false,
                    message: format!("pinlib: {}", commit.message().lines().next().unwrap_or_default())
                        .into(),
                },
                expected: PreviousValue::MustExistAndMatch(from),
                new: to,
            },
            name: name.clone(),
            deref: false,
        };
        let stays = |(name, next): &(FullName, FullName)| {
            edit(name, Target::Symbolic(next.clone()), Target::Symbolic(next.clone()))
        };
        let moves = edit(&branch.name, Target::Object(id(expected)), Target::Object(id(new)));
        let edits: Vec<_> = branch.links.iter().map(stays).chain([moves]).collect();
        // What fails in here has replaced nothing.
        let transaction = match self.0.refs.transaction().prepare(edits, LOCK, LOCK) {
            Ok(transaction) => transaction,
            Err(error) => return Err(self.refused(commit, failed(act, error))),
        };
        let time = commit_time(commit);
        let committer = gix::actor::SignatureRef {
            name: by.name.as_bytes().as_bstr(),
            email: by.email.as_bytes().as_bstr(),
            time: &time,
        };
        match transaction.commit(Some(committer)) {
            Ok(_) => Ok(new),
            Err(_) if self.branch(commit.branch()).is_ok_and(|branch| branch.head == new) => Ok(new),
            Err(error) => Err(CommitError::Ambiguous(failed(act, error))),
        }
    }

    /// Why the transaction was refused: the branch tells, better than gix.
    fn refused(&self, commit: &GuardedCommit, error: BackendError) -> CommitError {
        let (branch, expected) = (commit.branch(), commit.expected_head());
        match self.branch(branch) {
            Ok(found) if found.head != expected => {
                CommitError::HeadMoved { branch: branch.clone(), expected, actual: Some(found.head) }
            }
            Ok(_) => CommitError::NotLanded(error),
            Err(error) => CommitError::NotLanded(error),
        }
    }
}

fn commit_time(commit: &GuardedCommit) -> String {
    format!("{} +0000", crate::forge::objects::seconds(commit.date()))
}
