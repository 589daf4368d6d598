use pinlib::{BranchName, CommitFact, GitForge, Oid, RepoPath};
use pinlib_testkit::{
    broken::{
        AnyFile, Broken, CheckThenPush, Content, ContentsApi, FalseName, FastForward, FirstParents, Flaw,
        Hasty, NoModes, Retrying, Rewriting,
    },
    conformance::forge::{Entry, ForgeWorld, all},
    memory::{MemoryForge, human},
    sim,
};
use std::{future::Future, sync::Arc};

type Case = fn() -> Result<(), String>;

/// A world over anything that holds a memory forge.
pub(crate) struct World<F>(pub(crate) Arc<F>);

pub(crate) trait Memory: GitForge + Default {
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

/// Of all these cases those fail, each with the promise that it names.
pub(crate) fn caught(cases: &[(&'static str, Case)], by: &[(&str, &str)]) {
    let failed: Vec<_> = cases.iter().filter_map(|(name, case)| Some((*name, case().err()?))).collect();
    let found: Vec<_> =
        failed.iter().map(|(name, said)| (*name, said.split("; found").next().unwrap_or_default())).collect();
    assert_eq!(found, by, "{failed:?}");
}

fn wrong<F: Flaw>(by: &[(&str, &str)]) {
    caught(&all::<World<Broken<F>>>(), by);
}

#[test]
fn each_flaw_fails_its_cases_and_no_other_and_names_the_promise() {
    let of_many = (
        "of_many_commits_on_one_head_one_lands",
        "I1: one of five on one head lands and is told so, the others hear that the head moved",
    );
    let moved = "I1: a head that moved is refused, compared for equality";
    let rewound = ("a_branch_rewound_to_an_ancestor_refuses", moved);
    let told = ("a_commit_lands_whole_on_its_head", "I3: what landed is told as landed");
    wrong::<CheckThenPush>(&[of_many]);
    wrong::<FastForward>(&[rewound]);
    wrong::<ContentsApi>(&[("a_moved_head_refuses", moved), rewound]);
    wrong::<Retrying>(&[told, of_many]);
    // A rollback looks for pins of its own, and believes what it is told of its commit.
    let ordered = ("the_hold_file_is_made_and_kept", "what is ordered is carried out");
    wrong::<Hasty>(&[told, of_many, ordered]);
    wrong::<FirstParents>(&[
        ("a_history_is_what_the_base_has_not", "the merge and what it brought, not the base"),
        ("a_history_without_a_base_goes_down_to_the_roots", "every ancestor by all parents, with its date"),
        ("a_history_without_a_base_is_cut_at_its_limit", "as many as asked for, link by link"),
    ]);
    wrong::<Content>(&[("a_history_without_a_base_is_cut_at_its_limit", "more than was asked for is cut")]);
    wrong::<FalseName>(&[("a_commit_is_by_the_identity", "its own commits are its own"), ordered]);
    wrong::<NoModes>(&[(
        "what_a_path_is_is_told",
        "a link is not followed, a folder and a submodule have no bytes",
    )]);
    wrong::<AnyFile>(&[("only_a_regular_file_takes_a_pin", "a file that is not regular is refused")]);
    wrong::<Rewriting>(&[(
        "every_other_entry_stays_as_it_stood",
        "I4: every name and mode stays, in its order",
    )]);
}
