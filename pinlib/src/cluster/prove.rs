//! Asks the registry whether two digests are one image, and proves what it answers.

use super::{
    image_id::ImageId,
    same::{Known, Sameness, sameness},
};
use crate::{
    backend::BackendErrorKind,
    error::PinError,
    image::{Digest, Reference, document::Document},
    registry::Registry,
    resolve::proven,
};
use futures_util::{StreamExt, stream};
use std::collections::BTreeMap;

/// So many digests are asked for side by side.
const AT_ONCE: usize = 4;

/// What was shown so far, by repository and digest.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// True for ever.
    shown: BTreeMap<(String, Digest), Known>,
    /// What could not be shown in this look, and may be in the next.
    failed: BTreeMap<(String, Digest), Known>,
}

impl Facts {
    /// Begins another look.
    pub(super) fn forget_failures(&mut self) {
        self.failed.clear();
    }

    /// Settles whether what runs is what Git names, and asks for as much as that needs, each thing once a look.
    ///
    /// Only the repository that Git names is asked: a node may know an image by any name, and a digest says the same in each.
    pub(super) async fn settle(
        &mut self,
        registry: &dyn Registry,
        image: &Reference,
        wanted: Digest,
        running: &ImageId,
    ) -> Sameness {
        let key = |digest| (image.name(), digest);
        loop {
            let known = |digest| self.shown.get(&key(digest)).or_else(|| self.failed.get(&key(digest)));
            let asked = match sameness(wanted, running, known) {
                Sameness::Ask(digests) => digests,
                settled => return settled,
            };
            let looks =
                asked.into_iter().map(|digest| async move { (digest, look(registry, image, digest).await) });
            let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
            for (digest, known) in looks {
                match known {
                    Ok(known) => self.shown.insert(key(digest), known),
                    Err(why) => self.failed.insert(key(digest), Known::Nothing(why)),
                };
            }
        }
    }
}

async fn look(registry: &dyn Registry, image: &Reference, digest: Digest) -> Result<Known, String> {
    match proven(registry, &image.at(digest), Some(digest)).await {
        Ok((_, Document::Manifest(manifest))) => Ok(Known::Manifest { config: manifest.config.digest }),
        Ok((_, Document::Index(index))) => {
            Ok(Known::Index(index.images.iter().map(|image| image.digest).collect()))
        }
        Err(PinError::Backend(error)) if error.kind() == BackendErrorKind::NotFound => {
            Err(format!("{} has no {}", image.written_name(), digest.short()))
        }
        Err(PinError::Backend(error)) if error.kind() == BackendErrorKind::Unsupported => {
            Err("the digests differ, and no registry was asked whether one is part of the other".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}
