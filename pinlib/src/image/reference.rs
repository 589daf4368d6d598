//! Image references: what people write, and the registry and repository that it means.

use super::Digest;
use crate::parse::{ParseError, by_text};
use std::{
    fmt,
    hash::{Hash, Hasher},
    str::FromStr,
};

const WHAT: &str = "image reference";

/// Names an image in a registry: `[REGISTRY/]REPOSITORY[:TAG][@DIGEST]`.
///
/// It prints as it was written, and compares by what it means: `nginx` is `docker.io/library/nginx`.
///
/// Source: <https://github.com/distribution/reference/blob/main/reference.go>.
///
/// ```
/// use pinlib::Reference;
/// let short: Reference = "nginx:1.29".parse()?;
/// assert_eq!((short.registry(), short.repository(), short.tag()), ("docker.io", "library/nginx", Some("1.29")));
/// assert_eq!(short, "index.docker.io/library/nginx:1.29".parse()?);
/// assert_eq!(short.to_string(), "nginx:1.29");
/// assert_eq!("localhost:5000/app".parse::<Reference>()?.registry(), "localhost:5000");
/// # Ok::<(), pinlib::ParseError>(())
/// ```
#[derive(Clone)]
pub struct Reference {
    /// The name as it was written, without tag and digest.
    written: String,
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// The registry, as `ghcr.io` or `127.0.0.1:5000`; Docker Hub is `docker.io`.
    pub fn registry(&self) -> &str {
        &self.registry
    }
    /// The repository in the registry, as `acme/ai`; Docker Hub's own begin with `library/`.
    pub fn repository(&self) -> &str {
        &self.repository
    }
    /// The registry and repository in full, as in `docker.io/library/nginx`: what two references to one image share.
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }
    /// The name as it was written, without tag and digest.
    pub fn written_name(&self) -> &str {
        &self.written
    }
    /// The tag, where the reference has one.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }
    /// The digest, where the reference has one.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }
    /// Whether both name the same repository of the same registry, whatever their tags and digests.
    pub fn same_image(&self, other: &Self) -> bool {
        self.registry == other.registry && self.repository == other.repository
    }
    /// The same image by digest alone.
    #[must_use]
    pub fn at(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }
    /// The same reference with this digest, the tag kept.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }
    /// The same image with neither tag nor digest.
    #[must_use]
    pub fn bare(&self) -> Self {
        Self { tag: None, digest: None, ..self.clone() }
    }

    fn meaning(&self) -> (&str, &str, Option<&str>, Option<Digest>) {
        (&self.registry, &self.repository, self.tag.as_deref(), self.digest)
    }
}

impl PartialEq for Reference {
    fn eq(&self, other: &Self) -> bool {
        self.meaning() == other.meaning()
    }
}
impl Eq for Reference {}
impl PartialOrd for Reference {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Reference {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.meaning().cmp(&other.meaning())
    }
}
impl Hash for Reference {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.meaning().hash(state);
    }
}

/// Splits off a registry: the first part is one where it could not be a part of a Docker Hub name.
fn split_registry(name: &str) -> (&str, &str) {
    match name.split_once('/') {
        Some((first, rest))
            if first.contains(['.', ':'])
                || first == "localhost"
                || first.bytes().any(|b| b.is_ascii_uppercase()) =>
        {
            (first, rest)
        }
        _ => ("docker.io", name),
    }
}

fn registry_ok(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, "")) if v6.parse::<std::net::Ipv6Addr>().is_ok() => ("v6", None),
        // Behind the bracket stands a port or nothing, and nothing that would be read over.
        Some((v6, rest)) if v6.parse::<std::net::Ipv6Addr>().is_ok() && rest.starts_with(':') => {
            ("v6", rest.strip_prefix(':'))
        }
        Some(_) => return false,
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    let label = |part: &str| {
        !part.is_empty()
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !part.starts_with('-')
            && !part.ends_with('-')
    };
    name.split('.').all(label)
        && port.is_none_or(|port| port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

/// One path component: runs of lower-case letters and digits, joined by `.`, `_`, `__` or dashes.
fn component_ok(part: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().zip(bytes.last());
    ends.is_some_and(|(a, z)| inner(*a) && inner(*z))
        && bytes.iter().all(|b| inner(*b) || b"._-".contains(b))
        && !["..", "___", "._", "_.", ".-", "-.", "_-", "-_"].iter().any(|bad| part.contains(bad))
}

fn tag_ok(tag: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=128).contains(&tag.len())
        && tag.bytes().all(|b| word(b) || b == b'.' || b == b'-')
        && tag.bytes().next().is_some_and(word)
}

impl FromStr for Reference {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let fail = |reason| Err(ParseError::new(WHAT, text, reason));
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse()?)),
            None => (text, None),
        };
        let (written, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') && !tag.contains(']') => (name, Some(tag)),
            _ => (rest, None),
        };
        let (registry, repository) = split_registry(written);
        if written.is_empty() || written.len() > 255 {
            return fail("want [REGISTRY/]REPOSITORY[:TAG][@DIGEST], the name 1 to 255 bytes");
        }
        if tag.is_some_and(|tag| !tag_ok(tag)) {
            return fail("want a tag of 1 to 128 letters, digits, _, . and -");
        }
        if !registry_ok(registry) {
            return fail("want a registry as HOST or HOST:PORT");
        }
        if !repository.split('/').all(component_ok) {
            return fail("want a repository of lower-case letters and digits, parted by /, ., _ or -");
        }
        let hub = matches!(registry, "docker.io" | "index.docker.io" | "registry-1.docker.io");
        Ok(Self {
            written: written.to_owned(),
            registry: if hub { "docker.io".to_owned() } else { registry.to_ascii_lowercase() },
            repository: if hub && !repository.contains('/') {
                format!("library/{repository}")
            } else {
                repository.to_owned()
            },
            tag: tag.map(str::to_owned),
            digest,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{digest}"))
    }
}

by_text!(Reference);
