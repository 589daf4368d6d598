//! Where values come from: flags, the environment, `pinlib.yaml`, CI.

use super::scene::{Result, Scene};
use snapbox::{assert_data_eq, str};

#[test]
fn the_file_is_found_upwards_and_its_paths_are_meant_from_there() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let below = scene.folder().join("a/b");
    std::fs::create_dir_all(&below)?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let output =
        scene.command(&["pin", "--source-commit", &a, "--image", &image]).current_dir(below).output()?;
    assert!(output.status.success(), "{output:?}");
    assert_eq!(scene.file("deploy/rollout.yaml")?.matches(&image).count(), 1);
    Ok(())
}

#[test]
fn flags_beat_the_environment_that_beats_the_file_that_beats_ci() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let ci = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_SHA", a.as_str()),
        ("GITHUB_REF", "refs/heads/from-ci"),
        ("GITHUB_REPOSITORY", "acme/app"),
    ];
    let branch = |variables: &[(&str, &str)], more: &[&str]| -> Result<String> {
        let variables = [&ci[..], variables].concat();
        let run = scene.run_with(&variables, &[&["plan", "--json", "--image", &image], more].concat())?;
        Ok(run.json()["branch"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(branch(&[], &[])?, "main");
    assert_eq!(branch(&[("PINLIB_BRANCH", "from-env")], &[])?, "from-env");
    assert_eq!(branch(&[("PINLIB_BRANCH", "from-env")], &["--branch=from-flag"])?, "from-flag");
    assert_eq!(branch(&[("PINLIB_BRANCH", "")], &[])?, "main");
    Ok(())
}

#[test]
fn details_say_where_each_value_came_from() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let variables = [
        ("CI_COMMIT_SHA", a.as_str()),
        ("CI_COMMIT_BRANCH", "main"),
        ("GITLAB_CI", "true"),
        ("PINLIB_EVIDENCE", "label"),
    ];
    let run = scene.run_with(&variables, &["plan", "-v", "--policy=exact", "--image", &image])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
source-commit   [SOURCE]  from CI_COMMIT_SHA
policy          exact  from --policy
evidence        label  from PINLIB_EVIDENCE
branch          main  from [FOLDER]/pinlib.yaml
forge           [FOLDER]/repository.git  from [FOLDER]/pinlib.yaml
registry        layout:[FOLDER]/registry  from [FOLDER]/pinlib.yaml
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Checked   built from [source]: label on both platforms
          proves that whoever built or relabelled each platform's image wrote this commit into it
          does not prove that it is true: a label is not signed, and anyone who can push can write one
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Planned   on main at [source]; nothing was written
"#]]
    );
    Ok(())
}

#[test]
fn a_commit_that_ci_did_not_build_is_not_taken() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let asked = |variables: &[(&str, &str)]| -> Result<Option<i32>> {
        Ok(scene.run_with(variables, &["plan", "--image", &image])?.code)
    };
    for event in ["workflow_run", "pull_request", "pull_request_target", "merge_group", "issue_comment"] {
        let variables =
            [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", event), ("GITHUB_SHA", a.as_str())];
        assert_eq!(asked(&variables)?, Some(2), "{event}");
    }
    assert_eq!(
        asked(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_SHA", &a)])?,
        Some(0)
    );
    assert_eq!(asked(&[("GITLAB_CI", "true"), ("CI_COMMIT_SHA", &a)])?, Some(2), "a merge request");
    assert_eq!(asked(&[("JENKINS_URL", "x"), ("GIT_COMMIT", &a), ("CHANGE_ID", "7")])?, Some(2));
    assert_eq!(asked(&[("JENKINS_URL", "x"), ("GIT_COMMIT", &a), ("GIT_BRANCH", "origin/main")])?, Some(0));
    assert_eq!(asked(&[("GIT_COMMIT", &a)])?, Some(2), "no CI is running");
    Ok(())
}

#[test]
fn without_a_forge_it_is_the_repository_around() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.write(
        "repository.git/below/pinlib.yaml",
        "branch: main\nregistry: none\nimages:\n  - name: registry.test/shop/web\n    targets: [{workload: deploy/rollout.yaml}]\n",
    )?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let below = scene.folder().join("repository.git/below");
    let output =
        scene.command(&["pin", "--source-commit", &a, "--image", &image]).current_dir(below).output()?;
    assert!(output.status.success(), "{output:?}");
    Ok(())
}

#[test]
fn an_error_in_the_file_names_its_place() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene
        .write("pinlib.yaml", "branch: main\nimages:\n  - name: registry.test/shop/web\n    target: []\n")?;
    let run = scene.run(&["pin"])?;
    assert_eq!(run.code, Some(2));
    assert_data_eq!(
        scene.tidy(run.error())?,
        str![
            "[FOLDER]/pinlib.yaml:4:5: unknown field `target`, expected one of name, platform, inputs, targets"
        ]
    );
    scene.write(
        "pinlib.yaml",
        "images:\n  - name: registry.test/shop/web\n    targets: [{workload: a.yaml, at: [b]}]\n",
    )?;
    assert_data_eq!(
        scene.tidy(scene.run(&["pin"])?.error())?,
        str!["[FOLDER]/pinlib.yaml:3:15: at means nothing in a workload target (a.yaml)"]
    );
    Ok(())
}

#[test]
fn without_an_image_on_the_command_line_all_of_the_file_are_pinned() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let api =
        "  - name: registry.test/shop/api:1.1\n    targets: [{kustomization: deploy/kustomization.yaml}]\n";
    let web =
        "  - name: registry.test/shop/web:1.1\n    targets: [{kustomization: deploy/kustomization.yaml}]\n";
    scene.write(
        "pinlib.yaml",
        &format!("branch: main\nforge: repository.git\nregistry: layout:registry\nimages:\n{api}{web}"),
    )?;
    let run = scene.run(&["pin", "--source-commit", &scene.a.to_string()])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(scene.file("deploy/kustomization.yaml")?.matches(&scene.digest().to_string()).count(), 2);
    assert_eq!(scene.repository.git(&["rev-list", "--count", "main"])?, "2", "one commit for both");
    Ok(())
}
