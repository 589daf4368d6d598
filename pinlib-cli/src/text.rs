//! Texts that users name: read whole, within a bound.

use crate::failure::Failure;
use std::{
    io::{self, Read},
    path::Path,
};

/// Reads a text of at most `limit` bytes, which errors call `name`.
pub(crate) fn read(from: io::Result<impl Read>, name: &Path, limit: u64) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    from.and_then(|from| from.take(limit + 1).read_to_end(&mut bytes))
        .map_err(|error| Failure::unreadable(name, &error))?;
    if bytes.len() as u64 > limit {
        return Err(Failure::usage(format!("{} is longer than {limit} bytes", name.display())));
    }
    String::from_utf8(bytes)
        .map_err(|error| Failure::usage(format!("{} is not UTF-8: {}", name.display(), error.utf8_error())))
}
