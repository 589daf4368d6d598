//! The text that goes into the file.

use super::{EditError, Node, plain_text, quote::is_digest, refused, scalar};
use crate::{git::FileAt, image::Digest, manifest::Site};

/// Text that brings in a digest where none stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::manifest) struct Insertion {
    /// Where it goes.
    pub(in crate::manifest) at: usize,
    /// What goes before the digest.
    before: String,
    quote: &'static str,
}

impl Insertion {
    pub(in crate::manifest) fn text(&self, digest: Digest) -> String {
        format!("{}{}", self.before, scalar(&digest.to_string(), self.quote))
    }
    /// The value of a key that has none.
    pub(in crate::manifest) fn value(value: Node<'_>) -> Result<Self, EditError> {
        value.alone()?;
        let at = behind_colon(value)?;
        let flow = value.parent().is_some_and(Node::is_flow);
        Ok(Self { at, before: " ".into(), quote: if flow { "\"" } else { "" } })
    }
    /// A key of a mapping, behind its last.
    pub(in crate::manifest) fn key(mapping: Node<'_>, key: &str) -> Result<Self, EditError> {
        mapping.alone()?;
        let (Some((first, _)), Some((_, last))) = (mapping.entries().next(), mapping.entries().last()) else {
            return Err(mapping.refused("a mapping with a key", "an empty one"));
        };
        if mapping.is_flow() {
            let json = if first.is_double_quoted() { "\"" } else { "" };
            return Ok(Self { at: tail(last)?, before: format!(", {json}{key}{json}: "), quote: "\"" });
        }
        let (at, line_break) = line_end(last)?;
        let before = format!("{line_break}{}{key}: ", indent(mapping));
        Ok(Self { at, before, quote: "" })
    }
    /// An item of a list of mappings, behind its last: these keys, then the digest's.
    pub(in crate::manifest) fn item(
        list: Node<'_>,
        keys: &[(&str, &str)],
        key: &str,
    ) -> Result<Self, EditError> {
        list.alone()?;
        // In brackets, the text could not end with the digest: a bracket closes the item.
        let Some(item_before) = list.items().last().filter(|_| !list.is_flow()) else {
            return Err(list.refused("a list with a line an item", "one in brackets"));
        };
        let (at, line_break) = line_end(item_before)?;
        Ok(Self { at, before: item(line_break, &dash_indent(item_before)?, keys, key), quote: "" })
    }
    /// A list with one such item, as the value of a key that has none.
    pub(in crate::manifest) fn list(
        value: Node<'_>,
        keys: &[(&str, &str)],
        key: &str,
    ) -> Result<Self, EditError> {
        value.alone()?;
        let Some(mapping) = value.parent().filter(|mapping| !mapping.is_flow()) else {
            return Err(value.refused("a key with a line of its own", "one in brackets"));
        };
        if !value.span().is_empty() {
            return Err(value.refused("a list, or nothing", "null"));
        }
        let at = behind_colon(value)?;
        let (end, line_break) = line_rest(value, at)?;
        if end != at {
            return Err(value.refused("a list, or nothing", "a comment"));
        }
        Ok(Self { at, before: item(line_break, &indent(mapping), keys, key), quote: "" })
    }
    /// A list with one such item, as a new key of a mapping.
    pub(in crate::manifest) fn key_with_list(
        mapping: Node<'_>,
        name: &str,
        keys: &[(&str, &str)],
        key: &str,
    ) -> Result<Self, EditError> {
        mapping.alone()?;
        let Some((_, last)) = mapping.entries().last().filter(|_| !mapping.is_flow()) else {
            return Err(mapping.refused("a mapping with a line a key", "one in brackets"));
        };
        let ((at, line_break), indent) = (line_end(last)?, indent(mapping));
        let before = format!("{line_break}{indent}{name}:{}", item(line_break, &indent, keys, key));
        Ok(Self { at, before, quote: "" })
    }
}

fn item(line_break: &str, indent: &str, keys: &[(&str, &str)], key: &str) -> String {
    let line = |(name, value): &(&str, &str)| format!("{name}: {}{line_break}{indent}  ", scalar(value, ""));
    let lines: String = keys.iter().map(line).collect();
    format!("{line_break}{indent}- {lines}{key}: ")
}

/// The blanks before a mapping's first key.
fn indent(mapping: Node<'_>) -> String {
    " ".repeat(mapping.column() - 1)
}

/// The blanks before an item's dash.
fn dash_indent(item: Node<'_>) -> Result<String, EditError> {
    let before = &item.source_text()[..item.span().start];
    let line = &before[before.rfind('\n').map_or(0, |at| at + 1)..];
    match line.trim_end_matches(' ').strip_suffix('-') {
        Some(blanks) if blanks.bytes().all(|byte| byte == b' ') => Ok(blanks.to_owned()),
        _ => Err(item.refused("an item behind a dash", "it elsewhere")),
    }
}

/// Where a value ends, or would.
fn tail(value: Node<'_>) -> Result<usize, EditError> {
    if value.span().is_empty() && value.text().is_some() {
        return behind_colon(value);
    }
    // The span of a block of text goes on to the next line's content.
    let text = &value.source_text()[..value.span().end];
    Ok(text.trim_end_matches([' ', '\t', '\n', '\r']).len())
}

fn behind_colon(value: Node<'_>) -> Result<usize, EditError> {
    let key = value.key().unwrap_or(value);
    let refuse = || key.refused("a value, or a key with a colon behind it", "neither");
    let rest = &value.source_text()[key.span().end..];
    let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    if !rest[blanks..].starts_with(':') || value.is_marked() {
        return Err(refuse());
    }
    Ok(key.span().end + blanks + 1)
}

/// The end of the line that a value ends in, and the break that lines end with.
fn line_end(value: Node<'_>) -> Result<(usize, &'static str), EditError> {
    line_rest(value, tail(value)?)
}

fn line_rest(value: Node<'_>, from: usize) -> Result<(usize, &'static str), EditError> {
    let text = value.source_text();
    let rest = &text[from..];
    let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let here = rest[..end].trim_start_matches([' ', '\t']);
    if !here.is_empty() && !here.starts_with('#') {
        return Err(value.refused("the end of the line, or a comment", "something else"));
    }
    let ends_crlf = match &rest[end..] {
        "" => text[..from].rfind('\n').is_some_and(|at| text[..at].ends_with('\r')),
        behind => behind.starts_with("\r\n"),
    };
    Ok((from + end, if ends_crlf { "\r\n" } else { "\n" }))
}

/// The text in place of a scalar: the quotes that stand there around the digest, or the reference with it.
///
/// What stands there says which: a digest or nothing, a tag with a digest, or a reference.
pub(in crate::manifest) fn rewritten(
    file: &FileAt,
    site: &Site,
    digest: Digest,
    keep_tag: bool,
) -> Result<String, EditError> {
    let old = file.bytes.get(site.span.clone()).and_then(|bytes| std::str::from_utf8(bytes).ok());
    let elsewhere = || refused(file, (site.line, site.column), "the site as it was found", "another text");
    let old = old.ok_or_else(elsewhere)?;
    let quote = match old.as_bytes() {
        [b'\'', .., b'\''] => "'",
        [b'"', .., b'"'] => "\"",
        _ => "",
    };
    let inner = &old[quote.len()..old.len() - quote.len()];
    let (left, _) = inner.split_once('@').unwrap_or((inner, ""));
    let image = &site.image;
    let text = if inner.is_empty() || is_digest(inner) || matches!(inner, "~" | "null" | "Null" | "NULL") {
        digest.to_string()
    } else if image.tag() == Some(left) {
        format!("{left}@{digest}")
    } else if keep_tag {
        image.with_digest(digest).to_string()
    } else {
        image.at(digest).to_string()
    };
    if quote.is_empty() && !plain_text(&text) {
        return Err(elsewhere());
    }
    Ok(scalar(&text, quote))
}
