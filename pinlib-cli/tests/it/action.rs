//! The GitHub Action's scripts, run as a runner runs them.

use super::scene::{IMAGE, Result, Run, Scene, main_branch};
use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nhush-first-line-of-the-key\nhush-second-line-100%-sure\n-----END RSA PRIVATE KEY-----\n";

/// Tells its arguments, what the system shows of them, and which secrets reached it.
const FAKE: &str = "#!/bin/bash\n\
    printf '%s\\n' \"$@\" >\"$HOME/argv\"\n\
    cat /proc/$$/cmdline >\"$HOME/cmdline\"\n\
    printf '%s' \"$PINLIB_APP_KEY\" >\"$HOME/key\"\n\
    env | grep -E '^(INPUT_PRIVATE|INPUT_TOKEN|INPUT_REGISTRY_PASS|PINLIB_TOKEN|PINLIB_REGISTRY)' >\"$HOME/secrets\"\n\
    exit \"${FAKE_CODE:-0}\"\n";

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../action").join(name)
}

pub(crate) fn executable(path: &Path, text: &str) -> Result {
    fs::write(path, text)?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}

/// A runner's step in the scene's folder: its files are `output` and `summary`.
pub(crate) fn step(scene: &Scene, name: &str, variables: &[(&str, &str)]) -> Result<Run> {
    let file = |name: &str| scene.write(name, "").map(|path| path.display().to_string());
    let (output, summary) = (file("output")?, file("summary")?);
    let mut command = Command::new("bash");
    command.arg(script(name)).current_dir(scene.folder()).env_clear().env("HOME", scene.folder());
    command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
    command.envs([("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "push"), ("GITHUB_OUTPUT", &output)]);
    command.envs([("GITHUB_STEP_SUMMARY", summary.as_str()), ("RUNNER_OS", "Linux"), ("RUNNER_ARCH", "X64")]);
    command.env("RUNNER_TEMP", scene.folder()).env("PINLIB_BIN", env!("CARGO_BIN_EXE_pinlib"));
    Ok(command.envs(variables.iter().copied()).output()?.into())
}

/// With a pinlib that only tells how it was called.
fn called(scene: &Scene, variables: &[(&str, &str)]) -> Result<(Run, Vec<String>)> {
    let fake = scene.folder().join("fake");
    executable(&fake, FAKE)?;
    fs::write(scene.folder().join("argv"), "")?;
    let fake = fake.display().to_string();
    let run = step(scene, "pin.sh", &[&[("PINLIB_BIN", fake.as_str())], variables].concat())?;
    let argv = fs::read_to_string(scene.folder().join("argv"))?;
    Ok((run, argv.lines().map(str::to_owned).collect()))
}

/// A value of the outputs, in either of the runner's forms.
pub(crate) fn output(scene: &Scene, name: &str) -> Result<Option<String>> {
    let text = fs::read_to_string(scene.folder().join("output"))?;
    let mut lines = text.lines();
    let mut found = None;
    while let Some(line) = lines.next() {
        if let Some((key, delimiter)) = line.split_once("<<") {
            let value: Vec<_> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            found = if key == name { Some(value.join("\n")) } else { found };
        } else if let Some((key, value)) = line.split_once('=') {
            found = if key == name { Some(value.to_owned()) } else { found };
        }
    }
    Ok(found)
}

/// The shop's inputs for a pin without an App, in the repository on disk.
fn inputs<'a>(source: &'a str, digest: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("INPUT_IMAGE", IMAGE),
        ("INPUT_DIGEST", digest),
        ("INPUT_TARGET", "\n  kustomization:deploy/kustomization.yaml \r\nworkload:deploy/rollout.yaml"),
        ("INPUT_SOURCE_COMMIT", source),
        ("INPUT_BRANCH", "main"),
        ("INPUT_ARGS", "--forge=repository.git\n--registry=none\n"),
    ]
}

#[test]
fn a_pin_sets_the_outputs_and_shows_its_diff() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let (a, digest) = (scene.a.to_string(), scene.digest().to_string());
    let mut variables = inputs(&a, &digest);
    variables.push(("INPUT_DRY_RUN", "true"));
    let run = step(&scene, "pin.sh", &variables)?;
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    assert_eq!(output(&scene, "outcome")?.as_deref(), Some("changes-due"));
    scene.untouched()?;
    variables.pop();

    let run = step(&scene, "pin.sh", &variables)?;
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{run:?}");
    let head = scene.head()?.to_string();
    for (name, value) in [
        ("outcome", "pinned"),
        ("changed", "true"),
        ("commit-sha", &head),
        ("commit-url", ""),
        ("digest", &digest),
    ] {
        assert_eq!(output(&scene, name)?.as_deref(), Some(value), "{name}");
    }
    let receipt: serde_json::Value = serde_json::from_str(&output(&scene, "receipt")?.unwrap_or_default())?;
    assert_eq!(receipt["commit"], head);
    let summary = fs::read_to_string(scene.folder().join("summary"))?;
    assert!(summary.contains("\n```diff\n--- a/deploy/kustomization.yaml\n"), "{summary}");

    let run = step(&scene, "pin.sh", &variables)?;
    assert_eq!((run.code, output(&scene, "changed")?.as_deref()), (Some(0), Some("false")), "{run:?}");
    assert_eq!(output(&scene, "outcome")?.as_deref(), Some("already-pinned"));
    Ok(())
}

#[test]
fn what_a_build_reports_is_an_input_as_it_is() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let (a, digest) = (scene.a.to_string(), scene.digest());
    let metadata = format!(
        "{{\n  \"web\": {{\n    \"containerimage.digest\": \"{digest}\",\n    \"image.name\": \"{IMAGE}:1\"\n  }}\n}}"
    );
    let mut variables = inputs(&a, "");
    variables.extend([("INPUT_IMAGE", ""), ("INPUT_DIGESTS", &metadata)]);
    let run = step(&scene, "pin.sh", &variables)?;
    assert_eq!((run.code, output(&scene, "outcome")?.as_deref()), (Some(0), Some("pinned")), "{run:?}");
    assert!(scene.file("deploy/rollout.yaml")?.contains(&scene.reported()));
    Ok(())
}

#[test]
fn a_lost_race_is_red_or_neutral_and_told_the_same() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.repository.push(&main_branch(), &[("README", "tea\n")], "Sell tea")?;
    let (a, digest) = (scene.a.to_string(), scene.digest().to_string());
    for (wish, code, level) in
        [("", 3, "\n::error "), ("fail", 3, "\n::error "), ("neutral", 0, "\n::warning ")]
    {
        let mut variables = inputs(&a, &digest);
        variables.push(("INPUT_ON_RACE", wish));
        let run = step(&scene, "pin.sh", &variables)?;
        assert_eq!(
            (run.code, output(&scene, "outcome")?.as_deref()),
            (Some(code), Some("head-moved")),
            "{run:?}"
        );
        assert!(run.err.contains(&format!("{level}title=Head moved::")), "{run:?}");
    }
    // Only a race is neutral.
    let mut variables = inputs(&a, &digest);
    variables.extend([("INPUT_ON_RACE", "neutral"), ("INPUT_TARGET", "workload:nowhere.yaml")]);
    let run = step(&scene, "pin.sh", &variables)?;
    assert_eq!((run.code, output(&scene, "outcome")?.as_deref()), (Some(7), Some("not-found")), "{run:?}");
    Ok(())
}

#[test]
fn no_secret_stands_in_the_arguments_the_log_or_the_summary() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let one_line = KEY.replace('\n', "\\n");
    for key in [KEY, &one_line] {
        let secrets = [
            ("INPUT_APP_ID", "4711"),
            ("INPUT_PRIVATE_KEY", key),
            ("INPUT_TOKEN", "hush-the-token"),
            ("INPUT_REGISTRY_USER", "someone"),
            ("INPUT_REGISTRY_PASSWORD", "hush-the-password"),
        ];
        let (run, argv) = called(&scene, &secrets)?;
        assert_eq!((run.code, &argv[..]), (Some(0), &["pin".to_owned(), "--app=4711".into()][..]), "{run:?}");
        let file = |name: &str| fs::read_to_string(scene.folder().join(name));
        assert_eq!(file("key")?, key, "the key goes through as it is");
        let secrets = file("secrets")?;
        assert!(
            !secrets.contains("INPUT_") && secrets.contains("PINLIB_TOKEN=hush-the-token\n"),
            "{secrets}"
        );
        assert!(secrets.contains("PINLIB_REGISTRY_USER=someone\n"), "{secrets}");
        // The runner hides what these lines name, and shows none of them.
        let masks: Vec<_> = run.out.lines().collect();
        let wanted = [
            "::add-mask::hush-first-line-of-the-key",
            "::add-mask::hush-second-line-100%25-sure",
            "::add-mask::hush-the-token",
            "::add-mask::hush-the-password",
        ];
        assert_eq!(masks, wanted);
        for told in [run.err.clone(), file("cmdline")?, file("output")?, file("summary")?] {
            assert!(!told.contains("hush"), "{told}");
        }

        // And with the real one, whatever goes wrong.
        let run = step(
            &scene,
            "pin.sh",
            &[("INPUT_TOKEN", "hush"), ("INPUT_ARGS", "--forge=http://127.0.0.1:9/a.git\n-vv")],
        )?;
        let told = [run.err.clone(), file("output")?, file("summary")?].concat();
        assert!(run.code != Some(0) && !told.contains("hush"), "{run:?}");
    }
    Ok(())
}

#[test]
fn no_input_becomes_another_argument_or_another_output() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let odd = [
        ("INPUT_IMAGE", "--registry=none\n$(touch ran)\n`touch ran`; touch ran\n* ${HOME}"),
        ("INPUT_BRANCH", "main' --policy \"pins-only"),
        ("INPUT_ARGS", "--insert\n  \n--author=A B <a@b>"),
    ];
    let (run, argv) = called(&scene, &odd)?;
    let wanted = [
        "pin",
        "--image=--registry=none",
        "--image=$(touch ran)",
        "--image=`touch ran`; touch ran",
        "--image=* ${HOME}",
        "--branch=main' --policy \"pins-only",
        "--insert",
        "--author=A B <a@b>",
    ];
    assert_eq!((run.code, argv), (Some(0), wanted.map(str::to_owned).to_vec()), "{run:?}");
    assert!(!scene.folder().join("ran").exists());

    let forged = "x\nchanged=true\noutcome=pinned\nEOF\ndelimiter\n::error::forged";
    for input in [
        "BRANCH",
        "SOURCE_COMMIT",
        "REPOSITORY",
        "DIGEST",
        "POLICY",
        "APP_ID",
        "ON_RACE",
        "DRY_RUN",
        "CONFIG",
    ] {
        let name = format!("INPUT_{input}");
        let key = ("INPUT_PRIVATE_KEY", if input == "APP_ID" { "key-of-the-app" } else { "" });
        let (run, argv) = called(&scene, &[("INPUT_IMAGE", "a"), key, (&name, forged)])?;
        assert_eq!((run.code, argv.len()), (Some(2), 0), "{input}: {run:?}");
        assert_eq!(output(&scene, "outcome")?.as_deref(), Some("invalid"), "{input}");
        assert_eq!(output(&scene, "changed")?.as_deref(), Some("false"), "{input}");
        assert!(run.err.lines().all(|line| line.starts_with("::error title=pinlib::")), "{input}: {run:?}");
    }
    // With the real one, a value that it does not take stands escaped in one line.
    let run = step(
        &scene,
        "pin.sh",
        &[("INPUT_IMAGE", "a b %0A::error::forged"), ("INPUT_ARGS", "--forge=repository.git")],
    )?;
    assert_eq!((run.code, output(&scene, "outcome")?.as_deref()), (Some(2), Some("invalid")), "{run:?}");
    assert!(!run.err.lines().any(|line| line.starts_with("::error::")), "{run:?}");
    Ok(())
}

#[test]
fn inputs_that_do_not_fit_together_are_refused() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let digest = scene.digest().to_string();
    for (variables, told) in [
        (&[("INPUT_APP_ID", "1")][..], "private-key is missing or empty"),
        (&[("INPUT_PRIVATE_KEY", "key-of-the-app")], "app-id or client-id is missing"),
        (&[("INPUT_APP_ID", "1"), ("INPUT_CLIENT_ID", "Iv1")], "not both"),
        (&[("INPUT_DIGEST", &digest)], "digest goes with one image"),
        (&[("INPUT_DIGEST", &digest), ("INPUT_IMAGE", "a\nb")], "digest goes with one image"),
        (&[("INPUT_DIGEST", &digest), ("INPUT_IMAGE", "a@sha256:0")], "digest goes with one image"),
        (&[("INPUT_DIGEST", "sha256:zz"), ("INPUT_IMAGE", "a")], "want sha256:HEX"),
        (&[("INPUT_DIGESTS", "{}"), ("INPUT_IMAGE", "a")], "give image or digests"),
        (&[("INPUT_ON_RACE", "ignore")], "want fail or neutral"),
        (&[("INPUT_DRY_RUN", "yes")], "want true or false"),
        (&[("INPUT_AUTO_MERGE", "yes")], "want true or false"),
        (&[("INPUT_REPOSITORY", "https://github.com/o/r")], "want OWNER/NAME"),
    ] {
        let (run, argv) = called(&scene, variables)?;
        assert_eq!((run.code, argv.len()), (Some(2), 0), "{variables:?}: {run:?}");
        assert!(run.err.contains(told), "{variables:?}: {run:?}");
        assert_eq!(output(&scene, "outcome")?.as_deref(), Some("invalid"));
    }
    let all = [
        ("INPUT_CLIENT_ID", "Iv1.abc"),
        ("INPUT_PRIVATE_KEY", "key-of-the-app"),
        ("INPUT_INSTALLATION_ID", "7"),
        ("INPUT_REPOSITORY", "o/r"),
        ("INPUT_POLICY", "exact"),
        ("INPUT_VIA", "pull-request"),
        ("INPUT_AUTO_MERGE", "true"),
        ("INPUT_EVIDENCE", "label"),
        ("INPUT_CONFIG", "a/pinlib.yaml"),
    ];
    let (_, argv) = called(&scene, &all)?;
    let wanted = [
        "--app=Iv1.abc",
        "--installation=7",
        "--forge=github:o/r",
        "--policy=exact",
        "--via=pull-request",
        "--auto-merge",
        "--evidence=label",
    ];
    assert_eq!(argv[1..8], wanted.map(str::to_owned));
    Ok(())
}

#[test]
fn a_pinlib_that_comes_to_no_report_has_an_outcome_too() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    for (code, outcome) in [("1", "defect"), ("2", "invalid"), ("137", "unknown"), ("3", "unknown")] {
        let (run, _) = called(&scene, &[("FAKE_CODE", code)])?;
        assert_eq!(run.code, code.parse().ok());
        assert_eq!(output(&scene, "outcome")?.as_deref(), Some(outcome));
    }
    Ok(())
}
