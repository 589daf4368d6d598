//! The registry suite over a layout in a folder, and over a real `docker-registry` behind each kind of door.

use pinlib::{
    Digest, Http, LayoutRegistry, Logins, OciOptions, OciRegistry, Reference, Registry, RegistryLogin,
};
use pinlib_testkit::{
    conformance::registry::RegistryWorld,
    image::{Image, Recipe, Variant},
    servers::{
        program,
        registry::{Door, RegistryServer},
        token::{TokenServer, User},
    },
    sim,
};
use std::{future::Future, marker::PhantomData, process::Command, sync::Arc};
use tempfile::TempDir;
use tokio::runtime::Runtime;

pub(crate) const REPOSITORY: &str = "acme/team/app";

pub(crate) fn user() -> User {
    User {
        name: "robot$user".into(),
        password: "pass word:ü&%1".into(),
        identity_token: "identity/token+1".into(),
    }
}

/// Nobody's settings: what `Http` itself begins with.
pub(crate) fn http() -> Http {
    // Two tests may be first.
    rustls::crypto::ring::default_provider().install_default().ok();
    Http::new(Http::settings().no_proxy()).expect("a client")
}

pub(crate) fn given(registry: &str) -> Logins {
    let User { name, password, .. } = user();
    Logins::Given(vec![RegistryLogin { registry: registry.into(), user: name, secret: password.into() }])
}

pub(crate) fn image(text: &str) -> Reference {
    text.parse().expect("an image")
}

/// A layout that names its images by tag alone, or in full.
struct Layout<const FULL: bool>(TempDir);

impl<const FULL: bool> RegistryWorld for Layout<FULL> {
    fn create() -> Option<Self> {
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#)
            .expect("a file");
        std::fs::write(folder.path().join("index.json"), r#"{"manifests": []}"#).expect("a file");
        Some(Self(folder))
    }
    fn registry(&self) -> Arc<dyn Registry> {
        Arc::new(LayoutRegistry::open(self.0.path()).expect("a layout"))
    }
    fn repository(&self) -> Reference {
        image("ghcr.io/acme/app")
    }
    fn push(&self, tag: &str, image: &Image) {
        let name = if FULL { format!("{}:{tag}", self.repository()) } else { tag.to_owned() };
        image.write_layout(self.0.path(), &name).expect("a layout");
    }
    fn secrets(&self) -> Vec<String> {
        Vec::new()
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        sim::run(future)
    }
}

/// Who may in, and how we say who we are.
trait Way {
    fn tokens() -> Option<TokenServer> {
        None
    }
    fn door(_: Option<&TokenServer>) -> Door;
    fn logins(registry: &str) -> Logins;
}

struct Open;
struct Password;
struct Token;

impl Way for Open {
    fn door(_: Option<&TokenServer>) -> Door {
        Door::Open
    }
    fn logins(_: &str) -> Logins {
        Logins::Anonymous
    }
}

impl Way for Password {
    fn door(_: Option<&TokenServer>) -> Door {
        Door::Password(user().name, user().password)
    }
    fn logins(registry: &str) -> Logins {
        given(registry)
    }
}

impl Way for Token {
    fn tokens() -> Option<TokenServer> {
        TokenServer::start(user()).expect("a token server")
    }
    fn door(tokens: Option<&TokenServer>) -> Door {
        tokens.map_or(Door::Open, TokenServer::door)
    }
    fn logins(registry: &str) -> Logins {
        given(registry)
    }
}

struct Docker<W> {
    server: RegistryServer,
    door: Door,
    // The registry asks it with every read.
    _tokens: Option<TokenServer>,
    runtime: Runtime,
    registry: Arc<OciRegistry>,
    way: PhantomData<W>,
}

impl<W: Way> RegistryWorld for Docker<W> {
    fn create() -> Option<Self> {
        program("skopeo").expect("skopeo")?;
        let tokens = W::tokens();
        let door = W::door(tokens.as_ref());
        let server = RegistryServer::start(&door, false).expect("a registry")?;
        let options = OciOptions { logins: W::logins(&server.address()), plain_http: Vec::new() };
        Some(Self {
            registry: Arc::new(OciRegistry::new(http(), options)),
            runtime: Runtime::new().expect("a runtime"),
            server,
            door,
            _tokens: tokens,
            way: PhantomData,
        })
    }
    fn registry(&self) -> Arc<dyn Registry> {
        Arc::<OciRegistry>::clone(&self.registry)
    }
    fn repository(&self) -> Reference {
        image(&format!("{}/{REPOSITORY}", self.server.address()))
    }
    fn push(&self, tag: &str, image: &Image) {
        let User { name, password, .. } = user();
        let login = (!matches!(self.door, Door::Open)).then_some((name.as_str(), password.as_str()));
        self.server.push_image(image, &format!("{REPOSITORY}:{tag}"), login).expect("skopeo pushes");
    }
    fn secrets(&self) -> Vec<String> {
        vec![user().password, "Basic ".into(), "Bearer ".into(), "eyJ".into()]
    }
    fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

mod layout {
    pinlib_testkit::registry_conformance!(super::Layout<true>);
}
mod docker_open {
    pinlib_testkit::registry_conformance!(super::Docker<super::Open>);
}
mod docker_password {
    pinlib_testkit::registry_conformance!(super::Docker<super::Password>);
}
mod docker_token {
    pinlib_testkit::registry_conformance!(super::Docker<super::Token>);
}

/// A layout that names tags alone answers for every repository: of the suite, it fails that there are others.
#[test]
fn a_layout_of_tags_stands_for_every_repository() {
    let all = pinlib_testkit::conformance::registry::all::<Layout<false>>();
    let failed =
        all.into_iter().filter(|(_, case)| Layout::create().is_some_and(|world| case(&world).is_err()));
    assert_eq!(failed.map(|(name, _)| name).collect::<Vec<_>>(), ["what_is_not_there_is_not_found"]);
}

#[test]
fn an_anonymous_digest_costs_one_request_and_is_what_skopeo_says() {
    let Some(world) = Docker::<Open>::create() else { return };
    let pushed = Recipe::of(["linux/amd64", "linux/arm64/v8"].map(Variant::of)).index();
    world.push("v1", &pushed);
    let tagged = image(&format!("{}:v1", world.repository()));
    let http = http();
    let registry = OciRegistry::new(http.clone(), OciOptions::default());
    let answer = world.block_on(registry.manifest(&tagged)).expect("a manifest");
    assert_eq!((Digest::of(&answer.bytes), http.meter().total().requests), (pushed.digest(), 1));
    let skopeo =
        world.server.inspect(&format!("{REPOSITORY}:v1"), None).expect("skopeo reads").expect("skopeo");
    assert_eq!(answer.bytes, skopeo);
}

/// What skopeo writes as a layout is read as what it read.
#[test]
fn a_layout_of_skopeos_is_read() {
    let Some(skopeo) = program("skopeo").expect("skopeo") else { return };
    let (from, to) = (TempDir::new().expect("a folder"), TempDir::new().expect("a folder"));
    let pushed = Recipe::of(["linux/amd64", "linux/arm64/v8"].map(Variant::of)).index();
    pushed.write_dir(from.path()).expect("an image");
    let source = format!("dir:{}", from.path().display());
    for name in ["v1", "ghcr.io/acme/app:v2"] {
        let copied = Command::new(&skopeo)
            .args(["--insecure-policy", "copy", "-q", "--all", "--preserve-digests", &source])
            .arg(format!("oci:{}:{name}", to.path().display()))
            .status();
        assert!(copied.expect("skopeo runs").success());
    }
    let layout = LayoutRegistry::open(to.path()).expect("a layout");
    for name in ["ghcr.io/acme/app:v1", "quay.io/other:v1", "ghcr.io/acme/app:v2"] {
        let answer = sim::run(layout.manifest(&image(name))).expect(name);
        assert_eq!(Digest::of(&answer.bytes), pushed.digest());
    }
    let by_digest = sim::run(layout.manifest(&image("any/name").at(pushed.manifests[1].1.digest())));
    assert_eq!(by_digest.expect("a manifest").bytes, pushed.manifests[1].1.bytes);
    assert!(sim::run(layout.manifest(&image("quay.io/acme/app:v2"))).is_err());
}
