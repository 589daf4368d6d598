//! Objects of one call, fetched level by level: what is at hand is never asked for again.

use super::{Transport, WireForge, fetch::Wish, pack::Objects};
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{
        objects::{self, Commit, Draft, NewCommit, Object, Trees, Walk},
        sign::Author,
    },
    git::{Oid, RepoPath, TreeEntry},
    guard::GuardedCommit,
};
use gix::objs::Kind;
use std::{collections::BTreeSet, sync::Arc};

/// The objects of one call: those that the forge remembers, and those that it must fetch.
pub(super) struct Reader<'a, T> {
    pub(super) forge: &'a WireForge<T>,
    pub(super) act: &'a str,
    pub(super) objects: Objects,
}

/// What is known of the objects that are wanted.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    /// They are commits, and their trees come with them.
    Commits,
    /// They are trees or blobs.
    Inside,
    Anything,
}

impl<T: Transport> Reader<'_, T> {
    pub(super) fn wrong(&self, kind: BackendErrorKind, reason: String) -> BackendError {
        BackendError::new(kind, self.act).because(reason)
    }

    /// Brings objects here, all in one request where the server sends them so.
    pub(super) async fn bring(
        &mut self,
        oids: impl IntoIterator<Item = Oid>,
        kind: Wanted,
    ) -> Result<(), BackendError> {
        let mut missing: BTreeSet<Oid> =
            oids.into_iter().filter(|oid| !self.objects.contains_key(oid)).collect();
        {
            let memory = self.forge.memory();
            missing.retain(|oid| match memory.objects.get(oid) {
                Some(object) => {
                    self.objects.insert(*oid, Arc::clone(object));
                    false
                }
                None => true,
            });
        }
        while !missing.is_empty() {
            let offer = self.forge.offer(self.act).await?;
            if let Some(oid) = missing.iter().find(|oid| oid.format() != offer.format) {
                let reason = format!("{oid} names no object of a {:?} repository", offer.format);
                return Err(self.wrong(BackendErrorKind::NotFound, reason));
            }
            let wants: Vec<_> = missing.iter().copied().collect();
            let wish = Wish {
                wants: &wants,
                have: None,
                done: true,
                depth: (kind != Wanted::Inside).then_some(1),
                levels: usize::from(kind == Wanted::Commits),
            };
            let fetched =
                offer.fetch(&self.forge.transport, wish, self.act).await?.objects.unwrap_or_default();
            self.forge.keep(&fetched);
            self.objects.extend(fetched);
            let before = missing.len();
            // Git leaves out a tree that another wanted one holds, where the filter leaves out what trees hold: such
            // a one is asked for again. A server that sends nothing of what was asked is not asked for ever.
            missing.retain(|oid| !self.objects.contains_key(oid));
            if missing.len() == before {
                return Err(
                    self.wrong(BackendErrorKind::Incomplete, format!("the server did not send {}", wants[0]))
                );
            }
        }
        Ok(())
    }

    pub(super) fn get(&self, oid: Oid, kind: Kind) -> Result<&Object, BackendError> {
        match self.objects.get(&oid) {
            Some(object) if object.kind == kind => Ok(object),
            Some(object) => {
                Err(self
                    .wrong(BackendErrorKind::Invalid, format!("{oid} is a {}, not a {kind}", object.kind)))
            }
            None => Err(self.wrong(BackendErrorKind::Incomplete, format!("{oid} is not at hand"))),
        }
    }

    pub(super) fn commit(&self, oid: Oid) -> Result<Commit, BackendError> {
        objects::commit(oid, &self.get(oid, Kind::Commit)?.bytes)
    }

    pub(super) fn tree(&self, oid: Oid) -> Result<Vec<TreeEntry>, BackendError> {
        objects::tree(oid, &self.get(oid, Kind::Tree)?.bytes)
    }

    fn trees(&self) -> Trees {
        let trees = self.objects.iter().filter(|(_, object)| object.kind == Kind::Tree);
        trees.map(|(oid, object)| (*oid, object.bytes.clone())).collect()
    }

    /// Finds where paths lead to, each in its commit: one request a level of folders, whatever their number. The trees on
    /// the way are at hand then.
    pub(super) async fn find(
        &mut self,
        wanted: &[(Oid, RepoPath)],
    ) -> Result<Vec<Option<TreeEntry>>, BackendError> {
        self.bring(wanted.iter().map(|(commit, _)| *commit), Wanted::Commits).await?;
        loop {
            let (trees, mut found, mut needed) = (self.trees(), Vec::new(), Vec::new());
            for (commit, path) in wanted {
                match objects::walk(self.commit(*commit)?.tree, path, &trees)? {
                    Walk::Found(entry) => found.push(Some(entry)),
                    Walk::Nothing => found.push(None),
                    Walk::Needs(tree) => needed.push(tree),
                }
            }
            if needed.is_empty() {
                return Ok(found);
            }
            self.bring(needed, Wanted::Inside).await?;
        }
    }

    /// Builds the commit and signs it.
    pub(super) async fn build(
        mut self,
        commit: &GuardedCommit,
        author: &Author,
    ) -> Result<NewCommit, BackendError> {
        let head = commit.expected_head();
        let paths: Vec<_> = commit.edits().iter().map(|edit| (head, edit.path().clone())).collect();
        self.find(&paths).await?;
        let draft = Draft::new(commit, author.person(), self.commit(head)?.tree, &self.trees())?;
        let signature = author.sign(draft.payload().as_bytes()).await?;
        Ok(draft.seal(signature.as_deref()))
    }
}
