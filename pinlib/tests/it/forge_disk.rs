//! What a disk, and whoever else works on it, can do to a pin.

use crate::git_world::{GitWorld, Reach, main_branch, pinner, unsigned};
use pinlib::{
    BackendErrorKind, CheckedOut, CommitError, CommitRange, Digest, DigestSource, GitForge, GuardedCommit,
    History, ImagePin, LocalForge, NoRegistry, Oid, Patience, PinOptions, PinRequest, Pinner, RepoPath,
    RunId, SystemClock, Target, Verdict, judge,
};
use pinlib_testkit::{lines::ImageLines, repository::Repository, servers::missing};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, SystemTime},
};

/// A repository with a work tree, told that its branch may move.
struct WorkTree;

impl Reach for WorkTree {
    fn repository() -> Repository {
        Repository::with_work_tree().expect("git works").expect("git is there")
    }
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        let forge = LocalForge::open(repository.path(), unsigned(), CheckedOut::Allow);
        (Self, Arc::new(forge.expect("it opens")))
    }
}

mod work_tree {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::WorkTree>);
}

const APP: &str = "deploy/app.yaml";
const TEXT: &str = "image: ghcr.io/acme/app\n";

/// A bare repository with one commit.
fn begun() -> (Repository, Oid) {
    let repository = Repository::bare("sha1").expect("git works").expect("git is there");
    let source =
        repository.push(&main_branch(), &[(APP, TEXT), ("other", "x\n")], "first").expect("a commit");
    (repository, source)
}

fn open(path: &Path) -> LocalForge {
    LocalForge::open(path, unsigned(), CheckedOut::Refuse).expect("it opens")
}

fn refused(path: &Path) -> (BackendErrorKind, String) {
    let error = LocalForge::open(path, unsigned(), CheckedOut::Refuse).expect_err("refused");
    (error.kind(), error.to_string())
}

async fn cleared(forge: &LocalForge, source: Oid, content: &str) -> GuardedCommit {
    let pin = ImagePin {
        image: "ghcr.io/acme/app".parse().expect("an image"),
        digest: DigestSource::Declared(Digest::of(content.as_bytes())),
        platform: None,
        targets: vec![Target::new(APP.parse().expect("a path"), Arc::new(ImageLines))],
        was: None,
    };
    let request =
        PinRequest::new(source, main_branch(), vec![pin], PinOptions::default()).expect("a request");
    let (registry, clock) = (Arc::new(NoRegistry), Arc::new(SystemClock));
    let pinner = Pinner { registry, forge: Arc::new(forge.clone()), clock, patience: Patience::default() };
    let plan = pinner.plan(&request).await.expect("a plan");
    // Git takes the epoch itself in a reflog for damage.
    let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    match judge(plan, RunId::from([7; 16]), date).expect("a verdict") {
        Verdict::Clear(commit) => commit,
        Verdict::Nothing => panic!("nothing to do"),
    }
}

fn wish(at: Oid, path: &str) -> [(Oid, RepoPath); 1] {
    [(at, path.parse().expect("a path"))]
}

/// The file of a loose object.
fn loose(repository: &Repository, oid: &str) -> PathBuf {
    let packs = repository.path().join("objects/pack");
    for pack in fs::read_dir(packs).into_iter().flatten().flatten().map(|entry| entry.path()) {
        if pack.extension().is_some_and(|kind| kind == "pack") {
            let bytes = fs::read(&pack).expect("a pack");
            for part in ["pack", "idx", "rev"] {
                fs::remove_file(pack.with_extension(part)).ok();
            }
            repository.feed(&["unpack-objects", "-q"], &bytes).expect("unpacked");
        }
    }
    repository.path().join("objects").join(&oid[..2]).join(&oid[2..])
}

#[tokio::test]
async fn ten_pins_in_a_row_are_ten_commits_and_git_objects_to_none() {
    let (repository, source) = begun();
    let forge = open(repository.path());
    let mut head = source;
    for n in 0..10 {
        let commit = cleared(&forge, head, &n.to_string()).await;
        let pin = forge.commit(&commit).await.expect("it lands");
        assert_eq!(repository.fact(pin).expect("a commit").parents, [head]);
        let changed = repository.git(&["diff", "--name-only", &head.to_string(), &pin.to_string()]);
        assert_eq!(changed.expect("a diff"), APP);
        head = pin;
    }
    assert_eq!(repository.git(&["rev-list", "--count", "main"]).expect("a count"), "11");
    assert_eq!(repository.git(&["fsck", "--strict", "--full"]).expect("a sound repository"), "");
    let range = CommitRange { base: Some(source), upto: head, limit: 10 };
    assert!(matches!(forge.history(&range).await, Ok(History::Descends(facts)) if facts.len() == 10));
}

#[tokio::test]
async fn a_symbolic_branch_is_followed_and_stays_symbolic() {
    let (repository, source) = begun();
    repository.git(&["branch", "-m", "main", "trunk"]).expect("renamed");
    repository.git(&["symbolic-ref", "refs/heads/main", "refs/heads/trunk"]).expect("a symbolic ref");
    let forge = open(repository.path());
    assert_eq!(forge.head(&main_branch()).await.expect("a head"), source);
    let (one, two) = (cleared(&forge, source, "one").await, cleared(&forge, source, "two").await);
    let pin = forge.commit(&one).await.expect("it lands");
    assert_eq!(repository.git(&["rev-parse", "trunk"]).expect("a head"), pin.to_string());
    assert_eq!(repository.git(&["symbolic-ref", "refs/heads/main"]).expect("still"), "refs/heads/trunk");
    let late = forge.commit(&two).await;
    assert!(
        matches!(late, Err(CommitError::HeadMoved { actual: Some(actual), .. }) if actual == pin),
        "{late:?}"
    );
    for name in ["main", "trunk"] {
        let lock = repository.path().join(format!("refs/heads/{name}.lock"));
        assert!(!lock.exists(), "every lock is let go");
        fs::write(&lock, "").expect("a lock");
        let held = cleared(&forge, pin, "three").await;
        let answer = forge.commit(&held).await;
        assert!(matches!(&answer, Err(CommitError::NotLanded(_))), "each link is locked: {answer:?}");
        fs::remove_file(lock).expect("let go");
    }
    repository.git(&["symbolic-ref", "refs/heads/main", "refs/heads/main"]).expect("a circle");
    let circle = forge.head(&main_branch()).await.expect_err("it leads nowhere");
    assert_eq!(circle.kind(), BackendErrorKind::Invalid, "{circle}");
}

#[tokio::test]
async fn another_ref_of_that_ending_is_not_the_branch() {
    let (repository, source) = begun();
    repository.git(&["update-ref", "refs/heads/refs/heads/gone", &source.to_string()]).expect("a ref");
    repository.git(&["update-ref", "refs/tags/refs/heads/gone", &source.to_string()]).expect("a ref");
    let gone = "gone".parse().expect("a branch");
    let error = open(repository.path()).head(&gone).await.expect_err("there is none");
    assert_eq!(error.kind(), BackendErrorKind::NotFound, "{error}");
}

#[tokio::test]
async fn the_reflog_says_what_happened_where_there_is_one() {
    let repository = Repository::with_work_tree().expect("git works").expect("git is there");
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    let forge = LocalForge::open(repository.path(), unsigned(), CheckedOut::Allow).expect("it opens");
    let commit = cleared(&forge, source, "one").await;
    let pin = forge.commit(&commit).await.expect("it lands");
    let log = repository.git(&["reflog", "-1", "--format=%H %gn %gs", "main"]).expect("a reflog");
    let subject = commit.message();
    let subject = subject.lines().next().expect("a subject");
    assert_eq!(log, format!("{pin} {} pinlib: {subject}", pinner().name));
}

#[tokio::test]
async fn a_work_tree_on_another_branch_does_not_mind() {
    let repository = Repository::with_work_tree().expect("git works").expect("git is there");
    let source = repository.push(&main_branch(), &[(APP, TEXT)], "first").expect("a commit");
    let forge = open(repository.path());
    let commit = cleared(&forge, source, "one").await;
    let answer = forge.commit(&commit).await;
    assert!(
        matches!(&answer, Err(CommitError::Rejected { message, .. }) if message.contains("check out another branch")),
        "{answer:?}"
    );
    repository.git(&["checkout", "-q", "-b", "elsewhere"]).expect("another branch");
    // By a symbolic ref it would be the same branch all the same.
    repository.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/elsewhere"]).expect("a symbolic ref");
    repository.git(&["symbolic-ref", "HEAD", "refs/heads/main"]).expect("a HEAD");
    assert!(matches!(forge.commit(&commit).await, Err(CommitError::Rejected { .. })));
    repository.git(&["symbolic-ref", "HEAD", "refs/heads/elsewhere"]).expect("a HEAD");
    let before = repository.git(&["status", "--porcelain"]).expect("a status");
    forge.commit(&commit).await.expect("nobody has it checked out");
    assert_eq!(
        repository.git(&["status", "--porcelain"]).expect("a status"),
        before,
        "no work tree is touched"
    );
    // What cannot be seen is no answer.
    let broken = repository.path().join(".git/worktrees/broken");
    fs::create_dir_all(&broken).expect("a folder");
    fs::write(broken.join("gitdir"), "/nowhere/.git\n").expect("a file");
    fs::write(broken.join("HEAD"), "neither this nor that\n").expect("a file");
    let head = forge.head(&main_branch()).await.expect("a head");
    let answer = forge.commit(&cleared(&forge, head, "two").await).await;
    assert!(matches!(answer, Err(CommitError::NotLanded(_))), "{answer:?}");
}

#[tokio::test]
async fn objects_that_others_keep_are_found() {
    let (repository, source) = begun();
    let borrower = repository.root().join("borrower.git");
    let words = ["clone", "-q", "--bare", "--shared", ".", &borrower.display().to_string()];
    repository.git(&words).expect("a clone that borrows");
    let forge = open(&borrower);
    let pin = forge.commit(&cleared(&forge, source, "one").await).await.expect("it lands");
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source), "the lender is left alone");
    let history = forge.history(&CommitRange { base: Some(source), upto: pin, limit: 1 }).await;
    assert!(matches!(history, Ok(History::Descends(facts)) if facts.len() == 1));
}

#[tokio::test]
async fn a_partial_clone_names_what_it_lacks() {
    let (repository, source) = begun();
    let url = format!("file://{}", repository.path().display());
    let partial = repository.root().join("partial.git");
    let words = ["clone", "-q", "--bare", "--filter=blob:none", &url, &partial.display().to_string()];
    repository.git(&words).expect("a partial clone");
    let blob = repository.git(&["rev-parse", &format!("{source}:{APP}")]).expect("a blob");
    let forge = open(&partial);
    let error = forge.read(&wish(source, APP)).await.expect_err("it is not there");
    assert_eq!(error.kind(), BackendErrorKind::Incomplete, "{error}");
    assert!(error.to_string().contains(&blob) && error.to_string().contains(APP), "{error}");
    assert_eq!(forge.trees(&[source]).await.expect("trees are there")[0].len(), 2);
}

#[tokio::test]
async fn a_shallow_clone_takes_a_pin() {
    let (repository, _) = begun();
    let source = repository.push(&main_branch(), &[("other", "y\n")], "second").expect("a commit");
    let url = format!("file://{}", repository.path().display());
    let shallow = repository.root().join("shallow.git");
    let words = ["clone", "-q", "--bare", "--depth", "1", &url, &shallow.display().to_string()];
    repository.git(&words).expect("a shallow clone");
    let forge = open(&shallow);
    let pin = forge.commit(&cleared(&forge, source, "one").await).await.expect("it lands");
    assert_eq!(forge.head(&main_branch()).await.expect("a head"), pin);
}

#[tokio::test]
async fn a_corrupt_object_is_told_from_one_that_is_missing() {
    let (repository, source) = begun();
    let blob = repository.git(&["rev-parse", &format!("{source}:{APP}")]).expect("a blob");
    let other = repository.git(&["rev-parse", &format!("{source}:other")]).expect("a blob");
    let (file, another) = (loose(&repository, &blob), loose(&repository, &other));
    let forge = open(repository.path());
    for bytes in [fs::read(&another).expect("an object"), b"no zlib".to_vec(), Vec::new()] {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).expect("writable");
        fs::write(&file, bytes).expect("damage");
        let error = forge.read(&wish(source, APP)).await.expect_err("damaged");
        assert_eq!(error.kind(), BackendErrorKind::Invalid, "{error}");
    }
    let error = forge.read(&wish(source, APP)).await.expect_err("damaged").to_string();
    assert!(error.contains(&blob[2..]) && !error.contains('\n'), "{error}");
}

#[tokio::test]
async fn no_object_stands_for_another() {
    let (repository, source) = begun();
    let of = |path: &str| repository.git(&["rev-parse", &format!("{source}:{path}")]).expect("a blob");
    repository.git(&["replace", &of(APP), &of("other")]).expect("replaced, to git");
    let files = open(repository.path()).read(&wish(source, APP)).await.expect("as it is stored");
    assert_eq!(files[0].as_ref().map(|file| &file.bytes[..]), Some(TEXT.as_bytes()));
}

#[tokio::test]
async fn a_tree_that_can_be_read_in_two_ways_is_refused() {
    let (repository, source) = begun();
    let blob = repository.git(&["rev-parse", &format!("{source}:{APP}")]).expect("a blob");
    let raw: Vec<_> =
        (0..40).step_by(2).filter_map(|at| u8::from_str_radix(&blob[at..at + 2], 16).ok()).collect();
    let entry = [&b"100644 app.yaml\0"[..], &raw].concat();
    let tree = ["hash-object", "-w", "-t", "tree", "--literally", "--stdin"];
    let tree = repository.feed(&tree, &[&entry[..], &entry].concat()).expect("a tree");
    let commit = repository.git(&["commit-tree", &tree, "-m", "odd"]).expect("a commit");
    let commit = commit.parse().expect("an oid");
    let error = open(repository.path()).read(&wish(commit, "app.yaml")).await.expect_err("which of the two?");
    assert_eq!(error.kind(), BackendErrorKind::Invalid, "{error}");
}

#[tokio::test]
async fn a_file_that_is_no_manifest_by_its_size_is_not_read() {
    let (repository, _) = begun();
    let large = "x".repeat((16 << 20) + 1);
    let source = repository.push(&main_branch(), &[("large", &large)], "large").expect("a commit");
    let error = open(repository.path()).read(&wish(source, "large")).await.expect_err("too large");
    assert_eq!(error.kind(), BackendErrorKind::Invalid, "{error}");
    assert!(error.to_string().contains("16777217 bytes"), "{error}");
    let edge = &large[1..];
    let source = repository.push(&main_branch(), &[("large", edge)], "large").expect("a commit");
    let files = open(repository.path()).read(&wish(source, "large")).await.expect("just not too large");
    assert_eq!(files[0].as_ref().map(|file| file.bytes.len()), Some(16 << 20));
}

#[test]
fn a_repository_of_somebody_else_is_refused_as_git_refuses_it() {
    let (repository, _) = begun();
    let chown = |owner: &str| Command::new("chown").args(["-R", owner]).arg(repository.path()).status();
    let user = fs::metadata(repository.path()).expect("a folder");
    if !chown("12345").is_ok_and(|status| status.success()) {
        return missing("the right to give a folder away").expect("not under CI");
    }
    let (kind, text) = refused(repository.path());
    assert_eq!(kind, BackendErrorKind::Invalid, "{text}");
    assert!(text.contains("owned by") && !text.contains('\n'), "{text}");
    let back = std::os::unix::fs::MetadataExt::uid(&user).to_string();
    assert!(chown(&back).expect("it runs").success());
    open(repository.path());
}

#[test]
fn a_ref_format_that_is_unknown_is_refused() {
    let (repository, _) = begun();
    let config = repository.path().join("config");
    let text = fs::read_to_string(&config)
        .expect("a config")
        .replace("repositoryformatversion = 0", "repositoryformatversion = 1");
    fs::write(&config, format!("{text}[extensions]\n\trefStorage = reftable\n")).expect("a config");
    let (kind, text) = refused(repository.path());
    assert_eq!(kind, BackendErrorKind::Unsupported, "{text}");
    assert!(text.contains("reftable"), "{text}");
}

/// Refs packed twice in one moment look alike by their time, and objects are packed anew: an open forge minds neither.
#[tokio::test]
async fn what_others_pack_meanwhile_is_seen() {
    let (repository, first) = begun();
    let forge = open(repository.path());
    let packed = repository.path().join("packed-refs");
    let pack = |time| {
        repository.git(&["pack-refs", "--all", "--prune"]).expect("packed");
        fs::File::options()
            .write(true)
            .open(&packed)
            .and_then(|file| file.set_modified(time))
            .expect("a time");
    };
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    pack(moment);
    assert_eq!(forge.head(&main_branch()).await.expect("a head"), first);
    let second =
        repository.push(&main_branch(), &[(APP, "image: ghcr.io/acme/other\n")], "on").expect("it pushes");
    pack(moment);
    assert_eq!(forge.head(&main_branch()).await.expect("a head"), second);

    repository.git(&["repack", "-a", "-d", "-q"]).expect("packed");
    repository.git(&["prune-packed", "-q"]).expect("pruned");
    let third = repository.push(&main_branch(), &[(APP, TEXT)], "back").expect("it pushes");
    repository.git(&["repack", "-a", "-d", "-q"]).expect("packed");
    for at in [first, second, third] {
        let files = forge.read(&[(at, APP.parse().expect("a path"))]).await.expect("it reads");
        assert!(files[0].is_some(), "{at}");
    }
    fs::remove_file(&packed).expect("there was one");
    repository.force(&main_branch(), Some(third)).expect("it moves");
    assert_eq!(forge.head(&main_branch()).await.expect("a head"), third);
}

/// A process is killed: before the ref moves nothing has happened, whatever objects were written.
#[tokio::test]
async fn objects_without_a_ref_are_no_commit() {
    let (repository, source) = begun();
    let forge = open(repository.path());
    let commit = cleared(&forge, source, "one").await;
    let lock = repository.path().join("refs/heads/main.lock");
    fs::write(&lock, "").expect("a lock stops it after its objects");
    let answer = forge.commit(&commit).await;
    assert!(matches!(answer, Err(CommitError::NotLanded(_))), "{answer:?}");
    fs::remove_file(&lock).expect("let go");
    let dangling = repository.git(&["fsck", "--dangling"]).expect("a sound repository");
    assert!(dangling.starts_with("dangling commit "), "the objects were written: {dangling:?}");
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source));
    let pin = forge.commit(&commit).await.expect("the same again lands");
    assert_eq!(dangling, format!("dangling commit {pin}"), "sending twice says the same");
    assert_eq!(repository.git(&["fsck", "--strict"]).expect("a sound repository"), "");
}

const WRITER: &str = "PINLIB_TEST_WRITER";

/// Each of several processes pins something else on the same head: this test runs itself again to be all of them.
#[tokio::test]
async fn of_many_processes_one_lands() {
    if let Some(work) = std::env::var_os(WRITER).and_then(|work| work.into_string().ok()) {
        let [path, source, content] = work.split('\n').collect::<Vec<_>>().try_into().expect("three words");
        let forge = open(Path::new(path));
        let commit = cleared(&forge, source.parse().expect("an oid"), content).await;
        // Everybody waits for the same moment.
        fs::write(Path::new(path).join(format!("ready{content}")), "").expect("a file");
        let start = Path::new(path).join("start");
        while !start.exists() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let answer = forge.commit(&commit).await;
        assert!(matches!(answer, Ok(_) | Err(CommitError::HeadMoved { .. })), "{answer:?}");
        assert!(answer.is_ok(), "lost: {answer:?}");
        return;
    }
    let (repository, source) = begun();
    let this = std::env::current_exe().expect("this test");
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            Command::new(&this)
                .args(["--exact", "forge_disk::of_many_processes_one_lands"])
                .env(WRITER, format!("{}\n{source}\n{writer}", repository.path().display()))
                .stdout(Stdio::piped())
                .spawn()
                .expect("it runs")
        })
        .collect();
    while !(0..6).all(|writer| repository.path().join(format!("ready{writer}")).exists()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    fs::write(repository.path().join("start"), "").expect("a file");
    let ends: Vec<_> =
        writers.into_iter().map(|writer| writer.wait_with_output().expect("it ends")).collect();
    let said: Vec<_> = ends.iter().map(|end| String::from_utf8_lossy(&end.stdout)).collect();
    let landed = ends.iter().filter(|end| end.status.success()).count();
    let lost = said.iter().filter(|said| said.contains("lost") && said.contains("HeadMoved")).count();
    assert_eq!((landed, lost), (1, 5), "{said:?}");
    assert_eq!(repository.log(&main_branch()).expect("a log").len(), 2);
}

/// Before the ref moves, whatever the disk refuses is a clear no.
#[tokio::test]
async fn a_folder_that_may_not_be_written_to_is_left_alone() {
    let (repository, source) = begun();
    let forge = open(repository.path());
    let commit = cleared(&forge, source, "one").await;
    // Root writes where it likes, so a file stands where a folder should.
    let objects = repository.path().join("objects");
    let oid = Oid::of(pinlib::ObjectFormat::Sha1, "blob", commit.edits()[0].bytes()).to_string();
    fs::write(objects.join(&oid[..2]), "in the way").ok();
    let answer = forge.commit(&commit).await;
    if objects.join(&oid[..2]).is_file() {
        assert!(matches!(answer, Err(CommitError::NotLanded(_))), "{answer:?}");
        assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source));
    }
}
