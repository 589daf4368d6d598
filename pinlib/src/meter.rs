//! What went over the wire, counted where it goes.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Counts what went over the wire, by host; its copies count together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<BTreeMap<String, Traffic>>>);

/// What went over the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// How many requests were sent, those without an answer among them.
    pub requests: u64,
    /// Bytes of request bodies.
    pub sent: u64,
    /// Bytes of answer bodies.
    pub received: u64,
}

impl Meter {
    /// What went to each host, by `HOST` or `HOST:PORT`.
    pub fn hosts(&self) -> BTreeMap<String, Traffic> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
    /// All of it.
    pub fn total(&self) -> Traffic {
        self.hosts().values().fold(Traffic::default(), |sum, one| Traffic {
            requests: sum.requests + one.requests,
            sent: sum.sent + one.sent,
            received: sum.received + one.received,
        })
    }
    pub(crate) fn count(&self, host: &str, requests: u64, sent: u64, received: u64) {
        let mut hosts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let traffic = hosts.entry(host.to_owned()).or_default();
        traffic.requests += requests;
        traffic.sent += sent;
        traffic.received += received;
    }
}
