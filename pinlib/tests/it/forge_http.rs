//! A real git server behind a web server: every guarantee of a forge, and what goes over the wire.

use crate::{
    git_world::{GitWorld, Reach, main_branch, regular, unsigned},
    remote::{FILE, Login, Remote, forge, http, pinner, present, request_in, serve},
};
use pinlib::{
    Author, BackendErrorKind, CommitRange, Done, GitForge, GitLogin, History, Mode, Oid, OutcomeKind,
    RepoPath, RunId, Signature, SigningKey, SmartHttpForge,
};
use pinlib_testkit::{
    repository::Repository,
    servers::{git::GitServer, program},
};
use std::{collections::BTreeSet, fmt::Write, process::Command, sync::Arc};

fn reach(repository: &Repository, login: Login) -> (GitServer, Arc<dyn GitForge>) {
    let server = serve(repository, login);
    let forge = forge(&server.url("repository.git"), login);
    (server, Arc::new(forge))
}

struct Sha1(#[expect(dead_code, reason = "it serves while it lives")] GitServer);
struct Sha256(#[expect(dead_code, reason = "it serves while it lives")] GitServer);
struct WithALogin(#[expect(dead_code, reason = "it serves while it lives")] GitServer);

impl Reach for Sha1 {
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        let (server, forge) = reach(repository, None);
        (Self(server), forge)
    }
}

impl Reach for Sha256 {
    fn repository() -> Repository {
        Repository::bare("sha256").expect("git works").expect("git is there")
    }
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        let (server, forge) = reach(repository, None);
        (Self(server), forge)
    }
}

impl Reach for WithALogin {
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        let (server, forge) = reach(repository, Some(("bot", "a secret")));
        (Self(server), forge)
    }
}

mod sha1 {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::Sha1>, super::present());
}

mod sha256 {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::Sha256>, super::present());
}

mod with_a_login {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::WithALogin>, super::present());
}

#[test]
fn a_pin_is_the_commit_that_git_would_make() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let source = remote.head();
    let receipt = remote.pin(remote.forge(), source, "one").expect("a pin");
    assert_eq!(remote.head(), receipt.commit);
    assert!(remote.is_sound());
    assert_eq!(remote.git(&["log", "-1", "--format=%P", "main"]), source.to_string());
    assert_eq!(remote.git(&["diff", "--name-only", "main^", "main"]), FILE.0);
    let message = remote.git(&["log", "-1", "--format=%B", "main"]);
    let by = "pinlib <pinlib@ci.test> 0 +0000";
    let script = format!(
        "commit refs/heads/again\nauthor {by}\ncommitter {by}\ndata {}\n{message}\n\nfrom {source}\nM 100644 {} {}\n\n",
        message.len() + 1,
        remote.git(&["rev-parse", &format!("main:{}", FILE.0)]),
        FILE.0,
    );
    remote.repository.feed(&["fast-import", "--quiet"], script.as_bytes()).expect("an import");
    assert_eq!(remote.git(&["rev-parse", "again"]), receipt.commit.to_string());
}

#[test]
fn of_ten_pins_at_once_one_lands() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let files = (0..10).map(|n| (format!("deploy/{n}.yaml"), FILE.1)).collect::<Vec<_>>();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let source = remote.push(&files);
    let outcomes = remote.block_on(async {
        let pins = (0..10_u8).map(|n| {
            let forge = Arc::new(remote.forge());
            tokio::spawn(async move {
                pinner(forge)
                    .pin(&request_in(&format!("deploy/{n}.yaml"), source, "one"), RunId::from([n; 16]))
                    .await
                    .map_err(|e| e.kind())
            })
        });
        let mut outcomes = Vec::new();
        for pin in pins.collect::<Vec<_>>() {
            outcomes.push(pin.await.expect("no panic"));
        }
        outcomes
    });
    let landed = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    let moved = outcomes.iter().filter(|outcome| matches!(outcome, Err(OutcomeKind::HeadMoved))).count();
    assert_eq!((landed, moved, remote.commits()), (1, 9, 3), "{outcomes:?}");
    assert!(remote.is_sound());
}

#[test]
fn a_branch_rewound_to_the_parent_of_the_source_takes_no_pin() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let root = remote.head();
    let source = remote.push(&[("other", "x\n")]);
    remote.repository.force(&main_branch(), Some(root)).expect("a forced push");
    let error = remote.pin(remote.forge(), source, "one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::HeadMoved, "{error}");
    assert_eq!(remote.head(), root);
}

#[test]
fn a_protected_branch_says_which_rule() {
    use std::os::unix::fs::PermissionsExt;
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let hook = remote.repository.path().join("hooks/pre-receive");
    std::fs::create_dir_all(hook.parent().expect("a folder")).expect("a folder");
    let script = "#!/bin/sh\nprintf '\\033[31mGH006: Protected branch update failed for refs/heads/main.\\033[0m\\n' >&2\nexit 1\n";
    std::fs::write(&hook, script).expect("a hook");
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("a hook");
    let source = remote.head();
    let error = remote.pin(remote.forge(), source, "one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Rejected, "{error}");
    let text = format!("{error:?}");
    assert!(text.contains("rule: Some(\"GH006\")") && text.contains("pre-receive hook declined"), "{text}");
    assert!(!text.contains("\\u{1b}"), "{text}");
    assert_eq!(remote.head(), source);
}

#[test]
fn what_is_no_regular_file_answers_with_its_mode() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let first = remote.head();
    let entries = [
        (Mode::Symlink, "link", &b"app"[..]),
        (Mode::Executable, "tool", b"x"),
        (Mode::Gitlink, "module", &first.to_string().into_bytes()),
        regular("deploy/plain", "y"),
    ];
    let head = remote.repository.write(&[first], &entries, "modes").expect("a commit");
    let wanted: Vec<_> = ["link", "tool", "module", "deploy", "deploy/plain", "link/app", "deploy/gone/app"]
        .map(|path| (head, path.parse().expect("a path")))
        .into();
    let files = remote.block_on(remote.forge().read(&wanted)).expect("files");
    let files: Vec<_> = files.into_iter().map(|file| file.map(|file| (file.mode, file.bytes))).collect();
    let want = [
        Some((Mode::Symlink, b"app".to_vec())),
        Some((Mode::Executable, b"x".to_vec())),
        Some((Mode::Gitlink, vec![])),
        Some((Mode::Tree, vec![])),
        Some((Mode::Regular, b"y".to_vec())),
        None,
        None,
    ];
    assert_eq!(files, want);
}

/// A repository of many files, as its history might be, in packs with deltas.
fn large(remote: &Remote, files: usize) {
    let mut script = String::from(
        "commit refs/heads/main\ncommitter A <a@example.test> 1700000000 +0000\ndata 1\nx\nfrom refs/heads/main^0\n",
    );
    for n in 0..files {
        let body = format!("file {n}\n");
        write!(script, "M 100644 inline d{}/s{}/f{n}\ndata {}\n{body}\n", n % 100, n / 100 % 100, body.len())
            .expect("text");
    }
    remote.repository.feed(&["fast-import", "--quiet"], script.as_bytes()).expect("an import");
}

#[test]
fn a_pin_costs_few_requests_and_few_bytes_however_large_the_repository() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    large(&remote, 20_000);
    let (http, source) = (http(), remote.head());
    let forge = SmartHttpForge::new(&remote.url(), http.clone(), None, unsigned()).expect("a forge");
    let receipt = remote.pin(forge, source, "one").expect("a pin");
    assert!(matches!(receipt.done, Done::Pinned { .. }));
    let (requests, bytes) =
        (http.meter().total().requests, http.meter().total().sent + http.meter().total().received);
    assert!(requests <= 8 && bytes < 100_000, "{requests} requests, {bytes} bytes");
}

#[test]
fn objects_are_fetched_once() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let (http, source) = (http(), remote.head());
    let forge = SmartHttpForge::new(&remote.url(), http.clone(), None, unsigned()).expect("a forge");
    let wanted = [(source, FILE.0.parse().expect("a path"))];
    remote.block_on(forge.read(&wanted)).expect("a file");
    let before = http.meter().total().requests;
    remote.block_on(forge.read(&wanted)).expect("a file");
    remote.block_on(forge.trees(&[source])).expect("a tree");
    assert_eq!(http.meter().total().requests, before);
    assert_eq!(remote.block_on(forge.head(&main_branch())).expect("a head"), source);
    remote.push(&[("other", "x\n")]);
    assert_ne!(
        remote.block_on(forge.head(&main_branch())).expect("a head"),
        source,
        "the head is never remembered"
    );
}

#[test]
fn without_filters_a_small_repository_is_read_whole_and_a_large_one_is_refused() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    remote.git(&["config", "uploadpack.allowFilter", "false"]);
    let source = remote.head();
    let pinned = remote.pin(remote.forge(), source, "one").expect("a pin").commit;
    for name in ["core.compression", "pack.compression"] {
        remote.git(&["config", name, "0"]);
    }
    let head = remote.push(&[("large", &"x".repeat(34 << 20))]);
    let error = remote.pin(remote.forge(), head, "two").expect_err("no pin");
    assert!(error.to_string().contains("uploadpack.allowFilter"), "{error}");
    assert_eq!(error.kind(), OutcomeKind::Unavailable);
    let range = CommitRange { base: Some(source), upto: pinned, limit: 9 };
    assert!(remote.block_on(remote.forge().history(&range)).is_ok());
}

#[test]
fn a_wrong_address_is_refused_without_its_secret() {
    let new =
        |url: &str| SmartHttpForge::new(url, http(), Some(GitLogin::Bearer("t0ken".into())), unsigned());
    for url in [
        "https://bot:s3cret@example.test/r.git",
        "https://s3cret@example.test/r.git",
        "https://example.test/r.git?token=s3cret",
        "http://example.test/s3cret.git",
        "ssh://example.test/s3cret.git",
        "git@example.test:s3cret.git",
        "s3cret",
    ] {
        let error = new(url).expect_err(url);
        assert_eq!(error.kind(), BackendErrorKind::Invalid);
        assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
    }
    for url in
        ["http://127.0.0.1:1/r.git", "http://[::1]:1/r", "http://localhost/r.git/", "https://example.test/r"]
    {
        let forge = new(url).expect(url);
        assert!(!format!("{forge} {forge:?}").contains("t0ken"));
        assert_eq!(forge.to_string(), url.trim_end_matches('/'));
    }
}

#[test]
fn what_comes_as_deltas_is_read_as_what_it_was() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    // Numbers of a generator: nothing that deflates well, but each version is almost the one before.
    let mut noise = 1_u64;
    let mut lines: Vec<String> = (0..2000)
        .map(|_| {
            noise = noise.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            format!("{noise:x}\n")
        })
        .collect();
    let mut versions = Vec::new();
    for n in 0..30 {
        lines[n * 60] = format!("version {n}\n");
        let text = lines.concat();
        versions.push((remote.push(&[("noise", &text)]), text));
    }
    remote.git(&["repack", "-q", "-a", "-d", "-f", "--depth=50"]);
    let (http, path) = (http(), "noise".parse::<RepoPath>().expect("a path"));
    let forge = SmartHttpForge::new(&remote.url(), http.clone(), None, unsigned()).expect("a forge");
    let wanted: Vec<_> = versions.iter().map(|(oid, _)| (*oid, path.clone())).collect();
    let files = remote.block_on(forge.read(&wanted)).expect("files");
    for (file, (_, text)) in files.into_iter().zip(&versions) {
        assert!(file.expect("a file").bytes == text.as_bytes());
    }
    let (whole, came) =
        (versions.iter().map(|(_, text)| text.len() as u64).sum::<u64>(), http.meter().total().received);
    assert!(came * 10 < whole, "{came} bytes of {whole}: they came as deltas");
}

#[test]
fn a_signed_pin_is_told_from_one_that_is_not() {
    let Some(keygen) = program("ssh-keygen").expect("no test skips in CI") else { return };
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let key = remote.repository.root().join("key");
    let keygen = Command::new(keygen).args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status();
    assert!(keygen.expect("ssh-keygen runs").success());
    let author =
        Author::new(crate::git_world::pinner(), Some(SigningKey::Ssh(key.clone()))).expect("an author");
    let signed = || SmartHttpForge::new(&remote.url(), http(), None, author.clone()).expect("a forge");
    let source = remote.head();
    let receipt = remote.pin(signed(), source, "one").expect("a pin");
    let allowed = remote.repository.root().join("allowed");
    let public = std::fs::read_to_string(key.with_extension("pub")).expect("a key");
    std::fs::write(&allowed, format!("pinlib@ci.test {public}")).expect("a file");
    remote.git(&["config", "gpg.ssh.allowedSignersFile", &allowed.display().to_string()]);
    remote.git(&["verify-commit", "main"]);
    let range = CommitRange { base: Some(source), upto: receipt.commit, limit: 9 };
    for (forge, signature) in [(signed(), Signature::Valid), (remote.forge(), Signature::Unproven)] {
        let history = remote.block_on(forge.history(&range)).expect("a history");
        let History::Descends(facts) = history else { panic!("{history:?}") };
        assert_eq!(facts[0].signature, signature);
    }
}

#[test]
fn trees_within_trees_come_all() {
    let Some(remote) = Remote::new(None, &[("a/b/c/file", "x\n"), FILE]) else { return };
    let tree = |path: &str| remote.git(&["rev-parse", &format!("main:{path}")]).parse().expect("an oid");
    // Git leaves out of one answer what another wanted tree holds.
    let oids: Vec<_> = ["a", "a/b", "a/b/c", "deploy"].map(tree).into();
    let trees = remote.block_on(remote.forge().trees(&oids)).expect("trees");
    let names: Vec<_> =
        trees.iter().map(|tree| String::from_utf8_lossy(&tree[0].name).into_owned()).collect();
    assert_eq!(names, ["b", "c", "file", "prod"]);
}

#[test]
fn what_is_not_in_the_repository_is_not_found() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let nobody = "1".repeat(40).parse().expect("an oid");
    let wanted = [(nobody, FILE.0.parse().expect("a path"))];
    let error = remote.block_on(remote.forge().read(&wanted)).expect_err("no file");
    assert_eq!(error.kind(), BackendErrorKind::NotFound, "{error}");
    let range = CommitRange { base: Some(remote.head()), upto: nobody, limit: 9 };
    let error = remote.block_on(remote.forge().history(&range)).expect_err("no history");
    assert_eq!(error.kind(), BackendErrorKind::NotFound, "{error}");
    let other = "1".repeat(64).parse().expect("an oid");
    let wanted = [(other, FILE.0.parse().expect("a path"))];
    let error = remote.block_on(remote.forge().read(&wanted)).expect_err("no file");
    assert!(error.to_string().contains("Sha1 repository"), "{error}");
    let blob = remote.git(&["rev-parse", &format!("main:{}", FILE.0)]).parse().expect("an oid");
    let error = remote.block_on(remote.forge().trees(&[blob])).expect_err("no tree");
    assert_eq!(error.kind(), BackendErrorKind::Invalid, "{error}");
}

/// Commits cannot change: a line of them that was read in parts is put together. A way around is not overlooked.
#[test]
fn a_line_that_was_read_in_parts_is_not_asked_for_again() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let (root, one, two) = (remote.head(), remote.push(&[("a", "1\n")]), remote.push(&[("a", "2\n")]));
    let write = |parents: &[Oid], what: &str| {
        remote.repository.write(parents, &[regular(what, "x\n")], what).expect("a commit")
    };
    let side = write(&[root], "side");
    let merge = write(&[two, side], "merge");
    remote.repository.force(&main_branch(), Some(merge)).expect("a merge");
    let http = http();
    let forge = SmartHttpForge::new(&remote.url(), http.clone(), None, unsigned()).expect("a forge");
    let listed = |base, upto| {
        let range = CommitRange { base: Some(base), upto, limit: 9 };
        match remote.block_on(forge.history(&range)).expect("a history") {
            History::Descends(facts) => facts.iter().map(|fact| fact.oid).collect::<BTreeSet<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!((listed(root, one), listed(one, two)), ([one].into(), [two].into()));
    let before = http.meter().total().requests;
    assert_eq!(listed(root, two), [one, two].into());
    assert_eq!(http.meter().total().requests, before);
    assert_eq!(listed(two, merge), [side, merge].into());
    assert_eq!(listed(one, merge), [two, side, merge].into());
}
