//! What a container's status says that it runs.

use crate::image::{Digest, Reference};
use std::fmt;

/// The `imageID` of a container's status, in the forms that container runtimes give it.
///
/// Which form it is says what the digest names, and so what it may be compared with:
///
/// | runtime | text | |
/// |---|---|---|
/// | containerd, CRI-O | `ghcr.io/acme/web@sha256:…` | a manifest or index, of any repository that the node knows it by |
/// | docker | `docker-pullable://ghcr.io/acme/web@sha256:…` | the same |
/// | kind, `ctr images import` | `docker.io/library/import-2026-11-29@sha256:…` | one that was loaded into the node |
/// | containerd | `sha256:…` | a config; with some image stores, a manifest |
/// | docker | `docker://sha256:…` | the same |
/// | CRI-O | 64 hex digits | the same |
///
/// Source: <https://github.com/kubernetes/kubernetes/issues/115199>, <https://github.com/containerd/containerd/issues/8408>,
/// <https://github.com/kubernetes/kubernetes/pull/33014>.
///
/// ```
/// use pinlib::ImageId;
/// let hex = "ab".repeat(32);
/// assert!(matches!(ImageId::parse(&format!("docker-pullable://acme/web@sha256:{hex}")), ImageId::Manifest(_)));
/// assert!(matches!(ImageId::parse(&hex), ImageId::Config(_)));
/// assert_eq!(ImageId::parse(""), ImageId::Absent);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ImageId {
    /// A manifest or index, under a name that the node knows it by: not always the one that was asked for.
    Manifest(Reference),
    /// A config: what runtimes call an image's id.
    Config(Digest),
    /// Nothing yet: the container was not started.
    Absent,
    /// Something else, in its own words.
    Unreadable(String),
}

impl ImageId {
    /// Reads it. What is not one of the forms above is kept as it is.
    pub fn parse(text: &str) -> Self {
        let bare = ["docker-pullable://", "docker://"].iter().find_map(|scheme| text.strip_prefix(scheme));
        let bare = bare.unwrap_or(text);
        if bare.is_empty() {
            return Self::Absent;
        }
        if let Ok(digest) = bare.parse().or_else(|_| format!("sha256:{bare}").parse()) {
            return Self::Config(digest);
        }
        match bare.parse::<Reference>() {
            Ok(image) if image.digest().is_some() => Self::Manifest(image),
            // A name proves nothing, and neither does a digest that is cut.
            _ => Self::Unreadable(text.chars().take(200).collect()),
        }
    }
    /// The digest, whatever it names.
    pub fn digest(&self) -> Option<Digest> {
        match self {
            Self::Manifest(image) => image.digest(),
            Self::Config(digest) => Some(*digest),
            Self::Absent | Self::Unreadable(_) => None,
        }
    }
    /// Whether it was loaded into the node from an archive, so that no registry need know it.
    ///
    /// Source: <https://github.com/containerd/containerd/blob/main/cmd/ctr/commands/images/import.go>.
    pub fn is_imported(&self) -> bool {
        let name = |image: &Reference| {
            image.registry() == "docker.io" && image.repository().starts_with("library/import-")
        };
        matches!(self, Self::Manifest(image) if name(image))
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manifest(image) => fmt::Display::fmt(image, f),
            Self::Config(digest) => fmt::Display::fmt(digest, f),
            Self::Absent => f.write_str("nothing"),
            Self::Unreadable(text) => write!(f, "{text:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ImageId;

    #[test]
    fn each_runtime_s_form_says_what_its_digest_names() {
        let (hex, is) = ("ab".repeat(32), |text: &str| ImageId::parse(text));
        let digest = format!("sha256:{hex}");
        for (text, name) in [
            (format!("docker.io/library/nginx@{digest}"), "docker.io/library/nginx"),
            (format!("docker-pullable://nginx@{digest}"), "nginx"),
            (format!("mirror.example:5000/hub/nginx@{digest}"), "mirror.example:5000/hub/nginx"),
            (format!("docker.io/library/import-2024-08-25@{digest}"), "docker.io/library/import-2024-08-25"),
        ] {
            let ImageId::Manifest(image) = is(&text) else { panic!("{text} is a manifest's") };
            assert_eq!((image.written_name(), image.digest().map(|d| d.hex())), (name, Some(hex.clone())));
            assert_eq!(is(&text).is_imported(), text.contains("import-"), "{text}");
        }
        for text in [digest.clone(), format!("docker://{digest}"), hex.clone()] {
            assert!(matches!(is(&text), ImageId::Config(found) if found.hex() == hex), "{text}");
        }
        for text in ["", "docker-pullable://", "docker://"] {
            assert_eq!(is(text), ImageId::Absent, "{text}");
        }
        let odd = [
            format!("rkt://{digest}"),
            "nginx:1.29".into(),
            "nginx@sha256:ab".into(),
            format!("nginx@{digest} "),
        ];
        for text in odd {
            assert_eq!(is(&text), ImageId::Unreadable(text.clone()), "{text}");
        }
    }
}
