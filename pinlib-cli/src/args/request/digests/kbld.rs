//! kbld's lock files: `kbld --lock-output` (a Config with overrides), and `kbld --imgpkg-lock-output` (an `ImagesLock`).
//!
//! Source: <https://carvel.dev/kbld/docs/v0.40.x/resolving/>, and `test/e2e/lock_output_test.go` of carvel-dev/kbld. What the
//! manifests said before kbld is `image`, what it resolved that to `newImage`.

use super::{Format, Reported, Tree, whole};

pub(super) const CONFIG: Format = Format {
    name: "a lock file of kbld (Config)",
    fits: |tree| is(tree, "kbld.k14s.io/", "Config", "overrides"),
    read: |tree| images(tree, "overrides", "newImage"),
};

pub(super) const IMAGES_LOCK: Format = Format {
    name: "a lock file of kbld and imgpkg (ImagesLock)",
    fits: |tree| is(tree, "imgpkg.carvel.dev/", "ImagesLock", "images"),
    read: |tree| images(tree, "images", "image"),
};

fn is(tree: &Tree, group: &str, kind: &str, list: &str) -> bool {
    let text = |key| tree.get(key).and_then(Tree::text);
    text("apiVersion").is_some_and(|version| version.starts_with(group))
        && text("kind") == Some(kind)
        && tree.get(list).is_some_and(|images| images.list().is_some())
}

fn images(tree: &Tree, list: &str, key: &str) -> Result<Vec<Reported>, String> {
    tree.get(list).and_then(Tree::list).into_iter().flatten().map(|one| whole(one.want(key)?)).collect()
}
