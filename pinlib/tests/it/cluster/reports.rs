//! What a report comes to: drift, a promise, an application.

use super::{Shop, WEB, asks, digest, image, pod, request};
use pinlib::{Drift, NotShown, ObjectName, Oid, RecordedCluster, RunRequest, RunVerdict};
use pinlib_testkit::{
    servers::kubernetes::objects::{PodObject, application, printed},
    sim,
};
use serde_json::{Value, json};
use std::sync::Arc;

#[test]
fn drift_is_what_only_one_of_the_two_knows_and_what_a_tag_names() {
    let shop = Shop::open();
    let wanted = shop.index.digest();
    let commit = shop.deploy(wanted);
    let other = format!("nginx@{}", digest("nginx"));
    let mirror = format!("mirror.example/hub/web@{wanted}");
    let pods = [
        pod("web-1", "a").container("web", &format!("{WEB}:2"), &asks(wanted)).json(),
        pod("web-2", "a").container("web", &mirror, &mirror).json(),
        PodObject::new("shop", "nginx").container("nginx", &other, &other).json(),
        PodObject::new("shop", "cache")
            .container("redis", "redis:7", &format!("redis@{}", digest("redis")))
            .json(),
    ];
    let report = shop.verify(commit, &pods);
    let drift: Vec<_> =
        report.drift().iter().map(|(drift, row)| (*drift, row.image.written_name().to_owned())).collect();
    assert_eq!(
        drift,
        [
            (Drift::Unmanaged, "nginx".to_owned()),
            (Drift::Unmanaged, "redis".to_owned()),
            (Drift::MutableTag, WEB.to_owned()),
            (Drift::MutableTag, "redis".to_owned()),
        ],
        "by another name it is the same digest still"
    );
    assert!(matches!(report.verdict(), RunVerdict::Match(_)), "what Git does not know weighs nothing");
    let nowhere = shop.verify(commit, &pods[2..3]);
    assert!(nowhere.drift().iter().any(|(drift, _)| *drift == Drift::NotRunning));
}

#[test]
fn a_digest_is_shown_to_run_where_nothing_that_is_ready_runs_another() {
    let shop = Shop::open();
    let (wanted, other) = (shop.index.digest(), shop.other.digest());
    let commit = shop.deploy(wanted);
    let at = |name: &str, digest| pod(name, name).container("web", &asks(digest), &asks(digest));
    let shows = |pods: Vec<PodObject>, digest| {
        let pods: Vec<_> = pods.into_iter().map(PodObject::json).collect();
        shop.verify(commit, &pods).shows(&image(WEB), digest)
    };
    assert_eq!(shows(vec![at("a", wanted)], wanted), Ok(()));
    assert_eq!(shows(vec![], wanted), Err(NotShown::Nowhere));
    assert_eq!(shows(vec![at("a", wanted).waiting("CrashLoopBackOff")], wanted), Err(NotShown::Nowhere));
    assert_eq!(shows(vec![at("a", wanted).leaving()], wanted), Err(NotShown::Nowhere));
    assert!(matches!(shows(vec![at("a", wanted), at("b", other)], wanted), Err(NotShown::Beside { .. })));
    assert_eq!(shows(vec![at("a", wanted), at("b", other).waiting("CrashLoopBackOff")], wanted), Ok(()));
    assert_eq!(shows(vec![at("a", wanted), at("b", other).leaving()], wanted), Ok(()));
    assert!(matches!(shows(vec![at("a", wanted)], other), Err(NotShown::Beside { .. })), "Git says another");
    let unknown = pod("u", "u").container("web", &asks(wanted), &asks(digest("gone")));
    assert!(matches!(shows(vec![at("a", wanted), unknown], wanted), Err(NotShown::Beside { .. })));
}

#[test]
fn an_application_must_hold_the_commit_and_be_well() {
    let shop = Shop::open();
    let wanted = shop.index.digest();
    let before = shop.deploy(shop.other.digest());
    let commit = shop.deploy(wanted);
    let after = shop.commit(&[("README", "tea")]);
    let elsewhere = Oid::of(pinlib::ObjectFormat::Sha1, "commit", b"of another repository");
    let (own, other) = (asks(wanted), asks(shop.other.digest()));
    let change = |pointer: &str, value: Value| {
        let mut one = application("argocd", "shop", &commit.to_string(), &[&own]);
        *one.pointer_mut(pointer).expect("a field") = value;
        one
    };
    let synced = |revision: &str| application("argocd", "shop", revision, &[&own, "redis:7"]);
    let mut sources = synced("");
    sources["status"]["sync"]["revisions"] = json!(["1.2.3", elsewhere.to_string(), after.to_string()]);
    for (application, verdict) in [
        (synced(&commit.to_string()), "match".to_owned()),
        (synced(&after.to_string()), "match".to_owned()),
        (sources, "match".to_owned()),
        (synced(&before.to_string()), format!("pending: its revision does not hold {} yet", commit.short())),
        (
            synced(&elsewhere.to_string()),
            format!("pending: its revision does not hold {} yet", commit.short()),
        ),
        (synced("1.2.3"), "unknown: it tells no commit that it is synced to".to_owned()),
        (synced(""), "unknown: it tells no commit that it is synced to".to_owned()),
        (change("/status/sync/status", "OutOfSync".into()), "pending: it is OutOfSync".to_owned()),
        (change("/status/health/status", "Degraded".into()), "pending: it is Degraded".to_owned()),
        (change("/status/health", Value::Null), "pending: it is of unknown health".to_owned()),
        (
            change("/status/summary/images/0", other.clone().into()),
            format!("pending: it still holds {other}"),
        ),
    ] {
        let one = pod("web-1", "a").container("web", &own, &own).json();
        let cluster =
            RecordedCluster::read("pods", printed(&[one, application.clone()]).as_bytes()).expect("a list");
        let name = |text: &str| text.parse::<ObjectName>().expect("a name");
        let request = RunRequest { application: Some((name("argocd"), name("shop"))), ..request(commit) };
        let report = sim::run(shop.verifier(Arc::new(cluster)).verify(&request)).expect("a report");
        let app = report.application.as_ref().expect("an application");
        let why = app.verdict.why().map(|why| format!(": {why}")).unwrap_or_default();
        assert_eq!(format!("{}{why}", app.verdict.name()), verdict, "{application}");
        assert_eq!(report.verdict().name(), app.verdict.name());
    }
}
