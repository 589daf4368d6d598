//! The same by an API server, over real HTTP.

use super::cluster::{Shop, WEB, pod, request};
use k8s_openapi::api::{apps::v1::ReplicaSet, core::v1::Pod};
use pinlib::{
    BackendError, BackendErrorKind, Cluster, Forbidden, ImageId, KubeAccess, KubeCluster, Meter, ObjectName,
    RunRequest,
};
use pinlib_testkit::servers::{
    kubernetes::{
        ApiServer,
        objects::{PodObject, application, replica_set, rollout},
    },
    script::{Reply, Script},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    error::Error as _,
    fs,
    io::Write as _,
    sync::{Arc, LazyLock},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// One for all: a client lives on the runtime that it was made on.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn run<T>(future: impl Future<Output = T>) -> T {
    RUNTIME.block_on(future)
}

/// The cluster behind a kubeconfig.
fn cluster(kubeconfig: &str, context: Option<&str>) -> Result<(KubeCluster, Meter), BackendError> {
    rustls::crypto::ring::default_provider().install_default().ok();
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("config");
    fs::write(&file, kubeconfig).expect("a file");
    let meter = Meter::default();
    let access = KubeAccess { kubeconfig: Some(file), context: context.map(str::to_owned) };
    Ok((run(KubeCluster::open(&access, meter.clone()))?, meter))
}

fn of(server: &ApiServer) -> KubeCluster {
    cluster(&server.kubeconfig(), None).expect("a cluster").0
}

fn shop() -> ObjectName {
    "shop".parse().expect("a name")
}

fn many(count: usize) -> Vec<Value> {
    (0..count).map(|n| pod(&format!("web-{n}"), "a").container("web", WEB, "").json()).collect()
}

#[test]
fn a_long_list_comes_in_pages_and_is_whole() {
    let server = ApiServer::start(many(1201)).expect("a server");
    let (cluster, meter) = cluster(&server.kubeconfig(), None).expect("a cluster");
    let pods = run(cluster.pods(Some(&shop()))).expect("pods");
    assert_eq!(pods.len(), 1201);
    assert_eq!(pods[1200].name, "web-1200");
    let asked = server.asked();
    assert_eq!(asked.len(), 3);
    assert!(asked.iter().all(|target| target.starts_with("/api/v1/namespaces/shop/pods?") && target.contains("limit=500")));
    assert_eq!(cluster.namespace(), Some(shop()));
    assert_eq!((meter.total().requests, cluster.to_string()), (3, server.address()));
    assert_eq!(run(cluster.pods(None)).expect("pods").len(), 1201);
    assert!(server.asked()[3].starts_with("/api/v1/pods?"));
    assert_eq!(run(cluster.pods(Some(&"tea".parse().expect("a name")))).expect("none").len(), 0);
}

#[test]
fn a_list_that_expired_is_begun_again_once() {
    let server = ApiServer::start(many(1201)).expect("a server");
    server.expire(1);
    assert_eq!(run(of(&server).pods(Some(&shop()))).expect("pods").len(), 1201);
    assert_eq!(server.asked().len(), 2 + 3);
    server.expire(2);
    let error = run(of(&server).pods(Some(&shop()))).expect_err("an error");
    assert_eq!(error.kind(), BackendErrorKind::Incomplete);
    assert!(error.to_string().contains("The provided continue parameter is too old"), "{error}");
}

#[test]
fn each_other_object_is_asked_for_where_it_is() {
    let revision = "a".repeat(40);
    let objects = vec![
        replica_set("shop", "web", "a", 7),
        rollout("shop", "web", ["a", "b"]),
        application("argocd", "shop", &revision, &[WEB]),
    ];
    let server = ApiServer::start(objects).expect("a server");
    let cluster = of(&server);
    let sets = run(cluster.replica_sets(Some(&shop()))).expect("sets");
    assert_eq!((sets.len(), sets[0].revision), (1, Some(7)));
    assert_eq!(sets[0].owner.as_ref().map(ToString::to_string).as_deref(), Some("Deployment/web"));
    let rollouts = run(cluster.rollouts(None)).expect("rollouts");
    assert_eq!((rollouts[0].stable.as_deref(), rollouts[0].current.as_deref()), (Some("a"), Some("b")));
    let name = |text: &str| text.parse::<ObjectName>().expect("a name");
    let found = run(cluster.application(&name("argocd"), &shop())).expect("an application");
    assert_eq!((found.revisions, found.health.as_deref()), (vec![revision], Some("Healthy")));
    let error = run(cluster.application(&name("argocd"), &name("tea"))).expect_err("none");
    assert_eq!(error.kind(), BackendErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "cannot get the application argocd/tea: applications.argoproj.io \"tea\" not found"
    );
    assert_eq!(
        server.asked().iter().map(|target| target.split('?').next().unwrap_or_default()).collect::<Vec<_>>(),
        [
            "/apis/apps/v1/namespaces/shop/replicasets",
            "/apis/argoproj.io/v1alpha1/rollouts",
            "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/shop",
            "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/tea",
        ]
    );
}

#[test]
fn a_refusal_says_which_right_is_missing_where() {
    let server = ApiServer::start(many(1)).expect("a server");
    server.forbid("pods");
    let error = run(of(&server).pods(Some(&shop()))).expect_err("a refusal");
    assert_eq!(error.kind(), BackendErrorKind::Unauthorized);
    assert_eq!(
        error.to_string(),
        "cannot list pods in the namespace shop: pods is forbidden: User \"system:serviceaccount:ci:pinlib\" cannot list \
         resource \"pods\" in API group \"\" in the namespace \"shop\""
    );
    let source = error.source().and_then(|source| source.downcast_ref::<Forbidden>()).cloned();
    assert_eq!(source, Some(Forbidden { verb: "list", resource: "pods", namespace: Some(shop()) }));
    let error = run(of(&server).pods(None)).expect_err("a refusal");
    assert!(error.to_string().starts_with("cannot list pods in all namespaces: "), "{error}");

    let (stranger, _) = cluster(&server.kubeconfig(), Some("stranger")).expect("a cluster");
    let error = run(stranger.pods(None)).expect_err("a refusal");
    assert_eq!(
        (error.kind(), error.to_string()),
        (BackendErrorKind::Unauthorized, "cannot list pods in all namespaces: Unauthorized".to_owned())
    );
}

type Answer = Box<dyn Fn() -> Reply + Send + Sync>;

#[test]
fn nothing_is_asked_twice_and_no_odd_answer_is_believed() {
    let server = ApiServer::start(many(1)).expect("a server");
    server.overload(1);
    let error = run(of(&server).pods(None)).expect_err("too many");
    assert_eq!((error.kind(), server.asked().len()), (BackendErrorKind::RateLimited, 1));

    let json = |status: &'static str, body: String| -> Answer {
        Box::new(move || Reply::with(status, &[], body.as_bytes()))
    };
    let endless = format!(r#"{{"kind":"PodList","metadata":{{"continue":"on"}},"items":{}}}"#, "[]");
    let cases: Vec<(Answer, BackendErrorKind, &str)> = vec![
        (json("200 OK", "<html>".into()), BackendErrorKind::Invalid, "expected value"),
        (
            json("200 OK", r#"{"kind":"Pod"}"#.into()),
            BackendErrorKind::Invalid,
            "it is a \"Pod\", and not a list",
        ),
        (json("200 OK", endless), BackendErrorKind::Incomplete, "there are more than 1000000 objects"),
        (json("503 Service Unavailable", "down".into()), BackendErrorKind::Unavailable, "it answers 503"),
        (json("302 Found", String::new()), BackendErrorKind::Invalid, "it answers 302"),
        (
            Box::new(|| Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{".to_vec())),
            BackendErrorKind::Unavailable,
            "",
        ),
        (
            Box::new(|| Reply::Endless(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec())),
            BackendErrorKind::Invalid,
            "length limit exceeded",
        ),
    ];
    for (answer, kind, why) in cases {
        let script = Script::start(move |_| answer()).expect("a server");
        let kubeconfig = server.kubeconfig().replace(&server.address(), &script.address());
        let (cluster, _) = cluster(&kubeconfig, None).expect("a cluster");
        let error = run(cluster.pods(None)).expect_err("an error");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(why), "{error}");
    }
    let gone = server.kubeconfig().replace(&server.address(), "127.0.0.1:1");
    let error = run(cluster(&gone, None).expect("a cluster").0.pods(None)).expect_err("nobody there");
    assert_eq!(error.kind(), BackendErrorKind::Unavailable);
    let error = cluster(&server.kubeconfig(), Some("nowhere")).expect_err("no such context");
    assert_eq!(error.kind(), BackendErrorKind::NotFound);
    assert!(error.to_string().contains("nowhere"), "{error}");
    let plain = server.kubeconfig().replace(&server.address(), "cluster.example:80");
    let error = cluster(&plain, None).expect_err("a token in the clear").to_string();
    assert_eq!(error, "cannot find a cluster: cluster.example would be sent a token without TLS");
    let debug = format!("{:?}", of(&server));
    assert!(!debug.contains("a-token"), "{debug}");
}

#[test]
fn a_whole_cluster_is_verified() {
    let shop_of = Shop::open();
    let commit = shop_of.deploy(shop_of.index.digest());
    let child = format!("{WEB}@{}", shop_of.index.manifests[0].1.digest());
    let objects = vec![
        pod("web-1", "s").container("web", WEB, &child).json(),
        PodObject::new("tea", "web-1").container("web", WEB, &child).json(),
        rollout("shop", "web", ["s", "s"]),
    ];
    let server = ApiServer::start(objects).expect("a server");
    let verifier = shop_of.verifier(Arc::new(of(&server)));
    let request = RunRequest { namespaces: vec![shop()], ..request(commit) };
    let report = run(verifier.verify(&request)).expect("a report");
    assert_eq!((report.verdict().name(), report.rows.len(), report.rows[0].ready), ("match", 1, 1));
    assert_eq!(server.asked().len(), 2, "one revision: no replica set is asked for");
}

/// An empty list or map says as much as none.
fn without_empty(mut value: Value) -> Value {
    if let Value::Object(fields) = &mut value {
        let told = std::mem::take(fields).into_iter().map(|(key, value)| (key, without_empty(value)));
        *fields = told.filter(|(_, value)| !matches!(value, Value::Object(map) if map.is_empty())).collect();
    } else if let Value::Array(items) = &mut value {
        *items = std::mem::take(items).into_iter().map(without_empty).collect();
    }
    value
}

/// The stub's objects are what the API publishes: types made from its document read them, and lose nothing.
#[test]
fn the_stub_s_objects_are_of_the_published_shape() {
    fn same<T: DeserializeOwned + Serialize>(object: Value) {
        let read: T = serde_json::from_value(object.clone()).expect("the published shape");
        let again = serde_json::to_value(&read).expect("JSON");
        assert_eq!(without_empty(again), without_empty(object));
    }
    let pod = pod("web-1", "a").container("web", WEB, "x").waiting("ContainerCreating");
    same::<Pod>(pod.init("init", WEB, "x").ephemeral("debug", WEB, "x").leaving().json());
    same::<ReplicaSet>(replica_set("shop", "web", "a", 1));
}

/// Any cluster will do: what it runs is read, and compared with nothing. What happened is said past the test's own output.
#[test]
fn a_real_cluster_is_read_where_there_is_one() {
    let say = |text: &str| writeln!(std::io::stderr(), "{text}").expect("standard error");
    let Some(kubeconfig) = std::env::var_os("PINLIB_TEST_KUBECONFIG") else {
        return say("NOT RUN against a real API server: PINLIB_TEST_KUBECONFIG names no kubeconfig");
    };
    rustls::crypto::ring::default_provider().install_default().ok();
    let access = KubeAccess { kubeconfig: Some(kubeconfig.into()), context: None };
    let cluster = run(KubeCluster::open(&access, Meter::default())).expect("a cluster");
    let pods = run(cluster.pods(None)).expect("pods");
    let containers: Vec<_> = pods.iter().flat_map(|pod| &pod.containers).collect();
    say(&format!("read {} pods with {} containers from {cluster}", pods.len(), containers.len()));
    assert!(containers.iter().all(|one| !matches!(one.image_id, ImageId::Unreadable(_))), "{containers:?}");
    run(cluster.replica_sets(None)).expect("replica sets");
}
