//! The suite for pull requests, over GitHub's.

use crate::{git_world::main_branch, github_proposals::Desk, github_world::present};
use pinlib::{BranchName, Mode, Oid, ReviewForge};
use pinlib_testkit::conformance::review::ReviewWorld;
use std::{future::Future, sync::Arc};

impl ReviewWorld for Desk {
    fn create() -> Self {
        Self::new().expect("its parts")
    }
    fn forge(&self) -> Arc<dyn ReviewForge> {
        self.proposer().forge
    }
    fn branch(&self) -> BranchName {
        main_branch()
    }
    fn write(&self, parent: Oid, what: &str) -> Oid {
        let file = (Mode::Regular, "what", what.as_bytes());
        self.scene.repository.write(&[parent], &[file], what).expect("a commit")
    }
    fn force(&self, branch: &BranchName, to: Option<Oid>) {
        self.scene.repository.force(branch, to).expect("a forced push");
    }
    fn head(&self, branch: &BranchName) -> Option<Oid> {
        self.head(branch)
    }
    fn comments(&self, number: u64) -> Vec<String> {
        let pull = self.pulls().into_iter().find(|pull| pull.number == number);
        pull.map(|pull| pull.comments).unwrap_or_default()
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.scene.block_on(future)
    }
}

pinlib_testkit::review_conformance!(Desk, present());
