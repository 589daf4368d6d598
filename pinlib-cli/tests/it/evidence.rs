//! `--evidence` and `pinlib verify-image`: what is told of what was found, and which code says that it was not.

use super::scene::{IMAGE, Result, Run, Scene, main_branch};
use pinlib_testkit::{
    image::{
        Recipe, Variant,
        provenance::{slsa_0_2, slsa_1},
    },
    notary::Notary,
};
use serde_json::Value;
use snapbox::{assert_data_eq, str};

const REPOSITORY: &str = "https://github.com/shop/web";

/// The shop with an image whose index holds provenance, tagged 2.0.
fn proven() -> Result<Option<Scene>> {
    let Some(mut scene) = Scene::open()? else { return Ok(None) };
    let source = scene.a.to_string();
    let index = Recipe::of(["linux/amd64", "linux/arm64"].map(Variant::of)).index();
    scene.image = index.attested(|platform, subject| {
        let of = if platform.arch() == "amd64" { slsa_0_2 } else { slsa_1 };
        vec![of(subject, &format!("{REPOSITORY}.git"), &source)]
    });
    scene.image.write_layout(&scene.folder().join("registry"), "2.0")?;
    Ok(Some(scene))
}

fn verify(scene: &Scene, tag: &str, more: &[&str]) -> Result<Run> {
    let (image, source) = (format!("{IMAGE}:{tag}"), format!("--source-commit={}", scene.a));
    scene.run(&[&["verify-image", &image, "--registry=layout:registry", &source], more].concat())
}

#[test]
fn a_label_is_shown_with_what_it_is_worth() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = verify(&scene, "1.1", &["--evidence=label"])?;
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.out)?,
        str![[r#"
image           registry.test/shop/web@sha256:[digest]
platforms       linux/amd64, linux/arm64
source commit   [source]
evidence        label
proves          that whoever built or relabelled each platform's image wrote
                this commit into it
does not prove  that it is true: a label is not signed, and anyone who can push
                can write one
"#]]
    );
    let other = verify(&scene, "1.1", &["--evidence=label", "--source-repository=github:shop/web"])?;
    assert_eq!(other.code, Some(6), "{other:?}");
    Ok(())
}

#[test]
fn provenance_is_pinned_and_told() -> Result {
    let Some(scene) = proven()? else { return Ok(()) };
    let run = scene.pin(&["--evidence=provenance", "--source-repository=git@github.com:shop/web.git"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Checked   built from [source] of https://github.com/shop/web: provenance on both platforms
          proves that the index carries, for each platform, a build record that names this commit and that platform's image
          does not prove who wrote that record: it has no signature of its own, and anyone who can push can write one
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Pinned    main [source] → [head]  [TIME]
"#]]
    );
    let report = verify(&scene, "2.0", &["--evidence=provenance", "--json"])?.json();
    assert_eq!((&report["command"], &report["outcome"]), (&"verify-image".into(), &"answered".into()));
    assert_eq!(report["source_commit"], scene.a.to_string());
    assert_eq!(report["image"]["evidence"], "provenance");
    for says in ["proves", "does_not_prove"] {
        assert!(report["image"]["weighed"][says].as_str().is_some_and(|text| text.len() > 20), "{report:#}");
    }
    Ok(())
}

#[test]
fn provenance_of_something_else_is_a_mismatch_and_nothing_is_written() -> Result {
    let Some(mut scene) = proven()? else { return Ok(()) };
    let fork = scene.pin(&["--evidence=provenance", "--source-repository=github:evil/web"])?;
    assert_eq!(fork.code, Some(6), "{fork:?}");
    assert!(
        fork.error().contains("does not show that it was built from https://github.com/evil/web"),
        "{fork:?}"
    );
    scene.untouched()?;
    let none = verify(&scene, "1.1", &["--evidence=provenance"])?;
    assert_eq!((none.code, none.out.as_str()), (Some(6), ""), "{none:?}");
    assert!(none.told().contains("its index holds no provenance of linux/amd64"), "{none:?}");
    assert!(none.err.contains("hint: build with docker buildx build --provenance=true"), "{none:?}");
    scene.a = scene.repository.push(&main_branch(), &[("README", "tea\n")], "Sell tea")?;
    let other = scene.pin(&["--evidence=provenance"])?;
    assert_eq!(other.code, Some(6), "{other:?}");
    scene.untouched()
}

#[test]
fn ci_says_which_repository_it_builds() -> Result {
    let Some(scene) = proven()? else { return Ok(()) };
    let (image, source) = (format!("{IMAGE}:2.0"), scene.a.to_string());
    let code = |repository: &str, more: &[&str]| -> Result<Option<i32>> {
        let ci = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", source.as_str()),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_REPOSITORY", repository),
        ];
        let words = ["verify-image", &image, "--registry=layout:registry", "--evidence=provenance"];
        Ok(scene.run_with(&ci, &[&words, more].concat())?.code)
    };
    assert_eq!(code("shop/web", &[])?, Some(0));
    assert_eq!(code("evil/web", &[])?, Some(6));
    assert_eq!(code("evil/web", &["--source-repository", REPOSITORY])?, Some(0), "a flag beats it");
    Ok(())
}

/// A notary's files beside the shop, and the words that name them.
fn notarized(scene: &Scene, bundle: &Value, notary: &Notary) -> Result<[String; 5]> {
    scene.write("key.pem", &notary.key())?;
    scene.write("root.json", &notary.trusted_root().to_string())?;
    scene.write("bundle.json", &bundle.to_string())?;
    Ok([
        "--evidence=attestation".into(),
        "--signing-key=key.pem".into(),
        "--trusted-root=root.json".into(),
        "--bundle=bundle.json".into(),
        format!("--source-repository={REPOSITORY}"),
    ])
}

#[cfg(feature = "provenance")]
#[test]
fn a_signed_attestation_is_found_in_a_file_or_beside_the_image() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let notary = Notary::new();
    let bundle = notary.attest(&slsa_1(scene.digest(), REPOSITORY, &scene.a.to_string()));
    let words = notarized(&scene, &bundle, &notary)?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let run = verify(&scene, "1.1", &words)?;
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""), "{run:?}");
    let key = run.out.lines().find_map(|line| line.strip_prefix("signer          key ")).ok_or("a signer")?;
    assert_data_eq!(
        scene.tidy(&run.out.replace(key, "[KEY]"))?,
        str![[r#"
image           registry.test/shop/web@sha256:[digest]
platforms       linux/amd64, linux/arm64
source commit   [source]
evidence        attestation
repository      https://github.com/shop/web
claimed by      the statement
signer          key [KEY]
signed          2023-11-14T22:13:20Z
log             entry 0
found in        [FOLDER]/bundle.json
proves          that the named signer attested to this digest, and wrote that it
                was built from this commit
does not prove  that the signer's word is true: nobody but the signer says what
                it was built from
"#]]
    );

    let registry: Vec<_> = words.iter().copied().filter(|word| !word.starts_with("--bundle")).collect();
    let none = verify(&scene, "1.1", &registry)?;
    assert_eq!(none.code, Some(6), "{none:?}");
    assert!(none.told().contains("there is no attestation of it in the registry"), "{none:?}");
    let tag = format!("sha256-{}", scene.digest().hex());
    pinlib_testkit::notary::beside(&scene.image.root, &[bundle])
        .write_layout(&scene.folder().join("registry"), &tag)?;
    let report = verify(&scene, "1.1", &[&registry[..], &["--json"]].concat())?.json();
    let weighed = &report["image"]["weighed"];
    assert_eq!(
        (&weighed["claimed_by"], &weighed["log_index"]),
        (&"statement".into(), &0.into()),
        "{report:#}"
    );
    assert_eq!(
        (&weighed["repository"], &weighed["signed"]),
        (&REPOSITORY.into(), &"2023-11-14T22:13:20Z".into())
    );

    // The same from pinlib.yaml, and pinned.
    let text = format!(
        "evidence: attestation\nsource_repository: {REPOSITORY}\nsigning_key: key.pem\ntrusted_root: root.json\nbundles: [registry]\n"
    );
    scene.write("pinlib.yaml", &text)?;
    let pinned = scene.pin(&[])?;
    assert_eq!(pinned.code, Some(0), "{pinned:?}");
    assert!(pinned.err.contains(" of https://github.com/shop/web: attested by key sha256:"), "{pinned:?}");
    Ok(())
}

#[cfg(feature = "provenance")]
#[test]
fn an_attestation_that_is_not_as_it_was_asked_for_names_the_field() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let notary = Notary::new();
    let other = notary.attest(&slsa_1(scene.digest(), REPOSITORY, &"b".repeat(40)));
    let words = notarized(&scene, &other, &notary)?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let run = scene.pin(&words)?;
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.error().contains("bundle.json: source commit: the statement names"), "{run:?}");
    scene.untouched()?;
    let keyless = ["--evidence=attestation", "--source-repository=github:shop/web", "--bundle=bundle.json"];
    let run =
        verify(&scene, "1.1", &[&keyless[..], &["--signer=shop/web/.github/workflows/build.yml"]].concat())?;
    assert_eq!(run.code, Some(6), "{run:?}");
    assert!(run.told().contains("signer: it is signed by a key, and not by a certificate"), "{run:?}");
    Ok(())
}

#[test]
fn what_cannot_be_meant_is_said_before_anything_is_read() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.write("key.pem", &Notary::new().key())?;
    let repository = "--source-repository=github:shop/web";
    let workflow = "--signer=shop/web/.github/workflows/build.yml";
    let nobody = "nothing says who must have signed the attestation";
    for (words, says) in [
        (&[][..], "no evidence is asked for"),
        (&["--evidence=none"], "no evidence is asked for"),
        (&["--evidence=attestation", repository], nobody),
        (&["--evidence=attestation", workflow], "the repository that the source commit is of is missing"),
        (
            &["--evidence=attestation", repository, "--signer=me@shop.test"],
            "nothing says who knew the signer",
        ),
        (&["--evidence=attestation", repository, workflow, "--signing-key=key.pem"], "cannot be used with"),
        (&["--evidence=attestation", repository, "--signing-key=none.pem"], "there is no such file"),
        (
            &["--evidence=attestation", repository, workflow, "--bundle=github"],
            "as whom to ask GitHub for attestations",
        ),
        (&["--evidence=label", "--source-repository=shop/web"], "is not a valid source repository"),
        (&["--evidence=everything"], "invalid value 'everything'"),
    ] {
        let run = verify(&scene, "1.1", words)?;
        let code = if words.contains(&"--signing-key=none.pem") { 7 } else { 2 };
        assert!(run.code == Some(code) && run.err.contains(says), "{words:?}: {run:?}");
        assert_eq!(run.out, "");
    }
    Ok(())
}

#[cfg(not(feature = "provenance"))]
#[test]
fn a_build_without_the_feature_says_so() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let notary = Notary::new();
    let words = notarized(
        &scene,
        &notary.attest(&slsa_1(scene.digest(), REPOSITORY, &scene.a.to_string())),
        &notary,
    )?;
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    for run in [verify(&scene, "1.1", &words)?, scene.pin(&words)?] {
        assert!(run.code == Some(2) && run.err.contains("without its feature `provenance`"), "{run:?}");
    }
    scene.untouched()
}
