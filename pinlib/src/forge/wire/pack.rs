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
    pub(super) const TOTAL: usize = 128 << 20;
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

#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHA1: ObjectFormat = ObjectFormat::Sha1;

    fn object(kind: Kind, bytes: impl Into<Vec<u8>>) -> Object {
        let bytes = bytes.into();
        Object { kind, oid: objects::oid(SHA1, kind, &bytes), bytes }
    }

    /// One entry, its size as told.
    fn entry(header: Header, size: u64, bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        header.write_to(size, &mut out).expect("it is written");
        let mut deflated = deflate::Write::new(out, Compression::DEFAULT);
        deflated.write_all(bytes).expect("it deflates");
        deflated.flush().expect("it deflates");
        deflated.into_inner()
    }

    /// A pack of these entries whose checksum is right.
    fn sealed(count: u32, entries: &[Vec<u8>]) -> Vec<u8> {
        let mut pack = [&header::encode(Version::V2, count)[..], &entries.concat()].concat();
        let sum = checksum(SHA1, &pack).expect("a sum");
        pack.extend_from_slice(sum.as_bytes());
        pack
    }

    fn whole(bytes: &[u8]) -> Vec<u8> {
        entry(Header::Blob, bytes.len() as u64, bytes)
    }

    fn delta_on(oid: Oid, delta: &[u8]) -> Vec<u8> {
        let base_id = ObjectId::from_bytes_or_panic(oid.as_bytes());
        entry(Header::RefDelta { base_id }, delta.len() as u64, delta)
    }

    /// Says `he`, `llo` of the base `hello`, and `!`.
    const DELTA: &[u8] = b"\x05\x08\x02he\x91\x02\x03\x03!!!";

    fn damage(pack: &[u8]) -> String {
        read(pack, SHA1).expect_err("it is damaged").to_string()
    }

    #[test]
    fn a_delta_is_applied_wherever_its_base_stands() {
        let (base, want) = (object(Kind::Blob, "hello"), object(Kind::Blob, "hello!!!"));
        let first = whole(b"hello");
        let back = entry(Header::OfsDelta { base_distance: first.len() as u64 }, DELTA.len() as u64, DELTA);
        for pack in [
            sealed(2, &[first.clone(), back]),
            sealed(2, &[first.clone(), delta_on(base.oid, DELTA)]),
            sealed(2, &[delta_on(base.oid, DELTA), first.clone()]),
        ] {
            let objects = read(&pack, SHA1).expect("a pack");
            assert_eq!(*objects[&want.oid], want);
            assert_eq!(objects.len(), 2);
        }
    }

    #[test]
    fn a_delta_that_leads_nowhere_is_damage() {
        let base = object(Kind::Blob, "hello");
        let on_base = |delta: &[u8]| sealed(2, &[whole(b"hello"), delta_on(base.oid, delta)]);
        let unfit: [&[u8]; 9] = [
            b"",
            b"\x05",
            b"\x04\x02\x02he",
            b"\x05\x02\x03he",
            b"\x05\x03\x02he",
            b"\x05\x01\x02he",
            b"\x05\x02\x00he",
            b"\x05\x03\x91\x03\x03",
            b"\x05\x03\xff\xff\xff\xff\xff\xff\xff\xff",
        ];
        for delta in unfit {
            assert!(damage(&on_base(delta)).contains("does not fit its base"), "{delta:?}");
        }
        assert!(damage(&on_base(b"\x05\xff\xff\xff\xff\xff\xff\x02he")).contains("does not fit its base"));
        assert!(damage(&on_base(b"\x05\xff\xff\xff\x7f\x02he")).contains("one of its objects"));
        assert!(damage(&sealed(1, &[delta_on(base.oid, DELTA)])).contains("that is not in it"));
        let early = entry(Header::OfsDelta { base_distance: 4000 }, DELTA.len() as u64, DELTA);
        assert!(damage(&sealed(2, &[whole(b"hello"), early])).contains("before its begin"));
        let astray = entry(Header::OfsDelta { base_distance: 3 }, DELTA.len() as u64, DELTA);
        assert!(damage(&sealed(2, &[whole(b"hello"), astray])).contains("that is not in it"));
    }

    #[test]
    fn a_chain_of_deltas_that_stands_upside_down_is_bounded() {
        let (mut base, mut entries) = (object(Kind::Blob, vec![0]), vec![whole(&[0])]);
        for n in 1..100 {
            entries.push(delta_on(base.oid, &[1, 1, 1, n]));
            base = object(Kind::Blob, vec![n]);
        }
        assert_eq!(read(&sealed(100, &entries), SHA1).expect("a pack").len(), 100);
        entries.reverse();
        assert!(damage(&sealed(100, &entries)).contains("a chain of deltas"));
    }

    #[test]
    fn what_is_larger_than_told_or_than_allowed_is_refused() {
        let lies = |size, bytes: &[u8]| sealed(1, &[entry(Header::Blob, size, bytes)]);
        assert!(damage(&lies(4, b"hello")).contains("does not inflate to its size"));
        assert!(damage(&lies(6, b"hello")).contains("does not inflate to its size"));
        assert!(damage(&lies(u64::MAX >> 8, b"hello")).contains("one of its objects"));
        assert!(damage(&sealed(u32::MAX, &[whole(b"hello")])).contains("the number of its objects"));
        assert!(damage(&sealed(2, &[whole(b"hello")])).contains("ends too early"));
        assert!(damage(&sealed(1, &[whole(b"hello"), whole(b"more")])).contains("goes on"));
        let zeros = vec![0; limit::OBJECT];
        let bomb: Vec<_> = std::iter::repeat_n(whole(&zeros), limit::TOTAL / limit::OBJECT + 1).collect();
        assert!(damage(&sealed(9, &bomb)).contains("all of its objects"));
    }

    #[test]
    fn an_empty_object_and_an_empty_pack_are_read() {
        assert_eq!(read(&sealed(0, &[]), SHA1).expect("a pack").len(), 0);
        let empty = object(Kind::Tree, "");
        let pack = write(std::slice::from_ref(&empty), SHA1).expect("a pack");
        assert_eq!(*read(&pack, SHA1).expect("a pack")[&empty.oid], empty);
    }

    fn objects() -> impl Strategy<Value = Vec<Object>> {
        let kind = prop_oneof![Just(Kind::Blob), Just(Kind::Tree), Just(Kind::Commit)];
        let one = (kind, proptest::collection::vec(any::<u8>(), 0..300));
        proptest::collection::vec(one.prop_map(|(kind, bytes)| object(kind, bytes)), 0..6)
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(objects in objects()) {
            for format in [SHA1, ObjectFormat::Sha256] {
                let named = objects.iter().map(|one| objects::oid(format, one.kind, &one.bytes));
                let read = read(&write(&objects, format).expect("a pack"), format).expect("a pack");
                for (oid, object) in named.zip(&objects) {
                    prop_assert_eq!((read[&oid].kind, &read[&oid].bytes), (object.kind, &object.bytes));
                }
            }
        }
        #[test]
        fn no_pack_is_a_panic(objects in objects(), at in any::<usize>(), byte in any::<u8>(), delta in any::<Vec<u8>>()) {
            let mut pack = write(&objects, SHA1).expect("a pack");
            pack.truncate(pack.len() - 20);
            let place = header::SIZE + at % (pack.len() - header::SIZE).max(1);
            if let Some(place) = pack.get_mut(place) {
                *place = byte;
            }
            let count = u32::try_from(objects.len()).expect("few");
            let mut entries = vec![pack.split_off(header::SIZE)];
            read(&sealed(count, &entries), SHA1).ok();
            entries.extend(objects.first().map(|base| delta_on(base.oid, &delta)));
            read(&sealed(count + 1, &entries), SHA1).ok();
            read(&delta, SHA1).ok();
        }
    }
}
