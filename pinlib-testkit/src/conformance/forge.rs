//! What every forge must keep, as cases that any world can run.

use super::{Outcome, check};
use crate::lines::ImageLines;
use pinlib::{
    BranchName, Clock, CommitFact, Digest, DigestSource, GitForge, GuardedCommit, ImagePin, Mode, NoRegistry,
    Oid, Patience, PinOptions, PinRequest, Pinner, RepoPath, RunId, Target, Verdict, judge,
};
use std::{fmt::Display, future::Future, sync::Arc};

/// What a commit puts at a path: its mode, the path, its bytes (of a submodule its commit's hex).
pub type Entry<'a> = (Mode, &'a str, &'a [u8]);

/// A repository with a forge in front, a way past the forge, and the truth.
///
/// Plain functions: a world may start servers, run git or block on its own runtime.
pub trait ForgeWorld: Sized {
    /// Makes a repository with one branch and one commit of these files.
    fn create(files: &[(&str, &str)]) -> Self;
    /// The forge under test.
    fn forge(&self) -> Arc<dyn GitForge>;
    /// The branch.
    fn branch(&self) -> BranchName;
    /// Pushes a commit behind the forge's back.
    fn push_elsewhere(&self, files: &[(&str, &str)]) -> Oid;
    /// Pushes entries of any mode behind the forge's back.
    fn push_entries(&self, entries: &[Entry<'_>]) -> Oid;
    /// Merges what `theirs` has into the branch, behind the forge's back, and keeps our files: `git merge -s ours`.
    fn merge_ours(&self, theirs: Oid) -> Oid;
    /// Moves the branch by force.
    fn force(&self, to: Oid);
    /// Deletes the branch.
    fn delete(&self);
    /// The true first-parent line of the branch, newest first.
    fn log(&self) -> Vec<CommitFact>;
    /// Runs a future to its end.
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T;
}

const FILE: (&str, &str) = ("deploy/app.yaml", "a: 1\nimage: ghcr.io/acme/app\n");

/// These paths, as wishes at one commit.
fn wanted(at: Oid, paths: &[&str]) -> Result<Vec<(Oid, RepoPath)>, String> {
    paths.iter().map(|path| Ok((at, path.parse().map_err(|e: pinlib::ParseError| e.to_string())?))).collect()
}

/// A commit cleared by `exact` on any source: the only way there is, and no back door.
fn cleared(world: &impl ForgeWorld, source: Oid, content: &str) -> Result<GuardedCommit, String> {
    cleared_at(world, world.forge(), source, FILE.0, content)
}

/// The same of any file, read by any forge.
fn cleared_at(
    world: &impl ForgeWorld,
    forge: Arc<dyn GitForge>,
    source: Oid,
    path: &str,
    content: &str,
) -> Result<GuardedCommit, String> {
    let clock: Arc<dyn Clock> = Arc::new(crate::memory::MemoryClock::default());
    let text = |error: &dyn Display| error.to_string();
    let target = Target::new(path.parse().map_err(|e: pinlib::ParseError| text(&e))?, Arc::new(ImageLines));
    let image = "ghcr.io/acme/app".parse().map_err(|e: pinlib::ParseError| text(&e))?;
    let pin = ImagePin {
        image,
        digest: DigestSource::Declared(Digest::of(content.as_bytes())),
        platform: None,
        targets: vec![target],
        was: None,
    };
    let request =
        PinRequest::new(source, world.branch(), vec![pin], PinOptions::default()).map_err(|e| text(&e))?;
    let pinner = pinner(forge, &clock);
    let plan = world.block_on(pinner.plan(&request)).map_err(|e| text(&e))?;
    match judge(plan, RunId::from([7; 16]), clock.now()).map_err(|e| text(&e))? {
        Verdict::Clear(commit) => Ok(commit),
        Verdict::Nothing => Err("nothing to commit".into()),
    }
}

fn pinner(forge: Arc<dyn GitForge>, clock: &Arc<dyn Clock>) -> Pinner {
    let (registry, patience) = (Arc::new(NoRegistry), Patience::default());
    Pinner { registry, forge, clock: Arc::clone(clock), patience }
}

/// Every entry below a tree in the order that the forge tells, each folder before what is in it.
fn listing(world: &impl ForgeWorld, at: Oid) -> Result<Vec<(String, Mode, Oid)>, String> {
    let (mut found, mut todo) = (Vec::new(), vec![(String::new(), at)]);
    while let Some((prefix, tree)) = todo.pop() {
        for entry in world.block_on(world.forge().trees(&[tree])).map_err(|e| e.to_string())?.concat() {
            let path = format!("{prefix}{}", String::from_utf8_lossy(&entry.name));
            if entry.mode == Mode::Tree {
                todo.push((format!("{path}/"), entry.oid));
            }
            found.push((path, entry.mode, entry.oid));
        }
    }
    Ok(found)
}

#[expect(missing_docs, clippy::missing_errors_doc, reason = "the names say it")]
pub mod cases;
pub mod losses;

macro_rules! suite {
    (($d:tt) $($case:ident)*) => {
        /// Every case by name: for the tests of the suite itself.
        pub fn all<W: ForgeWorld>() -> Vec<(&'static str, fn() -> Outcome)> {
            vec![$((stringify!($case), cases::$case::<W>)),*]
        }
        /// Expands to one `#[test]` for each guarantee of a forge. A world that needs programs is given with a condition
        /// that says whether they are there.
        #[macro_export]
        macro_rules! forge_conformance {
            ($d world:ty) => {
                $d crate::forge_conformance!($d world, true);
            };
            ($d world:ty, $d present:expr) => {
                $(#[test]
                fn $case() -> Result<(), String> {
                    if $d present { $d crate::conformance::forge::cases::$case::<$d world>() } else { Ok(()) }
                })*
            };
        }
    };
}
suite! { ($)
    the_head_is_what_was_pushed_last
    a_missing_branch_is_not_found
    a_missing_branch_takes_no_commit
    files_come_in_order_with_their_blobs
    a_commit_stands_for_its_tree
    a_history_is_what_the_base_has_not
    a_history_past_its_limit_is_incomplete
    a_history_without_a_base_goes_down_to_the_roots
    a_history_without_a_base_is_cut_at_its_limit
    a_commit_lands_whole_on_its_head
    a_commit_is_by_the_identity
    a_moved_head_refuses
    a_branch_rewound_to_an_ancestor_refuses
    of_many_commits_on_one_head_one_lands
    what_a_path_is_is_told
    every_other_entry_stays_as_it_stood
    an_odd_path_is_a_path
    only_a_regular_file_takes_a_pin
    the_hold_file_is_made_and_kept
}
