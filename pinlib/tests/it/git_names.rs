//! Paths and oids, many at once, against the installed git.

use pinlib::{ObjectFormat, Oid, RepoPath};
use proptest::{
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};
use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// What git says to this on its standard input.
fn git(args: &[&str], folder: &Path, input: &[u8]) -> Vec<u8> {
    let mut git = Command::new("git");
    git.args(args).current_dir(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut git = git.spawn().expect("git runs");
    git.stdin.take().expect("a pipe").write_all(input).expect("git reads");
    let output = git.wait_with_output().expect("git ends");
    assert!(output.status.success(), "{args:?}");
    output.stdout
}

/// Texts of a strategy, the same ones each time.
fn drawn(pattern: &str, count: usize) -> Vec<String> {
    let strategy = proptest::string::string_regex(pattern).expect("a pattern");
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).expect("a text").current()).collect()
}

#[test]
fn git_takes_every_path_that_is_taken() {
    let folder = tempfile::tempdir().expect("a folder");
    git(&["init", "-q"], folder.path(), b"");
    let paths = drawn(r"([ab .~:/]|\.\.|\.[gG][iI][tT]|GIT~1|git~2|modules|ü|\PC){1,8}", 4000);
    let taken: Vec<_> = paths.iter().filter(|path| path.parse::<RepoPath>().is_ok()).collect();
    assert!(taken.len() > 500, "{}", taken.len());
    let mut index = Vec::new();
    for (number, path) in taken.iter().enumerate() {
        // Each in a folder of its own, so that none is the other's.
        index.extend(
            format!("100644 e69de29bb2d1d6434b8b29ae775ad8c2e48c5391\t{number}/{path}\0").into_bytes(),
        );
    }
    git(&["update-index", "-z", "--index-info"], folder.path(), &index);
    let listed = git(&["ls-files", "-z"], folder.path(), b"");
    let listed: BTreeSet<_> = listed.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
    for (number, path) in taken.iter().enumerate() {
        assert!(listed.contains(&*format!("{number}/{path}")), "git leaves out {path:?}");
    }
}

#[test]
fn an_oid_is_what_git_names_a_blob_by() {
    let folder = tempfile::tempdir().expect("a folder");
    for (format, name) in [(ObjectFormat::Sha1, "sha1"), (ObjectFormat::Sha256, "sha256")] {
        let repository = folder.path().join(name);
        fs::create_dir(&repository).expect("a folder");
        git(&["init", "-q", &format!("--object-format={name}")], &repository, b"");
        let texts = drawn(r"(\PC|\n|\r|\x00){0,60}", 40);
        let mut names = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            fs::write(repository.join(number.to_string()), text).expect("written");
            names.push(number.to_string());
        }
        let hashed =
            git(&["hash-object", "--no-filters", "--stdin-paths"], &repository, names.join("\n").as_bytes());
        let hashed = String::from_utf8(hashed).expect("hex");
        for (text, hash) in texts.iter().zip(hashed.lines()) {
            let oid: Oid = hash.parse().expect("an oid");
            assert_eq!(oid, Oid::of(format, "blob", text.as_bytes()));
            assert!(oid.is_blob(text.as_bytes()) && oid.format() == format && oid.to_string() == hash);
            assert_eq!(Oid::from_bytes(oid.as_bytes()), Some(oid));
        }
        assert_eq!(hashed.lines().count(), texts.len());
    }
}
