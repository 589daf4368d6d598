//! Proves that a backend keeps pinlib's promises, and that pinlib keeps its own over every backend.

pub mod broken;
pub mod conformance;
pub mod fault;
pub mod image;
pub mod lines;
pub mod memory;
pub mod repository;
pub mod servers;
pub mod sim;

/// The page on writing a backend: each of its blocks is a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/backends.md")]
mod writing_a_backend {}
