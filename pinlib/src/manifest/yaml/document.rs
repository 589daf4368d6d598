//! One document as a flat list of nodes, and the ways through it.

use super::{DOCUMENTS, EditError, Events, NODES, Source, refused, shown};
use granit_parser::{
    Event,
    ScalarStyle::{self, DoubleQuoted, Plain, SingleQuoted},
    StructureStyle::{self, Flow},
    Tag,
};
use std::{
    borrow::Cow,
    cell::OnceCell,
    collections::{HashMap, HashSet},
    fmt::{self, Display, Write as _},
    ops::Range,
};

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Scalar(ScalarStyle),
    Sequence(StructureStyle),
    Mapping(StructureStyle),
    Alias,
}

/// A node, its subtree right behind it. In the millions in a large file, so it is kept small.
#[derive(Debug)]
struct Raw<'a> {
    text: Cow<'a, str>,
    start: u32,
    end: u32,
    line: u32,
    column: u32,
    /// The anchor that stands on it; for an alias, the anchor that it means.
    anchor: u32,
    parent: u32,
    /// In a mapping, the key of a value; in a sequence, the index.
    slot: u32,
    /// The node behind its subtree.
    next: u32,
    kind: Kind,
    tag: Tagged,
}

/// What a scalar's tag makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tagged {
    Not,
    String,
    Other,
}

/// One document of a file.
pub(in crate::manifest) struct Document<'a> {
    pub(in crate::manifest) source: Source<'a>,
    /// Its number in the file, from 0.
    pub(in crate::manifest) index: usize,
    nodes: Vec<Raw<'a>>,
    aliased: HashSet<u32>,
    faults: OnceCell<Faults>,
}

/// What makes a key uncertain: found once a document, where it is asked for.
#[derive(Default)]
struct Faults {
    /// Keys that stand in their mapping again, and where.
    twice: HashMap<u32, u32>,
    /// In a mapping: a key that may be any, since it is an alias or has a tag.
    odd: HashMap<u32, u32>,
    /// In a mapping: its last merge key.
    merge: HashMap<u32, u32>,
}

impl fmt::Debug for Document<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document").field("index", &self.index).field("nodes", &self.nodes.len()).finish()
    }
}

/// Everything fits: the file is at most 16 MiB.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}

fn tagged(tag: Option<&Cow<'_, Tag>>) -> Tagged {
    match tag {
        None => Tagged::Not,
        Some(tag) if tag.is_yaml_core_schema_tag("str") || tag.original() == "!" => Tagged::String,
        Some(_) => Tagged::Other,
    }
}

impl<'a> Document<'a> {
    /// Reads up to the next document's end.
    pub(super) fn read(
        source: Source<'a>,
        events: &mut Events<'a>,
        index: usize,
    ) -> Result<Option<Self>, EditError> {
        let mut nodes: Vec<Raw<'a>> = Vec::new();
        let mut aliased = HashSet::new();
        let mut open: Vec<u32> = Vec::new();
        // In an open mapping, the key that waits for its value; in a sequence, the next index.
        let mut slots: Vec<u32> = Vec::new();
        loop {
            let (event, at, bytes) = events.next()?;
            let (kind, text, anchor, tag) = match event {
                Event::StreamEnd => return Ok(None),
                Event::DocumentEnd => {
                    let faults = OnceCell::new();
                    return Ok(Some(Self { source, index, nodes, aliased, faults }));
                }
                Event::DocumentStart(..) if index >= DOCUMENTS => {
                    let most = format!("at most {DOCUMENTS} documents in a file");
                    return Err(refused(source.file, at, most, "more"));
                }
                Event::SequenceEnd | Event::MappingEnd => {
                    let behind = small(nodes.len());
                    let last = nodes.last().map_or(0, |node| node.end);
                    slots.pop();
                    if let Some(node) = open.pop().and_then(|at| nodes.get_mut(at as usize)) {
                        node.next = behind;
                        let flow = matches!(node.kind, Kind::Sequence(Flow) | Kind::Mapping(Flow));
                        node.end = if flow { small(bytes.end) } else { last.max(node.start) };
                    }
                    continue;
                }
                Event::Scalar(text, style, anchor, tag) => {
                    // The parser reads nothing as `~`.
                    let text = if bytes.is_empty() { Cow::Borrowed("") } else { text };
                    (Kind::Scalar(style), text, anchor, tagged(tag.as_ref()))
                }
                Event::SequenceStart(style, anchor, _) => {
                    (Kind::Sequence(style), "".into(), anchor, Tagged::Not)
                }
                Event::MappingStart(style, anchor, _) => {
                    (Kind::Mapping(style), "".into(), anchor, Tagged::Not)
                }
                Event::Alias(id) => {
                    aliased.insert(small(id));
                    (Kind::Alias, "".into(), id, Tagged::Not)
                }
                _ => continue,
            };
            if nodes.len() >= NODES {
                let most = format!("at most {NODES} values in a document");
                return Err(refused(source.file, at, most, "more"));
            }
            let this = small(nodes.len());
            let (parent, mut slot) = (open.last().copied().unwrap_or(NONE), NONE);
            if let (Some(waiting), Some(parent)) = (slots.last_mut(), nodes.get(parent as usize)) {
                match parent.kind {
                    Kind::Mapping(_) if *waiting == NONE => *waiting = this,
                    Kind::Mapping(_) => slot = std::mem::replace(waiting, NONE),
                    _ => {
                        slot = *waiting;
                        *waiting += 1;
                    }
                }
            }
            nodes.push(Raw {
                text,
                start: small(bytes.start),
                end: small(bytes.end),
                line: small(at.0),
                column: small(at.1),
                anchor: small(anchor),
                parent,
                slot,
                next: this + 1,
                kind,
                tag,
            });
            match kind {
                Kind::Sequence(_) => slots.push(0),
                Kind::Mapping(_) => slots.push(NONE),
                _ => continue,
            }
            open.push(this);
        }
    }
    /// The one node that all others are in; none where the document is empty.
    pub(in crate::manifest) fn root(&self) -> Option<Node<'_>> {
        (!self.nodes.is_empty()).then_some(Node { document: self, at: 0 })
    }
    /// Every node, each before what is in it.
    pub(in crate::manifest) fn nodes(&self) -> impl Iterator<Item = Node<'_>> {
        (0..small(self.nodes.len())).map(|at| Node { document: self, at })
    }

    fn faults(&self) -> &Faults {
        self.faults.get_or_init(|| {
            let (mut faults, mut seen) = (Faults::default(), HashMap::new());
            for key in self.nodes().filter(|node| node.is_key()) {
                let parent = key.raw().parent;
                match key.raw().kind {
                    Kind::Scalar(Plain) if key.raw().text == "<<" => {
                        faults.merge.insert(parent, key.at);
                    }
                    Kind::Scalar(_) if key.raw().tag != Tagged::Other => {
                        if let Some(first) = seen.insert((parent, &*key.raw().text), key.at) {
                            faults.twice.insert(first, key.at);
                            faults.twice.insert(key.at, first);
                        }
                    }
                    Kind::Scalar(_) | Kind::Alias => {
                        faults.odd.insert(parent, key.at);
                    }
                    _ => {}
                }
            }
            faults
        })
    }
}

/// One node of a document.
#[derive(Clone, Copy)]
pub(in crate::manifest) struct Node<'d> {
    document: &'d Document<'d>,
    at: u32,
}

impl fmt::Debug for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.raw(), f)
    }
}

impl<'d> Node<'d> {
    fn raw(self) -> &'d Raw<'d> {
        &self.document.nodes[self.at as usize]
    }
    fn node(self, at: u32) -> Option<Self> {
        (at != NONE).then_some(Self { at, ..self })
    }
    pub(in crate::manifest) fn line(self) -> usize {
        self.raw().line as usize
    }
    pub(in crate::manifest) fn column(self) -> usize {
        self.raw().column as usize
    }
    /// Its bytes: of a scalar with its quotes.
    pub(in crate::manifest) fn span(self) -> Range<usize> {
        self.raw().start as usize..self.raw().end as usize
    }
    pub(super) fn source_text(self) -> &'d str {
        self.document.source.text
    }
    pub(in crate::manifest) fn is_mapping(self) -> bool {
        matches!(self.raw().kind, Kind::Mapping(_))
    }
    pub(in crate::manifest) fn is_sequence(self) -> bool {
        matches!(self.raw().kind, Kind::Sequence(_))
    }
    pub(in crate::manifest) fn is_alias(self) -> bool {
        self.raw().kind == Kind::Alias
    }
    /// Whether it is a mapping or sequence in brackets, as everything in JSON.
    pub(in crate::manifest) fn is_flow(self) -> bool {
        matches!(self.raw().kind, Kind::Sequence(Flow) | Kind::Mapping(Flow))
    }
    pub(super) fn is_double_quoted(self) -> bool {
        self.raw().kind == Kind::Scalar(DoubleQuoted)
    }
    /// Whether nothing stands there, or a word for it.
    pub(in crate::manifest) fn is_null(self) -> bool {
        self.raw().kind == Kind::Scalar(Plain)
            && matches!(&*self.raw().text, "" | "~" | "null" | "Null" | "NULL")
    }
    /// Whether an anchor or a tag stands before it.
    pub(super) fn is_marked(self) -> bool {
        self.raw().anchor != 0 || self.raw().tag != Tagged::Not
    }
    /// Its number in the document.
    pub(in crate::manifest) fn id(self) -> u32 {
        self.at
    }
    fn is_key(self) -> bool {
        let raw = self.raw();
        raw.slot == NONE && self.node(raw.parent).is_some_and(Self::is_mapping)
    }
    pub(in crate::manifest) fn parent(self) -> Option<Self> {
        self.node(self.raw().parent)
    }
    /// The key whose value it is.
    pub(in crate::manifest) fn key(self) -> Option<Self> {
        self.parent().filter(|parent| parent.is_mapping()).and_then(|_| self.node(self.raw().slot))
    }
    /// A scalar's text; none for a collection or an alias.
    pub(in crate::manifest) fn text(self) -> Option<&'d str> {
        matches!(self.raw().kind, Kind::Scalar(_)).then_some(&*self.raw().text)
    }
    /// A scalar's text where it is not empty and not null.
    pub(in crate::manifest) fn value(self) -> Option<&'d str> {
        self.text().filter(|text| !text.is_empty() && !self.is_null())
    }

    fn children(self) -> impl Iterator<Item = Self> {
        let (mut at, end) = (self.at + 1, self.raw().next);
        std::iter::from_fn(move || {
            let child = self.node(at).filter(|_| at < end)?;
            at = child.raw().next;
            Some(child)
        })
    }
    /// A mapping's keys and values; of anything else none.
    pub(in crate::manifest) fn entries(self) -> impl Iterator<Item = (Self, Self)> {
        self.children().filter_map(|value| Some((value.key()?, value)))
    }
    /// A sequence's items; of anything else none.
    pub(in crate::manifest) fn items(self) -> impl Iterator<Item = Self> {
        self.children().filter(move |_| self.is_sequence())
    }
    /// The value of a key that may stand there several times: the last.
    pub(in crate::manifest) fn last(self, key: &str) -> Option<Self> {
        self.entries().filter(|(name, _)| name.text() == Some(key)).last().map(|(_, value)| value)
    }
    /// The value of a key that stands there at most once.
    ///
    /// Refused where it stands there twice, or is not there and a merge may bring it in.
    pub(in crate::manifest) fn get(self, key: &str) -> Result<Option<Self>, EditError> {
        let (mut found, mut uncertain) = (None, None);
        for (name, value) in self.entries() {
            if name.text() == Some(key) && name.raw().tag != Tagged::Other {
                if found.is_some() {
                    let expected = format!("the key {} once in a mapping", shown(key));
                    return Err(name.refused(expected, "it a second time"));
                }
                found = Some(value);
            } else if name.is_alias()
                || name.raw().tag == Tagged::Other
                || (name.raw().kind == Kind::Scalar(Plain) && name.raw().text == "<<")
            {
                uncertain = Some(name);
            }
        }
        match uncertain {
            Some(name) if found.is_none() => Err(name.uncertain(key)),
            _ => Ok(found),
        }
    }
    fn uncertain(self, key: &str) -> EditError {
        let found = if self.is_alias() {
            "an alias for a key"
        } else if self.raw().tag == Tagged::Other {
            "a key with a tag"
        } else {
            "a merge (<<) that may bring it in"
        };
        self.refused(format!("the key {} or nothing that could be it", shown(key)), found)
    }

    /// Refuses a node that is not the one place that its path names: where a key on the way stands twice or may be
    /// overruled, or where an alias repeats what is edited.
    pub(in crate::manifest) fn alone(self) -> Result<(), EditError> {
        let mut here = Some(self);
        while let Some(node) = here {
            here = node.parent();
            if node.raw().anchor != 0
                && !node.is_alias()
                && self.document.aliased.contains(&node.raw().anchor)
            {
                return Err(self.refused(
                    "a value that stands for itself",
                    format!("one that aliases repeat, anchored in line {}", node.line()),
                ));
            }
            let (Some(mapping), Some(key)) = (node.parent(), node.key()) else { continue };
            let (faults, name) = (self.document.faults(), key.text().unwrap_or_default());
            if let Some(other) = faults.twice.get(&key.at).and_then(|at| self.node(*at)) {
                let expected = format!("the key {} once in a mapping", shown(name));
                return Err(key.refused(expected, format!("it again in line {}", other.line())));
            }
            // Some readers let a merge win over the keys before it.
            let merge = faults.merge.get(&mapping.at).filter(|merge| **merge > key.at);
            if let Some(odd) = merge.or(faults.odd.get(&mapping.at)).and_then(|at| self.node(*at)) {
                return Err(odd.uncertain(name));
            }
        }
        Ok(())
    }
    /// Refuses what is not one scalar on one line that a splice can replace.
    pub(in crate::manifest) fn replaceable(self) -> Result<(), EditError> {
        let raw = self.raw();
        let found = match raw.kind {
            Kind::Alias => "an alias",
            Kind::Mapping(_) => "a mapping",
            Kind::Sequence(_) => "a list",
            Kind::Scalar(_) if raw.tag == Tagged::Other => "a value with a tag",
            Kind::Scalar(Plain | SingleQuoted | DoubleQuoted) => {
                if self.source_text()[self.span()].contains(['\n', '\r']) {
                    "one over several lines"
                } else {
                    return self.alone();
                }
            }
            Kind::Scalar(_) => {
                // Its span begins with its first line.
                let key = self.key().unwrap_or(self);
                return Err(key.refused("a value on one line", "a block of text"));
            }
        };
        Err(self.refused("a value on one line", found))
    }
    pub(in crate::manifest) fn refused(self, expected: impl Display, found: impl Display) -> EditError {
        refused(self.document.source.file, (self.line(), self.column()), expected, found)
    }

    /// Where it stands, as the tail of a locator: `DOCUMENT/KEY/INDEX/KEY`.
    pub(in crate::manifest) fn address(self) -> String {
        let mut steps = Vec::new();
        let mut here = Some(self);
        while let Some(node) = here {
            here = node.parent();
            match node.key() {
                Some(key) => steps.push(part(key.text().unwrap_or_default())),
                None if here.is_some() => steps.push(node.raw().slot.to_string()),
                None => {}
            }
        }
        let mut address = self.document.index.to_string();
        for step in steps.iter().rev() {
            // Writing to a string does not fail.
            _ = write!(address, "/{step}");
        }
        address
    }
}

/// One part of a locator's address, in which `/` parts.
pub(in crate::manifest) fn part(text: &str) -> String {
    crate::parse::encode(text).replace('/', "%2F")
}
