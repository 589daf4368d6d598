//! The samples have the shape of those that the tools' own documents and tests show; each names its source.

use super::entries;
use std::collections::BTreeMap;

const ONE: &str = "sha256:19ffeab6f8bc9293ac2c3fdf94ebe28396254c993aea0b5a542cfb02e0883fa3";
const TWO: &str = "sha256:6d9ac9237a84afe1516540f40a0fafdc86859b2141954b4d643af7066d598b74";

/// The images, each with the first four letters of its digest.
fn read(text: &str) -> BTreeMap<String, String> {
    let entries = entries(text).unwrap_or_else(|error| panic!("{error:?}"));
    entries.into_iter().map(|one| (one.image.to_string(), one.digest.hex()[..4].to_owned())).collect()
}

fn refused(text: &str) -> String {
    entries(text).map_or_else(|(reason, _)| reason, |read| panic!("{read:?}"))
}

fn are(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(image, digest)| ((*image).to_owned(), (*digest).to_owned())).collect()
}

#[test]
fn a_build_matrix_is_an_object_or_a_list() {
    let both = are(&[("ghcr.io/acme/api", "6d9a"), ("ghcr.io/acme/web", "19ff")]);
    assert_eq!(read(&format!(r#"{{"ghcr.io/acme/web": "{ONE}", "ghcr.io/acme/api:2": "{TWO}"}}"#)), both);
    let list = format!(
        r#"[{{"image": "ghcr.io/acme/web:1", "digest": "{ONE}", "job": 7}}, {{"name": "ghcr.io/acme/api", "digest": "{TWO}"}}]"#
    );
    assert_eq!(read(&list), both);
    assert_eq!(read(&format!("ghcr.io/acme/web: {ONE}\nghcr.io/acme/api: {TWO}\n")), both, "YAML is as good");
}

/// As in `docs/reference/buildx_build.md` of docker/buildx, with the `image.name` that a push adds.
#[test]
fn buildx_build_names_what_it_pushed() {
    let metadata = |more: &str| {
        format!(
            r#"{{
  "buildx.build.provenance": {{}},
  "buildx.build.ref": "mybuilder/mybuilder0/0fjb6ubs52xx3vygf6fgdl611",
  "buildx.build.warnings": {{}},
  "containerimage.config.digest": "sha256:2937f66a9722f7f4a2df583de2f8cb97fc9196059a410e7f00072fc918930e66",
  "containerimage.descriptor": {{"digest": "{ONE}", "mediaType": "application/vnd.oci.image.index.v1+json", "size": 506}},
  "containerimage.digest": "{ONE}"{more}
}}"#
        )
    };
    let named = metadata(r#", "image.name": "ghcr.io/acme/web:1,docker.io/acme/web:latest""#);
    assert_eq!(read(&named), are(&[("docker.io/acme/web", "19ff"), ("ghcr.io/acme/web", "19ff")]));
    let unnamed = refused(&metadata(""));
    assert!(unnamed.contains("no `image.name`"), "{unnamed}");
    let nothing = refused(r#"{"buildx.build.ref": "a/b/c"}"#);
    assert!(nothing.contains("no text `containerimage.digest`"), "{nothing}");
}

/// As in `docs/reference/buildx_bake.md` of docker/buildx, and <https://github.com/docker/bake-action/issues/99>.
#[test]
fn buildx_bake_has_a_result_a_target() {
    let bake = |name: &str| {
        format!(
            r#"{{
  "buildx.build.warnings": {{}},
  "db": {{
    "buildx.build.ref": "mybuilder/mybuilder0/0fjb6ubs52xx3vygf6fgdl611",
    "containerimage.descriptor": {{"digest": "{ONE}", "size": 506}},
    "containerimage.digest": "{ONE}",
    "image.name": "docker.io/username/db"
  }},
  "lint": {{"buildx.build.ref": "mybuilder/mybuilder0/kamngmcgyzebqxwu98b4lfv3n"}},
  "webapp-dev": {{
    "buildx.build.ref": "mybuilder/mybuilder0/kamngmcgyzebqxwu98b4lfv3n",
    "containerimage.digest": "{TWO}"{name}
  }}
}}"#
        )
    };
    let named = bake(r#", "image.name": "localhost:5000/name/app:t1""#);
    assert_eq!(read(&named), are(&[("docker.io/username/db", "19ff"), ("localhost:5000/name/app", "6d9a")]));
    let unnamed = refused(&bake(""));
    assert!(unnamed.contains("target webapp-dev: it has no `image.name`"), "{unnamed}");
}

/// As in <https://github.com/ko-build/ko/issues/1475>.
#[test]
fn ko_prints_a_reference_a_line() {
    let lines = format!("abc.local/kwok:latest@{ONE}\r\n\nghcr.io/acme/web-0a1b@{TWO}\n");
    assert_eq!(read(&lines), are(&[("abc.local/kwok", "19ff"), ("ghcr.io/acme/web-0a1b", "6d9a")]));
    assert_eq!(read(&format!(r#"["abc.local/kwok@{ONE}"]"#)), are(&[("abc.local/kwok", "19ff")]));
}

/// As in `test/e2e/lock_output_test.go` of carvel-dev/kbld.
#[test]
fn kbld_locks_what_it_resolved() {
    let config = format!(
        "apiVersion: kbld.k14s.io/v1alpha1\nkind: Config\nminimumRequiredVersion: 0.40.0\noverrides:\n- image: nginx:1.14.2\n\
         \x20 newImage: index.docker.io/library/nginx@{ONE}\n  preresolved: true\n- image: sample-app\n  newImage: \
         ghcr.io/acme/app@{TWO}\n  preresolved: true\nsearchRules:\n- keyMatcher:\n    path:\n    - images\n    - index: 0\n"
    );
    let both = are(&[("ghcr.io/acme/app", "6d9a"), ("index.docker.io/library/nginx", "19ff")]);
    assert_eq!(read(&config), both);
    let lock = format!(
        "---\napiVersion: imgpkg.carvel.dev/v1alpha1\nimages:\n- annotations:\n    kbld.carvel.dev/id: nginx:1.14.2\n    \
         kbld.carvel.dev/origins: |\n      - resolved:\n          tag: 1.14.2\n          url: nginx:1.14.2\n  image: \
         index.docker.io/library/nginx@{ONE}\n- image: ghcr.io/acme/app@{TWO}\nkind: ImagesLock\n"
    );
    assert_eq!(read(&lock), both);
    let open = config.replace(&format!("app@{TWO}"), "app:2");
    assert!(refused(&open).contains("ghcr.io/acme/app:2 has no digest"));
}

/// As in <https://skaffold.dev/docs/workflows/ci-cd/>.
#[test]
fn skaffold_pushed_what_its_tag_says() {
    let builds = |digest: &str| {
        format!(
            r#"{{"builds":[{{"imageName":"example","tag":"gcr.io/k8s-skaffold/example:v0.41.0{digest}"}}]}}"#
        )
    };
    assert_eq!(read(&builds(&format!("@{ONE}"))), are(&[("gcr.io/k8s-skaffold/example", "19ff")]));
    assert!(refused(&builds("")).contains("has no digest: was it pushed?"));
}

#[test]
fn what_fits_no_format_or_two_is_refused_with_what_was_seen() {
    for (text, told) in [
        ("", "it is empty"),
        ("{", "not JSON: EOF while parsing an object"),
        ("a: [", "not YAML: "),
        ("hello there", "no format that pinlib knows has a text"),
        ("7", "has a single value"),
        ("[]", "has an empty list"),
        ("{}", "has an empty object"),
        (r#"[{"image": "a"}]"#, "has a list of 1, the first an object of image"),
        (r#"{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}"#, "has an object of a, b, c, d, …"),
        (r#"{"ghcr.io/acme/web": "1.2"}"#, "has an object of ghcr.io/acme/web"),
        ("apiVersion: v1\nkind: Config\noverrides: []\n", "has an object of apiVersion, kind, overrides"),
        (r#"{"builds": []}"#, "skaffold: it reports no image"),
        (r#"{"builds": [7]}"#, "a single value has no text `tag`"),
        (r#"{"x@sha256:zz": "sha256:zz"}"#, "\"sha256:zz\" is not a valid digest"),
        ("x@sha256:zz\n", "\"sha256:zz\" is not a valid digest"),
    ] {
        let refusal = refused(text);
        assert!(refusal.contains(told), "{text}: {refusal}");
    }
    let two = refused(&format!(r#"{{"containerimage.digest": "{ONE}"}}"#));
    assert!(two.contains("may be an object of IMAGE: DIGEST; metadata of docker buildx build"), "{two}");
}

#[test]
fn neither_the_first_nor_the_last_of_two_wins() {
    let twice = refused(&format!(r#"{{"ghcr.io/acme/web": "{ONE}", "ghcr.io/acme/web": "{TWO}"}}"#));
    assert!(twice.contains(r#"the key "ghcr.io/acme/web" stands there twice"#), "{twice}");
    let twice = refused(&format!("ghcr.io/acme/web: {ONE}\nghcr.io/acme/web: {TWO}\n"));
    assert!(twice.contains("duplicate"), "{twice}");
    let names = refused(&format!(r#"[{{"image": "a", "name": "b", "digest": "{ONE}"}}]"#));
    assert!(names.contains("both `image` and `name`"), "{names}");
    let other = refused(&format!(r#"{{"ghcr.io/acme/web@{TWO}": "{ONE}"}}"#));
    assert!(other.contains("stands beside another digest"), "{other}");
}

#[test]
fn hostile_reports_end_in_an_error() {
    let deep = "[".repeat(100_000);
    assert!(refused(&deep).contains("recursion limit"));
    assert!(refused(&format!("a: {deep}")).starts_with("not YAML: "));
    assert!(refused(&format!("a: &a [x, x]\nb: &b [*a, *a]\nc: {}\n", "[*b, *b]")).len() < 500);
    assert!(refused(&format!(r#"{{"{}": 1}}"#, "k".repeat(100_000))).len() < 500);
}
