//! What every backend over HTTP shares: a client that never repeats itself, a bound on each answer, and a meter.

use crate::backend::{BackendError, BackendErrorKind};
use reqwest::{Client, ClientBuilder, RequestBuilder, StatusCode, Url, header::HeaderMap};
use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

/// Counts what went over the wire; its copies count together.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    sent: AtomicU64,
    received: AtomicU64,
}

impl Meter {
    /// How many requests were sent, those without an answer among them.
    pub fn requests(&self) -> u64 {
        self.0.requests.load(Relaxed)
    }
    /// Bytes of request bodies.
    pub fn sent(&self) -> u64 {
        self.0.sent.load(Relaxed)
    }
    /// Bytes of answer bodies.
    pub fn received(&self) -> u64 {
        self.0.received.load(Relaxed)
    }
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

#[cfg(feature = "oci")]
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
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Sends once and reads the whole answer, of at most `limit` bytes, whatever its status.
    pub(crate) async fn send(&self, request: RequestBuilder, limit: usize) -> Result<Answer, HttpError> {
        let request = request.build().map_err(HttpError::NotSent)?;
        let (method, url, start) = (request.method().clone(), request.url().clone(), Instant::now());
        let sent = request.body().and_then(|body| body.as_bytes()).map_or(0, <[u8]>::len) as u64;
        self.meter.0.requests.fetch_add(1, Relaxed);
        self.meter.0.sent.fetch_add(sent, Relaxed);
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
        let mut response = self.client.execute(request).await.map_err(sort)?;
        let mut body = Vec::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| HttpError::Lost(error.without_url()))?
        {
            self.meter.0.received.fetch_add(chunk.len() as u64, Relaxed);
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLong(limit));
            }
            body.extend_from_slice(&chunk);
        }
        let (url, status) = (response.url().clone(), response.status());
        Ok(Answer { url, status, headers: std::mem::take(response.headers_mut()), body })
    }
}
