//! What a git server, or something before it, may do wrong: lose an answer, repeat a request, lie, talk nonsense.

use crate::{
    git_world::{GitWorld, Reach, main_branch},
    remote::{FILE, Lossy, Remote, forge, present, serve},
};
use pinlib::{BackendErrorKind, CommitRange, Done, GitForge, Oid, OutcomeKind, PinError, Receipt};
use pinlib_testkit::{
    repository::Repository,
    servers::{
        git::GitServer,
        proxy::{Fate, Proxy},
    },
};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

/// A repository whose server is reached through a proxy.
fn behind(choose: impl Fn(&str) -> Fate + Send + Sync + 'static) -> Option<(Remote, Proxy, Oid)> {
    let remote = Remote::new(None, &[FILE])?;
    let proxy = Proxy::start(&remote.server.address(), choose).expect("a proxy");
    let source = remote.head();
    Some((remote, proxy, source))
}

fn url(proxy: &Proxy) -> String {
    format!("http://{}/repository.git", proxy.address())
}

fn is_push(request: &str) -> bool {
    request.starts_with("POST") && request.contains("/git-receive-pack")
}

/// Does this to pushes.
fn pushes(fate: Fate) -> impl Fn(&str) -> Fate {
    move |request| if is_push(request) { fate.clone() } else { Fate::Pass }
}

fn pin(remote: &Remote, proxy: &Proxy, source: Oid) -> Result<Receipt, PinError> {
    remote.pin(forge(&url(proxy), None), source, "one")
}

fn pushed(proxy: &Proxy) -> usize {
    proxy.log().iter().filter(|request| is_push(request)).count()
}

/// A git server behind a proxy that meddles with pushes.
struct Behind {
    proxy: Proxy,
    fate: Arc<Mutex<Fate>>,
    #[expect(dead_code, reason = "it serves while it lives")]
    server: GitServer,
}

impl Reach for Behind {
    fn reach(repository: &Repository) -> (Self, Arc<dyn GitForge>) {
        let (server, fate) = (serve(repository, None), Arc::new(Mutex::new(Fate::Pass)));
        let of_pushes = Arc::clone(&fate);
        let choose = move |request: &str| {
            if is_push(request) { of_pushes.lock().expect("no panic").clone() } else { Fate::Pass }
        };
        let proxy = Proxy::start(&server.address(), choose).expect("a proxy");
        let forge = forge(&url(&proxy), None);
        (Self { proxy, fate, server }, Arc::new(forge))
    }
}

impl Lossy for Behind {
    fn meddle(&self, fate: Fate) {
        *self.fate.lock().expect("no panic") = fate;
    }
    fn sent(&self) -> usize {
        pushed(&self.proxy)
    }
}

mod losses {
    pinlib_testkit::forge_loss_conformance!(super::GitWorld<super::Behind>, super::present());
}

#[test]
fn an_answer_that_is_lost_after_the_push_landed_is_found() {
    let fates =
        [Fate::DropAnswer, Fate::CutAnswer, Fate::Instead(502), Fate::Instead(200), Fate::Instead(302)];
    for fate in fates {
        let Some((remote, proxy, source)) = behind(pushes(fate.clone())) else { return };
        let receipt = pin(&remote, &proxy, source).unwrap_or_else(|error| panic!("{fate:?}: {error}"));
        assert!(matches!(receipt.done, Done::Pinned { .. } | Done::AlreadyPinned), "{fate:?}");
        assert_eq!((receipt.commit, remote.commits(), pushed(&proxy)), (remote.head(), 2, 1), "{fate:?}");
    }
}

#[test]
fn a_push_that_never_arrives_is_unknown() {
    for fate in
        [Fate::DropRequest, Fate::Answer(503, vec![], vec![]), Fate::Answer(200, vec![], b"<html>".into())]
    {
        let Some((remote, proxy, source)) = behind(pushes(fate.clone())) else { return };
        let error = pin(&remote, &proxy, source).expect_err("no pin");
        assert_eq!(error.kind(), OutcomeKind::Unknown, "{fate:?}: {error}");
        assert_eq!(remote.head(), source);
        assert_eq!(pushed(&proxy), 3, "sent again while the branch stands still, within the bound");
    }
}

#[test]
fn a_push_that_is_lost_once_lands_when_it_is_sent_again() {
    let sent = AtomicUsize::new(0);
    let first = move |request: &str| match request {
        request if is_push(request) && sent.fetch_add(1, Relaxed) == 0 => Fate::DropRequest,
        _ => Fate::Pass,
    };
    let Some((remote, proxy, source)) = behind(first) else { return };
    let receipt = pin(&remote, &proxy, source).expect("a pin");
    assert_eq!((receipt.commit, remote.commits()), (remote.head(), 2));
}

#[test]
fn a_push_that_something_sends_twice_lands_once() {
    let Some((remote, proxy, source)) = behind(pushes(Fate::Twice)) else { return };
    let receipt = pin(&remote, &proxy, source).expect("a pin");
    assert!(matches!(receipt.done, Done::Pinned { .. } | Done::AlreadyPinned));
    assert_eq!((receipt.commit, remote.commits()), (remote.head(), 2));
}

#[test]
fn a_push_that_is_turned_away_at_the_door_wrote_nothing() {
    for (status, kind) in [
        (401, OutcomeKind::Unauthorized),
        (403, OutcomeKind::Unauthorized),
        (404, OutcomeKind::NotFound),
        (429, OutcomeKind::Unavailable),
    ] {
        let fate =
            Fate::Answer(status, vec!["Retry-After: 7".into()].split_off(usize::from(status != 429)), vec![]);
        let Some((remote, proxy, source)) = behind(pushes(fate)) else { return };
        let error = pin(&remote, &proxy, source).expect_err("no pin");
        assert_eq!(error.kind(), kind, "{status}: {error}");
        if let PinError::Backend(error) = &error {
            assert_eq!(error.retry_after().map(|wait| wait.as_secs()), (status == 429).then_some(7));
        }
        assert_eq!((remote.head(), pushed(&proxy)), (source, 1), "sent once");
    }
}

#[test]
fn a_server_that_is_not_there_wrote_nothing() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let forge = forge("http://127.0.0.1:1/repository.git", None);
    let error = remote.pin(forge, remote.head(), "one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Unavailable, "{error}");
}

/// Packets, and the flush that ends them.
fn pkts(lines: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines {
        out.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
        out.extend_from_slice(line);
    }
    out.extend_from_slice(b"0000");
    out
}

fn result(service: &str, body: Vec<u8>) -> Fate {
    Fate::Answer(200, vec![format!("Content-Type: application/x-git-{service}-result")], body)
}

#[test]
fn only_a_whole_report_on_our_ref_alone_is_a_yes_or_a_no() {
    let (ok, ng): (&[u8], &[u8]) = (b"ok refs/heads/main\n", b"ng refs/heads/main stale info\n");
    let nonsense: [Vec<u8>; 10] = [
        vec![],
        pkts(&[]),
        pkts(&[b"unpack ok\n"]),
        pkts(&[ok]),
        pkts(&[b"unpack ok\n", b"ok refs/heads/other\n"]),
        pkts(&[b"unpack ok\n", ok, b"ok refs/heads/other\n"]),
        pkts(&[b"unpack ok\n", ok, ng]),
        pkts(&[b"unpack failed\n", ok]),
        pkts(&[b"\x03fatal: the disk burns\n"]),
        {
            let mut cut = pkts(&[b"unpack ok\n", ok]);
            cut.truncate(cut.len() - 4);
            cut
        },
    ];
    for body in nonsense {
        let text = String::from_utf8_lossy(&body).into_owned();
        let Some((remote, proxy, source)) = behind(pushes(result("receive-pack", body))) else { return };
        let error = pin(&remote, &proxy, source).expect_err("no pin");
        assert_eq!(error.kind(), OutcomeKind::Unknown, "{text}: {error}");
    }
    let says = |line: &[u8]| pushes(result("receive-pack", pkts(&[b"unpack ok\n", line])));
    for (reason, kind) in [
        ("stale info", OutcomeKind::HeadMoved),
        ("fetch first", OutcomeKind::HeadMoved),
        ("non-fast-forward", OutcomeKind::HeadMoved),
        ("failed to update ref", OutcomeKind::HeadMoved),
        ("incorrect old value provided", OutcomeKind::HeadMoved),
        ("protected branch hook declined", OutcomeKind::Rejected),
        ("push declined due to repository rule violations", OutcomeKind::Rejected),
        ("unpacker error", OutcomeKind::Rejected),
    ] {
        let line = format!("ng refs/heads/main {reason}\n");
        let Some((remote, proxy, source)) = behind(says(line.as_bytes())) else { return };
        let error = pin(&remote, &proxy, source).expect_err("no pin");
        assert_eq!((error.kind(), pushed(&proxy)), (kind, 1), "{reason}: {error}");
    }
}

#[test]
fn what_is_no_git_server_is_told_from_one() {
    let html = |status, headers: &[&str], body: &[u8]| {
        Fate::Answer(status, headers.iter().map(|line| (*line).to_owned()).collect(), body.to_vec())
    };
    let old = pkts(&[b"# service=git-upload-pack\n"]);
    let advertisement = "Content-Type: application/x-git-upload-pack-advertisement";
    for (fate, kind, says) in [
        (html(200, &["Content-Type: text/html"], b"<h1>Log in"), BackendErrorKind::Invalid, "text/html"),
        (html(200, &[advertisement], b"<h1>Log in"), BackendErrorKind::Invalid, "wire format"),
        (html(200, &[advertisement], b"0008vers"), BackendErrorKind::Unsupported, "version 2"),
        (html(200, &[advertisement], b"00"), BackendErrorKind::Unavailable, "cut off"),
        (html(200, &[advertisement], &old), BackendErrorKind::Unsupported, "version 2"),
        (html(200, &[advertisement], &vec![b'0'; 33 << 20]), BackendErrorKind::Incomplete, "longer than"),
        (html(401, &[], b""), BackendErrorKind::Unauthorized, "wants a login"),
        (html(404, &[], b""), BackendErrorKind::NotFound, "no such repository"),
        (html(429, &["Retry-After: 3"], b""), BackendErrorKind::RateLimited, "asks to wait"),
        (html(500, &[], b""), BackendErrorKind::Unavailable, "500"),
    ] {
        let Some((remote, proxy, _)) = behind(move |_| fate.clone()) else { return };
        let error = remote.block_on(forge(&url(&proxy), None).head(&main_branch())).expect_err("no head");
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(proxy.requests(), 1);
    }
}

#[test]
fn a_login_follows_no_redirect() {
    let login = Some(("bot", "a secret"));
    let Some(remote) = Remote::new(login, &[FILE]) else { return };
    let elsewhere = Proxy::start("127.0.0.1:1", |_| Fate::Answer(500, vec![], vec![])).expect("a proxy");
    let to = format!("Location: http://eve:s3cret@{}/new.git/info/refs?token=s3cret", elsewhere.address());
    let proxy = Proxy::start(&remote.server.address(), move |_| Fate::Answer(301, vec![to.clone()], vec![]));
    let forge = forge(&url(&proxy.expect("a proxy")), login);
    let error = remote.block_on(forge.head(&main_branch())).expect_err("no head");
    let text = format!("{error} {error:?}");
    assert!(text.contains(&format!("http://{}/new.git: use that address", elsewhere.address())), "{text}");
    assert!(!text.contains("s3cret") && !text.contains("a secret"), "{text}");
    assert_eq!(elsewhere.requests(), 0);
}

#[test]
fn a_wrong_login_is_told_and_not_shown() {
    let Some(remote) = Remote::new(Some(("bot", "a secret")), &[FILE]) else { return };
    let wrong = forge(&remote.url(), Some(("bot", "an0ther")));
    let error = remote.pin(wrong, remote.head(), "one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Unauthorized);
    assert!(
        error.to_string().contains("refuses the login") && !format!("{error:?}").contains("an0ther"),
        "{error:?}"
    );
}

#[test]
fn a_pack_that_is_not_what_was_asked_for_is_refused() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let other = remote.git(&["rev-parse", &format!("main:{}", FILE.0)]);
    let pack = |words: &[&str], input: &str| {
        use std::{io::Write, process::Stdio};
        let mut git = remote.repository.command();
        let mut git = git.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("git");
        git.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("git reads");
        git.wait_with_output().expect("git ends").stdout
    };
    let honest = pack(&["pack-objects", "--stdout", "-q"], &other);
    let flip = |at: usize| {
        let mut pack = honest.clone();
        let at = at.min(pack.len() - 1);
        pack[at] ^= 1;
        pack
    };
    let answer = |pack: &[u8]| result("upload-pack", pkts(&[b"packfile\n", &[b"\x01", pack].concat()]));
    let cases = [
        (answer(&honest), BackendErrorKind::Incomplete, "did not send"),
        (answer(&flip(0)), BackendErrorKind::Invalid, "does not begin as a pack"),
        (answer(&flip(13)), BackendErrorKind::Invalid, "checksum"),
        (answer(&flip(usize::MAX)), BackendErrorKind::Invalid, "checksum"),
        (answer(&honest[..9]), BackendErrorKind::Invalid, "cut off"),
        (result("upload-pack", b"<html>".into()), BackendErrorKind::Invalid, "wire format"),
        (result("upload-pack", b"000dpackfile\n".into()), BackendErrorKind::Unavailable, "cut off"),
        (
            result("upload-pack", pkts(&[b"packfile\n", b"\x03out of memory\n"])),
            BackendErrorKind::Unavailable,
            "memory",
        ),
        (
            result("upload-pack", pkts(&[b"ERR upload-pack: not our ref 1\n"])),
            BackendErrorKind::NotFound,
            "not our ref",
        ),
        (result("upload-pack", vec![b'0'; 33 << 20]), BackendErrorKind::Incomplete, "longer than"),
    ];
    for (fate, kind, says) in cases {
        let choose = move |request: &str| if request.starts_with("POST") { fate.clone() } else { Fate::Pass };
        let proxy = Proxy::start(&remote.server.address(), choose).expect("a proxy");
        let forge = crate::remote::forge(&url(&proxy), None);
        let wanted = [(remote.head(), FILE.0.parse().expect("a path"))];
        let error = remote.block_on(forge.read(&wanted)).expect_err("no file");
        assert!(error.kind() == kind && error.to_string().contains(says), "{error:?}");
    }
}

#[test]
fn a_history_is_found_whatever_the_dates_of_its_commits() {
    let Some(remote) = Remote::new(None, &[FILE]) else { return };
    let base = remote.head();
    // Git looks for a base among what is younger than it, and so not behind a commit that claims to be older.
    let mut upto = base;
    for _ in 0..3 {
        let script = format!(
            "commit refs/heads/main\ncommitter A <a@example.test> 1000 +0000\ndata 1\nx\nfrom {upto}\nM 100644 inline f\ndata 0\n\n"
        );
        remote.repository.feed(&["fast-import", "--quiet"], script.as_bytes()).expect("an import");
        upto = remote.head();
    }
    let history = remote
        .block_on(remote.forge().history(&CommitRange { base: Some(base), upto, limit: 9 }))
        .expect("a history");
    assert!(matches!(history, pinlib::History::Descends(facts) if facts.len() == 3));
}
