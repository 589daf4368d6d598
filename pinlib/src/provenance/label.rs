//! What an image says about its source: collected from every part.
//!
//! Only what the pinned digest covers is heard: an index's word does not count for one manifest that was taken out of it.

use super::{AT_ONCE, Asked, Heard, images, name};
use crate::{
    error::{PinError, Said},
    image::{
        Platform,
        document::{Annotations, Document, Manifest},
    },
    registry::Registry,
    resolve::{proven_config, proven_manifest},
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

const REVISION: &str = "org.opencontainers.image.revision";
const SOURCE: &str = "org.opencontainers.image.source";

/// One image of an index, or the only one.
struct Spoken {
    platform: Option<Platform>,
    annotations: Annotations,
    revision: Option<String>,
    source: Option<String>,
}

/// Wants `org.opencontainers.image.revision` to be A's whole id wherever it stands: in the annotations of the index, of
/// its entries, of each manifest, and in the label of each config. Each image must say it in its own manifest or config:
/// an index can be put together, and annotated, by whoever built none of its images. Where a repository is asked for,
/// `org.opencontainers.image.source` must name it likewise.
///
/// Answers the platforms that were heard.
pub(super) async fn weigh(
    registry: &dyn Registry,
    document: &Document,
    asked: Asked<'_>,
) -> Result<Vec<Platform>, PinError> {
    let (mut heard, mut reading) = (Heard::default(), Vec::<BoxFuture<'_, _>>::new());
    match document {
        Document::Manifest(manifest) => reading.push(listen(registry, asked, None, manifest).boxed()),
        Document::Index(index) => {
            heard.word("the annotation of the index", &index.annotations);
            for entry in images(asked.image, index)? {
                let (platform, at) = (entry.platform(), entry.digest);
                heard.word(&format!("the index about {}", name(platform.as_ref())), &entry.annotations);
                let one = async move {
                    let manifest = proven_manifest(registry, asked.image, at).await?;
                    listen(registry, asked, platform, &manifest).await
                };
                reading.push(one.boxed());
            }
        }
    }
    let spoken: Vec<Spoken> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
    let platforms = spoken.iter().filter_map(|image| image.platform.clone()).collect();
    for Spoken { platform, annotations, revision, source } in spoken {
        let name = name(platform.as_ref());
        let own = [(REVISION, revision, &mut heard.commits), (SOURCE, source, &mut heard.repositories)];
        for (key, label, said) in own {
            let words = [("annotation", annotations.get(key).map(str::to_owned)), ("label", label)];
            let before = said.len();
            said.extend(words.into_iter().filter_map(|(part, value)| {
                value.map(|value| Said { part: format!("the {part} of {name}"), value: Some(value) })
            }));
            if said.len() == before {
                said.push(Said { part: name.clone(), value: None });
            }
        }
    }
    heard.judge(&asked)?;
    Ok(platforms)
}

async fn listen(
    registry: &dyn Registry,
    asked: Asked<'_>,
    platform: Option<Platform>,
    manifest: &Manifest,
) -> Result<Spoken, PinError> {
    let config = proven_config(registry, asked.image, manifest).await?;
    let label = |key| config.as_ref().and_then(|config| config.label(key)).map(str::to_owned);
    let (revision, source) = (label(REVISION), label(SOURCE));
    let platform = platform.or_else(|| config?.platform());
    Ok(Spoken { platform, annotations: manifest.annotations.clone(), revision, source })
}

impl Heard {
    /// What annotations say, where they say anything.
    fn word(&mut self, part: &str, annotations: &Annotations) {
        let said = |key| {
            let value = annotations.get(key)?.to_owned();
            Some(Said { part: part.to_owned(), value: Some(value) })
        };
        self.commits.extend(said(REVISION));
        self.repositories.extend(said(SOURCE));
    }
}
