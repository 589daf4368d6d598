//! Workloads, byte by byte.

use crate::edit::{becomes, file, filled, refusal};
use pinlib::{ManifestEditor, Workload};

const FILE: &str = "app/deployment.yaml";
const IMAGE: &str = "ghcr.io/acme/web";

fn all() -> Workload {
    Workload::default()
}

fn container(name: &str) -> Workload {
    Workload { container: Some(name.into()), keep_tag: false }
}

fn keeping() -> Workload {
    Workload { container: None, keep_tag: true }
}

/// The locators of a file's sites.
fn locators(text: &str) -> Vec<String> {
    let sites = all().sites(&file(FILE, filled(text))).expect("sites");
    sites.iter().map(|site| site.locator.to_string()).collect()
}

/// A pod's template at a path of a kind.
fn at(kind: &str, path: &[&str]) -> String {
    let head = format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: x, namespace: prod}}\n");
    let steps = path.iter().enumerate().map(|(depth, step)| format!("{}{step}:\n", "  ".repeat(depth)));
    let indent = "  ".repeat(path.len());
    head + &steps.collect::<String>()
        + &format!("{indent}containers:\n{indent}- image: ghcr.io/acme/web:v1 # web\n{indent}  name: web\n")
}

#[test]
fn a_tag_gives_way_to_the_digest_or_stays_before_it() {
    let cases = [
        (
            "image: ghcr.io/acme/web:v1 # 1",
            "image: ghcr.io/acme/web@DIGEST # 1",
            "image: ghcr.io/acme/web:v1@DIGEST # 1",
        ),
        (
            "image: 'ghcr.io/acme/web:v1@OLD'",
            "image: 'ghcr.io/acme/web@DIGEST'",
            "image: 'ghcr.io/acme/web:v1@DIGEST'",
        ),
        (
            "image: \"ghcr.io/acme/web\"",
            "image: \"ghcr.io/acme/web@DIGEST\"",
            "image: \"ghcr.io/acme/web@DIGEST\"",
        ),
        (
            "image:   ghcr.io/acme/web@OLD",
            "image:   ghcr.io/acme/web@DIGEST",
            "image:   ghcr.io/acme/web@DIGEST",
        ),
        (
            "\"image\": ghcr.io/acme/web",
            "\"image\": ghcr.io/acme/web@DIGEST",
            "\"image\": ghcr.io/acme/web@DIGEST",
        ),
        (
            "image: &web ghcr.io/acme/web",
            "image: &web ghcr.io/acme/web@DIGEST",
            "image: &web ghcr.io/acme/web@DIGEST",
        ),
    ];
    for (before, bare, tagged) in cases {
        let pod =
            |line: &str| format!("kind: Pod\nspec:\n  containers:\n  - name: ü\n    {line}\n    args: [a]");
        becomes(all(), FILE, IMAGE, &pod(before), &pod(bare));
        becomes(keeping(), FILE, IMAGE, &pod(before), &pod(tagged));
        becomes(keeping(), FILE, IMAGE, &pod(tagged), &pod(tagged));
    }
    // The name stays as it is written.
    let short = "spec: {containers: [{name: a, image: nginx:1.29}]}";
    becomes(all(), FILE, "docker.io/library/nginx", short, &short.replace(":1.29", "@DIGEST"));
    let port = "spec: {\"containers\": [{\"image\":\"127.0.0.1:5000/web:1\"}]}";
    becomes(all(), FILE, "127.0.0.1:5000/web", port, &port.replace("web:1", "web@DIGEST"));
    let six = "spec:\r\n  containers:\r\n  - image: '[::1]:5000/web'\r\n";
    becomes(all(), FILE, "[::1]:5000/web", six, &six.replace("web", "web@DIGEST"));
}

#[test]
fn every_kind_that_holds_a_pod_is_read() {
    let template: &[&str] = &["spec", "template", "spec"];
    let kinds: [(&str, &[&str]); 12] = [
        ("Pod", &["spec"]),
        ("Deployment", template),
        ("StatefulSet", template),
        ("DaemonSet", template),
        ("ReplicaSet", template),
        ("ReplicationController", template),
        ("Job", template),
        ("CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
        ("Rollout", template),
        ("PodTemplate", &["template", "spec"]),
        ("SparkApplication", &["spec", "driver", "template", "spec"]),
        ("Sidecar", &["any", "where"]),
    ];
    for (kind, path) in kinds {
        let text = at(kind, path);
        becomes(all(), FILE, IMAGE, &text, &text.replace(":v1", "@DIGEST"));
        assert_eq!(locators(&text), [format!("workload:{kind}/prod/x/containers/web")]);
    }
    let many =
        format!("# all\n---\n{}---\n{}---\n---\nkind: Service\n", at("Pod", &["spec"]), at("Job", template));
    becomes(all(), FILE, IMAGE, &many, &many.replace(":v1", "@DIGEST"));
    assert_eq!(locators(&many), ["workload:Pod/prod/x/containers/web", "workload:Job/prod/x/containers/web"]);
    let list = "kind: List\nitems:\n- kind: Pod\n  metadata: {name: a}\n  spec:\n    initContainers:\n    - {name: i, image: ghcr.io/acme/web}\n    containers:\n    - {name: c, image: ghcr.io/acme/web}\n    ephemeralContainers:\n    - {name: e, image: ghcr.io/acme/web}\n";
    becomes(all(), FILE, IMAGE, list, &list.replace("web}", "web@DIGEST}"));
    let lists = ["initContainers/i", "containers/c", "ephemeralContainers/e"];
    assert_eq!(locators(list), lists.map(|name| format!("workload:Pod/a/{name}")));
    becomes(
        container("e"),
        FILE,
        IMAGE,
        list,
        &list.replace("e, image: ghcr.io/acme/web", "e, image: ghcr.io/acme/web@DIGEST"),
    );
}

#[test]
fn a_locator_names_one_container() {
    let pod = |name: &str, container: &str| {
        format!(
            "kind: Pod\nmetadata: {{name: {name}}}\nspec: {{containers: [{{name: {container}, image: a}}]}}\n---\n"
        )
    };
    // Two of a name in one file: the place instead.
    assert_eq!(
        locators(&[pod("p", "c"), pod("p", "c"), pod("q", "c")].concat()),
        ["workload:0/spec/containers/0", "workload:1/spec/containers/0", "workload:Pod/q/containers/c"]
    );
    // Names that would pass for other addresses, and none.
    assert_eq!(
        locators(&[pod("a/b", "'c d'"), pod("ü", "\"c%\""), pod("''", "c"), pod("x", "''")].concat()),
        [
            "workload:Pod/a%2Fb/containers/c%20d",
            "workload:Pod/%C3%BC/containers/c%25",
            "workload:2/spec/containers/0",
            "workload:3/spec/containers/0"
        ]
    );
    assert_eq!(locators(&pod("p", "c").replace("Pod", "'0'")), ["workload:0/spec/containers/0"]);
}

#[test]
fn what_is_no_reference_is_left_out_and_what_is_unsafe_refused() {
    let pod = |more: &str| {
        format!(
            "x: &x ghcr.io/acme/web\nspec:\n  containers:\n  - image: ghcr.io/acme/web:v1\n    name: a\n{more}"
        )
    };
    for left in [
        "  - image: $(IMAGE)\n",
        "  - image: ''\n",
        "  - image:\n",
        "  - name: b\n",
        "  initContainers: []\n",
        "  - image: REPLACE_ME\n",
        "  - image: sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
    ] {
        let text = pod(left);
        becomes(all(), FILE, IMAGE, &text, &text.replace("web:v1", "web@DIGEST"));
    }
    let refused = [
        ("  - image: *x\n", "6:12: expected a value on one line, found an alias"),
        (
            "  - <<: {image: c}\n    name: b\n",
            "6:5: expected the key \"image\" or nothing that could be it, found a merge (<<)",
        ),
        ("  - name: b\n    image: ghcr.io/acme/web\n    <<: {image: c}\n", "8:5: expected the key \"image\""),
        ("  - image: ghcr.io/acme/web\n    image: b\n", "7:5: expected the key \"image\" once in a mapping"),
        (
            "  - image: ghcr.io/acme/web\n    'image': b\n",
            "7:5: expected the key \"image\" once in a mapping",
        ),
        (
            "  - image: ghcr.io/acme/web\n    \"im\\x61ge\": b\n",
            "7:5: expected the key \"image\" once in a mapping",
        ),
        (
            "  - image: ghcr.io/acme/web\n    *x : b\n    name: b\n",
            "7:5: expected the key \"image\" or nothing that could be it, found an alias for a key",
        ),
        (
            "  - image: ghcr.io/acme/web\n    !!binary aW1hZ2U=: b\n    name: b\n",
            "expected the key \"image\" or nothing that could be it, found a key with a tag",
        ),
        ("  - image: {{ .Values.image }}\n", "6:12: expected a value on one line, found a mapping"),
        ("  - image: [a]\n", "6:12: expected a value on one line, found a list"),
        ("  - image: |\n      ghcr.io/acme/web\n", "expected a value on one line, found a block of text"),
        (
            "  - image: ghcr.io/acme/\\\n      web\n    name: b\n  - image: \"ghcr.io/acme/\\\n      web\"\n",
            "expected a value on one line, found one over several lines",
        ),
        ("  - image: !x ghcr.io/acme/web\n", "6:15: expected a value on one line, found a value with a tag"),
        ("  - image: &y ghcr.io/acme/web\n  - image: *y\n", "expected a value"),
        (
            "  - &y\n    image: ghcr.io/acme/web\n    name: b\n  - *y\n",
            "expected a value that stands for itself",
        ),
        ("  initContainers: *x\n", "6:19: expected containers that stand for themselves, found an alias"),
        ("spec: 1\n", "2:1: expected the key \"spec\" once in a mapping, found it again in line 6"),
    ];
    for (more, why) in refused {
        let error = refusal(all(), FILE, IMAGE, &pod(more));
        assert!(error.contains(why), "{error}\n{more}");
        // Whoever names the container is not concerned, unless the way to it is.
        if !["spec", "*x", "- *y"].iter().any(|way| more.contains(way)) {
            let text = pod(more);
            becomes(container("a"), FILE, IMAGE, &text, &text.replace("web:v1", "web@DIGEST"));
        }
    }
    let none = "kind: Service\nspec: {image: ghcr.io/acme/web, containers: {image: ghcr.io/acme/web}}\n";
    assert!(refusal(all(), FILE, IMAGE, none).ends_with("expected a container with an image, found none"));
    let error = refusal(container("aa"), FILE, IMAGE, &pod("  - name: bbbb\n    image: c\n"));
    assert!(error.ends_with("expected a container named \"aa\", found a, bbbb"), "{error}");
    let error = refusal(all(), FILE, IMAGE, "spec: {containers: [{image: '{{ a }}'}]}");
    assert!(error.ends_with(":1:29: expected an image reference, found \"{{ a }}\""), "{error}");
    let error =
        refusal(all(), FILE, IMAGE, "spec:\n  containers:\n  {{- range . }}\n  - image: a\n  {{- end }}\n");
    assert!(error.starts_with("app/deployment.yaml:3:") && error.ends_with(" in a template"), "{error}");
}
