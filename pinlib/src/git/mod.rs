//! Git's nouns, parsed once, and the raw facts that a forge brings.
//!
//! `oid` names objects, `names` holds branch names and paths, `repository` what a source is called, `facts` what a forge tells
//! of commits and files.

mod facts;
mod names;
mod oid;
mod repository;

pub use facts::{
    CommitFact, CommitRange, FileAt, History, Identity, Mode, Person, Signature, TreeEntry, TreePath,
};
pub use names::{BranchName, RepoPath};
pub use oid::{ObjectFormat, Oid, OidPrefix};
pub use repository::SourceRepository;
