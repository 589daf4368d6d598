//! Who we are to a registry: never anybody else, never to anybody else, and never nobody after a refusal.

use crate::{
    registry_answers::{anonymous, manifest, run, script},
    registry_worlds::{given, http, image, user},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use pinlib::{BackendError, BackendErrorKind, Http, Logins, OciOptions, OciRegistry, RawManifest, Registry};
use pinlib_testkit::{
    image::{Image, Recipe, Variant},
    servers::{
        registry::{Door, RegistryServer},
        script::{Reply, Request, Script},
        token::{TokenServer, User},
    },
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicUsize, Ordering::SeqCst},
};
use tempfile::TempDir;

fn basic() -> String {
    let User { name, password, .. } = user();
    STANDARD.encode(format!("{name}:{password}"))
}

fn registry(logins: Logins) -> OciRegistry {
    OciRegistry::new(http(), OciOptions { logins, ..OciOptions::default() })
}

fn read(server: &Script, logins: Logins) -> Result<RawManifest, BackendError> {
    run(registry(logins).manifest(&image(&format!("{}/acme/app:v1", server.address()))))
}

fn unauthorized(answer: &Result<RawManifest, BackendError>) -> String {
    let error = answer.as_ref().expect_err("it is refused");
    assert_eq!(error.kind(), BackendErrorKind::Unauthorized, "{error}");
    error.to_string()
}

fn json(status: &str, body: &str) -> Reply {
    Reply::with(status, &[("content-type", "application/json")], body.as_bytes())
}

fn challenge(realm: &str) -> Reply {
    let value = format!("Bearer realm=\"{realm}\",service=\"test\",scope=\"repository:other:pull,push\"");
    Reply::with("401 Unauthorized", &[("www-authenticate", &value)], b"{}")
}

/// As GHCR is: it asks everybody for a token, gives one to nobody in particular, and refuses a login that is wrong.
fn hub() -> Script {
    script(|request| {
        let host = request.header("host").expect("a host");
        match (request.target.split('?').next(), request.header("authorization")) {
            (Some("/token"), None) => json("200 OK", r#"{"token":"nobody"}"#),
            (Some("/token"), Some(login)) if login == format!("Basic {}", basic()) => {
                json("200 OK", r#"{"access_token":"user"}"#)
            }
            (Some("/token"), Some(_)) => {
                json("403 Forbidden", r#"{"errors":[{"code":"DENIED","message":"denied"}]}"#)
            }
            (_, Some("Bearer nobody" | "Bearer user")) => manifest(b"{}"),
            _ => challenge(&format!("http://{host}/token")),
        }
    })
}

fn asked(server: &Script) -> Vec<String> {
    let one = |request: Request| {
        let authorization = request.header("authorization").unwrap_or("-").to_owned();
        format!("{} {authorization}", request.target)
    };
    server.requests().into_iter().map(one).collect()
}

const TOKEN: &str = "/token?service=test&scope=repository%3Aacme%2Fapp%3Apull";
const TAG: &str = "/v2/acme/app/manifests/v1";

#[test]
fn a_token_is_asked_for_as_the_login_says_and_kept() {
    let server = hub();
    assert!(read(&server, Logins::Anonymous).is_ok());
    assert_eq!(asked(&server), [format!("{TAG} -"), format!("{TOKEN} -"), format!("{TAG} Bearer nobody")]);
    let server = hub();
    let (registry, name) = (registry(given(&server.address())), format!("{}/acme/app:v1", server.address()));
    let twice =
        run(async { (registry.manifest(&image(&name)).await, registry.manifest(&image(&name)).await) });
    assert!(twice.0.is_ok() && twice.1.is_ok());
    let token = format!("{TOKEN} Basic {}", basic());
    let (first, user) = (format!("{TAG} -"), format!("{TAG} Bearer user"));
    assert_eq!(
        asked(&server),
        [first, token, user.clone(), user],
        "the registry's wider scope is not asked for"
    );
}

#[test]
fn a_refused_login_never_turns_anonymous() {
    let server = hub();
    let Logins::Given(mut logins) = given(&server.address()) else { unreachable!() };
    logins[0].secret = "wrong".into();
    let text = unauthorized(&read(&server, Logins::Given(logins)));
    assert!(
        text.contains("the login is refused: 127.0.0.1 answered 403 Forbidden (DENIED: denied)"),
        "{text}"
    );
    let asked = asked(&server);
    assert!(asked.len() == 2 && asked[1].starts_with(&format!("{TOKEN} Basic ")), "{asked:?}");
}

#[test]
fn a_login_is_for_its_own_registry() {
    let server = hub();
    for other in ["127.0.0.1", "ghcr.io", "127.0.0.1:1"] {
        assert!(read(&server, given(other)).is_ok());
    }
    assert!(asked(&server).iter().all(|line| !line.contains("Basic")));
    let wants =
        script(|_| Reply::with("401 Unauthorized", &[("www-authenticate", "Basic realm=\"x\"")], b""));
    let text = unauthorized(&read(&wants, given("ghcr.io")));
    assert!(
        text.ends_with("wants a login, and there is none for it") && wants.requests().len() == 1,
        "{text}"
    );
}

#[test]
fn a_password_that_is_refused_is_sent_once() {
    let server =
        script(|_| Reply::with("401 Unauthorized", &[("www-authenticate", "Basic realm=\"x\"")], b""));
    unauthorized(&read(&server, given(&server.address())));
    assert_eq!(asked(&server), [format!("{TAG} -"), format!("{TAG} Basic {}", basic())]);
}

/// GHCR says DENIED without asking who we are.
#[test]
fn a_refusal_that_asks_nothing_is_an_error() {
    let server = script(|_| json("401 Unauthorized", r#"{"errors":[{"code":"DENIED"}]}"#));
    let text = unauthorized(&read(&server, given(&server.address())));
    assert!(
        text.ends_with("127.0.0.1 answered 401 Unauthorized (DENIED)") && server.requests().len() == 1,
        "{text}"
    );
}

#[test]
fn a_token_that_runs_out_is_asked_for_again_once() {
    let given_out = AtomicUsize::new(0);
    let server = script(move |request| {
        let host = request.header("host").expect("a host");
        let last = format!("Bearer {}", given_out.load(SeqCst));
        if request.target.starts_with("/token") {
            return json("200 OK", &format!(r#"{{"token":"{}"}}"#, given_out.fetch_add(1, SeqCst) + 1));
        }
        // Each token is good for one tag.
        match request.header("authorization") {
            Some(token) if token == last && request.target.ends_with(&last[7..]) => manifest(b"{}"),
            _ => challenge(&format!("http://{host}/token")),
        }
    });
    let registry = registry(Logins::Anonymous);
    let names = ["1", "2", "9"].map(|tag| image(&format!("{}/acme/app:{tag}", server.address())));
    let [one, two, never] = names.map(|name| run(registry.manifest(&name)));
    assert!(one.is_ok() && two.is_ok());
    unauthorized(&never);
    let tokens = server.requests().into_iter().filter(|request| request.target.starts_with("/token"));
    assert_eq!((tokens.count(), server.requests().len()), (3, 9));
}

/// Asks a registry whose challenge names this realm; what the realm's host was asked is empty.
#[test]
fn a_login_is_not_sent_where_it_must_not_go() {
    let thief = script(|_| json("200 OK", r#"{"token":"stolen"}"#));
    let port = thief.address().rsplit_once(':').expect("a port").1.to_owned();
    let client = Http::settings().no_proxy().resolve("thief.test", ([127, 0, 0, 1], 0).into());
    drop(http());
    let http = Http::new(client).expect("a client");
    for realm in
        [format!("http://thief.test:{port}/token"), format!("http://user:pass@{}/token", thief.address())]
    {
        let named = realm.clone();
        let server = script(move |_| challenge(&named));
        let logins = given(&server.address());
        let registry = OciRegistry::new(http.clone(), OciOptions { logins, ..OciOptions::default() });
        let answer = run(registry.manifest(&image(&format!("{}/acme/app:v1", server.address()))));
        assert!(unauthorized(&answer).contains("wants its login sent to "), "{answer:?}");
        assert_eq!((server.requests().len(), thief.requests().len()), (1, 0), "{realm}");
    }
}

#[test]
fn a_login_follows_no_redirect() {
    let thief = script(|_| json("200 OK", r#"{"token":"stolen"}"#));
    let place = format!("http://{}/token", thief.address());
    let server = script(move |request| {
        let host = request.header("host").expect("a host");
        if request.target.starts_with("/token") {
            return Reply::with("307 Temporary Redirect", &[("location", &place)], b"");
        }
        challenge(&format!("http://{host}/token"))
    });
    let error = read(&server, given(&server.address())).expect_err("a redirect");
    assert!(error.to_string().contains("a login follows no redirect"), "{error}");
    assert!(thief.requests().is_empty());
}

#[test]
fn no_credential_follows_a_redirect_to_another_host() {
    for asks in [false, true] {
        let storage = script(move |request| match request.header("host") {
            Some(host) if asks => challenge(&format!("http://{host}/token")),
            _ => manifest(b"{}"),
        });
        let place = format!("http://{}/manifest", storage.address());
        let server =
            script(move |request| match (request.target.as_str(), request.header("authorization")) {
                (_, None) => {
                    Reply::with("401 Unauthorized", &[("www-authenticate", "Basic realm=\"x\"")], b"")
                }
                ("/here", Some(_)) => Reply::with("307 Temporary Redirect", &[("location", &place)], b""),
                _ => Reply::with("307 Temporary Redirect", &[("location", "/here")], b""),
            });
        let answer = read(&server, given(&server.address()));
        assert_eq!(answer.is_ok(), !asks, "{answer:?}");
        assert_eq!(server.requests().len(), 3, "it stays with its own host");
        assert_eq!(asked(&storage), ["/manifest -"], "whoever asks");
    }
}

/// A registry that lets everybody in, and sends its readers to somebody who asks for more.
#[test]
fn another_host_that_asks_is_told_nothing() {
    let thief =
        script(|request| challenge(&format!("http://{}/token", request.header("host").expect("a host"))));
    let place = format!("http://{}/manifest", thief.address());
    let server = script(move |_| Reply::with("307 Temporary Redirect", &[("location", &place)], b""));
    unauthorized(&read(&server, given(&server.address())));
    assert_eq!(asked(&thief), ["/manifest -"]);
}

/// A server that quotes back what it was shown.
#[test]
fn a_secret_that_is_quoted_back_is_hidden() {
    let parrot = |status: &'static str, scheme: &'static str| {
        script(move |request| {
            let host = request.header("host").expect("a host");
            let shown = request.header("authorization").unwrap_or_default();
            let words = format!("{shown} {} {}", user().password, request.body);
            let complaint = format!(r#"{{"errors":[{{"code":"DENIED","message":"{words}"}}]}}"#);
            match (request.target.starts_with("/token"), shown) {
                (true, _) if scheme == "token" => json(status, &complaint),
                (true, _) => json("200 OK", r#"{"token":"very/secret"}"#),
                (false, "") if scheme == "Basic" => {
                    Reply::with("401 Unauthorized", &[("www-authenticate", "Basic realm=\"x\"")], b"")
                }
                (false, "") => challenge(&format!("http://{host}/token")),
                _ => json(status, &complaint.replace(&user().password, "")),
            }
        })
    };
    for status in ["401 Unauthorized", "403 Forbidden", "500 Internal Server Error", "404 Not Found"] {
        for scheme in ["token", "Basic", "Bearer"] {
            let server = parrot(status, scheme);
            let error = read(&server, given(&server.address())).expect_err(scheme);
            let shown = format!("{error} {error:?}");
            for secret in [&user().password, &basic(), "very/secret"] {
                assert!(!shown.contains(secret) && shown.contains("***"), "{scheme} {status}: {shown}");
            }
        }
    }
}

#[test]
fn a_registry_with_an_authority_of_its_own_is_trusted_as_told() {
    let Some(server) = RegistryServer::start(&Door::Open, true).expect("a registry") else { return };
    let pushed = Recipe::of(["linux/amd64"].map(Variant::of)).index();
    if !server.push_image(&pushed, "acme/app:v1", None).expect("skopeo pushes") {
        return;
    }
    drop(http());
    let settings = || Http::settings().no_proxy().resolve("registry.test", ([127, 0, 0, 1], 0).into());
    let port = server.address().rsplit_once(':').expect("a port").1.to_owned();
    let name = image(&format!("registry.test:{port}/acme/app:v1"));
    let stranger =
        run(anonymous(Http::new(settings()).expect("a client")).manifest(&name)).expect_err("a stranger");
    assert_eq!(stranger.kind(), BackendErrorKind::Unavailable);
    assert!(stranger.to_string().contains("certificate"), "{stranger}");
    let pem = fs::read(server.authority()).expect("a certificate");
    let authority = reqwest::Certificate::from_pem(&pem).expect("a certificate");
    let http = Http::new(settings().tls_certs_merge([authority])).expect("a client");
    assert_eq!(run(anonymous(http).manifest(&name)).expect("a manifest").bytes, pushed.root.bytes);
}

#[test]
fn a_proxy_and_plain_http_are_as_the_user_says() {
    let proxy = script(|_| manifest(b"{}"));
    let through = reqwest::Proxy::all(format!("http://{}", proxy.address())).expect("a proxy");
    drop(http());
    let http = Http::new(Http::settings().proxy(through)).expect("a client");
    let options = OciOptions { logins: Logins::Anonymous, plain_http: vec!["registry.test:5000".into()] };
    assert!(
        run(OciRegistry::new(http.clone(), options).manifest(&image("registry.test:5000/app:v1"))).is_ok()
    );
    assert_eq!(proxy.requests()[0].target, "http://registry.test:5000/v2/app/manifests/v1");
    // Nobody allowed this one: what leaves is the wish for a tunnel.
    assert!(run(anonymous(http).manifest(&image("registry.test:5000/app:v1"))).is_err());
    assert_eq!(proxy.requests()[1].method, "CONNECT");
}

/// A file in docker's or podman's format.
fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(&path, text).expect("a file");
    path
}

fn auths(registry: &str, auth: &str) -> String {
    format!(r#"{{"auths":{{"{registry}":{{"auth":"{auth}"}}}}}}"#)
}

#[test]
fn login_files_of_docker_and_podman_are_read() {
    let (folder, server) = (TempDir::new().expect("a folder"), hub());
    let (host, wrong) = (server.address(), STANDARD.encode("user:wrong"));
    let at = |name: &str, text: &str| file(folder.path(), name, text);
    let both =
        format!(r#"{{"auths":{{"{host}":{{"auth":"{wrong}"}},"{host}/acme":{{"auth":"{}"}}}}}}"#, basic());
    for (files, user) in [
        (vec![at("docker", &auths(&host, &basic()))], "user"),
        (vec![at("address", &auths(&format!("https://{host}/v1/"), &basic()))], "user"),
        (vec![at("podman", &both)], "user"),
        (vec![at("repository", &auths(&format!("{host}/acme/app"), &basic()))], "user"),
        (vec![at("elsewhere", &auths("ghcr.io", &basic()))], "nobody"),
        (vec![at("sibling", &auths(&format!("{host}/acme/ap"), &basic()))], "nobody"),
        (vec![at("empty", "{}"), at("second", &auths(&host, &basic()))], "user"),
        (vec![], "nobody"),
    ] {
        assert!(read(&server, Logins::Files(files.clone())).is_ok(), "{files:?}");
        assert_eq!(asked(&server).pop(), Some(format!("{TAG} Bearer {user}")), "{files:?}");
    }
    let before = server.requests().len();
    for (file, says) in [
        (folder.path().join("missing"), "No such file"),
        (at("broken", &format!("{{\"auths\": \"{}\" ", basic())), "not a login file: line 1 column"),
        (at("base64", &auths(&host, "***")), "decode"),
        (at("first", &auths(&host, &wrong)), "the login is refused"),
        (at("absent", &format!(r#"{{"credHelpers":{{"{host}":"pinlib-absent"}}}}"#)), "helper"),
    ] {
        let text =
            unauthorized(&read(&server, Logins::Files(vec![file, at("second", &auths(&host, &basic()))])));
        assert!(text.contains(says) && !text.contains(&basic()) && !text.contains(&wrong), "{text}");
    }
    let asked = asked(&server)[before..].to_vec();
    assert!(asked.iter().all(|line| !line.contains("Bearer")), "none read as somebody else: {asked:?}");
}

fn real(logins: impl Fn(&str) -> Logins, door: &Door) {
    let Some(server) = RegistryServer::start(door, false).expect("a registry") else { return };
    let (User { name, password, .. }, pushed): (_, Image) =
        (user(), Recipe::of(["linux/amd64"].map(Variant::of)).index());
    if !server.push_image(&pushed, "acme/app:v1", Some((&name, &password))).expect("skopeo pushes") {
        return;
    }
    let read = |logins| run(registry(logins).manifest(&image(&format!("{}/acme/app:v1", server.address()))));
    assert_eq!(read(logins(&server.address())).expect("a manifest").bytes, pushed.root.bytes);
    unauthorized(&read(Logins::Anonymous));
}

#[test]
fn a_real_registry_takes_a_password_of_a_file() {
    let folder = TempDir::new().expect("a folder");
    let logins = |host: &str| Logins::Files(vec![file(folder.path(), "config.json", &auths(host, &basic()))]);
    real(logins, &Door::Password(user().name, user().password));
}

#[test]
fn a_real_registry_takes_tokens_for_an_identity_token() {
    let Some(tokens) = TokenServer::start(user()).expect("a token server") else { return };
    let folder = TempDir::new().expect("a folder");
    let logins = |host: &str| {
        let text = format!(r#"{{"auths":{{"{host}":{{"identitytoken":"{}"}}}}}}"#, user().identity_token);
        Logins::Files(vec![file(folder.path(), "config.json", &text)])
    };
    real(logins, &tokens.door());
    assert!(tokens.requests().iter().any(|request| request.method == "POST"), "by OAuth's form");
}

/// Where nobody says who we are, docker's and podman's files do. The environment is set for a child: this process's is
/// shared.
#[test]
fn as_docker_is() {
    // Nothing to do but where the test below runs it.
    let Ok(name) = std::env::var("PINLIB_TEST_IMAGE") else { return };
    match run(registry(Logins::default()).manifest(&image(&name))) {
        Ok(_) => {}
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_environment_says_who_we_are() {
    let (folder, server) = (TempDir::new().expect("a folder"), hub());
    let (at, host) = (folder.path(), server.address());
    let helper = |name: &str, text: &str| {
        let path = file(at, &format!("bin/docker-credential-{name}"), &format!("#!/bin/sh\n{text}\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("a mode");
    };
    let User { name, password, .. } = user();
    helper(
        "good",
        &format!(
            "read host\ntest \"$1 $host\" = \"get {host}\" || exit 3\nprintf '%s' '{{\"Username\":\"{name}\",\"Secret\":\"{password}\"}}'"
        ),
    );
    helper("none", "read host\necho 'credentials not found in native keychain'\nexit 1");
    helper("bad", &format!("read host\necho '{password}'\necho 'the keychain is locked' >&2\nexit 1"));
    let login = auths(&host, &basic());
    file(at, "docker/config.json", &login);
    file(at, "podman/auth.json", &login);
    file(at, "run/containers/auth.json", &login);
    file(at, "home/.config/containers/auth.json", &login);
    file(at, "home2/.docker/config.json", &login);
    for (kind, name) in [("credHelpers", "good"), ("credHelpers", "bad"), ("credHelpers", "none")] {
        file(at, &format!("{name}/config.json"), &format!(r#"{{"{kind}":{{"{host}":"{name}"}}}}"#));
        file(
            at,
            &format!("store-{name}/config.json"),
            &format!(r#"{{"auths":{{"{host}":{{}}}},"credsStore":"{name}"}}"#),
        );
    }
    file(at, "gone/config.json", r#"{"credsStore":"gone"}"#);
    for (variable, value, wanted) in [
        ("DOCKER_CONFIG", "docker", Ok("user")),
        ("REGISTRY_AUTH_FILE", "podman/auth.json", Ok("user")),
        ("XDG_RUNTIME_DIR", "run", Ok("user")),
        ("HOME", "home", Ok("user")),
        ("HOME", "home2", Ok("user")),
        ("XDG_CONFIG_HOME", "home/.config", Ok("user")),
        ("HOME", "empty", Ok("nobody")),
        ("DOCKER_CONFIG", "empty", Ok("nobody")),
        ("REGISTRY_AUTH_FILE", "empty/auth.json", Err("No such file")),
        ("DOCKER_CONFIG", "good", Ok("user")),
        ("DOCKER_CONFIG", "store-good", Ok("user")),
        ("DOCKER_CONFIG", "none", Ok("nobody")),
        ("DOCKER_CONFIG", "store-none", Ok("nobody")),
        ("DOCKER_CONFIG", "bad", Err("docker-credential-bad failed the keychain is locked")),
        ("DOCKER_CONFIG", "store-bad", Err("docker-credential-bad failed")),
        ("DOCKER_CONFIG", "gone", Err("helper")),
    ] {
        let before = server.requests().len();
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "registry_logins::as_docker_is", "--nocapture"])
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", at.join("bin").display()))
            .env("PINLIB_TEST_IMAGE", format!("{host}/acme/app:v1"))
            .env(variable, at.join(value))
            .output()
            .expect("a child");
        let said = String::from_utf8_lossy(&child.stderr);
        let last = asked(&server)[before..].last().cloned().unwrap_or_default();
        match wanted {
            Ok(user) => assert_eq!(last, format!("{TAG} Bearer {user}"), "{variable}={value}: {said}"),
            Err(text) => {
                assert!(!child.status.success() && said.contains(text), "{variable}={value}: {said}");
                assert_eq!(
                    last,
                    format!("{TAG} -"),
                    "{variable}={value}: nobody in particular is not asked for"
                );
            }
        }
        assert!(!said.contains(&password), "{said}");
    }
}
