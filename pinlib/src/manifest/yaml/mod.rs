//! YAML, and so JSON, by events and byte spans: read, locate, splice, verify.
//!
//! A file is read one document at a time ([`Source::documents`]) into a flat list of nodes ([`Document`]) that borrows
//! from the file; an edit replaces bytes; [`verify()`] runs the parser over both files, in step, and keeps nothing.
//! There is no fallback: what cannot be located by the parser is refused, with its line and column.

mod document;
mod quote;
mod splice;
mod verify;

pub(super) use document::{Document, Node, part};
pub(super) use quote::is_digest;
use quote::{plain_text, scalar};
pub(super) use splice::{Insertion, rewritten};
pub(super) use verify::verify;

use super::{
    EditError,
    EditErrorKind::{self, NoSite, Refused},
};
use crate::git::FileAt;
use granit_parser::{Event, Parser, ScanError, Span, StrInput};
use std::{fmt::Display, ops::Range};

/// The largest file. The largest real manifests, bundles of definitions, have some 10 MB.
const SIZE: usize = 16 << 20;
/// The most documents in a file.
const DOCUMENTS: usize = 20_000;
/// The most nodes in a document: about 64 MB of them.
const NODES: usize = 1_000_000;
/// How deep collections nest.
const DEPTH: usize = 128;

/// A file that can be text of YAML.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) file: &'a FileAt,
    text: &'a str,
}

impl<'a> Source<'a> {
    /// Checks what a parser would read over.
    pub(super) fn new(file: &'a FileAt) -> Result<Self, EditError> {
        let refuse = |at: usize, found: &str| {
            let text = String::from_utf8_lossy(&file.bytes[..at]);
            Err(refused(file, position(&text, text.len()), "text in UTF-8", found))
        };
        if file.bytes.len() > SIZE {
            let found = format!("{} bytes", file.bytes.len());
            return Err(refused(file, (0, 0), "at most 16 MiB", found));
        }
        if file.bytes.starts_with(b"\xFF\xFE") || file.bytes.starts_with(b"\xFE\xFF") {
            return refuse(0, "UTF-16");
        }
        if let Some(at) = file.bytes.iter().position(|byte| *byte == 0) {
            return refuse(at, "a NUL byte");
        }
        let text = match std::str::from_utf8(&file.bytes) {
            Ok(text) => text,
            Err(error) => return refuse(error.valid_up_to(), "bytes that are not UTF-8"),
        };
        // A comment ends there in YAML 1.1, and what follows is read; in 1.2 it is a comment still.
        if let Some(at) = text.find(['\u{85}', '\u{2028}', '\u{2029}']) {
            return refuse(at, "a separator that is a line break to YAML 1.1 alone");
        }
        Ok(Self { file, text })
    }
    /// Every document in turn, none kept.
    pub(super) fn documents(self) -> impl Iterator<Item = Result<Document<'a>, EditError>> {
        let (mut events, mut index) = (self.events(), 0);
        std::iter::from_fn(move || {
            let next = Document::read(self, &mut events, index).transpose();
            index += 1;
            // After an error there is nothing more to be had.
            if matches!(next, Some(Err(_))) {
                events.failed = true;
            }
            next
        })
    }
    fn events(self) -> Events<'a> {
        let options = granit_parser::options! {
            block_scalar_eof_without_line_feed: true,
            emit_comments: false,
            flow_nesting_limit: DEPTH,
            block_nesting_limit: DEPTH,
        };
        Events { source: self, parser: Parser::new_from_str_with_options(self.text, options), failed: false }
    }
    fn scan_error(self, error: &ScanError) -> EditError {
        let at = (error.marker().line(), error.marker().col() + 1);
        let template = self.text.contains("{{") || self.text.contains("{%");
        let hint = if template { " in a template" } else { "" };
        refused(self.file, at, "YAML", format!("{}{hint}", error.info()))
    }
}

/// The parser's events with their bytes.
struct Events<'a> {
    source: Source<'a>,
    parser: Parser<'a, StrInput<'a>>,
    failed: bool,
}

impl<'a> Events<'a> {
    /// The next event; the stream's end again and again.
    fn next(&mut self) -> Result<(Event<'a>, Span, Range<usize>), EditError> {
        match self.parser.next_event() {
            _ if self.failed => Ok((Event::StreamEnd, Span::default(), 0..0)),
            Some(Ok((event, span))) => {
                let bytes = span.byte_range().unwrap_or_default();
                Ok((event, span, bytes))
            }
            Some(Err(error)) => Err(self.source.scan_error(&error)),
            None => Ok((Event::StreamEnd, Span::default(), 0..0)),
        }
    }
}

/// The line and column, from 1, of a place in a text.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

fn error(
    kind: EditErrorKind,
    file: &FileAt,
    (line, column): (usize, usize),
    expected: impl Display,
    found: impl Display,
) -> EditError {
    EditError {
        kind,
        path: file.path.clone(),
        line,
        column,
        expected: expected.to_string(),
        found: found.to_string(),
    }
}

/// The file, or what stands there, is not what an editor takes.
pub(super) fn refused(
    file: &FileAt,
    at: (usize, usize),
    expected: impl Display,
    found: impl Display,
) -> EditError {
    error(Refused, file, at, expected, found)
}

/// The file has no such site.
pub(super) fn none(file: &FileAt, expected: impl Display, found: impl Display) -> EditError {
    error(NoSite, file, (0, 0), expected, found)
}

/// A text of the file as an error may show it: one line, escaped, cut.
pub(super) fn shown(text: &str) -> String {
    let cut: String = text.chars().take(80).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
