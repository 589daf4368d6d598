//! YAML, and so JSON, by events and byte spans: read, locate, splice, verify.
//!
//! A file is cut into its documents by their markers alone (`pieces`), and those that can hold what is looked for are read,
//! one at a time ([`Source::documents`]), into a flat list of nodes ([`Document`]) that borrows from the file; an edit replaces
//! bytes; [`verify()`] runs the parser over what differs, in step, and keeps nothing.
//! There is no fallback: what cannot be located by the parser is refused, with its line and column.

mod document;
mod pieces;
mod quote;
mod splice;
mod verify;

pub(super) use document::{Document, Node, part};
pub(super) use pieces::Needles;
pub(super) use quote::is_digest;
use quote::{plain_text, scalar};
pub(super) use splice::{Insertion, rewritten};
pub(super) use verify::verify;

use super::{
    EditError,
    EditErrorKind::{self, NoSite, Refused},
};
use crate::git::FileAt;
use granit_parser::{Event, Parser, ScanError, StrInput};
use memchr::memmem;
use pieces::{Lines, pieces};
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
        if let Some(at) = memchr::memchr(0, &file.bytes) {
            return refuse(at, "a NUL byte");
        }
        let text = match std::str::from_utf8(&file.bytes) {
            Ok(text) => text,
            Err(error) => return refuse(error.valid_up_to(), "bytes that are not UTF-8"),
        };
        // A comment ends there in YAML 1.1, and what follows is read; in 1.2 it is a comment still.
        let separators = ["\u{85}", "\u{2028}", "\u{2029}"];
        if let Some(at) = separators.iter().filter_map(|one| memmem::find(&file.bytes, one.as_bytes())).min()
        {
            return refuse(at, "a separator that is a line break to YAML 1.1 alone");
        }
        Ok(Self { file, text })
    }
    /// Every document that can hold these words, in turn, none kept.
    pub(super) fn documents(
        self,
        needles: &Needles,
    ) -> impl Iterator<Item = Result<Document<'a>, EditError>> {
        let (mut pieces, mut lines) = (pieces(self.text), Lines::of(self.text));
        let (mut events, mut index, mut over) = (None, 0, false);
        std::iter::from_fn(move || {
            loop {
                let Some(open) = &mut events else {
                    // After an error there is nothing more to be had.
                    let bytes = pieces.next().filter(|_| !over)?;
                    if needles.may_stand_in(&self.text[bytes.clone()]) {
                        let lines = lines.before(bytes.start);
                        events = Some(self.events(bytes, lines));
                    } else {
                        index += 1;
                    }
                    continue;
                };
                match Document::read(self, open, index).transpose() {
                    Some(Ok(document)) => {
                        index += 1;
                        return Some(Ok(document));
                    }
                    Some(Err(error)) => {
                        (events, over) = (None, true);
                        return Some(Err(error));
                    }
                    None => events = None,
                }
            }
        })
    }
    /// The events of a piece, before which so many lines end.
    fn events(self, bytes: Range<usize>, lines: usize) -> Events<'a> {
        let options = granit_parser::options! {
            block_scalar_eof_without_line_feed: true,
            emit_comments: false,
            flow_nesting_limit: DEPTH,
            block_nesting_limit: DEPTH,
        };
        let (start, parser) = (bytes.start, Parser::new_from_str_with_options(&self.text[bytes], options));
        Events { source: self, start, lines, parser }
    }
}

/// The parser's events of one piece, with their places in the file.
struct Events<'a> {
    source: Source<'a>,
    start: usize,
    lines: usize,
    parser: Parser<'a, StrInput<'a>>,
}

/// An event, its line and column, and its bytes.
type Seen<'a> = (Event<'a>, (usize, usize), Range<usize>);

impl<'a> Events<'a> {
    /// The next event; the end again and again.
    fn next(&mut self) -> Result<Seen<'a>, EditError> {
        let Self { start, lines, .. } = *self;
        match self.parser.next_event() {
            Some(Ok((event, span))) => {
                let bytes = span.byte_range().map_or(0..0, |bytes| start + bytes.start..start + bytes.end);
                Ok((event, (lines + span.start.line(), span.start.col() + 1), bytes))
            }
            Some(Err(error)) => Err(self.scan_error(&error)),
            None => Ok((Event::StreamEnd, (0, 0), 0..0)),
        }
    }
    fn scan_error(&self, error: &ScanError) -> EditError {
        let at = (self.lines + error.marker().line(), error.marker().col() + 1);
        let text = self.source.text;
        let hint = if text.contains("{{") || text.contains("{%") { " in a template" } else { "" };
        refused(self.source.file, at, "YAML", format!("{}{hint}", error.info()))
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
