//! Answers of any bytes to what reads them: for `crate::fuzzing`.

use super::{
    answer::{claimed_digest, clean, media_type, refusal, said},
    auth::Challenge,
    endpoint::Endpoint,
};
use crate::{http::Answer, image::Reference};
use reqwest::{
    StatusCode, Url,
    header::{CONTENT_TYPE, DATE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};

/// Each line is the value of every header that is read; the whole is the body.
pub(crate) fn header(bytes: &[u8]) {
    let digest = HeaderName::from_static("docker-content-digest");
    let mut headers = HeaderMap::new();
    for line in bytes.split(|byte| *byte == b'\n').take(8) {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        for name in [&WWW_AUTHENTICATE, &CONTENT_TYPE, &RETRY_AFTER, &DATE, &digest] {
            headers.append(name, value.clone());
        }
    }
    let Ok(image) = "ghcr.io/acme/web".parse::<Reference>() else { return };
    let endpoint = Endpoint::of(&image, &[]);
    if let Some(Challenge::Bearer { realm, .. }) = Challenge::of(&headers)
        && let Ok(url) = endpoint.realm(&realm)
    {
        assert_eq!(url.scheme(), "https", "a login goes nowhere else");
        assert!(url.username().is_empty() && url.password().is_none());
    }
    for status in [StatusCode::UNAUTHORIZED, StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY] {
        let Ok(url) = "https://ghcr.io/v2/".parse::<Url>() else { return };
        let answer = Answer { url, status, headers: headers.clone(), body: bytes.to_vec() };
        let words =
            format!("{} {} {}", refusal("read", &answer, None), said(&answer, None), media_type(&answer));
        assert!(words.len() < 8_000 && !words.contains(char::is_control), "{words:?}");
        claimed_digest(&answer).ok();
    }
    let text = String::from_utf8_lossy(bytes);
    assert!(!clean(&text).contains(char::is_control), "{text:?}");
}
