//! A stub of GitHub's API over a real repository: what is committed by it can be read by git.
//!
//! It knows what a pinner asks for, over REST and GraphQL, and is as strict as GitHub is known to be. Every request, and every
//! answer of its own, is held against the schemas that GitHub publishes: `@octokit/openapi` and `@octokit/graphql-schema` of npm,
//! in `target/node_modules` or where `PINLIB_NODE_MODULES` says, looked up by Python with `graphql-core` and `jsonschema`.

mod access;
mod clock;
mod compare;
mod graphql;
mod http;
mod objects;
mod published;
mod pulls;
mod rest;
mod rules;
mod settings;
mod shapes;

pub use pulls::Pull;
pub use settings::{Bypass, Enforcement, Lost, Meddling, Ruleset, Selection, Settings, Source};

use super::script::Request;
use crate::repository::Repository;
use access::{Access, Key};
use http::{Answer, talk};
use objects::Git;
use published::Published;
use std::{
    fmt, io,
    net::{Ipv4Addr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

/// Who owns the repository: an organization.
pub const OWNER: &str = "acme";
/// What the repository is called.
pub const NAME: &str = "deploy";
/// The repository's number.
pub const REPOSITORY_ID: u64 = 901_872_001;
/// The repository's id in GraphQL.
pub const REPOSITORY_NODE: &str = "R_kgDONcFLQQ";
/// The App's number.
pub const APP_ID: u64 = 1_187_302;
/// The App's other name in a JWT.
pub const CLIENT_ID: &str = "Iv23liVtB7dKwPq0aXyz";
/// The number of the App's installation at the owner.
pub const INSTALLATION: u64 = 61_200_417;
/// The App's name in addresses; its commits are by `pinlib-bot[bot]`.
pub const SLUG: &str = "pinlib-bot";
/// The number of the App's user.
pub const BOT_ID: u64 = 198_400_123;
/// The number of `octocat`.
pub const USER_ID: u64 = 583_231;
/// A token of the user `octocat`, always taken.
pub const TOKEN: &str = "ghp_16C7e42F292c6912E7710c838347Ae178B4a";

/// Asked for each request before it is served.
type Meddler = dyn Fn(&Request) -> Option<Meddling> + Send + Sync;

/// All that the connections share.
struct Hub {
    port: u16,
    key: &'static Key,
    published: &'static Published,
    git: Git,
    settings: Mutex<Settings>,
    access: Mutex<Access>,
    meddler: Mutex<Option<Arc<Meddler>>>,
    pulls: Mutex<Vec<Pull>>,
    requests: Mutex<Vec<Request>>,
    complaints: Mutex<Vec<String>>,
    /// One writes at a time, and so compares and swaps.
    writing: Mutex<()>,
    served: AtomicU64,
    stop: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }
    fn access(&self) -> MutexGuard<'_, Access> {
        lock(&self.access)
    }
    /// The time by the server's clock.
    fn now(&self) -> i64 {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        i64::try_from(now).unwrap_or_default() + lock(&self.settings).clock_ahead
    }
    fn heard(&self, request: &Request) {
        lock(&self.requests).push(request.clone());
    }
    fn meddling(&self, request: &Request) -> Option<Meddling> {
        let meddler = lock(&self.meddler).clone();
        meddler.and_then(|meddler| meddler(request))
    }
    fn complain(&self, complaints: Vec<String>) {
        lock(&self.complaints).extend(complaints);
    }
    fn base(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
    /// Answers a request as GitHub would.
    fn serve(&self, request: &Request) -> Answer {
        let path = request.target.split('?').next().unwrap_or_default();
        if request.header("user-agent").is_none() {
            let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header";
            return self.dated(Answer::refused(403, message));
        }
        let answer =
            if path == "/graphql" { graphql::serve(self, request) } else { rest::serve(self, request) };
        let resource = if path == "/graphql" { "graphql" } else { "core" };
        let left = lock(&self.settings).rate_remaining;
        let answer =
            self.dated(answer).header("x-ratelimit-limit", 5000).header("x-ratelimit-remaining", left);
        let answer = answer.header("x-ratelimit-used", 5000_u64.saturating_sub(left));
        answer.header("x-ratelimit-reset", self.now() + 1800).header("x-ratelimit-resource", resource)
    }
    /// An answer with what every answer has.
    fn dated(&self, answer: Answer) -> Answer {
        let count = self.served.fetch_add(1, Relaxed);
        let answer = answer.header("date", clock::http(self.now())).header("server", "github.com");
        answer.header("x-github-request-id", format!("C0DE:{count:04X}:2F5A1B:31D9C4:67E0A1B2"))
    }
    /// Takes so much of what the caller may still ask; false where nothing was left.
    fn spend(&self, points: u64) -> bool {
        let mut settings = lock(&self.settings);
        let any = settings.rate_remaining > 0;
        settings.rate_remaining = settings.rate_remaining.saturating_sub(points);
        any
    }
}

/// A server that speaks as GitHub does. It ends with its owner.
pub struct GitHub(Arc<Hub>);

impl fmt::Debug for GitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GitHub at {}", self.rest())
    }
}

impl GitHub {
    /// Serves a bare repository as `acme/deploy`. `None` where openssl, Python, its packages or the schemas are missing.
    ///
    /// # Errors
    /// Where it cannot be started; under `CI` also where something is missing.
    pub fn start(repository: &Repository) -> io::Result<Option<Self>> {
        let (Some(key), Some(published)) = (Key::shared()?, Published::shared()?) else { return Ok(None) };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let hub = Arc::new(Hub {
            port: listener.local_addr()?.port(),
            key,
            published,
            git: Git::new(repository.path().to_owned()),
            settings: Mutex::default(),
            access: Mutex::default(),
            meddler: Mutex::default(),
            pulls: Mutex::default(),
            requests: Mutex::default(),
            complaints: Mutex::default(),
            writing: Mutex::default(),
            served: AtomicU64::default(),
            stop: AtomicBool::default(),
        });
        let shared = Arc::clone(&hub);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if shared.stop.load(Relaxed) {
                    break;
                }
                let hub = Arc::clone(&shared);
                // Whoever hangs up has had enough.
                thread::spawn(move || talk(&hub, &stream).ok());
            }
        });
        Ok(Some(Self(hub)))
    }
    /// The address of the REST API, as `https://api.github.com` is.
    pub fn rest(&self) -> String {
        self.0.base()
    }
    /// The address of the GraphQL API.
    pub fn graphql(&self) -> String {
        format!("{}/graphql", self.0.base())
    }
    /// The App's private key: PEM, PKCS#1.
    pub fn key(&self) -> &str {
        &self.0.key.private
    }
    /// Changes what the server is like from now on.
    pub fn change(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut lock(&self.0.settings));
    }
    /// Lets things go wrong: this is asked for each request before it is served.
    pub fn meddle(&self, choose: impl Fn(&Request) -> Option<Meddling> + Send + Sync + 'static) {
        *lock(&self.0.meddler) = Some(Arc::new(choose));
    }
    /// What it was asked so far.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.0.requests).clone()
    }
    /// Every token that it made, and every JWT that it was shown.
    pub fn secrets(&self) -> Vec<String> {
        self.0.access().secrets.clone()
    }
    /// The requests, and the answers of its own, that GitHub's schemas refuse.
    pub fn complaints(&self) -> Vec<String> {
        lock(&self.0.complaints).clone()
    }
    /// The complaints so far, which are then no longer held against the test.
    pub fn forgive(&self) -> Vec<String> {
        std::mem::take(&mut lock(&self.0.complaints))
    }
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.0.stop.store(true, Relaxed);
        // Wakes the one that listens.
        TcpStream::connect((Ipv4Addr::LOCALHOST, self.0.port)).ok();
        let complaints = self.complaints();
        assert!(
            complaints.is_empty() || thread::panicking(),
            "GitHub's schemas refuse this:\n{}",
            complaints.join("\n")
        );
    }
}
