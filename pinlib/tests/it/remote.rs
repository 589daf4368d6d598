//! A real bare repository, on a real server, and pins of one file in it.

use crate::git_world::{GitWorld, Reach, main_branch, unsigned};
use pinlib::{
    Clock, Digest, DigestSource, GitForge, GitLogin, Http, ImagePin, NoRegistry, Oid, Patience, PinError,
    PinOptions, PinRequest, Pinner, Receipt, RunId, SmartHttpForge, Target,
};
use pinlib_testkit::{
    conformance::forge::losses::LossyWorld,
    lines::ImageLines,
    memory::MemoryClock,
    repository::Repository,
    servers::{git::GitServer, program, proxy::Fate},
};
use std::{future::Future, sync::Arc};
use tokio::runtime::Runtime;

/// A server whose answers can be lost.
pub(crate) trait Lossy: Reach {
    /// From now on this happens to each request that carries a commit.
    fn meddle(&self, fate: Fate);
    /// How many of them came.
    fn sent(&self) -> usize;
}

impl<R: Lossy> LossyWorld for GitWorld<R> {
    fn meddle(&self, fate: Fate) {
        self.server.meddle(fate);
    }
    fn sent(&self) -> usize {
        self.server.sent()
    }
}

/// A client that ends up at no proxy of the machine's.
pub(crate) fn http() -> Http {
    rustls::crypto::ring::default_provider().install_default().ok();
    Http::new(Http::settings().no_proxy()).expect("a client")
}

/// Whether a git server can be run here.
pub(crate) fn present() -> bool {
    ["git", "lighttpd", "git-http-backend", "htpasswd"]
        .iter()
        .all(|name| program(name).expect("no test skips in CI").is_some())
}

pub(crate) type Login = Option<(&'static str, &'static str)>;

/// Serves a repository over HTTP.
pub(crate) fn serve(repository: &Repository, login: Login) -> GitServer {
    GitServer::start(repository.root(), login).expect("a server").expect("its programs")
}

/// A forge at this address.
pub(crate) fn forge(url: &str, login: Login) -> SmartHttpForge {
    let login =
        login.map(|(user, password)| GitLogin::Basic { user: user.into(), password: password.into() });
    SmartHttpForge::new(url, http(), login, unsigned()).expect("a forge")
}

/// One bare repository with the branch `main`, on a server.
pub(crate) struct Remote {
    pub(crate) repository: Repository,
    pub(crate) server: GitServer,
    runtime: Runtime,
    login: Login,
}

pub(crate) const FILE: (&str, &str) = ("deploy/prod/app.yaml", "a: 1\nimage: ghcr.io/acme/app:1.4\n");

/// Asks for a pin of one image, built from `source`, in [`FILE`].
pub(crate) fn request(source: Oid, what: &str) -> PinRequest {
    request_in(FILE.0, source, what)
}

/// The same, in another file.
pub(crate) fn request_in(file: &str, source: Oid, what: &str) -> PinRequest {
    let target = Target::new(file.parse().expect("a path"), Arc::new(ImageLines));
    let pin = ImagePin {
        image: "ghcr.io/acme/app".parse().expect("an image"),
        digest: DigestSource::Declared(Digest::of(what.as_bytes())),
        platform: None,
        targets: vec![target],
        was: None,
    };
    PinRequest::new(source, "main".parse().expect("a branch"), vec![pin], PinOptions::default())
        .expect("a request")
}

/// The whole algorithm, on a clock that does not really wait.
pub(crate) fn pinner(forge: Arc<dyn GitForge>) -> Pinner {
    let clock: Arc<dyn Clock> = Arc::new(MemoryClock::default());
    Pinner { registry: Arc::new(NoRegistry), forge, clock, patience: Patience::default() }
}

impl Remote {
    /// Makes one with one commit of these files; `None` where a program is missing.
    pub(crate) fn new(login: Login, files: &[(&str, &str)]) -> Option<Self> {
        if !present() {
            return None;
        }
        let repository = Repository::bare("sha1").expect("git works")?;
        repository.push(&main_branch(), files, "first").expect("a commit");
        let server = serve(&repository, login);
        Some(Self { repository, server, runtime: Runtime::new().expect("a runtime"), login })
    }
    pub(crate) fn url(&self) -> String {
        self.server.url("repository.git")
    }
    /// A forge on its own address, or on that of something that stands before it.
    pub(crate) fn forge(&self) -> SmartHttpForge {
        forge(&self.url(), self.login)
    }
    pub(crate) fn git(&self, words: &[&str]) -> String {
        self.repository.git(words).expect("git works")
    }
    pub(crate) fn head(&self) -> Oid {
        self.repository.head(&main_branch()).expect("git works").expect("a branch")
    }
    pub(crate) fn push(&self, files: &[(&str, &str)]) -> Oid {
        self.repository.push(&main_branch(), files, "elsewhere").expect("a push")
    }
    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
    /// Pins through this forge.
    pub(crate) fn pin(&self, forge: SmartHttpForge, source: Oid, what: &str) -> Result<Receipt, PinError> {
        self.block_on(pinner(Arc::new(forge)).pin(&request(source, what), RunId::from([7; 16])))
    }
    /// How many commits the branch has.
    pub(crate) fn commits(&self) -> usize {
        self.git(&["rev-list", "--count", "main"]).parse().expect("a number")
    }
    /// Whether the repository is sound: every object, and what each names.
    pub(crate) fn is_sound(&self) -> bool {
        self.git(&["fsck", "--strict", "--full", "--no-dangling"]).is_empty()
    }
}
