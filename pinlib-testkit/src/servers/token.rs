//! A token server, whose tokens a real registry believes.

use super::{
    output, program,
    registry::Door,
    script::{Reply, Request, Script},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};
use std::{
    fs, io,
    path::Path,
    process::Command,
    time::{SystemTime, UNIX_EPOCH},
};
use tempfile::TempDir;

/// Who a token server knows.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct User {
    pub name: String,
    pub password: String,
    /// What is taken in place of both, once a login was made.
    pub identity_token: String,
}

/// A token server that lets its user in, and nobody else.
#[derive(Debug)]
pub struct TokenServer {
    script: Script,
    folder: TempDir,
}

impl TokenServer {
    /// Starts one; `None` where openssl is missing.
    ///
    /// # Errors
    /// Where it cannot make its key; under `CI` also where openssl is missing.
    pub fn start(user: User) -> io::Result<Option<Self>> {
        let Some(openssl) = program("openssl")? else { return Ok(None) };
        let folder = TempDir::new()?;
        let [key, certificate] = ["key.pem", "certificate.pem"].map(|name| folder.path().join(name));
        let mut make = Command::new(&openssl);
        make.args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pinlib"]);
        output(make.arg("-keyout").arg(&key).arg("-out").arg(&certificate))?;
        let pem = fs::read_to_string(certificate)?;
        let der: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let header = json!({"typ": "JWT", "alg": "RS256", "x5c": [der]});
        let script = Script::start(move |request| match scope(request, &user) {
            Some(scope) => match sign(&openssl, &key, &header, &claims(&user.name, &scope)) {
                Ok(token) => {
                    let name = if request.method == "POST" { "access_token" } else { "token" };
                    let body = json!({name: token}).to_string();
                    Reply::with("200 OK", &[("content-type", "application/json")], body.as_bytes())
                }
                Err(error) => Reply::with("500 Internal Server Error", &[], error.to_string().as_bytes()),
            },
            None => Reply::with(
                "401 Unauthorized",
                &[("content-type", "application/json")],
                br#"{"errors":[{"code":"UNAUTHORIZED","message":"incorrect username or password"}]}"#,
            ),
        })?;
        Ok(Some(Self { script, folder }))
    }
    /// The door of a registry that believes it.
    pub fn door(&self) -> Door {
        Door::Token {
            realm: format!("http://{}/token", self.script.address()),
            certificate: self.folder.path().join("certificate.pem"),
        }
    }
    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        self.script.requests()
    }
}

/// What the user asks for; none for anybody else.
fn scope(request: &Request, user: &User) -> Option<String> {
    let wish = if request.method == "POST" { &request.body } else { request.target.split_once('?')?.1 };
    let field = |name: &str| {
        let value = wish.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
        Some(value.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",").replace("%2B", "+"))
    };
    let password = STANDARD.encode(format!("{}:{}", user.name, user.password));
    let known = request.header("authorization") == Some(&format!("Basic {password}"))
        || field("refresh_token").as_ref() == Some(&user.identity_token);
    if known { field("scope") } else { None }
}

fn claims(user: &str, scope: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let access: Vec<_> = scope
        .split(' ')
        .filter_map(|one| {
            let (kind, rest) = one.split_once(':')?;
            let (name, actions) = rest.rsplit_once(':')?;
            Some(json!({"type": kind, "name": name, "actions": actions.split(',').collect::<Vec<_>>()}))
        })
        .collect();
    json!({
        "iss": "pinlib", "sub": user, "aud": "pinlib", "jti": "1", "access": access,
        "iat": now, "nbf": now - 60, "exp": now + 300,
    })
}

fn sign(openssl: &Path, key: &Path, header: &Value, claims: &Value) -> io::Result<String> {
    let text = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let file = tempfile::NamedTempFile::new()?;
    fs::write(file.path(), &text)?;
    let signature =
        output(Command::new(openssl).args(["dgst", "-sha256", "-sign"]).arg(key).arg(file.path()))?;
    Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
