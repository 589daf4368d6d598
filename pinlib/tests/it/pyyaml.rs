//! The other parser: what `PyYAML` sees differ between a file and the file with its splices.

use crate::edit::{Splice, digest, missing};
use serde_json::json;
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
};

/// Reads cases, a line each; splices by itself; says what `PyYAML` sees differ: a JSON list a line, of old and new leaves.
const PYYAML: &str = r#"
import json, sys, functools, yaml
from yaml import MappingNode, ScalarNode
Loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
errors = (yaml.YAMLError, ValueError, RecursionError)

def docs(data):
    return list(yaml.compose_all(data, Loader=Loader))

@functools.lru_cache(maxsize=4)
def of_file(path):
    data = open(path, "rb").read()
    try:
        return data, docs(data)
    except errors:
        return data, None

def value(node):
    if isinstance(node, MappingNode):
        return {str(value(key)): value(one) for key, one in node.value}
    return node.value if isinstance(node, ScalarNode) else [value(one) for one in node.value]

def differences(old, new, out):
    if type(old) is not type(new):
        out.append([old and value(old), new and value(new)])
    elif old is None:
        pass
    elif isinstance(old, ScalarNode):
        if (old.value, old.style, old.tag) != (new.value, new.style, new.tag):
            out.append([old.value, new.value if old.style == new.style else "in other quotes"])
    elif len(old.value) > len(new.value):
        out.append(["gone", None])
    elif isinstance(old, MappingNode):
        for (old_key, old_value), (new_key, new_value) in zip(old.value, new.value):
            differences(old_key, new_key, out)
            differences(old_value, new_value, out)
        out.extend([None, value(one), key.value] for key, one in new.value[len(old.value):])
    else:
        for pair in zip(old.value, new.value):
            differences(*pair, out)
        out.extend([None, value(one), "item"] for one in new.value[len(old.value):])

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
            after = docs(data)
            if len(before) != len(after):
                out.append(["documents", None])
            for pair in zip(before, after):
                differences(*pair, out)
    except errors as error:
        out = "unread after: " + str(error)
    print(json.dumps(out, default=str))
"#;

/// A pin of some sites of one file, and the scalars that shall stand there after.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) file: PathBuf,
    pub(crate) splices: Vec<Splice>,
}

/// Whether it is here; where it is not, that is said.
pub(crate) fn is_here() -> bool {
    let yaml = Command::new("python3").args(["-c", "import yaml"]).status();
    let here = yaml.is_ok_and(|status| status.success());
    if !here {
        missing("python3 with PyYAML");
    }
    here
}

/// Has `PyYAML` look at each edit: nothing may differ but the sites, and each holds the digest. How many it cannot read.
pub(crate) fn compare(cases: &[Case]) -> usize {
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
            // An entry that was brought in comes as a whole, and a list for it too.
            let entry = leaf[1].get(0).unwrap_or(&leaf[1]);
            let new = entry.get("digest").unwrap_or(entry).as_str();
            let new = new.unwrap_or_else(|| panic!("{}: {answer}", case.name));
            let written = text.trim_end_matches(['\'', '"']);
            assert!(
                new.ends_with(&digest().to_string()) && written.ends_with(new),
                "{}: {answer}",
                case.name
            );
            let added = leaf.get(2).and_then(serde_json::Value::as_str).unwrap_or("digest");
            assert!(["digest", "images", "item"].contains(&added), "{}: {answer}", case.name);
        }
    }
    unread
}
