//! The library against real parts: git, registries, other parsers.

mod corpus;
mod edit;
mod kustomize;
mod nouns;
mod records;
mod workload;
