//! Pins, and the doctor, on GitHub: the binary against a stub of its API, as an App.

use super::scene::{IMAGE, KUSTOMIZATION, ROLLOUT, Result, Run, Scene, main_branch};
use pinlib::Mode;
use pinlib_testkit::servers::{
    github::{APP_ID, CLIENT_ID, GitHub, INSTALLATION, Lost, Meddling, TOKEN},
    script::Request,
};
use std::fs;

/// The shop on GitHub.
pub(crate) struct Hub {
    pub(crate) scene: Scene,
    pub(crate) hub: GitHub,
}

impl Hub {
    pub(crate) fn open() -> Result<Option<Self>> {
        Self::with(&[("deploy/kustomization.yaml", KUSTOMIZATION), ("deploy/rollout.yaml", ROLLOUT)])
    }
    fn with(files: &[(&str, &str)]) -> Result<Option<Self>> {
        let Some(scene) = Scene::with(files)? else { return Ok(None) };
        let Some(hub) = GitHub::start(&scene.repository)? else { return Ok(None) };
        Ok(Some(Self { scene, hub }))
    }
    /// Runs it as Actions would, and as the App.
    pub(crate) fn run(&self, words: &[&str], more: &[(&str, &str)]) -> Result<Run> {
        let (rest, graphql) = (self.hub.rest(), self.hub.graphql());
        let installation = INSTALLATION.to_string();
        let mut variables = vec![
            ("GITHUB_API_URL", &*rest),
            ("GITHUB_GRAPHQL_URL", &graphql),
            ("PINLIB_APP", CLIENT_ID),
            ("PINLIB_INSTALLATION", &installation),
            ("PINLIB_APP_KEY", self.hub.key()),
        ];
        variables.extend(more);
        self.scene.run_with(&variables, words)
    }
    pub(crate) fn pin(&self, words: &[&str], more: &[(&str, &str)]) -> Result<Run> {
        self.request("pin", words, more)
    }
    pub(crate) fn request(&self, command: &str, words: &[&str], more: &[(&str, &str)]) -> Result<Run> {
        let all = self.scene.words(command, "github:acme/deploy");
        let all: Vec<_> = all.iter().map(String::as_str).chain(words.iter().copied()).collect();
        self.run(&all, more)
    }
    /// What must be told nowhere: tokens, the App's words for itself, and every line of its key.
    fn told(&self, text: &str) -> Option<String> {
        let lines = self.hub.key().lines().filter(|line| !line.starts_with("-----")).map(str::to_owned);
        let secrets = self.hub.secrets().into_iter().chain(lines).chain([TOKEN.to_owned()]);
        secrets.into_iter().find(|secret| text.contains(secret))
    }
}

fn is_commit(request: &Request) -> bool {
    request.body.contains("createCommitOnBranch")
}

#[test]
fn a_pin_on_github_is_told_with_its_cost() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    let run = hub.pin(&["--json"], &[])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json();
    assert_eq!(report["outcome"], "pinned");
    assert_eq!(report["commit"], hub.scene.head()?.to_string());
    assert_eq!(
        report["forge"].as_str().and_then(|forge| forge.split(' ').next()),
        Some("github:acme/deploy")
    );
    // Token, read, commit, and the token given back; the registry is a folder here.
    let host = hub.hub.rest().replace("http://", "");
    assert_eq!(report["traffic"]["requests"], 4, "{report}");
    assert_eq!(report["traffic"]["hosts"][&host]["requests"], 4, "{report}");
    assert!(report["traffic"]["hosts"][&host]["received"].as_u64() > Some(0), "{report}");
    assert!(hub.scene.file("deploy/rollout.yaml")?.contains(&hub.scene.digest().to_string()));
    assert_eq!(hub.scene.repository.git(&["fsck", "--strict"])?.trim(), "");

    let again = hub.pin(&[], &[])?;
    assert_eq!(again.code, Some(0), "{again:?}");
    assert_eq!(hub.scene.head()?.to_string(), report["commit"].as_str().unwrap_or_default(), "nothing more");
    Ok(())
}

#[test]
fn each_request_is_told_to_whoever_asks_with_its_time() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    let run = hub.pin(&["-v"], &[])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    for part in ["/app/installations/", "/graphql", "/installation/token"] {
        let line = run.err.lines().find(|line| line.contains(part));
        assert!(
            line.is_some_and(|line| line.contains(" ms") && line.contains("POST") | line.contains("DELETE")),
            "{run:?}"
        );
    }
    assert_eq!(hub.told(&run.err), None);
    Ok(())
}

/// On Actions everything but the image and the App is known.
#[test]
fn actions_say_the_rest() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    let (a, image) = (hub.scene.a.to_string(), hub.scene.reported());
    let (output, summary) = (hub.scene.write("output", "")?, hub.scene.write("summary", "")?);
    let actions = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_SHA", &a),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_REPOSITORY", "acme/deploy"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_OUTPUT", output.to_str().unwrap_or_default()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap_or_default()),
    ];
    let target = "--target=kustomization:deploy/kustomization.yaml";
    let run = hub.run(&["pin", "--registry=layout:registry", "--image", &image, target], &actions)?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let (head, output) = (hub.scene.head()?, fs::read_to_string(output)?);
    assert!(output.contains(&format!("https://github.com/acme/deploy/commit/{head}")), "{output}");
    assert!(fs::read_to_string(summary)?.contains(&head.to_string()));
    assert_eq!(hub.told(&output), None);
    Ok(())
}

/// A race, a rule, a lost answer: each with its code, and the next step.
#[test]
fn what_goes_wrong_on_github_has_its_code() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    hub.hub.meddle(|request| is_commit(request).then_some(Meddling::AfterServing(Lost::Status(502))));
    let run = hub.pin(&["--json"], &[])?;
    assert_eq!((run.code, &run.json()["outcome"]), (Some(0), &"pinned".into()), "{run:?}");

    let Some(hub) = Hub::open()? else { return Ok(()) };
    hub.scene.repository.push(&main_branch(), &[("README", "x\n")], "meanwhile")?;
    let run = hub.pin(&[], &[])?;
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.error().contains("main moved from"), "{run:?}");

    for (message, hint) in [
        ("Repository rule violations found\\n\\nChanges must be made through a pull request.", "bypass list"),
        ("protected branch 'main' check failed:\\n  Changes must be made through a pull request.", "ruleset"),
        ("Resource not accessible by integration", "pinlib doctor"),
    ] {
        let Some(hub) = Hub::open()? else { return Ok(()) };
        hub.hub.meddle(move |request| {
            is_commit(request).then(|| Meddling::Answer {
                status: 200,
                headers: vec![("content-type".into(), "application/json".into())],
                body: format!("{{\"data\":{{\"createCommitOnBranch\":null}},\"errors\":[{{\"message\":\"{message}\"}}]}}"),
            })
        });
        let run = hub.pin(&[], &[])?;
        assert_eq!(run.code, Some(5), "{run:?}");
        assert!(run.err.contains("hint: ") && run.err.contains(hint), "{hint}: {run:?}");
        hub.scene.untouched()?;
    }
    Ok(())
}

#[test]
fn a_login_that_is_half_there_is_told() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    for (more, says) in [
        (&[("PINLIB_APP_KEY", "")][..], "its private key is missing"),
        (&[("PINLIB_APP", "")], "nothing says whose"),
        (&[("PINLIB_APP", ""), ("PINLIB_APP_KEY", "")], "nothing says as whom"),
        (&[("PINLIB_APP_KEY", "hush, this is no key")], "read the App's private key"),
        (&[("GITHUB_API_URL", "http://api.test")], "plain http"),
    ] {
        let run = hub.pin(&[], more)?;
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.error().contains(says) && run.err.contains("hint: "), "{says}: {run:?}");
        assert!(!run.err.contains("hush"), "{run:?}");
    }
    let run = hub.pin(&["--author=Me <me@acme.test>"], &[])?;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.error().contains("GitHub itself says who"), "{run:?}");
    // A plain token pins as well, and a key may stand in a file.
    let plain = [("PINLIB_APP", ""), ("PINLIB_APP_KEY", ""), ("GITHUB_TOKEN", TOKEN)];
    assert_eq!(hub.pin(&[], &plain)?.code, Some(0));
    let file = hub.scene.write("app.pem", &hub.hub.key().replace('\n', "\r\n"))?;
    let by_file = [("PINLIB_APP_KEY", ""), ("PINLIB_APP_KEY_FILE", file.to_str().unwrap_or_default())];
    assert_eq!(hub.pin(&[], &by_file)?.code, Some(0));
    Ok(())
}

/// Nothing secret is told by any way a run may end, however much is asked for.
#[test]
fn no_secret_of_github_s_is_told() -> Result {
    let answers = |status: u16, body: &'static str| {
        move |request: &Request| {
            is_commit(request).then(|| Meddling::Answer {
                status,
                headers: vec![("content-type".into(), "application/json".into())],
                body: body.into(),
            })
        }
    };
    let wrong_key = [("PINLIB_APP", "Iv23liSomebodyElse00")];
    let number = APP_ID.to_string();
    for n in 0..9 {
        let Some(hub) = Hub::open()? else { return Ok(()) };
        let more: &[(&str, &str)] = match n {
            0 => &wrong_key,
            1 => &[("PINLIB_APP", &number), ("PINLIB_INSTALLATION", "")],
            _ => &[],
        };
        match n {
            2 => hub.hub.change(|settings| settings.permissions.clear()),
            3 => hub.hub.change(|settings| settings.unready = 99),
            4 => hub.hub.meddle(answers(401, "{\"message\":\"Bad credentials\"}")),
            5 => hub.hub.meddle(answers(200, "{\"errors\":[{\"message\":\"odd\"}]}")),
            6 => hub.hub.meddle(|request| is_commit(request).then_some(Meddling::AfterServing(Lost::Close))),
            // Whatever a server says of what it got: it is not repeated as it stands in a header.
            7 => hub.hub.meddle(|request| {
                request.target.ends_with("/access_tokens").then_some(Meddling::Before(Lost::Cut))
            }),
            _ => {}
        }
        for words in [&["-vv"][..], &["-vv", "--json"]] {
            for command in ["plan", "pin", "doctor"] {
                if n == 5 && command == "pin" {
                    continue; // It waits for half a minute, in real time.
                }
                let run = hub.request(command, words, more)?;
                let text = format!("{}{}", run.out, run.err);
                assert_eq!(hub.told(&text), None, "{n} {command}: {text}");
                assert!(!text.contains("Bearer"), "{n} {command}: {text}");
            }
        }
    }
    Ok(())
}

const LOOP: &str = "\
on:
  push:
    branches: [main]
jobs:
  pin:
    runs-on: ubuntu-latest
    steps:
      - run: pinlib pin
";

#[test]
fn the_doctor_s_table_holds_every_row() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    let run = hub.request("doctor", &["--json"], &[("PINLIB_INSTALLATION", "")])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json();
    assert_eq!(report["outcome"], "answered");
    let rows: Vec<_> = report["rows"].as_array().into_iter().flatten().collect();
    let checks: Vec<_> = rows.iter().filter_map(|row| row["check"].as_str()).collect();
    assert_eq!(
        checks,
        [
            "key",
            "clock",
            "app",
            "installation",
            "permissions",
            "repositories",
            "rulesets",
            "protection",
            "rate",
            "head",
            "targets",
            "loop",
            "registry"
        ]
    );
    assert!(rows.iter().all(|row| row["health"] == "ok"), "{report}");

    let people = hub.request("doctor", &[], &[])?;
    assert_eq!(people.out.lines().filter(|line| line.starts_with("key ")).count(), 1, "{people:?}");
    assert!(people.out.lines().all(|line| line.chars().count() <= 80), "{people:?}");
    assert!(people.err.contains("only a write proves"), "{people:?}");
    hub.scene.untouched()
}

#[test]
fn a_row_that_blocks_ends_with_5() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    hub.hub.change(|settings| drop(settings.permissions.insert("contents".into(), "read".into())));
    let run = hub.request("doctor", &[], &[])?;
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.out.contains("permissions   not ok    missing: contents:write"), "{run:?}");
    let json = hub.request("doctor", &["--json"], &[])?.json();
    assert_eq!((&json["outcome"], &json["exit_code"]), (&"blocked".into(), &5.into()));
    Ok(())
}

/// On any forge alike: the branch, and each file as a pin edits it.
#[test]
fn a_branch_or_a_file_that_is_not_there_is_named() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    let run = hub.run(&["doctor", "--forge=github:acme/deploy", "--branch=nowhere"], &[])?;
    assert_eq!(run.code, Some(5), "{run:?}");
    assert!(run.out.contains("head          not ok"), "{run:?}");

    let entries = [(Mode::Executable, "deploy/rollout.yaml", ROLLOUT.as_bytes())];
    let head = hub.scene.repository.write(&[hub.scene.a], &entries, "mode")?;
    hub.scene.repository.force(&main_branch(), Some(head))?;
    let run = hub.request("doctor", &["--target=workload:deploy/gone.yaml", "--json"], &[])?;
    assert_eq!(run.code, Some(5), "{run:?}");
    let json = run.json();
    let rows = json["rows"].as_array().into_iter().flatten().filter(|row| row["check"] == "targets");
    let seen: Vec<_> = rows.filter_map(|row| row["seen"].as_str()).collect();
    assert_eq!(seen.len(), 2, "{json}");
    assert!(
        seen[0] == "deploy/gone.yaml is not there" && seen[1].starts_with("deploy/rollout.yaml is "),
        "{json}"
    );
    Ok(())
}

/// The pin would start the workflow that pins: unless the targets are left out of its trigger.
#[test]
fn the_doctor_sees_a_loop() -> Result {
    let files = [("deploy/kustomization.yaml", KUSTOMIZATION), ("deploy/rollout.yaml", ROLLOUT)];
    let filtered =
        LOOP.replace("    branches: [main]\n", "    branches: [main]\n    paths-ignore: ['deploy/**']\n");
    for (workflow, code, health) in [(LOOP, 5, "not-ok"), (&*filtered, 0, "ok"), ("on: [", 0, "unknown")] {
        let more = [(".github/workflows/pin.yml", workflow)];
        let Some(hub) = Hub::with(&[&files[..], &more].concat())? else { return Ok(()) };
        let run = hub.request("doctor", &["--json"], &[])?;
        assert_eq!(run.code, Some(code), "{run:?}");
        let json = run.json();
        let row = json["rows"].as_array().into_iter().flatten().find(|row| row["check"] == "loop");
        assert_eq!(row.map(|row| &row["health"]), Some(&health.into()), "{json}");
    }
    Ok(())
}

/// Before there is a pinlib.yaml: the App and its repository can be looked at all the same.
#[test]
fn the_doctor_wants_nothing_but_a_forge() -> Result {
    let Some(hub) = Hub::open()? else { return Ok(()) };
    let run = hub.run(&["doctor", "--forge=github:acme/deploy"], &[])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("main is at"), "{run:?}");
    assert!(run.out.contains("targets       unknown   no file is named"), "{run:?}");
    Ok(())
}

/// Other forges have fewer rows, and the registry has its own.
#[test]
fn the_doctor_looks_at_any_forge_and_registry() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    scene.config()?;
    let run = scene.run(&["doctor", "--json"])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    let json = run.json();
    let checks: Vec<_> =
        json["rows"].as_array().into_iter().flatten().filter_map(|row| row["check"].as_str()).collect();
    assert_eq!(checks, ["permissions", "head", "targets", "registry"]);

    let run = scene.run(&["doctor", "--branch=nowhere"])?;
    assert_eq!(run.code, Some(5), "{run:?}");
    let run = scene.run(&["doctor", "--image", &format!("{IMAGE}:nowhere"), "--json"])?;
    let text = run.json().to_string();
    assert!(text.contains("has no such image yet"), "{text}");
    Ok(())
}
