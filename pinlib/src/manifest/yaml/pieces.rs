//! The documents of a file by their bytes alone, so that most of them need no parser.
//!
//! A line that begins with `---` or `...` and a blank is never content, not even in a quoted scalar or a block of text.
//! Source: <https://yaml.org/spec/1.2.2/#912-document-markers>.

use memchr::{memchr_iter, memmem};
use std::{iter, ops::Range};

/// The bytes of each document, in order; of all of them where only a parser can tell them apart. Comments before the first
/// marker are none.
pub(super) fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let told = tells_apart(&text[start..]);
    let first = is_marker(&text.as_bytes()[start..]).then_some(start);
    let marks =
        told.then(|| memmem::find_iter(text.as_bytes(), "\n---")).into_iter().flatten().map(|at| at + 1);
    let mut marks =
        first.filter(|_| told).into_iter().chain(marks).filter(|at| is_marker(&text.as_bytes()[*at..]));
    let mut mark = marks.next();
    let before = mark.unwrap_or(text.len());
    let bare = (!told || has_content(&text[start..before])).then_some(0..before);
    let marked = iter::from_fn(move || {
        let start = mark?;
        mark = marks.next();
        Some(start..mark.unwrap_or(text.len()))
    });
    bare.into_iter().chain(marked)
}

/// Whether markers alone part the documents: there are no directives, ends of documents or bare carriage returns.
fn tells_apart(text: &str) -> bool {
    let bytes = text.as_bytes();
    let none = |word: &str| !text.starts_with(&word[1..]) && memmem::find(bytes, word.as_bytes()).is_none();
    none("\n...") && none("\n%") && memchr_iter(b'\r', bytes).all(|at| bytes.get(at + 1) == Some(&b'\n'))
}

fn is_marker(line: &[u8]) -> bool {
    line.starts_with(b"---") && matches!(line.get(3), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
}

/// Whether there is more than blanks and comments.
fn has_content(text: &str) -> bool {
    text.lines()
        .any(|line| !matches!(line.trim_start_matches([' ', '\t']).as_bytes().first(), None | Some(b'#')))
}

/// Counts lines up to places that only move on.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    ended: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0, ended: 0 }
    }
    /// How many end before this place.
    pub(super) fn before(&mut self, at: usize) -> usize {
        self.ended += memchr_iter(b'\n', &self.text.as_bytes()[self.at..at]).count();
        self.at = at;
        self.ended
    }
}

/// What a document's text must hold, else no parser need look at it.
#[derive(Debug, Default)]
pub(in crate::manifest) struct Needles {
    /// One of these, where there are any.
    any: Vec<memmem::Finder<'static>>,
    /// And each of these.
    all: Vec<memmem::Finder<'static>>,
}

impl Needles {
    /// Wants one of these words.
    pub(in crate::manifest) fn any<const N: usize>(words: [&str; N]) -> Self {
        Self { any: words.map(finder).into(), all: Vec::new() }
    }
    /// Wants this text of a scalar as well, where it can be written in one way alone.
    pub(in crate::manifest) fn and(mut self, text: &str) -> Self {
        if !text.is_empty() && text.bytes().all(is_plain) {
            self.all.push(finder(text));
        }
        self
    }
    /// Whether scalars of such texts can stand there: literally, or spelt by numbers or over two lines, as only a backslash
    /// in double quotes lets them.
    pub(super) fn may_stand_in(&self, text: &str) -> bool {
        let bytes = text.as_bytes();
        let has = |needle: &memmem::Finder<'_>| needle.find(bytes).is_some();
        let spelt = |at: usize| match bytes.get(at + 1) {
            Some(b'x' | b'u' | b'U' | b'/') => true,
            Some(b'\n' | b'\r') => bytes[..at].last().is_some_and(|byte| is_plain(*byte)),
            _ => false,
        };
        ((self.any.is_empty() || self.any.iter().any(has)) && self.all.iter().all(has))
            || memchr_iter(b'\\', bytes).any(spelt)
    }
}

/// What stands for itself in every style, and never over two lines.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"._-/".contains(&byte)
}

fn finder(word: &str) -> memmem::Finder<'static> {
    memmem::Finder::new(word).into_owned()
}

#[cfg(test)]
mod tests {
    use super::Needles;
    use crate::{
        git::{FileAt, Mode, ObjectFormat, Oid},
        manifest::yaml::{Document, Node, Source},
    };
    use proptest::prelude::*;

    fn file(text: &str) -> FileAt {
        let oid = Oid::of(ObjectFormat::Sha1, "blob", text.as_bytes());
        let path = "a.yaml".parse().expect("a path");
        FileAt { path, mode: Mode::Regular, oid, bytes: text.into() }
    }

    /// Its nodes, without what differs: anchors are numbered through a file or a document, and a parser lets the span of a
    /// block of text depend on what is behind it, which therefore nobody asks for but its end.
    fn seen(document: &Document<'_>) -> String {
        let node = |node: Node<'_>| {
            let text = format!("{node:?}");
            let block = text.contains("Scalar(Literal)") || text.contains("Scalar(Folded)");
            let cut = if block { "start: " } else { "anchor: " };
            let (before, after) = text.split_once(cut).expect("a field");
            let after = after.split_once("parent").map_or("", |(_, after)| after);
            format!("{before}{after} {:?}", node.source_text()[..node.span().end].trim_end().len())
        };
        format!("{} {:?}", document.index, document.nodes().map(node).collect::<Vec<_>>())
    }

    /// Every document, as one parser over the whole file sees it; none where it refuses the file.
    fn whole(file: &FileAt) -> Option<Vec<String>> {
        let source = Source::new(file).ok()?;
        let mut events = source.events(0..source.text.len(), 0);
        let mut all = Vec::new();
        while let Some(document) = Document::read(source, &mut events, all.len()).ok()? {
            all.push(seen(&document));
        }
        Some(all)
    }

    fn in_pieces(file: &FileAt) -> Option<Vec<String>> {
        let documents = Source::new(file).ok()?.documents(&Needles::default()).collect::<Result<Vec<_>, _>>();
        Some(documents.ok()?.iter().map(seen).collect())
    }

    #[track_caller]
    fn alike(text: &str) {
        let file = file(text);
        assert_eq!(in_pieces(&file), whole(&file), "{text:?}");
    }

    #[test]
    fn documents_are_cut_where_a_parser_ends_them() {
        for text in [
            "",
            "\n",
            "# a\n",
            "a: 1",
            "a: 1\n---\nb: 2\n",
            "---\na\n---\nb",
            "# c\n---\na\n",
            "---\n---\na",
            "---\n# c\n---\na\n",
            "a\n---\n",
            "--- a\n--- b",
            "---\ta\n",
            "a: |\n  x\n---\nb: |\n  ---\n  y\n",
            "a: 'x\n---\ny'\n",
            "a: x\n ---\n",
            "---a: 1\n",
            "----\n",
            "a\n...\n---\nb",
            "a\n...\nb",
            "%YAML 1.2\n---\na\n---\nb",
            "a\r\n---\r\nb: c\r\n",
            "a\r---\rb",
            "a\r---\nb\n---\nc",
            "\u{feff}a\n---\nb",
            "\u{feff}---\na\n---\nb",
            "\u{feff}# c\n---\na",
            "a\n---\n\u{feff}b",
            "&a x: *a\n---\n&b y: *b\n",
            "- [a,\n---\nb]\n",
            "a: |\n x\n--- |\n y\n",
            "a: >-\n  b\n\n\n---\n\n\nc: d",
            "# c\n\n  # d\n--- # e\na",
            "a: \"\n%\n\"\n---\nb",
            "---\n...\n",
            "...\n",
            "--- |\n%a\n--- b",
            "a:\n- b\n---\n- c\n---  \nd: {e: f}\n",
            "\t\n---\na",
        ] {
            alike(text);
        }
    }

    proptest! {
        #[test]
        fn documents_are_cut_where_a_parser_ends_them_in_any_text(parts in prop::collection::vec(
            prop::sample::select(vec![
                "---\n", "--- ", "---", "...\n", "\n", "\r\n", "\r", "a: 1\n", "- b\n", "  c\n", "# d\n", " ", "'", "\"", "|\n", "x: &e f\n", "*e\n",
                "%YAML 1.2\n", "{", "}", "[g, ", "]\n", "\u{feff}", "\\", ": ", "ü\n",
            ]), 0..14)) {
            alike(&parts.concat());
        }
    }

    #[test]
    fn what_is_passed_over_counts() {
        let last = |text: &str| {
            let file = file(text);
            let needles = Needles::any(["b"]);
            let documents = Source::new(&file).expect("text").documents(&needles);
            let last = documents.last().expect("a document").expect("YAML");
            (last.index, last.root().map(Node::line))
        };
        assert_eq!(last("a: 1\n---\nb: 2\n---\nc: 3\n"), (1, Some(3)));
        assert_eq!(last("a: 1\n---\nb: 2\n---\n# b\nc:\n- b\n"), (2, Some(6)));
        // An end parts documents too, and comments before the first marker are none.
        assert_eq!(last("a: 1\n...\nc: 1\n---\nb: 2\n"), (2, Some(5)));
        assert_eq!(last("# a\n\n---\nb: 2\n"), (0, Some(4)));
    }

    #[test]
    fn no_document_is_passed_over_that_could_hold_a_site() {
        let needles = Needles::any(["containers", "Containers"]).and("web");
        for (may, text) in [
            (true, "containers: [{name: web}]"),
            (true, "initContainers: [{name: web}]"),
            (true, r#""contain\u0065rs": [{"name": "web"}]"#),
            (true, r#"containers: [{name: "w\x65b"}]"#),
            (true, "containers: [{name: \"we\\\nb\"}]"),
            (false, r#"a: "\t\n\"\\""#),
            (false, "a: |\n  run \\\n  b"),
            (false, "containers: [{name: api}]"),
            (false, "name: web"),
        ] {
            assert_eq!(needles.may_stand_in(text), may, "{text}");
        }
        // What can be written in several ways without a backslash is not looked for.
        for name in ["it's", "a b", "é", ""] {
            assert!(Needles::default().and(name).may_stand_in("anything"), "{name}");
        }
    }
}
