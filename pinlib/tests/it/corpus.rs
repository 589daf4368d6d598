//! Every real manifest beside the project: each site pinned, and the result held against another parser.

use crate::edit::{Splice, corpus, digest, file, missing, pin_sites};
use pinlib::{EditErrorKind, HelmValues, Kustomization, ManifestEditor, PathEditor, Workload};
use serde_json::json;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Reads cases, a line each; splices by itself; says what `PyYAML` sees differ: a JSON list a line, of old and new leaves.
const PYYAML: &str = r#"
import json, sys, functools, yaml
Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

def docs(data):
    return list(yaml.load_all(data, Loader=Loader))

@functools.lru_cache(maxsize=4)
def of_file(path):
    data = open(path, "rb").read()
    try:
        return data, docs(data)
    except (yaml.YAMLError, ValueError, RecursionError):
        return data, None

def differences(old, new, out):
    if type(old) is not type(new):
        out.append([old, new])
    elif isinstance(old, dict):
        for key in {**old, **new}:
            if key not in old or key not in new:
                out.append([old.get(key), new.get(key), key])
            else:
                differences(old[key], new[key], out)
    elif isinstance(old, list) and len(old) == len(new):
        for pair in zip(old, new):
            differences(*pair, out)
    elif old != new:
        out.append([old, new])

for line in sys.stdin:
    case = json.loads(line)
    data, before = of_file(case["file"])
    for start, end, text in reversed(case["splices"]):
        data = data[:start] + text.encode() + data[end:]
    out = []
    try:
        if before is None:
            out = "unread before"
        else:
            differences(before, docs(data), out)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        out = "unread after: " + str(error)
    print(json.dumps(out, default=str))
"#;

fn manifests(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            manifests(&path, found);
        } else if name == "Kustomization" || [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
        {
            found.push(path);
        }
    }
}

/// A pin of some sites of one file, and the scalars that shall stand there after.
struct Case {
    name: String,
    file: PathBuf,
    splices: Vec<Splice>,
}

#[derive(Debug, Default)]
struct Count {
    files: usize,
    sites: usize,
    refusals: BTreeMap<String, Vec<String>>,
}

/// Pins each site by itself, then all together.
fn cases(editor: &dyn ManifestEditor, root: &Path, path: &Path, count: &mut Count, cases: &mut Vec<Case>) {
    let name = path.strip_prefix(root).expect("inside").to_str().expect("text").to_owned();
    let before = file(&name, fs::read(path).expect("a file"));
    let sites = match editor.sites(&before) {
        Ok(sites) => sites,
        Err(error) => {
            assert_ne!(error.kind, EditErrorKind::Unverified);
            if error.kind == EditErrorKind::Refused {
                let reason = format!("expected {}, found {}", error.expected, error.found);
                count
                    .refusals
                    .entry(reason)
                    .or_default()
                    .push(format!("{name}:{}:{}", error.line, error.column));
            }
            return;
        }
    };
    assert!(!sites.is_empty(), "{name}");
    count.files += 1;
    count.sites += sites.len();
    let choices = sites.chunks(1).chain((sites.len() > 1).then_some(&sites[..]));
    for chosen in choices {
        let (after, splices) = pin_sites(editor, &before, chosen).unwrap_or_else(|error| panic!("{error}"));
        // Once more is no change.
        let again = editor
            .sites(&after)
            .expect("sites")
            .into_iter()
            .zip(&sites)
            .filter(|(_, old)| chosen.contains(old));
        for (site, _) in again.filter(|(site, _)| site.image.digest() == Some(digest())) {
            assert_eq!(
                editor.pinned(&after, &site, digest()).expect("text").as_bytes(),
                &after.bytes[site.span]
            );
        }
        let name = format!("{name} {} {}", chosen[0].locator, chosen.len());
        cases.push(Case { name, file: path.to_owned(), splices });
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are the point")]
fn every_site_of_the_corpus_is_edited_alone() {
    let Some(root) = corpus() else { return missing("the corpus of manifests") };
    let yaml = Command::new("python3").args(["-c", "import yaml"]).status();
    if !yaml.is_ok_and(|status| status.success()) {
        return missing("python3 with PyYAML");
    }
    let mut files = Vec::new();
    manifests(&root, &mut files);
    let editors: [&dyn ManifestEditor; 4] = [
        &Kustomization::default(),
        &Workload::default(),
        &HelmValues::default(),
        &PathEditor { at: "/spec/template/spec/containers/0/image".parse().expect("a path"), keep_tag: true },
    ];
    let mut all = Vec::new();
    for editor in editors {
        let mut count = Count::default();
        for path in &files {
            cases(editor, &root, path, &mut count, &mut all);
        }
        println!("{editor}: {} sites in {} of {} files", count.sites, count.files, files.len());
        for (reason, places) in &count.refusals {
            println!("    refused {}: {reason}: {}", places.len(), places.join(" "));
        }
        assert!(count.sites > 0, "{editor}");
    }
    let unread = compare(&all);
    println!("{} edits, none wrong; {unread} in files that PyYAML does not read", all.len());
}

/// Has `PyYAML` look at each edit: nothing may differ but the sites, and each holds the digest. How many it cannot read.
fn compare(cases: &[Case]) -> usize {
    let lines: String = cases
        .iter()
        .map(|case| {
            let splices: Vec<_> =
                case.splices.iter().map(|(span, text)| json!([span.start, span.end, text])).collect();
            json!({ "file": case.file, "splices": splices }).to_string() + "\n"
        })
        .collect();
    let input = tempfile::NamedTempFile::new().expect("a file");
    fs::write(input.path(), lines).expect("written");
    let mut python = Command::new("python3");
    python.args(["-c", PYYAML]).stdin(input.reopen().expect("open")).stderr(Stdio::inherit());
    let output = python.output().expect("python3 runs");
    assert!(output.status.success());
    let answers: Vec<_> =
        output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    assert_eq!(answers.len(), cases.len());
    let mut unread = 0;
    for (case, answer) in cases.iter().zip(answers) {
        let answer: serde_json::Value = serde_json::from_slice(answer).expect("JSON");
        if answer == "unread before" {
            unread += 1;
            continue;
        }
        let differing = answer.as_array().unwrap_or_else(|| panic!("{}: {answer}", case.name));
        assert_eq!(differing.len(), case.splices.len(), "{}: {answer}", case.name);
        for (leaf, (_, text)) in differing.iter().zip(&case.splices) {
            let new = leaf[1].as_str().unwrap_or_else(|| panic!("{}: {answer}", case.name));
            let written = text.trim_end_matches(['\'', '"']);
            assert!(
                new.ends_with(&digest().to_string()) && written.ends_with(new),
                "{}: {answer}",
                case.name
            );
            // What was brought in is a digest, and what was replaced named an image or a digest.
            assert!(leaf.get(2).is_none_or(|key| key == "digest"), "{}: {answer}", case.name);
        }
    }
    unread
}
