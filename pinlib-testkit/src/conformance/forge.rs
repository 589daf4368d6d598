//! What every forge must keep, as cases that any world can run.

use super::{Outcome, check};
use crate::{
    lines::ImageLines,
    sim::{Task, together},
};
use pinlib::{
    BackendErrorKind, BranchName, Clock, CommitError, CommitFact, CommitRange, Digest, DigestSource,
    GitForge, GuardedCommit, History, ImagePin, NoRegistry, Oid, Patience, PinOptions, PinRequest, Pinner,
    Record, RepoPath, RunId, Target, Verdict, judge,
};
use std::{fmt::Display, future::Future, sync::Arc};

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
    let clock: Arc<dyn Clock> = Arc::new(crate::memory::MemoryClock::default());
    let text = |error: &dyn Display| error.to_string();
    let target = Target::new(FILE.0.parse().map_err(|e: pinlib::ParseError| text(&e))?, Arc::new(ImageLines));
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
    let pinner = Pinner {
        registry: Arc::new(NoRegistry),
        forge: world.forge(),
        clock: Arc::clone(&clock),
        patience: Patience::default(),
    };
    let plan = world.block_on(pinner.plan(&request)).map_err(|e| text(&e))?;
    match judge(plan, RunId::from([7; 16]), clock.now()).map_err(|e| text(&e))? {
        Verdict::Clear(commit) => Ok(commit),
        Verdict::Nothing => Err("nothing to commit".into()),
    }
}

/// The cases. Each name is the guarantee.
#[expect(missing_docs, clippy::missing_errors_doc, reason = "the names say it")]
pub mod cases {
    use super::{
        BackendErrorKind, CommitError, CommitRange, FILE, ForgeWorld, History, Outcome, Record, Task, check,
        cleared, together, wanted,
    };

    pub fn the_head_is_what_was_pushed_last<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let pushed = world.push_elsewhere(&[("other", "x\n")]);
        let head = world.block_on(world.forge().head(&world.branch()));
        check(matches!(head, Ok(oid) if oid == pushed), "the head is the pushed commit", format!("{head:?}"))
    }

    pub fn a_missing_branch_is_not_found<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let branch = "no-such-branch".parse().map_err(|e| format!("{e:?}"))?;
        let head = world.block_on(world.forge().head(&branch));
        check(
            matches!(&head, Err(error) if error.kind() == BackendErrorKind::NotFound),
            "a missing branch is NotFound",
            format!("{head:?}"),
        )
    }

    pub fn a_missing_branch_takes_no_commit<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let commit = cleared(&world, world.log()[0].oid, "one")?;
        world.delete();
        let answer = world.block_on(world.forge().commit(&commit));
        let right = matches!(&answer, Err(CommitError::NotLanded(error)) if error.kind() == BackendErrorKind::NotFound);
        check(right && world.log().is_empty(), "a branch is never made by a pin", format!("{answer:?}"))
    }

    pub fn files_come_in_order_with_their_blobs<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE, ("crlf", "a\r\nb")]);
        let wanted = wanted(world.log()[0].oid, &["crlf", "gone", FILE.0])?;
        let files = world.block_on(world.forge().read(&wanted)).map_err(|e| e.to_string())?;
        let right = matches!(&files[..], [Some(a), None, Some(b)] if a.bytes == b"a\r\nb" && a.oid.is_blob(&a.bytes) && b.bytes == FILE.1.as_bytes());
        check(right, "each path has its answer in its place, byte for byte", format!("{files:?}"))
    }

    pub fn a_commit_stands_for_its_tree<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE, ("top", "x\n")]);
        let read = |oid| world.block_on(world.forge().trees(&[oid])).map_err(|e| e.to_string());
        let root = read(world.log()[0].oid)?.concat();
        let folder = root.iter().find(|entry| entry.name == b"deploy").ok_or("no folder")?;
        let inner = read(folder.oid)?.concat();
        check(
            root.len() == 2 && inner.len() == 1 && inner[0].oid.is_blob(FILE.1.as_bytes()),
            "each level, whole",
            format!("{root:?} {inner:?}"),
        )
    }

    pub fn a_history_is_what_the_base_has_not<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let root = world.log()[0].oid;
        let side = world.push_elsewhere(&[("side", "1\n")]);
        world.force(root);
        let base = world.push_elsewhere(&[("other", "2\n")]);
        let upto = world.merge_ours(side);
        let ask = |base, upto| world.block_on(world.forge().history(&CommitRange { base, upto, limit: 9 }));
        let have = |history: &Result<History, _>, mut want: Vec<_>| {
            want.sort();
            let History::Descends(facts) = history.as_ref().ok()? else { return None };
            let mut oids: Vec<_> = facts.iter().map(|fact| fact.oid).collect();
            oids.sort();
            (oids == want).then_some(())
        };
        let (there, sideways, back, apart, still) =
            (ask(base, upto), ask(side, upto), ask(upto, base), ask(side, base), ask(base, base));
        let nobody = ask("1".repeat(40).parse().map_err(|e: pinlib::ParseError| e.to_string())?, upto);
        check(
            matches!(nobody, Ok(History::Unrelated)),
            "a base from elsewhere is no ancestor",
            format!("{nobody:?}"),
        )?;
        check(
            have(&there, vec![upto, side]).is_some(),
            "the merge and what it brought, not the base",
            format!("{there:?}"),
        )?;
        check(
            have(&sideways, vec![upto, base]).is_some(),
            "a second parent is an ancestor too",
            format!("{sideways:?}"),
        )?;
        check(
            have(&still, vec![]).is_some(),
            "nothing lies between a commit and itself",
            format!("{still:?}"),
        )?;
        check(
            matches!((&back, &apart), (Ok(History::Unrelated), Ok(History::Unrelated))),
            "no descendant, no answer",
            format!("{back:?} {apart:?}"),
        )
    }

    pub fn a_history_past_its_limit_is_incomplete<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let base = world.log()[0].oid;
        let upto = (0..3).map(|n| world.push_elsewhere(&[("other", &n.to_string())])).last().unwrap_or(base);
        let cut = world.block_on(world.forge().history(&CommitRange { base, upto, limit: 2 }));
        check(
            matches!(&cut, Err(error) if error.kind() == BackendErrorKind::Incomplete),
            "whole or Incomplete",
            format!("{cut:?}"),
        )
    }

    pub fn a_commit_lands_whole_on_its_head<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE, ("other", "x\n")]);
        let base = world.log()[0].oid;
        let commit = cleared(&world, base, "one")?;
        let oid = world.block_on(world.forge().commit(&commit)).map_err(|e| e.to_string())?;
        let log = world.log();
        let right = log.len() == 2 && log[0].oid == oid && log[0].parents == [base];
        check(right, "one commit on the expected head", format!("{log:?}"))?;
        let wanted = wanted(oid, &[FILE.0, "other"])?;
        let files = world.block_on(world.forge().read(&wanted)).map_err(|e| e.to_string())?;
        let exact = matches!(&files[..], [Some(a), Some(b)] if a.bytes == commit.edits()[0].bytes() && b.bytes == b"x\n");
        check(exact, "its edits, byte for byte, and nothing else", format!("{files:?}"))?;
        check(
            Record::parse(&log[0].message).as_ref() == Some(commit.record()),
            "its record reads back",
            &log[0].message,
        )
    }

    pub fn a_commit_is_by_the_identity<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let elsewhere = world.log()[0].clone();
        let commit = cleared(&world, elsewhere.oid, "one")?;
        world.block_on(world.forge().commit(&commit)).map_err(|e| e.to_string())?;
        let identity = world.block_on(world.forge().identity()).map_err(|e| e.to_string())?;
        check(
            identity.made(&world.log()[0]),
            "its own commits are its own",
            format!("{identity:?} {:?}", world.log()[0]),
        )?;
        check(!identity.made(&elsewhere), "nobody else's are", format!("{identity:?}"))
    }

    pub fn a_moved_head_refuses<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let base = world.log()[0].oid;
        let commit = cleared(&world, base, "one")?;
        world.push_elsewhere(&[("other", "x\n")]);
        refused(&world, &commit)
    }

    pub fn a_branch_rewound_to_an_ancestor_refuses<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let root = world.log()[0].oid;
        let base = world.push_elsewhere(&[("other", "x\n")]);
        let commit = cleared(&world, base, "one")?;
        world.force(root);
        refused(&world, &commit)
    }

    fn refused<W: ForgeWorld>(world: &W, commit: &super::GuardedCommit) -> Outcome {
        let before = world.log().len();
        let answer = world.block_on(world.forge().commit(commit));
        check(
            matches!(answer, Err(CommitError::HeadMoved { .. })),
            "the server says that the head moved",
            format!("{answer:?}"),
        )?;
        check(world.log().len() == before, "nothing was written", world.log().len())
    }

    pub fn of_many_commits_on_one_head_one_lands<W: ForgeWorld>() -> Outcome {
        let world = W::create(&[FILE]);
        let base = world.log()[0].oid;
        let commits = (0..5).map(|n| cleared(&world, base, &n.to_string())).collect::<Result<Vec<_>, _>>()?;
        let forge = world.forge();
        let tasks: Vec<Task<'_, Result<_, CommitError>>> =
            commits.iter().map(|commit| forge.commit(commit)).collect();
        let landed = world.block_on(together(tasks)).iter().filter(|answer| answer.is_ok()).count();
        check(
            landed == 1 && world.log().len() == 2,
            "one of five lands",
            format!("{landed} answers, {} commits", world.log().len() - 1),
        )
    }
}

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
    a_commit_lands_whole_on_its_head
    a_commit_is_by_the_identity
    a_moved_head_refuses
    a_branch_rewound_to_an_ancestor_refuses
    of_many_commits_on_one_head_one_lands
}
