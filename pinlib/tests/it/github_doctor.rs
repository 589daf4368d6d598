//! The doctor on a sound setup, and on one with each fault in turn: it names the fault, and what to change.

use crate::{
    git_world::main_branch,
    github_world::{Scene, app},
};
use pinlib::{Finding, GitHubLogin, Health, Row};
use pinlib_testkit::servers::github::{
    APP_ID, Bypass, CLIENT_ID, Enforcement, GitHub, Lost, Meddling, Ruleset, Selection, Settings, Source,
    TOKEN,
};

/// Of the login, and where that holds of the branch.
fn examine(scene: &Scene) -> Vec<Finding> {
    let mut found = scene.block_on(scene.forge.examine_login());
    if found.iter().all(|finding| finding.health != Health::NotOk) {
        found.extend(scene.block_on(scene.forge.examine_branch(&main_branch())));
    }
    found
}

fn of(found: &[Finding], row: Row) -> Vec<&Finding> {
    found.iter().filter(|finding| finding.row == row).collect()
}

/// The one finding of a row.
fn one(found: &[Finding], row: Row) -> &Finding {
    match of(found, row)[..] {
        [finding] => finding,
        _ => panic!("one {row} in {found:#?}"),
    }
}

#[test]
fn on_a_sound_setup_every_row_is_ok() {
    for id in [CLIENT_ID.to_owned(), APP_ID.to_string()] {
        let Some(scene) = Scene::with(|hub| app(hub, &id, None)) else { return };
        let found = examine(&scene);
        let wrong: Vec<_> = found.iter().filter(|finding| finding.health != Health::Ok).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
        let rows: Vec<_> = found.iter().map(|finding| finding.row).collect();
        assert_eq!(
            rows,
            [
                Row::Key,
                Row::Clock,
                Row::App,
                Row::Installation,
                Row::Permissions,
                Row::Repositories,
                Row::Rulesets,
                Row::Protection,
                Row::Rate
            ]
        );
        assert!(found.iter().all(|finding| finding.cure.is_none()), "nothing to change: {found:#?}");
        let writes = scene.asked().into_iter().filter(|name| name == "mutation");
        assert_eq!(writes.count(), 0, "it only reads");
    }
}

fn ruleset(rules: &[&str], can_bypass: Bypass) -> Ruleset {
    Ruleset { rules: rules.iter().map(|rule| (*rule).into()).collect(), can_bypass, ..Ruleset::default() }
}

type Change = fn(&mut Settings);

/// A change of the setup, the row that tells of it, how that stands, and words of what was seen and of the cure.
#[expect(clippy::too_many_lines, reason = "a table")]
fn faults() -> Vec<(Change, Row, Health, &'static str, &'static str)> {
    use Health::{NotOk, Ok, Unknown};
    vec![
        (|s| s.clock_ahead = -3600, Row::Clock, Ok, "s ahead of GitHub's", "NTP"),
        (|s| s.clock_ahead = 3600, Row::Clock, Ok, "s behind GitHub's", "NTP"),
        (|s| s.installed = false, Row::Installation, NotOk, "none on acme/deploy", "install the App"),
        (|s| s.suspended = true, Row::Installation, NotOk, "suspended since", "unsuspend"),
        (
            |s| drop(s.permissions.insert("contents".into(), "read".into())),
            Row::Permissions,
            NotOk,
            "missing: contents:write",
            "accept",
        ),
        (
            |s| drop(s.permissions.remove("contents")),
            Row::Permissions,
            NotOk,
            "missing: contents:write",
            "Permissions & events",
        ),
        (
            |s| drop(s.permissions.insert("administration".into(), "write".into())),
            Row::Permissions,
            Ok,
            "more than a pin needs: administration:write",
            "take the others away",
        ),
        (
            |s| s.selection = Selection::All,
            Row::Repositories,
            Ok,
            "all of the account's",
            "Only select repositories",
        ),
        (
            |s| s.selection = Selection::Others,
            Row::Installation,
            NotOk,
            "none on acme/deploy",
            "Only select repositories",
        ),
        (
            |s| s.rulesets = vec![ruleset(&["pull_request"], Bypass::Never)],
            Row::Rulesets,
            NotOk,
            "(pull_request): bypass is \"never\"",
            "bypass list",
        ),
        (
            |s| s.rulesets = vec![ruleset(&["required_status_checks"], Bypass::PullRequestsOnly)],
            Row::Rulesets,
            NotOk,
            "pull_requests_only",
            "Always allow",
        ),
        (
            |s| {
                let organization =
                    Ruleset { source: Source::Organization, ..ruleset(&["update"], Bypass::Never) };
                s.rulesets = vec![organization];
            },
            Row::Rulesets,
            NotOk,
            "of acme",
            "organization's settings",
        ),
        (
            |s| s.rulesets = vec![ruleset(&["pull_request"], Bypass::Always)],
            Row::Rulesets,
            Ok,
            "may be bypassed (always)",
            "",
        ),
        (
            |s| s.rulesets = vec![ruleset(&["pull_request"], Bypass::Exempt)],
            Row::Rulesets,
            Ok,
            "may be bypassed (exempt)",
            "",
        ),
        (
            |s| s.rulesets = vec![ruleset(&["non_fast_forward", "deletion"], Bypass::Never)],
            Row::Rulesets,
            Ok,
            "a pin keeps its rules",
            "",
        ),
        (
            |s| {
                let off = Ruleset {
                    enforcement: Enforcement::Disabled,
                    ..ruleset(&["pull_request"], Bypass::Never)
                };
                s.rulesets = vec![off];
            },
            Row::Rulesets,
            Ok,
            "none is active",
            "",
        ),
        (|s| s.upgrade_needed = true, Row::Rulesets, Unknown, "Upgrade to GitHub", "no rulesets"),
        (
            |s| s.protected_classic = true,
            Row::Protection,
            Unknown,
            "the branch is protected",
            "use a ruleset",
        ),
        (|s| s.rate_remaining = 20, Row::Rate, NotOk, "GraphQL points are left", "wait"),
    ]
}

#[test]
fn each_fault_is_named_with_its_cure() {
    for (change, row, health, seen, cure) in faults() {
        let Some(scene) = Scene::with(|hub| app(hub, CLIENT_ID, None)) else { return };
        scene.hub.change(change);
        let found = examine(&scene);
        let finding = one(&found, row);
        assert_eq!(finding.health, health, "{finding:?}");
        assert!(finding.seen.contains(seen), "{seen}: {finding:?}");
        assert!(finding.cure.as_deref().unwrap_or_default().contains(cure), "{cure}: {finding:?}");
        assert_eq!(finding.cure.is_none(), cure.is_empty(), "{finding:?}");
        let others = found.iter().filter(|finding| finding.row != row && finding.health == Health::NotOk);
        assert_eq!(others.count(), 0, "one fault, one row: {found:#?}");
    }
}

#[test]
fn each_of_several_rulesets_is_told() {
    let Some(scene) = Scene::new() else { return };
    scene.hub.change(|settings| {
        settings.rulesets = vec![
            Ruleset {
                id: 1,
                name: "theirs".into(),
                source: Source::Organization,
                ..ruleset(&["pull_request", "update"], Bypass::Always)
            },
            Ruleset {
                id: 2,
                name: "ours".into(),
                ..ruleset(&["required_status_checks", "deletion"], Bypass::Never)
            },
            Ruleset { id: 3, name: "calm".into(), ..ruleset(&["deletion"], Bypass::Never) },
        ];
    });
    let found = examine(&scene);
    let rows: Vec<_> =
        of(&found, Row::Rulesets).into_iter().map(|finding| (finding.health, &*finding.seen)).collect();
    assert_eq!(rows.len(), 3, "{rows:?}");
    assert!(rows[0].1.contains("theirs") && rows[0].0 == Health::Ok, "{rows:?}");
    assert!(
        rows[1].1.contains("ours")
            && rows[1].1.contains("required_status_checks")
            && rows[1].0 == Health::NotOk
    );
    assert!(rows[2].1.contains("calm") && rows[2].0 == Health::Ok, "{rows:?}");
}

#[test]
fn a_key_of_another_app_is_named() {
    let wrong = |hub: &GitHub| app(hub, "Iv23liSomebodyElse00", None);
    let Some(scene) = Scene::with(wrong) else { return };
    let found = examine(&scene);
    assert!(found.iter().any(|finding| finding.health == Health::NotOk), "{found:#?}");
    assert!(matches!(found[0].row, Row::Key | Row::App), "{found:#?}");
    assert!(found[0].cure.as_deref().unwrap_or_default().contains("settings page"), "{found:#?}");
}

#[test]
fn what_cannot_be_asked_is_unknown_and_not_ok_by_silence() {
    for lost in [Lost::Close, Lost::Status(502)] {
        let Some(scene) = Scene::new() else { return };
        scene.hub.meddle(move |request| {
            let asked =
                ["/rules/", "/branches/", "/rate_limit"].iter().any(|part| request.target.contains(part));
            asked.then_some(Meddling::Before(lost))
        });
        let found = examine(&scene);
        for row in [Row::Rulesets, Row::Protection, Row::Rate] {
            assert_eq!(one(&found, row).health, Health::Unknown, "{found:#?}");
        }
    }
}

#[test]
fn of_a_plain_token_little_is_known() {
    let Some(scene) = Scene::with(|_| GitHubLogin::Token(TOKEN.to_owned().into())) else { return };
    let found = examine(&scene);
    assert_eq!(one(&found, Row::Permissions).health, Health::Unknown, "{found:#?}");
    assert!(found.iter().all(|finding| finding.health != Health::NotOk), "{found:#?}");
    let Some(scene) = Scene::with(|_| GitHubLogin::Token("ghp_nobody".to_owned().into())) else { return };
    let found = examine(&scene);
    assert_eq!((found.len(), one(&found, Row::Permissions).health), (1, Health::NotOk), "{found:#?}");
}
