//! Layouts that are not, or not quite.

use pinlib::{BackendErrorKind, Digest, LayoutRegistry, Reference, Registry};
use pinlib_testkit::{
    image::{Recipe, Variant},
    sim::run,
};
use std::{fs, path::Path};
use tempfile::TempDir;

fn image(text: &str) -> Reference {
    text.parse().expect("an image")
}

fn layout(index: &str) -> TempDir {
    let folder = TempDir::new().expect("a folder");
    fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).expect("a file");
    fs::write(folder.path().join("index.json"), index).expect("a file");
    folder
}

#[test]
fn what_is_no_layout_says_so() {
    let opened = |folder: &Path| {
        LayoutRegistry::open(folder).map(drop).map_err(|error| (error.kind(), error.to_string()))
    };
    let wrong = |folder: &Path, kind, says: &str| {
        let (found, text) = opened(folder).expect_err(says);
        assert!(found == kind && text.contains(says) && text.lines().count() == 1, "{found:?}: {text}");
        assert!(
            text.starts_with("cannot open the OCI layout ") && text.contains(&folder.display().to_string()),
            "{text}"
        );
    };
    let folder = layout(r#"{"manifests":[]}"#);
    assert_eq!(opened(folder.path()), Ok(()));
    wrong(&folder.path().join("missing"), BackendErrorKind::NotFound, "no such file");
    for (file, text, says) in [
        ("oci-layout", "{}", "is broken: missing field"),
        ("oci-layout", r#"{"imageLayoutVersion":"2.0.0"}"#, "its version is \"2.0.0\", and 1 is known"),
        ("index.json", "", "index.json is broken: EOF"),
        ("index.json", "{}", "missing field `manifests`"),
        ("index.json", &" ".repeat((4 << 20) + 1), "longer than 4194304 bytes"),
    ] {
        let folder = layout(r#"{"manifests":[]}"#);
        fs::write(folder.path().join(file), text).expect("a file");
        wrong(folder.path(), BackendErrorKind::Invalid, says);
    }
    fs::remove_file(folder.path().join("index.json")).expect("a file");
    wrong(folder.path(), BackendErrorKind::NotFound, "index.json: no such file");
    fs::create_dir(folder.path().join("index.json")).expect("a folder");
    wrong(folder.path(), BackendErrorKind::Invalid, "not a file");
}

#[test]
fn a_name_that_two_images_have_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let of = |platform: &str| Recipe::of([Variant::of(platform)]).single();
    of("linux/amd64").write_layout(folder.path(), "v1").expect("a layout");
    of("linux/arm64").write_layout(folder.path(), "ghcr.io/acme/app:v1").expect("a layout");
    let layout = LayoutRegistry::open(folder.path()).expect("a layout");
    let other = run(layout.manifest(&image("quay.io/acme/app:v1"))).expect("by tag alone");
    assert_eq!(other.claimed, Some(of("linux/amd64").digest()));
    let error = run(layout.manifest(&image("ghcr.io/acme/app:v1"))).expect_err("two");
    assert!(error.to_string().ends_with("2 entries of it are called v1"), "{error}");
}

/// buildx writes both: the tag alone for the specification, the full name for containerd.
#[test]
fn a_full_name_beside_a_tag_counts() {
    let built = Recipe::of([Variant::of("linux/amd64")]).single();
    let folder = TempDir::new().expect("a folder");
    built.write_layout(folder.path(), "v1").expect("a layout");
    let index = folder.path().join("index.json");
    let text = fs::read_to_string(&index).expect("a file");
    let named = text
        .replace(r#""annotations":{"#, r#""annotations":{"io.containerd.image.name":"ghcr.io/acme/app:v1","#);
    fs::write(index, named).expect("a file");
    let layout = LayoutRegistry::open(folder.path()).expect("a layout");
    assert_eq!(run(layout.manifest(&image("ghcr.io/acme/app:v1"))).expect("it").bytes, built.root.bytes);
    assert!(run(layout.manifest(&image("ghcr.io/acme/other:v1"))).is_err());
}

#[test]
fn a_blob_is_a_file_of_bounded_size() {
    let digest = Digest::of(b"blob");
    let folder = layout(r#"{"manifests":[]}"#);
    let blobs = folder.path().join("blobs/sha256");
    fs::create_dir_all(&blobs).expect("a folder");
    let layout = LayoutRegistry::open(folder.path()).expect("a layout");
    let at = image("ghcr.io/acme/app").at(digest);
    let kinds = || {
        let manifest = run(layout.manifest(&at)).expect_err("no manifest").kind();
        (manifest, run(layout.blob(&at, digest)).expect_err("no blob").kind())
    };
    assert_eq!(kinds(), (BackendErrorKind::NotFound, BackendErrorKind::NotFound));
    let file = fs::File::create(blobs.join(digest.hex())).expect("a file");
    file.set_len((16 << 20) + 1).expect("a long file");
    assert_eq!(kinds(), (BackendErrorKind::Invalid, BackendErrorKind::Invalid));
}
