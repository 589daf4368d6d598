//! What an image says about the commit that it was built from: collected from every part, and held against A.
//!
//! Only what the pinned digest covers is heard: an index's word does not count for one manifest that was taken out of it.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::{Mismatch, PinError, Said},
    git::Oid,
    image::{
        Platform, Reference,
        document::{Annotations, Document, Manifest},
    },
    registry::Registry,
    resolve::{proven_config, proven_manifest},
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

/// An index with more images than this is not looked through.
const IMAGES: usize = 64;
/// So many images of an index are read side by side.
const AT_ONCE: usize = 4;

/// One image of an index, or the only one.
struct Spoken {
    platform: Option<Platform>,
    /// The manifest's annotation, then the config's label.
    revisions: [Option<String>; 2],
}

/// Wants `org.opencontainers.image.revision` to be A's whole id wherever it stands: in the annotations of the index, of
/// its entries, of each manifest, and in the label of each config. Each image must say it in its own manifest or config:
/// an index can be put together, and annotated, by whoever built none of its images.
///
/// Answers the platforms that were heard.
pub(crate) async fn label(
    registry: &dyn Registry,
    image: &Reference,
    document: &Document,
    source: Oid,
) -> Result<Vec<Platform>, PinError> {
    let (mut said, mut reading) = (Vec::new(), Vec::<BoxFuture<'_, _>>::new());
    match document {
        Document::Manifest(manifest) => reading.push(listen(registry, image, None, manifest).boxed()),
        Document::Index(index) if index.images.len() > IMAGES => {
            return Err(BackendError::new(
                BackendErrorKind::Invalid,
                format!("look for the source of {image}"),
            )
            .because(format!("it holds {} images, and at most {IMAGES} are read", index.images.len()))
            .into());
        }
        Document::Index(index) => {
            said.extend(word("the annotation of the index", &index.annotations));
            for entry in &index.images {
                let (platform, at) = (entry.platform(), entry.digest);
                said.extend(word(
                    &format!("the index about {}", name(platform.as_ref())),
                    &entry.annotations,
                ));
                let one = async move {
                    let manifest = proven_manifest(registry, image, at).await?;
                    listen(registry, image, platform, &manifest).await
                };
                reading.push(one.boxed());
            }
        }
    }
    let images: Vec<Spoken> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
    let platforms = images.iter().filter_map(|image| image.platform.clone()).collect();
    for Spoken { platform, revisions } in images {
        let name = name(platform.as_ref());
        if revisions == [None, None] {
            said.push(Said { part: name, revision: None });
            continue;
        }
        let parts = ["annotation", "label"].map(|part| format!("the {part} of {name}"));
        let spoken = parts.into_iter().zip(revisions).filter(|(_, revision)| revision.is_some());
        said.extend(spoken.map(|(part, revision)| Said { part, revision }));
    }
    let wanted = source.to_string();
    if said.iter().all(|said| said.revision.as_ref() == Some(&wanted)) {
        return Ok(platforms);
    }
    Err(Mismatch::Source { image: image.to_string(), expected: source, found: said }.into())
}

async fn listen(
    registry: &dyn Registry,
    image: &Reference,
    platform: Option<Platform>,
    manifest: &Manifest,
) -> Result<Spoken, PinError> {
    let config = proven_config(registry, image, manifest).await?;
    let label = config.as_ref().and_then(|config| config.revision().map(str::to_owned));
    let platform = platform.or_else(|| config?.platform());
    Ok(Spoken { platform, revisions: [manifest.annotations.revision().map(str::to_owned), label] })
}

fn word(part: &str, annotations: &Annotations) -> Option<Said> {
    let revision = annotations.revision()?.to_owned();
    Some(Said { part: part.to_owned(), revision: Some(revision) })
}

fn name(platform: Option<&Platform>) -> String {
    platform.map_or_else(|| "an image without a platform".into(), ToString::to_string)
}
