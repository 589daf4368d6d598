//! What GitHub Actions is told: annotations, outputs, the step's summary.

use super::scene::{Result, Scene, main_branch};
use snapbox::{assert_data_eq, str};
use std::fs;

/// The outputs as the runner reads them.
fn outputs(text: &str) -> Vec<(String, String)> {
    let mut lines = text.lines();
    let mut found = Vec::new();
    while let Some((name, delimiter)) = lines.next().and_then(|line| line.split_once("<<")) {
        let value: Vec<_> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        assert!(delimiter.len() > 32, "a delimiter that nobody guesses");
        found.push((name.to_owned(), value.join("\n")));
    }
    found
}

#[test]
fn the_runner_gets_outputs_and_a_summary() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let (file, summary) = (scene.write("output", "before=1\n")?, scene.write("summary", "")?);
    let (file, summary) = (file.display().to_string(), summary.display().to_string());
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", &file), ("GITHUB_STEP_SUMMARY", &summary)];
    let run = scene.run_with(&variables, &["pin", "--source-commit", &a, "--image", &image])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(run.out, format!("{}\n", scene.head()?), "stdout stays data");
    let text = fs::read_to_string(&file)?;
    let outputs = outputs(text.strip_prefix("before=1\n").ok_or("appended")?);
    let value = |name: &str| outputs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let head = scene.head()?.to_string();
    assert_eq!(
        (value("outcome"), value("changed"), value("commit-sha")),
        (Some("pinned"), Some("true"), Some(head.as_str()))
    );
    assert_eq!(value("digest"), Some(scene.digest().to_string().as_str()));
    assert!(value("receipt").is_some_and(|json| json.starts_with("{\"version\":1,\"outcome\":\"pinned\",")));
    assert_data_eq!(
        scene.tidy(&fs::read_to_string(&summary)?)?,
        str![[r####"
### pinlib pin: Pinned

- branch: <code>main</code>
- source commit: <code>[SOURCE]</code>
- pin commit: <code>[HEAD]</code>
- image: <code>registry.test/shop/web@[DIGEST]</code>

| file | from | to |
|---|---|---|
| <code>deploy/kustomization.yaml:4</code> | <code>registry.test/shop/web:1.0</code> | <code>registry.test/shop/web:1.0@[DIGEST]</code> |
| <code>deploy/rollout.yaml:9</code> | <code>registry.test/shop/web:1.0</code> | <code>registry.test/shop/web@[DIGEST]</code> |

```diff
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
```

"####]]
    );
    Ok(())
}

#[test]
fn a_failure_is_annotated_and_the_outputs_say_so() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    scene.repository.push(&main_branch(), &[("README", "tea\n")], "Sell tea")?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let file = scene.write("output", "")?.display().to_string();
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", file.as_str())];
    let run = scene.run_with(&variables, &["pin", "--source-commit", &a, "--image", &image])?;
    assert_eq!(run.code, Some(3), "{run:?}");
    assert_data_eq!(
        scene.tidy(&run.err)?,
        str![[r#"
error: main moved from [source] to [head]: another commit came first; nothing was written
hint: the build of [head] pins its own image. If the branch moves more often than a build takes, see --policy pins-only
::error title=Head moved::main moved from [source] to [head]: another commit came first; nothing was written%0Athe build of [head] pins its own image. If the branch moves more often than a build takes, see --policy pins-only
"#]]
    );
    let outputs = outputs(&fs::read_to_string(&file)?);
    assert!(
        outputs.contains(&("outcome".into(), "head-moved".into()))
            && outputs.contains(&("changed".into(), "false".into()))
    );
    Ok(())
}

#[test]
fn a_plan_that_would_not_land_is_a_warning() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    scene.repository.push(&main_branch(), &[("README", "tea\n")], "Sell tea")?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let summary = scene.write("summary", "")?;
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", &*summary.display().to_string())];
    let run = scene.run_with(&variables, &["pin", "-n", "--source-commit", &a, "--image", &image])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("\n::warning title=Would not land%3A Head moved::main moved from "), "{run:?}");
    let summary = fs::read_to_string(summary)?;
    assert!(
        summary.contains("a pin would not land: <code>main moved from ") && summary.contains("```diff\n"),
        "{summary}"
    );
    Ok(())
}

#[test]
fn a_place_in_a_file_is_annotated_there() -> Result {
    let Some(scene) = Scene::with(&[("app.yaml", "a: [\n")])? else { return Ok(()) };
    let (a, image) = (scene.a.to_string(), scene.reported());
    let words = ["pin", "--forge=repository.git", "--registry=none", "--branch=main", "--source-commit", &a];
    let more = ["--image", &image, "--target=workload:app.yaml"];
    let run = scene.run_with(&[("GITHUB_ACTIONS", "true")], &[&words[..], &more].concat())?;
    assert!(run.err.contains("\n::error file=app.yaml,line="), "{run:?}");
    Ok(())
}

#[test]
fn a_summary_that_cannot_be_written_changes_nothing() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "/nowhere/summary")];
    let run = scene.run_with(&variables, &["pin", "--source-commit", &a, "--image", &image])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("warning: cannot tell GitHub Actions"), "{run:?}");
    Ok(())
}
