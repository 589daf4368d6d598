//! Digests, and how one is known.

use crate::parse::{ParseError, by_text, hex, unhex};
use sha2::{Digest as _, Sha256, Sha512};
use std::{fmt, str::FromStr};

/// Names image content by its sha256, or its sha512.
///
/// Source: <https://github.com/opencontainers/image-spec/blob/main/descriptor.md#digests>.
///
/// ```
/// use pinlib::Digest;
/// let digest = Digest::of(b"{}");
/// assert!(digest.is_of(b"{}") && !digest.is_of(b"{ }"));
/// assert_eq!(digest.to_string().parse(), Ok(digest));
/// assert!("sha256:zz".parse::<Digest>().is_err());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(Repr);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Sha256([u8; 32]),
    Sha512([u8; 64]),
}

impl Digest {
    /// Hashes bytes with sha256: the only way to a digest other than parsing one.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Repr::Sha256(Sha256::digest(bytes).into()))
    }
    /// Whether these bytes are what it names, by its own algorithm.
    pub fn is_of(&self, bytes: &[u8]) -> bool {
        match &self.0 {
            Repr::Sha256(hash) => *hash == <[u8; 32]>::from(Sha256::digest(bytes)),
            Repr::Sha512(hash) => *hash == <[u8; 64]>::from(Sha512::digest(bytes)),
        }
    }
    /// The name of its algorithm: `sha256` or `sha512`.
    pub fn algorithm(&self) -> &'static str {
        match self.0 {
            Repr::Sha256(_) => "sha256",
            Repr::Sha512(_) => "sha512",
        }
    }
    /// The hash itself.
    #[cfg(feature = "provenance")]
    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Sha256(bytes) => bytes,
            Repr::Sha512(bytes) => bytes,
        }
    }
    /// Its hex digits, without the algorithm.
    pub fn hex(&self) -> String {
        self.to_string().split_off(self.algorithm().len() + 1)
    }
    /// The first 12 of its hex digits, for people. Never for records, JSON or a server.
    pub fn short(&self) -> String {
        let mut text = self.hex();
        text.truncate(12);
        text
    }
}

impl FromStr for Digest {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let repr = match text.split_once(':') {
            Some(("sha256", hex)) => unhex(hex).map(Repr::Sha256),
            Some(("sha512", hex)) => unhex(hex).map(Repr::Sha512),
            _ => None,
        };
        let want = "want sha256: and 64, or sha512: and 128 lower-case hex digits";
        repr.map(Self).ok_or_else(|| ParseError::new("digest", text, want))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.algorithm())?;
        match &self.0 {
            Repr::Sha256(bytes) => hex(bytes, f),
            Repr::Sha512(bytes) => hex(bytes, f),
        }
    }
}

by_text!(Digest);

/// How a digest is known.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// The manifest's bytes were read and hashed.
    Hashed,
    /// The caller said so; nothing was read.
    Declared,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hashed => "hashed",
            Self::Declared => "declared",
        })
    }
}

impl FromStr for Proof {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let all = [Self::Hashed, Self::Declared];
        all.into_iter()
            .find(|proof| proof.to_string() == text)
            .ok_or_else(|| ParseError::new("proof", text, "want hashed or declared"))
    }
}

by_text!(Proof);
