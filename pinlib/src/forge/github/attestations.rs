//! The attestations that GitHub keeps for a repository, as `actions/attest` makes them.
//!
//! Source: <https://docs.github.com/en/rest/repos/attestations#list-attestations>.

use super::{
    api::{Api, To},
    host::{GitHubHost, GitHubRepository},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    evidence::{Attestations, RawBundle},
    http::Http,
    image::Reference,
};
use async_trait::async_trait;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use std::fmt;

/// So many are asked for, the newest: one request.
const BUNDLES: usize = 50;

/// The attestations of a repository on GitHub, read by its API. A token is needed even where they are public.
#[derive(Clone, Debug)]
pub struct GitHubAttestations {
    repository: GitHubRepository,
    api: Api,
    token: SecretString,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    attestations: Vec<Kept>,
}

#[derive(Deserialize)]
struct Kept {
    bundle: Option<Value>,
}

impl GitHubAttestations {
    /// Looks there. A fine-grained token needs `attestations: read`.
    pub fn new(repository: GitHubRepository, host: GitHubHost, token: SecretString, http: Http) -> Self {
        Self { repository, api: Api::new(host, http), token }
    }
}

impl fmt::Display for GitHubAttestations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.api, self.repository)
    }
}

#[async_trait]
impl Attestations for GitHubAttestations {
    async fn bundles(&self, image: &Reference) -> Result<Vec<RawBundle>, BackendError> {
        let act = format!("read the attestations of {image} on {self}");
        let invalid = |why: &str| BackendError::new(BackendErrorKind::Invalid, act.as_str()).because(why);
        let digest = image.digest().ok_or_else(|| invalid("only a digest is attested to"))?;
        let path = format!("/repos/{}/attestations/{digest}?per_page={BUNDLES}", self.repository);
        let reply = match self.api.send(&self.token, To::Get(&path)).await {
            Ok(reply) => reply,
            Err(failure) => {
                let error = failure.while_reading(&act);
                // A digest that nobody attested to is not there.
                return if error.kind() == BackendErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) };
            }
        };
        let answer: Answer = reply.json(&act)?;
        let bundle = |(n, kept): (usize, Kept)| {
            // Where GitHub leaves it out it names an address instead, of an archive that is not read.
            let bundle = kept.bundle.ok_or_else(|| invalid("GitHub gives no bundle with one of them"))?;
            Ok(RawBundle {
                from: format!("{self}, number {}", n + 1),
                bytes: bundle.to_string().into_bytes(),
            })
        };
        answer.attestations.into_iter().take(BUNDLES).enumerate().map(bundle).collect()
    }
}
