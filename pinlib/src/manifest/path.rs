//! Any value in YAML or JSON that is an image reference.

use super::{
    EditError, ManifestEditor, Pointer, Region, Site,
    place::{self, Place, nearest},
    yaml::{self, Needles, Source, none, shown},
};
use crate::{git::FileAt, image::Digest};
use std::fmt;

/// The image reference at a path, in each document that has the path.
///
/// Its locator is `yaml:DOCUMENT/PATH`, the parts percent-encoded. A digest that stands alone is refused: nothing there
/// says of which image it is, so that no pin could be held against it.
///
/// ```
/// use pinlib::{PathEditor, Step};
/// let at = vec![Step::Key("services".into()), Step::Index(0), Step::Key("image".into())];
/// let editor = PathEditor { at: at.into(), keep_tag: false };
/// assert_eq!(editor.to_string(), "yaml /services/0/image");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathEditor {
    /// The path.
    pub at: Pointer,
    /// Leaves the tag before the digest, where there is one: `repo:tag@sha256…`.
    pub keep_tag: bool,
}

impl fmt::Display for PathEditor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "yaml {}", self.at.to_string().escape_debug())
    }
}

impl ManifestEditor for PathEditor {
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

impl PathEditor {
    fn places(&self, file: &FileAt) -> Result<Vec<Place>, EditError> {
        place::found(&self.at.needles(), |needles| self.places_in(file, needles))
    }
    fn places_in(&self, file: &FileAt, needles: &Needles) -> Result<Vec<Place>, EditError> {
        let (mut places, mut others) = (Vec::new(), Vec::new());
        for document in Source::new(file)?.documents(needles) {
            let document = document?;
            match self.at.find(&document)? {
                Ok(node) => {
                    node.replaceable()?;
                    let text = node.text().unwrap_or_default();
                    let image = place::image(text).map_err(|error| {
                        node.refused("an image reference", format!("{}: {}", shown(text), error.reason()))
                    })?;
                    places.push(Place::replace(node, &format!("yaml:{}", node.address()), image)?);
                }
                Err(keys) => others.extend(keys),
            }
        }
        if places.is_empty() {
            let at = self.at.to_string();
            return Err(none(file, shown(&at), nearest(&at, others)));
        }
        Ok(places)
    }
}
