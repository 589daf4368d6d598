//! What lies between two commits, by the REST API's comparison, and what lies behind one, by its list: page by page.
//!
//! The comparison's `files` are never looked at: they end at 300 without a word.
//! Source: <https://docs.github.com/en/rest/commits/commits#compare-two-commits> and `#list-commits`.

use super::{
    GitHubForge,
    api::{Failure, To},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    git::{CommitFact, CommitRange, History, Oid, Person, Signature},
};
use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde::Deserialize;

/// As many commits a page as GitHub gives.
const PAGE: usize = 100;

#[derive(Deserialize)]
struct Comparison {
    status: String,
    total_commits: usize,
    commits: Vec<Compared>,
}

#[derive(Deserialize)]
struct Compared {
    sha: Oid,
    parents: Vec<Parent>,
    commit: Said,
}

#[derive(Deserialize)]
struct Parent {
    sha: Oid,
}

#[derive(Deserialize)]
struct Said {
    author: Option<Who>,
    committer: Option<Who>,
    message: String,
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Who {
    #[serde(default)]
    name: String,
    #[serde(default)]
    email: String,
    date: Option<DateTime<Utc>>,
}

#[derive(Deserialize)]
struct Verification {
    verified: bool,
    reason: String,
}

impl From<Compared> for CommitFact {
    fn from(compared: Compared) -> Self {
        let person = |who: Option<Who>| {
            who.map_or(Person { name: String::new(), email: String::new() }, |who| Person {
                name: who.name,
                email: who.email,
            })
        };
        // "Not valid" is also said of a key that GitHub does not know.
        let signature = match &compared.commit.verification {
            Some(verification) if verification.verified => Signature::Valid,
            Some(verification) if verification.reason != "unsigned" => Signature::Unproven,
            _ => Signature::Absent,
        };
        let date = compared.commit.committer.as_ref().and_then(|who| who.date);
        Self {
            oid: compared.sha,
            parents: compared.parents.into_iter().map(|parent| parent.sha).collect(),
            author: person(compared.commit.author),
            committer: person(compared.commit.committer),
            signature,
            committed: date.map_or(0, |date| date.timestamp()),
            message: compared.commit.message,
        }
    }
}

impl GitHubForge {
    /// What `upto` has and `base` has not.
    pub(super) async fn between(
        &self,
        base: Oid,
        CommitRange { upto, limit, .. }: CommitRange,
        act: &str,
    ) -> Result<History, BackendError> {
        let cut = |why: String| BackendError::new(BackendErrorKind::Incomplete, act).because(why);
        let mut facts = Vec::new();
        for page in 1.. {
            let path =
                format!("/repos/{}/compare/{base}...{upto}?per_page={PAGE}&page={page}", self.repository);
            let reply = match self.ask(To::Get(&path), act).await? {
                // One of the two is not there, or they have no ancestor in common: only a base may be unknown.
                Err(Failure::Refused(refusal)) if refusal.status == StatusCode::NOT_FOUND => {
                    let path = format!("/repos/{}/git/commits/{upto}", self.repository);
                    let reply = self.ask(To::Get(&path), act).await?;
                    return reply.map(|_| History::Unrelated).map_err(|failure| failure.while_reading(act));
                }
                reply => reply.map_err(|failure| failure.while_reading(act))?,
            };
            let found: Comparison = reply.json(act)?;
            if !matches!(&*found.status, "ahead" | "identical") {
                return Ok(History::Unrelated);
            }
            if found.total_commits > limit {
                return Err(cut(format!("it has {} commits, more than {limit}", found.total_commits)));
            }
            let came = found.commits.len();
            facts.extend(found.commits.into_iter().map(CommitFact::from));
            if facts.len() >= found.total_commits {
                break;
            }
            if came == 0 {
                return Err(cut(format!("of {} commits GitHub told {}", found.total_commits, facts.len())));
            }
        }
        Ok(History::Descends(facts))
    }

    /// What `upto` has, as far as the limit. GitHub tells the newest first, and no commit before one of its children.
    pub(super) async fn down_from(
        &self,
        CommitRange { upto, limit, .. }: CommitRange,
        act: &str,
    ) -> Result<History, BackendError> {
        let mut facts = Vec::new();
        for page in 1.. {
            let path = format!("/repos/{}/commits?sha={upto}&per_page={PAGE}&page={page}", self.repository);
            let reply = self.ask(To::Get(&path), act).await?.map_err(|failure| failure.while_reading(act))?;
            let found: Vec<Compared> = reply.json(act)?;
            let last = found.len() < PAGE;
            facts.extend(found.into_iter().map(CommitFact::from));
            if last || facts.len() >= limit {
                break;
            }
        }
        facts.truncate(limit);
        Ok(History::to_the_roots(upto, facts))
    }
}
