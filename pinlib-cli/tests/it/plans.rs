//! `pinlib plan`: the pin without its commit.

use super::scene::{Result, Scene};
use snapbox::{assert_data_eq, str};
use std::{fs, process::Command};

#[test]
fn git_applies_the_plan_and_gets_what_the_pin_would_write() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let run = scene.run(&["plan", "--source-commit", &a, "--image", &image])?;
    assert_eq!(run.code, Some(0));
    assert_data_eq!(
        scene.tidy(&run.out)?,
        str![[r#"
--- a/deploy/kustomization.yaml
+++ b/deploy/kustomization.yaml
@@ -3,5 +3,6 @@
 images:
   - name: registry.test/shop/web # the shop
     newTag: "1.0"
+    digest: [DIGEST]
   - name: registry.test/shop/api
     newTag: "2.0"
--- a/deploy/rollout.yaml
+++ b/deploy/rollout.yaml
@@ -6,4 +6,4 @@
     spec:
       containers:
         - name: web
-          image: 'registry.test/shop/web:1.0'  # by the pipeline
+          image: 'registry.test/shop/web@[DIGEST]'  # by the pipeline
"#]]
    );
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Planned   on main at [source]; nothing was written
"#]]
    );
    scene.untouched()?;

    let work = scene.folder().join("work");
    scene.repository.git(&["clone", "-q", ".", &work.display().to_string()])?;
    let patch = scene.write("patch", &run.out)?;
    for words in [["apply", "--check"], ["apply", "--verbose"]] {
        assert!(Command::new("git").args(words).arg(&patch).current_dir(&work).status()?.success());
    }
    scene.pin(&[])?;
    for path in ["deploy/kustomization.yaml", "deploy/rollout.yaml"] {
        assert_eq!(fs::read_to_string(work.join(path))?, scene.file(path)?);
    }
    Ok(())
}

#[test]
fn the_exit_code_tells_whether_changes_are_due() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let image = scene.reported();
    let words = |source: &str| -> Result<_> {
        scene.run(&["plan", "--exit-code", "--source-commit", source, "--image", &image])
    };
    assert_eq!(words(&scene.a.to_string())?.code, Some(11));
    scene.pin(&[])?;
    let run = words(&scene.head()?.to_string())?;
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""));
    Ok(())
}

#[test]
fn a_plan_that_would_not_land_says_so_and_is_a_plan_all_the_same() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let branch = super::scene::main_branch();
    scene.repository.push(&branch, &[("README", "tea\n")], "Sell tea")?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let run = scene.run(&["plan", "--source-commit", &a, "--image", &image])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.starts_with("--- a/"));
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
Resolved  registry.test/shop/web@sha256:[digest]  index: linux/amd64, linux/arm64
Edited    deploy/kustomization.yaml:4  1.0 → [digest]
          deploy/rollout.yaml:9        1.0 → [digest]
Planned   now, a pin would not land: main moved from [source] to [head]: another commit came first; nothing was written
"#]]
    );
    Ok(())
}
