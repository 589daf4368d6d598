//! Names and records: what parses prints as it was, and no text passes for another's record.

use crate::{
    git::{BranchName, Oid, RepoPath},
    image::{Digest, Platform, Reference},
    manifest::{Locator, Pointer},
    parse::{ParseError, decode, encode},
    record::{Claim, Key, Operation, Pinned, Record, RunId},
};
use std::{
    fmt::{Debug, Display},
    str::FromStr,
};

/// What parses prints as it was; what does not says why, in one bounded line.
fn reads_back<T: FromStr<Err = ParseError> + Display + Debug + PartialEq>(text: &str) -> Option<T> {
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            Some(value)
        }
        Err(error) => {
            let error = error.to_string();
            assert!(error.len() < 4_000 && !error.contains(['\n', '\u{1b}']), "{error:?}");
            None
        }
    }
}

/// The bytes are a name of any sort.
pub(super) fn reference(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(reference) = reads_back::<Reference>(text) {
        let pinned = reference.with_digest(Digest::of(bytes));
        assert!(pinned.same_image(&reference) && reference.bare().same_image(&reference));
        assert_eq!(pinned.to_string().parse().as_ref(), Ok(&pinned));
        assert_eq!(reference.at(Digest::of(bytes)).tag(), None);
        assert!(!reference.registry().contains(['/', '@', ' ']) && !reference.repository().contains(".."));
    }
    if let Some(path) = reads_back::<RepoPath>(text) {
        let outside = |part: &str| part.is_empty() || part == "." || part == "..";
        assert!(!path.components().any(outside) && !text.contains(['\n', '\0']), "{text:?}");
        let git = |part: &str| part.to_ascii_lowercase().trim_end_matches(['.', ' ']).eq(".git");
        assert!(!path.components().any(git), "{text:?}");
    }
    if let Some(branch) = reads_back::<BranchName>(text) {
        assert!(!branch.as_str().contains(['\n', ' ', ':']) && !text.starts_with('-'), "{text:?}");
    }
    reads_back::<Digest>(text);
    reads_back::<Oid>(text);
    reads_back::<Key>(text);
    reads_back::<RunId>(text);
    reads_back::<Platform>(text);
    reads_back::<Pointer>(text);
    reads_back::<Locator>(text);
    let encoded = encode(text);
    assert!(encoded.bytes().all(|byte| byte.is_ascii_graphic() && !b"[]#\"".contains(&byte)), "{encoded}");
    assert_eq!(decode(&encoded).as_deref(), Some(text));
    if let Some(decoded) = decode(text) {
        assert_eq!(encode(&decoded), text, "two spellings of one text");
    }
}

/// The bytes are a commit's message; then a subject, and a path, of a record of ours.
pub(super) fn record(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Some(record) = Record::parse(&text) {
        assert_eq!(Record::parse(&record.message("Pin")).as_ref(), Some(&record), "it reads back");
        assert!(text.contains(&record.claim.key().to_string()), "its key stands there");
    }
    let Some(ours) = ours(&text) else { return };
    let read = Record::parse(&ours.message(&text));
    assert!(read.is_none_or(|read| read == ours), "a subject makes it another record");
    assert_eq!(Record::parse(&ours.message("Pin")).as_ref(), Some(&ours), "any path reads back");
}

/// A record of a file of this name, where that is one.
fn ours(name: &str) -> Option<Record> {
    let oid = |digit: &str| digit.repeat(40).parse::<Oid>().ok();
    let path = name.parse().or_else(|_error| "app.yaml".parse()).ok()?;
    let site = Pinned { path, locator: "line:0".parse().ok()?, digest: Digest::of(b"web") };
    let claim = Claim::new(Operation::Pin, &"main".parse().ok()?, oid("a")?, vec![site]);
    Some(Record { claim, proof: crate::image::Proof::Hashed, run: RunId::from([7; 16]), parent: oid("b")? })
}
