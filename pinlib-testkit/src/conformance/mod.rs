//! What every backend must keep, as cases that any world can run: one suite a trait.

pub mod editor;
pub mod forge;
pub mod registry;
pub mod review;

type Outcome = Result<(), String>;

fn check(holds: bool, promise: &str, found: impl std::fmt::Display) -> Outcome {
    if holds { Ok(()) } else { Err(format!("{promise}; found {found}")) }
}
