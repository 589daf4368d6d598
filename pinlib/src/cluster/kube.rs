//! An API server, asked through the `kube` crate: lists page by page, nothing but reads.

use super::{
    Cluster, Forbidden, ObjectName,
    list::{self, List},
    object::{Application, Object, Pod, ReplicaSet, Rollout},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    meter::Meter,
};
use async_trait::async_trait;
use http::{Request, StatusCode, Uri, header::RETRY_AFTER};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use kube::{
    Client, Config,
    api::ListParams,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig, KubeconfigError},
    core::{Request as Path, params::GetParams},
};
use serde::Deserialize;
use std::{
    error::Error as StdError,
    fmt,
    net::IpAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

/// So many objects are asked for at once, as kubectl does.
const PAGE: u32 = 500;
/// The longest page that is read: some ten times what 500 pods have.
const PAGE_LIMIT: usize = 64 << 20;
/// More pages than this are no list, however short they are.
const PAGES: usize = list::MOST / 500 + 1;
/// So long a page may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A Kubernetes cluster, by its API.
///
/// It needs `list` of `pods`, and where pods are of several revisions or of Rollouts, of `replicasets` and `rollouts`; `get` of
/// an `applications`. Each is one request a page, and none is ever repeated.
#[derive(Clone)]
pub struct KubeCluster {
    client: Client,
    server: String,
    meter: Meter,
}

impl fmt::Debug for KubeCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The client holds credentials.
        f.debug_struct("KubeCluster").field("server", &self.server).finish_non_exhaustive()
    }
}

impl fmt::Display for KubeCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.server)
    }
}

/// Where a cluster is found, and as whom it is asked.
#[derive(Clone, Debug, Default)]
pub struct KubeAccess {
    /// The kubeconfig; without one, those of the variable `KUBECONFIG`, else `~/.kube/config`, else the service account of the
    /// pod that this runs in.
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; without one, its current one.
    pub context: Option<String>,
}

/// One kind of object, as the API has it.
struct Resource {
    /// The path before its namespace.
    group: &'static str,
    name: &'static str,
    kind: &'static str,
}

const PODS: Resource = Resource { group: "/api/v1", name: "pods", kind: "Pod" };
const REPLICA_SETS: Resource = Resource { group: "/apis/apps/v1", name: "replicasets", kind: "ReplicaSet" };
const ROLLOUTS: Resource =
    Resource { group: "/apis/argoproj.io/v1alpha1", name: "rollouts", kind: "Rollout" };
const APPLICATIONS: Resource =
    Resource { group: "/apis/argoproj.io/v1alpha1", name: "applications", kind: "Application" };

impl Resource {
    fn path(&self, namespace: Option<&ObjectName>) -> Path {
        let namespace = namespace.map(|name| format!("/namespaces/{name}")).unwrap_or_default();
        Path::new(format!("{}{namespace}/{}", self.group, self.name))
    }
    fn act(&self, verb: &str, namespace: Option<&ObjectName>) -> String {
        match namespace {
            Some(namespace) => format!("{verb} {} in the namespace {namespace}", self.name),
            None => format!("{verb} {} in all namespaces", self.name),
        }
    }
}

impl KubeCluster {
    /// Finds a cluster as kubectl does. Its requests are counted by `meter`. TLS is by the process's own provider.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Invalid` where what there is cannot be used.
    pub async fn open(access: &KubeAccess, meter: Meter) -> Result<Self, BackendError> {
        let failed =
            |kind, error: &dyn StdError| BackendError::new(kind, "find a cluster").because(error.to_string());
        let none = |error: KubeconfigError| failed(BackendErrorKind::NotFound, &error).with_source(error);
        let KubeAccess { kubeconfig, context } = access;
        let options = KubeConfigOptions { context: context.clone(), ..KubeConfigOptions::default() };
        let found = match (kubeconfig, context) {
            (Some(file), _) => {
                let file = Kubeconfig::read_from(file).map_err(none)?;
                Config::from_custom_kubeconfig(file, &options).await.map_err(none)
            }
            (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(none),
            (None, None) => Config::infer().await.map_err(|error| {
                // Of the two failures, its source is the kubeconfig's: that is what people have.
                let why: &dyn StdError = error.source().unwrap_or(&error);
                failed(BackendErrorKind::NotFound, why).with_source(error)
            }),
        };
        let mut config = found?;
        // Waiting is the core's.
        config.default_retry = false;
        config.read_timeout = Some(Duration::from_secs(30));
        config.reset_reader_on_write = true;
        if config.cluster_url.scheme_str() != Some("https") && !is_loopback(&config.cluster_url) {
            return Err(BackendError::new(BackendErrorKind::Invalid, "find a cluster").because(format!(
                "{} would be sent a token without TLS",
                config.cluster_url.host().unwrap_or_default()
            )));
        }
        let host = config.cluster_url.authority().map(|authority| {
            let whole = authority.as_str();
            whole.rsplit_once('@').map_or(whole, |(_, host)| host).to_owned()
        });
        let server = host.unwrap_or_else(|| "a cluster without an address".to_owned());
        let client = Client::try_from(config)
            .map_err(|error| failed(BackendErrorKind::Invalid, &error).with_source(error))?;
        Ok(Self { client, server, meter })
    }

    /// The namespace of the context, or of the service account.
    pub fn namespace(&self) -> Option<ObjectName> {
        self.client.default_namespace().parse().ok()
    }

    /// Lists all of one kind.
    async fn list(
        &self,
        what: &Resource,
        namespace: Option<&ObjectName>,
        request: impl Fn(&Path, &ListParams) -> Result<Request<Vec<u8>>, kube::core::request::Error> + Sync,
    ) -> Result<Vec<Object>, BackendError> {
        let (act, path) = (what.act("list", namespace), what.path(namespace));
        // A list takes its time, and the server forgets after some minutes where it began. Once it is begun again.
        let mut begun_again = false;
        'list: loop {
            let (mut objects, mut next) = (Vec::new(), None);
            for _ in 0..PAGES {
                let page =
                    ListParams { limit: Some(PAGE), continue_token: next.take(), ..ListParams::default() };
                let request = request(&path, &page).map_err(|error| invalid(&act, &error))?;
                let answer = self.send(&act, request).await?;
                if answer.status == StatusCode::GONE && page.continue_token.is_some() && !begun_again {
                    begun_again = true;
                    continue 'list;
                }
                let body = answer.good(&act, ("list", what, namespace))?;
                let List { objects: more, next: token } =
                    list::read(&body, Some(what.kind)).map_err(|error| invalid(&act, &error))?;
                objects.extend(more);
                if objects.len() > list::MOST {
                    break;
                }
                match token {
                    Some(token) => next = Some(token),
                    None => return Ok(objects),
                }
            }
            let why = format!("there are more than {} objects, or than {PAGES} pages", list::MOST);
            return Err(BackendError::new(BackendErrorKind::Incomplete, act).because(why));
        }
    }

    /// Sends once and reads the whole answer, within bounds.
    async fn send(&self, act: &str, request: Request<Vec<u8>>) -> Result<Answer, BackendError> {
        let (place, start) = (format!("{}{}", self.server, request.uri().path()), Instant::now());
        self.meter.count(&self.server, 1, 0, 0);
        let late = || Lost { kind: BackendErrorKind::Unavailable, why: "no answer in time".to_owned() };
        let answer =
            tokio::time::timeout(PATIENCE, self.receive(request)).await.unwrap_or_else(|_| Err(late()));
        let (status, received) =
            answer.as_ref().map_or((0, 0), |answer| (answer.status.as_u16(), answer.body.len() as u64));
        self.meter.count(&self.server, 0, 0, received);
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        tracing::info!(target: "pinlib::http", method = "GET", place, status, sent = 0, received, milliseconds);
        answer.map_err(|Lost { kind, why }| BackendError::new(kind, act).because(why))
    }

    async fn receive(&self, request: Request<Vec<u8>>) -> Result<Answer, Lost> {
        let response = self.client.send(request.map(Body::from)).await.map_err(|error| {
            let kind = match &error {
                kube::Error::Auth(_) => BackendErrorKind::Unauthorized,
                _ => BackendErrorKind::Unavailable,
            };
            Lost { kind, why: reason(&error) }
        })?;
        let status = response.status();
        let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let body = Limited::new(response.into_body(), PAGE_LIMIT).collect().await.map_err(|error| {
            let long = error.downcast_ref::<LengthLimitError>().is_some();
            let kind = if long { BackendErrorKind::Invalid } else { BackendErrorKind::Unavailable };
            Lost { kind, why: reason(&*error) }
        })?;
        let retry_after = seconds.map(Duration::from_secs);
        Ok(Answer { status, retry_after, body: body.to_bytes().to_vec() })
    }
}

/// Why there is no whole answer.
struct Lost {
    kind: BackendErrorKind,
    why: String,
}

/// A whole answer.
struct Answer {
    status: StatusCode,
    retry_after: Option<Duration>,
    body: Vec<u8>,
}

impl Answer {
    /// The body of a yes; else what the server's word for no means.
    ///
    /// Source: <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>.
    fn good(
        self,
        act: &str,
        (verb, what, namespace): (&'static str, &Resource, Option<&ObjectName>),
    ) -> Result<Vec<u8>, BackendError> {
        #[derive(Deserialize)]
        struct Status {
            message: Option<String>,
        }
        let kind = match self.status {
            StatusCode::OK => return Ok(self.body),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => BackendErrorKind::Unauthorized,
            StatusCode::NOT_FOUND => BackendErrorKind::NotFound,
            StatusCode::GONE => BackendErrorKind::Incomplete,
            StatusCode::TOO_MANY_REQUESTS => BackendErrorKind::RateLimited,
            status if status.is_server_error() => BackendErrorKind::Unavailable,
            _ => BackendErrorKind::Invalid,
        };
        let told = serde_json::from_slice::<Status>(&self.body).ok().and_then(|status| status.message);
        let told = told
            .map_or_else(|| format!("it answers {}", self.status), |text| text.chars().take(400).collect());
        let mut error = BackendError::new(kind, act).because(told);
        if self.status == StatusCode::FORBIDDEN {
            let namespace = namespace.cloned();
            error = error.with_source(Forbidden { verb, resource: what.name, namespace });
        }
        Err(match self.retry_after {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        })
    }
}

/// Whether an address is this machine's own, as with `kubectl proxy`.
fn is_loopback(address: &Uri) -> bool {
    let host = address.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn invalid(act: &str, error: &(dyn StdError + 'static)) -> BackendError {
    BackendError::new(BackendErrorKind::Invalid, act).because(reason(error))
}

/// The innermost cause: the layers above it say no more than that something failed.
fn reason(error: &(dyn StdError + 'static)) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

macro_rules! those {
    ($objects:expr, $kind:ident) => {
        $objects.into_iter().filter_map(|object| match object {
            Object::$kind(one) => Some(one),
            _ => None,
        })
    };
}

#[async_trait]
impl Cluster for KubeCluster {
    async fn pods(&self, namespace: Option<&ObjectName>) -> Result<Vec<Pod>, BackendError> {
        let objects = self.list(&PODS, namespace, Path::list).await?;
        Ok(those!(objects, Pod).collect())
    }
    async fn replica_sets(&self, namespace: Option<&ObjectName>) -> Result<Vec<ReplicaSet>, BackendError> {
        // Their metadata says it all; each of them holds a whole template beside it.
        let objects = self.list(&REPLICA_SETS, namespace, Path::list_metadata).await?;
        Ok(those!(objects, ReplicaSet).collect())
    }
    async fn rollouts(&self, namespace: Option<&ObjectName>) -> Result<Vec<Rollout>, BackendError> {
        let objects = self.list(&ROLLOUTS, namespace, Path::list).await?;
        Ok(those!(objects, Rollout).collect())
    }
    async fn application(
        &self,
        namespace: &ObjectName,
        name: &ObjectName,
    ) -> Result<Application, BackendError> {
        let act = format!("get the application {namespace}/{name}");
        let path = APPLICATIONS.path(Some(namespace));
        let request =
            path.get(name.as_str(), &GetParams::default()).map_err(|error| invalid(&act, &error))?;
        let answer = self.send(&act, request).await?;
        let body = answer.good(&act, ("get", &APPLICATIONS, Some(namespace)))?;
        let value = serde_json::from_slice(&body).map_err(|error| invalid(&act, &error))?;
        match Object::read(value, None).map_err(|error| invalid(&act, &error))? {
            Object::Application(application) => Ok(application),
            _ => {
                Err(BackendError::new(BackendErrorKind::Invalid, act)
                    .because("the answer is of another kind"))
            }
        }
    }
}
