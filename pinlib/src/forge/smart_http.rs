//! Git's protocol over HTTP(S): where requests go, with which login, and how an answer that is none is read.
//!
//! Source: <https://git-scm.com/docs/gitprotocol-http>.

use super::{
    CommitError,
    sign::Author,
    text::printable,
    wire::{MakePush, Transport, WireForge},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    http::{Answer, Http, HttpError, is_loopback, retry_after},
};
use async_trait::async_trait;
use reqwest::{
    RequestBuilder, StatusCode, Url,
    header::{ACCEPT, CONTENT_TYPE, LOCATION},
};
use secrecy::{ExposeSecret, SecretString};
use std::fmt;

/// How to log in to a git server. Sent to that server alone, with each request.
#[derive(Clone, Debug)]
pub enum GitLogin {
    /// A user and a password or token, as git itself sends them.
    Basic {
        /// Who. Many servers take any name beside a token.
        user: String,
        /// The password, or a token in its place.
        password: SecretString,
    },
    /// A token by itself.
    Bearer(SecretString),
}

/// Which of git's two services, as its URLs name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Service {
    Read,
    Write,
}

impl Service {
    fn name(self) -> &'static str {
        match self {
            Self::Read => "git-upload-pack",
            Self::Write => "git-receive-pack",
        }
    }
}

/// A repository on a git server, over HTTP(S).
///
/// ```no_run
/// # fn f() -> Result<(), Box<dyn std::error::Error>> {
/// use pinlib::{Author, GitLogin, Http, Person, SmartHttpForge};
/// let bot = Author::new(Person { name: "bot".into(), email: "bot@example.test".into() }, None)?;
/// let login = GitLogin::Basic { user: "bot".into(), password: std::env::var("TOKEN")?.into() };
/// let http = Http::new(Http::settings())?;
/// let forge = SmartHttpForge::new("https://git.example.test/acme/deploy.git", http, Some(login), bot)?;
/// # Ok(()) }
/// ```
pub type SmartHttpForge = WireForge<SmartHttp>;

impl SmartHttpForge {
    /// Makes a forge of an address, a client, a login and who its commits are by.
    ///
    /// # Errors
    /// `Invalid` where the address is no `http(s)` URL, holds a user or a password, or would send a login over plain
    /// HTTP to another machine.
    pub fn new(url: &str, http: Http, login: Option<GitLogin>, author: Author) -> Result<Self, BackendError> {
        Ok(Self::over(SmartHttp::new(url, http, login)?, author))
    }
}

/// The services at one address.
#[derive(Clone, Debug)]
pub struct SmartHttp {
    url: Url,
    http: Http,
    login: Option<GitLogin>,
}

impl fmt::Display for SmartHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str().trim_end_matches('/'))
    }
}

impl SmartHttp {
    fn new(url: &str, http: Http, login: Option<GitLogin>) -> Result<Self, BackendError> {
        let invalid = |reason: &str| {
            // Not the URL: it may hold a password.
            BackendError::new(BackendErrorKind::Invalid, "use the address of the git server").because(reason)
        };
        let mut url = Url::parse(url).map_err(|error| invalid(&error.to_string()))?;
        if !matches!(url.scheme(), "https" | "http") || url.cannot_be_a_base() {
            return Err(invalid("want https:// or http://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("it holds a user or a password, which belong into the login"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(invalid("want no ? or # in it"));
        }
        if login.is_some() && url.scheme() == "http" && !is_loopback(&url) {
            return Err(invalid("a login is not sent over plain http, but to this machine itself"));
        }
        // The service's name is appended to it as it stands.
        let path = format!("{}/", url.path().trim_end_matches('/'));
        url.set_path(&path);
        Ok(Self { url, http, login })
    }

    fn request(&self, request: RequestBuilder) -> RequestBuilder {
        match &self.login {
            None => request,
            Some(GitLogin::Basic { user, password }) => {
                request.basic_auth(user, Some(password.expose_secret()))
            }
            Some(GitLogin::Bearer(token)) => request.bearer_auth(token.expose_secret()),
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// Hears what a service offers.
    async fn advertisement(&self, service: Service, act: &str) -> Result<Vec<u8>, BackendError> {
        /// Every ref of a repository is told before a push: half a million of them.
        const LIMIT: usize = 32 << 20;
        let request = self.http.client().get(self.at(&format!("info/refs?service={}", service.name())));
        let request = match service {
            Service::Read => request.header("Git-Protocol", "version=2"),
            Service::Write => request,
        };
        let answer = self.http.send(self.request(request), LIMIT).await;
        self.body(answer.map_err(|error| self.unread(error, act))?, service, "advertisement", act)
    }

    /// With a body that is whole, so with a Content-Length: servers have answered 411 to a stream.
    fn post(&self, service: Service, body: Vec<u8>) -> RequestBuilder {
        let request = self.http.client().post(self.at(service.name()));
        let request = request
            .header(CONTENT_TYPE, format!("application/x-{}-request", service.name()))
            .header(ACCEPT, format!("application/x-{}-result", service.name()));
        self.request(request).body(body)
    }

    /// The body of an answer that is one of git's.
    fn body(&self, answer: Answer, service: Service, part: &str, act: &str) -> Result<Vec<u8>, BackendError> {
        if answer.status != StatusCode::OK {
            return Err(self.refused(&answer, act));
        }
        let want = format!("application/x-{}-{part}", service.name());
        let found = answer.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        if found == want.as_bytes() {
            return Ok(answer.body);
        }
        let found = if found.is_empty() { "no type".into() } else { printable(found) };
        let reason = format!("{self} does not answer as a git server does: {found}, not {want}");
        Err(BackendError::new(BackendErrorKind::Invalid, act).because(reason))
    }

    /// Why there is no answer. One that is too long is one that cannot be seen whole.
    fn unread(&self, error: HttpError, act: &str) -> BackendError {
        let kind = match error {
            HttpError::TooLong(_) => BackendErrorKind::Incomplete,
            HttpError::NotSent(_) | HttpError::Lost(_) => BackendErrorKind::Unavailable,
        };
        BackendError::new(kind, act).because(format!("{self}: {error}")).with_source(error)
    }

    /// Why an answer with another status than 200 is none.
    fn refused(&self, answer: &Answer, act: &str) -> BackendError {
        use BackendErrorKind::{Invalid, NotFound, RateLimited, Unauthorized, Unavailable};
        let wait = retry_after(&answer.headers);
        let (kind, reason) = match answer.status.as_u16() {
            401 if self.login.is_none() => (Unauthorized, format!("{self} wants a login")),
            401 => (Unauthorized, format!("{self} refuses the login")),
            // GitHub says 403 for its secondary rate limit.
            403 if wait.is_some() => (RateLimited, format!("{self} asks to wait")),
            403 => (Unauthorized, format!("{self} forbids it")),
            404 => (NotFound, format!("{self} has no such repository, or does not show it to this login")),
            429 => (RateLimited, format!("{self} asks to wait")),
            300..=399 => (Invalid, self.redirect(answer)),
            500..=599 => (Unavailable, format!("{self} answered {}", answer.status)),
            _ => (Invalid, format!("{self} answered {}", answer.status)),
        };
        let error = BackendError::new(kind, act).because(reason);
        wait.into_iter().fold(error, BackendError::with_retry_after)
    }

    /// No redirect is followed: it could carry the login elsewhere. The new address is told, without what may be secret.
    fn redirect(&self, answer: &Answer) -> String {
        let to = answer.headers.get(LOCATION).and_then(|to| to.to_str().ok());
        let to = to.and_then(|to| answer.url.join(to).ok());
        let Some(mut to) = to else { return format!("{self} redirects to nowhere") };
        to.set_query(None);
        to.set_fragment(None);
        to.set_username("").and_then(|()| to.set_password(None)).ok();
        let to = printable(to.as_str().as_bytes());
        format!("{self} redirects to {}: use that address", to.trim_end_matches("/info/refs"))
    }
}

#[async_trait]
impl Transport for SmartHttp {
    async fn offer(&self, act: &str) -> Result<Vec<u8>, BackendError> {
        self.advertisement(Service::Read, act).await
    }

    async fn refs(&self, body: Vec<u8>, limit: usize, act: &str) -> Result<Vec<u8>, BackendError> {
        // Each request has a service of its own.
        self.ask(body, limit, act).await
    }

    async fn ask(&self, body: Vec<u8>, limit: usize, act: &str) -> Result<Vec<u8>, BackendError> {
        let request = self.post(Service::Read, body).header("Git-Protocol", "version=2");
        let answer = self.http.send(request, limit).await;
        self.body(answer.map_err(|error| self.unread(error, act))?, Service::Read, "result", act)
    }

    async fn push(&self, make: &mut MakePush<'_>, act: &str) -> Result<Vec<u8>, CommitError> {
        /// A report on one ref, and what hooks say beside it.
        const LIMIT: usize = 1 << 20;
        let offer = self.advertisement(Service::Write, act).await.map_err(CommitError::NotLanded)?;
        let push = make(&offer).map_err(CommitError::NotLanded)?;
        let answer = match self.http.send(self.post(Service::Write, push), LIMIT).await {
            Ok(answer) => answer,
            Err(error @ HttpError::NotSent(_)) => {
                return Err(CommitError::NotLanded(self.unread(error, act)));
            }
            Err(error) => return Err(CommitError::Ambiguous(self.unread(error, act))),
        };
        if matches!(answer.status.as_u16(), 401 | 403 | 404 | 411 | 413 | 429) {
            // Refused at the door: what stands there did not look at the push.
            return Err(CommitError::NotLanded(self.refused(&answer, act)));
        }
        self.body(answer, Service::Write, "result", act).map_err(CommitError::Ambiguous)
    }
}
