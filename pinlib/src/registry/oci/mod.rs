//! Any OCI registry over HTTP(S).
//!
//! `endpoint` knows where a registry is and where a request may go, `answer` what came of it, `logins` who we are, and
//! `auth` how to say so.

mod answer;
mod auth;
mod endpoint;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod logins;

use super::{BLOB_LIMIT, MANIFEST_LIMIT, RawManifest, Registry};
use crate::{
    backend::{BackendError, BackendErrorKind},
    http::{Answer, Http},
    image::{
        Digest, Reference,
        document::{DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST},
    },
};
use async_trait::async_trait;
use auth::Grant;
use endpoint::Endpoint;
use reqwest::{
    StatusCode, Url,
    header::{ACCEPT, AUTHORIZATION},
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

pub use logins::{Logins, RegistryLogin};

/// Every kind of image. Without all four in one question a registry answers 404 for an index, or makes up a manifest of
/// another digest.
const KINDS: [&str; 4] = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];

/// A redirect is followed at most this often.
const REDIRECTS: usize = 5;

/// What may be left out.
#[derive(Clone, Debug, Default)]
pub struct OciOptions {
    /// Who to be, where a registry asks.
    pub logins: Logins,
    /// Registries, as references name them (`HOST` or `HOST:PORT`), that are spoken to in plain http beside those on
    /// loopback.
    pub plain_http: Vec<String>,
}

/// Any registry of the [distribution specification], by the names in the references; Docker Hub is where docker has it.
///
/// A read is one request, as nobody in particular. Where the registry asks who we are, its login is looked up and used,
/// and what it grants is kept for the repository as long as this value lives.
///
/// - **A login that is refused is an error**, and never turns anonymous; so is a credential helper that fails.
/// - **A credential goes to the registry that it is for**, and to the token server that this registry's own answer names;
///   that may be another host (`auth.docker.io`), since whoever runs the registry could have the credential anyway. It
///   must be https; plain http only where the registry itself is spoken to so, and to loopback or a host that the user
///   allowed.
/// - **Redirects are followed by hand**, at most five, with no credential to another host and never from https to http.
///   Registries send blobs elsewhere, and some (`registry.k8s.io`) manifests too; what comes is hashed either way.
/// - **Plain http** is for loopback (`localhost`, 127.0.0.0/8, `[::1]`) and for hosts that the user allowed, and is then
///   the only thing tried.
///
/// ```no_run
/// # async fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use pinlib::{Http, OciOptions, OciRegistry, Registry};
/// let registry = OciRegistry::new(Http::new(Http::settings())?, OciOptions::default());
/// let manifest = registry.manifest(&"ghcr.io/acme/web:1.4".parse()?).await?;
/// println!("{}", pinlib::Digest::of(&manifest.bytes));
/// # Ok(()) }
/// ```
///
/// [distribution specification]: https://github.com/opencontainers/distribution-spec/blob/main/spec.md
#[derive(Debug)]
pub struct OciRegistry {
    http: Http,
    options: OciOptions,
    grants: Mutex<BTreeMap<String, Grant>>,
}

impl OciRegistry {
    /// Speaks to registries over this client: certificates, proxies and time limits are its own.
    pub fn new(http: Http, options: OciOptions) -> Self {
        Self { http, options, grants: Mutex::default() }
    }

    fn grants(&self) -> MutexGuard<'_, BTreeMap<String, Grant>> {
        self.grants.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one thing of a repository, of at most `limit` bytes.
    async fn get(
        &self,
        act: &str,
        image: &Reference,
        what: &str,
        accept: &str,
        limit: usize,
    ) -> Result<Answer, BackendError> {
        let endpoint = Endpoint::of(image, &self.options.plain_http);
        let url = endpoint.url(image, what).map_err(|error| invalid(act, error.to_string()))?;
        let mut grant = self.grants().get(&image.name()).cloned();
        let mut answer = self.follow(act, &endpoint, &url, accept, grant.as_ref(), limit).await?;
        if answer.status == StatusCode::UNAUTHORIZED && endpoint.owns(&answer.url) {
            // Nobody was shown yet, or what was granted has run out.
            let fresh = auth::grant(&self.http, &self.options.logins, &endpoint, image, &answer, act).await?;
            answer = self.follow(act, &endpoint, &url, accept, Some(&fresh), limit).await?;
            if answer.status != StatusCode::UNAUTHORIZED {
                self.grants().insert(image.name(), fresh.clone());
            }
            grant = Some(fresh);
        }
        if answer.status == StatusCode::OK {
            Ok(answer)
        } else {
            Err(answer::refusal(act, &answer, grant.as_ref()))
        }
    }

    /// Sends a request to where it belongs, and after redirects to where they lead.
    async fn follow(
        &self,
        act: &str,
        endpoint: &Endpoint<'_>,
        first: &Url,
        accept: &str,
        grant: Option<&Grant>,
        limit: usize,
    ) -> Result<Answer, BackendError> {
        let mut url = first.clone();
        for _ in 0..=REDIRECTS {
            let mut request = self.http.client().get(url.clone()).header(ACCEPT, accept);
            if let Some(grant) = grant.filter(|_| endpoint.owns(&url)) {
                request = request.header(AUTHORIZATION, grant.header());
            }
            let answer = self.http.send(request, limit).await.map_err(|error| error.while_trying(act))?;
            if !answer.status.is_redirection() {
                return Ok(answer);
            }
            url = endpoint.redirected(&answer).map_err(|reason| invalid(act, reason))?;
        }
        Err(invalid(act, format!("{} redirects more than {REDIRECTS} times", endpoint.host())))
    }
}

fn invalid(act: &str, reason: impl Into<String>) -> BackendError {
    BackendError::new(BackendErrorKind::Invalid, act).because(reason)
}

/// Reads the answer to a question for a manifest.
fn manifest(act: &str, answer: Answer, wanted: &[&str]) -> Result<RawManifest, BackendError> {
    let media_type = answer::media_type(&answer);
    if !wanted.contains(&media_type.as_str()) {
        return Err(invalid(act, format!("the answer is {media_type:?}, which is no image")));
    }
    let claimed = answer::claimed_digest(&answer).map_err(|reason| invalid(act, reason))?;
    Ok(RawManifest { media_type, claimed, bytes: answer.body })
}

impl fmt::Display for OciRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OCI registries over HTTP")
    }
}

#[async_trait]
impl Registry for OciRegistry {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        let act = format!("read the manifest of {image}");
        let name = match image.digest() {
            Some(digest) => digest.to_string(),
            None => image.tag().unwrap_or("latest").to_owned(),
        };
        let answer =
            self.get(&act, image, &format!("manifests/{name}"), &KINDS.join(", "), MANIFEST_LIMIT).await;
        let answer = if image.digest().is_some() { answer.map_err(answer::may_lag) } else { answer };
        manifest(&act, answer?, &KINDS)
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        let act = format!("read the blob {digest} of {image}");
        let answer = self.get(&act, image, &format!("blobs/{digest}"), "*/*", BLOB_LIMIT).await;
        Ok(answer.map_err(answer::may_lag)?.body)
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        let act = format!("list what refers to {image}");
        let Some(digest) = image.digest() else {
            return Err(invalid(&act, "only a digest is referred to"));
        };
        match self.get(&act, image, &format!("referrers/{digest}"), OCI_INDEX, MANIFEST_LIMIT).await {
            // A registry that has the list answers with an empty one for a digest that nothing refers to.
            Err(error) if error.kind() == BackendErrorKind::NotFound => {
                Err(BackendError::new(BackendErrorKind::Unsupported, act)
                    .because("the registry keeps no such list")
                    .with_source(error))
            }
            answer => manifest(&act, answer?, &[OCI_INDEX]),
        }
    }
}
