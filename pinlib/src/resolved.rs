//! What an image of the request was settled to: its digest, and how that is known.

use crate::{
    evidence::Evidence,
    image::{Digest, Platform, Proof, Reference},
    request::ImagePin,
};

/// An image whose digest is settled for the rest of the run, with how it is known.
#[derive(Clone, Debug)]
pub struct ResolvedImage {
    pin: ImagePin,
    digest: Digest,
    proof: Proof,
    platforms: Vec<Platform>,
    evidence: Evidence,
}

impl ResolvedImage {
    // These three for the crate, since the registry is a layer above: resolve.rs alone calls them.
    /// Takes the caller's word for the digest.
    pub(crate) fn declared(pin: &ImagePin, digest: Digest) -> Self {
        Self { proof: Proof::Declared, ..Self::hashed(pin, digest) }
    }
    /// Takes a digest that the bytes of the manifest were hashed against.
    pub(crate) fn hashed(pin: &ImagePin, digest: Digest) -> Self {
        Self {
            pin: pin.clone(),
            digest,
            proof: Proof::Hashed,
            platforms: Vec::new(),
            evidence: Evidence::NotAsked,
        }
    }
    /// Adds what was found in it.
    pub(crate) fn with(self, platforms: Vec<Platform>, evidence: Evidence) -> Self {
        Self { platforms, evidence, ..self }
    }
    /// The image by digest.
    pub fn reference(&self) -> Reference {
        self.pin.image.at(self.digest)
    }
    /// What was asked for.
    pub fn pin(&self) -> &ImagePin {
        &self.pin
    }
    /// The digest.
    pub fn digest(&self) -> Digest {
        self.digest
    }
    /// How the digest is known.
    pub fn proof(&self) -> Proof {
        self.proof
    }
    /// What the digest holds images for, in the index's order. Empty where it is not known: of a digest that is only
    /// declared, and of a single manifest whose config nobody had to read.
    pub fn platforms(&self) -> &[Platform] {
        &self.platforms
    }
    /// What ties it to the source.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}
