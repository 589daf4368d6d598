//! Pull requests of the memory forge, and of forges that are wrong on purpose.

use crate::conformance::{Memory, World, caught};
use pinlib::{BranchName, Oid, ReviewForge};
use pinlib_testkit::{
    broken::{
        Broken, Flaw,
        review::{AnyHead, Forcing, OneByOne},
    },
    conformance::{
        forge::ForgeWorld,
        review::{ReviewWorld, all},
    },
    memory::{MemoryForge, human},
    sim,
};
use std::{future::Future, sync::Arc};

impl<F: Memory + ReviewForge> ReviewWorld for World<F> {
    fn create() -> Self {
        <Self as ForgeWorld>::create(&[("a", "b\n")])
    }
    fn forge(&self) -> Arc<dyn ReviewForge> {
        Arc::<F>::clone(&self.0)
    }
    fn branch(&self) -> BranchName {
        ForgeWorld::branch(self)
    }
    fn write(&self, parent: Oid, what: &str) -> Oid {
        self.0.memory().write(&[parent], &human(), &[("what".parse().expect("a path"), what)], what)
    }
    fn force(&self, branch: &BranchName, to: Option<Oid>) {
        self.0.memory().force(branch, to);
    }
    fn head(&self, branch: &BranchName) -> Option<Oid> {
        self.0.memory().heads(branch).last().copied().flatten()
    }
    fn comments(&self, number: u64) -> Vec<String> {
        self.0.memory().comments(number)
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        sim::run(future)
    }
}

mod memory {
    pinlib_testkit::review_conformance!(crate::conformance::World<super::MemoryForge>);
}

fn wrong<F: Flaw>(by: &[(&str, &str)]) {
    caught(&all::<World<Broken<F>>>(), by);
}

#[test]
fn each_flaw_fails_its_cases_and_no_other_and_names_the_promise() {
    let stale = ("one_stale_branch_holds_all", "all or none, and a stale one is HeadMoved");
    wrong::<OneByOne>(&[stale]);
    wrong::<Forcing>(&[
        stale,
        ("a_branch_is_made_only_where_there_is_none", "what is there is not made again, and may be ours"),
        ("a_branch_ends_only_where_it_stands", "a branch that moved stays"),
        ("of_many_moves_from_one_commit_one_is_made", "one of five is made and is told so"),
    ]);
    wrong::<AnyHead>(&[("another_head_is_not_merged", "what was not looked at is not merged")]);
}
