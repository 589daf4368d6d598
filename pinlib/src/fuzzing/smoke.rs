//! Every target over its stored seeds and a fixed number of mutations of each, the same ones each time.

use super::TARGETS;
use pinlib_testkit::sim::{Dice, Seed};
use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

/// Mutations of each seed.
const MUTATIONS: u64 = 250;

/// What stands in texts of every target, where something turns.
const WORDS: [&[u8]; 24] = [
    b"\0",
    b"\xff",
    b"\r\n",
    b"\n",
    b"\t",
    b"\xef\xbb\xbf",
    b": ",
    b"- ",
    b"*a",
    b"&a ",
    b"{{ x }}",
    b"\"",
    b"'",
    b" #",
    b"|\n",
    b"<<: ",
    b"---\n",
    b"@sha256:",
    b"0000",
    b"ffff",
    b"\n\n",
    b"Pinlib-Record: v1 pin\n",
    b"null",
    b"[[[[[[[[",
];

/// Draws what a seed becomes, the same each time.
struct Draw(Dice);

impl Draw {
    fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let start = self.0.below(len + 1);
        start..start + self.0.below((len - start).min(40) + 1)
    }
    /// One to four changes: a bit, a byte, a cut, a word, a part twice, a part of another seed.
    fn mutated(&mut self, seed: &[u8], others: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seed.to_vec();
        for _ in 0..=self.0.below(4) {
            let range = self.range(bytes.len());
            match self.0.below(7) {
                0 if !bytes.is_empty() => {
                    let at = self.0.below(bytes.len());
                    bytes[at] ^= 1 << self.0.below(8);
                }
                1 if !bytes.is_empty() => {
                    let at = self.0.below(bytes.len());
                    bytes[at] = u8::try_from(self.0.below(256)).unwrap_or_default();
                }
                2 => bytes.truncate(range.start),
                3 => drop(bytes.drain(range)),
                4 => drop(bytes.splice(range, WORDS[self.0.below(WORDS.len())].iter().copied())),
                5 => {
                    let part = bytes[range].to_vec();
                    let at = self.0.below(bytes.len() + 1);
                    bytes.splice(at..at, part);
                }
                _ => {
                    let other = &others[self.0.below(others.len())];
                    let part = other[self.range(other.len())].to_vec();
                    bytes.splice(range, part);
                }
            }
        }
        bytes
    }
}

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            (path.file_name().unwrap_or_default().to_string_lossy().into(), fs::read(&path).expect("a seed"))
        })
        .collect();
    seeds.sort();
    seeds
}

#[test]
fn no_target_breaks_on_its_seeds_or_what_is_near_them() {
    for (target, run) in TARGETS {
        let seeds = seeds(target);
        assert!(seeds.len() >= 4, "{target} has its seeds");
        let others: Vec<_> = seeds.iter().map(|(_, bytes)| bytes.clone()).collect();
        for (name, seed) in &seeds {
            let number = name.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(byte));
            let mut draw = Draw(Dice::from(Seed(number)));
            for mutation in 0..=MUTATIONS {
                let bytes = if mutation == 0 { seed.clone() } else { draw.mutated(seed, &others) };
                let ended = catch_unwind(AssertUnwindSafe(|| run(&bytes)));
                let shown = bytes.escape_ascii();
                assert!(
                    ended.is_ok(),
                    "{target}, mutation {mutation} of {name}; keep it as a seed: b\"{shown}\""
                );
            }
        }
    }
}
