//! An App against GitHub's REST API as others emulate it: it verifies what the App signs, narrows what it mints, keeps real
//! git objects. It has no GraphQL, so that no pin goes there.

use crate::{git_world::main_branch, github_world::Skipping, remote::http};
use pinlib::{
    AppKey, BackendErrorKind, CommitRange, GitForge, GitHubForge, GitHubHost, GitHubLogin, Health, History,
    Oid, Row,
};
use pinlib_testkit::{
    repository::Repository,
    servers::{emulate::Emulate, github::GitHub},
};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::runtime::Runtime;

const APP: u64 = 12345;
const INSTALLATION: u64 = 100;
/// A token of the user's.
const SOMEBODY: &str = "somebodys_token";

struct Scene {
    server: Emulate,
    key: String,
    runtime: Runtime,
}

impl Scene {
    /// Two repositories of an organization, and an App that is installed on both with more than it needs.
    fn new() -> Option<Self> {
        // The stub's key will do.
        let key = GitHub::start(&Repository::bare("sha1").expect("git works")?)
            .expect("a server")?
            .key()
            .to_owned();
        let seed = json!({ "tokens": { SOMEBODY: { "login": "octocat", "scopes": ["repo"] } }, "github": {
            "users": [{ "login": "octocat", "name": "O", "email": "o@acme.test" }],
            "orgs": [{ "login": "acme", "name": "Acme", "members": [{ "login": "octocat", "role": "admin" }] }],
            "repos": [
                { "owner": "acme", "name": "deploy", "auto_init": true },
                { "owner": "acme", "name": "other", "auto_init": true },
            ],
            "apps": [{
                "app_id": APP, "slug": "pinlib-bot", "name": "Pin", "private_key": key, "events": [],
                "permissions": { "contents": "write", "metadata": "read", "issues": "write" },
                "installations": [{ "installation_id": INSTALLATION, "account": "acme", "repository_selection": "all" }],
            }],
        } });
        let server = Emulate::start(&seed.to_string()).expect("a server")?;
        Some(Self { server, key, runtime: Runtime::new().expect("a runtime") })
    }
    fn login(&self, app: &str, installation: Option<u64>) -> GitHubLogin {
        rustls::crypto::ring::default_provider().install_default().ok();
        let key = AppKey::from_pem(&self.key.clone().into()).expect("a key");
        GitHubLogin::App { app: app.into(), key, installation }
    }
    fn forge(&self, login: GitHubLogin) -> GitHubForge {
        let host = GitHubHost::of_apis(&self.server.address(), None).expect("a host");
        let repository = "acme/deploy".parse().expect("a repository");
        GitHubForge::new(repository, host, login, http(), Arc::new(Skipping::default()))
    }
    /// Asks the emulator as somebody else would.
    fn call(&self, method: &str, path: &str, token: Option<&str>, body: Option<&Value>) -> (u16, Value) {
        self.runtime.block_on(async {
            let client = reqwest::Client::builder().no_proxy().user_agent("test").build().expect("a client");
            let url = format!("{}{path}", self.server.address());
            let mut request = client.request(method.parse().expect("a method"), url);
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let answer = request.send().await.expect("an answer");
            let status = answer.status().as_u16();
            let text = answer.text().await.expect("a body");
            (status, serde_json::from_str(&text).unwrap_or(Value::Null))
        })
    }
    /// What was minted, as the emulator tells whoever debugs.
    fn minted(&self) -> Vec<Value> {
        let (_, tokens) = self.call("GET", "/_emulate/installation-tokens", None, None);
        tokens["installation_tokens"].as_array().cloned().unwrap_or_default()
    }
}

#[test]
fn an_app_is_let_in_and_its_token_is_narrow() {
    let Some(scene) = Scene::new() else { return };
    let forge = scene.forge(scene.login(&APP.to_string(), None));
    let mut found = scene.runtime.block_on(forge.examine_login());
    found.extend(scene.runtime.block_on(forge.examine_branch(&main_branch())));
    let health = |row| found.iter().find(|finding| finding.row == row).map(|finding| finding.health);
    for row in [Row::Key, Row::Clock, Row::App, Row::Installation, Row::Permissions, Row::Repositories] {
        assert_eq!(health(row), Some(Health::Ok), "{row}: {found:#?}");
    }
    let permissions = found.iter().find(|finding| finding.row == Row::Permissions).expect("it is there");
    assert!(permissions.seen.contains("more than a pin needs: issues:write"), "{permissions:?}");

    let minted = scene.minted();
    assert_eq!(minted.len(), 1, "{minted:?}");
    assert_eq!(minted[0]["permissions"], json!({ "contents": "write", "metadata": "read" }));
    assert_eq!(minted[0]["repository_selection"], "selected");
    assert_eq!(minted[0]["repository_ids"].as_array().map(Vec::len), Some(1));
    assert_eq!(minted[0]["installation"]["id"], INSTALLATION);
}

#[test]
fn a_key_of_another_app_is_not_let_in() {
    let Some(scene) = Scene::new() else { return };
    let forge = scene.forge(scene.login("99999", Some(INSTALLATION)));
    let range = CommitRange {
        base: Some(Oid::of(pinlib::ObjectFormat::Sha1, "blob", b"a")),
        upto: Oid::of(pinlib::ObjectFormat::Sha1, "blob", b"b"),
        limit: 9,
    };
    let error = scene.runtime.block_on(forge.history(&range)).expect_err("not let in");
    assert_eq!(error.kind(), BackendErrorKind::Unauthorized, "{error}");
    assert!(scene.minted().is_empty());
}

/// Trees, commits and a ref that a third party writes, as the history tells them.
#[test]
fn commits_that_others_write_are_read() {
    let Some(scene) = Scene::new() else { return };
    let forge = scene.forge(scene.login(&APP.to_string(), Some(INSTALLATION)));
    let (_, branch) = scene.call("GET", "/repos/acme/deploy/branches/main", None, None);
    let base: Oid = branch["commit"]["sha"].as_str().expect("a head").parse().expect("an oid");
    let token = Some(SOMEBODY);
    let mut head = base;
    for n in 0..3 {
        let post = |path: &str, body: &Value| {
            let (status, answer) =
                scene.call("POST", &format!("/repos/acme/deploy/git/{path}"), token, Some(body));
            assert_eq!(status, 201, "{path}: {answer}");
            answer["sha"].as_str().expect("an oid").to_owned()
        };
        let entry = json!({ "path": "env/app.yaml", "mode": "100644", "type": "blob", "content": format!("image: app:{n}\n") });
        let (_, parent) = scene.call("GET", &format!("/repos/acme/deploy/git/commits/{head}"), token, None);
        let tree = post("trees", &json!({ "base_tree": parent["tree"]["sha"], "tree": [entry] }));
        let commit =
            post("commits", &json!({ "message": format!("commit {n}"), "tree": tree, "parents": [head] }));
        head = commit.parse().expect("an oid");
        let moved = json!({ "sha": head, "force": false });
        let (status, answer) =
            scene.call("PATCH", "/repos/acme/deploy/git/refs/heads/main", token, Some(&moved));
        assert_eq!(status, 200, "{answer}");
    }
    let ask = |base, upto, limit| {
        scene.runtime.block_on(forge.history(&CommitRange { base: Some(base), upto, limit }))
    };
    let Ok(History::Descends(facts)) = ask(base, head, 9) else { panic!("{:?}", ask(base, head, 9)) };
    assert_eq!(facts.len(), 3);
    let last = facts.iter().find(|fact| fact.oid == head).expect("it is there");
    assert_eq!(last.message.trim_end(), "commit 2");
    assert!(facts.iter().all(|fact| fact.parents.len() == 1));
    assert!(matches!(ask(head, base, 9), Ok(History::Unrelated)));
    assert!(matches!(ask(base, base, 9), Ok(History::Descends(none)) if none.is_empty()));
    assert_eq!(ask(base, head, 2).expect_err("too long").kind(), BackendErrorKind::Incomplete);
    let nobody = Oid::of(pinlib::ObjectFormat::Sha1, "blob", b"nobody");
    assert!(matches!(ask(nobody, head, 9), Ok(History::Unrelated)));
    assert_eq!(ask(base, nobody, 9).expect_err("not there").kind(), BackendErrorKind::NotFound);
}
