//! What `images` finds, and what it leaves.

use crate::edit::{file, filled};
use pinlib::images;

/// Each image as `LINE:COLUMN TEXT`, with `!` where it is no reference.
fn found(path: &str, text: &str) -> Vec<String> {
    let uses = images(&file(path, filled(text))).expect("images");
    let show = |one: &pinlib::ImageUse| {
        format!("{}:{} {}{}", one.line, one.column, if one.image.is_ok() { "" } else { "!" }, one.text)
    };
    uses.iter().map(show).collect()
}

#[test]
fn a_kustomization_has_its_entries_and_nothing_else() {
    let text = "images:\n- name: web\n  newName: ghcr.io/acme/web\n  newTag: v1\n  digest: OLD\n- name: nginx\n- name: A\n- newTag: x\npatches:\n- patch: {spec: {containers: [{image: a:b}]}}\nhelmCharts:\n- valuesInline: {image: {repository: c, tag: d}}\n";
    let all = [filled("2:9 ghcr.io/acme/web:v1@OLD"), "6:9 nginx".into(), "7:9 !A".into()];
    assert_eq!(found("app/kustomization.yml", text), all);
    assert_eq!(found("app/x.yml", &format!("kind: Kustomization\n{text}")).len(), 3);
}

#[test]
fn an_object_has_its_containers_and_what_is_surely_an_image() {
    let head = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, annotations: {image: 'no image'}}\n";
    let pod = "spec:\n  containers:\n  - image: nginx\n  - image: $(X)\n  - image:\n  - name: y\n  volumes:\n  - rbd: {image: disk, pool: p}\n  steps:\n  - image: ghcr.io/acme/step:v1\n";
    let all = ["6:12 nginx", "7:12 !$(X)", "13:12 ghcr.io/acme/step:v1"];
    assert_eq!(found("values.yaml", &format!("{head}{pod}")), all);
    let release = "apiVersion: helm/v2\nkind: HelmRelease\nspec:\n  values:\n    image: {repository: a/b, tag: v1}\n    source: {repository: 'https://x/y', tag: v1}\n    other: {repository: a/b}\n";
    assert_eq!(found("r.yaml", release), ["5:25 a/b:v1"]);
    for kind in ["CustomResourceDefinition", "ImageRepository"] {
        assert_eq!(found("r.yaml", &release.replace("HelmRelease", kind)), [""; 0]);
    }
    let two = format!("{head}---\n# nothing\n---\n{head}spec: {{initContainers: [{{image: a:b}}]}}\n");
    assert_eq!(found("r.yaml", &two), ["10:33 a:b"]);
}

#[test]
fn values_have_their_images() {
    let text = "image: {registry: quay.io, repository: a/b, tag: '1.20', digest: ''}\nsidecar: {image: envoy}\nweb:\n  initImage: {repository: c}\n  image: ''\n  tag: v1\nlogo: {image: img/logo.png}\nold: {image: d, tag: v2}\nold2: {image: d:e, tag: ''}\nx: {image: {name: f}}\n";
    let values = ["1:40 quay.io/a/b:1.20", "2:18 envoy", "4:27 c", "7:15 img/logo.png", "9:15 d:e"];
    assert_eq!(found("charts/a/values-prod.yaml", text), values);
    // A file of another name: only what carries a tag or a digest.
    assert_eq!(found("docs/site.yaml", text), ["1:40 quay.io/a/b:1.20", "9:15 d:e"]);
    assert_eq!(found("a.json", "{\"image\": \"a@OLD\"}"), [filled("1:11 a@OLD")]);
}

#[test]
fn what_is_no_yaml_is_an_error_with_its_place() {
    let cases = [
        ("a: 1\n{{- if .Values.x }}\nimage: b:c\n{{- end }}\n", "a.yaml:2:"),
        ("a: [", "a.yaml:1:"),
        ("a: \"\0\"", "a.yaml:1:5: expected text in UTF-8, found a NUL byte"),
    ];
    for (text, why) in cases {
        let error = images(&file("a.yaml", text)).expect_err("no YAML").to_string();
        assert!(error.starts_with(why), "{error}");
    }
    assert_eq!(found("a.yaml", ""), [""; 0]);
    assert_eq!(found("a.yaml", "# nothing\n---\n...\n"), [""; 0]);
}
