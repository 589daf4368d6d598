//! A cluster that comes round.

use async_trait::async_trait;
use pinlib::{
    Application, BackendError, BackendErrorKind, Cluster, ObjectName, Pod, RecordedCluster, ReplicaSet,
    Rollout,
};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

#[derive(Debug)]
pub(super) enum Turning {
    Pods { before: Box<RecordedCluster>, after: Box<RecordedCluster>, left: AtomicUsize },
    Failing { inner: Arc<Self>, kind: BackendErrorKind, left: AtomicUsize },
}

impl Turning {
    pub(super) fn new(before: RecordedCluster, after: RecordedCluster, turns: usize) -> Self {
        Self::Pods { before: before.into(), after: after.into(), left: turns.into() }
    }
    pub(super) fn failing(inner: Arc<Self>, kind: BackendErrorKind, turns: usize) -> Self {
        Self::Failing { inner, kind, left: turns.into() }
    }
}

fn turn(left: &AtomicUsize) -> bool {
    left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)).is_ok()
}

impl fmt::Display for Turning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a cluster that turns")
    }
}

#[async_trait]
impl Cluster for Turning {
    async fn pods(&self, namespace: Option<&ObjectName>) -> Result<Vec<Pod>, BackendError> {
        match self {
            Self::Pods { before, left, .. } if turn(left) => before.pods(namespace).await,
            Self::Pods { after, .. } => after.pods(namespace).await,
            Self::Failing { kind, left, .. } if turn(left) => Err(BackendError::new(*kind, "list pods")),
            Self::Failing { inner, .. } => inner.pods(namespace).await,
        }
    }
    async fn replica_sets(&self, _: Option<&ObjectName>) -> Result<Vec<ReplicaSet>, BackendError> {
        Ok(Vec::new())
    }
    async fn rollouts(&self, _: Option<&ObjectName>) -> Result<Vec<Rollout>, BackendError> {
        Ok(Vec::new())
    }
    async fn application(&self, _: &ObjectName, _: &ObjectName) -> Result<Application, BackendError> {
        Err(BackendError::new(BackendErrorKind::NotFound, "get an application"))
    }
}
