//! What the repository around the current directory says of itself.

use crate::surroundings::Surroundings;
use anyhow::{Context as _, ensure};
use pinlib::BranchName;
use std::{fmt, path::PathBuf, process::Stdio, str::FromStr};

/// `OWNER/NAME` of a repository on GitHub.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OwnedBy {
    owner: String,
    name: String,
}

impl OwnedBy {
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }
    /// The last two parts of a remote's URL or address.
    fn of_remote(url: &str) -> Option<Self> {
        let url = url.trim_end_matches('/').trim_end_matches(".git");
        let (rest, name) = url.rsplit_once('/')?;
        let owner = rest.rsplit(['/', ':']).next()?;
        format!("{owner}/{name}").parse().ok()
    }
}

impl FromStr for OwnedBy {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (owner, name) = text.split_once('/').context("want OWNER/NAME")?;
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        };
        ensure!(plain(owner) && plain(name), "want OWNER/NAME");
        Ok(Self { owner: owner.to_owned(), name: name.to_owned() })
    }
}

impl fmt::Display for OwnedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

/// Where it is, whose it is, and which branch is the main one. What git does not say is not known.
#[derive(Debug)]
pub(super) struct Repository {
    pub(super) root: PathBuf,
    pub(super) owned_by: Option<OwnedBy>,
    pub(super) branch: Option<BranchName>,
}

impl Repository {
    pub(super) async fn around(around: &Surroundings) -> Self {
        let folder = around.folder();
        let root = folder.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(folder);
        let mut owned_by = around.variable("GITHUB_REPOSITORY").and_then(|text| text.parse().ok());
        if owned_by.is_none() {
            let origin = git(around, &["remote", "get-url", "origin"]).await;
            owned_by = origin.and_then(|url| OwnedBy::of_remote(&url));
        }
        let default = git(around, &["symbolic-ref", "--short", "refs/remotes/origin/HEAD"]).await;
        let default = default.and_then(|branch| branch.strip_prefix("origin/").map(str::to_owned));
        let branch =
            if default.is_some() { default } else { git(around, &["symbolic-ref", "--short", "HEAD"]).await };
        Self { root: root.to_owned(), owned_by, branch: branch.and_then(|branch| branch.parse().ok()) }
    }
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
    use super::OwnedBy;

    #[test]
    fn the_owner_stands_in_every_form_of_a_remote() {
        for url in [
            "https://github.com/acme/shop",
            "https://github.com/acme/shop.git",
            "https://x-access-token:hush@github.com/acme/shop.git/",
            "git@github.com:acme/shop.git",
            "ssh://git@github.com/acme/shop.git",
        ] {
            let found = OwnedBy::of_remote(url).map(|found| found.to_string());
            assert_eq!(found.as_deref(), Some("acme/shop"), "{url}");
        }
        assert_eq!(OwnedBy::of_remote("shop"), None);
    }
}
