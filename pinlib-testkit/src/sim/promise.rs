//! The invariants by name, and how one was broken.

use std::fmt;

/// An invariant of `guarantees.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// I1: the guard.
    Guard,
    /// I2: once.
    Once,
    /// I3: what is reported is true.
    Truth,
    /// I4: nothing but the declared scalars changes.
    Minimal,
    /// I5: the digest is the manifest's.
    Identity,
    /// I6: no silent downgrade.
    NoDowngrade,
    /// I7: no silent overwrite.
    NoOverwrite,
    /// I8: a hold holds.
    Hold,
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Guard => "I1 guard",
            Self::Once => "I2 once",
            Self::Truth => "I3 truth",
            Self::Minimal => "I4 minimal",
            Self::Identity => "I5 identity",
            Self::NoDowngrade => "I6 no silent downgrade",
            Self::NoOverwrite => "I7 no silent overwrite",
            Self::Hold => "I8 hold",
        })
    }
}

/// A promise that was broken, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the sentence above")]
pub struct Violation {
    pub promise: Promise,
    pub how: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise, self.how)
    }
}

pub(super) fn broken<T>(promise: Promise, how: impl Into<String>) -> Result<T, Violation> {
    Err(Violation { promise, how: how.into() })
}
