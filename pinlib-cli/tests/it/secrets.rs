//! A secret is never printed, whatever goes wrong and however much is told.

use super::scene::{Result, Run, Scene};
use std::process::Stdio;

const SECRETS: [(&str, &str); 4] = [
    ("PINLIB_TOKEN", "hush-git-token"),
    ("PINLIB_USER", "someone"),
    ("PINLIB_REGISTRY_USER", "someone"),
    ("PINLIB_REGISTRY_PASSWORD", "hush-registry-password"),
];

#[test]
fn no_secret_is_told_by_any_command() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    // Nobody listens at port 9: each of these fails, and says why.
    let nowhere = "--forge=http://127.0.0.1:9/app.git";
    let commands = [
        &["pin", "-vv", "--source-commit", &a, "--image", &image][..],
        &["pin", "-vv", "--json", "--source-commit", &a, "--image", &image, nowhere],
        &["plan", "-vv", "--source-commit", &a, "--image", &image, "--registry=none", nowhere],
        &["resolve", "-vv", "--registry=oci", "127.0.0.1:9/app:1"],
        &["resolve", "-vv", "--registry=oci", "127.0.0.1:9/app:1", "127.0.0.2:9/app:1"],
    ];
    let start = |words: &&[&str]| {
        scene.command(words).envs(SECRETS).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    for child in commands.iter().map(start).collect::<Vec<_>>() {
        let run = Run::from(child?.wait_with_output()?);
        // Neither as it is, nor as basic authentication has it.
        for secret in ["hush", "c29tZW9uZTp"] {
            assert!(!run.out.contains(secret) && !run.err.contains(secret), "{run:?}");
        }
    }
    Ok(())
}

#[test]
fn a_secret_may_stand_in_a_file() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.run_with(
        &[("PINLIB_REGISTRY_USER", "someone"), ("PINLIB_REGISTRY_PASSWORD_FILE", "nowhere")],
        &["resolve", "registry.test/app:1"],
    )?;
    assert_eq!(run.code, Some(7), "{run:?}");
    let run = scene.run_with(&[("PINLIB_REGISTRY_USER", "someone")], &["resolve", "registry.test/app:1"])?;
    assert_eq!(run.code, Some(2), "{run:?}");
    Ok(())
}
