//! Values of Helm charts.

use super::{
    EditError, ManifestEditor, Pointer, Region, Site,
    place::{self, Place, joined, nearest},
    yaml::{self, Document, Needles, Node, Source, none, shown},
};
use crate::{
    git::FileAt,
    image::{Digest, Reference},
    parse::ParseError,
};
use std::{collections::HashSet, fmt};

/// The images of a chart's values, in the shapes that charts give them.
///
/// - `{repository, tag, digest}`, with or without `registry`: the site is `digest`, written behind the last key where
///   there is none. `tag` stays as it is. Where the tag already carries a digest (`tag: v1@sha256…`), the site is that
///   tag, since such a chart knows no other way.
/// - `image: repo:tag`: the site is that scalar, as in a workload.
///
/// Without a path, every such place in the file is one: a mapping counts where `repository` stands beside `registry`,
/// `tag` or `digest`, or under a key that is or ends in `image`. A pin then takes those of its image. An `image` with a
/// `tag` beside it is left out: a chart would append that tag to the digest.
///
/// The locator is `helm:DOCUMENT/PATH`, the parts percent-encoded: the path of the mapping, or of the scalar.
///
/// ```
/// use pinlib::HelmValues;
/// let editor = HelmValues { at: "/web/image".parse()?, keep_tag: false };
/// assert_eq!(editor.to_string(), "helm /web/image");
/// # Ok::<(), pinlib::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HelmValues {
    /// The path of the image; empty, every image.
    pub at: Pointer,
    /// Leaves the tag before the digest in an `image: repo:tag`.
    pub keep_tag: bool,
}

impl fmt::Display for HelmValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("helm")?;
        let at = self.at.to_string();
        if at.is_empty() { Ok(()) } else { write!(f, " {}", at.escape_debug()) }
    }
}

impl ManifestEditor for HelmValues {
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

/// An image in values.
#[derive(Clone, Copy)]
pub(super) enum Shape<'d> {
    /// `{repository, …}`
    Parts(Node<'d>),
    /// `image: repo:tag`
    Text(Node<'d>),
}

impl<'d> Shape<'d> {
    /// Every image of a document.
    pub(super) fn all(document: &'d Document<'_>) -> impl Iterator<Item = Self> {
        // The mappings whose `image` is only a name, gathered first: a mapping may have any number of keys.
        let tags = document.nodes().filter(|node| matches!(key_of(*node), "tag" | "imageTag"));
        let parents = tags.filter(|tag| tag.value().is_some()).filter_map(Node::parent);
        let tagged: HashSet<_> = parents.map(Node::id).collect();
        document.nodes().filter_map(move |node| {
            let whole = key_of(node) == "image" && (node.value().is_some() || node.is_alias());
            if whole && node.parent().is_some_and(|parent| !tagged.contains(&parent.id())) {
                return Some(Self::Text(node));
            }
            is_image(node).then_some(Self::Parts(node))
        })
    }
    pub(super) fn node(self) -> Node<'d> {
        match self {
            Self::Parts(node) | Self::Text(node) => node,
        }
    }
    /// The image as text.
    pub(super) fn text(self) -> String {
        match self {
            Self::Text(node) => node.text().unwrap_or_default().to_owned(),
            Self::Parts(node) => {
                let value = |key| node.last(key).and_then(Node::value);
                let name = value("repository").unwrap_or_default();
                let name = value("registry").map_or_else(|| name.into(), |host| format!("{host}/{name}"));
                joined(&name, value("tag"), value("digest"))
            }
        }
    }
    pub(super) fn image(self) -> Result<Reference, ParseError> {
        place::image(&self.text())
    }
    /// Refuses what may be another image to another reader.
    fn certain(self) -> Result<(), EditError> {
        let Self::Parts(node) = self else { return self.node().replaceable() };
        for key in ["registry", "repository", "tag", "digest"] {
            if let Some(value) = node.get(key)?.filter(|value| !value.is_null()) {
                value.replaceable()?;
            }
        }
        node.get("repository")?.map_or(Ok(()), place::bare)
    }
    fn place(self, image: Reference) -> Result<Place, EditError> {
        let node = self.node();
        let locator = format!("helm:{}", node.address());
        let Self::Parts(_) = self else { return Place::replace(node, &locator, image) };
        self.certain()?;
        let tag = node.last("tag").filter(|tag| tag.value().is_some_and(|tag| tag.contains('@')));
        match tag {
            Some(tag) => Place::replace(tag, &locator, image),
            None => Place::digest(node, &locator, image),
        }
    }
}

fn key_of(node: Node<'_>) -> &str {
    node.key().and_then(Node::text).unwrap_or_default()
}

/// Whether a mapping is an image in parts.
fn is_image(node: Node<'_>) -> bool {
    let (mut repository, mut more) = (false, key_of(node) == "image" || key_of(node).ends_with("Image"));
    for (key, value) in node.entries() {
        match key.text() {
            // A merge may bring it in: then it is looked into, and refused.
            Some("repository") => repository = value.value().is_some() || value.is_alias(),
            Some("<<") => repository = true,
            Some("registry" | "tag" | "digest") => more = true,
            _ => {}
        }
    }
    repository && more
}

impl HelmValues {
    fn places(&self, file: &FileAt) -> Result<Vec<Place>, EditError> {
        let any = || Needles::any(["image", "Image", "repository"]);
        let needles = if self.at.steps().is_empty() { any() } else { self.at.needles() };
        place::found(&needles, |needles| self.places_in(file, needles))
    }
    fn places_in(&self, file: &FileAt, needles: &Needles) -> Result<Vec<Place>, EditError> {
        let (mut places, mut others) = (Vec::new(), Vec::new());
        for document in Source::new(file)?.documents(needles) {
            let document = document?;
            if self.at.steps().is_empty() {
                for shape in Shape::all(&document) {
                    match shape.image() {
                        Ok(image) => places.push(shape.place(image)?),
                        // What is no reference is no image to pin: `{{ .Values.x }}`, a Git repository.
                        Err(_) => shape.certain()?,
                    }
                }
                continue;
            }
            match self.at.find(&document)? {
                Ok(node) => places.push(Self::at(node)?),
                Err(keys) => others.extend(keys),
            }
        }
        if !places.is_empty() {
            return Ok(places);
        }
        let at = self.at.to_string();
        Err(if at.is_empty() {
            none(file, "an image: repository with tag or digest, or image: repo:tag", "none")
        } else {
            none(file, shown(&at), nearest(&at, others))
        })
    }
    /// The one image that a path names.
    fn at(node: Node<'_>) -> Result<Place, EditError> {
        let shape = if node.is_mapping() {
            if node.get("repository")?.is_none() {
                let keys = node.entries().filter_map(|(key, _)| key.text());
                return Err(node.refused("a mapping with repository", nearest("repository", keys)));
            }
            Shape::Parts(node)
        } else {
            node.replaceable()?;
            for key in ["tag", "imageTag"] {
                let beside =
                    node.parent().filter(|parent| parent.is_mapping()).and_then(|parent| parent.last(key));
                if let Some(tag) = beside.filter(|tag| tag.value().is_some()) {
                    return Err(tag.refused("an image that holds its tag itself", format!("{key} beside it")));
                }
            }
            Shape::Text(node)
        };
        let image = shape.image().map_err(|error| {
            node.refused("an image reference", format!("{}: {}", shown(&shape.text()), error.reason()))
        })?;
        shape.place(image)
    }
}
