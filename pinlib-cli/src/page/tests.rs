use super::{Page, Receipt, track::tracks};
use crate::output::v1::{Held, Log, Logged, LoggedSite};
use pinlib_testkit::servers::browser;
use serde_json::{Value, json};
use std::{fs, io, path::Path};

const WEB: &str = "ghcr.io/acme/web";
const API: &str = "ghcr.io/acme/api";

fn hex(letter: char, length: usize) -> String {
    letter.to_string().repeat(length)
}

fn site(environment: Option<&str>, image: &str, to: char) -> LoggedSite {
    LoggedSite {
        path: format!("deploy/{}/kustomization.yaml", environment.unwrap_or("base")),
        locator: format!("kustomization:{image}"),
        environment: environment.map(str::to_owned),
        image: Some(image.to_owned()),
        from: Some(format!("sha256:{}", hex('0', 64))),
        to: format!("sha256:{}", hex(to, 64)),
    }
}

fn entry(operation: &'static str, commit: char, day: u8, sites: Vec<LoggedSite>) -> Logged {
    Logged {
        commit: hex(commit, 40),
        parent: hex('a', 40),
        committed: format!("2026-11-{day:02}T09:30:00Z"),
        operation,
        recognised: true,
        author: "pinlib <pinlib@noreply.invalid>".to_owned(),
        branch: "main".to_owned(),
        source_commit: hex(commit, 40),
        run: hex('7', 32),
        key: hex('8', 64),
        proof: "hashed".to_owned(),
        sites,
    }
}

/// One of each kind.
fn story() -> Log {
    let (staging, production) = (Some("staging"), Some("production"));
    // A release leaves the file alone, so that it alone does not tell whose place it is.
    let release = LoggedSite { image: None, from: None, ..site(staging, WEB, 'e') };
    let mut odd = entry("pin", '5', 12, vec![site(staging, API, 'c')]);
    odd.recognised = false;
    let mut declared = entry("pin", '1', 11, vec![site(None, "ghcr.io/acme/jobs", 'd')]);
    declared.proof = "declared".to_owned();
    Log {
        branch: "main".to_owned(),
        entries: vec![
            entry("release", '9', 23, vec![release]),
            entry("rollback", '4', 20, vec![site(production, WEB, 'd')]),
            entry("promote", '3', 19, vec![site(production, WEB, 'e')]),
            entry("pin", '2', 18, vec![site(staging, WEB, 'e'), site(staging, API, 'b')]),
            odd,
            declared,
        ],
        holds: vec![
            Held {
                path: "deploy/production/kustomization.yaml".to_owned(),
                locator: format!("kustomization:{WEB}"),
            },
            Held { path: "old.yaml".to_owned(), locator: "yaml:/image".to_owned() },
        ],
        cut: true,
    }
}

/// A receipt as a run of this outcome leaves it, with more of its fields.
fn receipt(outcome: &str, more: &Value) -> String {
    let mut receipt = json!({
        "version": 1, "outcome": outcome, "exit_code": 3, "command": "pin", "seconds": 0.5,
        "error": {
            "kind": outcome,
            "message": "main moved from 222222222222 to 333333333333 while the image was being built; nothing was written",
            "hint": "the build of 333333333333 pins its own image",
        },
        "source_commit": hex('2', 40), "expected_head": hex('2', 40), "actual_head": hex('3', 40), "run": hex('6', 32),
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        receipt[key] = value.clone();
    }
    receipt.to_string()
}

fn receipts(text: &str) -> Vec<Receipt> {
    super::receipt::parse(text, Path::new("r.json")).unwrap_or_else(|error| panic!("{error}"))
}

fn page(log: &Log, receipts: &[Receipt]) -> String {
    let head = hex('9', 40);
    let commits = Some("https://github.com/acme/platform/commit/");
    let made = "2026-11-24T23:20:00Z";
    Page { forge: "github:acme/platform", commits, head: &head, made, log, receipts, looks: &[] }.html()
}

/// An answer of `verify` with these of its fields.
fn looked(more: &Value) -> super::Look {
    let mut look = json!({"version": 1, "command": "verify", "ended": "2026-11-24T23:00:00Z", "drift": []});
    for (key, value) in more.as_object().into_iter().flatten() {
        look[key] = value.clone();
    }
    super::drift::parse(&look.to_string(), Path::new("v.json")).unwrap_or_else(|error| panic!("{error}"))
}

/// What a browser objects to, where there is one.
fn objections(name: &str, html: &str) -> io::Result<Vec<String>> {
    let pictures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/page");
    fs::create_dir_all(&pictures)?;
    let file = pictures.join(name).with_extension("html");
    fs::write(&file, html)?;
    Ok(browser::look(&file, &pictures)?.unwrap_or_default())
}

/// Each track's environment, image, kinds of events and number of holds.
fn sorted(log: &Log, receipts: &[Receipt]) -> Vec<String> {
    let line = |track: &super::Track<'_>| {
        let events: Vec<_> = track.events.iter().map(|event| event.badge().into_string()).collect();
        let kinds =
            events.iter().filter_map(|badge| badge.split(['>', '<']).nth(2)).collect::<Vec<_>>().join(", ");
        format!("{} {}: {kinds}; {}", track.environment.unwrap_or("-"), track.image, track.holds.len())
    };
    tracks(log, &receipts.iter().collect::<Vec<_>>()).iter().map(line).collect()
}

#[test]
fn every_kind_of_event_can_be_looked_at_by_everyone() -> io::Result<()> {
    let runs = receipt("head-moved", &json!({"ended": "2026-11-19T10:00:00Z", "images": [{"name": WEB}]}))
        + &receipt("unknown", &json!({"images": [{"name": API}]}))
        + &receipt("unavailable", &json!({}));
    let html = page(&story(), &receipts(&runs));
    assert_eq!(objections("story", &html)?, [""; 0]);
    assert!(html.contains(&format!("<a href=\"https://github.com/acme/platform/commit/{}\">", hex('4', 40))));
    let (script, remote) = (html.contains("<script"), html.contains("src=") || html.contains("url("));
    assert!(!script && !remote, "nothing runs, and nothing is loaded");
    Ok(())
}

#[test]
fn what_a_cluster_runs_instead_is_drawn_below() -> io::Result<()> {
    let drift = |kind: &str, place: Option<&str>| {
        let reference = format!("{WEB}@sha256:{}", hex('e', 64));
        json!({"kind": kind, "image": WEB, "place": place, "reference": reference, "pods": 3})
    };
    let all = json!([
        drift("not-running", None),
        drift("unmanaged", Some("shop/Deployment/cache/redis")),
        drift("mutable-tag", Some("shop/Rollout/web/web")),
    ]);
    let more = json!({"environment": "production", "cluster": "127.0.0.1:6443", "commit": hex('9', 40), "drift": all});
    let many: Vec<_> = (0..501).map(|_| drift("unmanaged", Some("shop/x"))).collect();
    let looks =
        [looked(&more), looked(&json!({})), looked(&json!({"environment": "staging", "drift": many}))];
    let (log, head) = (story(), hex('9', 40));
    let made = "2026-11-24T23:20:00Z";
    let page =
        Page { forge: "shop", commits: None, head: &head, made, log: &log, receipts: &[], looks: &looks };
    let html = page.html();
    for told in [
        "<h2 id=\"drift-0\">Drift in production</h2>",
        "<h2 id=\"drift-1\">Drift</h2>",
        "Nothing: all that runs is in Git",
        ">Nowhere running<",
        ">Not in Git<",
        ">By a tag<",
        "And 1 more.",
    ] {
        assert!(html.contains(told), "{told}: {html}");
    }
    assert_eq!(objections("drift", &html)?, [""; 0]);
    Ok(())
}

#[test]
fn a_drift_that_nobody_looked_for_is_none() {
    for (text, told) in [
        ("{", "EOF while parsing an object"),
        (
            r#"{"version":2,"command":"verify","ended":"","drift":[]}"#,
            "it has version 2, and this pinlib knows 1",
        ),
        (r#"{"version":1,"command":"verify","ended":"","drift":null}"#, "nobody looked for it"),
        (r#"{"version":1,"command":"log","ended":"","drift":[]}"#, "nobody looked for it"),
    ] {
        let error = super::drift::parse(text, Path::new("v.json")).expect_err("a refusal").to_string();
        assert!(error.starts_with("cannot read a drift from v.json: ") && error.contains(told), "{error}");
    }
}

#[test]
fn a_log_without_pins_says_so() -> io::Result<()> {
    let html = page(&Log { branch: "main".to_owned(), ..Log::default() }, &[]);
    assert!(html.contains("No pin yet") && !html.contains("<table"), "{html}");
    assert_eq!(objections("empty", &html)?, [""; 0]);
    Ok(())
}

#[test]
fn an_event_belongs_to_each_image_and_environment_that_it_changed() {
    assert_eq!(
        sorted(&story(), &[]),
        [
            "- ghcr.io/acme/jobs: Pinned; 0",
            "production ghcr.io/acme/web: Rolled back, Promoted; 1",
            "staging ghcr.io/acme/api: Pinned, Not recognised; 0",
            "staging ghcr.io/acme/web: Hold released, Pinned; 0",
        ]
    );
}

#[test]
fn a_run_stands_where_its_clock_says_else_on_top() {
    let api = |ended: &str| {
        let run = receipt("head-moved", &json!({"ended": ended, "images": [{"name": API}]}));
        sorted(&story(), &receipts(&run)).swap_remove(2)
    };
    assert!(api("2026-11-13T00:00:00Z").contains(": Pinned, Head moved, Not recognised;"));
    assert!(api("2026-11-01T00:00:00Z").contains(": Pinned, Not recognised, Head moved;"));
    assert!(api("yesterday").contains(": Head moved, Pinned, Not recognised;"));
}

#[test]
fn a_run_is_about_its_files_else_about_its_images() {
    let more = json!({"images": [{"name": WEB}], "targets": ["deploy/staging/kustomization.yaml"]});
    let lines = sorted(&story(), &receipts(&receipt("rejected", &more)));
    assert!(lines[3].contains(": Rejected, ") && !lines[1].contains("Rejected"), "{lines:?}");
    let unknown = receipts(&receipt("rejected", &json!({"images": [{"name": WEB}]})));
    let lines = sorted(&story(), &unknown);
    assert!(lines[3].contains(": Rejected, ") && lines[1].contains("Rejected"), "{lines:?}");
    let never = receipts(&receipt("mismatch", &json!({"images": [{"name": "ghcr.io/acme/new"}]})));
    assert_eq!(sorted(&story(), &never)[1], "- ghcr.io/acme/new: Mismatch; 0");
}

#[test]
fn a_lost_answer_that_was_a_yes_is_no_failure() {
    let shown = |run: String| {
        page(&story(), &receipts(&receipt("unknown", &json!({"run": run, "images": [{"name": API}]}))))
            .contains(">Unknown<")
    };
    assert!(!shown(hex('7', 32)) && shown(hex('6', 32)));
    // Whoever quotes a run did not carry it out.
    let mut log = story();
    log.entries.iter_mut().for_each(|entry| entry.recognised = false);
    let run = receipts(&receipt("unknown", &json!({"run": hex('7', 32), "images": [{"name": API}]})));
    assert!(page(&log, &run).contains(">Unknown<"));
}

#[test]
fn only_runs_that_failed_to_write_are_kept() {
    let good = r#"{"version":1,"outcome":"pinned","command":"pin","error":null}"#.to_owned();
    let plan = receipt("not-found", &json!({"command": "plan"}));
    assert_eq!(receipts(&[good, plan, receipt("rejected", &json!({}))].join("\n")).len(), 1);
    for (text, told) in [
        ("{", "EOF while parsing an object"),
        ("[]", "invalid length 0"),
        (r#"{"version":1,"command":"pin","outcome":"fine"}"#, "unknown variant `fine`"),
        (r#"{"version":2,"command":"pin","outcome":"pinned"}"#, "it has version 2, and this pinlib knows 1"),
    ] {
        let error = super::receipt::parse(text, Path::new("r.json")).expect_err("a refusal").to_string();
        assert!(error.starts_with("cannot read a receipt from r.json: ") && error.contains(told), "{error}");
    }
}

#[test]
fn the_last_pin_is_a_recognised_one() {
    let mut log = story();
    log.entries.swap(3, 4);
    let all = tracks(&log, &[]);
    let last = all.iter().find(|track| track.image == API).and_then(super::Track::last);
    assert_eq!(last.map(|(_, site)| site.to.clone()), Some(format!("sha256:{}", hex('b', 64))));
    let released = all.last().and_then(super::Track::last);
    assert_eq!(released.map(|(entry, _)| entry.operation), Some("pin"), "a release pins nothing");
}

#[test]
fn long_timelines_are_folded() {
    let entries = (0..25).map(|_| entry("pin", '2', 18, vec![site(None, WEB, 'e')])).collect();
    let html = page(&Log { branch: "main".to_owned(), entries, ..Log::default() }, &[]);
    assert!(html.contains("<summary>5 older<"), "{html}");
    assert!(
        html.contains(">Images</h2>") && !html.contains("nvironments"),
        "who has no environments is not told of them"
    );
}

/// Whatever a repository or a receipt says, it is text.
#[test]
fn no_value_can_speak() -> io::Result<()> {
    const EVIL: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\u{202e}\u{1b}[31m&lt;\n";
    let evil = || EVIL.to_owned();
    let place = LoggedSite {
        path: evil(),
        locator: evil(),
        environment: Some(evil()),
        image: Some(evil()),
        from: Some(evil()),
        to: evil(),
    };
    let entry = Logged {
        commit: evil(),
        parent: evil(),
        committed: evil(),
        operation: "pin",
        recognised: true,
        author: evil(),
        branch: evil(),
        source_commit: evil(),
        run: evil(),
        key: evil(),
        proof: evil(),
        sites: vec![place],
    };
    let holds = vec![Held { path: evil(), locator: evil() }, Held { path: evil(), locator: String::new() }];
    let log = Log { branch: evil(), entries: vec![entry], holds, cut: false };
    let run = json!({
        "version": 1, "outcome": "unknown", "command": "pin", "error": {"message": EVIL, "hint": EVIL}, "ended": EVIL,
        "run": EVIL, "source_commit": EVIL, "expected_head": EVIL, "actual_head": EVIL, "images": [{"name": EVIL}],
    });
    let runs = receipts(&run.to_string());
    let drift = json!({"kind": EVIL, "image": EVIL, "place": EVIL, "reference": EVIL, "pods": 1});
    let look = looked(
        &json!({"commit": EVIL, "environment": EVIL, "cluster": EVIL, "ended": EVIL, "drift": [drift]}),
    );
    let html = Page {
        forge: EVIL,
        commits: None,
        head: EVIL,
        made: EVIL,
        log: &log,
        receipts: &runs,
        looks: &[look],
    }
    .html();
    for raw in ["<script", "<img", "\u{202e}", "\u{1b}", "\"'>"] {
        assert!(!html.contains(raw), "{raw}");
    }
    assert_eq!(objections("evil", &html)?, [""; 0], "and it breaks no line");
    Ok(())
}
