//! The whole way on real servers: images that skopeo pushed, git over HTTP, races, refusals, lost answers.

use pinlib::{BranchName, Digest, Oid};
use pinlib_testkit::{
    image::{Recipe, Variant},
    repository::Repository,
    servers::{
        git::GitServer,
        github::{CLIENT_ID, GitHub, INSTALLATION},
        missing, program,
        proxy::{Fate, Proxy},
        registry::{Door, RegistryServer},
        token::{TokenServer, User},
    },
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    io::Write,
    path::Path,
    process::{Child, Command, Output, Stdio},
};
use tempfile::TempDir;

const KUSTOMIZATION: &str = "platform/ai/kustomization.yaml";
const ROLLOUT: &str = "platform/ai/deployment.yaml";

pub(crate) fn main_branch() -> BranchName {
    "main".parse().expect("a branch")
}

/// pinlib in an empty environment, with a home of its own.
pub(crate) fn pinlib(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pinlib"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", home);
    command.current_dir(home).args(words).stdin(Stdio::null());
    command
}

fn run(home: &Path, words: &[&str]) -> Output {
    pinlib(home, words).output().expect("it runs")
}

pub(crate) fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

pub(crate) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// An app of one image, as people write it.
fn app(repository: &Repository, image: &str) -> Oid {
    let kustomization = format!(
        "# what runs in production\nkind: Kustomization\nresources:\n  - deployment.yaml\nimages:\n  - name: {image}   # ours\n    newTag: \"1.4\"\n"
    );
    let deployment = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: ai}}\nspec:\n  selector: {{matchLabels: {{app: ai}}}}\n  template:\n    metadata: {{labels: {{app: ai}}}}\n    spec:\n      containers:\n        - name: web\n          image: '{image}:1.4'\n"
    );
    let files = [(KUSTOMIZATION, &*kustomization), (ROLLOUT, &*deployment), ("README.md", "app\n")];
    repository.push(&main_branch(), &files, "the app").expect("a commit")
}

pub(crate) fn bare() -> Option<Repository> {
    Repository::bare("sha1").expect("git works")
}

/// What kustomize makes of a folder of a commit.
fn rendered(repository: &Repository, at: &str) -> Option<String> {
    let kubectl = program("kubectl").expect("there, or not under CI")?;
    let folder = TempDir::new().expect("a folder");
    for path in [KUSTOMIZATION, ROLLOUT] {
        let text = repository.file(at.parse().expect("an oid"), path).expect("a file");
        std::fs::write(folder.path().join(path.rsplit('/').next().unwrap_or_default()), text)
            .expect("written");
    }
    let done = Command::new(kubectl).arg("kustomize").arg(folder.path()).output().expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(String::from_utf8(done.stdout).expect("text"))
}

/// Pins from a registry behind this door into a repository behind a web server, and looks at everything that came of it.
fn end_to_end(
    registry: &RegistryServer,
    login: Option<(&str, &str)>,
    home: &Path,
    git_login: Option<(&str, &str)>,
) {
    let Some(repository) = bare() else { return };
    let image = format!("{}/acme/ai", registry.address());
    let source = app(&repository, &image);
    let variants = ["linux/amd64", "linux/arm64"].map(|platform| Variant::of(platform).built_from(source));
    let index = Recipe { attested: true, ..Recipe::of(variants) }.index();
    if !registry.push_image(&index, "acme/ai:1.5", login).expect("skopeo pushes") {
        return;
    }
    let Some(server) = GitServer::start(repository.root(), git_login).expect("a server") else { return };
    let (url, a) = (server.url("repository.git"), source.to_string());
    let tagged = format!("{image}:1.5");
    let targets = [format!("kustomization:{KUSTOMIZATION}"), format!("workload:{ROLLOUT}")];
    let words = [
        "pin",
        "--image",
        &tagged,
        "--target",
        &targets[0],
        "--target",
        &targets[1],
        "--source-commit",
        &a,
        "--branch",
        "main",
        "--forge",
        &url,
        "--evidence",
        "label",
    ];
    let mut command = pinlib(home, &words);
    if let Some((user, password)) = git_login {
        command.env("PINLIB_USER", user).env("PINLIB_TOKEN", password);
    }
    let output = command.output().expect("it runs");
    assert_eq!(code(&output), 0, "{}", said(&output));
    let commit = String::from_utf8(output.stdout.clone()).expect("text").trim().to_owned();
    assert_eq!(repository.git(&["rev-parse", "main"]).expect("a head"), commit);
    assert_eq!(repository.git(&["log", "-1", "--format=%P", "main"]).expect("a parent"), a);
    assert_eq!(repository.git(&["fsck", "--strict"]).expect("a sound repository"), "");
    let names = repository.git(&["diff", "--name-only", &a, &commit]).expect("a diff");
    assert_eq!(names.lines().collect::<Vec<_>>(), [ROLLOUT, KUSTOMIZATION]);
    // The digest is skopeo's.
    let raw = registry.inspect("acme/ai:1.5", login).expect("skopeo inspects").expect("skopeo is there");
    let digest = Digest::of(&raw);
    let file =
        |path| String::from_utf8(repository.file(commit.parse().expect("an oid"), path).expect("a file"));
    assert!(file(KUSTOMIZATION).expect("text").contains(&format!("    digest: {digest}\n")));
    assert!(file(ROLLOUT).expect("text").contains(&format!("image: '{image}@{digest}'\n")));
    // git reads the record, and kustomize the digest.
    let message = repository.git(&["log", "-1", "--format=%B", "main"]).expect("a message");
    let trailers = repository.feed(&["interpret-trailers", "--parse"], message.as_bytes()).expect("trailers");
    assert!(trailers.starts_with("Pinlib-Record: v1 pin\n"), "{trailers}");
    assert!(trailers.contains("Pinlib-Proof: hashed"), "{trailers}");
    if let (Some(before), Some(after)) = (rendered(&repository, &a), rendered(&repository, &commit)) {
        let differing: Vec<_> = before.lines().zip(after.lines()).filter(|(old, new)| old != new).collect();
        assert_eq!(before.lines().count(), after.lines().count());
        let [(old, new)] = differing[..] else { panic!("{differing:?}") };
        assert!(old.contains(&format!("{image}:1.4")) && new.contains(&digest.to_string()), "{old} {new}");
    }
    // Again: nothing to do, and nothing done.
    let mut again = pinlib(home, &words);
    if let Some((user, password)) = git_login {
        again.env("PINLIB_USER", user).env("PINLIB_TOKEN", password);
    }
    let again = again.arg("--json").output().expect("it runs");
    assert_eq!(
        (code(&again), &json(&again)["outcome"]),
        (0, &Value::from("already-pinned")),
        "{}",
        said(&again)
    );
}

#[test]
fn an_open_registry_and_an_open_git_server() {
    let home = TempDir::new().expect("a home");
    let Some(registry) = RegistryServer::start(&Door::Open, false).expect("a registry") else { return };
    end_to_end(&registry, None, home.path(), None);
}

/// A home whose docker configuration has this login, as `docker login` writes it.
fn home_with_login(registry: &RegistryServer, user: &str, password: &str) -> TempDir {
    let home = TempDir::new().expect("a home");
    let auth = home.path().join("auth");
    std::fs::write(&auth, format!("{user}:{password}")).expect("written");
    let encoded = Command::new("base64").arg("-w0").arg(&auth).output().expect("it runs").stdout;
    let encoded = String::from_utf8(encoded).expect("text");
    let config = serde_json::json!({"auths": {registry.address(): {"auth": encoded}}});
    std::fs::create_dir(home.path().join(".docker")).expect("a folder");
    std::fs::write(home.path().join(".docker/config.json"), config.to_string()).expect("written");
    home
}

#[test]
fn a_registry_and_a_git_server_that_ask_for_passwords() {
    let door = Door::Password("builder".into(), "a password".into());
    let Some(registry) = RegistryServer::start(&door, false).expect("a registry") else { return };
    let home = home_with_login(&registry, "builder", "a password");
    end_to_end(&registry, Some(("builder", "a password")), home.path(), Some(("bot", "its token")));
}

#[test]
fn a_registry_that_asks_for_tokens() {
    let user =
        User { name: "builder".into(), password: "a password".into(), identity_token: "unused".into() };
    let Some(tokens) = TokenServer::start(user).expect("a token server") else { return };
    let Some(registry) = RegistryServer::start(&tokens.door(), false).expect("a registry") else { return };
    let home = home_with_login(&registry, "builder", "a password");
    end_to_end(&registry, Some(("builder", "a password")), home.path(), None);
}

/// A pin of a digest that is only declared: for scenes about git.
fn declared(url: &str, source: Oid, image: &str) -> Vec<String> {
    let digest = Digest::of(image.as_bytes());
    let a = source.to_string();
    let target = format!("workload:{ROLLOUT}");
    let image = format!("{image}@{digest}");
    let words = [
        "pin",
        "--registry",
        "none",
        "--image",
        &image,
        "--target",
        &target,
        "--source-commit",
        &a,
        "--branch",
        "main",
        "--forge",
        url,
        "--json",
    ];
    words.map(str::to_owned).to_vec()
}

fn pin(home: &Path, url: &str, source: Oid, image: &str) -> Output {
    let words = declared(url, source, image);
    run(home, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A pod of ten images.
fn ten(repository: &Repository) -> Oid {
    let containers: Vec<_> =
        (0..10).map(|n| format!("    - name: c{n}\n      image: ghcr.io/acme/app{n}:1\n")).collect();
    let pod = format!("kind: Pod\nmetadata:\n  name: ten\nspec:\n  containers:\n{}", containers.concat());
    repository.push(&main_branch(), &[(ROLLOUT, &pod)], "ten").expect("a commit")
}

fn ten_at_once(repository: &Repository, url: &str) {
    let home = TempDir::new().expect("a home");
    let source = ten(repository);
    let start = |n| -> Child {
        let words = declared(url, source, &format!("ghcr.io/acme/app{n}"));
        let mut command = pinlib(home.path(), &words.iter().map(String::as_str).collect::<Vec<_>>());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    };
    let runs: Vec<_> = (0..10).map(start).collect();
    let ends: Vec<_> = runs.into_iter().map(|child| child.wait_with_output().expect("it ends")).collect();
    let mut codes: Vec<_> = ends.iter().map(code).collect();
    codes.sort_unstable();
    assert_eq!(codes, [0, 3, 3, 3, 3, 3, 3, 3, 3, 3], "{ends:?}");
    assert_eq!(repository.git(&["rev-list", "--count", &format!("{source}..main")]).expect("a count"), "1");
    let winner = ends.iter().find(|end| code(end) == 0).expect("one");
    assert_eq!(json(winner)["commit"], repository.git(&["rev-parse", "main"]).expect("a head"));
}

#[test]
fn of_ten_at_once_on_disk_one_lands() {
    let Some(repository) = bare() else { return };
    ten_at_once(&repository, &repository.path().display().to_string());
}

#[test]
fn of_ten_at_once_over_http_one_lands() {
    let Some(repository) = bare() else { return };
    let Some(server) = GitServer::start(repository.root(), None).expect("a server") else { return };
    ten_at_once(&repository, &server.url("repository.git"));
}

#[test]
fn a_branch_that_was_rewound_takes_nothing() {
    let home = TempDir::new().expect("a home");
    let Some(repository) = bare() else { return };
    let parent = repository.push(&main_branch(), &[("README.md", "x\n")], "before").expect("a commit");
    let source = app(&repository, "ghcr.io/acme/ai");
    repository.force(&main_branch(), Some(parent)).expect("rewound");
    let Some(server) = GitServer::start(repository.root(), None).expect("a server") else { return };
    for url in [repository.path().display().to_string(), server.url("repository.git")] {
        let output = pin(home.path(), &url, source, "ghcr.io/acme/ai");
        assert_eq!(
            (code(&output), &json(&output)["outcome"]),
            (3, &Value::from("head-moved")),
            "{}",
            said(&output)
        );
        assert_eq!(repository.head(&main_branch()).expect("a head"), Some(parent));
    }
}

#[test]
fn a_rule_of_the_server_refuses_by_name() {
    let home = TempDir::new().expect("a home");
    let Some(repository) = bare() else { return };
    let source = app(&repository, "ghcr.io/acme/ai");
    let hook = repository.path().join("hooks/pre-receive");
    std::fs::create_dir_all(repository.path().join("hooks")).expect("a folder");
    std::fs::write(
        &hook,
        "#!/bin/sh\necho 'GH006: Protected branch update failed for refs/heads/main.' >&2\nexit 1\n",
    )
    .expect("a hook");
    assert!(Command::new("chmod").arg("+x").arg(&hook).status().expect("it runs").success());
    let Some(server) = GitServer::start(repository.root(), None).expect("a server") else { return };
    let output = pin(home.path(), &server.url("repository.git"), source, "ghcr.io/acme/ai");
    assert_eq!(
        (code(&output), &json(&output)["outcome"]),
        (5, &Value::from("rejected")),
        "{}",
        said(&output)
    );
    assert!(said(&output).contains("GH006"), "{}", said(&output));
    assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source));
}

/// A pin through something on the way that treats each push so.
fn through(fate: &Fate) -> Option<(Repository, Oid, Output)> {
    let home = TempDir::new().expect("a home");
    let repository = bare()?;
    let source = app(&repository, "ghcr.io/acme/ai");
    let server = GitServer::start(repository.root(), None).expect("a server")?;
    let fate = fate.clone();
    let proxy = Proxy::start(&server.address(), move |first| {
        if first.starts_with("POST /repository.git/git-receive-pack") { fate.clone() } else { Fate::Pass }
    });
    let url = format!("http://{}/repository.git", proxy.expect("a proxy").address());
    let output = pin(home.path(), &url, source, "ghcr.io/acme/ai");
    Some((repository, source, output))
}

pub(crate) fn commits(repository: &Repository, source: Oid) -> String {
    repository.git(&["rev-list", "--count", &format!("{source}..main")]).expect("a count")
}

#[test]
fn an_answer_that_is_lost_after_the_push_is_found_out() {
    for fate in [Fate::DropAnswer, Fate::CutAnswer, Fate::Instead(502), Fate::Instead(504), Fate::Twice] {
        let Some((repository, source, output)) = through(&fate) else { return };
        assert_eq!(
            (code(&output), &json(&output)["outcome"]),
            (0, &Value::from("pinned")),
            "{fate:?} {}",
            said(&output)
        );
        assert_eq!(commits(&repository, source), "1", "{fate:?}");
    }
}

#[test]
fn a_request_that_is_always_lost_is_unknown_and_never_a_success() {
    let Some((repository, source, output)) = through(&Fate::DropRequest) else { return };
    assert!([9, 10].contains(&code(&output)), "{}", said(&output));
    assert_eq!(commits(&repository, source), "0");
}

#[test]
fn a_large_repository_costs_no_more_than_a_small_one() {
    let home = TempDir::new().expect("a home");
    let Some(repository) = bare() else { return };
    let mut stream =
        b"commit refs/heads/main\ncommitter a <a@b.test> 1700000000 +0000\ndata 3\nall\n".to_vec();
    for n in 0..100_000 {
        let body = format!("file {n}\n");
        let (one, two) = (n % 100, n / 100 % 100);
        let length = body.len();
        writeln!(stream, "M 100644 inline d{one}/s{two}/f{n}\ndata {length}\n{body}").expect("room");
    }
    repository.feed(&["fast-import", "--quiet"], &stream).expect("a large commit");
    let source = app(&repository, "ghcr.io/acme/ai");
    let Some(server) = GitServer::start(repository.root(), None).expect("a server") else { return };
    let output = pin(home.path(), &server.url("repository.git"), source, "ghcr.io/acme/ai");
    assert_eq!(code(&output), 0, "{}", said(&output));
    let traffic = &json(&output)["traffic"];
    let number = |name: &str| traffic[name].as_u64().unwrap_or(u64::MAX);
    assert!(number("requests") <= 10, "{traffic}");
    assert!(number("sent") + number("received") < 300_000, "{traffic}");
}

#[test]
fn each_bad_answer_of_a_registry_is_one_line_with_its_own_exit_code() {
    use pinlib_testkit::servers::script::{Reply, Script, head};
    let home = TempDir::new().expect("a home");
    let Some(repository) = bare() else { return missing("git").expect("not under CI") };
    let kind = ("content-type", "application/vnd.oci.image.index.v1+json");
    let body = br#"{"schemaVersion":2,"manifests":[]}"#;
    let endless = [head("200 OK", &[kind]), b"\r\n{".to_vec()].concat();
    let cut = [head("200 OK", &[kind]), b"content-length: 9999\r\n\r\n{}".to_vec()].concat();
    let forged = Digest::of(b"something else").to_string();
    let html = [("content-type", "text/html")];
    let cases: [(&str, Reply, &[i32]); 10] = [
        ("a wrong media type", Reply::with("200 OK", &[("content-type", "application/json")], body), &[2]),
        ("a page", Reply::with("200 OK", &html, b"<html>log in</html>"), &[2]),
        (
            "a garbage digest",
            Reply::with("200 OK", &[kind, ("docker-content-digest", "sha256:zz")], body),
            &[2, 6],
        ),
        ("another digest", Reply::with("200 OK", &[kind, ("docker-content-digest", &forged)], body), &[6]),
        ("a cut body", Reply::Raw(cut), &[9]),
        ("no login", Reply::with("401 Unauthorized", &[], b""), &[8]),
        ("too many", Reply::with("429 Too Many Requests", &[("retry-after", "3600")], b""), &[9]),
        ("a server's own fault", Reply::with("500 Internal Server Error", &[], b"\x1b[31mboom"), &[9]),
        ("an endless body", Reply::Endless(endless), &[2]),
        ("nothing there", Reply::with("404 Not Found", &[], b""), &[7]),
    ];
    let mut seen = BTreeSet::new();
    for (name, reply, codes) in cases {
        let script = Script::start(move |_| reply.clone()).expect("a server");
        let image = format!("{}/acme/ai", script.address());
        let source = app(&repository, &image);
        let (a, url) = (source.to_string(), repository.path().display().to_string());
        let target = format!("workload:{ROLLOUT}");
        let tagged = format!("{image}:1.5");
        let words = [
            "pin",
            "--image",
            &tagged,
            "--target",
            &target,
            "--source-commit",
            &a,
            "--branch",
            "main",
            "--forge",
            &url,
        ];
        let output = run(home.path(), &words);
        assert!(codes.contains(&code(&output)), "{name}: {} {}", code(&output), said(&output));
        let errors: Vec<_> =
            said(&output).lines().filter(|line| line.starts_with("error: ")).map(str::to_owned).collect();
        assert_eq!(errors.len(), 1, "{name}: {}", said(&output));
        assert!(errors[0].contains(&image) || errors[0].contains(&script.address()), "{name}: {errors:?}");
        assert!(!said(&output).contains('\u{1b}'), "{name}");
        assert!(output.stdout.is_empty(), "{name}");
        assert_eq!(repository.head(&main_branch()).expect("a head"), Some(source), "{name}");
        seen.insert(errors[0].clone());
    }
    assert_eq!(seen.len(), 10, "each says what it is");
}

/// What a pin on GitHub costs, the registry's proof included: at most four requests one after the other (token, read,
/// commit, and the token given back) where installation and digest are known, at most six where they are not.
#[test]
fn a_pin_on_github_has_its_price() {
    let Some(registry) = RegistryServer::start(&Door::Open, false).expect("a registry") else { return };
    let home = TempDir::new().expect("a folder");
    for (known, requests) in [(true, 4), (false, 5)] {
        let Some(repository) = bare() else { return };
        let image = format!("{}/acme/ai", registry.address());
        let source = app(&repository, &image);
        let pushed =
            Recipe::of(["linux/amd64"].map(|platform| Variant::of(platform).built_from(source))).index();
        if !registry.push_image(&pushed, "acme/ai:1.5", None).expect("skopeo pushes") {
            return;
        }
        let Some(hub) = GitHub::start(&repository).expect("a server") else { return };
        let named = if known { format!("{image}@{}", pushed.digest()) } else { format!("{image}:1.5") };
        let (a, target) = (source.to_string(), format!("kustomization:{KUSTOMIZATION}"));
        let words = [
            "pin",
            "--json",
            "--forge=github:acme/deploy",
            "--branch=main",
            "--source-commit",
            &a,
            "--image",
        ];
        let mut pin = pinlib(home.path(), &[&words[..], &[&named, "--target", &target]].concat());
        pin.env("GITHUB_API_URL", hub.rest()).env("PINLIB_APP", CLIENT_ID).env("PINLIB_APP_KEY", hub.key());
        if known {
            pin.env("PINLIB_INSTALLATION", INSTALLATION.to_string());
        }
        let output = pin.output().expect("it runs");
        assert_eq!(code(&output), 0, "{}", said(&output));
        let traffic = &json(&output)["traffic"];
        let host = hub.rest().replace("http://", "");
        assert_eq!(traffic["hosts"][host]["requests"], requests, "{traffic}");
        assert_eq!(
            traffic["hosts"][registry.address()]["requests"],
            1,
            "the proof, beside the others: {traffic}"
        );
        assert_eq!(traffic["requests"], requests + 1, "{traffic}");
    }
}
