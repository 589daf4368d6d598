//! Helm values, byte by byte.

use crate::edit::{becomes, file, filled, refusal};
use pinlib::{HelmValues, ManifestEditor};

const FILE: &str = "charts/web/values.yaml";
const IMAGE: &str = "ghcr.io/acme/web";

fn all() -> HelmValues {
    HelmValues::default()
}

fn at(path: &str) -> HelmValues {
    HelmValues { at: path.parse().expect("a path"), keep_tag: false }
}

#[test]
fn every_shape_of_an_image_holds_a_digest() {
    let cases = [
        (
            "image:\n  repository: ghcr.io/acme/web\n  tag: v1\n  pullPolicy: Always\n\nx: 1\n",
            "image:\n  repository: ghcr.io/acme/web\n  tag: v1\n  pullPolicy: Always\n  digest: DIGEST\n\nx: 1\n",
        ),
        (
            "image:\n  registry: ghcr.io\n  repository: acme/web\n  tag: v1\n  ## @param digest\n  digest: \"\"\n",
            "image:\n  registry: ghcr.io\n  repository: acme/web\n  tag: v1\n  ## @param digest\n  digest: \"DIGEST\"\n",
        ),
        (
            "image:\n  repository: ghcr.io/acme/web\n  digest: OLD # by CI",
            "image:\n  repository: ghcr.io/acme/web\n  digest: DIGEST # by CI",
        ),
        (
            "image:\r\n  repository: ghcr.io/acme/web\r\n  tag:\r\n",
            "image:\r\n  repository: ghcr.io/acme/web\r\n  tag:\r\n  digest: DIGEST\r\n",
        ),
        (
            "image: {repository: ghcr.io/acme/web, tag: \"1.0\"}\n",
            "image: {repository: ghcr.io/acme/web, tag: \"1.0\", digest: \"DIGEST\"}\n",
        ),
        (
            "{\"image\":{\"repository\":\"ghcr.io/acme/web\",\"digest\":null}}",
            "{\"image\":{\"repository\":\"ghcr.io/acme/web\",\"digest\":DIGEST}}",
        ),
        ("image: ghcr.io/acme/web:v1\n", "image: ghcr.io/acme/web@DIGEST\n"),
        ("a:\n- image: 'ghcr.io/acme/web'\n", "a:\n- image: 'ghcr.io/acme/web@DIGEST'\n"),
        // A chart that has no key for a digest carries it in the tag.
        (
            "image:\n  repository: ghcr.io/acme/web\n  tag: \"V1_0@OLD\"\n",
            "image:\n  repository: ghcr.io/acme/web\n  tag: \"V1_0@DIGEST\"\n",
        ),
        (
            "web: {repository: ghcr.io/acme/web, tag: v1}",
            "web: {repository: ghcr.io/acme/web, tag: v1, digest: \"DIGEST\"}",
        ),
        (
            "initImage: {repository: ghcr.io/acme/web}",
            "initImage: {repository: ghcr.io/acme/web, digest: \"DIGEST\"}",
        ),
    ];
    for (before, after) in cases {
        becomes(all(), FILE, IMAGE, before, after);
        becomes(all(), FILE, IMAGE, after, after);
    }
    let tagged = HelmValues { keep_tag: true, ..all() };
    becomes(tagged, FILE, IMAGE, "image: ghcr.io/acme/web:v1\n", "image: ghcr.io/acme/web:v1@DIGEST\n");
}

#[test]
fn a_path_means_one_image_and_none_means_all() {
    let text = "image: {repository: ghcr.io/acme/web, tag: a}\nsub/chart:\n  list:\n  - image: ghcr.io/acme/web:b\n  repo: {repository: ghcr.io/acme/web}\n  side: {repository: ghcr.io/acme/web, tag: c, digest: OLD}\nsource: {repository: 'https://github.com/acme/web', tag: v1}\nold: {image: ghcr.io/acme/web, tag: v1}\n";
    let sites = all().sites(&file(FILE, filled(text))).expect("sites");
    let seen: Vec<_> = sites.iter().map(|site| (site.locator.as_str(), site.image.to_string())).collect();
    let seen: Vec<_> = seen.iter().map(|(locator, image)| (*locator, image.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("helm:0/image", "ghcr.io/acme/web:a"),
            ("helm:0/sub%2Fchart/list/0/image", "ghcr.io/acme/web:b"),
            ("helm:0/sub%2Fchart/side", &filled("ghcr.io/acme/web:c@OLD")),
        ]
    );
    let everywhere = text
        .replace("tag: a", "tag: a, digest: \"DIGEST\"")
        .replace("web:b", "web@DIGEST")
        .replace("OLD", "DIGEST");
    becomes(all(), FILE, IMAGE, text, &everywhere);
    becomes(at("/sub~1chart/list/0/image"), FILE, IMAGE, text, &text.replace("web:b", "web@DIGEST"));
    // What a path names need not look like an image.
    let repo = text.replace(
        "repo: {repository: ghcr.io/acme/web",
        "repo: {repository: ghcr.io/acme/web, digest: \"DIGEST\"",
    );
    becomes(at("/sub~1chart/repo"), FILE, IMAGE, text, &repo);
    let refused = [
        ("/imag", "values.yaml: expected \"/imag\", found /image, /old, /source, /sub~1chart"),
        (
            "/sub~1chart/lst",
            "expected \"/sub~1chart/lst\", found /sub~1chart/list, /sub~1chart/repo, /sub~1chart/side",
        ),
        ("/sub~1chart", "3:3: expected a mapping with repository, found repo, list, side"),
        ("/sub~1chart/list", "4:5: expected a value on one line, found a list"),
        ("/sub~1chart/list/1", "expected \"/sub~1chart/list/1\", found none"),
        ("/source", "7:9: expected an image reference, found \"https://github.com/acme/web:v1\": want a"),
        ("/old/image", "8:37: expected an image that holds its tag itself, found tag beside it"),
        ("/image/repository/x", "found none"),
    ];
    for (path, why) in refused {
        let error = refusal(at(path), FILE, IMAGE, text);
        assert!(error.contains(why), "{error}");
    }
}

#[test]
fn what_could_pin_nothing_is_refused() {
    let cases = [
        ("image: {repository: ghcr.io/acme/web, tag: a, tag: b}", "1:47: expected the key \"tag\" once"),
        (
            "a: {image: ghcr.io/acme/web}\na: {image: ghcr.io/acme/web}\n",
            "1:1: expected the key \"a\" once in a mapping, found it again in line 2",
        ),
        (
            "d: &d {tag: x}\nimage:\n  repository: ghcr.io/acme/web\n  tag: y\n  <<: *d\n",
            "expected the key \"registry\" or nothing that could be it, found a merge",
        ),
        (
            "image: &i\n  repository: ghcr.io/acme/web\n  tag: x\nother: *i\n",
            "expected a value that stands for itself, found one that aliases repeat, anchored in line 2",
        ),
        (
            "t: &t v1\nimage:\n  repository: ghcr.io/acme/web\n  tag: *t\n",
            "4:8: expected a value on one line, found an alias",
        ),
        (
            "image:\n  repository: ghcr.io/acme/web\n  tag: v1@OLD\n  digest: OLD\n",
            "expected an image: repository with tag or digest",
        ),
        (
            "x: 1\n",
            "values.yaml: expected an image: repository with tag or digest, or image: repo:tag, found none",
        ),
        (
            "image: {repository: ghcr.io/acme/api, tag: a}\n",
            "values.yaml: expected the image ghcr.io/acme/web, found ghcr.io/acme/api",
        ),
    ];
    for (text, why) in cases {
        let error = refusal(all(), FILE, IMAGE, text);
        assert!(error.contains(why), "{error}\n{text}");
    }
}
