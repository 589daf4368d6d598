//! What registries answer when they should not: one clear line each, and its kind.

use crate::registry_worlds::{http, image};
use pinlib::{
    BackendError, BackendErrorKind, Digest, Http, Logins, OciOptions, OciRegistry, RawManifest, Registry,
};
use pinlib_testkit::servers::script::{Reply, Request, Script, head};
use std::time::{Duration, Instant};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

pub(crate) fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Runtime::new().expect("a runtime").block_on(future)
}

pub(crate) fn anonymous(http: Http) -> OciRegistry {
    OciRegistry::new(http, OciOptions { logins: Logins::Anonymous, ..OciOptions::default() })
}

pub(crate) fn script(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Script {
    Script::start(answer).expect("a server")
}

pub(crate) fn manifest(bytes: &[u8]) -> Reply {
    Reply::with("200 OK", &[("content-type", MANIFEST)], bytes)
}

fn ask(reply: &Reply, name: &str) -> Result<RawManifest, BackendError> {
    let reply = reply.clone();
    let server = script(move |_| reply.clone());
    // Impatient, so that a test is not.
    let settings =
        Http::settings().no_proxy().read_timeout(Duration::from_millis(300)).timeout(Duration::from_secs(2));
    drop(http());
    let http = Http::new(settings).expect("a client");
    run(anonymous(http).manifest(&image(&format!("{}/app{name}", server.address()))))
}

fn one_line(error: &BackendError) -> String {
    let text = error.to_string();
    let plain = |c: char| !c.is_control() && c != '\u{202e}';
    assert!(text.chars().all(plain) && text.len() < 700 && text.starts_with("cannot read"), "{text:?}");
    text
}

#[test]
fn each_wrong_answer_has_its_kind_and_one_line() {
    use BackendErrorKind::{Invalid, NotFound, RateLimited, Unauthorized, Unavailable};
    let body = |status: &str, kind: &str, body: &str| {
        Reply::with(status, &[("content-type", kind)], body.as_bytes())
    };
    let json = |status: &str, text: &str| body(status, "application/json", text);
    let denied = r#"{"errors":[{"code":"DENIED","message":"re\u001b[31mquested \u202eaccess\nis denied"}]}"#;
    let cut =
        [head("200 OK", &[("content-type", MANIFEST)]), b"content-length: 999\r\n\r\n{".to_vec()].concat();
    let endless = [head("200 OK", &[("content-type", MANIFEST)]), b"\r\n".to_vec()].concat();
    let long = format!(r#"{{"errors":[{{"code":"X","message":"{}"}}]}}"#, "x".repeat(9000));
    let garbage =
        Reply::with("200 OK", &[("content-type", MANIFEST), ("docker-content-digest", "sha256:zz")], b"{}");
    let elsewhere = Reply::with("307 Temporary Redirect", &[("location", "http://evil.test/x")], b"");
    for (reply, kind, says) in [
        (
            body("200 OK", "text/html; charset=utf-8", "<html>log in"),
            Invalid,
            "\"text/html\", which is no image",
        ),
        (json("200 OK", "{}"), Invalid, "application/json"),
        (
            body("200 OK", "application/vnd.docker.distribution.manifest.v1+prettyjws", "{}"),
            Invalid,
            "v1+prettyjws",
        ),
        (Reply::with("200 OK", &[], b"{}"), Invalid, "\"\", which is no image"),
        (garbage, Invalid, "Docker-Content-Digest: \"sha256:zz\" is not a valid digest"),
        (json("401 Unauthorized", "{}"), Unauthorized, "127.0.0.1 answered 401 Unauthorized"),
        (
            json("403 Forbidden", denied),
            Unauthorized,
            "403 Forbidden (DENIED: re [31mquested  access is denied)",
        ),
        (
            json("404 Not Found", r#"{"errors":[{"code":"MANIFEST_UNKNOWN"}]}"#),
            NotFound,
            "(MANIFEST_UNKNOWN)",
        ),
        (json("429 Too Many Requests", r#"{"details":"slow down"}"#), RateLimited, "(slow down)"),
        (json("500 Internal Server Error", "{"), Unavailable, "500"),
        (json("503 Service Unavailable", "<html>"), Unavailable, "503"),
        (json("400 Bad Request", &long), Invalid, "…"),
        (json("206 Partial Content", "{}"), Invalid, "206"),
        (Reply::Raw(cut), Unavailable, "cannot read the manifest of"),
        (Reply::Raw(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), Unavailable, "cannot read the manifest of"),
        (Reply::Raw(Vec::new()), Unavailable, "cannot read the manifest of"),
        (Reply::Endless(endless.clone()), Invalid, "longer than 4194304 bytes"),
        (Reply::Drip(endless, Duration::from_millis(50)), Unavailable, "no answer in time"),
        (Reply::Silence(Duration::from_secs(5)), Unavailable, "no answer in time"),
        (elsewhere, Invalid, "redirects to evil.test in plain http"),
        (Reply::with("302 Found", &[], b""), Invalid, "redirects to no place that can be read"),
        (Reply::with("302 Found", &[("location", "/v2/")], b""), Invalid, "redirects more than 5 times"),
    ] {
        let start = Instant::now();
        let error = ask(&reply, ":v1").expect_err(says);
        let text = one_line(&error);
        assert!(error.kind() == kind && text.contains(says), "{:?} of {says:?}: {text}", error.kind());
        assert!(start.elapsed() < Duration::from_secs(4), "{says}: {:?}", start.elapsed());
    }
}

#[test]
fn nobody_listens_is_unavailable() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("a port");
    let error = run(anonymous(http()).manifest(&image(&format!("{free}/app")))).expect_err("nobody");
    assert_eq!(error.kind(), BackendErrorKind::Unavailable);
    assert!(one_line(&error).contains("refused"), "{error}");
}

#[test]
fn the_servers_wish_to_be_asked_later_is_kept() {
    let dates = [("retry-after", "Fri, 31 Dec 1999 23:59:59 GMT"), ("date", "Fri, 31 Dec 1999 23:59:29 GMT")];
    let wait = |status, headers: &[(&str, &str)]| {
        ask(&Reply::with(status, headers, b""), ":v1")
            .expect_err(status)
            .retry_after()
            .map(|wait| wait.as_secs())
    };
    assert_eq!(wait("429 Too Many Requests", &[("retry-after", "17")]), Some(17));
    assert_eq!(wait("503 Service Unavailable", &[("retry-after", "17")]), Some(17));
    assert_eq!(wait("429 Too Many Requests", &dates), Some(30), "against the server's own clock");
    assert_eq!(wait("429 Too Many Requests", &dates[..1]), None);
    assert_eq!(wait("429 Too Many Requests", &[("retry-after", "soon")]), None);
    assert_eq!(wait("429 Too Many Requests", &[("retry-after", "99999999999999999999999")]), None);
    assert_eq!(wait("404 Not Found", &[("retry-after", "17")]), None, "a typing error does not wait");
}

/// Just after a push, a registry may not know yet what it was given.
#[test]
fn a_digest_that_is_not_there_may_come() {
    let gone = Reply::with("404 Not Found", &[], b"");
    let by_digest = ask(&gone, &format!(":v1@{}", Digest::of(b"{}"))).expect_err("nothing");
    assert_eq!(by_digest.kind(), BackendErrorKind::NotFound);
    assert!(by_digest.retry_after().is_some());
    assert!(ask(&gone, ":v1").expect_err("nothing").retry_after().is_none());
}

#[test]
fn what_the_registry_claims_is_brought_and_not_believed() {
    let claim = Digest::of(b"another").to_string();
    let headers = [
        ("content-type", "Application/Vnd.Oci.Image.Manifest.v1+json;x=y"),
        ("docker-content-digest", &claim),
    ];
    let answer = ask(&Reply::with("200 OK", &headers, b"{}"), ":v1").expect("raw facts");
    assert_eq!(answer.claimed.map(|claimed| claimed.to_string()), Some(claim.clone()));
    assert_eq!((answer.media_type.as_str(), &answer.bytes[..]), (MANIFEST, &b"{}"[..]));
}

#[test]
fn redirects_are_followed_by_hand_and_lead_to_the_bytes() {
    let bytes = b"{\"a\":1}";
    let storage = script(move |_| Reply::with("200 OK", &[], bytes));
    let place = format!("http://{}/blob?signature=secret", storage.address());
    let server = script(move |request| match request.target.as_str() {
        "/elsewhere" => Reply::with("307 Temporary Redirect", &[("location", &place)], b""),
        _ => Reply::with("302 Found", &[("location", "/elsewhere")], b""),
    });
    let digest = Digest::of(bytes);
    let blob = run(anonymous(http()).blob(&image(&format!("{}/app", server.address())), digest));
    assert_eq!(blob.expect("a blob"), bytes);
    assert_eq!(server.requests()[0].target, format!("/v2/app/blobs/{digest}"));
}

#[test]
fn redirects_have_an_end() {
    let server = script(|_| Reply::with("302 Found", &[("location", "/v2/")], b""));
    assert!(run(anonymous(http()).manifest(&image(&format!("{}/app", server.address())))).is_err());
    assert_eq!(server.requests().len(), 6);
}
