//! The folder that the demo plays in: a repository, a clone to commit in, an image layout, a `pinlib.yaml`.

use super::image;
use crate::failure::Failure;
use anyhow::{Context as _, ensure};
use pinlib::{BackendError, BackendErrorKind, Digest};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The image of the shop.
const IMAGE: &str = "registry.example/shop/web";

/// The folder, and whether it goes away.
#[derive(Debug)]
pub(crate) struct Stage {
    folder: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Stage {
    pub(crate) fn new(keep: Option<&Path>) -> Result<Self, Failure> {
        let (folder, temporary) = if let Some(folder) = keep {
            if fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()) {
                return Err(Failure::usage(format!("--keep {}: the folder is not empty", folder.display())));
            }
            fs::create_dir_all(folder).map_err(|error| Failure::unreadable(folder, &error))?;
            (folder.to_owned(), None)
        } else {
            let made = tempfile::Builder::new().prefix("pinlib-demo-").tempdir();
            let made = made.map_err(|error| Failure::unreadable(&std::env::temp_dir(), &error))?;
            (made.path().to_owned(), Some(made))
        };
        let stage = Self { folder, temporary };
        if stage.git(&["--version"]).is_err() {
            let error = BackendError::new(BackendErrorKind::NotFound, "find git");
            return Err(error.because("the demo shows what git sees, and needs it installed").into());
        }
        Ok(stage)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
    pub(crate) fn kept(&self) -> bool {
        self.temporary.is_none()
    }

    /// Runs git as on a machine where nobody has configured it.
    pub(crate) fn git(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = Command::new("git")
            .args(words)
            .current_dir(&self.folder)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs([("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_PAGER", "cat")])
            .stdin(Stdio::null())
            .output()
            .context("cannot start git")?;
        let error = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {} failed: {}", words.join(" "), error.trim());
        Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }

    /// Makes the repository and its first commit.
    pub(crate) fn first_commit(&self) -> anyhow::Result<String> {
        let old = Digest::of(b"the image before");
        let files = [
            ("work/deploy/kustomization.yaml", kustomization(old)),
            ("work/deploy/rollout.yaml", rollout(old)),
            ("pinlib.yaml", PINLIB.to_owned()),
        ];
        self.git(&["init", "--quiet", "--bare", "--initial-branch=main", "app.git"])?;
        self.git(&["init", "--quiet", "--initial-branch=main", "work"])?;
        for (path, text) in files {
            let path = self.folder.join(path);
            path.parent().map_or(Ok(()), fs::create_dir_all)?;
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        }
        for words in [
            &["config", "user.name", "Demo"][..],
            &["config", "user.email", "demo@shop.example"],
            &["remote", "add", "origin", "../app.git"],
            &["add", "."],
            &["commit", "--quiet", "--message", "Open the shop"],
            &["push", "--quiet", "--set-upstream", "origin", "main"],
        ] {
            self.git(&[&["-C", "work"], words].concat())?;
        }
        self.head()
    }

    /// Builds the image of a commit into the layout: what a pipeline's build step does, and reports.
    pub(crate) fn build(&self, commit: &str) -> anyhow::Result<String> {
        let digest = image::push(&self.folder.join("registry"), commit)?;
        Ok(format!("{IMAGE}@{digest}"))
    }

    pub(crate) fn head(&self) -> anyhow::Result<String> {
        self.git(&["-C", "app.git", "rev-parse", "main"])
    }
    pub(crate) fn parents(&self, commit: &str) -> anyhow::Result<String> {
        self.git(&["-C", "app.git", "log", "-1", "--format=%P", commit])
    }
}

const PINLIB: &str = "\
branch: main
forge: app.git
registry: layout:registry
evidence: label
images:
  - name: registry.example/shop/web
    targets:
      - kustomization: deploy/kustomization.yaml
      - workload: deploy/rollout.yaml
";

fn kustomization(digest: Digest) -> String {
    format!(
        "\
# What runs in production.
kind: Kustomization
resources:
  - rollout.yaml
images:
  - name:   {IMAGE}   # the shop itself
    digest: {digest}   # written by the pipeline
"
    )
}

fn rollout(digest: Digest) -> String {
    format!(
        "\
apiVersion: argoproj.io/v1alpha1
kind: Rollout
metadata: {{name: web}}
spec:
  template:
    spec:
      containers:
        - name: web
          # by digest, so that every pod runs the same
          image: \"{IMAGE}@{digest}\"
          ports: [{{containerPort: 8080}}]
"
    )
}
