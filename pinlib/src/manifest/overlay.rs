//! What kustomize makes of images: its image transformer, as far as that decides which image runs.

use super::{
    EditError, kustomize,
    place::joined,
    yaml::{Needles, Node, Source},
};
use crate::git::FileAt;

/// A kustomization: what it brings together, and what it makes of the images in that.
#[derive(Clone, Debug)]
pub(crate) struct Overlay {
    /// The files and folders that it names, as it writes them: those of others are among them.
    pub(crate) resources: Vec<String>,
    /// The components, which change what the resources hold.
    pub(crate) components: Vec<String>,
    entries: Vec<Entry>,
}

/// One entry under `images:`.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    new_name: Option<String>,
    new_tag: Option<String>,
    digest: Option<String>,
}

/// Reads a file, where it is a kustomization.
///
/// # Errors
/// `Refused` where it could be read in two ways.
pub(crate) fn overlay(file: &FileAt) -> Result<Option<Overlay>, EditError> {
    for document in Source::new(file)?.documents(&Needles::default()) {
        let document = document?;
        let Some(root) = kustomize::kustomization(&document) else { continue };
        let mut resources = texts(root, "resources")?;
        // Their old name.
        resources.extend(texts(root, "bases")?);
        let components = texts(root, "components")?;
        let mut entries = Vec::new();
        for item in root.get("images")?.into_iter().flat_map(Node::items) {
            if item.is_alias() {
                return Err(item.refused("an entry of its own", "an alias"));
            }
            let text = |key| Ok(item.get(key)?.and_then(Node::value).map(str::to_owned));
            let (Some(name), new_name) = (text("name")?, text("newName")?) else { continue };
            entries.push(Entry { name, new_name, new_tag: text("newTag")?, digest: text("digest")? });
        }
        return Ok(Some(Overlay { resources, components, entries }));
    }
    Ok(None)
}

fn texts(root: Node<'_>, key: &str) -> Result<Vec<String>, EditError> {
    let items = root.get(key)?.into_iter().flat_map(Node::items);
    let text = |item: Node<'_>| {
        item.value().map(str::to_owned).ok_or_else(|| item.refused("a path", "another value"))
    };
    items.map(text).collect()
}

impl Overlay {
    /// What becomes of an image: each entry that is for it is applied, one after the other.
    ///
    /// Source: <https://github.com/kubernetes-sigs/kustomize/blob/master/api/filters/imagetag/updater.go>.
    pub(crate) fn apply(&self, image: &str) -> String {
        self.entries.iter().fold(image.to_owned(), |image, entry| entry.apply(&image).unwrap_or(image))
    }
}

impl Entry {
    fn apply(&self, image: &str) -> Option<String> {
        let rest = image.strip_prefix(&self.name)?;
        let (tag, digest) = match rest.split_once('@') {
            Some((tag, digest)) => (tag, Some(digest)),
            None => (rest, None),
        };
        let tag = match tag.strip_prefix(':') {
            Some(tag) if !tag.contains('/') => Some(tag),
            None if tag.is_empty() => None,
            // Another image, whose name begins like this one's.
            _ => return None,
        };
        // Either one takes the place of both.
        let (tag, digest) = match (self.new_tag.as_deref(), self.digest.as_deref()) {
            (None, None) => (tag, digest),
            new => new,
        };
        Some(joined(self.new_name.as_deref().unwrap_or(&self.name), tag, digest))
    }
}

#[cfg(test)]
mod tests {
    use super::overlay;
    use crate::git::{FileAt, Mode, ObjectFormat, Oid};

    fn file(text: &str) -> FileAt {
        FileAt {
            path: "a/kustomization.yaml".parse().expect("a path"),
            mode: Mode::Regular,
            oid: Oid::of(ObjectFormat::Sha1, "blob", text.as_bytes()),
            bytes: text.as_bytes().to_vec(),
        }
    }

    /// The cases of kustomize's own test of its transformer, and what lies between them.
    #[test]
    fn an_entry_takes_the_images_of_its_name_and_no_others() {
        for (entry, image, made) in [
            ("name: nginx, newTag: v2", "nginx:1.2.1", "nginx:v2"),
            ("name: nginx, newTag: v2", "nginx@sha256:11", "nginx:v2"),
            ("name: nginx, newName: apache", "nginx:1.2.1", "apache:1.2.1"),
            ("name: nginx, newName: apache", "nginx:1@sha256:11", "apache:1@sha256:11"),
            ("name: nginx, digest: 'sha256:22'", "nginx:1.2.1", "nginx@sha256:22"),
            ("name: nginx, newTag: v2, digest: 'sha256:22'", "nginx", "nginx:v2@sha256:22"),
            ("name: nginx, newName: a.io/x, newTag: v2", "nginx", "a.io/x:v2"),
            ("name: nginx, newTag: v2", "nginx-extra:1", "nginx-extra:1"),
            ("name: nginx, newTag: v2", "library/nginx:1", "library/nginx:1"),
            ("name: a.io, newTag: v2", "a.io:5000/nginx:1", "a.io:5000/nginx:1"),
            ("name: a.io:5000/nginx, newTag: v2", "a.io:5000/nginx:1", "a.io:5000/nginx:v2"),
            ("name: a, newName: b}, {name: b, newTag: v2", "a:1", "b:v2"),
        ] {
            let file = file(&format!("images: [{{{entry}}}]\nresources: [x.yaml, ../b]\n"));
            let overlay = overlay(&file).expect("no refusal").expect("a kustomization");
            assert_eq!(overlay.apply(image), made, "{entry}");
            assert_eq!(overlay.resources, ["x.yaml", "../b"]);
        }
    }

    #[test]
    fn what_could_be_two_things_is_refused() {
        for text in [
            "images: []\nimages: [{name: a, digest: b}]\n",
            "images: [&a {name: a, newTag: b}, *a]\n",
            "resources: [[a]]\n",
            "<<: {images: []}\n",
        ] {
            assert!(overlay(&file(text)).is_err(), "{text}");
        }
        assert!(overlay(&file("kind: Deployment\napiVersion: apps/v1\n")).expect("no refusal").is_none());
    }
}
