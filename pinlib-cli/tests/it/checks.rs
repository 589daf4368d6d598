//! `pinlib check`: what is not pinned by digest.

use super::scene::{KUSTOMIZATION, ROLLOUT, Result, Run, Scene};
use snapbox::{assert_data_eq, str};

fn scene() -> Result<Option<Scene>> {
    let Some(scene) = Scene::open()? else { return Ok(None) };
    scene.write("app/deploy/kustomization.yaml", KUSTOMIZATION)?;
    scene.write("app/deploy/rollout.yaml", ROLLOUT)?;
    scene.write("app/charts/web/values.yaml", "image:\n  repository: nginx\n  tag: \"1.29\"\n")?;
    scene.write("app/charts/web/templates/web.yaml", "{{- if .Values.on }}\nimage: nginx:1\n{{- end }}\n")?;
    scene.write("app/pinned.yml", &format!("image: {}\n", scene.reported()))?;
    scene.write("app/.git/config.yaml", "image: nginx:1\n")?;
    scene.write("app/README.md", "image: nginx:1\n")?;
    Ok(Some(scene))
}

#[test]
fn every_place_is_named_and_counted() -> Result {
    let Some(scene) = scene()? else { return Ok(()) };
    let run = scene.run(&["check", "app"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_data_eq!(
        run.out,
        str![[r#"
app/charts/web/values.yaml:2:15     nginx:1.29                  a tag can change under you
app/deploy/kustomization.yaml:4:11  registry.test/shop/web:1.0  a tag can change under you
app/deploy/kustomization.yaml:6:11  registry.test/shop/api:2.0  a tag can change under you
app/deploy/rollout.yaml:9:18        registry.test/shop/web:1.0  a tag can change under you

"#]]
    );
    assert_data_eq!(
        run.err,
        str![[r#"
4 of 5 images in 4 files are not pinned by digest
1 file could not be read, as templates cannot: see -v

"#]]
    );
    assert_eq!(scene.run(&["check", "--exit-code", "app"])?.code, Some(11));

    let run = scene.run(&["check", "-v", "app"])?;
    assert!(run.err.contains("passed over app/charts/web/templates/web.yaml: 1:"), "{run:?}");
    Ok(())
}

#[test]
fn what_is_pinned_is_no_finding() -> Result {
    let Some(scene) = scene()? else { return Ok(()) };
    let run = scene.run(&["check", "--exit-code", "app/pinned.yml"])?;
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""));
    assert_eq!(run.err, "1 image in 1 file, all pinned by digest\n");
    Ok(())
}

#[test]
fn programs_get_every_finding() -> Result {
    let Some(scene) = scene()? else { return Ok(()) };
    let report = scene.run(&["check", "--json", "app"])?.json();
    assert_eq!(
        (&report["outcome"], &report["files"], &report["found"]),
        (&"changes-due".into(), &4.into(), &5.into())
    );
    assert_eq!(report["unpinned"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["unpinned"][0]["path"], "app/charts/web/values.yaml");
    assert_eq!(report["skipped"][0]["path"], "app/charts/web/templates/web.yaml");
    Ok(())
}

#[test]
fn on_github_each_is_a_warning_at_its_line() -> Result {
    let Some(scene) = scene()? else { return Ok(()) };
    let run = scene.run_with(&[("GITHUB_ACTIONS", "true")], &["check", "-q", "app/deploy"])?;
    assert_data_eq!(
        run.err,
        str![[r#"
::warning file=app/deploy/kustomization.yaml,line=4,col=11,title=Not pinned by digest::registry.test/shop/web:1.0: a tag can change under you
::warning file=app/deploy/kustomization.yaml,line=6,col=11,title=Not pinned by digest::registry.test/shop/api:2.0: a tag can change under you
::warning file=app/deploy/rollout.yaml,line=9,col=18,title=Not pinned by digest::registry.test/shop/web:1.0: a tag can change under you

"#]]
    );
    Ok(())
}

#[test]
fn what_was_named_must_be_there_and_be_read() -> Result {
    let Some(scene) = scene()? else { return Ok(()) };
    let run = scene.run(&["check", "nowhere"])?;
    assert_eq!((run.code, run.error()), (Some(7), "cannot read nowhere: there is no such file"));
    let run = scene.run(&["check", "app/charts/web/templates/web.yaml"])?;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.error().starts_with("app/charts/web/templates/web.yaml: 1:"), "{run:?}");
    Ok(())
}

#[cfg(unix)]
#[test]
fn a_name_or_an_image_cannot_speak_to_the_terminal_or_to_the_runner() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.write("odd/::error::a.yaml", "image: nginx:1\n")?;
    scene.write("odd/a\n::error::b\u{1b}[31m##[error]c.yaml", "image: \"nginx:1\"\n")?;
    std::os::unix::fs::symlink("..", scene.folder().join("odd/loop"))?;
    let mut check = scene.command(&["check"]);
    let run =
        Run::from(check.env("GITHUB_ACTIONS", "true").current_dir(scene.folder().join("odd")).output()?);
    assert!(run.out.starts_with("./::error::a.yaml:1:8  nginx:1  "), "{run:?}");
    assert!(!run.out.contains("##[") && !run.err.contains("##["), "{run:?}");
    assert!(!run.out.contains('\x1b') && !run.err.contains('\x1b'), "{run:?}");
    assert!(run.err.lines().chain(run.out.lines()).all(|line| !line.starts_with("::error")), "{run:?}");
    Ok(())
}
