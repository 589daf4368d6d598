//! When a text can stand without quotes.

use crate::image::Digest;

/// Words that are not strings in YAML 1.1 or 1.2.
const WORDS: [&str; 13] =
    ["y", "n", "yes", "no", "true", "false", "on", "off", "null", "inf", "nan", "~", "<<"];

/// Whether every reader takes a bare text for a string: YAML 1.1, 1.2, kustomize, Helm.
///
/// `yes`, `1_000`, `0755`, `1e3`, `0o7`, `1.20` and `2001-01-01` are none. Narrow on purpose: what names an image.
pub(super) fn plain_text(text: &str) -> bool {
    let word = |b: u8| b.is_ascii_alphanumeric() || b"._/:@-".contains(&b);
    let numeric = |b: u8| b.is_ascii_hexdigit() || b"xob+-._:tTzZ".contains(&b);
    let first = text.bytes().next().unwrap_or(b' ');
    first.is_ascii_alphanumeric()
        && text.bytes().all(word)
        && !text.ends_with(':')
        && !WORDS.contains(&&*text.to_ascii_lowercase())
        && !(first.is_ascii_digit() && text.bytes().all(numeric))
}

/// The text as a scalar: bare where it can be, or in these quotes. It holds neither quotes nor escapes of its own.
pub(super) fn scalar(text: &str, quote: &str) -> String {
    let quote = if quote.is_empty() && !plain_text(text) { "\"" } else { quote };
    format!("{quote}{text}{quote}")
}

/// Whether a text is a digest and nothing else, which would pass for an image named `sha256`.
pub(in crate::manifest) fn is_digest(text: &str) -> bool {
    text.parse::<Digest>().is_ok()
}
