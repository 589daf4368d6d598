//! Whether a pin starts the build again, and that another pin, for ever: what GitHub's workflows say of a push to the
//! branch that changes the targets alone.
//!
//! Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#onpushpull_requestpull_request_targetpathspaths-ignore>.

use super::row;
use crate::output::v1::{Health, Row};
use pinlib::{BackendError, BranchName, GitForge, Oid, RepoPath};
use regex_lite::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;

const FOLDER: &str = ".github/workflows";

/// What is read of a workflow.
#[derive(Deserialize)]
struct Workflow {
    on: On,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum On {
    Event(String),
    Events(Vec<String>),
    Filtered(BTreeMap<String, Option<Trigger>>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Trigger {
    Filters(Filters),
    Other(serde::de::IgnoredAny),
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
struct Filters {
    branches: Option<Patterns>,
    branches_ignore: Option<Patterns>,
    tags: Option<Patterns>,
    tags_ignore: Option<Patterns>,
    paths: Option<Patterns>,
    paths_ignore: Option<Patterns>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Patterns {
    One(String),
    Many(Vec<String>),
}

impl Patterns {
    /// Whether the last pattern that takes the text takes it in.
    fn take(&self, text: &str) -> bool {
        let patterns = match self {
            Self::One(pattern) => std::slice::from_ref(pattern),
            Self::Many(patterns) => patterns,
        };
        patterns.iter().fold(false, |taken, pattern| {
            let (wanted, pattern) = match pattern.strip_prefix('!') {
                Some(pattern) => (false, pattern),
                None => (true, &**pattern),
            };
            // One that cannot be read may take anything.
            let passes_by = Regex::new(&regex(pattern)).is_ok_and(|regex| !regex.is_match(text));
            if passes_by { taken } else { wanted }
        })
    }
}

/// A pattern of GitHub's as a regular expression: `*` stops at a slash, `**` does not, `?` and `+` are about the character
/// before them.
fn regex(pattern: &str) -> String {
    let (mut regex, mut rest) = (String::from("^"), pattern);
    while let Some(next) = rest.chars().next() {
        let (taken, part) = match next {
            '*' if rest.starts_with("**/") => (3, "(.*/)?".to_owned()),
            '*' if rest.starts_with("**") => (2, ".*".to_owned()),
            '*' => (1, "[^/]*".to_owned()),
            '?' | '+' | '[' | ']' => (1, next.to_string()),
            '-' => (1, "-".to_owned()),
            '\\' => match rest[1..].chars().next() {
                Some(escaped) => (1 + escaped.len_utf8(), regex_lite::escape(&escaped.to_string())),
                None => (1, "\\\\".to_owned()),
            },
            _ => (next.len_utf8(), regex_lite::escape(&next.to_string())),
        };
        regex += &part;
        rest = &rest[taken..];
    }
    regex + "$"
}

impl Workflow {
    /// Whether a push of these files to this branch starts it.
    fn starts(&self, branch: &BranchName, targets: &[RepoPath]) -> bool {
        let filters = match &self.on {
            On::Event(event) => return event == "push",
            On::Events(events) => return events.iter().any(|event| event == "push"),
            On::Filtered(events) => match events.get("push") {
                None => return false,
                Some(Some(Trigger::Filters(filters))) => filters.clone(),
                Some(_) => Filters::default(),
            },
        };
        let name = branch.to_string();
        let on_branch = match (&filters.branches, &filters.branches_ignore) {
            (Some(take), _) => take.take(&name),
            (None, Some(leave)) => !leave.take(&name),
            // A filter for tags alone leaves branches out.
            (None, None) => filters.tags.is_none() && filters.tags_ignore.is_none(),
        };
        let on_paths = match (&filters.paths, &filters.paths_ignore) {
            (Some(take), _) => targets.iter().any(|path| take.take(path.as_str())),
            (None, Some(leave)) => targets.iter().any(|path| !leave.take(path.as_str())),
            (None, None) => true,
        };
        on_branch && on_paths
    }
}

/// The row `loop`.
pub(super) async fn look(forge: &dyn GitForge, head: Oid, branch: &BranchName, targets: &[RepoPath]) -> Row {
    let files = match workflows(forge, head).await {
        Ok(files) => files,
        Err(error) => return row("loop", Health::Unknown, error.to_string(), None),
    };
    let (mut pins, mut others, mut unread) = (Vec::new(), Vec::new(), Vec::new());
    for (name, text) in files {
        match serde_saphyr::from_str::<Workflow>(&text) {
            Ok(workflow) if !workflow.starts(branch, targets) => {}
            Ok(_) if text.contains("pinlib") => pins.push(name),
            Ok(_) => others.push(name),
            Err(_) => unread.push(name),
        }
    }
    if !pins.is_empty() {
        let seen = format!("a pin starts {} again, which pins", pins.join(", "));
        let cure = "leave the targets out of its trigger: on.push.paths-ignore; a marker as [skip ci] would leave required checks \
                    waiting";
        return row("loop", Health::NotOk, seen, Some(cure));
    }
    if !unread.is_empty() {
        return row("loop", Health::Unknown, format!("cannot read {}", unread.join(", ")), None);
    }
    match others.as_slice() {
        [] => row("loop", Health::Ok, "a pin starts no workflow", None),
        _ => row("loop", Health::Ok, format!("a pin starts {}, none of which pins", others.join(", ")), None),
    }
}

/// Every workflow of a commit.
async fn workflows(forge: &dyn GitForge, head: Oid) -> Result<Vec<(String, String)>, BackendError> {
    let mut at = head;
    for folder in FOLDER.split('/') {
        let entries = forge.trees(&[at]).await?.pop().unwrap_or_default();
        match entries.iter().find(|entry| entry.name == folder.as_bytes()) {
            Some(entry) => at = entry.oid,
            None => return Ok(Vec::new()),
        }
    }
    let entries = forge.trees(&[at]).await?.pop().unwrap_or_default();
    let names = entries.iter().filter_map(|entry| std::str::from_utf8(&entry.name).ok());
    let names: Vec<_> =
        names.filter(|name| matches!(name.rsplit_once('.'), Some((_, "yml" | "yaml")))).collect();
    let wanted: Vec<(_, RepoPath)> =
        names.iter().filter_map(|name| Some((head, format!("{FOLDER}/{name}").parse().ok()?))).collect();
    let files = forge.read(&wanted).await?;
    let text = |file: pinlib::FileAt| {
        let name = file.path.as_str().rsplit('/').next().unwrap_or_default().to_owned();
        (name, String::from_utf8_lossy(&file.bytes).into_owned())
    };
    Ok(files.into_iter().flatten().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::Workflow;

    fn starts(on: &str) -> bool {
        let workflow: Workflow = serde_saphyr::from_str(on).unwrap_or_else(|error| panic!("{on}: {error}"));
        let (branch, target) = ("main".parse(), "env/prod/app.yaml".parse());
        workflow
            .starts(&branch.unwrap_or_else(|_| unreachable!()), &[target.unwrap_or_else(|_| unreachable!())])
    }

    #[test]
    fn a_push_starts_what_its_filters_let_through() {
        for on in [
            "on: push",
            "on: [pull_request, push]",
            "on:\n  push:\n",
            "on:\n  push:\n    branches: [main]\n",
            "on:\n  push:\n    branches: ['**', '!release/**']\n",
            "on:\n  push:\n    branches-ignore: [dev]\n",
            "on:\n  push:\n    paths: ['env/**']\n",
            "on:\n  push:\n    paths-ignore: ['docs/**', 'env/*.yaml']\n",
            "on:\n  push:\n    paths: ['**.yaml']\n",
            "on:\n  push:\n    paths: ['**/prod/**']\n",
            "on:\n  push:\n    paths: ['**/env/**']\n",
            "on:\n  push:\n    paths: ['env/[a-z]+/app.y?aml']\n",
        ] {
            assert!(starts(on), "{on}");
        }
        for on in [
            "on: pull_request",
            "on: [workflow_dispatch]",
            "on:\n  push:\n    branches: [dev, 'release/*']\n",
            "on:\n  push:\n    branches: ['**', '!main']\n",
            "on:\n  push:\n    tags: ['v*']\n",
            "on:\n  push:\n    paths: ['src/**']\n",
            "on:\n  push:\n    paths: ['**', '!env/**']\n",
            "on:\n  push:\n    paths-ignore: ['env/**']\n",
            "on:\n  push:\n    paths-ignore: env/prod/app.yaml\n",
            "on:\n  schedule:\n    - cron: '0 0 * * *'\n",
        ] {
            assert!(!starts(on), "{on}");
        }
    }
}
