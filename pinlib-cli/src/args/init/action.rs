//! The Action that a workflow calls.

use anyhow::{Context as _, ensure};
use pinlib::GitHubRepository;
use std::{fmt, str::FromStr};

/// `OWNER/NAME@COMMIT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ActionRef {
    repository: String,
    at: String,
}

impl Default for ActionRef {
    /// At the commit that this was built from, where the build knew it: see `build.rs`. Else at its version.
    fn default() -> Self {
        let at = option_env!("PINLIB_RELEASE_COMMIT").filter(|commit| is_commit(commit));
        let at = at.map_or_else(|| concat!("v", env!("CARGO_PKG_VERSION")).to_owned(), str::to_owned);
        Self { repository: "pinlib/pinlib".into(), at }
    }
}

fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl ActionRef {
    /// Whether nobody can make it mean another Action.
    pub(super) fn is_fixed(&self) -> bool {
        is_commit(&self.at)
    }
}

impl FromStr for ActionRef {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let want = "want OWNER/NAME@COMMIT";
        let (repository, at) = text.split_once('@').context(want)?;
        let plain = !at.is_empty() && at.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        ensure!(plain, want);
        Ok(Self { repository: repository.parse::<GitHubRepository>()?.to_string(), at: at.to_owned() })
    }
}

impl fmt::Display for ActionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.repository, self.at)
    }
}
