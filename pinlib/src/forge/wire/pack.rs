//! Packs: many objects in one stream. Read whole and bounded, each object's name recomputed; written without deltas.
//!
//! gix reads the header of an entry and inflates it; its delta resolver wants an index, or walks each chain anew.
//! Source: <https://git-scm.com/docs/gitformat-pack>.

use crate::{
    forge::objects::{self, Object, hash},
    git::{ObjectFormat, Oid},
};
use gix::{
    hash::{ObjectId, hasher},
    objs::Kind,
    odb::pack::data::{Entry, Version, entry::Header, header},
    zlib::{Compression, Inflate, Status, stream::deflate},
};
use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Write as _},
    ops::Range,
    sync::Arc,
};

/// Objects by the names that their bytes have.
pub(crate) type Objects = BTreeMap<Oid, Arc<Object>>;

/// What a pack may hold. A pin reads some ten small objects; this lets a small repository through whole.
mod limit {
    pub(super) const OBJECTS: u32 = 500_000;
    pub(super) const OBJECT: usize = 32 << 20;
    pub(super) const TOTAL: usize = 256 << 20;
    /// How often a delta may stand before its base. Git writes them after.
    pub(super) const ROUNDS: usize = 50;
}

/// Why a pack is not read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PackError {
    #[error("the pack is too large: {0}")]
    TooLarge(&'static str),
    #[error("the pack is damaged: {0}")]
    Damaged(&'static str),
}

use PackError::{Damaged, TooLarge};

fn checksum(format: ObjectFormat, bytes: &[u8]) -> Result<ObjectId, PackError> {
    let mut hasher = hasher(hash(format));
    hasher.update(bytes);
    // It fails on a sha1 collision.
    hasher.try_finalize().or(Err(Damaged("its bytes are made to collide")))
}

/// An entry, inflated.
struct Packed {
    at: u64,
    base: Base,
    bytes: Vec<u8>,
}

/// What the bytes of an entry are applied to.
#[derive(Clone, Copy)]
enum Base {
    /// Nothing: they are the object.
    None(Kind),
    At(u64),
    Named(Oid),
}

/// Reads every object of a pack.
///
/// # Errors
/// Where it is damaged, holds a delta on an object that is not in it, or is too large.
pub(crate) fn read(pack: &[u8], format: ObjectFormat) -> Result<Objects, PackError> {
    let mut waiting = inflate(pack, format)?;
    let (mut at, mut objects, mut total) = (HashMap::new(), Objects::new(), 0);
    for _ in 0..limit::ROUNDS {
        let before = waiting.len();
        let mut later = Vec::new();
        for packed in waiting {
            let base: Option<&Arc<Object>> = match packed.base {
                Base::None(_) => None,
                Base::At(start) => at.get(&start),
                Base::Named(oid) => objects.get(&oid),
            };
            let (kind, bytes) = match (packed.base, base) {
                (Base::None(kind), _) => (kind, packed.bytes),
                (_, Some(base)) => (base.kind, apply(&base.bytes, &packed.bytes)?),
                (_, None) => {
                    later.push(packed);
                    continue;
                }
            };
            total += bytes.len();
            if total > limit::TOTAL {
                return Err(TooLarge("all of its objects"));
            }
            let oid = objects::oid(format, kind, &bytes);
            let object = Arc::new(Object { kind, oid, bytes });
            at.insert(packed.at, Arc::clone(&object));
            objects.insert(oid, object);
        }
        waiting = later;
        if waiting.is_empty() {
            return Ok(objects);
        }
        if waiting.len() == before {
            return Err(Damaged("a delta on an object that is not in it"));
        }
    }
    Err(TooLarge("a chain of deltas"))
}

fn inflate(pack: &[u8], format: ObjectFormat) -> Result<Vec<Packed>, PackError> {
    let kind = hash(format);
    let (body, sum) = pack
        .split_at_checked(pack.len().saturating_sub(kind.len_in_bytes()))
        .filter(|(body, _)| body.len() >= header::SIZE)
        .ok_or(Damaged("it is cut off"))?;
    let head = body.first_chunk().ok_or(Damaged("it is cut off"))?;
    let (_, count) = header::decode(head).or(Err(Damaged("it does not begin as a pack does")))?;
    if checksum(format, body)?.as_bytes() != sum {
        return Err(Damaged("its checksum is not that of its bytes"));
    }
    if count > limit::OBJECTS {
        return Err(TooLarge("the number of its objects"));
    }
    let (mut at, mut total) = (header::SIZE, 0);
    let (mut inflate, mut all) = (Inflate::default(), Vec::new());
    for _ in 0..count {
        let rest = body.get(at..).filter(|rest| !rest.is_empty()).ok_or(Damaged("it ends too early"))?;
        let entry = Entry::from_bytes(rest, at as u64, kind).or(Err(Damaged("an entry's header")))?;
        let size = usize::try_from(entry.decompressed_size).unwrap_or(usize::MAX);
        if size > limit::OBJECT {
            return Err(TooLarge("one of its objects"));
        }
        total += size;
        if total > limit::TOTAL {
            return Err(TooLarge("all of its objects"));
        }
        let base = match entry.header {
            Header::Commit => Base::None(Kind::Commit),
            Header::Tree => Base::None(Kind::Tree),
            Header::Blob => Base::None(Kind::Blob),
            Header::Tag => Base::None(Kind::Tag),
            Header::OfsDelta { base_distance } => Base::At(
                entry.checked_base_pack_offset(base_distance).ok_or(Damaged("a base before its begin"))?,
            ),
            Header::RefDelta { base_id } => {
                Base::Named(Oid::from_bytes(base_id.as_bytes()).ok_or(Damaged("a base without a name"))?)
            }
        };
        let data = usize::try_from(entry.data_offset).ok().and_then(|start| body.get(start..));
        let data = data.ok_or(Damaged("it ends too early"))?;
        let mut bytes = vec![0; size];
        inflate.reset();
        let (read, written) = match inflate.once(data, &mut bytes) {
            Ok((Status::StreamEnd, read, written)) => (read, written),
            Ok(_) | Err(_) => (0, usize::MAX),
        };
        if written != size {
            return Err(Damaged("an entry that does not inflate to its size"));
        }
        all.push(Packed { at: at as u64, base, bytes });
        at = body.len() - data.len() + read;
    }
    if at == body.len() { Ok(all) } else { Err(Damaged("it goes on after its last object")) }
}

/// Applies a delta: copies from the base, and insertions.
fn apply(base: &[u8], mut delta: &[u8]) -> Result<Vec<u8>, PackError> {
    const BAD: PackError = Damaged("a delta that does not fit its base");
    let from = delta_size(&mut delta).ok_or(BAD)?;
    let to = delta_size(&mut delta).ok_or(BAD)?;
    if to > limit::OBJECT {
        return Err(TooLarge("one of its objects"));
    }
    if from != base.len() {
        return Err(BAD);
    }
    let mut out = Vec::with_capacity(to);
    while let Some(op) = delta.split_off_first() {
        let data = if op & 0x80 == 0 {
            delta.split_off(..usize::from(*op)).filter(|data| !data.is_empty())
        } else {
            let mut number = |bits: Range<u8>| {
                bits.clone().filter(|bit| op >> bit & 1 == 1).try_fold(0, |sum, bit| {
                    Some(sum | usize::from(*delta.split_off_first()?) << (8 * (bit - bits.start)))
                })
            };
            let start = number(0..4).ok_or(BAD)?;
            let length = number(4..7).ok_or(BAD)?;
            base.get(start..).and_then(|base| base.get(..if length == 0 { 0x10000 } else { length }))
        };
        out.extend_from_slice(data.filter(|data| out.len() + data.len() <= to).ok_or(BAD)?);
    }
    if out.len() == to { Ok(out) } else { Err(BAD) }
}

fn delta_size(delta: &mut &[u8]) -> Option<usize> {
    let mut size = 0;
    for shift in (0..35).step_by(7) {
        let byte = delta.split_off_first()?;
        size |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// Writes a pack of these objects, each whole.
///
/// # Errors
/// Where compressing fails.
pub(crate) fn write(objects: &[Object], format: ObjectFormat) -> io::Result<Vec<u8>> {
    let count = u32::try_from(objects.len()).map_err(io::Error::other)?;
    let mut pack = header::encode(Version::V2, count).to_vec();
    for object in objects {
        let header = match object.kind {
            Kind::Commit => Header::Commit,
            Kind::Tree => Header::Tree,
            Kind::Blob => Header::Blob,
            Kind::Tag => Header::Tag,
        };
        header.write_to(object.bytes.len() as u64, &mut pack)?;
        let mut deflated = deflate::Write::new(pack, Compression::DEFAULT);
        deflated.write_all(&object.bytes)?;
        deflated.flush()?;
        pack = deflated.into_inner();
    }
    let sum = checksum(format, &pack).map_err(io::Error::other)?;
    pack.extend_from_slice(sum.as_bytes());
    Ok(pack)
}
