//! Backends in memory, stricter than the real ones.
//!
//! They yield only where the world can change under a caller: after a head is read and after a commit, while the answer
//! travels. A yield before would hide nothing but a forge that compares here and pushes later; what is read by object
//! id cannot change, so a yield there would only multiply equal schedules.

mod forge;
mod registry;
mod review;

use async_trait::async_trait;
use pinlib::{BackendError, BackendErrorKind, Clock};
use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

pub use forge::{Files, MemoryForge, bot, human};
pub use registry::MemoryRegistry;

fn not_found(act: String) -> BackendError {
    BackendError::new(BackendErrorKind::NotFound, act)
}

/// A clock that moves only when somebody waits.
#[derive(Debug, Default)]
pub struct MemoryClock(Mutex<Duration>);

impl MemoryClock {
    /// How long everybody waited.
    pub fn waited(&self) -> Duration {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Clock for MemoryClock {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.waited()
    }
    async fn sleep(&self, time: Duration) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) += time;
    }
}
