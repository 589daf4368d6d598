//! What the doctor looks at: the forge, the registry, and whether a pin would start the build again.

mod workflows;

use crate::{
    args::values::Via,
    backends::Backends,
    output::{
        clean,
        v1::{Health, Row},
    },
};
use pinlib::{
    BackendErrorKind, BranchName, DigestSource, FileAt, Finding, GitForge, ImagePin, Mode, Oid, PinError,
    Registry, RepoPath,
};

fn row(check: &str, health: Health, seen: impl AsRef<str>, cure: Option<&str>) -> Row {
    Row { check: check.to_owned(), health, seen: clean::line(seen.as_ref()), cure: cure.map(clean::line) }
}

impl From<Finding> for Row {
    fn from(finding: Finding) -> Self {
        let health = match finding.health {
            pinlib::Health::Ok => Health::Ok,
            pinlib::Health::NotOk => Health::NotOk,
            pinlib::Health::Unknown => Health::Unknown,
        };
        row(&finding.row.to_string(), health, finding.seen, finding.cure.as_deref())
    }
}

/// What a pin needs of the forge. GitHub tells much of it; of any forge, head and files can be read.
pub(crate) async fn forge(
    backends: &Backends,
    via: Via,
    branch: &BranchName,
    targets: &[RepoPath],
) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(github) = backends.github.first() {
        rows.extend(github.examine_login().await.into_iter().map(Row::from));
        if rows.iter().any(|row| row.health == Health::NotOk) {
            return rows;
        }
        let rules = match via {
            Via::Commit => github.examine_branch(branch).await,
            Via::PullRequest => github.examine_proposals(branch).await,
        };
        rows.extend(rules.into_iter().map(Row::from));
    } else {
        let seen = "a repository or a git server tells nobody beforehand who may write";
        rows.push(row("permissions", Health::Unknown, seen, None));
    }
    let forge = &*backends.pinner.forge;
    match forge.head(branch).await {
        Err(error) => {
            let cure = "name the branch that pins go to: --branch, or `branch` in pinlib.yaml";
            rows.push(row("head", Health::NotOk, error.to_string(), Some(cure)));
        }
        Ok(head) => {
            rows.push(row("head", Health::Ok, format!("{branch} is at {}", head.short()), None));
            rows.extend(files(forge, head, targets).await);
            if !backends.github.is_empty() {
                rows.push(workflows::look(forge, head, branch, targets).await);
            }
        }
    }
    rows
}

/// Whether each target is there, as what a pin edits.
async fn files(forge: &dyn GitForge, head: Oid, targets: &[RepoPath]) -> Vec<Row> {
    if targets.is_empty() {
        let cure = "name images and their targets in pinlib.yaml, or by --image and --target";
        return vec![row("targets", Health::Unknown, "no file is named", Some(cure))];
    }
    let wanted: Vec<_> = targets.iter().map(|path| (head, path.clone())).collect();
    let files = match forge.read(&wanted).await {
        Ok(files) => files,
        Err(error) => return vec![row("targets", Health::Unknown, error.to_string(), None)],
    };
    let wrong = |(path, file): (&RepoPath, &Option<FileAt>)| match file.as_ref().map(|file| file.mode) {
        Some(Mode::Regular) => None,
        None => {
            let cure = "correct its path in pinlib.yaml or --target";
            Some(row("targets", Health::NotOk, format!("{path} is not there"), Some(cure)))
        }
        Some(mode) => {
            let cure = "make it a regular file (100644); an executable one by `git update-index --chmod=-x`";
            Some(row("targets", Health::NotOk, format!("{path} is {mode}"), Some(cure)))
        }
    };
    let wrong: Vec<_> = targets.iter().zip(&files).filter_map(wrong).collect();
    if !wrong.is_empty() {
        return wrong;
    }
    let count = if targets.len() == 1 { "1 file is".into() } else { format!("{} files are", targets.len()) };
    vec![row("targets", Health::Ok, format!("{count} there, and regular"), None)]
}

/// Whether each image can be read, with the registry's own credential.
pub(crate) async fn registry(registry: &dyn Registry, pins: &[ImagePin]) -> Vec<Row> {
    let mut rows = Vec::new();
    for pin in pins {
        let name = pin.image.written_name();
        if matches!(pin.digest, DigestSource::Declared(_)) {
            let seen = format!("none is asked: the digest of {name} is only declared");
            rows.push(row("registry", Health::Ok, seen, None));
            continue;
        }
        rows.push(match pinlib::resolve(registry, pin).await {
            Ok(_) => row("registry", Health::Ok, format!("{name} can be read"), None),
            Err(PinError::Backend(error)) => match error.kind() {
                BackendErrorKind::NotFound => {
                    let seen = format!("the registry answers, and has no such image yet: {}", pin.image);
                    row("registry", Health::Ok, seen, None)
                }
                BackendErrorKind::Unauthorized => row(
                    "registry",
                    Health::NotOk,
                    error.to_string(),
                    Some(
                        "`docker login`, or PINLIB_REGISTRY_USER with PINLIB_REGISTRY_PASSWORD; the App's token reads no \
                         private image of GHCR, the workflow's GITHUB_TOKEN does",
                    ),
                ),
                _ => row("registry", Health::Unknown, error.to_string(), None),
            },
            Err(error) => row("registry", Health::NotOk, error.to_string(), None),
        });
    }
    rows
}
