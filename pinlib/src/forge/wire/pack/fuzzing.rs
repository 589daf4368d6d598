//! A pack's body out of any bytes: what a mutation of deflated bytes would hardly ever hit.

use super::{Compression, Header, ObjectId, Version, deflate, header};
use std::io::Write as _;

/// Takes entries of one byte for the kind, one for the length, and so many bytes; a delta's base is told by what follows.
/// None where the bytes make none.
pub(in crate::forge::wire) fn entries(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut all, mut starts, mut count) = (header::encode(Version::V2, 0).to_vec(), Vec::new(), 0);
    while let [kind, length, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        bytes = rest;
        let at = all.len();
        let base = |back: u8| starts.len().checked_sub(usize::from(back) + 1).map(|index| starts[index]);
        let (head, data) = match (kind % 6, payload) {
            (0, _) => (Header::Commit, payload),
            (1, _) => (Header::Tree, payload),
            (2, _) => (Header::Tag, payload),
            (3, [back, data @ ..]) => {
                let base_distance = (at - base(*back).unwrap_or(at)) as u64;
                (Header::OfsDelta { base_distance }, data)
            }
            (4, _) if payload.len() >= 20 => {
                let (name, data) = payload.split_at(20);
                (Header::RefDelta { base_id: ObjectId::from_bytes_or_panic(name) }, data)
            }
            _ => (Header::Blob, payload),
        };
        // The last kinds lie about their size, by one.
        let size = data.len() as u64 + u64::from(*kind >= 250);
        head.write_to(size, &mut all).ok()?;
        let mut deflated = deflate::Write::new(all, Compression::DEFAULT);
        deflated.write_all(data).and_then(|()| deflated.flush()).ok()?;
        all = deflated.into_inner();
        starts.push(at);
        count += 1;
    }
    all[..header::SIZE].copy_from_slice(&header::encode(Version::V2, count));
    (count > 0).then_some(all)
}
