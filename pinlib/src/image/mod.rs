//! Images: references, digests, platforms, and how a digest is known, parsed once.

mod digest;
pub(crate) mod document;
mod platform;
mod reference;

pub use digest::{Digest, Proof};
pub use platform::Platform;
pub use reference::Reference;
