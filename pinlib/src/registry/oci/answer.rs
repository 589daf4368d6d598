//! What a registry answered, as an error or as the claims beside a body.

use super::auth::Grant;
use crate::{
    backend::{BackendError, BackendErrorKind},
    http::{Answer, retry_after},
    image::Digest,
    parse::ParseError,
};
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderName},
};
use serde::Deserialize;
use std::time::Duration;

/// How much of a server's text an error quotes.
const QUOTED: usize = 200;

/// The errors of the distribution specification, and of OAuth's token servers.
#[derive(Deserialize)]
struct Complaint {
    #[serde(default)]
    errors: Vec<OneError>,
    error: Option<String>,
    error_description: Option<String>,
    #[serde(alias = "message")]
    details: Option<String>,
}

#[derive(Deserialize)]
struct OneError {
    #[serde(default)]
    code: String,
    #[serde(default)]
    message: String,
}

/// An answer that is none to what was asked. What the request showed is not quoted back.
pub(super) fn refusal(act: &str, answer: &Answer, shown: Option<&Grant>) -> BackendError {
    let kind = match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => BackendErrorKind::Unauthorized,
        StatusCode::NOT_FOUND => BackendErrorKind::NotFound,
        StatusCode::TOO_MANY_REQUESTS => BackendErrorKind::RateLimited,
        StatusCode::REQUEST_TIMEOUT => BackendErrorKind::Unavailable,
        status if status.is_server_error() => BackendErrorKind::Unavailable,
        _ => BackendErrorKind::Invalid,
    };
    let error = BackendError::new(kind, act).because(said(answer, shown));
    match retry_after(&answer.headers) {
        Some(wait) if kind == BackendErrorKind::RateLimited || kind == BackendErrorKind::Unavailable => {
            error.with_retry_after(wait)
        }
        _ => error,
    }
}

/// Just after a push, a registry may not know yet what it was given: a question by digest is worth asking again.
pub(super) fn may_lag(error: BackendError) -> BackendError {
    match error.kind() {
        BackendErrorKind::NotFound => error.with_retry_after(Duration::from_secs(1)),
        _ => error,
    }
}

/// The status, and what the registry says to it. Not the page that a proxy may have put there instead.
pub(super) fn said(answer: &Answer, shown: Option<&Grant>) -> String {
    let host = clean(answer.url.host_str().unwrap_or_default());
    let status = answer.status.as_u16();
    let reason = answer.status.canonical_reason().map(|text| format!(" {text}")).unwrap_or_default();
    let words = serde_json::from_slice::<Complaint>(&answer.body).ok().and_then(|body| {
        let first = body.errors.into_iter().next();
        let of_one =
            |one: OneError| [one.code, one.message].into_iter().filter(|text| !text.is_empty()).collect();
        let parts: Vec<String> = match first {
            Some(one) => of_one(one),
            None => [body.error, body.error_description, body.details].into_iter().flatten().collect(),
        };
        let words = parts.join(": ");
        // Hidden before it is cut: a part of a secret is one too.
        let words = shown.map_or_else(|| words.clone(), |grant| grant.hide(&words));
        (!words.is_empty()).then(|| clean(&words))
    });
    match words {
        Some(words) => format!("{host} answered {status}{reason} ({words})"),
        None => format!("{host} answered {status}{reason}"),
    }
}

/// The media type, without its parameters.
pub(super) fn media_type(answer: &Answer) -> String {
    let header = answer.headers.get(CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let essence = header.as_deref().and_then(|text| text.split(';').next()).unwrap_or_default();
    clean(&essence.trim().to_ascii_lowercase())
}

/// What the registry says that the digest of its answer is.
pub(super) fn claimed_digest(answer: &Answer) -> Result<Option<Digest>, String> {
    let header = answer.headers.get(HeaderName::from_static("docker-content-digest"));
    let claimed = header.map(|value| String::from_utf8_lossy(value.as_bytes()).parse()).transpose();
    claimed.map_err(|error: ParseError| format!("Docker-Content-Digest: {error}"))
}

/// A server's text as one line of bounded length, with nothing in it that a terminal would obey or a reader not see.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().take(QUOTED) {
        // What `Debug` escapes is what is not printable: controls, bidi marks, what has no width.
        let hidden = c != '"' && c != '\'' && c != '\\' && c.escape_debug().len() > 1;
        out.push(if hidden { ' ' } else { c });
    }
    if text.chars().nth(QUOTED).is_some() {
        out.push('…');
    }
    out.trim().to_owned()
}
