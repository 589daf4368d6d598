//! `skaffold build --file-output`: `{"builds": [{"imageName": …, "tag": "REPOSITORY:TAG@DIGEST"}]}`.
//!
//! Source: <https://skaffold.dev/docs/workflows/ci-cd/>. `imageName` is what skaffold.yaml calls it; what was pushed stands in
//! `tag`.

use super::{Format, Tree, whole};

pub(super) const BUILDS: Format = Format {
    name: "build artifacts of skaffold",
    fits: |tree| tree.get("builds").is_some_and(|builds| builds.list().is_some()),
    read: |tree| {
        let builds = tree.get("builds").and_then(Tree::list).into_iter().flatten();
        builds.map(|build| whole(build.want("tag")?)).collect()
    },
};
