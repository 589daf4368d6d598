//! What the jobs of a build matrix put together: `{"IMAGE": "DIGEST"}`, or a list of `{"image": …, "digest": …}`.

use super::{Format, Reported, Tree, pair};

pub(super) const OBJECT: Format = Format {
    name: "an object of IMAGE: DIGEST",
    fits: |tree| tree.map().is_some_and(|map| !map.is_empty() && map.values().all(is_digest)),
    read: |tree| {
        let entries = tree.map().into_iter().flatten();
        entries.map(|(image, digest)| pair(image, digest.text().unwrap_or_default())).collect()
    },
};

pub(super) const LIST: Format = Format {
    name: "a list of {image, digest} or {name, digest}",
    fits: |tree| {
        tree.list().is_some_and(|list| !list.is_empty() && list.iter().all(|one| one.get("digest").is_some()))
    },
    read: |tree| tree.list().into_iter().flatten().map(entry).collect(),
};

fn is_digest(tree: &Tree) -> bool {
    tree.text().is_some_and(|text| text.starts_with("sha256:") || text.starts_with("sha512:"))
}

/// Other keys are the pipeline's own.
fn entry(tree: &Tree) -> Result<Reported, String> {
    let key = match (tree.get("image"), tree.get("name")) {
        (Some(_), Some(_)) => return Err(format!("{tree} has both `image` and `name`")),
        (None, Some(_)) => "name",
        _ => "image",
    };
    pair(tree.want(key)?, tree.want("digest")?)
}
