//! Time, as a trait, so that every wait can be replayed.

use async_trait::async_trait;
use std::{
    fmt::Debug,
    time::{Duration, SystemTime},
};

/// Tells the time and waits.
#[async_trait]
pub trait Clock: Debug + Send + Sync + 'static {
    /// The time, for the commit's date and to bound how long a pin goes on; nothing is ever ordered by it.
    fn now(&self) -> SystemTime;
    /// Waits.
    async fn sleep(&self, time: Duration);
}

/// How long to bear with servers.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How often anything is asked or looked for.
    pub tries: u32,
    /// The wait before the second try; it doubles. All waits together should outlast the oldest stale read. Also the shortest
    /// limit of the pauses after lost races, where a pin waits.
    pub pause: Duration,
    /// The longest wait that a server may ask for; who asks for more is told no at once.
    pub longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 6, pause: Duration::from_secs(1), longest: Duration::from_secs(90) }
    }
}

impl Patience {
    /// None at first, then the pause, then twice as long each time.
    pub(crate) fn waits(self) -> impl Iterator<Item = Duration> {
        (0..self.tries.max(1))
            .map(move |n| if n == 0 { Duration::ZERO } else { self.pause * 2u32.pow(n.min(6) - 1) })
    }
}

/// The clock of this machine, waiting on tokio's timer.
#[cfg(feature = "system-clock")]
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[cfg(feature = "system-clock")]
#[async_trait]
impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the clock that everybody else takes")]
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }
}
