//! `--digests`: all that a build reported goes into one commit, or nothing does.

use super::scene::{Result, Run, Scene};
use snapbox::{assert_data_eq, str};
use std::{io::Write as _, process::Stdio};

const OTHER: &str = "sha256:6d9ac9237a84afe1516540f40a0fafdc86859b2141954b4d643af7066d598b74";

/// The shop's file with both of its images.
fn two_images(scene: &Scene) -> Result {
    scene.write(
        "pinlib.yaml",
        "branch: main\nforge: repository.git\nregistry: layout:registry\nimages:\n  - name: registry.test/shop/web\n    targets: \
         [{kustomization: deploy/kustomization.yaml}, {workload: deploy/rollout.yaml}]\n  - name: registry.test/shop/api\n    \
         targets: [{kustomization: deploy/kustomization.yaml}]\n",
    )?;
    Ok(())
}

/// The command with this on its standard input.
fn fed(scene: &Scene, words: &[&str], text: &str) -> Result<Run> {
    let mut command = scene.command(words);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("a pipe")?.write_all(text.as_bytes())?;
    Ok(child.wait_with_output()?.into())
}

#[test]
fn what_a_build_reports_goes_into_one_commit() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    two_images(&scene)?;
    let (a, digest) = (scene.a.to_string(), scene.digest());
    // One job's own metadata by a file, and the lines of another on standard input. Tags are somebody's word for a digest.
    let metadata = format!(
        r#"{{"web": {{"containerimage.digest": "{digest}", "image.name": "registry.test/shop/web:nightly"}}}}"#
    );
    scene.write("metadata.json", &metadata)?;
    let lines = format!("registry.test/shop/api:2.1@{digest}\n");
    let words = ["--source-commit", &a, "--digests", "metadata.json", "--digests", "-"];
    let plan = fed(&scene, &[&["plan"], &words[..]].concat(), &lines)?;
    assert_eq!((plan.code, plan.out.matches("\n+").count()), (Some(0), 5), "{plan:?}");
    scene.untouched()?;

    let run = fed(&scene, &[&["pin"], &words[..]].concat(), &lines)?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Resolved  registry.test/shop/api@sha256:[digest]  index: linux/amd64, linux/arm64
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/kustomization.yaml:7  2.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Pinned    main [source] → [head]  [TIME]
"#]]
    );
    assert_eq!(scene.repository.git(&["rev-list", "--count", "main"])?, "2", "one commit for both");
    let tags = scene.file("deploy/kustomization.yaml")?;
    assert!(!tags.contains("nightly") && !tags.contains("2.1"), "{tags}");
    Ok(())
}

#[test]
fn a_digest_that_no_registry_has_stops_all_of_them() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    two_images(&scene)?;
    let (a, digest) = (scene.a.to_string(), scene.digest());
    let report = format!(r#"{{"registry.test/shop/api": "{OTHER}", "registry.test/shop/web": "{digest}"}}"#);
    let run = fed(&scene, &["pin", "--source-commit", &a, "--digests=-"], &report)?;
    assert_eq!((run.code, run.out.as_str()), (Some(7), ""), "{run:?}");
    scene.untouched()
}

#[test]
fn an_image_that_nobody_listed_is_an_error_unless_told() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, digest) = (scene.a.to_string(), scene.digest());
    let report = format!(r#"{{"registry.test/shop/api": "{digest}", "registry.test/shop/web": "{digest}"}}"#);
    let words = ["pin", "--source-commit", &a, "--digests=-"];
    let run = fed(&scene, &words, &report)?;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
error: the build reports registry.test/shop/api, which pinlib.yaml does not list
hint: list it with its targets, give --target, or leave such images out with --skip-unlisted
"#]]
    );
    let none = format!(r#"{{"registry.test/shop/api": "{digest}"}}"#);
    let run = fed(&scene, &[&words[..], &["--skip-unlisted"]].concat(), &none)?;
    assert_eq!(
        run.told(),
        "2 pinlib.yaml lists none of the images that the build reports\n",
        "to pin nothing is no answer"
    );
    scene.untouched()?;

    let target = ["--target=kustomization:deploy/kustomization.yaml", "-n"];
    let run = fed(&scene, &[&words[..], &target].concat(), &report)?;
    assert_eq!((run.code, run.out.matches("\n+ ").count()), (Some(0), 2), "{run:?}");
    let run = fed(&scene, &[&words[..], &["--skip-unlisted", "-v"]].concat(), &report)?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("left out registry.test/shop/api: pinlib.yaml does not list it"), "{run:?}");
    assert_eq!(scene.file("deploy/kustomization.yaml")?.matches(&digest.to_string()).count(), 1);
    Ok(())
}

#[test]
fn reports_that_mean_nothing() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, digest) = (scene.a.to_string(), scene.digest());
    scene.write("web.txt", &format!("registry.test/shop/web@{digest}\n"))?;
    scene.write("again.txt", &format!("registry.test/shop/web:2@{OTHER}\n"))?;
    scene.write("keys.json", "{\"a\\u001b[31m\": \"b\"}")?;
    scene.write("long.json", &" ".repeat((16 << 20) + 1))?;
    std::fs::write(scene.folder().join("latin.txt"), b"\xe9")?;
    let mut told = String::new();
    for words in [
        &["--digests=web.txt", "--digests=again.txt"][..],
        &["--digests=keys.json"],
        &["--digests=long.json"],
        &["--digests=latin.txt"],
        &["--digests=missing.json"],
        &["--digests=-"],
    ] {
        let run = scene.run(&[&["pin", "--source-commit", &a], words].concat())?;
        assert_eq!(run.out, "");
        told += &run.told();
    }
    scene.untouched()?;
    assert_data_eq!(
        scene.tidy(&told)?.replace(OTHER, "[OTHER]"),
        str![[r#"
2 cannot read digests from again.txt: registry.test/shop/web is reported twice, as [DIGEST] and as [OTHER]
2 cannot read digests from keys.json: no format that pinlib knows has an object of a[31m
2 long.json is longer than 16777216 bytes
2 latin.txt is not UTF-8: incomplete utf-8 byte sequence from index 0
7 cannot read missing.json: there is no such file
2 cannot read digests from standard input: it is empty
"#]]
    );
    // Once more is no contradiction.
    let run = scene.run(&["plan", "--source-commit", &a, "--digests=web.txt", "--digests=web.txt"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let both = scene.run(&["pin", "--image=a", "--digests=-"])?;
    assert_eq!(both.code, Some(2), "one way to say it at a time");
    Ok(())
}
