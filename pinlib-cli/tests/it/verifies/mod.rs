//! `pinlib verify`: what runs, held against what Git says.

#[cfg(feature = "kube")]
mod api;

use super::scene::{IMAGE, Result, Run, Scene, main_branch};
use pinlib_testkit::servers::kubernetes::objects::{PodObject, printed, rollout};
use serde_json::Value;
use snapbox::{assert_data_eq, str};
use std::{fs, process::Stdio};

/// The shop, its image pinned in both files.
fn shop() -> Result<Option<Scene>> {
    let Some(scene) = Scene::open()? else { return Ok(None) };
    scene.config()?;
    let pinned = scene.pin(&[])?;
    assert_eq!(pinned.code, Some(0), "{pinned:?}");
    Ok(Some(scene))
}

/// A pod of the shop's Rollout, by a digest that its node tells.
fn pod(scene: &Scene, name: &str, image_id: &str) -> PodObject {
    PodObject::new("shop", name).of_rollout("web", "7d9f").container("web", &scene.reported(), image_id)
}

/// What runs where all is well: one pod tells the index, one its platform's image.
fn well(scene: &Scene) -> Vec<Value> {
    let platform = format!("{IMAGE}@{}", scene.image.manifests[0].1.digest());
    [pod(scene, "web-1", &scene.reported()), pod(scene, "web-2", &platform)].map(PodObject::json).into()
}

/// Another image that the layout holds too, and one that it does not.
fn other(scene: &Scene) -> String {
    let single =
        pinlib_testkit::image::Recipe::of([pinlib_testkit::image::Variant::of("linux/amd64")]).single();
    single.write_layout(&scene.folder().join("registry"), "0.9").unwrap_or_else(|error| panic!("{error}"));
    format!("{IMAGE}@{}", single.digest())
}

fn verify(scene: &Scene, objects: &[Value], more: &[&str]) -> Result<Run> {
    scene.write("pods.json", &printed(objects))?;
    scene.run(&[&["verify", "--pods", "pods.json"], more].concat())
}

#[test]
fn all_that_runs_is_what_git_says() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let run = verify(&scene, &well(&scene), &[])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.out)?,
        str![[r#"
registry.test/shop/web  [digest]
  match      shop/Rollout/web/web  1 of 1 ready, by its platform
  match      shop/Rollout/web/web  1 of 1 ready
"#]]
    );
    assert_data_eq!(scene.tidy(&run.err)?, str!["all 2 containers run what [head] says"]);
    Ok(())
}

#[test]
fn each_way_of_not_matching_has_its_word_and_its_exit_code() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let (well, other) = (well(&scene), other(&scene));
    let gone = format!("{IMAGE}@sha256:{}", "ab".repeat(32));
    let with = |one: PodObject| [&well[..], &[one.json()]].concat();
    for (objects, code, outcome, row) in [
        (
            with(pod(&scene, "web-3", &other)),
            6,
            "mismatch",
            "  mismatch   shop/Rollout/web/web  1 of 1 ready, runs ",
        ),
        (
            with(pod(&scene, "web-3", &gone)),
            10,
            "unknown",
            "  unknown    shop/Rollout/web/web  1 of 1 ready, runs ",
        ),
        (
            with(pod(&scene, "web-3", "").waiting("ContainerCreating")),
            9,
            "unavailable",
            "  pending    shop/Rollout/web/web  0 of 1 ready",
        ),
        (
            vec![PodObject::new("shop", "cache").container("redis", "redis:7", "").json()],
            7,
            "not-found",
            "  not-running",
        ),
    ] {
        let run = verify(&scene, &objects, &[])?;
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.out.lines().any(|line| line.starts_with(row)), "{run:?}");
        assert!(run.out.lines().all(|line| line.chars().count() <= 80), "{run:?}");
        let report = verify(&scene, &objects, &["--json"])?.json();
        assert_eq!((&report["outcome"], &report["exit_code"]), (&outcome.into(), &code.into()));
        assert_eq!(report["commit"], scene.head()?.to_string());
    }
    Ok(())
}

#[test]
fn programs_get_every_row_and_every_place_in_git() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let objects = [&well(&scene)[..], &[rollout("shop", "web", ["7d9f", "7d9f"])]].concat();
    let report = verify(&scene, &objects, &["--json"])?.json();
    assert_eq!(
        (&report["outcome"], &report["cluster"], &report["drift"]),
        (&"answered".into(), &"pods.json".into(), &Value::Null)
    );
    let wanted: Vec<_> = report["wanted"].as_array().into_iter().flatten().map(|one| &one["path"]).collect();
    assert_eq!(wanted, ["deploy/kustomization.yaml", "deploy/rollout.yaml"]);
    let row = &report["rows"][0];
    for (key, value) in [
        ("image", IMAGE),
        ("wanted", &scene.digest().to_string()),
        ("verdict", "match"),
        ("equality", "platform"),
        ("namespace", "shop"),
        ("kind", "Rollout"),
        ("name", "web"),
        ("container", "web"),
        ("role", "container"),
        ("track", "stable"),
        ("asked", &scene.reported()),
    ] {
        assert_eq!(row[key], value, "{key}");
    }
    assert_eq!(row["pods"], serde_json::json!(["web-2"]));
    Ok(())
}

#[test]
fn drift_is_told_where_it_is_asked_for() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let cache =
        PodObject::new("shop", "cache").container("redis", "redis:7", &format!("redis@{}", scene.digest()));
    let odd = PodObject::new("shop", "odd").container("x", "ghcr.io/acme/x:1", "ghcr.io/acme/x@sha256:00");
    let by_tag = [&well(&scene)[..], &[cache.json()]].concat();
    let run = verify(&scene, &by_tag, &["--drift"])?;
    assert!(
        run.code == Some(6) && run.out.contains("mutable-tag  redis:7"),
        "whatever its name, it is Git's digest: {run:?}"
    );
    let objects = [&well(&scene)[..], &[odd.json()]].concat();
    let run = verify(&scene, &objects, &[])?;
    assert!(run.code == Some(0) && !run.out.contains("ghcr.io/acme/x"), "{run:?}");
    let run = verify(&scene, &objects, &["--drift"])?;
    assert_eq!(run.code, Some(6), "{run:?}");
    assert_data_eq!(
        run.out.split_once("drift\n").map(|(_, drift)| drift.to_owned()).unwrap_or_default(),
        str![[r#"
  unmanaged    ghcr.io/acme/x:1
               shop/x
  mutable-tag  ghcr.io/acme/x:1
               shop/x

"#]]
    );
    let report = verify(&scene, &objects, &["--drift", "--json"])?.json();
    assert_eq!(report["drift"].as_array().map(Vec::len), Some(2));
    assert_eq!(verify(&scene, &well(&scene), &["--drift"])?.code, Some(0));
    Ok(())
}

#[test]
fn on_github_what_is_wrong_is_an_error_and_the_summary_has_it_all() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let other = other(&scene);
    scene.write("pods.json", &printed(&[pod(&scene, "web-1", &other).json()]))?;
    let summary = scene.write("summary.md", "")?;
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", &summary.display().to_string())];
    let run = scene.run_with(&variables, &["verify", "-q", "--pods", "pods.json"])?;
    let error =
        format!("::error title=Verify::shop/Rollout/web/web runs {other}, and Git says {}", scene.digest());
    assert!(run.code == Some(6) && run.err.lines().any(|line| line == error), "{run:?}");
    let text = fs::read_to_string(summary)?;
    assert!(text.contains("| mismatch | <code>shop/Rollout/web/web</code> | 1 of 1 |"), "{text}");
    Ok(())
}

#[test]
fn standard_input_a_namespace_and_a_commit_are_taken() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let mut command = scene.command(&["verify", "--pods=-", "-n", "shop"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let elsewhere = PodObject::new("tea", "web-9").container("web", &scene.reported(), &other(&scene)).json();
    let text = printed(&[&well(&scene)[..], std::slice::from_ref(&elsewhere)].concat());
    std::io::Write::write_all(&mut child.stdin.take().ok_or("stdin")?, text.as_bytes())?;
    let run = Run::from(child.wait_with_output()?);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(verify(&scene, &[&well(&scene)[..], &[elsewhere]].concat(), &[])?.code, Some(6));
    // At A, Git has a tag and no digest.
    let before = verify(&scene, &well(&scene), &["--commit", &scene.a.to_string()])?;
    assert!(before.code == Some(10) && before.out.contains("Git has no digest for it"), "{before:?}");
    Ok(())
}

#[test]
fn what_cannot_be_meant_is_said() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    for (words, code, told) in [
        (&["verify", "--pods", "nowhere.json"][..], 7, "cannot read nowhere.json: there is no such file"),
        (&["verify", "--pods", "pinlib.yaml"], 2, "cannot read the pods in pinlib.yaml: expected value"),
        (&["verify", "--pods", "x", "--image", "tea"], 2, "pinlib.yaml lists no tea here"),
        (&["verify", "-n", "A/B"], 2, "--namespace: \"A/B\" is not a valid name in a cluster"),
        (&["verify", "--pods", "x", "--environment", "moon"], 2, "there is no environment moon"),
    ] {
        let run = scene.run(words)?;
        assert_eq!(run.code, Some(code), "{run:?}");
        assert!(run.error().starts_with(told), "{run:?}");
    }
    assert_eq!(scene.run(&["verify", "--pods", "x", "--wait", "1m"])?.code, Some(2));
    let bare = Scene::open()?.ok_or("git")?;
    let run = bare.run(&["verify", "--pods", "x", "--forge", "repository.git"])?;
    assert_eq!((run.code, run.error()), (Some(2), "no image is known, so there is nothing to look for"));
    Ok(())
}

#[cfg(not(feature = "kube"))]
#[test]
fn without_the_feature_the_way_that_is_left_is_named() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let run = scene.run(&["verify"])?;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.error().contains("without the feature kube") && run.err.contains("--pods -"), "{run:?}");
    Ok(())
}

#[test]
fn an_environment_is_verified_by_its_own_files() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    scene.repository.push(&main_branch(), &[("staging/rollout.yaml", super::scene::ROLLOUT)], "Stage it")?;
    scene.write(
        "pinlib.yaml",
        "branch: main\nforge: repository.git\nregistry: layout:registry\nimages:\n  - name: registry.test/shop/web\n    \
         targets:\n      - kustomization: deploy/kustomization.yaml\n        environment: production\n      - workload: \
         staging/rollout.yaml\n        environment: staging\n",
    )?;
    let run = verify(&scene, &well(&scene), &[])?;
    assert_eq!(
        (run.code, run.error()),
        (Some(2), "every target of pinlib.yaml is of an environment: which one is meant?")
    );
    assert_eq!(verify(&scene, &well(&scene), &["--environment", "production"])?.code, Some(0));
    let run = verify(&scene, &well(&scene), &["--environment", "staging"])?;
    assert!(run.code == Some(10) && run.out.contains("Git has no digest for it"), "{run:?}");
    Ok(())
}

#[test]
fn names_from_a_cluster_cannot_speak_to_the_terminal() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let evil = "\u{1b}[31m##[error]\u{202e}";
    let one = PodObject::new(&format!("shop{evil}"), "web-1").container(
        &format!("web{evil}"),
        &scene.reported(),
        &format!("rkt://{evil}"),
    );
    let odd = PodObject::new("shop", "x").owned("v1", evil, evil).container(evil, "ghcr.io/acme/x:1", "");
    let run = verify(&scene, &[one.json(), odd.json()], &["--drift"])?;
    for text in [&run.out, &run.err] {
        assert!(!text.contains('\u{1b}') && !text.contains("##[") && !text.contains('\u{202e}'), "{run:?}");
    }
    Ok(())
}
