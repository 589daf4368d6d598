//! An OCI image layout in a folder: what `docker buildx build -o type=oci`, `skopeo copy … oci:DIR` and `crane pull`
//! write.

use super::{BLOB_LIMIT, MANIFEST_LIMIT, RawManifest, Registry};
use crate::{
    backend::{BackendError, BackendErrorKind},
    image::{
        Digest, Reference,
        document::{self, Annotations},
    },
};
use async_trait::async_trait;
use serde::Deserialize;
use std::{
    fmt::{self, Display},
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// Images in a folder, as the [image layout] has them: `oci-layout`, `index.json`, `blobs/ALGORITHM/HEX`.
///
/// It stands in for the registry of whatever image is asked for. By digest, the blob answers, under any name. By tag,
/// `index.json` answers: an entry that carries a full name (`org.opencontainers.image.ref.name` as buildx's
/// `REGISTRY/REPOSITORY:TAG`, or containerd's `io.containerd.image.name`) only for that image, an entry that carries a
/// tag alone for every image. Two entries of different digests for one question are an error.
///
/// Reads are plain blocking ones, of files of a bounded size; a folder on a slow network share blocks its caller.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pinlib::{LayoutRegistry, Registry};
/// use pinlib_testkit::{image::{Recipe, Variant}, sim};
/// let folder = tempfile::tempdir()?;
/// let image = Recipe::of([Variant::of("linux/amd64")]).index();
/// image.write_layout(folder.path(), "1.4")?;
///
/// let registry = LayoutRegistry::open(folder.path())?;
/// let manifest = sim::run(registry.manifest(&"ghcr.io/acme/web:1.4".parse()?))?;
/// assert_eq!(pinlib::Digest::of(&manifest.bytes), image.digest());
/// # Ok(()) }
/// ```
///
/// [image layout]: https://github.com/opencontainers/image-spec/blob/main/image-layout.md
#[derive(Clone, Debug)]
pub struct LayoutRegistry {
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marker {
    image_layout_version: String,
}

#[derive(Deserialize)]
struct Index {
    manifests: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    media_type: String,
    digest: Digest,
    #[serde(default)]
    annotations: Annotations,
}

impl Entry {
    /// Whether this is what a tag of an image names.
    fn answers(&self, image: &Reference, tag: &str) -> bool {
        let names = ["io.containerd.image.name", "org.opencontainers.image.ref.name"];
        let [containerd, own] = names.map(|key| self.annotations.get(key));
        // A tag is a reference too, of one word: what has neither a path nor a tag of its own is no full name.
        let full = |name: &&str| name.contains(['/', ':']);
        match containerd.or(own).filter(full) {
            Some(name) => name
                .parse::<Reference>()
                .is_ok_and(|name| name.same_image(image) && name.tag().unwrap_or("latest") == tag),
            None => own == Some(tag),
        }
    }
}

impl LayoutRegistry {
    /// Opens a layout.
    ///
    /// # Errors
    /// `NotFound` where the folder holds no layout, `Invalid` where it holds one of another version, or a broken one.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, BackendError> {
        let layout = Self { folder: folder.into() };
        let act = || format!("open the OCI layout {}", layout.folder.display());
        let marker: Marker = json(&act(), &layout.folder.join("oci-layout"))?;
        if !marker.image_layout_version.starts_with("1.") {
            let reason = format!("its version is {:?}, and 1 is known", marker.image_layout_version);
            return Err(BackendError::new(BackendErrorKind::Invalid, act()).because(reason));
        }
        layout.index(&act())?;
        Ok(layout)
    }

    fn index(&self, act: &str) -> Result<Index, BackendError> {
        json(act, &self.folder.join("index.json"))
    }

    fn bytes(&self, act: &str, digest: Digest, limit: usize) -> Result<Vec<u8>, BackendError> {
        read(act, &self.folder.join("blobs").join(digest.algorithm()).join(digest.hex()), limit)
    }
}

fn json<T: for<'de> Deserialize<'de>>(act: &str, path: &Path) -> Result<T, BackendError> {
    serde_json::from_slice(&read(act, path, MANIFEST_LIMIT)?).map_err(|error| {
        BackendError::new(BackendErrorKind::Invalid, act)
            .because(format!("{} is broken: {error}", path.display()))
            .with_source(error)
    })
}

/// Reads a regular file of at most so many bytes.
fn read(act: &str, path: &Path, limit: usize) -> Result<Vec<u8>, BackendError> {
    let fail = |kind, reason: &dyn Display| {
        BackendError::new(kind, act).because(format!("{}: {reason}", path.display()))
    };
    let failed = |error: std::io::Error| {
        let kind = match error.kind() {
            std::io::ErrorKind::NotFound => BackendErrorKind::NotFound,
            std::io::ErrorKind::PermissionDenied => BackendErrorKind::Unauthorized,
            _ => BackendErrorKind::Unavailable,
        };
        let text = if kind == BackendErrorKind::NotFound { "no such file".into() } else { error.to_string() };
        fail(kind, &text).with_source(error)
    };
    // Looked at before it is opened: a pipe would wait for a writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err(fail(BackendErrorKind::Invalid, &"not a file"));
    }
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > limit {
        return Err(fail(BackendErrorKind::Invalid, &format!("longer than {limit} bytes")));
    }
    Ok(bytes)
}

impl Display for LayoutRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OCI layout {}", self.folder.display())
    }
}

#[async_trait]
impl Registry for LayoutRegistry {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        let act = format!("read the manifest of {image} in {self}");
        let entries = self.index(&act)?.manifests;
        let invalid =
            |reason: String| BackendError::new(BackendErrorKind::Invalid, act.as_str()).because(reason);
        let digest = match (image.digest(), image.tag().unwrap_or("latest")) {
            (Some(digest), _) => digest,
            (None, tag) => {
                let mut found: Vec<_> = entries
                    .iter()
                    .filter(|entry| entry.answers(image, tag))
                    .map(|entry| entry.digest)
                    .collect();
                found.sort();
                found.dedup();
                match found[..] {
                    [digest] => digest,
                    [] => {
                        return Err(BackendError::new(BackendErrorKind::NotFound, act)
                            .because(format!("none of its {} entries is called {tag}", entries.len())));
                    }
                    _ => return Err(invalid(format!("{} entries of it are called {tag}", found.len()))),
                }
            }
        };
        let bytes = self.bytes(&act, digest, MANIFEST_LIMIT)?;
        let listed = entries.into_iter().find(|entry| entry.digest == digest).map(|entry| entry.media_type);
        let media_type = match listed {
            Some(media_type) => media_type,
            None => document::media_type(&bytes).map_err(invalid)?,
        };
        Ok(RawManifest { media_type, claimed: Some(digest), bytes })
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        self.bytes(&format!("read the blob {digest} of {image} in {self}"), digest, BLOB_LIMIT)
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        Err(BackendError::new(
            BackendErrorKind::Unsupported,
            format!("list what refers to {image} in {self}"),
        ))
    }
}
