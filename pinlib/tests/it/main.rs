//! The library against real parts: git, registries, other parsers.

mod nouns;
mod records;
