//! What runs, held against what Git says.
//!
//! [`Cluster`] brings the raw facts: `recorded` reads what `kubectl` printed, `kube` asks an API server. `object`, `list` and
//! `image_id` read them, `wanted` reads what Git says at a commit, `same` tells whether two digests are one image and `prove`
//! asks the registry what that needs, `compare` makes a [`RunReport`] (`report`) of it all, and `verify` looks once or until
//! all is well.

mod compare;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod image_id;
#[cfg(feature = "kube")]
pub(crate) mod kube;
mod list;
mod object;
mod prove;
mod recorded;
pub(crate) mod report;
mod same;
pub(crate) mod verify;
pub(crate) mod wanted;

pub use image_id::ImageId;
pub use object::{Application, Container, Owner, Pod, ReplicaSet, Role, Rollout};
pub use recorded::RecordedCluster;
pub use same::Equality;

use crate::{backend::BackendError, parse::name};
use async_trait::async_trait;
use std::fmt::{Debug, Display};

name!(
    /// Names a namespace or an object of a cluster: a DNS subdomain.
    ///
    /// Source: <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
    ///
    /// ```
    /// use pinlib::ObjectName;
    /// assert!("ai-services".parse::<ObjectName>().is_ok());
    /// assert!("../kube-system".parse::<ObjectName>().is_err());
    /// # Ok::<(), pinlib::ParseError>(())
    /// ```
    ObjectName, "name in a cluster", object_name
);

fn object_name(text: &str) -> Result<(), &'static str> {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let part = |part: &str| {
        let bytes = part.as_bytes();
        bytes.first().zip(bytes.last()).is_some_and(|(a, z)| inner(*a) && inner(*z))
            && bytes.iter().all(|b| inner(*b) || *b == b'-')
    };
    if text.len() <= 253 && text.split('.').all(part) {
        Ok(())
    } else {
        Err(
            "want at most 253 lower-case letters, digits, - and ., each part to begin and end with a letter or digit",
        )
    }
}

/// Why a cluster did not tell: whoever asks may not. Found as the source of a [`BackendError`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the role may not {verb} {resource}")]
#[expect(missing_docs, reason = "the words of a role")]
pub struct Forbidden {
    pub verb: &'static str,
    pub resource: &'static str,
    pub namespace: Option<ObjectName>,
}

/// Tells what a Kubernetes cluster runs. Reads only, never waits, never retries; may be dropped at any point.
///
/// A list is whole or an error: whoever is not told of a pod would take it for gone.
#[async_trait]
pub trait Cluster: Debug + Display + Send + Sync + 'static {
    /// Lists the pods of a namespace, or of all.
    async fn pods(&self, namespace: Option<&ObjectName>) -> Result<Vec<Pod>, BackendError>;
    /// Lists the replica sets likewise: asked only where the pods of a workload are of several revisions.
    async fn replica_sets(&self, namespace: Option<&ObjectName>) -> Result<Vec<ReplicaSet>, BackendError>;
    /// Lists the Argo Rollouts likewise: asked only where a pod belongs to one.
    async fn rollouts(&self, namespace: Option<&ObjectName>) -> Result<Vec<Rollout>, BackendError>;
    /// Reads one Argo CD Application.
    async fn application(
        &self,
        namespace: &ObjectName,
        name: &ObjectName,
    ) -> Result<Application, BackendError>;
}
