//! One request to GitHub: by octocrab, over the client that never repeats itself, bounds each answer and counts it.
//!
//! Octocrab authorizes, joins addresses, and reads what GitHub says when it refuses. Its own HTTP client, its retries and
//! its App login stay out: they send a write again, cannot narrow a token to permissions, and know an App by its number
//! alone.

use super::{host::GitHubHost, refusal::Refusal};
use crate::{
    backend::{BackendError, BackendErrorKind},
    http::{Http, HttpError},
};
use http_body_util::{BodyExt as _, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder, service::middleware::base_uri::BaseUriLayer};
use reqwest::{
    Method,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap},
};
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::{error::Error as StdError, fmt};

/// The longest answer: a file of the largest size, as JSON.
const LONGEST: usize = 24 << 20;
/// The version of the REST API that is spoken.
const VERSION: &str = "2022-11-28";
const JSON: &str = "application/vnd.github+json";

/// Both of GitHub's APIs, on one host.
#[derive(Clone, Debug)]
pub(super) struct Api {
    host: GitHubHost,
    http: Http,
}

/// Where a request goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum To<'a> {
    /// Reads a path of the REST API.
    Get(&'a str),
    /// Sends JSON to a path of the REST API.
    Post(&'a str, &'a Value),
    /// Deletes what a path of the REST API names.
    Delete(&'a str),
    /// Asks the GraphQL API.
    Graphql(&'a Value),
}

/// A successful answer.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// Why there is none.
#[derive(Debug)]
pub(super) enum Failure {
    /// No whole answer.
    Wire(HttpError),
    /// GitHub, or what stands before it, answered with another status.
    Refused(Refusal),
    /// Something in between went wrong.
    Other(Box<dyn StdError + Send + Sync>),
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.host.name())
    }
}

impl Reply {
    /// The answer as what it should be.
    pub(super) fn json<T: DeserializeOwned>(&self, act: &str) -> Result<T, BackendError> {
        serde_json::from_slice(&self.body).map_err(|error| {
            BackendError::new(BackendErrorKind::Invalid, act)
                .because("GitHub's answer is not what its API describes")
                .with_source(error)
        })
    }
}

impl Failure {
    /// The same, as the failure of a read.
    pub(super) fn while_reading(self, act: &str) -> BackendError {
        match self {
            Self::Wire(error) => error.while_trying(act),
            Self::Refused(refusal) => refusal.of_a_read(act),
            Self::Other(error) => BackendError::new(BackendErrorKind::Unavailable, act)
                .because(error.to_string())
                .with_source(error),
        }
    }
}

impl Api {
    pub(super) fn new(host: GitHubHost, http: Http) -> Self {
        Self { host, http }
    }
    pub(super) fn host(&self) -> &GitHubHost {
        &self.host
    }

    /// Sends once. What comes back with another status than success is a failure.
    pub(super) async fn send(&self, token: &SecretString, to: To<'_>) -> Result<Reply, Failure> {
        let (method, path, body) = match to {
            To::Get(path) => (Method::GET, self.host.rest_path(path), None),
            To::Post(path, body) => (Method::POST, self.host.rest_path(path), Some(body)),
            To::Delete(path) => (Method::DELETE, self.host.rest_path(path), None),
            To::Graphql(body) => (Method::POST, self.host.graphql_path().to_owned(), Some(body)),
        };
        let request = http::Request::builder()
            .method(method)
            .uri(path)
            .header(ACCEPT, JSON)
            .header("x-github-api-version", VERSION);
        let request = match body {
            Some(body) => request.header(CONTENT_TYPE, "application/json").body(body.to_string().into()),
            None => request.body(OctoBody::empty()),
        };
        let request = request.map_err(|error| Failure::Other(error.into()))?;
        let response = self.octocrab(token)?.execute(request).await.map_err(sorted)?;
        let response = octocrab::map_github_error(response).await.map_err(sorted)?;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map_err(sorted)?.to_bytes().to_vec();
        Ok(Reply { headers: parts.headers, body })
    }

    /// The path of an address on the same host, as [`To`] takes it; none where it leads elsewhere.
    pub(super) fn path_of(&self, address: &str) -> Option<String> {
        let base = format!("{}/", self.host.rest());
        Some(format!("/{}", address.strip_prefix(&base)?))
    }

    /// Octocrab on our own client. Made a request: its queue is a task of the runtime that the request runs on.
    fn octocrab(&self, token: &SecretString) -> Result<Octocrab, Failure> {
        let origin = self
            .host
            .origin()
            .parse()
            .map_err(|error: http::uri::InvalidUri| Failure::Other(error.into()))?;
        let http = self.http.clone();
        let service = tower::service_fn(move |request: http::Request<OctoBody>| {
            let http = http.clone();
            async move {
                let (parts, body) = request.into_parts();
                let body = body.collect().await?.to_bytes();
                let request = reqwest::Request::try_from(http::Request::from_parts(parts, body))?;
                let answer = http.execute(request, LONGEST).await?;
                let mut response = http::Response::new(Full::from(answer.body));
                *response.status_mut() = answer.status;
                *response.headers_mut() = answer.headers;
                Ok::<_, Box<dyn StdError + Send + Sync>>(response)
            }
        });
        let auth = AuthState::AccessToken { token: token.clone() };
        let built = OctocrabBuilder::new_empty()
            .with_service(service)
            .with_layer(&BaseUriLayer::new(origin))
            .with_auth(auth)
            .build();
        Ok(built.unwrap_or_else(|never| match never {}))
    }
}

/// Takes out of octocrab's error what our own client said, or what GitHub did.
fn sorted(error: octocrab::Error) -> Failure {
    match error {
        octocrab::Error::Service { source, .. } => match source.downcast::<HttpError>() {
            Ok(error) => Failure::Wire(*error),
            Err(source) => Failure::Other(source),
        },
        octocrab::Error::GitHub { source, .. } => Failure::Refused(Refusal::new(*source)),
        error => Failure::Other(error.into()),
    }
}
