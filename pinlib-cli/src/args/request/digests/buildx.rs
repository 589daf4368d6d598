//! `docker buildx build --metadata-file` and `docker buildx bake --metadata-file`, and what docker's own Actions call
//! `metadata`.
//!
//! Source: <https://docs.docker.com/reference/cli/docker/buildx/bake/#metadata-file>. `image.name` is what was pushed, several
//! names with commas between; it is missing where nothing was.

use super::{Format, Reported, Tree, pair};

const DIGEST: &str = "containerimage.digest";

pub(super) const BUILD: Format =
    Format { name: "metadata of docker buildx build", fits: is_result, read: images };

pub(super) const BAKE: Format = Format {
    name: "metadata of docker buildx bake",
    fits: |tree| !is_result(tree) && tree.map().is_some_and(|map| map.values().any(is_result)),
    read: |tree| {
        let mut all = Vec::new();
        for (target, result) in tree.map().into_iter().flatten().filter(|(_, result)| is_result(result)) {
            // A target that only tests, or writes files, makes no image.
            if result.get(DIGEST).is_some() {
                all.extend(images(result).map_err(|reason| format!("target {target}: {reason}"))?);
            }
        }
        Ok(all)
    },
};

fn is_result(tree: &Tree) -> bool {
    let own = |key: &String| ["containerimage.", "buildx.build.ref"].iter().any(|own| key.starts_with(own));
    tree.map().is_some_and(|map| map.keys().any(own))
}

fn images(result: &Tree) -> Result<Vec<Reported>, String> {
    let digest = result.want(DIGEST)?;
    let names = result
        .get("image.name")
        .and_then(Tree::text)
        .ok_or("it has no `image.name`: build with a tag, and push the image")?;
    names.split(',').map(|name| pair(name.trim(), digest)).collect()
}
