//! Whether two files read the same but for some regions.

use super::{EditError, Events, Lines, Seen, Source, error, pieces};
use crate::{
    git::FileAt,
    manifest::{EditErrorKind::Unverified, Region},
};
use granit_parser::Event;
use std::ops::Range;

/// Compares what a parser makes of both files, event by event: kind, value, style, anchor, tag, document markers.
///
/// A region that was replaced holds one scalar in each, of one style. A region that was inserted may hold plain nodes,
/// whole, where the old file has none or an empty value: its text is compared to the letter by the core. A document whose
/// bytes are the same, and that holds no region, reads the same.
pub(in crate::manifest) fn verify(
    before: &FileAt,
    after: &FileAt,
    regions: &[Region],
) -> Result<(), EditError> {
    let (old, new) = (Source::new(before)?, unverified(Source::new(after))?);
    let (mut olds, mut news) = (pieces(old.text), pieces(new.text));
    let (mut old_lines, mut new_lines) = (Lines::of(old.text), Lines::of(new.text));
    let mut rest = regions;
    loop {
        match (olds.next(), news.next()) {
            (None, None) if rest.is_empty() => return Ok(()),
            (None, None) => return Err(differs(after, (0, 0), "no value that was written")),
            (Some(was), Some(is)) => {
                let here = rest.partition_point(|region| region.after.start < is.end);
                let (regions, behind) = rest.split_at(here);
                rest = behind;
                if !regions.is_empty() || old.text[was.clone()] != new.text[is.clone()] {
                    let (old_line, new_line) = (old_lines.before(was.start), new_lines.before(is.start));
                    compare(old.events(was, old_line), new.events(is, new_line), regions)?;
                }
            }
            _ => return Err(differs(after, (0, 0), "more documents, or fewer")),
        }
    }
}

fn differs(file: &FileAt, at: (usize, usize), found: &str) -> EditError {
    error(Unverified, file, at, "the same file but for its sites", found)
}

/// Compares two documents.
fn compare(mut old: Events<'_>, mut new: Events<'_>, mut regions: &[Region]) -> Result<(), EditError> {
    let mut hit = false;
    loop {
        let (was, _, was_bytes) = old.next()?;
        loop {
            let (is, at, bytes) = unverified(new.next())?;
            let differs = |found: &str| Err(differs(new.source.file, at, found));
            // What has no bytes of its own stands in no region.
            let node = is.is_node() && !is_empty(&is, &bytes);
            while let Some((region, rest)) = regions.split_first()
                && (is == Event::StreamEnd || (node && bytes.start >= region.after.end))
            {
                if !hit {
                    return differs("no value that was written");
                }
                (regions, hit) = (rest, false);
            }
            // A list may be said to begin where its first item does.
            let inside = |region: &&Region| {
                node && region.after.contains(&bytes.start)
                    && (region.before.is_empty() || is.scalar().is_some())
            };
            match regions.first().filter(inside) {
                Some(region) if region.before.is_empty() => {
                    hit = true;
                    if !within(&mut new, (is, at, bytes), &region.after)? {
                        return differs("more than was inserted");
                    }
                    if !is_empty(&was, &was_bytes) {
                        continue;
                    }
                }
                Some(region) => {
                    hit = true;
                    let here = was_bytes == region.before && bytes == region.after;
                    if !here || !alike(&was, &is) {
                        return differs("another sort of value");
                    }
                }
                None if was != is
                    || (is == Event::DocumentEnd && was_bytes.is_empty() != bytes.is_empty()) =>
                {
                    return differs("another value");
                }
                None if is == Event::StreamEnd => return Ok(()),
                None => {}
            }
            break;
        }
    }
}

fn is_empty(event: &Event<'_>, bytes: &Range<usize>) -> bool {
    bytes.is_empty() && event.scalar().is_some()
}

/// Two scalars in one dress.
fn alike(old: &Event<'_>, new: &Event<'_>) -> bool {
    match (old, new) {
        (Event::Scalar(_, style, anchor, tag), Event::Scalar(_, new_style, new_anchor, new_tag)) => {
            (style, anchor, tag) == (new_style, new_anchor, new_tag)
        }
        _ => false,
    }
}

/// Reads over an inserted node: whether it is plain and stays in its region.
fn within<'a>(events: &mut Events<'a>, first: Seen<'a>, region: &Range<usize>) -> Result<bool, EditError> {
    let (mut depth, (mut event, _, mut bytes)) = (0_usize, first);
    loop {
        match event {
            Event::MappingStart(_, 0, None) | Event::SequenceStart(_, 0, None) => depth += 1,
            Event::MappingEnd | Event::SequenceEnd => depth = depth.saturating_sub(1),
            Event::Scalar(_, _, 0, None) if bytes.start >= region.start && bytes.end <= region.end => {}
            _ => return Ok(false),
        }
        if depth == 0 {
            return Ok(true);
        }
        (event, _, bytes) = unverified(events.next())?;
    }
}

fn unverified<T>(next: Result<T, EditError>) -> Result<T, EditError> {
    next.map_err(|error| EditError { kind: Unverified, ..error })
}
