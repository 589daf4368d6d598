//! Texts that users name: read whole, within a bound.

use crate::{failure::Failure, surroundings::Surroundings};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// A text that somebody handed over, and what errors call it.
#[derive(Debug)]
pub(crate) struct Handed {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// Reads a file of at most `limit` bytes; `-` is the standard input.
pub(crate) fn handed(file: &Path, around: &Surroundings, limit: u64) -> Result<Handed, Failure> {
    if file == Path::new("-") {
        let name = "standard input".to_owned();
        return Ok(Handed { text: read(Ok(io::stdin().lock()), Path::new(&name), limit)?, name });
    }
    let text = read(File::open(around.path(file)), file, limit)?;
    Ok(Handed { name: file.display().to_string(), text })
}

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
