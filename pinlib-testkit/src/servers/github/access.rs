//! Who asks: JWTs, installation tokens, and what they may do.

use super::{
    APP_ID, CLIENT_ID, Hub, INSTALLATION, NAME, REPOSITORY_ID, TOKEN, clock, http::Answer,
    settings::Selection,
};
use crate::servers::{output, program, script::Request};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    rand::{SecureRandom, SystemRandom},
    signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey},
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap},
    io,
    process::Command,
    sync::OnceLock,
};

/// The App's key pair.
#[derive(Debug)]
pub(super) struct Key {
    /// PEM, PKCS#1.
    pub(super) private: String,
    public: Vec<u8>,
}

impl Key {
    /// The one key of all tests; `None` where openssl is missing.
    pub(super) fn shared() -> io::Result<Option<&'static Self>> {
        static SHARED: OnceLock<Key> = OnceLock::new();
        if let Some(made) = SHARED.get() {
            return Ok(Some(made));
        }
        let Some(openssl) = program("openssl")? else { return Ok(None) };
        let made = output(Command::new(openssl).args(["genrsa", "-traditional", "2048"]))?;
        let private = String::from_utf8(made).map_err(io::Error::other)?;
        let der: String = private.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(der).map_err(io::Error::other)?;
        let pair = RsaKeyPair::from_der(&der).map_err(|error| io::Error::other(error.to_string()))?;
        let public = pair.public_key().as_ref().to_vec();
        Ok(Some(SHARED.get_or_init(|| Self { private, public })))
    }
    /// The claims of a JWT that it signed.
    fn claims(&self, token: &str) -> Option<Value> {
        let (text, signature) = token.rsplit_once('.')?;
        let (header, claims) = text.split_once('.')?;
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let header: Value = serde_json::from_slice(&part(header)?).ok()?;
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public);
        key.verify(text.as_bytes(), &part(signature)?).ok()?;
        (header["alg"] == "RS256").then(|| serde_json::from_slice(&part(claims)?).ok())?
    }
}

/// Levels by name, as in `contents: write`.
pub(super) type Permissions = BTreeMap<String, String>;

/// Whether these permissions hold one of this level, or of a higher one.
fn covers(granted: &Permissions, name: &str, level: &str) -> bool {
    let rank = |level: &str| ["read", "write", "admin"].iter().position(|one| *one == level);
    let held = granted.get(name).and_then(|level| rank(level));
    held.is_some_and(|held| rank(level).is_some_and(|asked| held >= asked))
}

/// Who a request is from.
#[derive(Clone, Debug)]
pub(super) enum Actor {
    Nobody,
    /// The App itself, by a JWT.
    App,
    Installation(Permissions),
    User,
}

impl Actor {
    pub(super) fn may(&self, name: &str, level: &str) -> bool {
        match self {
            Self::Nobody | Self::App => false,
            Self::Installation(granted) => covers(granted, name, level),
            Self::User => name != "administration",
        }
    }
    /// Its login and its number.
    pub(super) fn login(&self) -> (&'static str, u64) {
        match self {
            Self::User => ("octocat", super::USER_ID),
            _ => ("pinlib-bot[bot]", super::BOT_ID),
        }
    }
}

#[derive(Clone, Debug)]
struct Token {
    permissions: Permissions,
    expires: i64,
    unready: u32,
}

/// The tokens in force, and all secrets that were seen.
#[derive(Debug, Default)]
pub(super) struct Access {
    tokens: HashMap<String, Token>,
    pub(super) secrets: Vec<String>,
}

/// What stands behind `Bearer` or `token`.
fn credentials(request: &Request) -> Option<&str> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    ["bearer", "token"].contains(&scheme.to_ascii_lowercase().as_str()).then_some(token.trim())
}

fn refused(message: &str) -> Answer {
    Answer::refused(401, message)
}

impl Hub {
    /// Who asks.
    pub(super) fn actor(&self, request: &Request) -> Result<Actor, Answer> {
        let Some(token) = credentials(request) else {
            let anonymous = request.header("authorization").is_none();
            return if anonymous { Ok(Actor::Nobody) } else { Err(refused("Bad credentials")) };
        };
        if token == TOKEN {
            return Ok(Actor::User);
        }
        let (settings, now) = (self.settings(), self.now());
        let mut access = self.access();
        if token.starts_with("eyJ") {
            if !access.secrets.iter().any(|one| one == token) {
                access.secrets.push(token.to_owned());
            }
            return self.app(token, settings.client_id_is_issuer, now).map(|()| Actor::App);
        }
        let held = access.tokens.get_mut(token).filter(|token| token.expires > now);
        let held = held.ok_or_else(|| refused("Bad credentials"))?;
        if held.unready > 0 {
            held.unready -= 1;
            return Err(refused("Bad credentials"));
        }
        if settings.suspended {
            return Err(Answer::refused(403, "This installation has been suspended"));
        }
        Ok(Actor::Installation(held.permissions.clone()))
    }
    /// Whether a JWT is the App's.
    fn app(&self, token: &str, by_client_id: bool, now: i64) -> Result<(), Answer> {
        let claims =
            self.key.claims(token).ok_or_else(|| refused("A JSON web token could not be decoded"))?;
        let issuer = match &claims["iss"] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if issuer != APP_ID.to_string() && issuer != CLIENT_ID {
            return Err(Answer::refused(404, "Integration not found"));
        }
        if issuer == CLIENT_ID && !by_client_id {
            return Err(refused("'Issuer' claim ('iss') must be an Integer"));
        }
        if claims["iat"].as_i64().is_none_or(|issued| issued > now) {
            return Err(refused(
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
            ));
        }
        match claims["exp"].as_i64() {
            Some(end) if end > now + 600 => {
                Err(refused("'Expiration time' claim ('exp') is too far in the future"))
            }
            Some(end) if end > now => Ok(()),
            _ => Err(refused(
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
            )),
        }
    }
    /// Makes an installation token, no wider than the installation.
    pub(super) fn mint(&self, installation: &str, body: &str) -> Answer {
        let settings = self.settings();
        if installation != INSTALLATION.to_string() || !settings.installed {
            return Answer::not_found();
        }
        if settings.suspended {
            return Answer::refused(403, "This installation has been suspended");
        }
        let wish: Value =
            if body.is_empty() { json!({}) } else { serde_json::from_str(body).unwrap_or_default() };
        if !wish.is_object() {
            return Answer::refused(400, "Problems parsing JSON");
        }
        let listed = |name: &str| wish[name].as_array().into_iter().flatten();
        let known = |name: &Value| name.as_str().is_some_and(|name| name.eq_ignore_ascii_case(NAME));
        let all = listed("repositories").all(known)
            && listed("repository_ids").all(|id| *id == json!(REPOSITORY_ID));
        let narrowed = listed("repositories").chain(listed("repository_ids")).next().is_some();
        if !all || (narrowed && settings.selection == Selection::Others) {
            return Answer::refused(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation.",
            );
        }
        let mut permissions = match wish["permissions"].as_object() {
            Some(asked) => {
                let level = |level: &Value| level.as_str().unwrap_or_default().to_owned();
                asked.iter().map(|(name, value)| (name.clone(), level(value))).collect()
            }
            None => settings.permissions.clone(),
        };
        if !permissions.iter().all(|(name, level)| covers(&settings.permissions, name, level)) {
            return Answer::refused(422, "The permissions requested are not granted to this installation.");
        }
        permissions.entry("metadata".into()).or_insert_with(|| "read".into());
        let Ok(token) = random(&SystemRandom::new()) else { return Answer::refused(500, "Server Error") };
        let expires = self.now() + settings.token_seconds;
        let mut answer = json!({
            "token": token, "expires_at": clock::utc(expires), "permissions": permissions,
            "repository_selection": if narrowed || settings.selection != Selection::All { "selected" } else { "all" },
        });
        if narrowed {
            answer["repositories"] = json!([self.repository_shape(&settings, false)]);
        }
        let mut access = self.access();
        access.secrets.push(token.clone());
        access.tokens.insert(token, Token { permissions, expires, unready: settings.unready });
        Answer::json(201, &answer)
    }
    /// Ends the token that a request came with.
    pub(super) fn revoke(&self, request: &Request) -> Answer {
        let held = credentials(request).and_then(|token| self.access().tokens.remove(token));
        match held {
            Some(_) => Answer { status: 204, headers: Vec::new(), body: String::new() },
            None => Answer::refused(403, "Resource not accessible by personal access token"),
        }
    }
}

/// A token in the long form that GitHub moves to.
fn random(source: &SystemRandom) -> Result<String, ring::error::Unspecified> {
    let mut bytes = [0; 180];
    source.fill(&mut bytes)?;
    let text = URL_SAFE_NO_PAD.encode(bytes);
    let (head, rest) = text.split_at(60);
    let (middle, tail) = rest.split_at(120);
    Ok(format!("ghs_{head}.{middle}.{tail}"))
}
