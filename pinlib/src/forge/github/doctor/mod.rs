//! Whether a pin could work here: everything that GitHub tells without a write, each with what to change where it is not
//! right. `app` is about who asks, `branch` about where the pin goes.
//!
//! It cannot prove the write. Some of what stands in its way is shown to administrators alone.

mod app;
mod branch;

use super::{GitHubForge, api::To};
use crate::{backend::BackendError, forge::review::own, git::BranchName};
use branch::{KEPT, KEPT_BY_PROPOSALS};
use serde::de::DeserializeOwned;
use std::fmt;

/// How one thing stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// As a pin needs it.
    Ok,
    /// A pin would fail of it.
    NotOk,
    /// Nobody but an administrator can see it, or it could not be asked.
    Unknown,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the names say it")]
pub enum Row {
    Key,
    Clock,
    App,
    Installation,
    Permissions,
    Repositories,
    Rulesets,
    Protection,
    Rate,
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => "key",
            Self::Clock => "clock",
            Self::App => "app",
            Self::Installation => "installation",
            Self::Permissions => "permissions",
            Self::Repositories => "repositories",
            Self::Rulesets => "rulesets",
            Self::Protection => "protection",
            Self::Rate => "rate",
        })
    }
}

/// One row: what was looked at, how it stands, what was seen, and what to change.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Finding {
    pub row: Row,
    pub health: Health,
    pub seen: String,
    pub cure: Option<String>,
}

impl Finding {
    fn new(row: Row, health: Health, seen: impl Into<String>) -> Self {
        Self { row, health, seen: seen.into(), cure: None }
    }
    fn cured_by(mut self, cure: impl Into<String>) -> Self {
        self.cure = Some(cure.into());
        self
    }
}

impl GitHubForge {
    /// Looks at who asks: key, clock, App, installation, what it may do, and where. Never fails: what cannot be asked is a
    /// row that says so. Where a row is [`Health::NotOk`], GitHub lets nobody in, and there is no use in asking more.
    ///
    /// # Cancellation
    /// It only reads; a token may have been minted.
    pub async fn examine_login(&self) -> Vec<Finding> {
        if self.login.is_app() { self.app().await } else { vec![self.plain_token().await] }
    }

    /// Looks at what GitHub says of the branch: every ruleset that is active there, inherited ones too, classic
    /// protection, and how many requests are left. Never fails.
    ///
    /// # Cancellation
    /// It only reads.
    pub async fn examine_branch(&self, branch: &BranchName) -> Vec<Finding> {
        let mut found = self.rulesets(branch, &KEPT).await;
        found.push(self.protection(branch).await);
        found.push(self.rate().await);
        found
    }

    /// The same for pull requests: they go past the rules of the branch, whose merge these decide; what counts are the rules
    /// of pinlib's own branches. Never fails.
    ///
    /// # Cancellation
    /// It only reads.
    pub async fn examine_proposals(&self, base: &BranchName) -> Vec<Finding> {
        let mut found = match own(base, "any") {
            Ok(branch) => self.rulesets(&branch, &KEPT_BY_PROPOSALS).await,
            Err(error) => vec![Finding::new(Row::Rulesets, Health::NotOk, error.to_string())],
        };
        found.push(self.rate().await);
        found
    }

    async fn get<T: DeserializeOwned>(&self, path: &str, act: &str) -> Result<T, BackendError> {
        self.ask(To::Get(path), act).await?.map_err(|failure| failure.while_reading(act))?.json(act)
    }
}

fn unknown(row: Row, error: &BackendError) -> Finding {
    Finding::new(row, Health::Unknown, error.to_string())
}
