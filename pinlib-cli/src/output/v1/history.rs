//! What `log` and `audit` tell of a branch's history.

use schemars::JsonSchema;
use serde::Serialize;

/// What `log` found.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Log {
    pub(crate) branch: String,
    /// The pins of the branch's first-parent line, newest first.
    pub(crate) entries: Vec<Logged>,
    /// What is on hold at the newest commit.
    pub(crate) holds: Vec<Held>,
    /// Whether there are, or may be, older pins than those.
    pub(crate) cut: bool,
}

/// A commit that holds a record.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Logged {
    pub(crate) commit: String,
    /// The parent that the record names.
    pub(crate) parent: String,
    /// When it was committed, as RFC 3339 in UTC; anybody may set it, so it orders nothing.
    pub(crate) committed: String,
    /// `pin`, `rollback`, `promote` or `release`.
    pub(crate) operation: &'static str,
    /// Whether the record is believed: the commit is by the pinner, and did what it says.
    pub(crate) recognised: bool,
    /// `Name <email>`.
    pub(crate) author: String,
    /// The branch that the record is for.
    pub(crate) branch: String,
    /// The commit that the images were built from.
    pub(crate) source_commit: String,
    /// Names the run.
    pub(crate) run: String,
    /// Names the pin, over runs and retries.
    pub(crate) key: String,
    /// How the digest was known: `hashed` or `declared`.
    pub(crate) proof: String,
    pub(crate) sites: Vec<LoggedSite>,
}

/// A place that a record is about.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct LoggedSite {
    pub(crate) path: String,
    /// Names the place, whatever stands there.
    pub(crate) locator: String,
    /// The environment that pinlib.yaml has the file in.
    pub(crate) environment: Option<String>,
    /// The image's name; null where no target of pinlib.yaml finds the place, or the commit left the file alone.
    pub(crate) image: Option<String>,
    /// The digest that stood there before, else the tag; null likewise, or where neither did.
    pub(crate) from: Option<String>,
    /// The digest that the record has for it.
    pub(crate) to: String,
}

/// A place that no pin may touch.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Held {
    pub(crate) path: String,
    pub(crate) locator: String,
}

/// What `audit` came to.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
pub(crate) struct Audit {
    /// How many commits were looked at.
    pub(crate) commits: usize,
    /// How many of them are pins, rollbacks, promotions or releases.
    pub(crate) pins: usize,
    /// What was found, newest first.
    pub(crate) findings: Vec<Finding>,
}

/// One thing that no pin of pinlib's leaves so.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(crate) struct Finding {
    /// The commit that did it.
    pub(crate) commit: String,
    /// `unrecorded`, `misfit`, `outside`, `no-record`, `unsigned`, `unpinned`, `unreadable`, `downgrade`, `hold-ignored`
    /// or `hold-taken`.
    pub(crate) kind: &'static str,
    /// The file that it is about.
    pub(crate) path: Option<String>,
    /// The line in the commit's file, from 1.
    pub(crate) line: Option<usize>,
    /// One sentence: what was done.
    pub(crate) message: String,
}
