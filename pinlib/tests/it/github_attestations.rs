//! The attestations that GitHub keeps, by its API: found, or known not to be there, or not known.

use crate::{github_world::Scene, remote::http};
use pinlib::{Attestations, BackendErrorKind, Digest, GitHubAttestations, GitHubHost, Reference};
use pinlib_testkit::servers::github::{Meddling, TOKEN};
use serde_json::{Value, json};

fn image() -> Reference {
    let image: Reference = "registry.test/acme/app".parse().expect("an image");
    image.at(Digest::of(b"an image"))
}

fn kept(scene: &Scene, token: &str) -> GitHubAttestations {
    let host = GitHubHost::of_apis(&scene.hub.rest(), None).expect("a host");
    GitHubAttestations::new(
        "acme/deploy".parse().expect("a repository"),
        host,
        token.to_owned().into(),
        http(),
    )
}

#[test]
fn bundles_come_as_they_are_kept_and_none_is_an_answer() {
    let Some(scene) = Scene::new() else { return };
    let kept = kept(&scene, TOKEN);
    assert!(kept.to_string().ends_with("/acme/deploy") && !format!("{kept:?}").contains(TOKEN), "{kept:?}");
    assert_eq!(scene.block_on(kept.bundles(&image())).expect("none").len(), 0);
    let bundle = |n: usize| json!({"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": {"n": n}});
    let digest = Digest::of(b"an image").to_string();
    scene.hub.change(|hub| drop(hub.attestations.insert(digest.clone(), (0..60).map(bundle).collect())));
    let found = scene.block_on(kept.bundles(&image())).expect("bundles");
    assert_eq!(found.len(), 50, "one request, the newest");
    let second: Value = serde_json::from_slice(&found[1].bytes).expect("JSON");
    assert_eq!(second, bundle(1));
    assert!(found[1].from.ends_with("/acme/deploy, number 2"), "{}", found[1].from);
    let asked = scene.asked();
    assert_eq!(asked[1], format!("GET /repos/acme/deploy/attestations/{digest}?per_page=50"));
    assert_eq!(asked.len(), 2);
}

#[test]
fn what_cannot_be_told_is_no_answer() {
    let Some(scene) = Scene::new() else { return };
    let stranger = kept(&scene, "ghp_nobody");
    let error = scene.block_on(stranger.bundles(&image())).expect_err("a token that is none");
    assert_eq!(error.kind(), BackendErrorKind::Unauthorized, "{error}");
    assert!(!error.to_string().contains("ghp_nobody"), "{error}");
    let kept = kept(&scene, TOKEN);
    for (status, body, kind) in [
        (502, "<html>", BackendErrorKind::Unavailable),
        (200, "<html>", BackendErrorKind::Invalid),
        // What GitHub answers by a later version of its API.
        (
            200,
            r#"{"attestations": [{"bundle_url": "https://blob.test/1.json.sn"}]}"#,
            BackendErrorKind::Invalid,
        ),
    ] {
        scene.hub.meddle(move |_| {
            let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
            Some(Meddling::Answer { status, headers, body: body.into() })
        });
        let error = scene.block_on(kept.bundles(&image())).expect_err(body);
        assert_eq!(error.kind(), kind, "{error}");
    }
    let error = scene.block_on(kept.bundles(&"registry.test/acme/app".parse().expect("an image")));
    assert_eq!(error.expect_err("no digest").kind(), BackendErrorKind::Invalid);
}
