//! How long a pin goes on after the races that it loses.

use crate::record::RunId;
use std::time::Duration;

/// How long a pin goes on after the races that it loses, under a policy that can pass what came first. Both bounds hold.
///
/// None by default. Even then a lost race is decided once more, at once: that tells what beat the pin, and whether anything
/// is left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wait {
    /// How often it is decided at most.
    pub tries: u32,
    /// How long after it began it may still be decided.
    pub time: Duration,
}

/// No pause is longer than so many times the shortest limit.
const LONGEST: u32 = 32;

impl Wait {
    /// The pause after so many decisions and so much time; none where a bound is used up.
    ///
    /// It is any length up to twice the time that is gone: so it grows with each race that was lost, sooner where servers are
    /// slow, and of many that lost to one commit each comes back at a time of its own. The run's id draws it, so that it can
    /// be replayed.
    pub(crate) fn pause(
        self,
        run: RunId,
        shortest: Duration,
        decisions: u32,
        gone: Duration,
    ) -> Option<Duration> {
        let left = self.time.saturating_sub(gone);
        if decisions >= self.tries || left.is_zero() {
            return (decisions == 1).then_some(Duration::ZERO);
        }
        let limit = gone.saturating_mul(2).clamp(shortest, shortest.saturating_mul(LONGEST));
        Some((limit / u32::from(u16::MAX)).saturating_mul(run.draw(decisions).into()).min(left))
    }
}
