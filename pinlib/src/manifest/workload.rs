//! Workloads: the containers of anything that holds a pod.

use super::{
    EditError, ManifestEditor, Region, Site,
    place::{self, Place, nearest},
    yaml::{self, Document, Needles, Node, Source, none, part, shown},
};
use crate::{git::FileAt, image::Digest};
use std::{collections::HashMap, fmt};

const LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The images of the containers in a pod, or in whatever holds a pod's template.
///
/// No kind is named here: a pod is a mapping with `containers`, `initContainers` or `ephemeralContainers`, one of
/// which has an `image`. So `Deployment`, `CronJob`, `Rollout`, a `List` of them and any custom resource are read alike.
///
/// A site is the scalar at `image`. Its locator is `workload:KIND/NAMESPACE/NAME/LIST/CONTAINER`, without the namespace
/// where the object has none, each part percent-encoded. Where that is not the name of one container in the file, it is
/// `workload:DOCUMENT/PATH` with indexes.
///
/// A container whose `image` is no reference, such as `$(IMAGE)`, is left out where others are found.
///
/// ```
/// use pinlib::Workload;
/// let web = Workload { container: Some("web".into()), ..Workload::default() };
/// assert_eq!(web.to_string(), "workload, container web");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workload {
    /// The containers with this name; without it, all.
    pub container: Option<String>,
    /// Leaves the tag before the digest, where there is one: `repo:tag@sha256…`.
    pub keep_tag: bool,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("workload")?;
        self.container.iter().try_for_each(|name| write!(f, ", container {}", name.escape_debug()))
    }
}

impl ManifestEditor for Workload {
    fn sites(&self, file: &FileAt) -> Result<Vec<Site>, EditError> {
        self.places(file).and_then(|places| place::sites(file, places))
    }
    fn pinned(&self, file: &FileAt, site: &Site, digest: Digest) -> Result<String, EditError> {
        place::pinned(file, site, digest, self.keep_tag, || self.places(file))
    }
    fn verify(&self, before: &FileAt, after: &FileAt, regions: &[Region]) -> Result<(), EditError> {
        yaml::verify(before, after, regions)
    }
}

/// One container of a pod: a mapping, or an alias that stands for one, or for a list of them.
pub(super) struct Container<'d> {
    pub(super) node: Node<'d>,
    /// The name that the file gives it.
    name: Option<&'d str>,
    /// Its name in the file, where it has one: `KIND/NAMESPACE/NAME/LIST/CONTAINER`.
    path: Option<String>,
}

/// Every container of every pod in a document, in order.
pub(super) fn containers<'d>(document: &'d Document<'_>) -> Vec<Container<'d>> {
    // What stands for an object of the cluster: a mapping with a kind and a name.
    let mut objects = HashMap::new();
    let mut containers = Vec::new();
    for node in document.nodes().filter(|node| node.is_mapping()) {
        let (mut kind, mut metadata, mut lists, mut pod) = (None, None, Vec::new(), false);
        for (key, value) in node.entries() {
            match key.text() {
                Some("kind") => kind = value.value(),
                Some("metadata") if value.is_mapping() => metadata = Some(value),
                Some(name) => {
                    if let Some(list) = LISTS.iter().find(|list| **list == name) {
                        pod |= value.is_alias() || value.items().any(|item| item.last("image").is_some());
                        lists.push((list, value));
                    }
                }
                None => {}
            }
        }
        let name = metadata.and_then(|metadata| metadata.last("name")?.value());
        if let Some((kind, name)) = kind.zip(name) {
            let namespace = metadata.and_then(|metadata| metadata.last("namespace")?.value());
            objects.insert(node.id(), (kind, namespace, name));
        }
        for (list, value) in lists.into_iter().filter(|_| pod) {
            let mut holder = Some(node);
            let object = loop {
                let Some(node) = holder else { break None };
                match objects.get(&node.id()) {
                    Some(object) => break Some(object),
                    None => holder = node.parent(),
                }
            };
            let path = |name: &str| {
                let (kind, namespace, object) = object?;
                let parts = [Some(*kind), *namespace, Some(*object), Some(*list), Some(name)];
                let short = parts.iter().flatten().map(|part| part.len()).sum::<usize>() <= 400;
                // No kind begins with a digit: such a name would pass for a document's number.
                let named = short && !kind.starts_with(|first: char| first.is_ascii_digit());
                named.then(|| parts.into_iter().flatten().map(part).collect::<Vec<_>>().join("/"))
            };
            if value.is_alias() {
                containers.push(Container { node: value, name: None, path: None });
            }
            for item in value.items().filter(|item| item.is_mapping() || item.is_alias()) {
                let name = item.last("name").and_then(Node::value);
                containers.push(Container { node: item, name, path: name.and_then(path) });
            }
        }
    }
    containers
}

impl Workload {
    fn places(&self, file: &FileAt) -> Result<Vec<Place>, EditError> {
        let pods = Needles::any(["containers", "Containers"]);
        let needles = self.container.iter().fold(pods, |pods, name| pods.and(name));
        place::found(&needles, |needles| self.places_in(file, needles))
    }
    fn places_in(&self, file: &FileAt, needles: &Needles) -> Result<Vec<Place>, EditError> {
        let (mut found, mut names, mut unread) = (Vec::new(), Vec::new(), None);
        let mut paths: HashMap<String, usize> = HashMap::new();
        for document in Source::new(file)?.documents(needles) {
            let document = document?;
            for Container { node, name, path } in containers(&document) {
                if let Some(path) = &path {
                    *paths.entry(path.clone()).or_default() += 1;
                }
                if node.is_alias() {
                    return Err(node.refused("containers that stand for themselves", "an alias"));
                }
                names.extend(name.map(str::to_owned));
                if let Some(wanted) = &self.container
                    && node.get("name")?.and_then(Node::value) != Some(wanted)
                {
                    continue;
                }
                let Some(image) = node.get("image")? else { continue };
                let Some(text) = image.text() else { return Err(not_scalar(image)) };
                // A block of text may end in a line break; it is refused, not left out.
                match place::image(text.trim_end_matches('\n')) {
                    Ok(reference) => {
                        let address = node.address();
                        found.push((Place::replace(image, &format!("workload:{address}"), reference)?, path));
                    }
                    Err(_) => {
                        unread = unread.or_else(|| Some(image.refused("an image reference", shown(text))));
                    }
                }
            }
        }
        match unread {
            _ if !found.is_empty() => {
                let once = |path: &String| paths.get(path) == Some(&1);
                let place = |(place, path): (Place, Option<String>)| match path.filter(once) {
                    Some(path) => place.named(&format!("workload:{path}")),
                    None => place,
                };
                Ok(found.into_iter().map(place).collect())
            }
            Some(error) => Err(error),
            None => match &self.container {
                Some(wanted) if !names.is_empty() => {
                    Err(none(file, format!("a container named {}", shown(wanted)), nearest(wanted, names)))
                }
                _ => Err(none(file, "a container with an image", "none")),
            },
        }
    }
}

/// Refuses an image that is no scalar, as `{{ … }}` reads.
fn not_scalar(image: Node<'_>) -> EditError {
    image.replaceable().err().unwrap_or_else(|| image.refused("an image reference", "another value"))
}
