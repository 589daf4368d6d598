//! How a registry is told who we are: what it asks for, and what it gives in return.
//!
//! Source: <https://distribution.github.io/distribution/spec/auth/token/> and `oauth/` beside it.

use super::{
    answer::{refusal, said},
    endpoint::Endpoint,
    logins::{Login, Logins},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    http::{Answer, Http},
    image::Reference,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use http_auth::ChallengeParser;
use reqwest::{
    StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

/// The longest answer of a token server.
const TOKEN_LIMIT: usize = 1 << 20;

/// What is shown to a registry with each request: never printed.
#[derive(Clone)]
pub(super) struct Grant(HeaderValue);

impl std::fmt::Debug for Grant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Grant")
    }
}

impl Grant {
    fn new(scheme: &str, secret: &str) -> Option<Self> {
        let mut value = HeaderValue::try_from(format!("{scheme} {secret}")).ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
    fn basic(user: &str, secret: &SecretString) -> Option<Self> {
        Self::new("Basic", &STANDARD.encode(format!("{user}:{}", secret.expose_secret())))
    }
    pub(super) fn header(&self) -> HeaderValue {
        self.0.clone()
    }
    /// A text without what is shown, for servers that quote it back.
    pub(super) fn hide(&self, text: &str) -> String {
        let (scheme, secret) =
            self.0.to_str().ok().and_then(|value| value.split_once(' ')).unwrap_or_default();
        let password = STANDARD.decode(secret).ok().filter(|_| scheme == "Basic");
        let password = password.and_then(|login| String::from_utf8(login).ok());
        let password =
            password.as_deref().and_then(|login| login.split_once(':')).map(|(_, password)| password);
        let secrets = [Some(secret), password].into_iter().flatten().filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

/// What a registry asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

impl Challenge {
    /// Reads `WWW-Authenticate`; a token server is preferred to sending the password with each request.
    pub(super) fn of(headers: &reqwest::header::HeaderMap) -> Option<Self> {
        let all = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let mut basic = None;
        for challenge in all.flat_map(ChallengeParser::new).flatten() {
            let param = |wanted: &str| {
                let found = challenge.params.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
                found.map(|(_, value)| value.to_unescaped())
            };
            if challenge.scheme.eq_ignore_ascii_case("bearer")
                && let Some(realm) = param("realm")
            {
                return Some(Self::Bearer { realm, service: param("service") });
            }
            if challenge.scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            }
        }
        basic
    }
}

/// The answer of a token server: two names for one thing.
#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// Answers the challenge of a registry with the login for it, where there is one, and else as nobody in particular.
///
/// What is refused here is refused for good: a login never turns anonymous.
pub(super) async fn grant(
    http: &Http,
    logins: &Logins,
    endpoint: &Endpoint<'_>,
    image: &Reference,
    answer: &Answer,
    act: &str,
) -> Result<Grant, BackendError> {
    let unauthorized =
        |reason: String| BackendError::new(BackendErrorKind::Unauthorized, act).because(reason);
    // Without a challenge there is nothing to answer: the registry has said no, and why.
    let challenge = Challenge::of(&answer.headers).ok_or_else(|| refusal(act, answer, None))?;
    let host = endpoint.host();
    let login =
        logins.find(image).await.map_err(|reason| unauthorized(format!("no login for {host}: {reason}")))?;
    match (challenge, login) {
        (Challenge::Basic, None) => {
            Err(unauthorized(format!("{host} wants a login, and there is none for it")))
        }
        (Challenge::Basic, Some(Login::Password { user, secret })) => Grant::basic(&user, &secret)
            .ok_or_else(|| unauthorized(format!("the login for {host} cannot be sent"))),
        (Challenge::Basic, Some(Login::Identity(_))) => {
            Err(unauthorized(format!("{host} wants a password, and the login for it is an identity token")))
        }
        (Challenge::Bearer { realm, service }, login) => {
            let realm = endpoint.realm(&realm).map_err(&unauthorized)?;
            token(http, realm, service.as_deref(), image, login.as_ref(), act).await
        }
    }
}

/// Fetches a token that reads the image's repository, and nothing else.
async fn token(
    http: &Http,
    mut realm: Url,
    service: Option<&str>,
    image: &Reference,
    login: Option<&Login>,
    act: &str,
) -> Result<Grant, BackendError> {
    let scope = format!("repository:{}:pull", image.repository());
    let wish = service.map(|service| ("service", service)).into_iter().chain([("scope", scope.as_str())]);
    let error = |kind, reason| Err(BackendError::new(kind, act).because(reason));
    let (unauthorized, invalid) = (BackendErrorKind::Unauthorized, BackendErrorKind::Invalid);
    let shown = match login {
        None => None,
        Some(Login::Password { user, secret }) => Grant::basic(user, secret),
        Some(Login::Identity(token)) => Grant::new("Refresh", token.expose_secret()),
    };
    let request = match (login, &shown) {
        (Some(_), None) => return error(unauthorized, "the login cannot be sent".into()),
        (Some(Login::Identity(token)), _) => {
            // OAuth's form is spelled as a query is; it must not come near an address that is shown.
            let mut form = realm.clone();
            form.query_pairs_mut()
                .clear()
                .extend_pairs(wish)
                .append_pair("client_id", "pinlib")
                .append_pair("grant_type", "refresh_token")
                .append_pair("refresh_token", token.expose_secret());
            let body = form.query().unwrap_or_default().to_owned();
            http.client().post(realm).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
        }
        (_, shown) => {
            realm.query_pairs_mut().extend_pairs(wish);
            let request = http.client().get(realm);
            shown.iter().fold(request, |request, grant| request.header(AUTHORIZATION, grant.header()))
        }
    };
    let answer = http.send(request, TOKEN_LIMIT).await.map_err(|error| error.while_trying(act))?;
    let said = said(&answer, shown.as_ref());
    let who = if login.is_some() { "the login is refused" } else { "nobody in particular is refused" };
    match answer.status {
        StatusCode::OK => {}
        StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            return error(unauthorized, format!("{who}: {said}"));
        }
        status if status.is_redirection() => {
            return error(invalid, format!("{said}, and a login follows no redirect"));
        }
        // A token server that is not there says nothing about the image.
        StatusCode::NOT_FOUND => return error(invalid, said),
        _ => return Err(refusal(act, &answer, shown.as_ref())),
    }
    let token: Option<Token> = serde_json::from_slice(&answer.body).ok();
    let token = token.and_then(|token| token.token.or(token.access_token));
    let grant = token.and_then(|token| Grant::new("Bearer", &token));
    grant.map_or_else(|| error(invalid, format!("{said}, and no token that can be used")), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderMap;

    fn of(values: &[&str]) -> Option<Challenge> {
        let value = |text: &&str| HeaderValue::from_str(text).expect("a header");
        Challenge::of(&values.iter().map(|text| (WWW_AUTHENTICATE, value(text))).collect::<HeaderMap>())
    }

    #[test]
    fn challenges_of_registries_are_read() {
        let bearer = |realm: &str, service: Option<&str>| {
            Some(Challenge::Bearer { realm: realm.into(), service: service.map(str::to_owned) })
        };
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull""#;
        assert_eq!(of(&[hub]), bearer("https://auth.docker.io/token", Some("registry.docker.io")));
        assert_eq!(
            of(&[r#"bearer REALM="https://a.test/t?x=1,2", error="invalid_token""#]),
            bearer("https://a.test/t?x=1,2", None)
        );
        assert_eq!(of(&[r#"Bearer realm="https://a.test/\"q\"""#]), bearer("https://a.test/\"q\"", None));
        let aws = r#"Basic realm="https://1.dkr.ecr.eu-west-1.amazonaws.com/",service="ecr.amazonaws.com""#;
        assert_eq!(of(&[aws]), Some(Challenge::Basic));
        // A token server is preferred, in one header or in two.
        assert_eq!(
            of(&[r#"Basic realm="x", Bearer realm="https://a.test/""#]),
            bearer("https://a.test/", None)
        );
        assert_eq!(
            of(&[r#"Basic realm="x""#, r#"Bearer realm="https://a.test/""#]),
            bearer("https://a.test/", None)
        );
        for none in [
            "",
            "Bearer",
            r#"Bearer service="x""#,
            "Negotiate",
            r#"Bearer realm="https://a.test/"#,
            ",,,",
            "=\"=",
        ] {
            assert_eq!(of(&[none]), None, "{none}");
        }
        assert_eq!(of(&[]), None);
    }

    proptest! {
        #[test]
        fn no_challenge_makes_it_panic(text in r#"(Bearer|Basic|realm|service|[=,"\\ ]|[ -~]){0,20}"#) {
            of(&[text.trim()]);
        }
    }
}
