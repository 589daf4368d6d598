//! The library against real parts: git, registries, other parsers.

#[cfg(feature = "provenance")]
mod attestations;
mod buildah;
mod cluster;
#[cfg(feature = "kube")]
mod cluster_kube;
mod corpus;
mod edit;
mod editor_worlds;
#[cfg(all(unix, feature = "git-local"))]
mod forge_disk;
#[cfg(feature = "git-http")]
mod forge_faults;
#[cfg(feature = "git-http")]
mod forge_http;
#[cfg(feature = "git-local")]
mod forge_local;
#[cfg(feature = "git-http")]
mod forge_ssh;
mod git_names;
#[cfg(any(feature = "git-local", feature = "git-http"))]
mod git_world;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_answers;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_attestations;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_doctor;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_emulate;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_login;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_pins;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_proposal_faults;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_proposals;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_reviews;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_secrets;
#[cfg(all(feature = "github", feature = "git-http"))]
mod github_world;
mod helm;
mod images;
mod kustomize;
mod nouns;
mod paths;
mod provenance;
mod pyyaml;
mod records;
#[cfg(feature = "oci")]
mod registry_answers;
mod registry_layout;
#[cfg(all(unix, feature = "oci"))]
mod registry_logins;
#[cfg(feature = "oci")]
mod registry_worlds;
#[cfg(feature = "git-http")]
mod remote;
mod resolve;
#[cfg(feature = "git-local")]
mod signing;
mod workload;
mod yaml;
