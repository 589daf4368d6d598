//! Why a command did not do what it was asked, and the next step of whoever reads that.

use crate::exit::Ending;
use pinlib::{
    BackendError, BackendErrorKind, EditErrorKind, Forbidden, Mismatch, Movement, OutcomeKind, PinError,
    Said, Superseder,
};
use std::{error::Error as _, fmt, io, path::Path};

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failure {
    /// What was asked for cannot be meant.
    Usage { message: String, hint: Option<String> },
    /// What the library met.
    Pin(PinError),
    /// pinlib itself failed.
    Defect(anyhow::Error),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }
    #[must_use]
    pub(crate) fn with_hint(self, hint: impl Into<String>) -> Self {
        match self {
            Self::Usage { message, .. } => Self::Usage { message, hint: Some(hint.into()) },
            other => other,
        }
    }
    /// A file of the user's that cannot be read.
    pub(crate) fn unreadable(path: &Path, error: &io::Error) -> Self {
        Self::of_file("read", "file", path, error)
    }
    /// A file that cannot be written.
    pub(crate) fn unwritable(path: &Path, error: &io::Error) -> Self {
        Self::of_file("write", "folder", path, error)
    }
    fn of_file(act: &str, missing: &str, path: &Path, error: &io::Error) -> Self {
        let (kind, reason) = match error.kind() {
            io::ErrorKind::NotFound => (BackendErrorKind::NotFound, format!("there is no such {missing}")),
            io::ErrorKind::PermissionDenied => (BackendErrorKind::Unauthorized, error.to_string()),
            _ => (BackendErrorKind::Unavailable, error.to_string()),
        };
        BackendError::new(kind, format!("{act} {}", path.display())).because(reason).into()
    }

    pub(crate) fn ending(&self) -> Ending {
        match self {
            Self::Usage { .. } => Ending::Pin(OutcomeKind::Invalid),
            Self::Pin(error) => Ending::Pin(error.kind()),
            Self::Defect(_) => Ending::Defect,
        }
    }

    /// The next step, where there is one: what to type, or where to look.
    pub(crate) fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Usage { hint, .. } => return hint.clone(),
            Self::Defect(_) => "this is a defect of pinlib: please report it with the output of -vv",
            Self::Pin(error) => match error {
                PinError::HeadMoved { how: Movement::Raced { times: 2.. }, .. } => {
                    "--wait decides again until it lands, within a time and a number of --tries; pins of one build can share a \
                     commit"
                }
                PinError::HeadMoved { actual: Some(now), how: Movement::Raced { .. }, .. } => {
                    return Some(format!(
                        "the build of {} pins its own image. If the branch moves more often than a build takes, see \
                         --policy pins-only",
                        now.short()
                    ));
                }
                PinError::HeadMoved { how: Movement::Rewound | Movement::Diverged, .. } => {
                    "the source commit is not in the branch: was it force-pushed, or is --branch another one?"
                }
                PinError::HeadMoved { how: Movement::Taken { .. }, branch, .. } => {
                    return Some(format!(
                        "merge or close the pull request from {branch} and delete that branch: the next pin opens one of its own"
                    ));
                }
                PinError::HeadMoved { how: Movement::ByHand { .. }, .. } => {
                    "what people wrote by hand stays; build their commit, and pin that"
                }
                PinError::HeadMoved { .. } => "build the branch's head, and pin that image",
                PinError::Superseded(Superseder::Hold { .. }) => {
                    "a rollback holds this place: `pinlib rollback --release` lets pins through again"
                }
                PinError::Superseded(Superseder::Declined { .. }) => {
                    "open it again by hand if that was a mistake; the pin of a newer commit opens one of its own"
                }
                PinError::Superseded(_) => "nothing is left to do for this image",
                // The word of LocalForge for a branch that a work tree holds.
                PinError::Rejected { rule: Some(rule), .. } if rule == "checked-out branch" => {
                    "--allow-checked-out pins all the same; the files of the work tree then lag behind"
                }
                // The words of GitHubForge.
                PinError::Rejected { rule: Some(rule), .. } if rule == "ruleset" => {
                    "add the App to the bypass list of that ruleset, with \"Always allow\": settings, Rules, Rulesets; \
                     `pinlib doctor` names it"
                }
                PinError::Rejected { rule: Some(rule), .. } if rule == "branch protection" => {
                    "classic branch protection lets no App past its checks: put a ruleset in its place, with the App in its \
                     bypass list"
                }
                PinError::Rejected { rule: Some(rule), .. } if rule == "permission contents:write" => {
                    "`pinlib doctor` shows which permission is missing, and where it is granted"
                }
                PinError::Rejected { rule: Some(rule), .. } if rule == "permission pull_requests:write" => {
                    "give the App pull requests: read and write; for the workflow's own token, allow it in the repository's \
                     settings, Actions, General; then run it again"
                }
                PinError::Rejected { rule: Some(rule), .. } if rule == "archived repository" => {
                    "an archived repository takes no commit: unarchive it in its settings"
                }
                PinError::Rejected { .. } => {
                    "a rule of the server wants something else: look at the branch's protection, and let the pinner past it"
                }
                PinError::Unknown { expected, branch, .. } => {
                    // A whole oid: a range takes no less.
                    return Some(format!(
                        "do not run this step again blindly: `pinlib log --branch {branch} {expected}..` tells what landed since"
                    ));
                }
                PinError::Unshown { .. } => {
                    "the same command may be run again: it finds what is there, and does the rest"
                }
                PinError::Mismatch(mismatch) => return of_mismatch(mismatch).map(str::to_owned),
                PinError::Edit(error) if error.kind == EditErrorKind::NoSite => {
                    "is it the right file, and the image's whole name? `insert: true`, or --insert, adds an entry to a kustomization"
                }
                PinError::Backend(error) if forbidden(error).is_some() => return forbidden(error),
                PinError::Backend(error) => match error.kind() {
                    BackendErrorKind::NotFound => return missing(error).map(str::to_owned),
                    BackendErrorKind::Unauthorized => {
                        "for git: PINLIB_TOKEN or git's credential helpers; for registries: PINLIB_REGISTRY_USER with \
                         PINLIB_REGISTRY_PASSWORD, or `docker login`"
                    }
                    BackendErrorKind::Unavailable if error.to_string().contains("certificate") => {
                        "--ca FILE trusts another authority beside the system's"
                    }
                    BackendErrorKind::RateLimited | BackendErrorKind::Unavailable => {
                        "nothing was written: the same command may be run again"
                    }
                    _ => return None,
                },
                _ => return None,
            },
        };
        Some(hint.to_owned())
    }
}

/// What is mostly the matter where something is not there.
fn missing(error: &BackendError) -> Option<&'static str> {
    let text = error.to_string();
    if text.ends_with("the commit has no such file") {
        Some("paths are meant from the repository's root, and are read at the source commit")
    } else if text.ends_with("no such branch") {
        Some("--branch names the branch, and --forge the repository; who may not read it is told the same")
    } else if error.act().starts_with("find a repository ") {
        Some("give --forge PATH|URL, or run it in a clone")
    } else if error.act().starts_with("read the manifest of ") {
        Some(
            "was it pushed, and to this very repository? A registry that wants a login may say no more than this",
        )
    } else {
        None
    }
}

/// The rule that lets a role ask a cluster, where that is what is missing.
fn forbidden(error: &BackendError) -> Option<String> {
    let Forbidden { verb, resource, namespace } = error.source()?.downcast_ref()?;
    let place =
        namespace.as_ref().map_or_else(|| "every namespace".into(), |name| format!("the namespace {name}"));
    Some(format!(
        "let the role {verb} {resource} in {place}: docs/reference/verify-rbac.yaml has all that it needs"
    ))
}

/// The next step where two things differ that must not.
fn of_mismatch(mismatch: &Mismatch) -> Option<&'static str> {
    Some(match mismatch {
        Mismatch::Rebuilt { .. } => {
            "a build of one commit made two images; --replace-rebuilt pins the later one"
        }
        Mismatch::Source { found, .. } if found.iter().any(is_provenance) => {
            "only what is built from a repository has provenance of one: give docker buildx build its address as \
             context, with the commit behind #, and --provenance=true"
        }
        Mismatch::Source { .. } => {
            "build with the label org.opencontainers.image.revision set to the whole commit id, on every platform"
        }
        Mismatch::Repository { .. } => {
            "is --source-repository right? A label of it is org.opencontainers.image.source, on every platform"
        }
        Mismatch::NoAttestation { .. } => {
            "sign it, as `actions/attest` or `cosign attest --type slsaprovenance1` do; --bundle says where to look"
        }
        Mismatch::NoProvenance { .. } => {
            "build with docker buildx build --provenance=true, and pin the digest of the index that it pushes"
        }
        Mismatch::NotRunning { .. } => {
            "wait until all of it runs there (`pinlib verify --wait 10m`), then promote again"
        }
        Mismatch::Manifest { .. } | Mismatch::Blob { .. } => {
            "what came is not what it is called: look at who stands between, a mirror or a proxy; nothing was written"
        }
        Mismatch::Was { .. } => {
            "somebody changed it meanwhile: look at the file, and give --was as it stands there, or leave it out"
        }
        _ => return None,
    })
}

/// Whether a part is the provenance of an image, by the words of the library.
fn is_provenance(said: &Said) -> bool {
    said.part.starts_with("the provenance of ")
}

impl<E: Into<PinError>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Pin(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage { message, .. } => f.write_str(message),
            Self::Pin(error) => fmt::Display::fmt(error, f),
            Self::Defect(error) => write!(f, "{error:#}"),
        }
    }
}
