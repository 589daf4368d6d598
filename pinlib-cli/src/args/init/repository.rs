//! What the repository around the current directory says of itself.

use crate::surroundings::Surroundings;
use pinlib::{BranchName, GitHubRepository};
use std::{path::PathBuf, process::Stdio};

/// Where it is, whose it is, and which branch is the main one. What git does not say is not known.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) root: PathBuf,
    pub(super) on_github: Option<GitHubRepository>,
    pub(super) branch: Option<BranchName>,
}

impl Repository {
    pub(super) async fn around(around: &Surroundings) -> Self {
        let folder = around.folder();
        let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder);
        let mut on_github = around.variable("GITHUB_REPOSITORY").and_then(|text| text.parse().ok());
        if on_github.is_none() {
            let origin = git(around, &["remote", "get-url", "origin"]).await;
            on_github = origin.and_then(|url| of_remote(&url));
        }
        let default = git(around, &["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]).await;
        let default = default.and_then(|branch| branch.strip_prefix("origin/").map(str::to_owned));
        let branch =
            if default.is_some() { default } else { git(around, &["symbolic-ref", "--short", "HEAD"]).await };
        Self { root: root.to_owned(), on_github, branch: branch.and_then(|branch| branch.parse().ok()) }
    }
}

/// The last two parts of a remote's URL or address.
fn of_remote(url: &str) -> Option<GitHubRepository> {
    let url = url.trim_end_matches('/').trim_end_matches(".git");
    let (rest, name) = url.rsplit_once('/')?;
    let owner = rest.rsplit(['/', ':']).next()?;
    format!("{owner}/{name}").parse().ok()
}

/// What git answers, where it is installed and has an answer.
async fn git(around: &Surroundings, words: &[&str]) -> Option<String> {
    let output = around.program("git").args(words).stdin(Stdio::null()).output().await.ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let text = text.trim();
    (output.status.success() && !text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::of_remote;

    #[test]
    fn the_owner_stands_in_every_form_of_a_remote() {
        for url in [
            "https://github.com/acme/shop",
            "https://github.com/acme/shop.git",
            "https://x-access-token:hush@github.com/acme/shop.git/",
            "git@github.com:acme/shop.git",
            "ssh://git@github.com/acme/shop.git",
        ] {
            let found = of_remote(url).map(|found| found.to_string());
            assert_eq!(found.as_deref(), Some("acme/shop"), "{url}");
        }
        assert_eq!(of_remote("shop"), None);
    }
}
