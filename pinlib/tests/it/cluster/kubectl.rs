//! What kubectl itself says: of kustomizations, and of what runs.

use super::{Shop, WEB, digest, manifest, placement, pod};
use pinlib::{Cluster, Kustomization, ManifestEditor, RecordedCluster, Reference, Workload, wanted};
use pinlib_testkit::{
    servers::{
        kubernetes::{
            ApiServer,
            objects::{replica_set, rollout},
        },
        program,
    },
    sim,
};
use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, sync::Arc};
use tempfile::TempDir;

const COMPONENT: &str = "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n";

fn kubectl() -> Option<PathBuf> {
    program("kubectl").expect("there, or not under CI")
}

fn output(command: &mut Command) -> String {
    let done = command.output().expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).expect("text")
}

/// The image and digest of the shop's container below a kustomization, as pinlib reads it, and as kustomize builds it.
fn both(files: &[(&str, String)], root: &str, workload: &str) -> [BTreeSet<(String, Option<String>)>; 2] {
    let shop = Shop::open();
    let texts: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let (own, file) =
        (format!("{root}/kustomization.yaml"), Arc::new(Workload::default()) as Arc<dyn ManifestEditor>);
    let targets = placement(&[(&own, Arc::new(Kustomization::default())), (workload, file)]);
    let said = sim::run(wanted(&*shop.forge, shop.commit(&texts), &[targets])).expect("what Git says");
    let said = said.into_iter().filter(|one| one.path.as_str() == workload).map(|one| one.image);

    let folder = TempDir::new().expect("a folder");
    for (name, text) in texts {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    let built =
        output(Command::new(kubectl().expect("kubectl")).arg("kustomize").arg(folder.path().join(root)));
    let built: Vec<_> =
        built.lines().filter_map(|line| line.trim().strip_prefix("- image: ")).map(str::to_owned).collect();
    assert!(!built.is_empty(), "kustomize builds a container");
    let built = built.iter().map(|image| image.parse().expect("an image"));
    let tell = |image: Reference| (image.name(), image.digest().map(|digest| digest.to_string()));
    [said.map(tell).collect(), built.map(tell).collect()]
}

#[test]
fn kustomize_itself_makes_the_same_of_an_image() {
    if kubectl().is_none() {
        return;
    }
    let [a, b, c] = ["a", "b", "c"].map(digest);
    let entry = |name: &str, digest| format!("- {{name: {name}, newName: {WEB}, digest: '{digest}'}}\n");
    let base =
        |images: &str| ("base/kustomization.yaml", format!("resources: [rollout.yaml]\nimages:\n{images}"));
    let over = |more: &str| ("prod/kustomization.yaml", format!("resources: [../base]\n{more}"));
    let workload = |image: &str| ("base/rollout.yaml", manifest("Deployment", "web", image));
    let part = |more: &str| ("parts/kustomization.yaml", format!("{COMPONENT}{more}"));
    let cases = vec![
        (vec![base(&entry("web", a)), workload("web:1.0")], "base"),
        (vec![base(&entry("web", a)), workload(&format!("web@{b}"))], "base"),
        (
            vec![base(&entry("web", a)), over(&format!("images:\n{}", entry(WEB, b))), workload("web:1.0")],
            "prod",
        ),
        // It is no longer called so.
        (
            vec![base(&entry("web", a)), over(&format!("images:\n{}", entry("web", b))), workload("web:1.0")],
            "prod",
        ),
        (vec![base(&format!("{}{}", entry("web", a), entry(WEB, b))), workload("web:1.0")], "base"),
        (
            vec![base(&format!("- {{name: {WEB}, newTag: v2}}\n{}", entry("web", b))), workload("web:1.0")],
            "base",
        ),
        (
            vec![
                base(&entry("web", a)),
                over("components: [../parts]\n"),
                part(&format!("images:\n{}", entry(WEB, c))),
                workload("web:1.0"),
            ],
            "prod",
        ),
        (
            vec![
                base(&entry("web", a)),
                over(&format!("components: [../parts]\nimages:\n{}", entry(WEB, b))),
                part(&format!("images:\n{}", entry(WEB, c))),
                workload("web:1.0"),
            ],
            "prod",
        ),
        (
            vec![
                ("base/kustomization.yaml", "resources: [rollout.yaml]\ncomponents: [../parts]\n".to_owned()),
                over(&format!("images:\n{}", entry("web-extra", b))),
                part(&format!("images:\n{}", entry("web", c))),
                workload("web:1.0"),
            ],
            "prod",
        ),
    ];
    for (files, root) in cases {
        let [said, built] = both(&files, root, "base/rollout.yaml");
        assert_eq!(said, built, "{root}: {files:#?}");
    }
}

#[test]
fn what_kubectl_prints_of_a_cluster_is_read_whole() {
    let Some(kubectl) = kubectl() else { return };
    let mut objects: Vec<_> =
        (0..1001).map(|n| pod(&format!("web-{n}"), "a").container("web", WEB, "").json()).collect();
    objects.extend([replica_set("shop", "web", "a", 3), rollout("shop", "web", ["a", "b"])]);
    let server = ApiServer::start(objects).expect("a server");
    server.open();
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("config");
    fs::write(&file, server.kubeconfig()).expect("a file");
    let print = |what: &str| {
        let mut command = Command::new(&kubectl);
        command.env("HOME", folder.path()).arg("--kubeconfig").arg(&file);
        output(command.args(["get", what, "-o", "json"]))
    };
    let read = |text: &str| RecordedCluster::read("kubectl", text.as_bytes()).expect("a list");
    let cluster = read(&print("pods,replicasets,rollouts"));
    assert_eq!(sim::run(cluster.pods(None)).expect("pods").len(), 1001);
    assert_eq!(sim::run(cluster.replica_sets(None)).expect("sets")[0].revision, Some(3));
    assert_eq!(sim::run(cluster.rollouts(None)).expect("rollouts")[0].current.as_deref(), Some("b"));
    assert_eq!(sim::run(read(&print("pods")).pods(None)).expect("pods").len(), 1001);
}
