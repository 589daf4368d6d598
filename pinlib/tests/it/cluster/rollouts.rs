//! Revisions on their way in and out.

use super::{Shop, asks, pod, told};
use pinlib::Track;
use pinlib_testkit::servers::kubernetes::objects::{PodObject, replica_set, rollout};
use serde_json::Value;

#[test]
fn a_rollout_s_stable_pods_are_told_from_its_canary() {
    let shop = Shop::open();
    let (wanted, other) = (shop.index.digest(), shop.other.digest());
    let commit = shop.deploy(wanted);
    let at = |name: &str, hash: &str, digest| {
        pod(name, hash).container("web", &asks(digest), &asks(digest)).json()
    };
    let moving = [at("web-s", "s", other), at("web-c", "c", wanted), rollout("shop", "web", ["s", "c"])];
    let report = shop.verify(commit, &moving);
    let why = "pending stable: the stable one, and the canary is not promoted yet";
    assert_eq!(told(&report), [why, "match canary"]);
    assert_eq!(report.verdict().name(), "pending");

    let arrived = [at("web-c", "c", wanted), rollout("shop", "web", ["c", "c"])];
    assert_eq!(told(&shop.verify(commit, &arrived)), ["match stable"]);
    let wrong = [at("web-s", "s", wanted), at("web-c", "c", other), rollout("shop", "web", ["s", "c"])];
    assert_eq!(told(&shop.verify(commit, &wrong)), ["mismatch canary", "match stable"]);
    let mut aborted = moving.clone();
    aborted[2]["status"]["abort"] = true.into();
    assert_eq!(told(&shop.verify(commit, &aborted)), ["mismatch stable", "match canary"]);
    // Nobody told of the Rollout.
    assert_eq!(told(&shop.verify(commit, &moving[..2])), ["mismatch", "match"]);
}

#[test]
fn an_older_revision_of_a_deployment_is_on_its_way_out() {
    let shop = Shop::open();
    let (wanted, other) = (shop.index.digest(), shop.other.digest());
    let commit = shop.deploy(wanted);
    let at = |hash: &str, digest| {
        let pod = PodObject::new("shop", &format!("web-{hash}-x")).of_deployment("web", hash);
        pod.container("web", &asks(digest), &asks(digest)).json()
    };
    let sets =
        |old: u64, new: u64| [replica_set("shop", "web", "old", old), replica_set("shop", "web", "new", new)];
    let with = |sets: &[Value]| [&[at("old", other), at("new", wanted)][..], sets].concat();
    let why = "pending old: an older revision, and a newer one is on its way";
    assert_eq!(told(&shop.verify(commit, &with(&sets(1, 2)))), [why, "match"]);
    // A rollback by hand: the newest revision is the other image.
    let report = shop.verify(commit, &with(&sets(3, 2)));
    assert_eq!(told(&report), ["mismatch", "match old"]);
    assert_eq!(report.rows[1].place.as_ref().and_then(|place| place.track), Some(Track::Old));
    assert_eq!(told(&shop.verify(commit, &with(&[]))), ["mismatch", "match"]);
}
