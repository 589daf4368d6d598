//! A pin, as a pipeline types it.

use super::scene::{IMAGE, KUSTOMIZATION, ROLLOUT, Result, Scene};
use pinlib::Record;
use snapbox::{assert_data_eq, str};

#[test]
fn the_digest_goes_into_both_files_and_not_one_other_byte() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&[])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let head = scene.head()?;
    assert_eq!(run.out, format!("{head}\n"), "stdout is the commit and nothing else");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Pinned    main [source] → [head]  [TIME]
"#]]
    );

    let digest = scene.digest();
    let after =
        KUSTOMIZATION.replace("newTag: \"1.0\"\n", &format!("newTag: \"1.0\"\n    digest: {digest}\n"));
    assert_eq!(scene.file("deploy/kustomization.yaml")?, after);
    let after = ROLLOUT.replace(":1.0'", &format!("@{digest}'"));
    assert_eq!(scene.file("deploy/rollout.yaml")?, after);
    assert_eq!(scene.repository.git(&["log", "-1", "--format=%P", "main"])?, scene.a.to_string());
    scene.repository.git(&["fsck", "--strict"])?;

    let fact = scene.repository.fact(head)?;
    assert_eq!(fact.author.to_string(), "pinlib <pinlib@noreply.invalid>");
    let record = Record::parse(&fact.message).ok_or("the commit has a record")?;
    assert_eq!((record.parent, record.claim.source()), (scene.a, scene.a));
    Ok(())
}

#[test]
fn the_same_pin_again_changes_nothing() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.pin(&[])?;
    let head = scene.head()?;
    let run = scene.pin(&[])?;
    assert_eq!((run.code, scene.head()?), (Some(0), head));
    assert_eq!(run.out, format!("{head}\n"));
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Unchanged main holds it already at [head]  [TIME]
"#]]
    );
    Ok(())
}

#[test]
fn evidence_is_looked_at_and_told() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&["--evidence=label"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Checked   built from [source]: label on both platforms
          proves that whoever built or relabelled each platform's image wrote this commit into it
          does not prove that it is true: a label is not signed, and anyone who can push can write one
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Pinned    main [source] → [head]  [TIME]
"#]]
    );
    Ok(())
}

#[test]
fn without_a_registry_the_digest_is_declared_and_the_record_says_so() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&["--registry=none"]);
    assert_eq!(run?.code, Some(2), "a flag is given once");
    let (a, image) = (scene.a.to_string(), scene.reported());
    scene.config()?;
    let run = scene.run(&["pin", "--registry=none", "--source-commit", &a, "--image", &image])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Declared  registry.test/shop/web@sha256:[digest]  no registry was asked
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Pinned    main [source] → [head]  [TIME]
"#]]
    );
    assert!(
        scene.repository.git(&["log", "-1", "--format=%B", "main"])?.contains("\nPinlib-Proof: declared\n")
    );
    let run =
        scene.run(&["pin", "--registry=none", "--source-commit", &a, "--image", &format!("{IMAGE}:1.1")])?;
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
    Ok(())
}

#[test]
fn a_tag_is_resolved_once_and_a_platform_taken_out_of_the_index() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), format!("{IMAGE}:1.1"));
    let run = scene.run(&["pin", "--source-commit", &a, "--image", &image, "--platform=linux/arm64"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let (_, arm) = scene.image.manifests.get(1).ok_or("two platforms")?;
    assert!(scene.file("deploy/rollout.yaml")?.contains(&arm.digest().to_string()));
    Ok(())
}

#[test]
fn two_images_go_into_one_commit_and_an_entry_is_found_by_its_name() -> Result {
    let kustomization = "kind: Kustomization\nimages:\n  - name: front\n    newName: registry.test/shop/web\n  - name: back\n    \
                         newName: registry.test/shop/api\n";
    let Some(scene) = Scene::with(&[("kustomization.yaml", kustomization)])? else { return Ok(()) };
    let (a, digest) = (scene.a.to_string(), scene.digest());
    let (front, back) = (format!("front={IMAGE}@{digest}"), format!("back=registry.test/shop/api@{digest}"));
    let words = ["pin", "--forge=repository.git", "--registry=none", "--branch=main", "--source-commit", &a];
    let more = ["--image", &front, "--image", &back, "--target=kustomization:kustomization.yaml"];
    let run = scene.run(&[&words[..], &more].concat())?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Declared  registry.test/shop/web@sha256:[digest]  no registry was asked
Declared  registry.test/shop/api@sha256:[digest]  no registry was asked
Edited    kustomization.yaml:3  no digest → [digest]
          kustomization.yaml:6  no digest → [digest]
Pinned    main [source] → [head]  [TIME]
"#]]
    );
    assert_eq!(scene.file("kustomization.yaml")?.matches(&digest.to_string()).count(), 2);
    assert_eq!(scene.repository.git(&["rev-list", "--count", "main"])?, "2");
    Ok(())
}

#[test]
fn helm_values_and_any_path_are_targets_too() -> Result {
    let values = "web:\n  image:\n    repository: registry.test/shop/web\n    tag: \"1.0\"\n";
    let any = "services:\n  - image: registry.test/shop/web:1.0\n";
    let Some(scene) = Scene::with(&[("values.yaml", values), ("env.yaml", any)])? else { return Ok(()) };
    let (a, image) = (scene.a.to_string(), scene.reported());
    let words = [
        "pin",
        "--forge=repository.git",
        "--registry=none",
        "--branch=main",
        "--source-commit",
        &a,
        "--image",
        &image,
    ];
    let targets = [
        "--target=helm:values.yaml#/web/image",
        "--target=yaml:env.yaml#/services/0/image",
        "--keep-tag",
        "--count=1",
    ];
    let run = scene.run(&[&words[..], &targets].concat())?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(scene.file("env.yaml")?, any.replace(":1.0", &format!(":1.0@{}", scene.digest())));
    assert!(scene.file("values.yaml")?.contains(&scene.digest().to_string()));
    Ok(())
}

#[test]
fn a_dry_run_shows_the_diff_and_writes_nothing() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&["-n"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("--- a/deploy/kustomization.yaml\n"));
    scene.untouched()
}

#[test]
fn quiet_says_nothing_but_the_commit() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&["-q"])?;
    assert_eq!((run.code, run.err.as_str(), run.out), (Some(0), "", format!("{}\n", scene.head()?)));
    Ok(())
}

#[test]
fn colour_is_for_terminals_and_for_who_asks() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let (a, image) = (scene.a.to_string(), scene.reported());
    scene.config()?;
    let words = ["plan", "--source-commit", &a, "--image", &image];
    let colored = |variables: &[(&str, &str)], more: &[&str]| -> Result<bool> {
        let run = scene.run_with(variables, &[&words[..], more].concat())?;
        assert!(!run.out.contains('\x1b'), "never in data that no terminal reads");
        Ok(run.err.contains('\x1b'))
    };
    assert!(!colored(&[], &[])?);
    assert!(colored(&[], &["--color=always"])?);
    assert!(colored(&[("CLICOLOR_FORCE", "1")], &[])?);
    assert!(!colored(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], &["--color=never"])?);
    assert!(!colored(&[("NO_COLOR", "1")], &[])? && !colored(&[("TERM", "dumb")], &[])?);
    Ok(())
}

#[test]
fn the_branch_that_is_checked_out_is_left_alone_unless_told() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let work = scene.folder().join("work");
    scene.repository.git(&["clone", "-q", ".", &work.display().to_string()])?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let words = ["pin", "--forge=work", "--source-commit", &a, "--image", &image];
    let run = scene.run(&words)?;
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.err.contains("hint: ") && run.err.contains("--allow-checked-out"), "{run:?}");
    let run = scene.run(&[&words[..], &["--allow-checked-out"]].concat())?;
    assert_eq!(run.code, Some(0), "{run:?}");
    scene.untouched()
}
