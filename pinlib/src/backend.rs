//! Why a read failed, whatever the backend: fields for what a caller branches on, the cause kept, no hints.

use std::{error::Error as StdError, fmt, time::Duration};

type Cause = Box<dyn StdError + Send + Sync>;

/// What a read failed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BackendErrorKind {
    /// The server answered, and has no such thing.
    NotFound,
    /// The server wants other credentials, or they do not suffice.
    Unauthorized,
    /// The server asks to wait.
    RateLimited,
    /// No answer, or none that can be used; it may pass.
    Unavailable,
    /// The answer is cut off, or too large to see whole.
    Incomplete,
    /// The backend cannot do this.
    Unsupported,
    /// What was asked for, or what came, is malformed.
    Invalid,
}

impl fmt::Display for BackendErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotFound => "not found",
            Self::Unauthorized => "not authorized",
            Self::RateLimited => "too many requests",
            Self::Unavailable => "unavailable",
            Self::Incomplete => "the answer is not whole",
            Self::Unsupported => "not supported",
            Self::Invalid => "invalid",
        })
    }
}

/// Why a read failed: the act, the thing, the reason.
///
/// ```
/// use pinlib::{BackendError, BackendErrorKind};
/// let error = BackendError::new(BackendErrorKind::NotFound, "read app.yaml at 1f3c9ab").because("the commit has no such file");
/// assert_eq!(error.to_string(), "cannot read app.yaml at 1f3c9ab: the commit has no such file");
/// ```
#[derive(Debug)]
pub struct BackendError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    kind: BackendErrorKind,
    act: String,
    reason: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Cause>,
}

impl BackendError {
    /// Says what kind of failure met which act on which thing, as in `read head of main`.
    pub fn new(kind: BackendErrorKind, act: impl Into<String>) -> Self {
        Self(Box::new(Inner { kind, act: act.into(), reason: None, retry_after: None, source: None }))
    }
    /// Says why, where the kind does not say it all. Never holds a secret; text of a server's is cleaned by whoever
    /// shows it.
    #[must_use]
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.0.reason = Some(reason.into());
        self
    }
    /// Keeps the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Cause>) -> Self {
        self.0.source = Some(source.into());
        self
    }
    /// Keeps the server's wish.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }
    /// What failed.
    pub fn kind(&self) -> BackendErrorKind {
        self.0.kind
    }
    /// What was being done, to what.
    pub fn act(&self) -> &str {
        &self.0.act
    }
    /// How long the server asked to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.reason {
            Some(reason) => write!(f, "cannot {}: {reason}", self.0.act),
            None => write!(f, "cannot {}: {}", self.0.act, self.0.kind),
        }
    }
}

impl StdError for BackendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|cause| cause as _)
    }
}
