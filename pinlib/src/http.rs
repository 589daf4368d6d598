//! What every backend over HTTP shares: a client that never repeats itself, and a bound on each answer.

use crate::{
    backend::{BackendError, BackendErrorKind},
    meter::Meter,
};
#[cfg(any(feature = "oci", feature = "git-http"))]
use reqwest::RequestBuilder;
use reqwest::{
    Client, ClientBuilder, StatusCode, Url,
    header::{DATE, HeaderMap, RETRY_AFTER},
};
use std::time::{Duration, Instant, SystemTime};

/// The host of an address, with its port where that is not the scheme's own.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// An HTTP client that backends may trust with a write: it follows no redirect and sends nothing twice.
///
/// Both would break an assumption of the guarantees: a redirect can carry a credential to another host, and a request
/// that is sent twice can hide a landing behind a refusal.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
    meter: Meter,
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    #[cfg(any(feature = "oci", feature = "git-http"))]
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Why there is no whole answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HttpError {
    /// No byte of the request left.
    #[error("{}", reason(.0))]
    NotSent(#[source] reqwest::Error),
    /// It may have arrived.
    #[error("{}", reason(.0))]
    Lost(#[source] reqwest::Error),
    /// The answer began, and is longer than what is asked for can be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

#[cfg(any(feature = "oci", feature = "github"))]
impl HttpError {
    /// The same, as the failure of a read.
    pub(crate) fn while_trying(self, act: impl Into<String>) -> BackendError {
        let kind = match self {
            Self::TooLong(_) => BackendErrorKind::Invalid,
            Self::NotSent(_) | Self::Lost(_) => BackendErrorKind::Unavailable,
        };
        BackendError::new(kind, act).because(self.to_string()).with_source(self)
    }
}

/// The innermost cause: the layers above it say "error sending request" and no more. No URL: it may hold a credential.
fn reason(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".into();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

impl Http {
    /// Makes a client of the caller's settings (certificates, proxies, time limits). Redirects and retries are off,
    /// whatever the settings say.
    ///
    /// # Errors
    /// `Invalid` where the settings do not make a client.
    pub fn new(settings: ClientBuilder) -> Result<Self, BackendError> {
        let client = settings
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .build()
            .map_err(|error| {
                BackendError::new(BackendErrorKind::Invalid, "set up the HTTP client")
                    .because(reason(&error))
                    .with_source(error)
            })?;
        Ok(Self { client, meter: Meter::default() })
    }
    /// Settings to begin with: who asks, ten seconds to connect, thirty without a byte, five minutes in all: a server
    /// that sends a byte now and then holds nobody for ever.
    pub fn settings() -> ClientBuilder {
        Client::builder()
            .user_agent(concat!("pinlib/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10))
            .read_timeout(Duration::from_secs(30))
            .timeout(Duration::from_secs(300))
    }
    /// What went over this client so far.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }
    /// The client, to make a request of.
    #[cfg(any(feature = "oci", feature = "git-http"))]
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends once and reads the whole answer, of at most `limit` bytes, whatever its status.
    #[cfg(any(feature = "oci", feature = "git-http"))]
    pub(crate) async fn send(&self, request: RequestBuilder, limit: usize) -> Result<Answer, HttpError> {
        self.execute(request.build().map_err(HttpError::NotSent)?, limit).await
    }

    /// The same, of a request that is whole.
    pub(crate) async fn execute(&self, request: reqwest::Request, limit: usize) -> Result<Answer, HttpError> {
        let (method, url, start) = (request.method().clone(), request.url().clone(), Instant::now());
        let sent = request.body().and_then(|body| body.as_bytes()).map_or(0, <[u8]>::len) as u64;
        self.meter.count(&host(&url), 1, sent, 0);
        let answer = self.receive(request, limit).await;
        let (status, received) =
            answer.as_ref().map_or((0, 0), |answer| (answer.status.as_u16(), answer.body.len()));
        let milliseconds = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        // Neither user nor query: both may hold a credential.
        let place = format!("{}{}", url.host_str().unwrap_or_default(), url.path());
        tracing::info!(target: "pinlib::http", %method, place, status, sent, received, milliseconds);
        answer
    }

    async fn receive(&self, request: reqwest::Request, limit: usize) -> Result<Answer, HttpError> {
        // Without the address: a redirect's may hold a credential.
        let sort = |error: reqwest::Error| {
            let error = error.without_url();
            if error.is_connect() || error.is_builder() {
                HttpError::NotSent(error)
            } else {
                HttpError::Lost(error)
            }
        };
        let to = host(request.url());
        let mut response = self.client.execute(request).await.map_err(sort)?;
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| HttpError::Lost(error.without_url()))?
        {
            self.meter.count(&to, 0, 0, chunk.len() as u64);
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLong(limit));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer {
            #[cfg(any(feature = "oci", feature = "git-http"))]
            url: response.url().clone(),
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body,
        })
    }
}

/// How long a server asks to wait: in seconds, or until a time by its own clock.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let wanted = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = wanted.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(wanted).ok()?;
    Some(until.duration_since(date(headers)?).unwrap_or_default())
}

/// What a server's clock says, where it says so.
pub(crate) fn date(headers: &HeaderMap) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()
}

/// Whether an address is this machine's own.
#[cfg(any(feature = "git-http", feature = "github"))]
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host_str() {
        None => false,
        Some("localhost") => true,
        Some(host) => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    }
}
