//! Commits signed by SSH and GPG keys: git itself believes them, and pinlib believes its own key alone.

use crate::git_world::{main_branch, pinner};
use pinlib::{
    Author, BackendErrorKind, CheckedOut, CommitRange, Digest, DigestSource, GitForge, History, ImagePin,
    LocalForge, NoRegistry, Oid, Patience, PinError, PinOptions, PinRequest, Pinner, RunId, Signature,
    SigningKey, SystemClock, Target,
};
use pinlib_testkit::{
    lines::ImageLines,
    repository::Repository,
    servers::{missing, program},
};
use std::{ffi::OsStr, path::Path, process::Command, sync::Arc};

fn ssh_key(folder: &Path, name: &str) -> Option<SigningKey> {
    program("ssh-keygen").expect("there, or not under CI")?;
    let key = folder.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
        .arg(&key)
        .status();
    assert!(made.expect("it runs").success());
    Some(SigningKey::Ssh(key))
}

fn author(key: SigningKey) -> Author {
    Author::new(pinner(), Some(key)).expect("an author")
}

async fn pin(repository: &Repository, source: Oid, author: Author) -> Result<Oid, PinError> {
    let forge = LocalForge::open(repository.path(), author, CheckedOut::Refuse).expect("it opens");
    let pin = ImagePin {
        image: "ghcr.io/acme/app".parse().expect("an image"),
        digest: DigestSource::Declared(Digest::of(b"one")),
        platform: None,
        targets: vec![Target::new("app.yaml".parse().expect("a path"), Arc::new(ImageLines))],
        was: None,
    };
    let request =
        PinRequest::new(source, main_branch(), vec![pin], PinOptions::default()).expect("a request");
    let (registry, clock) = (Arc::new(NoRegistry), Arc::new(SystemClock));
    let pinner = Pinner { registry, forge: Arc::new(forge), clock, patience: Patience::default() };
    pinner.pin(&request, RunId::from([1; 16])).await.map(|receipt| receipt.commit)
}

fn source(repository: &Repository) -> Oid {
    repository.push(&main_branch(), &[("app.yaml", "image: ghcr.io/acme/app\n")], "first").expect("a commit")
}

/// What a forge of this author says of the one commit after the source.
async fn judged(repository: &Repository, base: Oid, upto: Oid, author: Author) -> (Signature, bool) {
    let forge = LocalForge::open(repository.path(), author, CheckedOut::Refuse).expect("it opens");
    let Ok(History::Descends(facts)) = forge.history(&CommitRange { base: Some(base), upto, limit: 9 }).await
    else {
        panic!("a history");
    };
    let identity = forge.identity().await.expect("an identity");
    (facts[0].signature, identity.made(&facts[0]))
}

#[tokio::test]
async fn an_ssh_signature_is_gits_own_and_the_keys_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (Some(own), Some(other)) = (ssh_key(folder.path(), "own"), ssh_key(folder.path(), "other")) else {
        return;
    };
    for format in ["sha1", "sha256"] {
        let repository = Repository::bare(format).expect("git works").expect("git is there");
        let base = source(&repository);
        let commit = pin(&repository, base, author(own.clone())).await.expect("a pin");
        let public = std::fs::read_to_string(folder.path().join("own.pub")).expect("a public key");
        let allowed = folder.path().join("allowed");
        std::fs::write(&allowed, format!("pinlib@ci.test {public}")).expect("a file");
        let setting = format!("gpg.ssh.allowedSignersFile={}", allowed.display());
        repository.git(&["-c", &setting, "verify-commit", &commit.to_string()]).expect("git believes it");
        assert_eq!(repository.git(&["fsck", "--strict"]).expect("a sound repository"), "");
        assert_eq!(judged(&repository, base, commit, author(own.clone())).await, (Signature::Valid, true));
        assert_eq!(
            judged(&repository, base, commit, author(other.clone())).await,
            (Signature::Unproven, false)
        );
    }
}

#[tokio::test]
async fn a_signature_over_other_bytes_proves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let Some(own) = ssh_key(folder.path(), "own") else { return };
    let repository = Repository::bare("sha1").expect("git works").expect("git is there");
    let base = source(&repository);
    let commit = pin(&repository, base, author(own.clone())).await.expect("a pin");
    let raw = repository
        .command()
        .args(["cat-file", "commit", &commit.to_string()])
        .output()
        .expect("a commit")
        .stdout;
    let text = String::from_utf8(raw).expect("text").replace("Pin app to", "Pin app too");
    let forged =
        repository.feed(&["hash-object", "-w", "-t", "commit", "--stdin"], text.as_bytes()).expect("written");
    let forged = forged.parse().expect("an oid");
    assert_eq!(judged(&repository, base, forged, author(own)).await, (Signature::Unproven, false));
}

#[tokio::test]
async fn a_key_that_cannot_sign_stops_the_pin() {
    let folder = tempfile::tempdir().expect("a folder");
    let repository = Repository::bare("sha1").expect("git works").expect("git is there");
    let base = source(&repository);
    let gone = SigningKey::Ssh(folder.path().join("gone"));
    let error = pin(&repository, base, author(gone)).await.expect_err("no key");
    assert!(matches!(&error, PinError::Backend(why) if why.kind() == BackendErrorKind::Invalid), "{error}");
    assert!(error.to_string().contains("sign the commit"), "{error}");
    let Some(_) = ssh_key(folder.path(), "open") else { return };
    let locked = folder.path().join("locked");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "a passphrase", "-f"])
        .arg(&locked)
        .status();
    assert!(made.expect("it runs").success());
    pin(&repository, base, author(SigningKey::Ssh(locked)))
        .await
        .expect_err("nobody is asked for a passphrase");
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(base));
}

const INNER: &str = "PINLIB_TEST_GPG";

/// Runs one of these tests again, in an environment that it cannot make for itself.
fn again(name: &str, environment: &[(&str, &OsStr)]) -> Result<(), String> {
    let this = std::env::current_exe().expect("this test");
    let done = Command::new(this).args(["--exact", name]).envs(environment.iter().copied()).output();
    let done = done.expect("it runs");
    let said = String::from_utf8_lossy(&done.stdout);
    if done.status.success() && said.contains("1 passed") { Ok(()) } else { Err(said.into_owned()) }
}

/// Gpg finds its keys by the environment.
#[tokio::test]
async fn a_gpg_signature_is_gits_own() {
    if program("gpg").expect("there, or not under CI").is_none() {
        return;
    }
    let Some(key) = std::env::var_os(INNER) else {
        let home = tempfile::tempdir().expect("a folder");
        let make = |who: &'static str| {
            ["--batch", "--quiet", "--passphrase", "", "--quick-generate-key", who, "ed25519"]
        };
        let gpg = || {
            let mut gpg = Command::new("gpg");
            gpg.env("GNUPGHOME", home.path());
            gpg
        };
        for who in ["pinlib <pinlib@ci.test>", "other <other@ci.test>"] {
            if !gpg().args(make(who)).output().expect("it runs").status.success() {
                return missing("a gpg that makes keys").expect("not under CI");
            }
        }
        let environment = [("GNUPGHOME", home.path().as_os_str()), (INNER, "pinlib@ci.test".as_ref())];
        let again = again("signing::a_gpg_signature_is_gits_own", &environment);
        Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home.path()).status().ok();
        assert_eq!(again, Ok(()));
        return;
    };
    let own = SigningKey::Gpg(Some(key.into_string().expect("text")));
    let repository = Repository::bare("sha1").expect("git works").expect("git is there");
    let base = source(&repository);
    let commit = pin(&repository, base, author(own.clone())).await.expect("a pin");
    repository.git(&["verify-commit", &commit.to_string()]).expect("git believes it");
    assert_eq!(judged(&repository, base, commit, author(own)).await, (Signature::Valid, true));
    let other = author(SigningKey::Gpg(Some("other@ci.test".into())));
    assert_eq!(judged(&repository, base, commit, other).await, (Signature::Unproven, false));
}

#[tokio::test]
async fn a_key_whose_public_half_is_anothers_signs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (Some(own), Some(_)) = (ssh_key(folder.path(), "own"), ssh_key(folder.path(), "other")) else {
        return;
    };
    std::fs::rename(folder.path().join("other.pub"), folder.path().join("own.pub")).expect("mixed up");
    let repository = Repository::bare("sha1").expect("git works").expect("git is there");
    let base = source(&repository);
    let error = pin(&repository, base, author(own)).await.expect_err("nobody would know it again");
    assert!(matches!(&error, PinError::Backend(why) if why.kind() == BackendErrorKind::Invalid), "{error}");
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(base));
}

/// What stands in the place of ssh-keygen, an agent's perhaps, makes a sound signature by another key.
#[cfg(unix)]
#[tokio::test]
async fn a_program_that_signs_by_another_key_signs_nothing() {
    use std::os::unix::fs::PermissionsExt;
    const KEY: &str = "PINLIB_TEST_KEY";
    let Some(own) = std::env::var_os(KEY) else {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = (ssh_key(folder.path(), "own"), ssh_key(folder.path(), "other"));
        let (Some(SigningKey::Ssh(own)), Some(SigningKey::Ssh(other))) = keys else { return };
        let real = program("ssh-keygen").expect("it is there").expect("it is there");
        let (real, other, fake) = (real.display(), other.display(), folder.path().join("ssh-keygen"));
        let script = format!(
            "#!/bin/sh\n[ \"$2\" = sign ] && exec {real} -q -Y sign -n git -f {other}\nexec {real} \"$@\"\n"
        );
        std::fs::write(&fake, script).expect("a program");
        std::fs::set_permissions(&fake, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
        let usual = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(folder.path().to_owned()).chain(std::env::split_paths(&usual));
        let path = std::env::join_paths(path).expect("a path");
        let name = "signing::a_program_that_signs_by_another_key_signs_nothing";
        assert_eq!(again(name, &[("PATH", path.as_os_str()), (KEY, own.as_os_str())]), Ok(()));
        return;
    };
    let repository = Repository::bare("sha1").expect("git works").expect("git is there");
    let base = source(&repository);
    let error = pin(&repository, base, author(SigningKey::Ssh(own.into()))).await.expect_err("not our key");
    assert!(error.to_string().contains("does not verify by the same key"), "{error}");
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(base));
}
