//! What an in-toto statement says: what it is about, and what that was built from.
//!
//! Source: <https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md>, <https://slsa.dev/spec/v0.2/provenance>,
//! <https://slsa.dev/spec/v1.1/provenance>, and for the fields of `BuildKit`'s own
//! <https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md>.

use crate::image::Digest;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const STATEMENTS: [&str; 2] = ["https://in-toto.io/Statement/v0.1", "https://in-toto.io/Statement/v1"];
const SLSA_0_2: &str = "https://slsa.dev/provenance/v0.2";
const SLSA_1: &str = "https://slsa.dev/provenance/v1";
/// What `cosign sign` states: the signature of an image, and nothing more.
#[cfg(feature = "provenance")]
const SIGNATURE: &str = "https://sigstore.dev/cosign/sign/v1";

/// A statement about some things, by their digests.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(default)]
    subject: Vec<Subject>,
    predicate_type: String,
    #[serde(default)]
    predicate: Value,
}

#[derive(Debug, Deserialize)]
struct Subject {
    #[serde(default)]
    digest: BTreeMap<String, String>,
}

impl Subject {
    fn is(&self, digest: Digest) -> bool {
        self.digest.get(digest.algorithm()) == Some(&digest.hex())
    }
}

/// Something that was built from: its address, and the commit where it is in Git.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) uri: String,
    pub(super) commit: Option<String>,
    /// Whether it is a repository, and not an image or a file.
    in_git: bool,
}

impl Source {
    fn of(value: &Value) -> Option<Self> {
        let uri = value.get("uri")?.as_str().filter(|uri| !uri.is_empty())?.to_owned();
        let digest = |name: &str| Some(value.get("digest")?.get(name)?.as_str()?.to_owned());
        // What GitHub writes, then git's one kind of id; the other could be the digest of anything.
        let sure = digest("gitCommit").or_else(|| digest("sha1"));
        let address = uri.split(['#', '?']).next().unwrap_or_default();
        let schemes = ["git+", "git://", "ssh://", "git@"];
        let in_git = sure.is_some()
            || schemes.iter().any(|scheme| address.starts_with(scheme))
            || address.trim_end_matches('/').strip_suffix(".git").is_some();
        let commit = sure.or_else(|| digest("sha256"));
        Some(Self { uri, commit, in_git })
    }
}

/// Whether a predicate of this type is one of the two provenances.
pub(super) fn is_provenance(predicate_type: &str) -> bool {
    [SLSA_0_2, SLSA_1].contains(&predicate_type)
}

impl Statement {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let statement: Self = serde_json::from_slice(bytes)
            .map_err(|error| format!("it is no JSON of a statement: {error}"))?;
        if STATEMENTS.contains(&statement.kind.as_str()) {
            Ok(statement)
        } else {
            Err(format!("{:?} is no in-toto statement", statement.kind.chars().take(100).collect::<String>()))
        }
    }
    /// Whether this is one of the things that it is about.
    #[cfg(feature = "provenance")]
    pub(super) fn is_about(&self, digest: Digest) -> bool {
        self.subject.iter().any(|subject| subject.is(digest))
    }
    /// The same, where it is about nothing else.
    pub(super) fn is_only_about(&self, digest: Digest) -> bool {
        !self.subject.is_empty() && self.subject.iter().all(|subject| subject.is(digest))
    }
    pub(super) fn is_provenance(&self) -> bool {
        is_provenance(&self.predicate_type)
    }
    #[cfg(feature = "provenance")]
    pub(super) fn predicate_type(&self) -> &str {
        &self.predicate_type
    }
    /// Whether it is by who built its subject: its provenance, or its signature. A list of what is in it, or of what is wrong
    /// with it, can be by anyone who looked at it later.
    #[cfg(feature = "provenance")]
    pub(super) fn tells_of_a_build(&self) -> bool {
        self.is_provenance() || self.predicate_type == SIGNATURE
    }

    fn at(&self, pointer: &str) -> Option<&Value> {
        self.predicate.pointer(pointer)
    }

    /// What it was built from: where the build was defined, if that is told; else every repository among its inputs. Of a
    /// folder that the builder had, no repository is known, whatever else went into the build.
    pub(super) fn sources(&self) -> Vec<Source> {
        let (config, inputs, folders) = if self.predicate_type == SLSA_1 {
            (
                "/buildDefinition/externalParameters/configSource",
                "/buildDefinition/resolvedDependencies",
                "/buildDefinition/externalParameters/request/locals",
            )
        } else {
            ("/invocation/configSource", "/materials", "/invocation/parameters/locals")
        };
        if !self.is_provenance() {
            return Vec::new();
        }
        if let Some(source) = self.at(config).and_then(Source::of) {
            return vec![source];
        }
        if self.at(folders).and_then(Value::as_array).is_some_and(|folders| !folders.is_empty()) {
            return Vec::new();
        }
        let inputs = self.at(inputs).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        inputs.iter().filter_map(Source::of).filter(|source| source.in_git).collect()
    }

    /// The commit that the client of `BuildKit` named, which `BuildKit` does not check: never evidence, and yet no other
    /// commit than the one that is.
    pub(super) fn hint(&self) -> Option<&str> {
        let places = [
            "/metadata/https:~1~1mobyproject.org~1buildkit@v1#metadata/vcs/revision",
            "/runDetails/metadata/buildkit_metadata/vcs/revision",
        ];
        places.iter().find_map(|place| self.at(place)?.as_str())
    }
}
