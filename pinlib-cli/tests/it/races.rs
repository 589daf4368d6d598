//! Races: one wins, and nothing of the others is written.

use super::scene::{Result, Scene, main_branch};
use snapbox::{assert_data_eq, str};

#[test]
fn a_branch_that_moved_on_is_left_alone() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let other = scene.repository.push(&main_branch(), &[("README", "tea\n")], "Sell tea")?;
    let run = scene.pin(&[])?;
    assert_eq!((run.code, run.out.as_str()), (Some(3), ""));
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
error: main moved from [source] to [head]: another commit came first; nothing was written
hint: the build of [head] pins its own image. If the branch moves more often than a build takes, see --policy pins-only
"#]]
    );
    assert_eq!(scene.head()?, other);
    Ok(())
}

#[test]
fn a_branch_that_is_gone_is_not_made_anew() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&["--branch=other"])?;
    assert_eq!(run.code, Some(2), "given twice");
    scene.repository.git(&["update-ref", "refs/heads/keep", "main"])?;
    scene.repository.force(&main_branch(), None)?;
    let run = scene.pin(&[])?;
    assert_eq!(run.code, Some(7), "{run:?}");
    assert_eq!(scene.repository.head(&main_branch())?, None);
    Ok(())
}

#[test]
fn a_moved_branch_that_only_got_pins_takes_another_where_told() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, digest) = (scene.a.to_string(), scene.digest());
    scene.pin(&[])?;
    let first = scene.head()?;
    let image = format!("registry.test/shop/api@{digest}");
    let words =
        ["pin", "--source-commit", &a, "--image", &image, "--target=kustomization:deploy/kustomization.yaml"];
    assert_eq!(scene.run(&words)?.code, Some(3));
    let run = scene.run(&[&words[..], &["--policy=pins-only", "--wait=1m", "--json"]].concat())?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json();
    assert_eq!(report["expected_head"], first.to_string());
    assert_eq!(report["basis"]["policy"], "pins-only");
    assert_eq!(report["decisions"], 1);
    assert_eq!(scene.repository.git(&["log", "-1", "--format=%P", "main"])?, first.to_string());
    Ok(())
}

#[test]
fn a_wait_that_can_help_nobody_is_a_word_too_many() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&["--wait"])?;
    assert_eq!(run.code, Some(2));
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str!["error: waiting is for nothing under the policy exact: once the branch moved, no head is right"]
    );
    let run = scene.pin(&["--policy=pins-only", "--tries=3"])?;
    assert_eq!(run.code, Some(2));
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
error: tries bounds a wait, and there is none
hint: give --wait
"#]]
    );
    assert_eq!(scene.head()?, scene.a);
    Ok(())
}
