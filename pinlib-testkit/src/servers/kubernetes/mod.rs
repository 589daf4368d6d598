//! A stub of a Kubernetes API server: it answers the reads that a verifier asks, as the API documents them, and what goes wrong
//! with them.
//!
//! Sources: <https://kubernetes.io/docs/reference/using-api/api-concepts/> (chunks, `410 Gone`, metadata alone) and
//! <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/>. Words of refusals are those of a server of
//! version 1.31.

pub mod objects;

use super::script::{Reply, Request, Script};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The token that the server wants.
const TOKEN: &str = "a-token-of-a-service-account";

/// The server. It ends with the process.
#[derive(Clone, Debug)]
pub struct ApiServer {
    script: Script,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    objects: Vec<Value>,
    /// Resources that the role may not read.
    forbidden: Vec<String>,
    /// So many continuations are refused as expired.
    expired: usize,
    /// So many requests are refused as too many.
    busy: usize,
    /// Whether strangers are let in.
    open: bool,
}

impl ApiServer {
    /// Starts it with these objects.
    ///
    /// # Errors
    /// Where there is no port left.
    pub fn start(objects: Vec<Value>) -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State { objects, ..State::default() }));
        let own = Arc::clone(&state);
        let script = Script::start(move |request| serve(&mut lock(&own), request))?;
        Ok(Self { script, state })
    }
    /// Replaces all objects.
    pub fn set(&self, objects: Vec<Value>) {
        lock(&self.state).objects = objects;
    }
    /// Takes the right to read a resource, as `pods`.
    pub fn forbid(&self, resource: &str) {
        lock(&self.state).forbidden.push(resource.to_owned());
    }
    /// Refuses so many continuations as expired.
    pub fn expire(&self, times: usize) {
        lock(&self.state).expired = times;
    }
    /// Refuses so many requests as too many.
    pub fn overload(&self, times: usize) {
        lock(&self.state).busy = times;
    }
    /// Lets in whoever brings no token, as kubectl does over plain HTTP.
    pub fn open(&self) {
        lock(&self.state).open = true;
    }
    /// A kubeconfig that leads there, with `shop` as the current namespace.
    pub fn kubeconfig(&self) -> String {
        let server = format!("http://{}", self.script.address());
        json!({
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "stub", "cluster": {"server": server}}],
            "users": [{"name": "robot", "user": {"token": TOKEN}}, {"name": "stranger", "user": {"token": "none"}}],
            "contexts": [
                {"name": "here", "context": {"cluster": "stub", "user": "robot", "namespace": "shop"}},
                {"name": "stranger", "context": {"cluster": "stub", "user": "stranger"}},
            ],
        })
        .to_string()
    }
    /// Where it is: `127.0.0.1:PORT`.
    pub fn address(&self) -> String {
        self.script.address()
    }
    /// What it was asked so far: paths and queries.
    pub fn asked(&self) -> Vec<String> {
        self.script.requests().into_iter().map(|request| request.target).collect()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(status: &str, body: &Value) -> Reply {
    Reply::with(status, &[("content-type", "application/json")], body.to_string().as_bytes())
}

fn refused(status: &str, reason: &str, message: &str) -> Reply {
    let code: u16 = status.split(' ').next().and_then(|code| code.parse().ok()).unwrap_or(500);
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
        "code": code,
    });
    answer(status, &body)
}

/// What a path asks for.
struct Asked<'a> {
    group: &'a str,
    /// With its group.
    version: &'a str,
    namespace: Option<&'a str>,
    resource: &'a str,
    name: Option<&'a str>,
}

fn asked(path: &str) -> Option<Asked<'_>> {
    let path = path.strip_prefix('/')?;
    let (group, version, rest) = match path.strip_prefix("apis/") {
        Some(path) => {
            let (group, rest) = path.split_once('/')?;
            let (number, rest) = rest.split_once('/')?;
            (group, &path[..=group.len() + number.len()], rest)
        }
        None => ("", "v1", path.strip_prefix("api/v1/")?),
    };
    let all = Asked { group, version, namespace: None, resource: rest, name: None };
    let Some(rest) = rest.strip_prefix("namespaces/") else { return Some(all) };
    let (namespace, resource) = rest.split_once('/')?;
    let (resource, name) = match resource.split_once('/') {
        Some((resource, name)) => (resource, Some(name)),
        None => (resource, None),
    };
    Some(Asked { namespace: Some(namespace), resource, name, ..all })
}

fn serve(state: &mut State, request: &Request) -> Reply {
    if !state.open && request.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refused("401 Unauthorized", "Unauthorized", "Unauthorized");
    }
    if state.busy > 0 {
        state.busy -= 1;
        return refused(
            "429 Too Many Requests",
            "TooManyRequests",
            "The apiserver is too busy, please try again later.",
        );
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    if let Some(found) = discovery(path) {
        return answer("200 OK", &found);
    }
    let Some(asked) = asked(path) else {
        return refused("404 Not Found", "NotFound", "the server could not find the requested resource");
    };
    if state.forbidden.iter().any(|resource| resource == asked.resource) {
        let verb = if asked.name.is_some() { "get" } else { "list" };
        let place = match asked.namespace {
            Some(namespace) => format!("in the namespace \"{namespace}\""),
            None => "at the cluster scope".to_owned(),
        };
        let (resource, group) = (asked.resource, asked.group);
        let message = format!(
            "{resource} is forbidden: User \"system:serviceaccount:ci:pinlib\" cannot {verb} resource \"{resource}\" in API \
             group \"{group}\" {place}"
        );
        return refused("403 Forbidden", "Forbidden", &message);
    }
    let here = |object: &&Value| {
        kind(asked.resource) == object["kind"].as_str()
            && asked.namespace.is_none_or(|namespace| object["metadata"]["namespace"] == namespace)
    };
    let found: Vec<_> = state.objects.iter().filter(here).cloned().collect();
    match asked.name {
        None => {
            let query = parameters(query);
            if query.contains_key("continue") && state.expired > 0 {
                state.expired -= 1;
                return expired();
            }
            page(&asked, &found, &query, request.header("accept").unwrap_or_default())
        }
        Some(name) => {
            let named = found.iter().find(|object| object["metadata"]["name"] == name);
            named.map_or_else(
                || {
                    let message = format!("{}.{} \"{name}\" not found", asked.resource, asked.group);
                    refused("404 Not Found", "NotFound", &message)
                },
                |object| answer("200 OK", object),
            )
        }
    }
}

/// What there is, as kubectl asks before it asks for anything.
fn discovery(path: &str) -> Option<Value> {
    let resources = |version: &str, kinds: &[(&str, &str, &str)]| {
        let resource = |(name, kind, short): &(&str, &str, &str)| {
            json!({
                "name": name, "singularName": kind.to_lowercase(), "namespaced": true, "kind": kind, "verbs": ["get", "list"],
                "shortNames": [short],
            })
        };
        let resources: Vec<_> = kinds.iter().map(resource).collect();
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources})
    };
    let group = |name: &str, version: &str| {
        let version = json!({"groupVersion": format!("{name}/{version}"), "version": version});
        json!({"name": name, "versions": [version], "preferredVersion": version})
    };
    Some(match path.trim_end_matches('/') {
        "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}),
        "/apis" => json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": [group("apps", "v1"), group("argoproj.io", "v1alpha1")],
        }),
        "/api/v1" => resources("v1", &[("pods", "Pod", "po")]),
        "/apis/apps/v1" => resources("apps/v1", &[("replicasets", "ReplicaSet", "rs")]),
        "/apis/argoproj.io/v1alpha1" => resources(
            "argoproj.io/v1alpha1",
            &[("rollouts", "Rollout", "ro"), ("applications", "Application", "app")],
        ),
        _ => return None,
    })
}

fn kind(resource: &str) -> Option<&'static str> {
    Some(match resource {
        "pods" => "Pod",
        "replicasets" => "ReplicaSet",
        "rollouts" => "Rollout",
        "applications" => "Application",
        _ => return None,
    })
}

/// A query's values, decoded.
fn parameters(query: &str) -> BTreeMap<String, String> {
    let decode = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.replace('+', " ").into_bytes().into_iter();
        while let Some(byte) = rest.next() {
            let digits: Vec<u8> = if byte == b'%' { rest.by_ref().take(2).collect() } else { Vec::new() };
            let hex = std::str::from_utf8(&digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
            bytes.push(hex.unwrap_or(byte));
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// One chunk of a list. Where it goes on stands in a token that no client can read, nor send as it is.
fn page(asked: &Asked<'_>, found: &[Value], query: &BTreeMap<String, String>, accept: &str) -> Reply {
    let number = |text: Option<&String>| text.and_then(|text| text.parse::<usize>().ok());
    let from = query.get("continue").and_then(|token| token.strip_prefix("at+/&= "));
    let from: usize = from.and_then(|from| from.parse().ok()).unwrap_or_default();
    let limit = number(query.get("limit")).unwrap_or(usize::MAX);
    let to = from.saturating_add(limit).min(found.len());
    let metadata = accept.contains("as=PartialObjectMetadataList");
    let item = |object: &Value| match object["apiVersion"].as_str() {
        _ if metadata => json!({
            "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
        }),
        // Only custom resources say their kind in a list.
        Some("v1" | "apps/v1") => {
            let mut object = object.clone();
            object.as_object_mut().map(|fields| fields.remove("kind").and(fields.remove("apiVersion")));
            object
        }
        _ => object.clone(),
    };
    let items: Vec<_> = found.get(from..to).unwrap_or_default().iter().map(item).collect();
    let mut meta = json!({"resourceVersion": "1042"});
    if to < found.len() {
        meta["continue"] = format!("at+/&= {to}").into();
        meta["remainingItemCount"] = (found.len() - to).into();
    }
    let (kind, version) = match kind(asked.resource) {
        _ if metadata => ("PartialObjectMetadata", "meta.k8s.io/v1"),
        Some(kind) => (kind, asked.version),
        None => ("", asked.version),
    };
    answer(
        "200 OK",
        &json!({"kind": format!("{kind}List"), "apiVersion": version, "metadata": meta, "items": items}),
    )
}

fn expired() -> Reply {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {"continue": "at+/&= 0"}, "status": "Failure",
        "message": "The provided continue parameter is too old to display a consistent list result. You can start a new list \
                    without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
                    results. Continuing with the provided token results in an inconsistent list - objects that were created, \
                    modified, or deleted between the time the first chunk was returned and now may show up in the list.",
        "reason": "Expired", "code": 410,
    });
    answer("410 Gone", &body)
}
