//! Whether two files read the same but for some regions.

use super::{EditError, Events, Source, error};
use crate::{
    git::FileAt,
    manifest::{EditErrorKind::Unverified, Region},
};
use granit_parser::{Event, Span};
use std::ops::Range;

/// Compares what a parser makes of both files, event by event: kind, value, style, anchor, tag, document markers.
///
/// A region that was replaced holds one scalar in each, of one style. A region that was inserted may hold plain nodes,
/// whole, where the old file has none or an empty value: its text is compared to the letter by the core.
pub(in crate::manifest) fn verify(
    before: &FileAt,
    after: &FileAt,
    regions: &[Region],
) -> Result<(), EditError> {
    let (mut old, mut new) = (Source::new(before)?.events(), unverified(Source::new(after))?.events());
    let (mut regions, mut hit) = (regions, false);
    loop {
        let (was, _, was_bytes) = old.next()?;
        loop {
            let (is, span, bytes) = unverified(new.next())?;
            let differs = |found: &str| {
                let at = (span.start.line(), span.start.col() + 1);
                Err(error(Unverified, after, at, "the same file but for its sites", found))
            };
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
                    if !within(&mut new, (is, span, bytes), &region.after)? {
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
fn within<'a>(
    events: &mut Events<'a>,
    first: (Event<'a>, Span, Range<usize>),
    region: &Range<usize>,
) -> Result<bool, EditError> {
    let (mut depth, mut event, mut bytes) = (0_usize, first.0, first.2);
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
