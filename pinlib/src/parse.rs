//! Text that becomes a value: the one error, hex, and the shape of a checked name.

use std::fmt;

/// A text that is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {what}: {reason}")]
pub struct ParseError {
    what: &'static str,
    text: String,
    reason: &'static str,
}

impl ParseError {
    pub(crate) fn new(what: &'static str, text: &str, reason: &'static str) -> Self {
        // A hostile text may be long; an error is one line.
        let mut text: String = text.chars().take(201).collect();
        if text.chars().count() > 200 {
            text.pop();
            text.push('…');
        }
        Self { what, text, reason }
    }
    /// What the text was taken for, as in `digest`.
    pub fn what(&self) -> &'static str {
        self.what
    }
    /// What was wanted of it.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

/// Writes bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

/// Reads exactly so many bytes of lower-case hex.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    let nibble = |b: u8| match b {
        b'0'..=b'9' => Some(b - b'0'),
        b'a'..=b'f' => Some(b - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

/// Lets a type that parses and prints go through serde as text, and print as itself under `Debug`.
macro_rules! by_text {
    ($type:ty) => {
        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use by_text;

/// Makes a type of its own out of a text that passes one check.
macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);
        impl $type {
            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::str::FromStr for $type {
            type Err = $crate::parse::ParseError;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                check(text).map(|()| Self(text.to_owned())).map_err(|reason| Self::Err::new($what, text, reason))
            }
        }
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        $crate::parse::by_text!($type);
    };
}
pub(crate) use name;

/// Whether a byte stands for itself in a record, a locator, a readable body: nothing that ends a line, opens a
/// `[skip ci]`, or that a terminal would obey.
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._/:=@~+,-".contains(&byte)
}

/// Writes a text with all but plain ASCII as `%XX`, so that it is one word wherever it is quoted.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            out.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(b"0123456789ABCDEF"[usize::from(nibble)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

/// Reads what [`encode`] wrote, and nothing else: one text has one spelling.
pub(crate) fn decode(text: &str) -> Option<String> {
    let (mut out, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if byte == b'%' {
            let pair = tail.get(..2).and_then(|pair| std::str::from_utf8(pair).ok())?;
            out.push(u8::from_str_radix(pair, 16).ok()?);
            rest = &tail[2..];
        } else {
            out.push(byte);
        }
    }
    let out = String::from_utf8(out).ok()?;
    (encode(&out) == text).then_some(out)
}
