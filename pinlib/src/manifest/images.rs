//! Every image that a file names, for people who ask which are not pinned.

use super::{
    EditError,
    helm::Shape,
    kustomize, place, workload,
    yaml::{Document, Needles, Node, Source},
};
use crate::{git::FileAt, image::Reference, parse::ParseError};
use std::collections::HashSet;

/// An image that a file names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageUse {
    /// Its line, from 1.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// The image as text: as it stands there, or as its parts are joined.
    pub text: String,
    /// What that means; an error where it means no image.
    pub image: Result<Reference, ParseError>,
}

impl ImageUse {
    fn new(node: Node<'_>, text: String) -> Self {
        Self { line: node.line(), column: node.column(), image: place::image(&text), text }
    }
}

/// Finds every image that a file of YAML or JSON names, in order. It looks at what stands there, then at the file's name:
///
/// - in a kustomization: the entries under `images:`, and nothing else;
/// - in an object of the cluster (a `kind` and an `apiVersion`): the containers of its pods, whatever they hold; beside
///   them images in the shapes of Helm values, which custom resources use too, where they carry a tag or a digest;
/// - else: images in the shapes of Helm values, where they carry a tag or a digest, or the file is named as values.
///
/// Definitions of resources and sources of images (`CustomResourceDefinition`, `ImageRepository`) run no image.
///
/// # Errors
/// Where the file is not YAML, as with a template; with line and column.
pub fn images(file: &FileAt) -> Result<Vec<ImageUse>, EditError> {
    let name = file.path.as_str().rsplit('/').next().unwrap_or_default();
    let values = name.contains("values");
    let mut uses = Vec::new();
    for document in Source::new(file)?.documents(&Needles::default()) {
        of_document(&document?, values, &mut uses);
    }
    Ok(uses)
}

fn of_document(document: &Document<'_>, values: bool, uses: &mut Vec<ImageUse>) {
    if let Some(root) = kustomize::kustomization(document) {
        uses.extend(kustomize::entries(root).map(|entry| ImageUse::new(entry.name, entry.image())));
        return;
    }
    let top = |key| document.root().and_then(|root| root.last(key)?.value());
    if matches!(top("kind"), Some("CustomResourceDefinition" | "ImageRepository")) {
        return;
    }
    let object = top("kind").is_some() && top("apiVersion").is_some();
    let mut found: Vec<(u32, ImageUse)> = Vec::new();
    let mut seen = HashSet::new();
    for container in workload::containers(document) {
        let image = container.node.last("image");
        if let Some((node, text)) = image.and_then(|image| Some((image, image.value()?))) {
            seen.insert(node.id());
            found.push((node.id(), ImageUse::new(node, text.to_owned())));
        }
    }
    for shape in Shape::all(document).filter(|shape| !seen.contains(&shape.node().id())) {
        let at = match shape {
            Shape::Parts(node) => node.last("repository").unwrap_or(node),
            Shape::Text(node) => node,
        };
        let one = ImageUse::new(at, shape.text());
        let told = |image: &Reference| image.tag().is_some() || image.digest().is_some();
        if one.image.as_ref().is_ok_and(|image| (values && !object) || told(image)) {
            found.push((shape.node().id(), one));
        }
    }
    found.sort_by_key(|(id, _)| *id);
    uses.extend(found.into_iter().map(|(_, one)| one));
}
