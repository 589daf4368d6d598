//! The library against real parts: git, registries, other parsers.

mod corpus;
mod edit;
#[cfg(feature = "git-local")]
mod forge_local;
#[cfg(feature = "git-local")]
mod git_world;
mod helm;
mod images;
mod kustomize;
mod nouns;
mod paths;
mod pyyaml;
mod records;
#[cfg(feature = "oci")]
mod registry_worlds;
#[cfg(feature = "git-local")]
mod signing;
mod workload;
mod yaml;
