//! The same by an API server.

use super::{other, pod, shop, well};
use crate::scene::{Result, Run};
use pinlib_testkit::servers::kubernetes::{
    ApiServer,
    objects::{PodObject, application, rollout},
};
use std::{collections::BTreeSet, fs, path::Path, process::Stdio};

#[test]
fn an_api_server_is_asked_for_the_context_s_namespace() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let head = scene.head()?.to_string();
    let app = application("argocd", "shop", &head, &[&scene.reported()]);
    let elsewhere = PodObject::new("tea", "web-9").container("web", &scene.reported(), &other(&scene)).json();
    let objects = [&well(&scene)[..], &[rollout("shop", "web", ["7d9f", "7d9f"]), app, elsewhere]].concat();
    let server = ApiServer::start(objects)?;
    scene.write("kubeconfig", &server.kubeconfig())?;
    let asked = |more: &[&str]| {
        let words = [&["verify", "--json"], more].concat();
        scene.run_with(&[("KUBECONFIG", &scene.folder().join("kubeconfig").display().to_string())], &words)
    };
    let report = asked(&["--application", "shop"])?.json();
    assert_eq!(
        (&report["outcome"], &report["namespaces"]),
        (&"answered".into(), &serde_json::json!(["shop"])),
        "{report}"
    );
    assert_eq!(
        (&report["application"]["verdict"], &report["application"]["health"]),
        (&"match".into(), &"Healthy".into())
    );
    assert_eq!(report["traffic"]["requests"], 3, "an application, pods, rollouts: {report}");
    assert_eq!(asked(&["-A"])?.code, Some(6));

    let nowhere = scene.run(&["verify", "--kubeconfig", "none"])?;
    assert_eq!(nowhere.code, Some(7), "{nowhere:?}");
    assert!(
        nowhere.error().starts_with("cannot find a cluster: failed to read kubeconfig from"),
        "{nowhere:?}"
    );

    server.forbid("rollouts");
    let run = scene.run(&["verify", "--kubeconfig", "kubeconfig", "-n", "shop"])?;
    assert_eq!(run.code, Some(8), "{run:?}");
    assert!(
        run.error().starts_with("cannot list rollouts in the namespace shop: rollouts is forbidden: User "),
        "{run:?}"
    );
    let hint = "hint: let the role list rollouts in the namespace shop: docs/reference/verify-rbac.yaml has all that it needs";
    assert!(run.err.lines().any(|line| line == hint), "{run:?}");
    Ok(())
}

/// The manifest in the book grants what is asked, and nothing that is not.
#[test]
fn the_role_in_the_book_is_the_least_that_does() -> Result {
    use serde::Deserialize;
    #[derive(Deserialize)]
    struct Role {
        kind: String,
        #[serde(default)]
        rules: Vec<Rule>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Rule {
        api_groups: Vec<String>,
        resources: Vec<String>,
        verbs: Vec<String>,
    }
    let Some(scene) = shop()? else { return Ok(()) };
    let in_two = ["a", "b"].map(|hash| {
        let pod = PodObject::new("shop", &format!("api-{hash}")).of_deployment("api", hash);
        pod.container("api", "registry.test/shop/api:2.0", "").json()
    });
    let app = application("argocd", "shop", &scene.head()?.to_string(), &[]);
    let server = ApiServer::start([&well(&scene)[..], &in_two, &[app]].concat())?;
    scene.write("kubeconfig", &server.kubeconfig())?;
    scene.run(&["verify", "--kubeconfig", "kubeconfig", "--application", "shop"])?;
    let asked = server.asked();
    let asked: BTreeSet<_> = asked
        .iter()
        .filter_map(|target| {
            let parts: Vec<_> = target.split('?').next()?.trim_start_matches('/').split('/').collect();
            Some(match parts[..] {
                ["api", _, "namespaces", _, resource] => format!("list {resource} of "),
                ["apis", group, _, "namespaces", _, resource] => format!("list {resource} of {group}"),
                ["apis", group, _, "namespaces", _, resource, _] => format!("get {resource} of {group}"),
                _ => target.clone(),
            })
        })
        .collect();
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference/verify-rbac.yaml");
    let roles: Vec<Role> = serde_saphyr::from_multiple(&fs::read_to_string(book)?)?;
    let mut granted = BTreeSet::new();
    for Rule { api_groups, resources, verbs } in
        roles.into_iter().filter(|role| role.kind == "Role").flat_map(|role| role.rules)
    {
        for verb in &verbs {
            granted.extend(
                resources.iter().map(|resource| format!("{verb} {resource} of {}", api_groups.join(" "))),
            );
        }
    }
    assert_eq!(asked, granted);
    Ok(())
}

#[test]
fn a_rollout_is_followed_and_each_change_is_a_line() -> Result {
    let Some(scene) = shop()? else { return Ok(()) };
    let old = vec![pod(&scene, "web-0", &other(&scene)).json(), rollout("shop", "web", ["7d9f", "7d9f"])];
    let server = ApiServer::start(old)?;
    scene.write("kubeconfig", &server.kubeconfig())?;
    let words = ["verify", "--kubeconfig", "kubeconfig", "--wait", "10m"];
    let mut command = scene.command(&words);
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    // The first look is over once the server was asked for Rollouts.
    while server.asked().len() < 2 && child.try_wait()?.is_none() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    server.set(well(&scene));
    let run = Run::from(child.wait_with_output()?);
    assert_eq!(run.code, Some(0), "{run:?}");
    let lines: Vec<_> = run.err.lines().filter(|line| line.starts_with("Runs ")).collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    assert!(lines[0].ends_with("1 mismatch") && lines[1].ends_with("2 match"), "{run:?}");

    server.set(Vec::new());
    let run = scene.run(&["verify", "--kubeconfig", "kubeconfig", "--wait", "2s"])?;
    assert_eq!(run.code, Some(9), "{run:?}");
    assert_eq!(
        run.error(),
        format!("cannot see all of it run what {} says: it does not, after 2s", scene.head()?.short())
    );
    assert!(run.out.contains("  not-running"), "{run:?}");
    Ok(())
}
