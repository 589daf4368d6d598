//! An App and its tokens: keys, clocks, installations, narrowing, minting late and once more, giving back.

use crate::{
    git_world::main_branch,
    github_world::{Scene, app, forge, is_commit},
};
use pinlib::{AppKey, BackendErrorKind, Clock, GitForge, GitHubLogin, OutcomeKind};
use pinlib_testkit::{
    repository::Repository,
    servers::{
        github::{APP_ID, CLIENT_ID, GitHub, INSTALLATION, Meddling, Selection, TOKEN},
        program,
        script::Request,
    },
};
use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

fn is_mint(request: &Request) -> bool {
    request.target.ends_with("/access_tokens")
}

fn minted(scene: &Scene) -> usize {
    scene.hub.requests().iter().filter(|request| is_mint(request)).count()
}

#[test]
fn an_app_is_known_by_its_number_and_by_its_client_id() {
    for id in [APP_ID.to_string(), CLIENT_ID.to_owned()] {
        let Some(scene) = Scene::with(|hub| app(hub, &id, None)) else { return };
        scene.pin("one").unwrap_or_else(|error| panic!("{id}: {error}"));
    }
}

/// A server before GHES 3.14 knows the number alone: it refuses the client id, and says so.
#[test]
fn an_old_server_knows_the_number_alone() {
    let Some(scene) = Scene::new() else { return };
    scene.hub.change(|settings| settings.client_id_is_issuer = false);
    let error = scene.pin("one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Unauthorized, "{error}");
    let Some(scene) = Scene::with(|hub| app(hub, &APP_ID.to_string(), None)) else { return };
    scene.hub.change(|settings| settings.client_id_is_issuer = false);
    scene.pin("one").expect("a pin");
}

/// As PKCS#1 and PKCS#8, with real line breaks, with `\n`, with those of Windows, with blanks around.
#[test]
fn a_key_is_read_in_every_form_it_comes_in() {
    let Some(scene) = Scene::new() else { return };
    let first = scene.hub.key().to_owned();
    let Some(openssl) = program("openssl").expect("no test skips in CI") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.pem");
    std::fs::write(&file, &first).expect("a file");
    let mut convert = Command::new(openssl);
    let second =
        convert.args(["pkcs8", "-topk8", "-nocrypt", "-in"]).arg(&file).output().expect("it runs").stdout;
    let second = String::from_utf8(second).expect("PEM");
    assert!(second.contains("BEGIN PRIVATE KEY") && first.contains("BEGIN RSA PRIVATE KEY"));
    for pem in [&first, &second] {
        for text in [
            pem.clone(),
            pem.replace('\n', "\\n"),
            pem.trim_end().to_owned(),
            pem.replace('\n', "\r\n"),
            format!("\n\n{pem}\n"),
        ] {
            let key =
                AppKey::from_pem(&text.clone().into()).unwrap_or_else(|error| panic!("{error}: {text}"));
            assert_eq!(format!("{key:?}"), "AppKey");
            let login = GitHubLogin::App { app: CLIENT_ID.into(), key, installation: Some(INSTALLATION) };
            let forge = forge(&scene.hub, login, Arc::clone(&scene.clock) as Arc<dyn Clock>);
            scene.block_on(forge.head(&main_branch())).expect("GitHub takes what it signs");
        }
    }
}

#[test]
fn what_is_no_key_is_told_and_not_quoted() {
    let Some(scene) = Scene::new() else { return };
    let key = scene.hub.key();
    let half: String = key.lines().take(9).collect::<Vec<_>>().join("\n");
    let ec = "-----BEGIN EC PRIVATE KEY-----\nMHcCAQEEIBSECRET\n-----END EC PRIVATE KEY-----\n";
    for (pem, says) in [
        ("", "want a PEM file"),
        ("12345", "want a PEM file"),
        (&*half, "want a PEM file"),
        (ec, ""),
        ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", "public key"),
        ("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n", "encrypted"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIB\n-----END RSA PRIVATE KEY-----\n", "damaged"),
    ] {
        let error = AppKey::from_pem(&pem.to_owned().into()).expect_err(pem);
        assert_eq!(error.kind(), BackendErrorKind::Invalid);
        assert!(error.to_string().contains(says), "{pem}: {error}");
        assert!(
            !format!("{error:?}{error}").contains("MIIB") && !format!("{error:?}").contains("SECRET"),
            "{error:?}"
        );
    }
}

/// For one repository, to write contents and read what every App may; nothing else, whatever was granted.
#[test]
fn a_token_is_as_narrow_as_can_be() {
    let Some(scene) = Scene::new() else { return };
    scene.hub.change(|settings| {
        settings.permissions.insert("administration".into(), "write".into());
        settings.permissions.insert("issues".into(), "write".into());
        settings.selection = Selection::All;
    });
    scene.pin("one").expect("a pin");
    let mint = scene.hub.requests().into_iter().find(is_mint).expect("one");
    let wish: serde_json::Value = serde_json::from_str(&mint.body).expect("json");
    assert_eq!(
        wish,
        serde_json::json!({ "repositories": ["deploy"], "permissions": { "contents": "write", "metadata": "read" } })
    );
}

#[test]
fn what_is_not_granted_is_told() {
    type Change = fn(&mut pinlib_testkit::servers::github::Settings);
    let rows: [(Change, OutcomeKind, &str); 4] = [
        (
            |s| drop(s.permissions.insert("contents".into(), "read".into())),
            OutcomeKind::Unauthorized,
            "contents:write",
        ),
        (|s| s.selection = Selection::Others, OutcomeKind::Unauthorized, "acme/deploy"),
        (|s| s.installed = false, OutcomeKind::Unauthorized, "no installation"),
        (|s| s.suspended = true, OutcomeKind::Unauthorized, "suspended"),
    ];
    for (change, kind, says) in rows {
        let Some(scene) = Scene::new() else { return };
        scene.hub.change(change);
        let error = scene.pin("one").expect_err(says);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(says), "{says}: {error}");
        assert_eq!(scene.head(), scene.source);
    }
    let Some(scene) = Scene::with(|hub| app(hub, CLIENT_ID, None)) else { return };
    scene.hub.change(|settings| settings.installed = false);
    let error = scene.pin("one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::NotFound, "{error}");
    assert!(error.to_string().contains("the App is not installed on acme/deploy"), "{error}");
}

/// Whose clock is wrong says the time once more, by GitHub's.
#[test]
fn a_clock_that_is_wrong_costs_one_request() {
    for ahead in [-3600, -120, 400, 7200] {
        let Some(scene) = Scene::new() else { return };
        scene.hub.change(|settings| settings.clock_ahead = ahead);
        scene.pin("one").unwrap_or_else(|error| panic!("{ahead}: {error}"));
        assert!(minted(&scene) <= 2, "{ahead}");
    }
    let Some(scene) = Scene::new() else { return };
    scene.hub.change(|settings| settings.clock_ahead = -3600);
    scene.pin("one").expect("a pin");
    assert_eq!(minted(&scene), 2, "the first is dated in the future");
}

/// Some of GitHub's machines do not know a new token yet.
#[test]
fn a_token_that_is_too_young_is_waited_for() {
    for unready in [1, 2, 3] {
        let Some(scene) = Scene::new() else { return };
        scene.hub.change(|settings| settings.unready = unready);
        scene.pin("one").unwrap_or_else(|error| panic!("{unready}: {error}"));
        assert_eq!(minted(&scene), 1);
        let waits = [1, 3, 7][unready as usize - 1];
        assert_eq!(scene.clock.slept(), Duration::from_secs(waits), "{unready}");
    }
    let Some(scene) = Scene::new() else { return };
    scene.hub.change(|settings| settings.unready = 99);
    let error = scene.pin("one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Unauthorized, "bounded, and then told as what it is: {error}");
}

/// One token serves a pin; what would end soon is minted again before the write, never after it.
#[test]
fn a_token_is_minted_late_once_and_again_where_it_ends() {
    let Some(scene) = Scene::new() else { return };
    assert_eq!(scene.asked().len(), 0, "not before it is needed");
    scene.pin("one").expect("a pin");
    assert_eq!(minted(&scene), 1);

    let Some(scene) = Scene::new() else { return };
    scene.block_on(scene.forge.head(&main_branch())).expect("a head");
    scene.block_on(scene.clock.sleep(Duration::from_secs(3500)));
    scene.hub.change(|settings| settings.clock_ahead = 3500);
    scene.pin("one").expect("a pin");
    assert_eq!(minted(&scene), 2);

    // Refused in the write itself, for whatever reason: that is told, and not tried with another token.
    let Some(scene) = Scene::new() else { return };
    scene.hub.meddle(|request| {
        is_commit(request).then(|| Meddling::Answer {
            status: 401,
            headers: vec![("content-type".into(), "application/json".into())],
            body: "{\"message\":\"Bad credentials\"}".into(),
        })
    });
    let error = scene.pin("one").expect_err("no pin");
    assert_eq!(error.kind(), OutcomeKind::Unauthorized, "{error}");
    assert_eq!((minted(&scene), scene.asked().iter().filter(|name| *name == "mutation").count()), (1, 1));
}

/// Those who come together take one token.
#[test]
fn reads_side_by_side_mint_once() {
    let Some(scene) = Scene::new() else { return };
    let branch = main_branch();
    let heads = futures_util::future::join_all((0..5).map(|_| scene.forge.head(&branch)));
    let heads = scene.block_on(heads);
    assert!(heads.iter().all(Result::is_ok));
    assert_eq!(minted(&scene), 1);
}

#[test]
fn a_token_that_was_given_back_is_dead() {
    let Some(scene) = Scene::new() else { return };
    scene.pin("one").expect("a pin");
    let token = scene.hub.secrets().into_iter().find(|secret| secret.starts_with("ghs_")).expect("one");
    let with = |token: &str| {
        let login = GitHubLogin::Token(token.to_owned().into());
        let forge = forge(&scene.hub, login, Arc::clone(&scene.clock) as Arc<dyn Clock>);
        scene.block_on(forge.head(&main_branch()))
    };
    with(&token).expect("it lives");
    scene.block_on(scene.forge.close()).expect("given back");
    assert_eq!(with(&token).expect_err("dead").kind(), BackendErrorKind::Unauthorized);
    scene.block_on(scene.forge.close()).expect("there is none any more");
    // Whoever goes on gets a new one.
    scene.block_on(scene.forge.head(&main_branch())).expect("a head");
    with(TOKEN).expect("a plain one is nobody's to give back");
}

/// The repository was renamed: GitHub tells where it is, on the same host. Elsewhere the App's word is not sent.
#[test]
fn a_renamed_repository_is_found_on_the_same_host_alone() {
    let Some(repository) = Repository::bare("sha1").expect("git works") else { return };
    let Some(thief) = GitHub::start(&repository).expect("a server") else { return };
    for (elsewhere, found) in [(None, true), (Some(thief.rest()), false)] {
        let Some(scene) = Scene::with(|hub| app(hub, CLIENT_ID, None)) else { return };
        let to = elsewhere.unwrap_or_else(|| scene.hub.rest());
        let asked = AtomicUsize::new(0);
        scene.hub.meddle(move |request| {
            let first = request.target.ends_with("/installation") && asked.fetch_add(1, Relaxed) == 0;
            first.then(|| Meddling::Answer {
                status: 301,
                headers: vec![("location".into(), format!("{to}/repos/acme/deploy/installation"))],
                body: "{}".into(),
            })
        });
        assert_eq!(scene.pin("one").is_ok(), found);
    }
    assert!(thief.requests().is_empty());
}

/// Nothing that is secret shows in what may be printed.
#[test]
fn no_secret_is_in_a_debug_text() {
    let Some(scene) = Scene::new() else { return };
    scene.pin("one").expect("a pin");
    let text = format!("{:?} {}", scene.forge, scene.forge);
    for secret in scene.hub.secrets() {
        assert!(!text.contains(&secret), "{text}");
    }
    assert!(!text.contains("PRIVATE KEY"), "{text}");
}
