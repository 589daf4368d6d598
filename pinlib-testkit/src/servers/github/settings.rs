//! What the server is like, and what goes wrong with it.

use pinlib::Oid;
use std::{collections::BTreeMap, fmt, time::Duration};

/// Which repositories of its owner an App's installation may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of them.
    All,
    /// Those that were chosen; the repository is one of them.
    Chosen,
    /// Those that were chosen; the repository is none of them.
    Others,
}

/// What a ruleset lets the caller do against its rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "GitHub's own words")]
pub enum Bypass {
    Always,
    Exempt,
    PullRequestsOnly,
    Never,
}

/// Where a ruleset was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "GitHub's own words")]
pub enum Source {
    Repository,
    Organization,
}

/// Whether a ruleset is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "GitHub's own words")]
pub enum Enforcement {
    Active,
    Evaluate,
    Disabled,
}

/// A ruleset that applies to every branch.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "GitHub's own words")]
pub struct Ruleset {
    pub id: u64,
    pub name: String,
    pub source: Source,
    pub enforcement: Enforcement,
    /// The types of its rules: `pull_request`, `required_status_checks`, `update`, `non_fast_forward`, …
    pub rules: Vec<String>,
    pub can_bypass: Bypass,
}

impl Default for Ruleset {
    fn default() -> Self {
        Self {
            id: 42,
            name: "main is protected".into(),
            source: Source::Repository,
            enforcement: Enforcement::Active,
            rules: Vec::new(),
            can_bypass: Bypass::Never,
        }
    }
}

/// What the server is like from now on. The default is a sound setup.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Settings {
    /// Whether a JWT may name the App by its client id; an old GHES knows the numeric id alone.
    pub client_id_is_issuer: bool,
    /// How many seconds the server's clock is ahead of this machine's.
    pub clock_ahead: i64,
    /// What the installation was granted, as in `contents: write`.
    pub permissions: BTreeMap<String, String>,
    /// Which repositories it may see.
    pub selection: Selection,
    /// Whether the owner has suspended it.
    pub suspended: bool,
    /// Whether the owner has installed the App at all.
    pub installed: bool,
    /// How many requests with a fresh token are refused before it works.
    pub unready: u32,
    /// How long a token lives.
    pub token_seconds: i64,
    /// The rulesets of the repository and of its owner.
    pub rulesets: Vec<Ruleset>,
    /// Whether classic branch protection is on, of `main` alone.
    pub protected_classic: bool,
    /// Whether classic branch protection wants a pull request.
    pub pull_request_required: bool,
    /// How many requests are left in this hour, of 5,000: one a request, five a mutation.
    pub rate_remaining: u64,
    /// Whether the repository is read-only.
    pub archived: bool,
    /// What is read for every ref, whatever stands there.
    pub stale_reads: Option<Oid>,
    /// Whether strangers see nothing of the repository.
    pub private: bool,
    /// Whether rules are for those who pay.
    pub upgrade_needed: bool,
    /// Whether its own commits go unsigned.
    pub unsigned: bool,
    /// Whether a pull request may be merged by itself.
    pub auto_merge_allowed: bool,
    /// How pull requests may be merged: of `MERGE`, `SQUASH` and `REBASE`.
    pub merge_methods: Vec<String>,
    /// What is attested to, by the digest of each: sigstore bundles, as JSON.
    pub attestations: BTreeMap<String, Vec<serde_json::Value>>,
}

impl Default for Settings {
    fn default() -> Self {
        let permissions = [("contents", "write"), ("metadata", "read")];
        Self {
            client_id_is_issuer: true,
            clock_ahead: 0,
            permissions: permissions.map(|(name, level)| (name.to_owned(), level.to_owned())).into(),
            selection: Selection::Chosen,
            suspended: false,
            installed: true,
            unready: 0,
            token_seconds: 3600,
            rulesets: Vec::new(),
            protected_classic: false,
            pull_request_required: false,
            rate_remaining: 5000,
            archived: false,
            stale_reads: None,
            private: true,
            upgrade_needed: false,
            unsigned: false,
            auto_merge_allowed: true,
            merge_methods: ["MERGE", "SQUASH", "REBASE"].map(str::to_owned).into(),
            attestations: BTreeMap::new(),
        }
    }
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// The connection is closed in its place.
    Close,
    /// A page of a proxy comes in its place, with this status.
    Status(u16),
    /// The second half of its body is missing.
    Cut,
    /// Nothing comes for so long; then the connection is closed.
    Hang(Duration),
}

/// What goes wrong with one request.
pub enum Meddling {
    /// This is answered; nothing is served.
    #[expect(missing_docs, reason = "the names say it")]
    Answer { status: u16, headers: Vec<(String, String)>, body: String },
    /// It is served, and its answer is lost.
    AfterServing(Lost),
    /// It is lost before it is served.
    Before(Lost),
    /// It arrives so much later.
    Late(Duration),
    /// It arrives twice; the second answer goes back.
    Twice,
    /// It is served; the body of the answer is changed.
    Replace(Box<dyn Fn(String) -> String + Send>),
}

impl fmt::Debug for Meddling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer { status, .. } => write!(f, "Answer({status})"),
            Self::AfterServing(lost) => write!(f, "AfterServing({lost:?})"),
            Self::Before(lost) => write!(f, "Before({lost:?})"),
            Self::Late(time) => write!(f, "Late({time:?})"),
            Self::Twice => f.write_str("Twice"),
            Self::Replace(_) => f.write_str("Replace"),
        }
    }
}
