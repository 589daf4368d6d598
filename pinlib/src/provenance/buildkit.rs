//! The provenance that `BuildKit` puts into an index: a manifest beside each image, a statement in a blob of it.
//!
//! It is covered by the index's digest and by nothing else. Of one platform's image it is found by way of the index that
//! the image was taken from.

use super::{
    AT_ONCE, Asked, Found, Heard, images, name,
    statement::{Statement, is_provenance},
    within,
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    error::{Mismatch, PinError, Said},
    git::SourceRepository,
    image::{
        Digest, Platform,
        document::{self, Descriptor, Document, Index},
    },
    registry::Registry,
    resolve::{proven_blob, proven_bytes},
};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

/// Of one image, more statements than this are not read.
const STATEMENTS: usize = 8;

/// Wants of each image of the digest a provenance that is about that image alone, and was built from the source.
pub(super) async fn weigh(
    registry: &dyn Registry,
    digest: Digest,
    found: &Found,
    asked: Asked<'_>,
) -> Result<(), PinError> {
    let missing =
        |what: String| PinError::from(Mismatch::NoProvenance { image: asked.image.to_string(), what });
    let (index, wanted): (&Index, Vec<(Option<Platform>, Digest)>) = match (&found.document, &found.within) {
        (Document::Index(index), _) => {
            let all = images(asked.image, index)?.iter();
            (index, all.map(|entry| (entry.platform(), entry.digest)).collect())
        }
        (Document::Manifest(_), Some(index)) => {
            let platform =
                index.images.iter().find(|entry| entry.digest == digest).and_then(Descriptor::platform);
            (index, vec![(platform, digest)])
        }
        (Document::Manifest(_), None) => {
            return Err(missing("provenance stands in an index, and this is a single manifest".into()));
        }
    };
    let reading = wanted.into_iter().map(|(platform, at)| {
        let name = name(platform.as_ref());
        async move { Ok((statements(registry, asked, index, at, &name).await?, name)) }.boxed()
    });
    let reading: Vec<BoxFuture<'_, Result<_, PinError>>> = reading.collect();
    let all: Vec<(Vec<Statement>, String)> = stream::iter(reading).buffered(AT_ONCE).try_collect().await?;
    let mut heard = Heard::default();
    for (statements, name) in all {
        if statements.is_empty() {
            return Err(missing(format!("its index holds no provenance of {name}")));
        }
        for statement in &statements {
            hear(statement, &name, asked.repository, &mut heard);
        }
    }
    heard.judge(&asked)?;
    Ok(())
}

/// The provenance of one image.
async fn statements(
    registry: &dyn Registry,
    asked: Asked<'_>,
    index: &Index,
    image: Digest,
    name: &str,
) -> Result<Vec<Statement>, PinError> {
    let mut statements = Vec::new();
    let entries: Vec<_> = index.attestations.iter().filter(|entry| entry.attests_to(image)).collect();
    within(STATEMENTS, entries.len(), asked.image, "attestations of one image")?;
    for entry in entries {
        let at = asked.image.at(entry.digest);
        let invalid = |act: &str, reason| {
            BackendError::new(BackendErrorKind::Invalid, format!("{act} {at}")).because(reason)
        };
        let manifest = proven_bytes(registry, &at, Some(entry.digest)).await?;
        let blobs = document::blobs(&manifest.media_type, &manifest.bytes)
            .map_err(|reason| invalid("read the manifest of", reason))?;
        let may_be = |blob: &&Descriptor| {
            blob.predicate_type().is_some_and(|kind| kind.is_empty() || is_provenance(kind))
        };
        let blobs: Vec<_> = blobs.iter().filter(may_be).collect();
        within(STATEMENTS, blobs.len(), asked.image, "statements of one image")?;
        for blob in blobs {
            let bytes = proven_blob(registry, asked.image, blob.digest).await?;
            let statement =
                Statement::parse(&bytes).map_err(|reason| invalid("read the statement in", reason))?;
            if !statement.is_provenance() {
                continue;
            }
            if !statement.is_only_about(image) {
                let what = format!("the provenance that its index holds of {name} is not about that image");
                return Err(Mismatch::NoProvenance { image: asked.image.to_string(), what }.into());
            }
            statements.push(statement);
        }
    }
    Ok(statements)
}

/// Takes down what a provenance says.
fn hear(statement: &Statement, name: &str, repository: Option<&SourceRepository>, heard: &mut Heard) {
    let part = format!("the provenance of {name}");
    let all = statement.sources();
    let own = |uri: &str| repository.is_none() || SourceRepository::of_source(uri).as_ref() == repository;
    // Among many inputs, other repositories are what it depends on.
    let ours: Vec<_> = all.iter().filter(|source| own(&source.uri)).cloned().collect();
    let sources = if ours.is_empty() { all } else { ours };
    if sources.is_empty() {
        heard.commits.push(Said { part: part.clone(), value: None });
        heard.repositories.push(Said { part: part.clone(), value: None });
    }
    for source in sources {
        heard.commits.push(Said { part: part.clone(), value: source.commit });
        heard.repositories.push(Said { part: part.clone(), value: Some(source.uri) });
    }
    let client = format!("the client that built {name}");
    heard
        .commits
        .extend(statement.hint().map(|commit| Said { part: client, value: Some(commit.to_owned()) }));
}
