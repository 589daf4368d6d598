//! The faults by name, with their numbers in `guarantees.md`.

use std::{fmt, str::FromStr};

/// A fault that is played in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The server commits; its answer does not come.
    AnswerLost,
    /// Neither does the request arrive.
    RequestLost,
    /// There is no connection: provably nothing was sent.
    Unreachable,
    /// A read of the head fails.
    ReadLost,
    /// Something on the way sends a commit twice.
    SentTwice,
    /// A request arrives after the client gave up.
    Late,
    /// A read of the head answers with an older one.
    StaleRead,
    /// A second run pins the same image.
    SecondRun,
    /// The same request again, after the first ended.
    OldRun,
    /// The branch is forced back to the source commit.
    ForcedBack,
    /// A build of a newer commit is pinned beside one of an older.
    OlderBuild,
    /// Another digest is built from the same commit.
    Rebuild,
    /// The tag moves while a pin runs.
    TagMoves,
    /// The registry does not have yet what was pushed.
    RegistryLags,
    /// A manifest's body is cut off.
    BodyCut,
    /// A token is refused.
    TokenExpired,
    /// The clock jumps.
    ClockSkew,
    /// The server asks to wait.
    RateLimited,
    /// A run ends between two steps.
    Crash,
    /// One of several files cannot be edited.
    OneFileBroken,
    /// A target file is edited, emptied of its image, or deleted.
    TargetChanged,
    /// The branch is deleted, and made again.
    BranchGone,
    /// The branch is protected, and set free again.
    Protected,
    /// A history is cut off.
    Truncated,
    /// A merge queue lands.
    MergeQueue,
    /// The branch is forced to an ancestor of the source commit.
    Rewound,
    /// A human's amend, revert or cherry-pick quotes a record.
    Quoted,
    /// A merge brings the branch in by its second parent.
    Sideways,
}

impl Fault {
    /// Each of them.
    pub const ALL: [Self; 28] = [
        Self::AnswerLost,
        Self::RequestLost,
        Self::Unreachable,
        Self::ReadLost,
        Self::SentTwice,
        Self::Late,
        Self::StaleRead,
        Self::SecondRun,
        Self::OldRun,
        Self::ForcedBack,
        Self::OlderBuild,
        Self::Rebuild,
        Self::TagMoves,
        Self::RegistryLags,
        Self::BodyCut,
        Self::TokenExpired,
        Self::ClockSkew,
        Self::RateLimited,
        Self::Crash,
        Self::OneFileBroken,
        Self::TargetChanged,
        Self::BranchGone,
        Self::Protected,
        Self::Truncated,
        Self::MergeQueue,
        Self::Rewound,
        Self::Quoted,
        Self::Sideways,
    ];

    /// The numbered faults that are about HTTP, images or a CI, and where they are played instead.
    pub const ELSEWHERE: [(u8, &'static str); 3] = [
        (13, "index against platform digest: the registry conformance suite"),
        (19, "HTTP 200 with GraphQL errors: the stub of GitHub's API"),
        (21, "the pin commit starts the build again: the Action and its documentation"),
    ];

    /// Its number in `guarantees.md`.
    pub fn number(self) -> u8 {
        self.named().0
    }

    fn named(self) -> (u8, &'static str) {
        match self {
            Self::AnswerLost => (1, "answer-lost"),
            Self::RequestLost => (1, "request-lost"),
            Self::Unreachable => (1, "unreachable"),
            Self::ReadLost => (1, "read-lost"),
            Self::SentTwice => (2, "sent-twice"),
            Self::Late => (3, "late"),
            Self::StaleRead => (4, "stale-read"),
            Self::SecondRun => (5, "second-run"),
            Self::OldRun => (6, "old-run"),
            Self::ForcedBack => (7, "forced-back"),
            Self::OlderBuild => (8, "older-build"),
            Self::Rebuild => (9, "rebuild"),
            Self::TagMoves => (10, "tag-moves"),
            Self::RegistryLags => (11, "registry-lags"),
            Self::BodyCut => (12, "body-cut"),
            Self::TokenExpired => (14, "token-expired"),
            Self::ClockSkew => (15, "clock-skew"),
            Self::RateLimited => (16, "rate-limited"),
            Self::Crash => (17, "crash"),
            Self::OneFileBroken => (18, "one-file-broken"),
            Self::TargetChanged => (20, "target-changed"),
            Self::BranchGone => (22, "branch-gone"),
            Self::Protected => (22, "protected"),
            Self::Truncated => (23, "truncated"),
            Self::MergeQueue => (24, "merge-queue"),
            Self::Rewound => (25, "rewound"),
            Self::Quoted => (26, "quoted"),
            Self::Sideways => (27, "sideways"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.named().1)
    }
}

/// No fault has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSuchFault(String);

impl fmt::Display for NoSuchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = Fault::ALL.iter().map(ToString::to_string).collect();
        write!(f, "no fault is called {:?}; there are {}", self.0, names.join(", "))
    }
}

impl std::error::Error for NoSuchFault {}

impl FromStr for Fault {
    type Err = NoSuchFault;
    fn from_str(text: &str) -> Result<Self, NoSuchFault> {
        let named = Self::ALL.into_iter().find(|fault| fault.named().1 == text);
        named.ok_or_else(|| NoSuchFault(text.into()))
    }
}

/// How often each fault comes, against a call that goes well, which weighs 100.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates([u32; Fault::ALL.len()]);

impl Rates {
    /// A call that goes well.
    pub const WELL: u32 = 100;

    /// The rate of a fault.
    pub fn of(&self, fault: Fault) -> u32 {
        self.0[fault as usize]
    }
    /// Sets the rate of a fault.
    pub fn set(&mut self, fault: Fault, rate: u32) {
        self.0[fault as usize] = rate;
    }
    /// The faults that come at all.
    pub fn faults(&self) -> impl Iterator<Item = Fault> {
        Fault::ALL.into_iter().filter(|fault| self.of(*fault) > 0)
    }
}

impl FromIterator<Fault> for Rates {
    /// Each of these as often as a call that goes well.
    fn from_iter<T: IntoIterator<Item = Fault>>(faults: T) -> Self {
        let mut rates = Self::default();
        faults.into_iter().for_each(|fault| rates.set(fault, Self::WELL));
        rates
    }
}
