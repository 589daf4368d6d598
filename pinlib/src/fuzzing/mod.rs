//! What is fed with any bytes: the parsers of texts that others wrote, each with what must hold of its answers.
//!
//! No part of the library's API. `fuzz/` runs these under cargo-fuzz, and `smoke` on stable Rust over the stored corpus. A
//! target ends quietly, or panics: then a guarantee is broken.

mod editor;
#[cfg(feature = "oci")]
mod registry;
#[cfg(test)]
mod smoke;
mod text;

/// Takes any bytes; a panic is a broken guarantee.
pub type Target = fn(&[u8]);

/// Every target by its name, which is also the name of its folder of seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("cluster", crate::cluster::fuzzing::cluster),
    ("editor", editor::editor),
    ("reference", text::reference),
    ("record", text::record),
    #[cfg(feature = "git-http")]
    ("pack", crate::forge::fuzzing::pack),
    #[cfg(feature = "git-http")]
    ("pkt_line", crate::forge::fuzzing::pkt_line),
    #[cfg(feature = "oci")]
    ("registry_answer", registry::registry_answer),
];

/// Runs one target.
///
/// # Panics
/// Where there is no such target, or what the target promises is not so.
pub fn run(target: &str, bytes: &[u8]) {
    match TARGETS.iter().find(|(name, _)| *name == target) {
        Some((_, run)) => run(bytes),
        None => panic!("no target {target}"),
    }
}
