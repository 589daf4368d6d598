//! Platforms, as `os/arch[/variant]`.

use crate::parse::{ParseError, by_text};
use std::{fmt, str::FromStr};

/// The operating system and processor that a manifest of an index is for.
///
/// ```
/// use pinlib::Platform;
/// let platform: Platform = "linux/arm64/v8".parse()?;
/// assert_eq!((platform.os(), platform.arch(), platform.variant()), ("linux", "arm64", Some("v8")));
/// # Ok::<(), pinlib::ParseError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Platform {
    os: String,
    arch: String,
    variant: Option<String>,
}

impl Platform {
    /// The operating system, as Go names it.
    pub fn os(&self) -> &str {
        &self.os
    }
    /// The processor, as Go names it.
    pub fn arch(&self) -> &str {
        &self.arch
    }
    /// The processor's variant, where it has one.
    pub fn variant(&self) -> Option<&str> {
        self.variant.as_deref()
    }
    /// Whether a manifest for `other` serves this wish: a variant that is not wished for may be any.
    pub fn takes(&self, other: &Self) -> bool {
        self.os == other.os
            && self.arch == other.arch
            && (self.variant.is_none() || self.variant == other.variant)
    }
}

impl FromStr for Platform {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let ok = |part: &str| {
            !part.is_empty()
                && part.len() <= 64
                && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        };
        let parts: Vec<_> = text.split('/').collect();
        match parts[..] {
            [os, arch] if ok(os) && ok(arch) => {
                Ok(Self { os: os.to_owned(), arch: arch.to_owned(), variant: None })
            }
            [os, arch, variant] if ok(os) && ok(arch) && ok(variant) => {
                Ok(Self { os: os.to_owned(), arch: arch.to_owned(), variant: Some(variant.to_owned()) })
            }
            _ => Err(ParseError::new("platform", text, "want OS/ARCH or OS/ARCH/VARIANT, as linux/arm64")),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.arch)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

by_text!(Platform);
