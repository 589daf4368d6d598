//! A place in a file that can hold a digest: a site, and how text goes in where it inserts.

use super::{
    EditError, EditErrorKind, Site,
    yaml::{Insertion, Needles, Node, is_digest, none, refused, rewritten},
};
use crate::{
    git::FileAt,
    image::{Digest, Reference},
    parse::ParseError,
};

/// One place.
#[derive(Debug)]
pub(super) struct Place {
    site: Site,
    insertion: Option<Insertion>,
}

impl Place {
    /// A scalar that is rewritten.
    pub(super) fn replace(node: Node<'_>, locator: &str, image: Reference) -> Result<Self, EditError> {
        node.replaceable()?;
        Self::at(node, node.span(), locator, image, None)
    }
    /// A place where text goes in; it is shown as being at the node.
    pub(super) fn insert(
        node: Node<'_>,
        insertion: Insertion,
        locator: &str,
        image: Reference,
    ) -> Result<Self, EditError> {
        Self::at(node, insertion.at..insertion.at, locator, image, Some(insertion))
    }
    /// The `digest` of a mapping, there or not.
    pub(super) fn digest(mapping: Node<'_>, locator: &str, image: Reference) -> Result<Self, EditError> {
        let Some(value) = mapping.get("digest")? else {
            return Self::insert(mapping, Insertion::key(mapping, "digest")?, locator, image);
        };
        if value.span().is_empty() && value.text().is_some() {
            return Self::insert(value, Insertion::value(value)?, locator, image);
        }
        Self::replace(value, locator, image)
    }
    pub(super) fn is_of(&self, image: &Reference) -> bool {
        self.site.image.same_image(image)
    }
    /// The same place under a better name, where that is one.
    pub(super) fn named(mut self, locator: &str) -> Self {
        if let Ok(locator) = locator.parse() {
            self.site.locator = locator;
        }
        self
    }
    fn at(
        node: Node<'_>,
        span: std::ops::Range<usize>,
        locator: &str,
        image: Reference,
        insertion: Option<Insertion>,
    ) -> Result<Self, EditError> {
        let locator = locator.parse().map_err(|error: ParseError| node.refused("a short name", error))?;
        let site = Site { locator, line: node.line(), column: node.column(), span, image };
        Ok(Self { site, insertion })
    }
}

/// Looks where these words are; where that finds nothing, everywhere, for what stands there instead.
pub(super) fn found(
    needles: &Needles,
    look: impl Fn(&Needles) -> Result<Vec<Place>, EditError>,
) -> Result<Vec<Place>, EditError> {
    match look(needles) {
        Err(error) if error.kind == EditErrorKind::NoSite => look(&Needles::default()),
        found => found,
    }
}

/// The most sites of a file.
const SITES: usize = 10_000;

/// What an editor's `sites` answers with these places.
pub(super) fn sites(file: &FileAt, places: Vec<Place>) -> Result<Vec<Site>, EditError> {
    if places.len() > SITES {
        return Err(refused(file, (0, 0), format!("at most {SITES} images in a file"), places.len()));
    }
    let mut sites: Vec<_> = places.into_iter().map(|place| place.site).collect();
    sites.sort_by_key(|site| site.span.start);
    Ok(sites)
}

/// What an editor's `pinned` answers. A site that inserts is found again, since a span does not say what goes before.
pub(super) fn pinned(
    file: &FileAt,
    site: &Site,
    digest: Digest,
    keep_tag: bool,
    places: impl FnOnce() -> Result<Vec<Place>, EditError>,
) -> Result<String, EditError> {
    if !site.span.is_empty() {
        return rewritten(file, site, digest, keep_tag);
    }
    let insertion = places()?.into_iter().find(|place| place.site == *site).and_then(|place| place.insertion);
    let insertion = insertion.ok_or_else(|| none(file, &site.locator, "it at another place"))?;
    Ok(insertion.text(digest))
}

/// The image that a scalar names. A digest alone names none, though it would pass for a tag of `sha256`.
pub(super) fn image(text: &str) -> Result<Reference, ParseError> {
    if is_digest(text) {
        return Err(ParseError::new("image reference", text, "want an image, not a digest alone"));
    }
    text.parse()
}

/// Refuses a name that carries a tag or a digest itself, where others stand beside it.
pub(super) fn bare(name: Node<'_>) -> Result<(), EditError> {
    let image = name.value().and_then(|name| image(name).ok());
    match image.filter(|image| image.tag().is_some() || image.digest().is_some()) {
        Some(image) => Err(name.refused("a name without tag and digest", image)),
        None => Ok(()),
    }
}

/// The image that a name, a tag and a digest make together, as text.
pub(super) fn joined(name: &str, tag: Option<&str>, digest: Option<&str>) -> String {
    let mut text = name.to_owned();
    for (sign, part) in [(':', tag), ('@', digest)] {
        if let Some(part) = part {
            text.push(sign);
            text.push_str(part);
        }
    }
    text
}

/// The names nearest to one that is not there, for an error: at most five.
pub(crate) fn nearest(wanted: &str, names: impl IntoIterator<Item = impl Into<String>>) -> String {
    // Names come from outside: bound what is compared.
    let cut = |name: &str| -> String { name.chars().take(128).collect() };
    let mut names: Vec<_> = names.into_iter().take(10_000).map(|name| cut(&name.into())).collect();
    names.sort();
    names.dedup();
    let wanted = cut(wanted);
    let far = names.len().saturating_sub(5);
    names.sort_by_cached_key(|name| strsim::damerau_levenshtein(&wanted, name));
    names.truncate(5);
    let escaped: Vec<_> = names.iter().map(|name| name.escape_debug().to_string()).collect();
    match (escaped.join(", "), far) {
        (none, _) if none.is_empty() => "none".into(),
        (all, 0) => all,
        (some, far) => format!("{some} and {far} more"),
    }
}
