//! `--via pull-request`: what is told of it, and where it is not to be had.

use super::{
    github::Hub,
    scene::{Result, Scene, main_branch},
};
use pinlib::BranchName;
use std::fs;

const VIA: &str = "--via=pull-request";

/// The shop on GitHub, `main` protected, and an App that may open pull requests.
fn open() -> Result<Option<Hub>> {
    let Some(hub) = Hub::open()? else { return Ok(None) };
    hub.hub.change(|settings| {
        settings.permissions.insert("pull_requests".into(), "write".into());
        (settings.protected_classic, settings.pull_request_required) = (true, true);
    });
    Ok(Some(hub))
}

#[test]
fn a_proposal_is_told_by_its_page_and_ends_well() -> Result {
    let Some(hub) = open()? else { return Ok(()) };
    assert_eq!(hub.pin(&[], &[])?.code, Some(5), "a commit is refused");
    let run = hub.pin(&[VIA], &[])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.err.contains("Proposed  #12 https://github.com/acme/deploy/pull/12  "), "{run:?}");
    let pulls = hub.hub.pulls()?;
    assert_eq!((pulls.len(), run.out.trim()), (1, &*pulls[0].head));
    hub.scene.untouched()?;

    let json = hub.pin(&[VIA, "--json"], &[])?.json();
    assert_eq!(
        (&json["outcome"], &json["exit_code"], &json["changed"]),
        (&"proposed".into(), &0.into(), &false.into())
    );
    assert_eq!(
        (&json["commit"], &json["warnings"]),
        (&pulls[0].head.as_str().into(), &serde_json::json!([]))
    );
    assert_eq!(
        json["pull_request"],
        serde_json::json!({
            "number": 12, "url": "https://github.com/acme/deploy/pull/12", "state": "open", "branch": pulls[0].branch,
            "auto_merge": null,
        })
    );
    assert!(json["diff"].as_str().is_some_and(|diff| diff.starts_with("--- a/")), "{json}");
    Ok(())
}

#[test]
fn pinlib_yaml_says_it_as_well() -> Result {
    let Some(hub) = open()? else { return Ok(()) };
    hub.scene.write("pinlib.yaml", "via: pull-request\nauto_merge: true\n")?;
    let run = hub.pin(&[], &[])?;
    assert!(run.code == Some(0) && run.err.contains("pull/12, to be merged by merge"), "{run:?}");
    assert_eq!(hub.hub.pulls()?[0].auto_merge.as_deref(), Some("MERGE"));
    Ok(())
}

#[test]
fn a_merge_that_the_repository_does_not_allow_is_a_warning() -> Result {
    let Some(hub) = open()? else { return Ok(()) };
    hub.hub.change(|settings| settings.auto_merge_allowed = false);
    let run = hub.pin(&[VIA, "--auto-merge"], &[])?;
    let says = "warning: #12 is open, and will not be merged by itself: ";
    assert!(run.code == Some(0) && run.err.contains(says), "{run:?}");
    let json = hub.pin(&[VIA, "--auto-merge", "--json"], &[])?.json();
    assert!(json["warnings"][0].as_str().is_some_and(|text| text.contains("no auto-merge")), "{json}");
    Ok(())
}

#[test]
fn the_runner_is_told_the_page_and_the_warning() -> Result {
    let Some(hub) = open()? else { return Ok(()) };
    hub.hub.change(|settings| settings.auto_merge_allowed = false);
    let (output, summary) = (hub.scene.write("output", "")?, hub.scene.write("summary", "")?);
    let actions = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", output.to_str().unwrap_or_default()),
        ("GITHUB_STEP_SUMMARY", summary.to_str().unwrap_or_default()),
    ];
    let run = hub.pin(&[VIA, "--auto-merge"], &actions)?;
    assert!(run.code == Some(0) && run.err.contains("::warning title=Pull request::#12 is open"), "{run:?}");
    let (output, summary) = (fs::read_to_string(output)?, fs::read_to_string(summary)?);
    for told in
        ["\nproposed\n", "pull-request-url<<", "\nhttps://github.com/acme/deploy/pull/12\n", "\nfalse\n"]
    {
        assert!(output.contains(told), "{told}: {output}");
    }
    assert!(summary.contains("pinlib pin: Proposed") && summary.contains("pull/12"), "{summary}");
    Ok(())
}

#[test]
fn what_the_branch_holds_by_now_is_closed() -> Result {
    let Some(hub) = open()? else { return Ok(()) };
    hub.pin(&[VIA], &[])?;
    let pull = hub.hub.pulls()?.remove(0);
    let at = pull.head.parse()?;
    let file = |path: &str| {
        Ok::<_, Box<dyn std::error::Error>>(String::from_utf8(hub.scene.repository.file(at, path)?)?)
    };
    let files = [file("deploy/kustomization.yaml")?, file("deploy/rollout.yaml")?];
    let files = [("deploy/kustomization.yaml", &*files[0]), ("deploy/rollout.yaml", &*files[1])];
    hub.scene.repository.push(&main_branch(), &files, "by hand")?;
    let run = hub.pin(&[VIA], &[])?;
    assert!(run.code == Some(0) && run.err.contains("Closed    #12 https://"), "{run:?}");
    assert_eq!(hub.hub.pulls()?[0].state, "CLOSED");
    Ok(())
}

#[test]
fn a_commit_of_somebody_else_s_has_its_code_and_the_next_step() -> Result {
    let Some(hub) = open()? else { return Ok(()) };
    hub.pin(&[VIA], &[])?;
    let branch: BranchName = hub.hub.pulls()?[0].branch.parse()?;
    hub.scene.repository.push(&branch, &[("notes", "mine\n")], "a note")?;
    let run = hub.pin(&[VIA], &[])?;
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.error().contains("there is somebody else's; nothing was written"), "{run:?}");
    assert!(run.err.contains(&format!("hint: merge or close the pull request from {branch}")), "{run:?}");
    Ok(())
}

#[test]
fn other_forges_open_no_pull_request() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let run = scene.pin(&[VIA])?;
    assert_eq!(run.code, Some(2), "{run:?}");
    assert!(run.error().starts_with("a pull request is not supported on "), "{run:?}");
    assert!(run.err.contains("hint: --via pull-request wants --forge github:OWNER/NAME"), "{run:?}");
    let run = scene.pin(&[VIA, "--wait"])?;
    assert!(run.code == Some(2) && run.error().contains("does not wait"), "{run:?}");
    scene.untouched()
}

/// The rules of the branch are for the merge; those of pinlib's own branches, and one permission more, are what counts.
#[test]
fn the_doctor_looks_at_what_a_pull_request_needs() -> Result {
    use pinlib_testkit::servers::github::Ruleset;
    let Some(hub) = open()? else { return Ok(()) };
    let rows = |words: &[&str]| hub.request("doctor", words, &[]);
    let run = rows(&[VIA])?;
    assert_eq!(run.code, Some(0), "{run:?}");
    assert!(run.out.contains("pull_requests:write"), "{run:?}");
    hub.hub.change(|settings| {
        settings.rulesets = vec![Ruleset { rules: vec!["non_fast_forward".into()], ..Ruleset::default() }];
    });
    let run = rows(&[VIA])?;
    assert!(run.code == Some(5) && run.out.contains("rulesets      not ok"), "{run:?}");
    hub.hub.change(|settings| drop(settings.permissions.remove("pull_requests")));
    let run = rows(&[VIA])?;
    assert!(run.code == Some(5) && run.out.contains("missing: pull_requests:write"), "{run:?}");
    Ok(())
}
