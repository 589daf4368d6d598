//! Evidence that a digest was built from the source commit: looked for in the image and beside it, and held against what
//! was asked.
//!
//! `label` hears what an image says of itself, `buildkit` reads the provenance in its index, `statement` what such a document
//! says, `referrers` finds the signed attestations in a registry, and `attestation` (feature `provenance`) verifies them.
//! Only what the pinned digest covers, or a signature, is believed.

#[cfg(feature = "provenance")]
mod attestation;
mod buildkit;
mod label;
mod referrers;
mod statement;

#[cfg(all(feature = "oci", any(test, feature = "fuzzing")))]
pub(crate) mod fuzzing {
    use super::statement::Statement;

    /// A statement's bytes, and all that is asked of one.
    pub(crate) fn statement(bytes: &[u8]) {
        if let Ok(statement) = Statement::parse(bytes) {
            statement.sources();
            statement.hint();
        }
    }
}

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::{Mismatch, PinError, Said},
    evidence::{Evidence, EvidenceRule},
    git::{Oid, SourceRepository},
    image::{
        Digest, Platform, Reference,
        document::{Descriptor, Document, IMAGES, Index},
    },
    registry::Registry,
};
pub use referrers::RegistryAttestations;

/// So many documents are read side by side.
const AT_ONCE: usize = 4;

/// An image as it was looked up: what its digest names, and where that was taken from.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) document: Document,
    /// The index that one platform's manifest was taken out of.
    pub(crate) within: Option<Index>,
}

/// What the source must be.
#[derive(Clone, Copy, Debug)]
struct Asked<'a> {
    image: &'a Reference,
    source: Oid,
    repository: Option<&'a SourceRepository>,
}

/// What parts of an image, or of what stands beside it, say of its source.
#[derive(Debug, Default)]
struct Heard {
    commits: Vec<Said>,
    repositories: Vec<Said>,
}

impl Heard {
    /// All must say the same, and something must be said.
    fn judge(self, asked: &Asked<'_>) -> Result<(), Mismatch> {
        let image = || asked.image.to_string();
        let Self { commits, repositories } = self;
        let all = |said: &[Said], right: &dyn Fn(&str) -> bool| {
            !said.is_empty() && said.iter().all(|said| said.value.as_deref().is_some_and(right))
        };
        let source = asked.source.to_string();
        if !all(&commits, &|commit| commit == source) {
            return Err(Mismatch::Source { image: image(), expected: asked.source, found: commits });
        }
        match asked.repository {
            Some(own)
                if !all(&repositories, &|uri| SourceRepository::of_source(uri).as_ref() == Some(own)) =>
            {
                Err(Mismatch::Repository { image: image(), expected: own.clone(), found: repositories })
            }
            _ => Ok(()),
        }
    }
}

/// Looks for the evidence that the rule names. Answers it, and the platforms that were looked at for it, where any were.
pub(crate) async fn weigh(
    registry: &dyn Registry,
    image: &Reference,
    digest: Digest,
    found: &Found,
    source: Oid,
    rule: &EvidenceRule,
) -> Result<(Evidence, Option<Vec<Platform>>), PinError> {
    let asked = |repository| Asked { image, source, repository };
    match rule {
        EvidenceRule::None => Ok((Evidence::NotAsked, None)),
        EvidenceRule::Label { repository } => {
            let platforms = label::weigh(registry, &found.document, asked(repository.as_ref())).await?;
            Ok((Evidence::Label { repository: repository.clone() }, Some(platforms)))
        }
        EvidenceRule::Provenance { repository } => {
            let asked = asked(repository.as_ref());
            buildkit::weigh(registry, digest, found, asked).await?;
            Ok((Evidence::Provenance { repository: repository.clone() }, None))
        }
        #[cfg(feature = "provenance")]
        EvidenceRule::Attestation(rule) => {
            let attested = attestation::weigh(rule, image, digest, source).await?;
            Ok((Evidence::Attestation(Box::new(attested)), None))
        }
        #[cfg(not(feature = "provenance"))]
        EvidenceRule::Attestation(_) => Err(PinError::Invalid(rule.objection().unwrap_or_default())),
    }
}

/// The images of an index, within bounds.
fn images<'a>(image: &Reference, index: &'a Index) -> Result<&'a [Descriptor], PinError> {
    let count = index.images.len();
    within(IMAGES, count, image, "images")?;
    Ok(&index.images)
}

/// Refuses more of something than is read.
fn within(most: usize, count: usize, image: &Reference, what: &str) -> Result<(), PinError> {
    if count <= most {
        return Ok(());
    }
    let error = BackendError::new(BackendErrorKind::Invalid, format!("look for the source of {image}"));
    Err(error.because(format!("it holds {count} {what}, and at most {most} are read")).into())
}

/// How a platform is called in an error.
fn name(platform: Option<&Platform>) -> String {
    platform.map_or_else(|| "an image without a platform".into(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::{Asked, Heard};

    #[test]
    fn where_nobody_says_anything_nothing_is_shown() {
        let image = "registry.test/acme/app".parse().expect("an image");
        let source = "1f3c9ab72e101f3c9ab72e101f3c9ab72e101f3c".parse().expect("an oid");
        let asked = Asked { image: &image, source, repository: None };
        assert!(Heard::default().judge(&asked).is_err());
    }
}
