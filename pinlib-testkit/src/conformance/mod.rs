//! What every backend must keep, as cases that any world can run: one suite a trait.

pub mod forge;
