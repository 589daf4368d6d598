//! `pinlib init`: `pinlib.yaml` and a workflow, from what the manifests say.

mod action;
mod config_file;
mod manifests;
mod repository;
mod workflow;

use super::Progress;
use crate::{
    exit::Ending,
    failure::Failure,
    output::v1::{self, Body},
    surroundings::Surroundings,
};
use action::ActionRef;
use pinlib::{BackendError, BackendErrorKind, BranchName, GitHubRepository};
use repository::Repository;
use std::{
    fs::{self, File},
    io::Write as _,
    path::Path,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    #[command(subcommand)]
    on: On,
}

#[derive(Debug, clap::Subcommand)]
enum On {
    /// For GitHub Actions: pinlib.yaml and .github/workflows/pin.yml; prints the paths written
    Github(Github),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pinlib init github --dry-run\n  pinlib init github --branch main")]
struct Github {
    /// The repository on GitHub; its owner tells which images are built here [default: what GitHub Actions says, else
    /// the remote origin]
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<GitHubRepository>,
    /// The branch to pin on [default: the one that origin's HEAD names, else the current one]
    #[arg(long)]
    branch: Option<BranchName>,
    /// The Action to call [default: the one of this version, by its release's commit]
    #[arg(long, value_name = "OWNER/NAME@COMMIT", default_value_t, hide_default_value = true)]
    action: ActionRef,
    /// Prints a diff that git apply takes instead of writing
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Init {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let On::Github(github) = &self.on;
        github.run(around, progress).await
    }
}

impl Github {
    async fn run(&self, around: &Surroundings, progress: &mut Progress) -> Result<Ending, Failure> {
        let repository = Repository::around(around).await;
        let root = repository.root.as_path();
        let taken = |path: &&str| fs::symlink_metadata(root.join(path)).is_ok();
        if let Some(path) = [config_file::PATH, workflow::PATH].iter().find(|path| taken(path)) {
            return Err(overwrites(path));
        }

        let found = manifests::find(root)?;
        let owner = self.repository.clone().or_else(|| repository.on_github.clone());
        let (images, others) = manifests::built_here(found, owner.as_ref().map(GitHubRepository::owner));
        if images.is_empty() {
            let error = BackendError::new(BackendErrorKind::NotFound, "find an image to pin");
            return Err(error.because(format!("no manifest in {} names one", root.display())).into());
        }
        let Some(branch) = self.branch.clone().or(repository.branch) else {
            return Err(Failure::usage("the branch is missing").with_hint("give --branch"));
        };
        let made = [
            (config_file::PATH, config_file::text(&branch, &images, &others)),
            (workflow::PATH, workflow::text(&branch, &images, root, &self.action)),
        ];
        if !self.dry_run {
            write(root, &made)?;
        }
        let file =
            |(path, text): (&str, String)| v1::Made { path: path.into(), written: !self.dry_run, text };
        let names = |images: &[manifests::Image]| images.iter().map(|image| image.name.clone()).collect();
        progress.body = Body::Init(v1::Init {
            files: made.into_iter().map(file).collect(),
            images: names(&images),
            others: names(&others),
        });
        Ok(Ending::Answered)
    }
}

fn overwrites(path: &str) -> Failure {
    Failure::usage(format!("{path} is there already, and is not written over; nothing was written"))
        .with_hint("move it away first; `pinlib init github --dry-run` in a copy without it shows what would be written")
}

/// Writes both files or neither, and never over one that appears meanwhile.
fn write(root: &Path, files: &[(&str, String)]) -> Result<(), Failure> {
    let mut written = Vec::new();
    for (path, text) in files {
        let on_disk = root.join(path);
        let made = on_disk.parent().map_or(Ok(()), fs::create_dir_all);
        let done = made.and_then(|()| File::create_new(&on_disk)).and_then(|mut file| {
            written.push(on_disk.clone());
            file.write_all(text.as_bytes())
        });
        if let Err(error) = done {
            for path in &written {
                fs::remove_file(path).ok();
            }
            if error.kind() == std::io::ErrorKind::AlreadyExists {
                return Err(overwrites(path));
            }
            let wrong = BackendError::new(BackendErrorKind::Unavailable, format!("write {path}"));
            return Err(wrong.because(error.to_string()).into());
        }
    }
    Ok(())
}
