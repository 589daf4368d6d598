//! Lists as kubectl prints them.

use super::WEB;
use pinlib::{Cluster, RecordedCluster};
use pinlib_testkit::{
    servers::kubernetes::objects::{PodObject, printed},
    sim,
};
use serde_json::json;

#[test]
fn lists_are_read_whole_or_not_at_all() {
    let one = || PodObject::new("shop", "a").container("web", WEB, "").json();
    let read = |text: &str| {
        RecordedCluster::read("pods.json", text.as_bytes())
            .map(|cluster| sim::run(cluster.pods(None)).expect("pods").len())
    };
    assert_eq!(read(&printed(&[one(), json!({"kind": "Service", "spec": {"containers": 1}})])).ok(), Some(1));
    assert_eq!(read(r#"{"kind":"PodList","items":null}"#).ok(), Some(0));
    // As the API writes it, `kubectl get --raw` too: no item says its kind.
    let mut bare = one();
    bare.as_object_mut().map(|fields| fields.remove("kind"));
    assert_eq!(read(&format!(r#"{{"kind":"PodList","apiVersion":"v1","items":[{bare}]}}"#)).ok(), Some(1));
    assert_eq!(
        read(&format!(r#"{{"items":[{bare}],"kind":"PodList"}}"#)).ok(),
        Some(1),
        "keys have no order"
    );
    let in_two = [one(), PodObject::new("tea", "a").json()];
    let cluster = RecordedCluster::read("pods", printed(&in_two).as_bytes()).expect("a list");
    assert_eq!(sim::run(cluster.pods(Some(&"tea".parse().expect("a name")))).expect("pods").len(), 1);
    for (text, why) in [
        (r#"{"items":[{"metadata":{"name":"a"}}]}"#.to_owned(), "an object does not say its kind"),
        (one().to_string(), "it is a \"Pod\", and not a list"),
        (printed(&[one(), one()]), "the pod shop/a stands there twice"),
        (r#"{"kind":"PodList"}"#.to_owned(), "missing field `items`"),
        (r#"{"items":[],"items":[]}"#.to_owned(), "duplicate field `items`"),
        (r#"{"items":[],"metadata":{"continue":"x"}}"#.to_owned(), "it is one page of a list that goes on"),
        ("[]".to_owned(), "expected a list of objects of a cluster"),
        (r#"{"items":[]} {"items":[]}"#.to_owned(), "trailing characters"),
        (printed(&[json!({"kind": "Pod", "metadata": {"name": "a"}})]), "missing field `spec`"),
        (
            printed(&[json!({"kind": "Pod", "metadata": {}, "spec": {"containers": []}})]),
            "a Pod without a name",
        ),
        (format!("{}{}", "[".repeat(500), "]".repeat(500)), "expected a list"),
    ] {
        let error = read(&text).expect_err("a refusal").to_string();
        assert!(error.starts_with("cannot read the pods in pods.json: ") && error.contains(why), "{error}");
    }
}
