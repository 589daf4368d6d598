//! Object ids, of both of git's hashes.

use crate::parse::{ParseError, by_text, hex, name, unhex};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;
use std::{fmt, str::FromStr};

/// Names a git object. Which hash it is stands in its length, so no forge is ever asked.
///
/// ```
/// use pinlib::Oid;
/// let oid: Oid = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391".parse()?;
/// assert!(oid.is_blob(b""));
/// assert!("e69de29".parse::<Oid>().is_err(), "a short id names nothing for sure");
/// # Ok::<(), pinlib::ParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Repr);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Repr {
    Sha1([u8; 20]),
    Sha256([u8; 32]),
}

/// Which hash a repository names its objects by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "git's own words")]
pub enum ObjectFormat {
    Sha1,
    Sha256,
}

impl Oid {
    /// Hashes an object of this kind (`blob`, `tree`, `commit`) as a repository of this format would.
    pub fn of(format: ObjectFormat, kind: &str, bytes: &[u8]) -> Self {
        let head = format!("{kind} {}\0", bytes.len());
        Self(match format {
            ObjectFormat::Sha1 => {
                Repr::Sha1(Sha1::new().chain_update(head).chain_update(bytes).finalize().into())
            }
            ObjectFormat::Sha256 => {
                Repr::Sha256(Sha256::new().chain_update(head).chain_update(bytes).finalize().into())
            }
        })
    }
    /// Takes raw bytes: 20 are a sha1, 32 a sha256, anything else and all zeros are no object.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let repr = match bytes.len() {
            20 => Repr::Sha1(bytes.try_into().ok()?),
            32 => Repr::Sha256(bytes.try_into().ok()?),
            _ => return None,
        };
        bytes.iter().any(|byte| *byte != 0).then_some(Self(repr))
    }
    /// The raw bytes: 20 or 32.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Sha1(bytes) => bytes,
            Repr::Sha256(bytes) => bytes,
        }
    }
    /// Which hash it is.
    pub fn format(&self) -> ObjectFormat {
        match self.0 {
            Repr::Sha1(_) => ObjectFormat::Sha1,
            Repr::Sha256(_) => ObjectFormat::Sha256,
        }
    }
    /// Whether these bytes are the blob that this oid names, in the oid's own hash.
    pub fn is_blob(self, bytes: &[u8]) -> bool {
        Self::of(self.format(), "blob", bytes) == self
    }
    /// Its first 12 digits, for people. Never for records, JSON or a server.
    pub fn short(&self) -> String {
        let mut text = self.to_string();
        text.truncate(12);
        text
    }
}

impl FromStr for Oid {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        unhex(text)
            .map(Repr::Sha1)
            .or_else(|| unhex(text).map(Repr::Sha256))
            .filter(|_| text.bytes().any(|b| b != b'0'))
            .map(Self)
            .ok_or_else(|| {
                ParseError::new("object id", text, "want 40 or 64 lower-case hex digits, not all zero")
            })
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex(self.as_bytes(), f)
    }
}

by_text!(Oid);

name!(
    /// The first digits of an object id, as people copy them from a table. It names nothing for sure: only where one of a
    /// known few is looked for.
    OidPrefix, "short object id", prefix
);

impl OidPrefix {
    /// Whether the id begins so.
    pub fn is_of(&self, oid: Oid) -> bool {
        oid.to_string().starts_with(self.as_str())
    }
}

fn prefix(text: &str) -> Result<(), &'static str> {
    let hex = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    if (12..=64).contains(&text.len()) && text.bytes().all(hex) {
        Ok(())
    } else {
        Err("want 12 to 64 lower-case hex digits")
    }
}
