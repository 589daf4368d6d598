//! How long the core bears with servers: bounded in tries, never sooner than asked, never longer than agreed.

use crate::scene::{Scene, file, options, path};
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, CommitError, Digest, DigestSource, GuardedCommit, Oid, OutcomeKind,
    Patience, PinError, PinOptions, PinRequest, Pinner, Policy, RawManifest, Reference, Registry,
};
use pinlib_testkit::{
    broken::{Broken, Flaw},
    memory::{MemoryClock, MemoryForge},
    sim::run,
};
use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Answers with these errors in turn, then with the manifest.
#[derive(Debug)]
struct Moody(Mutex<Vec<BackendError>>);

impl fmt::Display for Moody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("moody registry")
    }
}

#[async_trait]
impl Registry for Moody {
    async fn manifest(&self, _: &Reference) -> Result<RawManifest, BackendError> {
        match self.0.lock().expect("a lock").pop() {
            Some(error) => Err(error),
            None => Ok(RawManifest {
                media_type: "application/vnd.oci.image.manifest.v1+json".into(),
                claimed: None,
                bytes: MANIFEST.into(),
            }),
        }
    }
    async fn blob(&self, _: &Reference, _: Digest) -> Result<Vec<u8>, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, "read a blob"))
    }
    async fn referrers(&self, _: &Reference) -> Result<RawManifest, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, "list referrers"))
    }
}

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;

/// Pins from a registry that fails so; how it ended, and how long it waited.
fn after(errors: Vec<BackendError>) -> (OutcomeKind, Duration) {
    let (scene, clock) = (Scene::quiet(), Arc::new(MemoryClock::default()));
    let mut image = scene.of("web", Policy::Exact).request.images()[0].clone();
    image.digest = DigestSource::Reported(Digest::of(MANIFEST.as_bytes()));
    let request = PinRequest::new(scene.source, scene.branch.clone(), vec![image], options(Policy::Exact));
    let registry = Arc::new(Moody(Mutex::new(errors.into_iter().rev().collect())));
    let pinner = Pinner {
        registry,
        clock: Arc::<MemoryClock>::clone(&clock),
        patience: Patience::default(),
        ..scene.pinner()
    };
    let end = run(pinner.pin(&request.expect("a request"), [1; 16].into()));
    (end.map_or_else(|error| error.kind(), |receipt| receipt.kind()), clock.waited())
}

#[test]
fn what_may_pass_is_asked_again_and_what_may_not_is_not() {
    let error = |kind| BackendError::new(kind, "read");
    let seconds = Duration::from_secs;
    let times = |kind, n: usize| (0..n).map(|_| error(kind)).collect::<Vec<_>>();
    assert_eq!(after(times(BackendErrorKind::Unavailable, 3)), (OutcomeKind::Pinned, seconds(7)));
    assert_eq!(after(times(BackendErrorKind::Unavailable, 4)), (OutcomeKind::Unavailable, seconds(7)));
    assert_eq!(after(times(BackendErrorKind::NotFound, 1)), (OutcomeKind::NotFound, seconds(0)));
    assert_eq!(after(times(BackendErrorKind::Unauthorized, 1)), (OutcomeKind::Unauthorized, seconds(0)));
    assert_eq!(after(times(BackendErrorKind::Invalid, 1)), (OutcomeKind::Invalid, seconds(0)));
    let lags = || error(BackendErrorKind::NotFound).with_retry_after(seconds(1));
    assert_eq!(after(vec![lags(), lags()]), (OutcomeKind::Pinned, seconds(3)), "just after a push");
    assert_eq!(after((0..9).map(|_| lags()).collect()), (OutcomeKind::NotFound, seconds(7)));
}

#[test]
fn a_wish_to_wait_is_honoured_within_the_bound() {
    let limited = |wait| {
        BackendError::new(BackendErrorKind::RateLimited, "read").with_retry_after(Duration::from_secs(wait))
    };
    assert_eq!(after(vec![limited(60)]), (OutcomeKind::Pinned, Duration::from_secs(60)));
    assert_eq!(after(vec![limited(91)]), (OutcomeKind::Unavailable, Duration::ZERO));
}

/// Lands each commit rewritten by another hand, its message kept, and loses the answer; a later commit takes it back.
#[derive(Debug, Default)]
struct Rewriter;

#[async_trait]
impl Flaw for Rewriter {
    async fn commit(&self, inner: &MemoryForge, commit: &GuardedCommit) -> Result<Oid, CommitError> {
        let web = path("web");
        let text = String::from_utf8_lossy(commit.edits()[0].bytes()).into_owned();
        inner.push(commit.branch(), &[(web.clone(), &text)], &commit.message());
        inner.push(commit.branch(), &[(web, &file("web", None))], "take it back");
        Err(CommitError::Ambiguous(BackendError::new(BackendErrorKind::Unavailable, "hear the answer")))
    }
}

/// F1 alone does not settle it: nothing past the expected head may quote the run.
#[test]
fn who_quotes_my_run_has_seen_my_commit() {
    let (scene, forge) = (Scene::quiet(), Broken::<Rewriter>::default());
    let source = forge.memory.push(&scene.branch, &[(path("web"), file("web", None).as_str())], "source");
    let told = PinOptions { append_only: true, ..options(Policy::Exact) };
    let job = scene.job(source, "web", "web", told);
    let end = run(Pinner { forge: Arc::new(forge), ..scene.pinner() }.pin(&job.request, job.run));
    assert!(matches!(end, Err(PinError::Unknown { .. })), "{end:?}");
}
