//! Why GitHub refuses, by status and by words: of a read, and of a write.
//!
//! Its documentation names few of these answers. The wordings are those that were recorded, and whatever is not among them
//! proves nothing: a write that ends so may have landed.

use super::api::Failure;
use crate::{
    backend::{BackendError, BackendErrorKind},
    forge::{
        CommitError,
        text::{actual, no_branch, printable},
    },
    git::{BranchName, Oid},
    guard::GuardedCommit,
    http::{HttpError, date, retry_after},
};
use octocrab::GitHubError;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap},
};
use serde::Deserialize;
use std::time::{Duration, SystemTime};

/// How long to wait where GitHub limits and does not say for how long.
/// Source: <https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api>.
const PAUSE: Duration = Duration::from_secs(60);

/// The permissions that writes take.
pub(super) const CONTENTS: &str = "permission contents:write";
pub(super) const PULLS: &str = "permission pull_requests:write";

/// An answer with another status than success.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// GitHub's own words; none where something else answered in its place.
    pub(super) message: Option<String>,
}

/// One error of a GraphQL answer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct GraphqlError {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    #[serde(default)]
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(error: GitHubError) -> Self {
        let headers = error.headers.unwrap_or_default();
        let json =
            headers.get(CONTENT_TYPE).is_some_and(|found| found.as_bytes().starts_with(b"application/json"));
        let message = json.then(|| printable(error.message.as_bytes()));
        Self { status: error.status_code, headers, message }
    }

    /// What the server's clock says, where it says so.
    pub(super) fn date(&self) -> Option<SystemTime> {
        date(&self.headers)
    }

    /// How long to wait, where this is about the rate of requests.
    fn wait(&self) -> Option<Duration> {
        let limited = self.message.as_ref().is_some_and(|text| is_about_rate(text));
        match self.status.as_u16() {
            429 => Some(wait(&self.headers).unwrap_or(PAUSE)),
            403 => wait(&self.headers).or(limited.then_some(PAUSE)),
            _ => None,
        }
    }

    /// What it said, for people.
    pub(super) fn words(&self) -> String {
        match &self.message {
            Some(message) => format!("GitHub says: {message}"),
            None => format!("the answer was {}", self.status),
        }
    }

    pub(super) fn of_a_read(self, act: &str) -> BackendError {
        use BackendErrorKind::{Invalid, NotFound, RateLimited, Unauthorized, Unavailable};
        let wait = self.wait();
        let kind = match self.status.as_u16() {
            _ if wait.is_some() => RateLimited,
            401 | 403 => Unauthorized,
            404 | 410 => NotFound,
            500..=599 => Unavailable,
            _ => Invalid,
        };
        let error = BackendError::new(kind, act).because(self.words());
        wait.into_iter().fold(error, BackendError::with_retry_after)
    }
}

/// The failure of a read whose GraphQL answer holds errors.
pub(super) fn of_a_read(errors: &[GraphqlError], headers: &HeaderMap, act: &str) -> BackendError {
    use BackendErrorKind::{Invalid, NotFound, RateLimited, Unauthorized, Unavailable};
    let Some(first) = errors.first() else {
        return BackendError::new(Unavailable, act).because("GitHub's answer holds no data");
    };
    let kind = match first.kind.as_deref() {
        Some("RATE_LIMITED" | "RATE_LIMIT") => RateLimited,
        _ if is_about_rate(&first.message) => RateLimited,
        Some("NOT_FOUND") => NotFound,
        Some("FORBIDDEN" | "INSUFFICIENT_SCOPES") => Unauthorized,
        // Its own time was up, or something broke: it may pass.
        None | Some("INTERNAL" | "SERVICE_UNAVAILABLE" | "TIMEOUT") if is_about_trouble(&first.message) => {
            Unavailable
        }
        _ => Invalid,
    };
    let error =
        BackendError::new(kind, act).because(format!("GitHub says: {}", printable(first.message.as_bytes())));
    if kind == RateLimited { error.with_retry_after(wait(headers).unwrap_or(PAUSE)) } else { error }
}

/// A write, as far as its refusal is about it.
#[derive(Clone, Debug)]
pub(super) struct Write {
    /// What is done to what.
    pub(super) act: String,
    /// The permission that it takes.
    pub(super) needs: &'static str,
    /// A branch that it wants to stand somewhere.
    pub(super) stands: Option<(BranchName, Oid)>,
}

impl Write {
    /// A commit to its branch.
    pub(super) fn commit(commit: &GuardedCommit) -> Self {
        let stands = Some((commit.branch().clone(), commit.expected_head()));
        Self { act: format!("commit to {}", commit.branch()), needs: CONTENTS, stands }
    }

    /// Sorts one that got no successful answer at all.
    pub(super) fn failed(&self, failure: Failure) -> CommitError {
        let act = &self.act;
        match failure {
            Failure::Wire(error @ HttpError::NotSent(_)) => CommitError::NotLanded(error.while_trying(act)),
            // GitHub's own word that it did not look at it. A page of somebody else's in its place proves nothing.
            Failure::Refused(refusal) if refusal.message.is_some() => match refusal.status.as_u16() {
                403 if refusal.wait().is_none() => {
                    self.rejected(refusal.message.as_deref().unwrap_or_default())
                }
                401 | 403 | 404 | 429 => CommitError::NotLanded(refusal.of_a_read(act)),
                _ => CommitError::Ambiguous(refusal.of_a_read(act)),
            },
            failure => CommitError::Ambiguous(failure.while_reading(act)),
        }
    }

    /// Sorts one whose GraphQL answer holds errors in the place of what was made.
    pub(super) fn refused(&self, errors: &[GraphqlError], headers: &HeaderMap) -> CommitError {
        let act = &self.act;
        // One error is an answer; several are a story.
        let [error] = errors else { return CommitError::Ambiguous(of_a_read(errors, headers, act)) };
        let (kind, words) = (error.kind.as_deref().unwrap_or_default(), &*error.message);
        if let Some((branch, expected)) = self.stands.clone()
            && (kind == "STALE_DATA"
                || words.contains("Expected branch to point to")
                || actual(words).is_some())
        {
            let actual = actual(words).filter(|actual| *actual != expected);
            return CommitError::HeadMoved { branch, expected, actual };
        }
        if is_about_rules(kind, words) || kind == "FORBIDDEN" {
            return self.rejected(&printable(words.as_bytes()));
        }
        match kind {
            _ if words.contains("Branch not found") => CommitError::NotLanded(no_branch(act)),
            "NOT_FOUND" | "RATE_LIMITED" | "RATE_LIMIT" => {
                CommitError::NotLanded(of_a_read(errors, headers, act))
            }
            _ if is_about_rate(words) => CommitError::NotLanded(of_a_read(errors, headers, act)),
            _ => CommitError::Ambiguous(of_a_read(errors, headers, act)),
        }
    }

    /// A refusal, by the rule that these words are about.
    fn rejected(&self, words: &str) -> CommitError {
        let rule = if words.to_ascii_lowercase().contains("repository rule violation") {
            "ruleset"
        } else if words.contains("protected branch") {
            "branch protection"
        } else if words.contains("archived") {
            "archived repository"
        } else {
            self.needs
        };
        CommitError::Rejected { rule: Some(rule.into()), message: words.into() }
    }
}

fn is_about_rules(kind: &str, words: &str) -> bool {
    let small = words.to_ascii_lowercase();
    kind == "BRANCH_PROTECTION_RULE_VIOLATION"
        || small.contains("repository rule violation")
        || small.contains("protected branch")
        || small.contains("was archived so is read-only")
        || small.contains("resource not accessible by")
        || small.contains("not permitted to create or approve pull requests")
}

fn is_about_rate(words: &str) -> bool {
    let small = words.to_ascii_lowercase();
    small.contains("rate limit")
        || small.contains("abuse detection")
        || small.contains("submitted too quickly")
}

fn is_about_trouble(words: &str) -> bool {
    ["Something went wrong", "timed out", "timeout", "couldn't respond", "No server is currently available"]
        .iter()
        .any(|known| words.contains(known))
}

/// What the headers ask for: `retry-after`, else the time at which the limit begins anew, by the server's own clock.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(wait) = retry_after(headers) {
        return Some(wait);
    }
    if number("x-ratelimit-remaining")? > 0 {
        return None;
    }
    let reset = SystemTime::UNIX_EPOCH + Duration::from_secs(number("x-ratelimit-reset")?);
    Some(reset.duration_since(date(headers)?).unwrap_or_default())
}
