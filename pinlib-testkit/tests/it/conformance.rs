use pinlib::{BranchName, CommitFact, GitForge, Oid, RepoPath};
use pinlib_testkit::{
    broken::{
        AnyFile, Broken, CheckThenPush, Content, FalseName, FastForward, FirstParents, Flaw, NoModes,
        Rewriting,
    },
    conformance::forge::{Entry, ForgeWorld, all},
    memory::{MemoryForge, human},
    sim,
};
use std::{future::Future, sync::Arc};

/// A world over anything that holds a memory forge.
struct World<F>(Arc<F>);

trait Memory: GitForge + Default {
    fn memory(&self) -> &MemoryForge;
}
impl Memory for MemoryForge {
    fn memory(&self) -> &MemoryForge {
        self
    }
}
impl<F: Flaw> Memory for Broken<F> {
    fn memory(&self) -> &MemoryForge {
        &self.memory
    }
}

fn owned<'a>(files: &[(&str, &'a str)]) -> Vec<(RepoPath, &'a str)> {
    files.iter().map(|(path, text)| (path.parse().expect("a path"), *text)).collect()
}

impl<F: Memory> ForgeWorld for World<F> {
    fn create(files: &[(&str, &str)]) -> Self {
        let world = Self(Arc::default());
        world.push_elsewhere(files);
        world
    }
    fn forge(&self) -> Arc<dyn GitForge> {
        Arc::<F>::clone(&self.0)
    }
    fn branch(&self) -> BranchName {
        "main".parse().expect("a branch")
    }
    fn push_elsewhere(&self, files: &[(&str, &str)]) -> Oid {
        self.0.memory().push(&self.branch(), &owned(files), "elsewhere")
    }
    fn push_entries(&self, entries: &[Entry<'_>]) -> Oid {
        let parents: Vec<_> = self.log().first().map(|head| head.oid).into_iter().collect();
        let entries: Vec<_> = entries
            .iter()
            .map(|(mode, path, bytes)| (path.parse().expect("a path"), *mode, *bytes))
            .collect();
        let oid = self.0.memory().write_entries(&parents, &human(), &entries, "elsewhere");
        self.force(oid);
        oid
    }
    fn merge_ours(&self, theirs: Oid) -> Oid {
        let oid = self.0.memory().write(&[self.log()[0].oid, theirs], &human(), &[], "merge");
        self.force(oid);
        oid
    }
    fn force(&self, to: Oid) {
        self.0.memory().force(&self.branch(), Some(to));
    }
    fn delete(&self) {
        self.0.memory().force(&self.branch(), None);
    }
    fn log(&self) -> Vec<CommitFact> {
        let head = self.0.memory().heads(&self.branch()).last().copied().flatten();
        head.map(|head| self.0.memory().line(head)).unwrap_or_default()
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        sim::run(future)
    }
}

mod memory {
    pinlib_testkit::forge_conformance!(super::World<super::MemoryForge>);
}

fn fails<F: Flaw>() -> Vec<&'static str> {
    all::<World<Broken<F>>>().into_iter().filter(|(_, case)| case().is_err()).map(|(name, _)| name).collect()
}

#[test]
fn each_flaw_fails_its_case_and_no_other() {
    assert_eq!(fails::<CheckThenPush>(), ["of_many_commits_on_one_head_one_lands"]);
    assert_eq!(fails::<FastForward>(), ["a_branch_rewound_to_an_ancestor_refuses"]);
    assert_eq!(
        fails::<FirstParents>(),
        [
            "a_history_is_what_the_base_has_not",
            "a_history_without_a_base_goes_down_to_the_roots",
            "a_history_without_a_base_is_cut_at_its_limit"
        ]
    );
    assert_eq!(fails::<Content>(), ["a_history_without_a_base_is_cut_at_its_limit"]);
    assert_eq!(fails::<FalseName>(), ["a_commit_is_by_the_identity", "the_hold_file_is_made_and_kept"]);
    assert_eq!(fails::<NoModes>(), ["what_a_path_is_is_told"]);
    assert_eq!(fails::<AnyFile>(), ["only_a_regular_file_takes_a_pin"]);
    assert_eq!(fails::<Rewriting>(), ["every_other_entry_stays_as_it_stood"]);
}
