//! A cluster as `kubectl get … -o json` printed it.

use super::{
    Cluster, ObjectName, list,
    object::{Application, Object, Pod, ReplicaSet, Rollout},
};
use crate::backend::{BackendError, BackendErrorKind};
use async_trait::async_trait;
use std::{collections::BTreeSet, fmt};

/// What a cluster held when somebody looked: the output of
/// `kubectl get pods,replicasets,rollouts,applications -o json`, or of less of that.
#[derive(Clone, Debug)]
pub struct RecordedCluster {
    name: String,
    pods: Vec<Pod>,
    replica_sets: Vec<ReplicaSet>,
    rollouts: Vec<Rollout>,
    applications: Vec<Application>,
}

impl RecordedCluster {
    /// Reads a `List` of JSON, which errors call `name`. Objects of other kinds are passed over.
    ///
    /// # Errors
    /// `Invalid` where it is not a list, where an object is malformed, and where one pod stands there twice.
    pub fn read(name: &str, json: &[u8]) -> Result<Self, BackendError> {
        let invalid = |why: String| {
            BackendError::new(BackendErrorKind::Invalid, format!("read the pods in {name}")).because(why)
        };
        let list = list::read(json, None).map_err(|error| invalid(error.to_string()).with_source(error))?;
        if list.next.is_some() {
            return Err(BackendError::new(BackendErrorKind::Incomplete, format!("read the pods in {name}"))
                .because("it is one page of a list that goes on"));
        }
        let mut cluster = Self {
            name: name.to_owned(),
            pods: Vec::new(),
            replica_sets: Vec::new(),
            rollouts: Vec::new(),
            applications: Vec::new(),
        };
        for object in list.objects {
            match object {
                Object::Pod(pod) => cluster.pods.push(pod),
                Object::ReplicaSet(set) => cluster.replica_sets.push(set),
                Object::Rollout(rollout) => cluster.rollouts.push(rollout),
                Object::Application(application) => cluster.applications.push(application),
                Object::Other => {}
            }
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = cluster.pods.iter().find(|pod| !seen.insert((&pod.namespace, &pod.name))) {
            return Err(invalid(format!("the pod {}/{} stands there twice", twice.namespace, twice.name)));
        }
        Ok(cluster)
    }
}

impl fmt::Display for RecordedCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Those of one namespace, or all.
fn of<T: Clone>(all: &[T], namespace: Option<&ObjectName>, own: impl Fn(&T) -> &str) -> Vec<T> {
    let here = |one: &&T| namespace.is_none_or(|name| own(one) == name.as_str());
    all.iter().filter(here).cloned().collect()
}

#[async_trait]
impl Cluster for RecordedCluster {
    async fn pods(&self, namespace: Option<&ObjectName>) -> Result<Vec<Pod>, BackendError> {
        Ok(of(&self.pods, namespace, |pod| &pod.namespace))
    }
    async fn replica_sets(&self, namespace: Option<&ObjectName>) -> Result<Vec<ReplicaSet>, BackendError> {
        Ok(of(&self.replica_sets, namespace, |set| &set.namespace))
    }
    async fn rollouts(&self, namespace: Option<&ObjectName>) -> Result<Vec<Rollout>, BackendError> {
        Ok(of(&self.rollouts, namespace, |rollout| &rollout.namespace))
    }
    async fn application(
        &self,
        namespace: &ObjectName,
        name: &ObjectName,
    ) -> Result<Application, BackendError> {
        let is = |one: &&Application| one.namespace == namespace.as_str() && one.name == name.as_str();
        self.applications.iter().find(is).cloned().ok_or_else(|| {
            let act = format!("read the application {namespace}/{name} in {self}");
            BackendError::new(BackendErrorKind::NotFound, act).because("it holds no such application")
        })
    }
}
