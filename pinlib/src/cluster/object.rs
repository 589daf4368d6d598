//! The objects of a cluster, as far as they say what runs: read from JSON, lenient in what is left out.

use super::image_id::ImageId;
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use std::{collections::BTreeMap, fmt};

/// What holds a pod: a `Deployment`, a `Rollout`, a `StatefulSet` and their like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the cluster's own words")]
pub struct Owner {
    pub kind: String,
    pub name: String,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind, self.name)
    }
}

/// A pod, as far as it says what runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pod {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What holds it: behind a `ReplicaSet`, what holds that, as far as names and labels tell.
    pub owner: Option<Owner>,
    /// The `ReplicaSet` that holds it.
    pub replica_set: Option<String>,
    /// The hash of its template, by which a `Deployment` or a `Rollout` tells its revisions apart.
    pub template: Option<String>,
    /// Whether it has come to its end, and runs no more.
    pub finished: bool,
    /// Whether it was told to go.
    pub leaving: bool,
    /// Its containers, of every kind.
    pub containers: Vec<Container>,
}

/// What a container is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// One of the pod's own.
    Main,
    /// One that runs before those, or beside them where it is restarted always.
    Init,
    /// One that somebody put in to look around (`kubectl debug`).
    Ephemeral,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Main => "container",
            Self::Init => "init container",
            Self::Ephemeral => "ephemeral container",
        })
    }
}

/// A container of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The image that its pod asks for, as it is written there.
    pub image: String,
    /// The image that its node says it runs.
    pub image_id: ImageId,
    /// Whether it serves; of an init container, whether it has done its work.
    pub ready: bool,
    /// Why it waits, in the node's word, as `ImagePullBackOff`.
    pub waiting: Option<String>,
}

/// One revision of a `Deployment` or `Rollout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaSet {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What holds it.
    pub owner: Option<Owner>,
    /// Its number among the revisions; the newest has the highest.
    pub revision: Option<u64>,
}

/// An Argo Rollout, as far as it says which of its revisions is which.
///
/// Source: `RolloutStatus` in <https://github.com/argoproj/argo-rollouts/blob/master/pkg/apis/rollouts/v1alpha1/types.go>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The hash of the template that is proven, and served to most.
    pub stable: Option<String>,
    /// The hash of the template that it is on its way to; the stable one where it arrived.
    pub current: Option<String>,
    /// Whether it was broken off, and goes back to the stable one.
    pub aborted: bool,
}

/// An Argo CD Application, as far as it says what it brought to the cluster.
///
/// Source: `ApplicationStatus` in <https://github.com/argoproj/argo-cd/blob/master/pkg/apis/application/v1alpha1/types.go>.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The revisions that it was synced to: one, or one a source. Of a chart it is the chart's version.
    pub revisions: Vec<String>,
    /// `Synced`, `OutOfSync` or `Unknown`.
    pub sync: Option<String>,
    /// `Healthy`, `Progressing`, `Degraded` and so on.
    pub health: Option<String>,
    /// The images of what it holds, as they are written there.
    pub images: Vec<String>,
}

/// One object of a cluster, of a kind that matters here.
#[derive(Clone, Debug)]
pub(super) enum Object {
    Pod(Pod),
    ReplicaSet(ReplicaSet),
    Rollout(Rollout),
    Application(Application),
    /// Of another kind.
    Other,
}

/// Takes a list, a map or a value that may be `null`, as Go writes what is empty.
fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Meta {
    name: String,
    #[serde(deserialize_with = "or_default")]
    namespace: String,
    #[serde(deserialize_with = "or_default")]
    labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    owner_references: Vec<OwnerReference>,
    deletion_timestamp: Option<String>,
}

#[derive(Deserialize)]
struct OwnerReference {
    kind: String,
    name: String,
    #[serde(default)]
    controller: Option<bool>,
}

impl Meta {
    fn owner(&self) -> Option<Owner> {
        let holds = self.owner_references.iter().find(|owner| owner.controller == Some(true));
        holds.map(|owner| Owner { kind: owner.kind.clone(), name: owner.name.clone() })
    }
}

#[derive(Deserialize)]
struct PodBody {
    metadata: Meta,
    spec: PodSpec,
    #[serde(default, deserialize_with = "or_default")]
    status: PodStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodSpec {
    containers: Vec<ContainerSpec>,
    #[serde(default, deserialize_with = "or_default")]
    init_containers: Vec<ContainerSpec>,
    #[serde(default, deserialize_with = "or_default")]
    ephemeral_containers: Vec<ContainerSpec>,
}

#[derive(Deserialize)]
struct ContainerSpec {
    name: String,
    #[serde(default)]
    image: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodStatus {
    #[serde(deserialize_with = "or_default")]
    phase: String,
    #[serde(deserialize_with = "or_default")]
    container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    init_container_statuses: Vec<ContainerStatus>,
    #[serde(deserialize_with = "or_default")]
    ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    #[serde(default, rename = "imageID")]
    image_id: String,
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    state: State,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct State {
    waiting: Option<Reason>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reason {
    reason: Option<String>,
}

/// The label by which a Deployment marks the pods of one revision, and that of a Rollout.
const TEMPLATE: &str = "pod-template-hash";
const ROLLOUT_TEMPLATE: &str = "rollouts-pod-template-hash";
const REVISION: [&str; 2] = ["deployment.kubernetes.io/revision", "rollout.argoproj.io/revision"];

impl From<PodBody> for Pod {
    fn from(body: PodBody) -> Self {
        let PodBody { metadata, spec, status } = body;
        let mut containers = Vec::new();
        for (role, specs, statuses) in [
            (Role::Main, spec.containers, status.container_statuses),
            (Role::Init, spec.init_containers, status.init_container_statuses),
            (Role::Ephemeral, spec.ephemeral_containers, status.ephemeral_container_statuses),
        ] {
            let mut told: BTreeMap<_, _> =
                statuses.into_iter().map(|status| (status.name.clone(), status)).collect();
            containers.extend(specs.into_iter().map(|ContainerSpec { name, image }| {
                let status = told.remove(&name);
                let image_id =
                    status.as_ref().map_or(ImageId::Absent, |status| ImageId::parse(&status.image_id));
                let ready = status.as_ref().is_some_and(|status| status.ready);
                let waiting = status.and_then(|status| status.state.waiting?.reason);
                Container { name, role, image, image_id, ready, waiting }
            }));
        }
        let direct = metadata.owner();
        let rollout = metadata.labels.get(ROLLOUT_TEMPLATE);
        let template = rollout.or(metadata.labels.get(TEMPLATE)).cloned();
        let replica_set =
            direct.as_ref().filter(|owner| owner.kind == "ReplicaSet").map(|owner| owner.name.clone());
        // A ReplicaSet that a controller made is called by that one's name and the template's hash.
        let holder = replica_set.as_ref().zip(template.as_ref()).and_then(|(set, hash)| {
            let name = set.strip_suffix(hash.as_str())?.strip_suffix('-')?.to_owned();
            let kind = if rollout.is_some() { "Rollout" } else { "Deployment" };
            Some(Owner { kind: kind.to_owned(), name })
        });
        Self {
            namespace: metadata.namespace,
            name: metadata.name,
            owner: holder.or(direct),
            replica_set,
            template,
            finished: matches!(status.phase.as_str(), "Succeeded" | "Failed"),
            leaving: metadata.deletion_timestamp.is_some(),
            containers,
        }
    }
}

#[derive(Deserialize)]
struct Bare {
    metadata: Meta,
}

impl From<Bare> for ReplicaSet {
    fn from(Bare { metadata }: Bare) -> Self {
        let revision = REVISION.iter().find_map(|key| metadata.annotations.get(*key)?.parse().ok());
        let owner = metadata.owner();
        Self { namespace: metadata.namespace, name: metadata.name, owner, revision }
    }
}

#[derive(Deserialize)]
struct RolloutBody {
    metadata: Meta,
    #[serde(default, deserialize_with = "or_default")]
    status: RolloutStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct RolloutStatus {
    #[serde(rename = "stableRS")]
    stable: Option<String>,
    current_pod_hash: Option<String>,
    #[serde(deserialize_with = "or_default")]
    abort: bool,
}

impl From<RolloutBody> for Rollout {
    fn from(RolloutBody { metadata, status }: RolloutBody) -> Self {
        let told = |hash: Option<String>| hash.filter(|hash| !hash.is_empty());
        Self {
            namespace: metadata.namespace,
            name: metadata.name,
            stable: told(status.stable),
            current: told(status.current_pod_hash),
            aborted: status.abort,
        }
    }
}

#[derive(Deserialize)]
struct ApplicationBody {
    metadata: Meta,
    #[serde(default, deserialize_with = "or_default")]
    status: ApplicationStatus,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ApplicationStatus {
    #[serde(deserialize_with = "or_default")]
    sync: SyncStatus,
    #[serde(deserialize_with = "or_default")]
    health: Word,
    #[serde(deserialize_with = "or_default")]
    summary: Summary,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SyncStatus {
    status: Option<String>,
    #[serde(deserialize_with = "or_default")]
    revision: String,
    #[serde(deserialize_with = "or_default")]
    revisions: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Word {
    status: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Summary {
    #[serde(deserialize_with = "or_default")]
    images: Vec<String>,
}

impl From<ApplicationBody> for Application {
    fn from(ApplicationBody { metadata, status }: ApplicationBody) -> Self {
        let ApplicationStatus { sync, health, summary } = status;
        // Of several sources `revisions` tells, and `revision` is empty.
        let mut revisions = if sync.revisions.is_empty() { vec![sync.revision] } else { sync.revisions };
        revisions.retain(|revision| !revision.is_empty());
        Self {
            namespace: metadata.namespace,
            name: metadata.name,
            revisions,
            sync: sync.status,
            health: health.status,
            images: summary.images,
        }
    }
}

impl Object {
    /// Reads one object; where it does not say its kind, as in the lists of the API, it is of this one.
    ///
    /// # Errors
    /// Where nothing says its kind: who passes over a pod takes it for gone.
    pub(super) fn read(value: Value, kind: Option<&str>) -> Result<Self, serde_json::Error> {
        let own = |key| value.get(key).and_then(Value::as_str);
        // Sorted keys put a list's kind behind its items. Of what does not say its own, only a pod has containers there.
        let pod = || value.pointer("/spec/containers").is_some_and(Value::is_array).then_some("Pod");
        let Some(kind) = own("kind").or(kind).or_else(pod).map(str::to_owned) else {
            return Err(de::Error::custom("an object does not say its kind"));
        };
        // Other groups have an Application too.
        let argo = own("apiVersion").is_none_or(|group| group.starts_with("argoproj.io/"));
        let object = match kind.as_str() {
            "Pod" => Self::Pod(PodBody::deserialize(value)?.into()),
            // Of metadata alone it is not said of what kind of object; only of these it is asked for.
            "ReplicaSet" | "PartialObjectMetadata" => Self::ReplicaSet(Bare::deserialize(value)?.into()),
            "Rollout" if argo => Self::Rollout(RolloutBody::deserialize(value)?.into()),
            "Application" if argo => Self::Application(ApplicationBody::deserialize(value)?.into()),
            _ => Self::Other,
        };
        match &object {
            Self::Pod(Pod { name, .. })
            | Self::ReplicaSet(ReplicaSet { name, .. })
            | Self::Rollout(Rollout { name, .. })
            | Self::Application(Application { name, .. })
                if name.is_empty() =>
            {
                Err(de::Error::custom(format!("a {kind} without a name")))
            }
            _ => Ok(object),
        }
    }
}
