//! What the doctor looks at: the forge, the registry, and whether a pin would start the build again.

mod workflows;

use crate::{
    backends::Backends,
    output::{
        clean,
        v1::{Health, Row},
    },
};
use pinlib::{BackendErrorKind, BranchName, Finding, ImagePin, NoRegistry, PinError, Registry, RepoPath};

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

/// What a pin needs of the forge. GitHub tells much of it; of another, head and files can be read.
pub(crate) async fn forge(backends: &Backends, branch: &BranchName, targets: &[RepoPath]) -> Vec<Row> {
    let forge = &*backends.pinner.forge;
    let mut rows: Vec<Row> = match &backends.github {
        Some(github) => github.examine(branch, targets).await.into_iter().map(Row::from).collect(),
        None => other_forge(forge, branch, targets).await,
    };
    let readable = rows.iter().any(|row| row.check == "head" && row.health == Health::Ok);
    if backends.github.is_some() && readable {
        rows.push(workflows::look(forge, branch, targets).await);
    }
    rows
}

async fn other_forge(forge: &dyn pinlib::GitForge, branch: &BranchName, targets: &[RepoPath]) -> Vec<Row> {
    let head = match forge.head(branch).await {
        Ok(head) => head,
        Err(error) => return vec![row("head", Health::NotOk, error.to_string(), None)],
    };
    let mut rows = vec![row("head", Health::Ok, format!("{branch} is at {}", head.short()), None)];
    let wanted: Vec<_> = targets.iter().map(|path| (head, path.clone())).collect();
    match forge.read(&wanted).await {
        Err(error) => rows.push(row("targets", Health::Unknown, error.to_string(), None)),
        Ok(files) => {
            let wrong = targets.iter().zip(&files).filter_map(|(path, file)| match file {
                None => Some(format!("{path} is not there")),
                Some(file) if file.mode != pinlib::Mode::Regular => Some(format!("{path} is {}", file.mode)),
                Some(_) => None,
            });
            rows.extend(
                wrong.map(|seen| {
                    row("targets", Health::NotOk, seen, Some("a pin edits regular files (100644)"))
                }),
            );
            if rows.iter().all(|row| row.check != "targets") {
                rows.push(row("targets", Health::Ok, format!("{} there, and regular", targets.len()), None));
            }
        }
    }
    rows.push(row("permissions", Health::Unknown, "a git server tells nobody beforehand who may push", None));
    rows
}

/// Whether each image can be read, with the registry's own credential.
pub(crate) async fn registry(registry: &dyn Registry, pins: &[ImagePin]) -> Vec<Row> {
    if pins.is_empty() {
        return Vec::new();
    }
    if registry.to_string() == NoRegistry.to_string() {
        return vec![row("registry", Health::Ok, "none is asked: digests are only declared", None)];
    }
    let mut rows = Vec::new();
    for pin in pins {
        let name = pin.image.written_name();
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
