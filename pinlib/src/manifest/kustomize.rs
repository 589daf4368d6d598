//! Kustomizations: the `images:` of kustomize.

use super::{
    EditError, ManifestEditor, Region, Site,
    place::{self, Place, joined, nearest},
    yaml::{self, Document, Insertion, Needles, Node, Source, none, part, shown},
};
use crate::{
    git::FileAt,
    image::{Digest, Reference},
};
use std::{collections::HashMap, fmt};

/// The entries under `images:` of a kustomization, or of a kustomize component.
///
/// A site is an entry's `digest`; where there is none, it is written behind the entry's last key. Its image is what
/// kustomize makes of the entry: `newName`, else `name`, with `newTag` and `digest`; both stay as they are. Its locator
/// is `kustomize:DOCUMENT/images/NAME`, the document counted from 0 and the name percent-encoded.
///
/// A document is a kustomization by its `kind`, or where it has none by the file's name. Two entries of one name are
/// refused: kustomize applies one after the other.
///
/// ```
/// use pinlib::Kustomization;
/// let all = Kustomization::default();
/// let one = Kustomization { name: Some("web".into()), ..Kustomization::default() };
/// assert_eq!((all.to_string(), one.to_string()), ("kustomization".into(), "kustomization, web".into()));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kustomization {
    /// The one entry with this `name:`; without it, every entry.
    pub name: Option<String>,
    /// Brings in an entry for this image, by digest, where no entry is for it. With a `name`, the entry gives that name
    /// this image as its `newName`.
    pub insert: Option<Reference>,
}

impl fmt::Display for Kustomization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("kustomization")?;
        self.name.iter().try_for_each(|name| write!(f, ", {}", name.escape_debug()))
    }
}

impl ManifestEditor for Kustomization {
    fn sites(&self, file: &FileAt) -> Result<Vec<Site>, EditError> {
        self.places(file).and_then(|places| place::sites(file, places))
    }
    fn pinned(&self, file: &FileAt, site: &Site, digest: Digest) -> Result<String, EditError> {
        place::pinned(file, site, digest, true, || self.places(file))
    }
    fn verify(&self, before: &FileAt, after: &FileAt, regions: &[Region]) -> Result<(), EditError> {
        yaml::verify(before, after, regions)
    }
}

/// One entry under `images:`.
#[derive(Clone, Copy)]
pub(super) struct Entry<'d> {
    pub(super) node: Node<'d>,
    pub(super) name: Node<'d>,
}

impl<'d> Entry<'d> {
    fn new(node: Node<'d>) -> Option<Self> {
        node.last("name").filter(|name| name.value().is_some()).map(|name| Self { node, name })
    }
    pub(super) fn name(self) -> &'d str {
        self.name.text().unwrap_or_default()
    }
    /// The image that kustomize makes of it, as text.
    pub(super) fn image(self) -> String {
        let value = |key| self.node.last(key).and_then(Node::value);
        joined(value("newName").unwrap_or(self.name()), value("newTag"), value("digest"))
    }
    fn locator(self, index: usize) -> String {
        locator(index, self.name())
    }
    fn place(self, index: usize) -> Result<Option<Place>, EditError> {
        for key in ["name", "newName", "newTag", "digest"] {
            // Each is read; each must be one value of its own.
            if let Some(value) = self.node.get(key)?.filter(|value| !value.is_null()) {
                value.replaceable()?;
            }
        }
        place::bare(self.node.last("newName").filter(|name| name.value().is_some()).unwrap_or(self.name))?;
        let Ok(image) = place::image(&self.image()) else { return Ok(None) };
        Place::digest(self.node, &self.locator(index), image).map(Some)
    }
}

fn locator(index: usize, name: &str) -> String {
    let name: Vec<_> = name.split('/').map(part).collect();
    format!("kustomize:{index}/images/{}", name.join("/"))
}

/// The document's mapping, where it is a kustomization.
pub(super) fn kustomization<'d>(document: &'d Document<'_>) -> Option<Node<'d>> {
    let root = document.root().filter(|root| root.is_mapping())?;
    let value = |key| root.last(key).and_then(Node::text);
    let ours = match value("kind") {
        Some("Kustomization" | "Component") => {
            value("apiVersion").is_none_or(|api| api.starts_with("kustomize.config.k8s.io/"))
        }
        Some(_) => false,
        None => {
            let path = document.source.file.path.as_str();
            let name = path.rsplit('/').next().unwrap_or_default();
            matches!(name, "kustomization.yaml" | "kustomization.yml" | "Kustomization")
        }
    };
    ours.then_some(root)
}

/// Its entries that have a name.
pub(super) fn entries(root: Node<'_>) -> impl Iterator<Item = Entry<'_>> {
    root.last("images").into_iter().flat_map(Node::items).filter_map(Entry::new)
}

impl Kustomization {
    fn places(&self, file: &FileAt) -> Result<Vec<Place>, EditError> {
        let (mut places, mut names, mut unread) = (Vec::new(), Vec::new(), None);
        let (mut kustomizations, mut bring_in) = (0, None);
        for document in Source::new(file)?.documents(&Needles::default()) {
            let document = document?;
            let Some(root) = kustomization(&document) else { continue };
            kustomizations += 1;
            let images = root.get("images")?;
            if let Some(odd) = images.filter(|images| !images.is_sequence() && !images.is_null()) {
                return Err(odd.refused("a list of images", "something else"));
            }
            let mut seen = HashMap::new();
            for item in images.into_iter().flat_map(Node::items) {
                if item.is_alias() {
                    return Err(item.refused("an entry of its own", "an alias"));
                }
                let Some(entry) = Entry::new(item) else { continue };
                if self.name.as_deref().is_some_and(|name| name != entry.name()) {
                    names.push(entry.name().to_owned());
                    continue;
                }
                if let Some(first) = seen.insert(entry.name(), entry.name.line()) {
                    let expected = format!("one entry named {}", shown(entry.name()));
                    return Err(entry.name.refused(expected, format!("a second, after line {first}")));
                }
                self.check_name(entry)?;
                match entry.place(document.index)? {
                    Some(place) => places.push(place),
                    None => unread = unread.or_else(|| Some(refuse_image(entry))),
                }
                names.push(entry.name().to_owned());
            }
            if let Some(image) = &self.insert
                && bring_in.is_none()
            {
                bring_in = Some(self.bring_in(root, images, document.index, image));
            }
        }
        let there =
            |place: &Place| self.name.is_some() || self.insert.as_ref().is_some_and(|i| place.is_of(i));
        if let Some(place) = bring_in.filter(|_| unread.is_none() && !places.iter().any(there)) {
            places.push(place?);
        }
        match unread {
            _ if !places.is_empty() => Ok(places),
            Some(error) => Err(error),
            None if kustomizations == 0 => Err(none(file, "a kustomization", "no document that is one")),
            None => {
                let wanted = self.name.as_deref().unwrap_or_default();
                let what = if wanted.is_empty() { "an entry".into() } else { shown(wanted) };
                Err(none(file, format!("{what} under images"), nearest(wanted, names)))
            }
        }
    }
    /// Refuses an entry whose name an inserted one would bear too.
    fn check_name(&self, entry: Entry<'_>) -> Result<(), EditError> {
        let Some(image) = self.insert.as_ref().filter(|_| self.name.is_none()) else { return Ok(()) };
        let same = |text: &str| place::image(text).is_ok_and(|other| other.same_image(image));
        if same(entry.name()) && !same(&entry.image()) {
            let found = format!("it renamed to {}", shown(&entry.image()));
            return Err(entry.name.refused(format!("the image {}", image.written_name()), found));
        }
        Ok(())
    }
    fn bring_in(
        &self,
        root: Node<'_>,
        images: Option<Node<'_>>,
        index: usize,
        image: &Reference,
    ) -> Result<Place, EditError> {
        let to = image.written_name();
        let name = self.name.as_deref().unwrap_or(to);
        let mut keys = vec![("name", name)];
        if name != to {
            keys.push(("newName", to));
        }
        if place::image(name).is_err() {
            return Err(root.refused("the name of an image", shown(name)));
        }
        let insertion = match images {
            None => Insertion::key_with_list(root, "images", &keys, "digest")?,
            Some(images) if images.is_null() => Insertion::list(images, &keys, "digest")?,
            Some(images) => Insertion::item(images, &keys, "digest")?,
        };
        Place::insert(images.unwrap_or(root), insertion, &locator(index, name), image.bare())
    }
}

fn refuse_image(entry: Entry<'_>) -> EditError {
    entry.name.refused("an image reference", shown(&entry.image()))
}
