//! Tells the binary which commit it is built from: `pinlib init` pins the Action to it.
//!
//! A release says so in `PINLIB_RELEASE_COMMIT`, a packaged crate in `.cargo_vcs_info.json`, a clone by its head. Without
//! any, the binary knows its version alone.

use std::{env, fs, process::Command};

fn main() {
    println!("cargo:rerun-if-env-changed=PINLIB_RELEASE_COMMIT");
    println!("cargo:rerun-if-changed=.cargo_vcs_info.json");
    let commit = env::var("PINLIB_RELEASE_COMMIT").ok().or_else(packaged).or_else(cloned);
    if let Some(commit) = commit.filter(|commit| commit.bytes().all(|byte| byte.is_ascii_hexdigit())) {
        println!("cargo:rustc-env=PINLIB_RELEASE_COMMIT={commit}");
    }
}

/// What `cargo package` wrote beside the sources.
fn packaged() -> Option<String> {
    let text = fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    Some(rest.split('"').nth(1)?.to_owned())
}

/// The head of the clone that the sources are in.
fn cloned() -> Option<String> {
    let git = |words: &[&str]| {
        let done = Command::new("git").args(words).output().ok().filter(|done| done.status.success())?;
        Some(String::from_utf8(done.stdout).ok()?.trim().to_owned())
    };
    // Sources that were unpacked inside somebody else's clone are not of it.
    git(&["ls-files", "--error-unmatch", "build.rs"])?;
    println!("cargo:rerun-if-changed={}", git(&["rev-parse", "--git-path", "logs/HEAD"])?);
    git(&["rev-parse", "HEAD"])
}
