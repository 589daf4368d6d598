//! `pinlib init github`: what it writes is taken by pinlib, by GitHub's schemas and by an auditor.

use super::scene::{KUSTOMIZATION, ROLLOUT, Result, Run, Scene};
use pinlib_testkit::servers::program;
use snapbox::{assert_data_eq, str};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The commit of an Action, as a release would know its own.
const ACTION: &str = "--action=pinlib/pinlib@0123456789abcdef0123456789abcdef01234567";

/// A clone of the shop, as a developer has it, with files that name images of others beside.
fn shop() -> Result<Option<(Scene, PathBuf)>> {
    let files = [
        ("deploy/kustomization.yaml", KUSTOMIZATION),
        ("deploy/rollout.yaml", ROLLOUT),
        ("charts/web/values.yaml", "image:\n  repository: nginx\n  tag: \"1.29\"\n"),
        ("charts/web/templates/web.yaml", "{{- if .Values.on }}\nimage: nginx:1\n{{- end }}\n"),
        (".github/workflows/test.yml", "jobs: {test: {container: {image: 'registry.test/shop/ci:1'}}}\n"),
        ("services/web/Dockerfile", "FROM scratch\n"),
    ];
    let Some(scene) = Scene::with(&files)? else { return Ok(None) };
    scene.repository.git(&["clone", "-q", ".", "../clone"])?;
    let work = scene.folder().join("clone");
    Ok(Some((scene, work)))
}

fn init(scene: &Scene, work: &Path, more: &[&str]) -> Result<Run> {
    let words = [&["init", "github", "--repository=shop/app"], more].concat();
    Ok(scene.command(&words).current_dir(work).output()?.into())
}

#[test]
fn what_is_written_is_told_and_taken_by_plan() -> Result {
    let Some((scene, work)) = shop()? else { return Ok(()) };
    let run = init(&scene, &work, &[])?;
    assert_eq!(
        (run.code, run.out.as_str()),
        (Some(0), "pinlib.yaml\n.github/workflows/pin.yml\n"),
        "{run:?}"
    );
    assert_data_eq!(
        fs::read_to_string(work.join("pinlib.yaml"))?,
        str![[r#"
# What pinlib pins, and where. Made by `pinlib init github`, yours to edit.
branch: main
# An image must say that it was built from the commit that it is pinned for; the workflow sets that label.
evidence: label
images:
  - name: registry.test/shop/api
    targets:
      - kustomization: deploy/kustomization.yaml
  - name: registry.test/shop/web
    targets:
      - kustomization: deploy/kustomization.yaml
      - workload: deploy/rollout.yaml
  # Named in the manifests, and by their names not built here. To pin one, take the # away, and build it in the
  # workflow.
  # - name: nginx
  #   targets:
  #     - helm: charts/web/values.yaml

"#]]
    );
    let (a, image) = (scene.a.to_string(), scene.reported());
    let words = ["plan", "--registry=layout:../registry", "--source-commit", &a, "--image", &image];
    let plan = Run::from(scene.command(&words).current_dir(&work).output()?);
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert!(plan.err.contains("Checked ") && plan.out.contains("+++ b/deploy/rollout.yaml"), "{plan:?}");
    Ok(())
}

#[test]
fn the_comments_are_entries_once_they_are_taken_away() -> Result {
    let Some((scene, work)) = shop()? else { return Ok(()) };
    init(&scene, &work, &[])?;
    let path = work.join("pinlib.yaml");
    let text = fs::read_to_string(&path)?.replace("\n  # -", "\n  -").replace("\n  #   ", "\n    ");
    fs::write(&path, text)?;
    let image = format!("nginx@{}", scene.digest());
    let (a, registry) = (scene.a.to_string(), "--registry=none");
    let words = ["plan", registry, "--evidence=none", "--source-commit", &a, "--image", &image];
    let plan = Run::from(scene.command(&words).current_dir(&work).output()?);
    assert!(plan.out.contains("+++ b/charts/web/values.yaml"), "{plan:?}");
    Ok(())
}

#[test]
fn nothing_is_written_over_and_then_nothing_at_all() -> Result {
    let Some((scene, work)) = shop()? else { return Ok(()) };
    for path in ["pinlib.yaml", ".github/workflows/pin.yml"] {
        fs::write(work.join(path), "mine\n")?;
        let run = init(&scene, &work, &[])?;
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.error().starts_with(&format!("{path} is there already")), "{run:?}");
        assert_eq!(fs::read_to_string(work.join(path))?, "mine\n");
        fs::remove_file(work.join(path))?;
        let status = scene.repository.git(&["-C", "../clone", "status", "--porcelain"])?;
        assert_eq!(status, "", "neither file is left");
    }
    Ok(())
}

#[test]
fn a_dry_run_is_a_diff_and_json_has_the_files() -> Result {
    let Some((scene, work)) = shop()? else { return Ok(()) };
    let dry = init(&scene, &work, &["--dry-run", "--json"])?.json();
    assert_eq!((&dry["outcome"], &dry["files"][0]["written"]), (&"answered".into(), &false.into()));
    assert_eq!(dry["others"], serde_json::json!(["nginx"]));
    assert!(!work.join("pinlib.yaml").exists());

    let diff = scene.write("new.diff", &init(&scene, &work, &["-n"])?.out)?;
    scene.repository.git(&["-C", "../clone", "apply", &diff.display().to_string()])?;
    for file in dry["files"].as_array().into_iter().flatten() {
        let path = file["path"].as_str().unwrap_or_default();
        assert_eq!(file["text"], fs::read_to_string(work.join(path))?, "{path}");
    }
    Ok(())
}

#[test]
fn without_an_owner_or_an_image_of_its_own_all_are_pinned_and_without_any_it_says_so() -> Result {
    let Some((scene, work)) = shop()? else { return Ok(()) };
    let run = init(&scene, &work, &["--repository=nobody/app", "-n", "--json"])?;
    assert_eq!(run.code, Some(2), "a flag is given once: {run:?}");
    let words = ["init", "github", "-n", "--json"];
    let told = |variables: &[(&str, &str)], folder: &Path| -> Result<Run> {
        let mut command = scene.command(&words);
        Ok(command.current_dir(folder).envs(variables.iter().copied()).output()?.into())
    };
    let all = told(&[("GITHUB_REPOSITORY", "nobody/app")], &work)?.json();
    assert_eq!(all["images"].as_array().map(Vec::len), Some(3), "{all}");
    let own = told(&[("GITHUB_REPOSITORY", "Shop/app")], &work)?.json();
    assert_eq!(own["images"].as_array().map(Vec::len), Some(2), "{own}");

    let empty = scene.folder().join("empty");
    fs::create_dir(&empty)?;
    assert_eq!(told(&[], &empty)?.code, Some(7));
    Ok(())
}

/// Runs a checker of the installed ones, and shows what it found.
fn clean(name: &str, words: &[&str], folder: &Path) -> Result {
    let Some(path) = program(name)? else { return Ok(()) };
    let run = Run::from(Command::new(path).args(words).current_dir(folder).output()?);
    assert_eq!(run.code, Some(0), "{}{}", run.out, run.err);
    Ok(())
}

const AUDIT: [&str; 4] = ["--offline", "--no-config", "--persona=auditor", "--format=plain"];

fn checked(path: &str, folder: &Path) -> Result {
    let schema = if path == "action.yml" { "vendor.github-actions" } else { "vendor.github-workflows" };
    clean("check-jsonschema", &["--builtin-schema", schema, path], folder)?;
    clean("zizmor", &[&AUDIT[..], &[path]].concat(), folder)
}

#[test]
fn the_workflow_is_valid_and_an_auditor_finds_nothing() -> Result {
    let Some((scene, work)) = shop()? else { return Ok(()) };
    init(&scene, &work, &[ACTION])?;
    let workflow = ".github/workflows/pin.yml";
    checked(workflow, &work)?;
    let text = fs::read_to_string(work.join(workflow))?;
    for part in [
        "file: services/web/Dockerfile\n",
        "needs: [build-api, build-web]\n",
        "      - deploy/rollout.yaml\n  workflow_dispatch:\n",
        "username: ${{ secrets.REGISTRY_TEST_USER }}\n",
        &format!("uses: {} # v{}\n", ACTION.trim_start_matches("--action="), env!("CARGO_PKG_VERSION")),
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(!text.contains("packages:"), "only ghcr.io knows the job's token: {text}");
    Ok(())
}

/// Without being told, the Action is called at the commit that the binary is built from.
#[test]
fn the_action_is_named_by_a_commit_by_default() -> Result {
    let Some((scene, work)) = shop()? else { return Ok(()) };
    init(&scene, &work, &[])?;
    let text = fs::read_to_string(work.join(".github/workflows/pin.yml"))?;
    let called = text.lines().find_map(|line| line.split_once("uses: pinlib/pinlib@")).map(|(_, at)| at);
    let (commit, _) = called.and_then(|at| at.split_once(' ')).ok_or("no commit")?;
    assert!(commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{commit}");
    Ok(())
}

#[test]
fn on_github_s_own_registry_and_on_several_it_is_valid_too() -> Result {
    let kustomization = "kind: Kustomization\nimages:\n  - {name: ghcr.io/shop/web, newTag: '1'}\n";
    let more = "  - {name: registry.test/shop/web, newTag: '1'}\n  - {name: '127.0.0.1:5000/shop/api.v2', newTag: '1'}\n";
    for (text, login) in [
        (kustomization.to_owned(), "          registry-user: ${{ github.actor }}\n"),
        (kustomization.to_owned() + more, "  build-web--2:\n"),
    ] {
        let Some(scene) = Scene::with(&[("a/[b]*.yaml", &text)])? else { return Ok(()) };
        scene.repository.git(&["clone", "-q", ".", "../clone"])?;
        let work = scene.folder().join("clone");
        init(&scene, &work, &[ACTION])?;
        checked(".github/workflows/pin.yml", &work)?;
        let text = fs::read_to_string(work.join(".github/workflows/pin.yml"))?;
        assert!(text.contains(login) && text.contains("packages: read"), "{text}");
        assert!(text.contains(r#"      - "a/\\[b\\]\\*.yaml""#), "the filter means the file alone: {text}");
    }
    Ok(())
}

#[test]
fn the_action_is_valid_and_an_auditor_finds_nothing() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    checked("action.yml", &root)?;
    clean("shellcheck", &["-x", "action/pin.sh", "action/install.sh"], &root)
}

#[test]
fn every_input_reaches_a_script_and_by_a_variable_alone() -> Result {
    let action = Path::new(env!("CARGO_MANIFEST_DIR")).join("../action");
    let read = |path: &str| fs::read_to_string(action.join(path));
    let action = read("../action.yml")?;
    let scripts = read("pin.sh")? + &read("install.sh")?;
    let inputs = action.split("\noutputs:").next().unwrap_or_default();
    let names: Vec<_> = inputs
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'))
        .filter(|name| !name.starts_with(' '))
        .collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        let variable = format!("INPUT_{}", name.to_uppercase().replace('-', "_"));
        assert!(action.contains(&format!("{variable}: ${{{{ inputs.{name} }}}}\n")), "{name}");
        assert!(scripts.contains(&variable), "{name}");
    }
    let run = action.lines().filter(|line| line.trim_start().starts_with("run:"));
    assert!(run.clone().count() == 2 && run.clone().all(|line| !line.contains("${{")));
    Ok(())
}

#[test]
fn this_repository_s_own_workflows_are_looked_at_as_well() -> Result {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for entry in fs::read_dir(root.join(".github/workflows"))? {
        let name = entry?.file_name();
        checked(&format!(".github/workflows/{}", name.display()), &root)?;
    }
    for script in [".ci/run", ".ci/release"] {
        clean("shellcheck", &[script], &root)?;
    }
    Ok(())
}
