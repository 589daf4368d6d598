//! Many services of one repository, built from one commit and pinned at once: all land, and none is overwritten.

use crate::real::{bare, code, commits, json, main_branch, pinlib, said};
use pinlib::{Digest, Oid};
use pinlib_testkit::{repository::Repository, servers::git::GitServer};
use serde_json::Value;
use std::{
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
    time::Instant,
};
use tempfile::TempDir;

const SERVICES: usize = 50;

fn image(n: usize) -> String {
    format!("ghcr.io/acme/s{n}")
}

fn file(n: usize) -> String {
    format!("services/s{n}/pod.yaml")
}

fn digest(n: usize) -> Digest {
    Digest::of(image(n).as_bytes())
}

/// One file a service, and a `pinlib.yaml` in a home that lists them all, by which each pin knows those of the others.
fn monorepo(repository: &Repository, home: &Path, url: &str) -> Oid {
    let pod = |n| format!("kind: Pod\nspec:\n  containers:\n    - name: web\n      image: {}:1\n", image(n));
    let files: Vec<_> = (0..SERVICES).map(|n| (file(n), pod(n))).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (&**path, &**text)).collect();
    let image = |n| format!("  - name: {}\n    targets: [workload: {}]\n", image(n), file(n));
    let images: String = (0..SERVICES).map(image).collect();
    let settings = "registry: none\nbranch: main\npolicy: pins-only\nwait: 5m\n";
    let config = format!("forge: {url}\n{settings}images:\n{images}");
    std::fs::write(home.join("pinlib.yaml"), config).expect("written");
    repository.push(&main_branch(), &files, "all services").expect("a commit")
}

fn pin(home: &Path, source: Oid, n: usize) -> Command {
    let (image, source) = (format!("{}@{}", image(n), digest(n)), source.to_string());
    let mut command = pinlib(home, &["pin", "--json", "--image", &image, "--source-commit", &source]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a number of each receipt comes to: in all, and at most.
fn sum_and_most(ends: &[Output], number: impl Fn(&Value) -> &Value) -> (u64, u64) {
    let all: Vec<_> = ends.iter().map(|end| number(&json(end)).as_u64().expect("a number")).collect();
    (all.iter().sum(), all.into_iter().max().unwrap_or_default())
}

/// Each commit of the line holds its own service's change, and nothing else.
fn each_is_its_own(repository: &Repository, source: Oid) {
    let range = format!("{source}..main");
    let log = ["log", "--format=%H %P", "--numstat", "--no-renames", &range];
    let log = repository.git(&log).expect("a log");
    let (mut next, mut changed) = (None, Vec::new());
    for line in log.lines().filter(|line| !line.is_empty()) {
        match line.split_once('\t') {
            // One line of one file went, and one came.
            Some(("1", rest)) => changed.push(rest.strip_prefix("1\t").expect("one line").to_owned()),
            Some(other) => panic!("{other:?}"),
            None => {
                let [commit, parent] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
                assert!(next.is_none_or(|next| next == commit), "one line");
                next = Some(parent);
            }
        }
    }
    assert_eq!(next, Some(&*source.to_string()));
    changed.sort();
    let mut all: Vec<_> = (0..SERVICES).map(file).collect();
    all.sort();
    assert_eq!(changed, all, "each commit one file, and each file once");
    let head = repository.head(&main_branch()).expect("a head").expect("a branch");
    for n in 0..SERVICES {
        let text = String::from_utf8(repository.file(head, &file(n)).expect("a file")).expect("text");
        assert!(text.contains(&format!("image: {}@{}\n", image(n), digest(n))), "{text}");
    }
}

#[test]
fn fifty_services_at_once_all_land() {
    let home = TempDir::new().expect("a home");
    let Some(repository) = bare() else { return };
    let Some(server) = GitServer::start(repository.root(), None).expect("a server") else { return };
    let source = monorepo(&repository, home.path(), &server.url("repository.git"));
    let start = Instant::now();
    let runs: Vec<_> =
        (0..SERVICES).map(|n| pin(home.path(), source, n).spawn().expect("it starts")).collect();
    let ends: Vec<_> = runs.into_iter().map(|run| run.wait_with_output().expect("it ends")).collect();
    let took = start.elapsed();
    for end in &ends {
        assert_eq!((code(end), &json(end)["outcome"]), (0, &Value::from("pinned")), "{}", said(end));
    }
    assert_eq!(commits(&repository, source), SERVICES.to_string());
    each_is_its_own(&repository, source);
    // What lost a race has left its objects behind, and nothing else.
    assert_eq!(repository.git(&["fsck", "--strict", "--no-dangling"]).expect("a sound repository"), "");
    // The last of them has judged all others: each is a pin.
    let judged = ends.iter().map(|end| json(end)["basis"]["passed"].as_array().map_or(0, Vec::len)).max();
    assert_eq!(judged, Some(SERVICES - 1));
    let (tries, most_tries) = sum_and_most(&ends, |receipt| &receipt["decisions"]);
    let (requests, most_requests) = sum_and_most(&ends, |receipt| &receipt["traffic"]["requests"]);
    writeln!(
        std::io::stderr(),
        "{SERVICES} pins in {:.0} s: {tries} tries (at most {most_tries} of one pin), {requests} requests (at most {most_requests})",
        took.as_secs_f64()
    )
    .ok();
}
