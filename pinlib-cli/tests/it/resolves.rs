//! `pinlib resolve`: what a tag names now.

use super::scene::{IMAGE, Result, Scene};

#[test]
fn a_tag_becomes_a_digest_a_line() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let (tag, digest) = (format!("{IMAGE}:1.1"), scene.reported());
    let run = scene.run(&["resolve", "--registry=layout:registry", &tag, &digest])?;
    assert_eq!(
        (run.code, run.out.as_str(), run.err.as_str()),
        (Some(0), format!("{digest}\n{digest}\n").as_str(), "")
    );

    let run =
        scene.run(&["resolve", "--registry=layout:registry", "--platform=linux/arm64", "--json", &tag])?;
    let (_, arm) = scene.image.manifests.get(1).ok_or("two platforms")?;
    let report = run.json();
    assert_eq!((&report["outcome"], &report["exit_code"]), (&"answered".into(), &0.into()));
    assert_eq!(report["images"][0]["digest"], arm.digest().to_string());
    assert_eq!(report["images"][0]["platforms"][0], "linux/arm64");
    Ok(())
}

#[test]
fn what_is_not_there_is_not_found() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.run(&["resolve", "--registry=layout:registry", &format!("{IMAGE}:2.0")])?;
    assert_eq!((run.code, run.out.as_str()), (Some(7), ""));
    assert!(run.error().contains("registry.test/shop/web:2.0"), "{run:?}");
    let run = scene.run(&["resolve", "--registry=none", &format!("{IMAGE}:2.0")])?;
    assert_eq!(run.code, Some(9), "{run:?}");
    Ok(())
}
