//! Proves that a backend keeps pinlib's promises, and that pinlib keeps its own over every backend.
//!
//! Whoever writes a backend implements one world, a few lines that make the backend and look past it, and calls one macro in a
//! test file. It expands to a `#[test]` for each guarantee, named after it.
//!
//! | backend | world | macro |
//! |---|---|---|
//! | `GitForge` | [`ForgeWorld`](conformance::forge::ForgeWorld) | [`forge_conformance!`] |
//! | … whose server can be put behind a proxy | [`LossyWorld`](conformance::forge::losses::LossyWorld) | [`forge_loss_conformance!`] |
//! | `ReviewForge` | [`ReviewWorld`](conformance::review::ReviewWorld) | [`review_conformance!`] |
//! | `Registry` | [`RegistryWorld`](conformance::registry::RegistryWorld) | [`registry_conformance!`] |
//! | `ManifestEditor` | [`EditorWorld`](conformance::editor::EditorWorld) | [`editor_conformance!`] |
//!
//! Whoever embeds pinlib tests over [`memory`], a forge, a registry and a clock that need nothing, behind the [`fault`]s of a
//! network; [`notary`] signs attestations. [`sim`] plays every schedule, or seeds, against the real algorithm; [`broken`] is what the suites must catch. The
//! suites need no network and no server; [`servers`] starts real ones, for worlds over them.

pub mod broken;
pub mod conformance;
pub mod fault;
pub mod image;
pub mod lines;
pub mod memory;
pub mod notary;
pub mod repository;
pub mod servers;
pub mod sim;

/// The page on writing a backend: each of its blocks is a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../docs/backends.md")]
mod writing_a_backend {}
