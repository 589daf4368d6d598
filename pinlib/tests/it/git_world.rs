//! A real repository, and a forge in front of it: the world that every git forge is held to.

use pinlib::{Author, BranchName, CommitFact, GitForge, Mode, Oid, Person};
use pinlib_testkit::{
    conformance::forge::{Entry, ForgeWorld},
    repository::Repository,
};
use std::{future::Future, sync::Arc};
use tokio::runtime::Runtime;

/// How a forge reaches a repository.
pub(crate) trait Reach: Sized {
    /// The repository that it is for.
    fn repository() -> Repository {
        Repository::bare("sha1").expect("git works").expect("git is there")
    }
    /// What must live as long as the forge, a server perhaps, and the forge.
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>);
}

pub(crate) struct GitWorld<R> {
    pub(crate) repository: Repository,
    forge: Arc<dyn GitForge>,
    runtime: Runtime,
    #[cfg_attr(not(feature = "git-http"), expect(dead_code, reason = "it serves while it lives"))]
    pub(crate) server: R,
}

pub(crate) fn main_branch() -> BranchName {
    "main".parse().expect("a branch")
}

pub(crate) fn pinner() -> Person {
    Person { name: "pinlib".into(), email: "pinlib@ci.test".into() }
}

pub(crate) fn unsigned() -> Author {
    Author::new(pinner(), None).expect("an author")
}

impl<R: Reach> ForgeWorld for GitWorld<R> {
    fn create(files: &[(&str, &str)]) -> Self {
        let repository = R::repository();
        repository.push(&main_branch(), files, "first").expect("a commit");
        let (server, forge) = R::reach(&repository);
        let runtime = Runtime::new().expect("a runtime");
        Self { repository, forge, runtime, server }
    }
    fn forge(&self) -> Arc<dyn GitForge> {
        Arc::clone(&self.forge)
    }
    fn branch(&self) -> BranchName {
        main_branch()
    }
    fn push_elsewhere(&self, files: &[(&str, &str)]) -> Oid {
        self.repository.push(&self.branch(), files, "elsewhere").expect("a push")
    }
    fn push_entries(&self, entries: &[Entry<'_>]) -> Oid {
        let parents: Vec<_> = self.repository.head(&self.branch()).expect("a head").into_iter().collect();
        let oid = self.repository.write(&parents, entries, "elsewhere").expect("a commit");
        self.force(oid);
        oid
    }
    fn merge_ours(&self, theirs: Oid) -> Oid {
        let ours = self.log()[0].oid;
        let merge = self.repository.write(&[ours, theirs], &[], "merge").expect("a merge");
        self.force(merge);
        merge
    }
    fn force(&self, to: Oid) {
        self.repository.force(&self.branch(), Some(to)).expect("a forced push");
    }
    fn delete(&self) {
        self.repository.force(&self.branch(), None).expect("a deleted branch");
    }
    fn log(&self) -> Vec<CommitFact> {
        self.repository.log(&self.branch()).expect("a log")
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

/// A regular file, for commits that need modes.
pub(crate) fn regular<'a>(path: &'a str, text: &'a str) -> (Mode, &'a str, &'a [u8]) {
    (Mode::Regular, path, text.as_bytes())
}
