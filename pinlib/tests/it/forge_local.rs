//! Repositories on disk: the suite, and what only a disk can do to a pin.

use crate::git_world::{GitWorld, Reach, main_branch, pinner, regular, unsigned};
use pinlib::{
    Author, BackendErrorKind, CheckedOut, CommitError, CommitRange, Digest, DigestSource, GitForge,
    GuardedCommit, History, ImagePin, LocalForge, Mode, NoRegistry, Oid, OutcomeKind, Patience, PinError,
    PinOptions, PinRequest, Pinner, Receipt, RunId, SystemClock, Target, Verdict, judge,
};
use pinlib_testkit::{lines::ImageLines, repository::Repository};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::SystemTime,
};

struct Sha1;
struct Sha256;

impl Reach for Sha1 {
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        (Self, Arc::new(open(repository)))
    }
}

impl Reach for Sha256 {
    fn repository() -> Repository {
        Repository::bare("sha256").expect("git works").expect("git is there")
    }
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        (Self, Arc::new(open(repository)))
    }
}

mod sha1 {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::Sha1>);
}
mod sha256 {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::Sha256>);
}

const APP: &str = "deploy/app.yaml";
const TEXT: &str = "image: ghcr.io/acme/app\n";

fn open(repository: &Repository) -> LocalForge {
    LocalForge::open(repository.path(), unsigned(), CheckedOut::Refuse).expect("it opens")
}

fn bare() -> Repository {
    Repository::bare("sha1").expect("git works").expect("git is there")
}

fn request(source: Oid, path: &str, image: &str, content: &str) -> PinRequest {
    let pin = ImagePin {
        image: image.parse().expect("an image"),
        digest: DigestSource::Declared(Digest::of(content.as_bytes())),
        platform: None,
        targets: vec![Target::new(path.parse().expect("a path"), Arc::new(ImageLines))],
        was: None,
    };
    PinRequest::new(source, main_branch(), vec![pin], PinOptions::default()).expect("a request")
}

fn pinner_over(forge: LocalForge) -> Pinner {
    let patience = Patience { tries: 2, pause: std::time::Duration::from_millis(5), ..Patience::default() };
    Pinner { registry: Arc::new(NoRegistry), forge: Arc::new(forge), clock: Arc::new(SystemClock), patience }
}

async fn pin(forge: LocalForge, source: Oid, path: &str, content: &str) -> Result<Receipt, PinError> {
    pin_image(forge, source, path, "ghcr.io/acme/app", content).await
}

/// A pin by a run of its own.
async fn pin_image(
    forge: LocalForge,
    source: Oid,
    path: &str,
    image: &str,
    content: &str,
) -> Result<Receipt, PinError> {
    static RUNS: AtomicU8 = AtomicU8::new(0);
    let run = RunId::from([RUNS.fetch_add(1, Relaxed); 16]);
    pinner_over(forge).pin(&request(source, path, image, content), run).await
}

async fn cleared(forge: &LocalForge, source: Oid, content: &str) -> GuardedCommit {
    let plan = pinner_over(forge.clone())
        .plan(&request(source, APP, "ghcr.io/acme/app", content))
        .await
        .expect("a plan");
    match judge(plan, RunId::from([7; 16]), SystemTime::UNIX_EPOCH).expect("a verdict") {
        Verdict::Clear(commit) => commit,
        Verdict::Nothing => panic!("nothing to do"),
    }
}

#[tokio::test]
async fn everything_around_the_target_stays_as_it_stood() {
    let repository = bare();
    let many: Vec<_> = (0..1500).map(|n| format!("deploy/many/f{n}")).collect();
    let link = "1".repeat(40);
    let mut files = vec![
        regular(APP, TEXT),
        (Mode::Executable, "deploy/app", b"#!/bin/sh\n"),
        (Mode::Symlink, "deploy/app.yam", b"app.yaml"),
        (Mode::Gitlink, "deploy/lib", link.as_bytes()),
        regular("deploy/app.yaml.d/x", "folder that sorts after\n"),
        regular("deploy-x", "before the slash\n"),
        regular("deploy.x", "before the slash\n"),
        regular("déploy/ünï côde \"quoted\" \\ \u{1f980}", "x\n"),
    ];
    files.extend(many.iter().map(|path| regular(path, "x\n")));
    let source = repository.write(&[], &files, "all kinds").expect("a commit");
    repository.force(&main_branch(), Some(source)).expect("a branch");
    let receipt = pin(open(&repository), source, APP, "one").await.expect("a pin");
    let names = ["diff", "--name-status", "--no-renames", &source.to_string(), &receipt.commit.to_string()];
    assert_eq!(repository.git(&names).expect("a diff"), format!("M\t{APP}"));
    assert_eq!(repository.git(&["fsck", "--strict"]).expect("a sound repository"), "");
    assert_eq!(repository.fact(receipt.commit).expect("a commit").parents, [source]);
}

#[tokio::test]
async fn an_odd_path_is_a_path() {
    let repository = bare();
    let path = "dé ploy/\"a\" \\ b\u{1f980}.yaml";
    let source = repository.push(&main_branch(), &[(path, TEXT)], "odd").expect("a commit");
    let receipt = pin(open(&repository), source, path, "one").await.expect("a pin");
    let digest = Digest::of(b"one");
    let text = repository.file(receipt.commit, path).expect("the file");
    assert_eq!(String::from_utf8_lossy(&text), format!("image: ghcr.io/acme/app@{digest}\n"));
}

#[tokio::test]
async fn git_makes_the_same_commit_of_the_same_edit() {
    let repository = bare();
    let files = [(APP, TEXT), ("other", "x\n"), ("deploy/z", "y\n")];
    let source = repository.push(&main_branch(), &files, "first").expect("a commit");
    let forge = open(&repository);
    let commit = cleared(&forge, source, "one").await;
    let ours = forge.commit(&commit).await.expect("it lands");
    // By git's own index and commit-tree.
    let run = |words: &[&str], input: &[u8]| repository.feed(words, input).expect("git works");
    let blob = run(&["hash-object", "-w", "--stdin"], commit.edits()[0].bytes());
    run(&["read-tree", &source.to_string()], b"");
    run(&["update-index", "--cacheinfo", &format!("100644,{blob},{APP}")], b"");
    let tree = run(&["write-tree"], b"");
    let mut command = repository.command();
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), pinner().name).env(format!("GIT_{who}_EMAIL"), pinner().email);
        command.env(format!("GIT_{who}_DATE"), "@0 +0000");
    }
    command.args(["commit-tree", &tree, "-p", &source.to_string(), "-m", commit.message().trim_end()]);
    let theirs = String::from_utf8(command.output().expect("git works").stdout).expect("an oid");
    assert_eq!(theirs.trim(), ours.to_string());
}

#[tokio::test]
async fn only_a_regular_file_is_a_target() {
    for (mode, text) in [(Mode::Executable, TEXT), (Mode::Symlink, "elsewhere")] {
        let repository = bare();
        let source = repository.write(&[], &[(mode, APP, text.as_bytes())], "odd").expect("a commit");
        repository.force(&main_branch(), Some(source)).expect("a branch");
        let error = pin(open(&repository), source, APP, "one").await.expect_err("refused");
        assert_eq!(error.kind(), OutcomeKind::Invalid, "{error}");
        assert!(error.to_string().contains(&mode.to_string()), "{error}");
        assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source));
    }
}

#[tokio::test]
async fn a_branch_that_is_checked_out_is_left_alone_unless_told() {
    let repository = Repository::with_work_tree().expect("git works").expect("git is there");
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    let error = pin(open(&repository), source, APP, "one").await.expect_err("refused");
    assert_eq!(error.kind(), OutcomeKind::Rejected, "{error}");
    assert!(error.to_string().contains("checked out"), "{error}");
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source));
    let allowed = LocalForge::open(repository.path(), unsigned(), CheckedOut::Allow).expect("it opens");
    pin(allowed, source, APP, "one").await.expect("told so");
}

#[tokio::test]
async fn a_branch_of_a_linked_work_tree_is_left_alone_too() {
    let repository = bare();
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    let tree = repository.root().join("linked");
    repository.git(&["worktree", "add", "-q", &tree.display().to_string(), "main"]).expect("a work tree");
    let error = pin(open(&repository), source, APP, "one").await.expect_err("refused");
    assert_eq!(error.kind(), OutcomeKind::Rejected, "{error}");
}

#[tokio::test]
async fn a_held_lock_says_where_it_is_and_nothing_is_written() {
    let repository = bare();
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    std::fs::write(repository.path().join("refs/heads/main.lock"), "").expect("a lock");
    let error = pin(open(&repository), source, APP, "one").await.expect_err("locked");
    assert_eq!(error.kind(), OutcomeKind::Unavailable, "{error}");
    assert!(error.to_string().contains("main.lock"), "{error}");
    std::fs::remove_file(repository.path().join("refs/heads/main.lock")).expect("unlocked");
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source));
    pin(open(&repository), source, APP, "one").await.expect("and once it is gone, a pin");
}

#[tokio::test]
async fn packed_refs_are_compared_as_well() {
    let repository = bare();
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    repository.git(&["pack-refs", "--all"]).expect("packed");
    let forge = open(&repository);
    let (one, two) = (cleared(&forge, source, "one").await, cleared(&forge, source, "two").await);
    let landed = forge.commit(&one).await.expect("the first lands");
    let answer = forge.commit(&two).await;
    assert!(
        matches!(answer, Err(CommitError::HeadMoved { actual: Some(actual), .. }) if actual == landed),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_branch_whose_name_only_ends_so_is_another() {
    let repository = bare();
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    for name in ["refs/heads/refs/heads/main", "refs/refs/heads/main", "refs/remotes/refs/heads/main/HEAD"] {
        repository.git(&["update-ref", name, &source.to_string()]).expect("a ref");
    }
    repository.force(&main_branch(), None).expect("a deleted branch");
    let error = open(&repository).head(&main_branch()).await.expect_err("there is no main");
    assert_eq!(error.kind(), BackendErrorKind::NotFound, "{error}");
}

#[test]
fn what_is_no_repository_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = |path: &std::path::Path| LocalForge::open(path, unsigned(), CheckedOut::Refuse);
    let kind = |path: &std::path::Path| at(path).map(drop).map_err(|error| error.kind());
    assert_eq!(kind(folder.path()), Err(BackendErrorKind::NotFound));
    assert_eq!(kind(&folder.path().join("gone")), Err(BackendErrorKind::NotFound));
    let repository = bare();
    std::fs::write(repository.path().join("config"), "[core\n").expect("damage");
    assert_eq!(kind(repository.path()), Err(BackendErrorKind::Invalid));
}

#[test]
fn a_reftable_is_named() {
    let repository = bare();
    repository.git(&["config", "core.repositoryFormatVersion", "1"]).expect("a setting");
    let config = repository.path().join("config");
    let mut text = std::fs::read_to_string(&config).expect("a config");
    text.push_str("[extensions]\n\trefStorage = reftable\n");
    std::fs::write(&config, text).expect("a config");
    let error = LocalForge::open(repository.path(), unsigned(), CheckedOut::Refuse).expect_err("not yet");
    assert!(error.to_string().contains("reftable"), "{error}");
}

#[tokio::test]
async fn a_shallow_clone_can_be_read_but_not_asked_for_its_history() {
    let repository = bare();
    let mut oids = Vec::new();
    for n in 0..4 {
        let text = format!("{TEXT}# {n}\n");
        oids.push(repository.push(&main_branch(), &[(APP, &text)], "more").expect("a commit"));
    }
    let url = format!("file://{}", repository.path().display());
    let clone = repository.root().join("shallow.git");
    repository
        .git(&["clone", "-q", "--bare", "--depth", "2", &url, &clone.display().to_string()])
        .expect("a clone");
    let forge = LocalForge::open(&clone, unsigned(), CheckedOut::Refuse).expect("it opens");
    let ask = |base: usize, upto: usize| CommitRange { base: Some(oids[base]), upto: oids[upto], limit: 9 };
    let near = forge.history(&ask(2, 3)).await;
    assert!(matches!(near, Ok(History::Descends(facts)) if facts.len() == 1));
    let back = forge.history(&ask(3, 2)).await;
    assert!(
        matches!(&back, Err(error) if error.kind() == BackendErrorKind::Incomplete),
        "what lies behind the edge is not known: {back:?}"
    );
}

#[tokio::test]
async fn an_object_that_is_missing_is_named() {
    let repository = bare();
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    let blob = repository.git(&["rev-parse", &format!("{source}:{APP}")]).expect("a blob");
    repository.git(&["unpack-objects"]).ok();
    let file = repository.path().join("objects").join(&blob[..2]).join(&blob[2..]);
    if !file.is_file() {
        // Small imports are unpacked by git already; where they are not, the pack is.
        let packs = repository.path().join("objects/pack");
        for pack in std::fs::read_dir(&packs).expect("packs").flatten() {
            if pack.path().extension().is_some_and(|kind| kind == "pack") {
                let bytes = std::fs::read(pack.path()).expect("a pack");
                std::fs::remove_file(pack.path()).expect("gone");
                std::fs::remove_file(pack.path().with_extension("idx")).expect("gone");
                repository.feed(&["unpack-objects", "-q"], &bytes).expect("unpacked");
            }
        }
    }
    std::fs::remove_file(&file).expect("the blob is gone");
    let error = pin(open(&repository), source, APP, "one").await.expect_err("incomplete");
    assert_eq!(error.kind(), OutcomeKind::Unavailable, "{error}");
    assert!(error.to_string().contains(&blob), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_rounds_of_ten_writers_each_round_has_one_winner() {
    let repository = bare();
    let text: String = (0..10).map(|n| format!("image: ghcr.io/acme/app{n}\n")).collect::<Vec<_>>().concat();
    let mut head = repository.push(&main_branch(), &[(APP, &text)], "first").expect("a commit");
    for round in 0..10 {
        let mut runs = tokio::task::JoinSet::new();
        for writer in 0..10 {
            let (forge, source) = (open(&repository), head);
            runs.spawn(async move {
                let image = format!("ghcr.io/acme/app{writer}");
                pin_image(forge, source, APP, &image, &format!("{round} {writer}")).await
            });
        }
        let ends = runs.join_all().await;
        let landed: Vec<_> = ends.iter().flatten().collect();
        assert_eq!(landed.len(), 1, "{ends:?}");
        let others = ends.iter().filter_map(|end| end.as_ref().err()).map(PinError::kind);
        assert!(others.into_iter().all(|kind| kind == OutcomeKind::HeadMoved), "{ends:?}");
        assert_eq!(repository.fact(landed[0].commit).expect("a commit").parents, [head]);
        head = landed[0].commit;
    }
    let lines = repository.git(&["rev-list", "--count", "main"]).expect("a count");
    assert_eq!(lines, "11");
    assert_eq!(repository.git(&["fsck", "--strict", "--no-dangling"]).expect("a sound repository"), "");
}

#[test]
fn an_author_is_one_line() {
    let author = |name: &str, email: &str| {
        Author::new(pinlib::Person { name: name.into(), email: email.into() }, None).is_ok()
    };
    assert!(author("pin lib", "a@b.test"));
    for (name, email) in [("", "a@b"), ("a\nb", "a@b"), ("a", "b>c"), ("a<", "b"), ("a", ""), (" a", "b")] {
        assert!(!author(name, email), "{name:?} {email:?}");
    }
}
