//! The objects of a cluster, in the shapes that the API publishes.
//!
//! Sources: `api/openapi-spec/v3/api__v1_openapi.json` and `apis__apps__v1_openapi.json` of
//! <https://github.com/kubernetes/kubernetes>, `manifests/crds/rollout-crd.yaml` of <https://github.com/argoproj/argo-rollouts>,
//! and `manifests/crds/application-crd.yaml` of <https://github.com/argoproj/argo-cd>. A test reads each of the first two back
//! through types that are generated from there.

use serde_json::{Value, json};

const TIME: &str = "2026-11-29T10:00:00Z";

/// A pod, put together.
#[derive(Clone, Debug)]
pub struct PodObject(Value);

impl PodObject {
    /// A running pod of nobody's, without containers.
    pub fn new(namespace: &str, name: &str) -> Self {
        Self(json!({
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": name,
                "namespace": namespace,
                "uid": "7c0d2a1e-9f7b-4f0e-8f2e-0d8c0e6a1b2c",
                "resourceVersion": "1042",
                "creationTimestamp": TIME,
                "labels": {"app.kubernetes.io/name": "web"},
                "managedFields": [{
                    "manager": "kubelet", "operation": "Update", "apiVersion": "v1", "time": TIME, "subresource": "status",
                    "fieldsType": "FieldsV1", "fieldsV1": {"f:status": {"f:containerStatuses": {}}},
                }],
            },
            "spec": {
                "containers": [],
                "nodeName": "node-1",
                "restartPolicy": "Always",
                "serviceAccountName": "default",
                "volumes": [{"name": "kube-api-access", "projected": {"sources": [{"serviceAccountToken": {"path": "token"}}]}}],
            },
            "status": {
                "phase": "Running",
                "podIP": "10.1.0.7",
                "startTime": TIME,
                "qosClass": "BestEffort",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": TIME}],
            },
        }))
    }
    /// Of a replica set of this deployment.
    #[must_use]
    pub fn of_deployment(self, name: &str, hash: &str) -> Self {
        self.label("pod-template-hash", hash).owned("apps/v1", "ReplicaSet", &format!("{name}-{hash}"))
    }
    /// Of a replica set of this Rollout.
    #[must_use]
    pub fn of_rollout(self, name: &str, hash: &str) -> Self {
        self.label("rollouts-pod-template-hash", hash).owned(
            "apps/v1",
            "ReplicaSet",
            &format!("{name}-{hash}"),
        )
    }
    /// Of a controller of its own.
    #[must_use]
    pub fn owned(mut self, api: &str, kind: &str, name: &str) -> Self {
        self.0["metadata"]["ownerReferences"] = json!([{
            "apiVersion": api, "kind": kind, "name": name, "uid": "3b1c", "controller": true, "blockOwnerDeletion": true,
        }]);
        self
    }
    fn label(mut self, key: &str, value: &str) -> Self {
        self.0["metadata"]["labels"][key] = value.into();
        self
    }
    /// With a container that runs and serves.
    #[must_use]
    pub fn container(self, name: &str, image: &str, image_id: &str) -> Self {
        self.with(["containers", "containerStatuses"], name, image, image_id)
    }
    /// With an init container that has done its work.
    #[must_use]
    pub fn init(self, name: &str, image: &str, image_id: &str) -> Self {
        self.with(["initContainers", "initContainerStatuses"], name, image, image_id)
    }
    /// With a container of `kubectl debug`.
    #[must_use]
    pub fn ephemeral(self, name: &str, image: &str, image_id: &str) -> Self {
        self.with(["ephemeralContainers", "ephemeralContainerStatuses"], name, image, image_id)
    }
    fn with(mut self, [specs, statuses]: [&str; 2], name: &str, image: &str, image_id: &str) -> Self {
        let push = |list: &mut Value, item: Value| match list.as_array_mut() {
            Some(items) => items.push(item),
            None => *list = json!([item]),
        };
        push(
            &mut self.0["spec"][specs],
            json!({"name": name, "image": image, "imagePullPolicy": "IfNotPresent"}),
        );
        let ready = statuses != "ephemeralContainerStatuses";
        push(
            &mut self.0["status"][statuses],
            json!({
                "name": name, "image": image, "imageID": image_id, "ready": ready, "started": true, "restartCount": 0,
                "containerID": "containerd://3c4138e77cc9d34ce6d82af7e5992921", "lastState": {},
                "state": {"running": {"startedAt": TIME}},
            }),
        );
        self
    }
    /// Of which the last container waits, for this reason.
    #[must_use]
    pub fn waiting(mut self, reason: &str) -> Self {
        if let Some(status) =
            self.0["status"]["containerStatuses"].as_array_mut().and_then(|all| all.last_mut())
        {
            status["ready"] = false.into();
            status["state"] = json!({"waiting": {"reason": reason, "message": "as the kubelet says"}});
        }
        self
    }
    /// That was told to go.
    #[must_use]
    pub fn leaving(mut self) -> Self {
        self.0["metadata"]["deletionTimestamp"] = TIME.into();
        self
    }
    /// In this phase.
    #[must_use]
    pub fn phase(mut self, phase: &str) -> Self {
        self.0["status"]["phase"] = phase.into();
        self
    }
    /// The object.
    pub fn json(self) -> Value {
        self.0
    }
}

/// A replica set of a deployment, of this revision.
pub fn replica_set(namespace: &str, deployment: &str, hash: &str, revision: u64) -> Value {
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{deployment}-{hash}"),
            "namespace": namespace,
            "annotations": {"deployment.kubernetes.io/revision": revision.to_string()},
            "labels": {"pod-template-hash": hash},
            "ownerReferences": [{
                "apiVersion": "apps/v1", "kind": "Deployment", "name": deployment, "uid": "9a2b", "controller": true,
            }],
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": {"pod-template-hash": hash}}},
        "status": {"replicas": 1},
    })
}

/// A Rollout on its way from a stable template to another.
pub fn rollout(namespace: &str, name: &str, [stable, current]: [&str; 2]) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": {"name": name, "namespace": namespace, "generation": 2},
        "spec": {"replicas": 4, "strategy": {"canary": {"steps": [{"setWeight": 25}, {"pause": {}}]}}},
        "status": {
            "phase": if stable == current { "Healthy" } else { "Paused" },
            "stableRS": stable, "currentPodHash": current, "currentStepIndex": 1, "observedGeneration": "2",
            "replicas": 4, "readyReplicas": 4, "updatedReplicas": 1, "HPAReplicas": 4, "canary": {},
        },
    })
}

/// An Application that is synced to a revision, in good health, with these images.
pub fn application(namespace: &str, name: &str, revision: &str, images: &[&str]) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example.com/shop/platform.git", "path": "deploy", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
        },
        "status": {
            "sync": {
                "status": "Synced", "revision": revision,
                "comparedTo": {"source": {"repoURL": "https://git.example.com/shop/platform.git"}, "destination": {}},
            },
            "health": {"status": "Healthy"},
            "reconciledAt": TIME,
            "summary": {"images": images},
        },
    })
}

/// These, as `kubectl get -o json` prints several objects.
pub fn printed(objects: &[Value]) -> String {
    json!({"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}})
        .to_string()
}
