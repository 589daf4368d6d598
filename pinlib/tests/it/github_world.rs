//! A real bare repository behind a stub of GitHub, and pins of one file in it.

use crate::{
    git_world::{GitWorld, Reach, main_branch},
    remote::{FILE, Lossy, http, pinner, request},
};
use async_trait::async_trait;
use pinlib::{
    AppKey, Clock, GitHubForge, GitHubHost, GitHubLogin, Oid, PinError, PinRequest, Receipt, RunId,
    SystemClock,
};
use pinlib_testkit::{
    repository::Repository,
    servers::{
        github::{CLIENT_ID, GitHub, INSTALLATION, Lost, Meddling, TOKEN},
        proxy::Fate,
        script::Request,
    },
};
use std::{
    future::Future,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};
use tokio::runtime::Runtime;

/// The time as it is, and waits that only count: the stub checks what is dated.
#[derive(Debug, Default)]
pub(crate) struct Skipping(Mutex<Duration>);

impl Skipping {
    pub(crate) fn slept(&self) -> Duration {
        *self.0.lock().expect("no panic")
    }
}

#[async_trait]
impl Clock for Skipping {
    fn now(&self) -> SystemTime {
        SystemClock.now() + self.slept()
    }
    async fn sleep(&self, time: Duration) {
        *self.0.lock().expect("no panic") += time;
    }
}

/// The App's login, its installation known or not.
pub(crate) fn app(hub: &GitHub, id: &str, installation: Option<u64>) -> GitHubLogin {
    rustls::crypto::ring::default_provider().install_default().ok();
    let key = AppKey::from_pem(&hub.key().to_owned().into()).expect("a key");
    GitHubLogin::App { app: id.into(), key, installation }
}

/// A forge of the stub's repository.
pub(crate) fn forge(hub: &GitHub, login: GitHubLogin, clock: Arc<dyn Clock>) -> GitHubForge {
    let host = GitHubHost::of_apis(&hub.rest(), Some(&hub.graphql())).expect("a host");
    GitHubForge::new("acme/deploy".parse().expect("a repository"), host, login, http(), clock)
}

/// Whether the stub can run here.
pub(crate) fn present() -> bool {
    let Some(repository) = Repository::bare("sha1").expect("no test skips in CI") else { return false };
    GitHub::start(&repository).expect("no test skips in CI").is_some()
}

/// An App that pins.
pub(crate) struct AsApp(GitHub);

impl Reach for AsApp {
    fn reach(repository: &Repository) -> (Self, Arc<dyn pinlib::GitForge>) {
        let hub = GitHub::start(repository).expect("a server").expect("its parts");
        let login = app(&hub, CLIENT_ID, Some(INSTALLATION));
        let forge = forge(&hub, login, Arc::new(Skipping::default()));
        (Self(hub), Arc::new(forge))
    }
}

impl Lossy for AsApp {
    fn meddle(&self, fate: Fate) {
        self.0.meddle(move |request| {
            let meddling = match fate.clone() {
                Fate::Pass => return None,
                Fate::DropRequest => Meddling::Before(Lost::Close),
                Fate::DropAnswer => Meddling::AfterServing(Lost::Close),
                Fate::CutAnswer => Meddling::AfterServing(Lost::Cut),
                Fate::Instead(status) => Meddling::AfterServing(Lost::Status(status)),
                Fate::Answer(status, lines, body) => {
                    let headers = lines.iter().filter_map(|line| line.split_once(": "));
                    let headers = headers.map(|(name, value)| (name.into(), value.into())).collect();
                    Meddling::Answer { status, headers, body: String::from_utf8_lossy(&body).into() }
                }
                Fate::Twice => Meddling::Twice,
                Fate::Delay(time) => Meddling::Late(time),
            };
            is_commit(request).then_some(meddling)
        });
    }
    fn sent(&self) -> usize {
        self.0.requests().iter().filter(|request| is_commit(request)).count()
    }
}

/// A person's token that pins.
pub(crate) struct AsUser(#[expect(dead_code, reason = "it serves as long as it lives")] GitHub);

impl Reach for AsUser {
    fn reach(repository: &Repository) -> (Self, Arc<dyn pinlib::GitForge>) {
        let hub = GitHub::start(repository).expect("a server").expect("its parts");
        let login = GitHubLogin::Token(TOKEN.to_owned().into());
        let forge = forge(&hub, login, Arc::new(Skipping::default()));
        (Self(hub), Arc::new(forge))
    }
}

mod as_app {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::AsApp>, super::present());
}
mod losses {
    pinlib_testkit::forge_loss_conformance!(super::GitWorld<super::AsApp>, super::present());
}
mod as_user {
    pinlib_testkit::forge_conformance!(super::GitWorld<super::AsUser>, super::present());
}

/// One repository with one commit, the stub before it, and an App's forge.
pub(crate) struct Scene {
    pub(crate) repository: Repository,
    pub(crate) hub: GitHub,
    pub(crate) forge: Arc<GitHubForge>,
    pub(crate) clock: Arc<Skipping>,
    pub(crate) source: Oid,
    runtime: Runtime,
}

impl Scene {
    /// `None` where a part is missing.
    pub(crate) fn new() -> Option<Self> {
        Self::with(|hub| app(hub, CLIENT_ID, Some(INSTALLATION)))
    }
    pub(crate) fn with(login: impl FnOnce(&GitHub) -> GitHubLogin) -> Option<Self> {
        let repository = Repository::bare("sha1").expect("git works")?;
        let source = repository.push(&main_branch(), &[FILE, ("other", "x\n")], "first").expect("a commit");
        let hub = GitHub::start(&repository).expect("a server")?;
        let clock = Arc::new(Skipping::default());
        // On one thread, so that whoever listens there hears all.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let forge = Arc::new(forge(&hub, login(&hub), Arc::clone(&clock) as Arc<dyn Clock>));
        Some(Self { repository, hub, forge, clock, source, runtime })
    }
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
    /// Pins an image of this content.
    pub(crate) fn pin(&self, what: &str) -> Result<Receipt, PinError> {
        self.pin_this(&request(self.source, what))
    }
    pub(crate) fn pin_this(&self, request: &PinRequest) -> Result<Receipt, PinError> {
        let mut pinner = pinner(Arc::clone(&self.forge) as Arc<dyn pinlib::GitForge>);
        pinner.clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        self.block_on(pinner.pin(request, RunId::from([9; 16])))
    }
    pub(crate) fn head(&self) -> Oid {
        self.repository.head(&main_branch()).expect("git works").expect("a branch")
    }
    pub(crate) fn commits(&self) -> usize {
        self.repository.log(&main_branch()).expect("git works").len()
    }
    /// `METHOD path`, or `query`, or `mutation`, of each request so far.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.hub.requests().iter().map(name).collect()
    }
}

/// What kind of request it is.
pub(crate) fn name(request: &Request) -> String {
    if !request.target.starts_with("/graphql") {
        return format!("{} {}", request.method, request.target);
    }
    if is_commit(request) { "mutation".into() } else { "query".into() }
}

/// Whether it is the compare-and-swap.
pub(crate) fn is_commit(request: &Request) -> bool {
    request.body.contains("createCommitOnBranch")
}
