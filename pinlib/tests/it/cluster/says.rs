//! What Git says, and which container it says it of.

use super::{Shop, WEB, asks, digest, manifest, placement, pod, request, told};
use pinlib::{
    Digest, Kustomization, Locator, ManifestEditor, OutcomeKind, RecordedCluster, RunRequest, Workload,
    wanted,
};
use pinlib_testkit::{
    servers::kubernetes::objects::{PodObject, printed},
    sim,
};
use serde_json::Value;
use std::sync::Arc;

#[test]
fn of_two_digests_in_git_each_belongs_to_the_container_that_it_names() {
    let shop = Shop::open();
    let (wanted, other) = (shop.index.digest(), shop.other.digest());
    let commit = shop.commit(&[
        ("web.yaml", &manifest("Rollout", "web", &asks(wanted))),
        ("jobs.yaml", &manifest("CronJob", "jobs", &asks(other))),
    ]);
    let editor = || Arc::new(Workload::default()) as Arc<dyn ManifestEditor>;
    let images = vec![placement(&[("web.yaml", editor()), ("jobs.yaml", editor())])];
    let request = RunRequest { images, ..request(commit) };
    let run = |pods: &[Value]| {
        let cluster = RecordedCluster::read("pods", printed(pods).as_bytes()).expect("a list");
        let report = sim::run(shop.verifier(Arc::new(cluster)).verify(&request)).expect("a report");
        let mut told = told(&report);
        told.sort();
        told
    };
    let web = |digest| pod("web-1", "a").container("web", &asks(digest), &asks(digest)).json();
    let jobs = PodObject::new("shop", "jobs-1").owned("batch/v1", "CronJob", "jobs");
    let jobs = jobs.container("web", &asks(other), &asks(other)).json();
    assert_eq!(run(&[web(wanted), jobs.clone()]), ["match", "match"]);
    assert_eq!(run(&[web(other), jobs]), ["match", "mismatch"]);
    let stray = PodObject::new("shop", "x").container("web", &asks(wanted), &asks(wanted)).json();
    let several = "unknown: Git has several digests for it, and does not say which is this one's";
    assert_eq!(run(&[stray]), [several]);
}

#[test]
fn kustomize_has_the_last_word_on_the_files_that_it_covers() {
    let shop = Shop::open();
    let (base, overlay, part) = (digest("base"), digest("overlay"), digest("component"));
    let workload = manifest("Rollout", "web", "web:1.0");
    let entry = |name: &str, digest: Digest| {
        format!("images:\n  - name: {name}\n    newName: {WEB}\n    digest: {digest}\n")
    };
    let says = |files: &[(&str, &str)], targets: &[&str]| -> Vec<String> {
        let commit = shop.commit(files);
        let editor = |name: &str| -> Arc<dyn ManifestEditor> {
            if name.ends_with("kustomization.yaml") {
                Arc::new(Kustomization::default())
            } else {
                Arc::new(Workload::default())
            }
        };
        let targets: Vec<_> = targets.iter().map(|name| (*name, editor(name))).collect();
        let wanted = sim::run(wanted(&*shop.forge, commit, &[placement(&targets)])).expect("what Git says");
        wanted.iter().map(|one| format!("{} {}", one.path, one.image)).collect()
    };
    let at = |path: &str, digest: Digest| format!("{path} {WEB}@{digest}");
    let (b, o, r) = ("base/kustomization.yaml", "prod/kustomization.yaml", "base/rollout.yaml");
    let own = format!("resources: [rollout.yaml]\n{}", entry("web", base));

    assert_eq!(says(&[(b, &own), (r, &workload)], &[b, r]), [at(b, base), at(r, base)]);
    let over = format!("resources: [../base]\n{}", entry(WEB, overlay));
    assert_eq!(
        says(&[(b, &own), (r, &workload), (o, &over)], &[o, b, r]),
        [at(o, overlay), at(b, overlay), at(r, overlay)],
        "the outermost wins, whoever else is a target"
    );
    assert_eq!(says(&[(b, &own), (r, &workload), (o, &over)], &[o, r]), [at(o, overlay), at(r, overlay)]);
    let with = "resources: [../base]\ncomponents: [../parts]\n";
    let parts = format!("kind: Component\n{}", entry(WEB, part));
    assert_eq!(
        says(&[(b, &own), (r, &workload), (o, with), ("parts/kustomization.yaml", &parts)], &[o, r]),
        [at(r, part)],
        "a component changes what its kustomization brings in"
    );
    let outside = "resources: [../../elsewhere, https://example.com/x.yaml, ../other]\n";
    let pinned = manifest("Rollout", "web", &asks(base));
    let lone = format!("{outside}{}", entry(WEB, overlay));
    assert_eq!(
        says(&[(r, &pinned), (o, &lone)], &[o, r]),
        [at(o, overlay), at(r, base)],
        "what it does not cover stays"
    );
}

#[test]
fn kustomizations_without_end_are_no_answer() {
    let shop = Shop::open();
    let entry = format!("images: [{{name: {WEB}, digest: '{}'}}]\n", digest("x"));
    let circle = shop.commit(&[
        ("a/kustomization.yaml", &format!("resources: [../b, ../b]\n{entry}")),
        ("b/kustomization.yaml", "resources: [../b, ../b]\n"),
    ]);
    let targets = placement(&[("a/kustomization.yaml", Arc::new(Kustomization::default()))]);
    let error = sim::run(wanted(&*shop.forge, circle, &[targets])).expect_err("no answer");
    assert!(error.to_string().starts_with("cannot follow the kustomizations at "), "{error}");
    assert_eq!(error.kind(), OutcomeKind::Unavailable);
}

#[test]
fn git_must_say_something() {
    let shop = Shop::open();
    let commit = shop.commit(&[("rollout.yaml", &manifest("Rollout", "web", "nginx:1"))]);
    let cluster = || Arc::new(RecordedCluster::read("pods", printed(&[]).as_bytes()).expect("a list"));
    let error = |name: &str| {
        let images = vec![placement(&[(name, Arc::new(Workload::default()) as Arc<dyn ManifestEditor>)])];
        let request = RunRequest { images, ..request(commit) };
        sim::run(shop.verifier(cluster()).verify(&request)).expect_err("nothing to verify")
    };
    for (name, why) in
        [("rollout.yaml", "none of its targets names it"), ("nowhere.yaml", "the commit has no such file")]
    {
        let error = error(name);
        assert_eq!(error.kind(), OutcomeKind::NotFound);
        assert!(error.to_string().ends_with(why), "{error}");
    }
    // A tag says nothing that could be held against anything.
    let tag = shop.commit(&[("rollout.yaml", &manifest("Rollout", "web", &format!("{WEB}:2")))]);
    let one = pod("web-1", "a").container("web", &format!("{WEB}:2"), &asks(shop.index.digest())).json();
    assert_eq!(told(&shop.verify(tag, &[one])), ["unknown: Git has no digest for it"]);
}

#[test]
fn a_site_s_locator_is_told() {
    let shop = Shop::open();
    let commit = shop.deploy(shop.index.digest());
    let wanted = sim::run(wanted(&*shop.forge, commit, &request(commit).images)).expect("what Git says");
    let locator: Locator = "workload:Rollout/web/containers/web".parse().expect("a locator");
    assert_eq!((wanted[0].locator.clone(), wanted[0].line), (locator, 9));
    assert_eq!(wanted[0].container.as_ref().map(|named| named.name.as_str()), Some("web"));
}
