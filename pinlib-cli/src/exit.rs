//! How a command ends, and the exit code of each ending: the one place where they meet.

use pinlib::OutcomeKind;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// As the library says.
    Pin(OutcomeKind),
    /// A command that only looks found changes that are due; `told` is `--exit-code`.
    Due { told: bool },
    /// A command that only looks found nothing to change.
    Clean,
    /// A command that answers a question answered it.
    Answered,
    /// The doctor found what would stop a pin.
    Blocked,
    /// pinlib itself failed.
    Defect,
}

impl Ending {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Pin(kind) => match kind {
                OutcomeKind::Pinned | OutcomeKind::AlreadyPinned | OutcomeKind::Proposed => 0,
                OutcomeKind::Invalid => 2,
                OutcomeKind::HeadMoved => 3,
                OutcomeKind::Superseded => 4,
                OutcomeKind::Rejected => 5,
                OutcomeKind::Mismatch => 6,
                OutcomeKind::NotFound => 7,
                OutcomeKind::Unauthorized => 8,
                OutcomeKind::Unavailable => 9,
                OutcomeKind::Unknown => 10,
            },
            Self::Blocked => 5,
            Self::Due { told: true } => 11,
            Self::Due { told: false } | Self::Clean | Self::Answered => 0,
            Self::Defect => 1,
        }
    }
}
