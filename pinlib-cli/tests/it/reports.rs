//! `--json`: one object, whole, on each outcome, of the shape that the schema tells.

use super::scene::{Result, Run, Scene, main_branch};
use pinlib_testkit::servers::kubernetes::objects::{PodObject, application, printed};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::Path};

/// Whether a value is of a schema's shape: what schemars writes of it, no more.
fn fits(value: &Value, schema: &Value, root: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        return root.pointer(name.trim_start_matches('#')).is_some_and(|schema| fits(value, schema, root));
    }
    let is = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        _ => value.is_object(),
    };
    let kinds = match &schema["type"] {
        Value::String(kind) => is(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    let listed = |key: &str| schema[key].as_array().into_iter().flatten();
    let any = |key: &str| schema[key].is_null() || listed(key).any(|one| fits(value, one, root));
    kinds
        && any("anyOf")
        && any("oneOf")
        && (schema["const"].is_null() || schema["const"] == *value)
        && (schema["enum"].is_null() || listed("enum").any(|one| one == value))
        && listed("required").filter_map(Value::as_str).all(|key| value.get(key).is_some())
        && schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .all(|(key, schema)| value.get(key).is_none_or(|value| fits(value, schema, root)))
        && value
            .as_array()
            .into_iter()
            .flatten()
            .all(|item| schema["items"].is_null() || fits(item, &schema["items"], root))
}

fn schema(of: &str, scene: &Scene) -> Result<Value> {
    Ok(serde_json::from_str(&scene.run(&["schema", of])?.out)?)
}

#[test]
fn the_schemas_in_the_book_are_those_of_the_types() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");
    for (of, file) in [("config", "pinlib.schema.json"), ("receipt", "receipt.schema.json")] {
        let made = scene.run(&["schema", of])?.out;
        if std::env::var_os("SNAPSHOTS").is_some_and(|wish| wish == "overwrite") {
            fs::create_dir_all(&book)?;
            fs::write(book.join(file), &made)?;
        }
        assert!(
            fs::read_to_string(book.join(file))? == made,
            "run `pinlib schema {of} > docs/reference/{file}`"
        );
    }
    Ok(())
}

#[test]
fn each_outcome_is_one_whole_object() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let schema = schema("receipt", &scene)?;
    let (a, image) = (scene.a.to_string(), scene.reported());
    let pin = |more: &[&str]| -> Result<Value> {
        let run =
            scene.run(&[&["pin", "--json", "--source-commit", &a, "--image", &image], more].concat())?;
        let report = run.json();
        assert!(fits(&report, &schema, &schema), "{report:#}");
        assert_eq!(run.out.lines().count(), 1);
        assert_eq!((&report["version"], report["exit_code"].as_i64()), (&1.into(), run.code.map(i64::from)));
        Ok(report)
    };
    let told = |report: &Value, key: &str| report[key].as_str().map(str::to_owned);

    let invalid = pin(&["--evidence=label", "--registry=none"])?;
    assert_eq!((&invalid["outcome"], &invalid["error"]["kind"]), (&"invalid".into(), &"invalid".into()));
    let wrong = pin(&["--was=registry.test/shop/web:0.9"])?;
    assert_eq!((&wrong["outcome"], &wrong["changed"]), (&"mismatch".into(), &false.into()));
    let missing = pin(&["--target=workload:nowhere.yaml"])?;
    assert_eq!((&missing["outcome"], &missing["error"]["path"]), (&"not-found".into(), &Value::Null));

    let due = scene.run(&["plan", "--json", "--exit-code", "--source-commit", &a, "--image", &image])?;
    let due = due.json();
    assert!(fits(&due, &schema, &schema), "{due:#}");
    assert_eq!((&due["outcome"], &due["exit_code"]), (&"changes-due".into(), &11.into()));
    assert!(told(&due, "diff").is_some_and(|diff| diff.starts_with("--- a/")));

    let pinned = pin(&["--evidence=label"])?;
    assert_eq!(
        (&pinned["outcome"], &pinned["changed"], &pinned["error"]),
        (&"pinned".into(), &true.into(), &Value::Null)
    );
    let head = scene.head()?.to_string();
    let values = ["commit", "expected_head", "source_commit", "branch", "proof", "policy"]
        .map(|key| told(&pinned, key));
    assert_eq!(values.map(Option::unwrap_or_default), [&head, &a, &a, "main", "hashed", "exact"]);
    assert_eq!(pinned["images"][0]["platforms"], serde_json::json!(["linux/amd64", "linux/arm64"]));
    assert_eq!(pinned["images"][0]["evidence"], "label");
    assert_eq!(pinned["edits"][1]["from"], "registry.test/shop/web:1.0");
    assert_eq!(pinned["edits"][1]["to"], image);
    assert_eq!(pinned["traffic"]["requests"], 0);
    let message = scene.repository.git(&["log", "-1", "--format=%B", "main"])?;
    for key in ["key", "run"] {
        assert!(message.contains(&told(&pinned, key).ok_or("a value")?), "{key} stands in the record");
    }

    let verified =
        scene.run(&["verify-image", "--json", "--evidence=label", "--source-commit", &a, &image])?.json();
    assert!(fits(&verified, &schema, &schema), "{verified:#}");
    assert_eq!(verified["image"]["weighed"]["claimed_by"], Value::Null);

    let already = pin(&[])?;
    assert_eq!((&already["outcome"], told(&already, "commit")), (&"already-pinned".into(), Some(head)));

    let moved = scene.repository.push(&main_branch(), &[("README", "tea\n")], "Sell tea")?;
    let api = format!("registry.test/shop/api@{}", scene.digest());
    let words = ["pin", "--json", "--source-commit", &a, "--image", &api];
    let raced =
        scene.run(&[&words[..], &["--target=kustomization:deploy/kustomization.yaml"]].concat())?.json();
    assert!(fits(&raced, &schema, &schema), "{raced:#}");
    assert_eq!(
        (&raced["outcome"], told(&raced, "actual_head")),
        (&"head-moved".into(), Some(moved.to_string()))
    );
    assert!(told(&raced["error"], "hint").is_some());
    Ok(())
}

#[test]
fn what_runs_is_told_in_the_same_shape() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let schema = schema("receipt", &scene)?;
    let web = PodObject::new("shop", "web-1").container("web", &scene.reported(), &scene.reported());
    let app = application("argocd", "shop", &scene.a.to_string(), &[]);
    scene.write("pods.json", &printed(&[web.json(), app]))?;
    for more in [&[][..], &["--drift", "--application", "shop"], &["--commit", &"1".repeat(40)]] {
        let report = scene.run(&[&["verify", "--json", "--pods", "pods.json"], more].concat())?.json();
        assert!(fits(&report, &schema, &schema), "{report:#}");
        assert_eq!(report["drift"].is_array(), more.contains(&"--drift"));
    }
    Ok(())
}

#[test]
fn a_value_that_does_not_parse_is_an_object_too() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.run(&["pin", "--json", "--image", "web@sha256:zz"])?;
    let report = run.json();
    assert_eq!((run.code, &report["outcome"]), (Some(2), &"invalid".into()));
    assert!(
        report["error"]["message"].as_str().is_some_and(|text| text.starts_with("--image: \"sha256:zz\""))
    );
    Ok(())
}

#[test]
fn a_closed_pipe_is_no_defect() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let mut child = scene.command(&["schema", "receipt"]).stdout(std::process::Stdio::piped()).spawn()?;
    drop(child.stdout.take());
    assert_eq!(child.wait()?.code(), Some(0));
    Ok(())
}

#[test]
fn no_command_and_no_such_flag_are_usage() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    for words in [&[][..], &["pin", "--no-such-flag"], &["push"], &["pin", "-q", "-v"]] {
        assert_eq!(scene.run(words)?.code, Some(2), "{words:?}");
    }
    assert_eq!(scene.run(&["--version"])?.out, concat!("pinlib ", env!("CARGO_PKG_VERSION"), "\n"));
    Ok(())
}

/// Every name that some table of a schema has.
fn names(schema: &Value, found: &mut BTreeSet<String>) {
    for (key, value) in schema.as_object().into_iter().flatten() {
        if key == "properties" {
            found.extend(value.as_object().into_iter().flatten().map(|(name, _)| name.clone()));
        }
        names(value, found);
    }
    schema.as_array().into_iter().flatten().for_each(|value| names(value, found));
}

/// The keys of a report that no table has. Hosts are data; a schema has a schema of its own.
fn untold(value: &Value, known: &BTreeSet<String>) -> Vec<String> {
    let below = |(key, value): (&String, &Value)| {
        let own = (!known.contains(key)).then(|| key.clone());
        let deeper =
            if ["hosts", "schema"].contains(&key.as_str()) { Vec::new() } else { untold(value, known) };
        own.into_iter().chain(deeper).collect::<Vec<_>>()
    };
    let of_map = value.as_object().into_iter().flatten().flat_map(below);
    let of_list = value.as_array().into_iter().flatten().flat_map(|value| untold(value, known));
    of_map.chain(of_list).collect()
}

#[test]
fn the_schema_tells_each_key_of_each_command() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let schema = schema("receipt", &scene)?;
    let mut known = BTreeSet::new();
    names(&schema, &mut known);
    let (a, image) = (scene.a.to_string(), scene.reported());
    scene.write("init/app.yaml", &format!("{{spec: {{containers: [{{name: a, image: '{image}'}}]}}}}\n"))?;
    let words = |more: &str| {
        let words = more.replace("[A]", &a).replace("[IMAGE]", &image);
        words.split(' ').map(str::to_owned).collect::<Vec<_>>()
    };
    let mut commands = BTreeSet::new();
    for line in [
        "plan --source-commit [A] --image [IMAGE]",
        "pin --source-commit [A] --image [IMAGE] --evidence label",
        "rollback -n --image web",
        "promote staging production",
        "log",
        "audit [A]..",
        "resolve [IMAGE]",
        "check",
        "doctor",
        "demo -q",
        "init github --dry-run --repository shop/app --branch main",
        "schema config",
        "completions fish",
        "verify --pods pods.json --image web",
        "verify-image [IMAGE] --source-commit [A] --evidence label",
    ] {
        let words = words(line);
        let words: Vec<_> = words.iter().map(String::as_str).chain(["--json"]).collect();
        let folder = if words[0] == "init" { "init" } else { "." };
        let run: Run = scene.command(&words).current_dir(scene.folder().join(folder)).output()?.into();
        let report = run.json();
        assert!(fits(&report, &schema, &schema), "{report:#}");
        assert_eq!(untold(&report, &known), [""; 0], "{line}");
        commands.insert(report["command"].as_str().unwrap_or_default().to_owned());
    }
    let help = scene.run(&["--help"])?.out;
    let listed =
        help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    for name in
        listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|name| !name.is_empty())
    {
        assert!(commands.contains(name), "{name} is not asked here");
    }
    Ok(())
}

#[test]
fn shells_take_the_completions() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let run = scene.run(&["completions", shell])?;
        assert!(run.code == Some(0) && run.out.contains("rollback"), "{shell}: {run:?}");
        scene.write(&format!("pinlib.{shell}"), &run.out)?;
    }
    #[cfg(unix)]
    {
        // The words behind `pinlib ro`, as the shell asks for them.
        let script = "source pinlib.bash; COMP_WORDS=(pinlib ro); COMP_CWORD=1; _pinlib pinlib ro pinlib; echo \"${COMPREPLY[*]}\"";
        let done =
            std::process::Command::new("bash").args(["-c", script]).current_dir(scene.folder()).output()?;
        assert_eq!(String::from_utf8_lossy(&done.stdout), "rollback\n", "{done:?}");
    }
    Ok(())
}
