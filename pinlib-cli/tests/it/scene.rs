//! The shop: a bare repository, an image layout, and the binary run in a bare environment.

use pinlib::{BranchName, Digest, Oid};
use pinlib_testkit::{
    image::{Image, Recipe, Variant},
    repository::Repository,
};
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Output},
};

pub(crate) type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

pub(crate) const IMAGE: &str = "registry.test/shop/web";

pub(crate) const KUSTOMIZATION: &str = "\
# What runs in production.
kind: Kustomization
images:
  - name: registry.test/shop/web # the shop
    newTag: \"1.0\"
  - name: registry.test/shop/api
    newTag: \"2.0\"
";

pub(crate) const ROLLOUT: &str = "\
kind: Rollout
apiVersion: argoproj.io/v1alpha1
metadata: {name: web}
spec:
  template:
    spec:
      containers:
        - name: web
          image: 'registry.test/shop/web:1.0'  # by the pipeline
";

/// A repository `repository.git` beside a layout `registry`, and a commit A with its image.
pub(crate) struct Scene {
    pub(crate) repository: Repository,
    pub(crate) a: Oid,
    pub(crate) image: Image,
}

/// What a run came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
    /// The code and the error, a line.
    pub(crate) fn told(&self) -> String {
        format!("{} {}\n", self.code.unwrap_or(-1), self.error())
    }
    /// The error, and that it is one line.
    pub(crate) fn error(&self) -> &str {
        let mut errors = self.err.lines().filter_map(|line| line.strip_prefix("error: "));
        let error = errors.next().unwrap_or_else(|| panic!("no error: {self:?}"));
        assert!(errors.next().is_none(), "one cause, one error: {self:?}");
        error
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

pub(crate) fn main_branch() -> BranchName {
    "main".parse().unwrap_or_else(|error| panic!("{error}"))
}

impl Scene {
    /// The shop with its two files; none where git is missing.
    pub(crate) fn open() -> Result<Option<Self>> {
        Self::with(&[("deploy/kustomization.yaml", KUSTOMIZATION), ("deploy/rollout.yaml", ROLLOUT)])
    }
    /// A repository with these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Result<Option<Self>> {
        let Some(repository) = Repository::bare("sha1")? else { return Ok(None) };
        let a = repository.push(&main_branch(), files, "Open the shop")?;
        let variants = ["linux/amd64", "linux/arm64"].map(|platform| Variant::of(platform).built_from(a));
        let image = Recipe::of(variants).index();
        let scene = Self { repository, a, image };
        scene.image.write_layout(&scene.folder().join("registry"), "1.1")?;
        Ok(Some(scene))
    }

    pub(crate) fn folder(&self) -> &Path {
        self.repository.root()
    }
    pub(crate) fn digest(&self) -> Digest {
        self.image.digest()
    }
    /// The image as a build reports it.
    pub(crate) fn reported(&self) -> String {
        format!("{IMAGE}@{}", self.digest())
    }
    pub(crate) fn head(&self) -> Result<Oid> {
        Ok(self.repository.head(&main_branch())?.ok_or("main is gone")?)
    }
    pub(crate) fn file(&self, path: &str) -> Result<String> {
        Ok(String::from_utf8(self.repository.file(self.head()?, path)?)?)
    }
    /// Writes a file beside the repository.
    pub(crate) fn write(&self, path: &str, text: &str) -> io::Result<PathBuf> {
        let path = self.folder().join(path);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(&path, text)?;
        Ok(path)
    }
    /// The shop's `pinlib.yaml`.
    pub(crate) fn config(&self) -> Result {
        self.write(
            "pinlib.yaml",
            "branch: main\nforge: repository.git\nregistry: layout:registry\nimages:\n  - name: registry.test/shop/web\n    \
             targets:\n      - kustomization: deploy/kustomization.yaml\n      - workload: deploy/rollout.yaml\n",
        )?;
        Ok(())
    }

    /// The binary in the scene's folder, with nothing of the caller's environment.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pinlib"));
        command.args(words).current_dir(self.folder()).env_clear().env("HOME", self.folder());
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command
    }
    pub(crate) fn run(&self, words: &[&str]) -> Result<Run> {
        Ok(self.command(words).output()?.into())
    }
    pub(crate) fn run_with(&self, variables: &[(&str, &str)], words: &[&str]) -> Result<Run> {
        Ok(self.command(words).envs(variables.iter().copied()).output()?.into())
    }
    /// `pinlib pin`, all by flags: the image as reported, both files, from A.
    pub(crate) fn pin(&self, more: &[&str]) -> Result<Run> {
        let words = self.words("pin", "repository.git");
        let words: Vec<_> = words.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.run(&words)
    }
    /// A command about that pin, on this forge.
    pub(crate) fn words(&self, command: &str, forge: &str) -> Vec<String> {
        [
            command,
            &format!("--forge={forge}"),
            "--registry=layout:registry",
            "--branch=main",
            &format!("--source-commit={}", self.a),
            &format!("--image={}", self.reported()),
            "--target=kustomization:deploy/kustomization.yaml",
            "--target=workload:deploy/rollout.yaml",
        ]
        .map(str::to_owned)
        .into()
    }

    /// A text without what differs from run to run.
    pub(crate) fn tidy(&self, text: &str) -> Result<String> {
        let (head, image) = (self.head()?, self.image.digest());
        let mut text = text.replace(&self.folder().display().to_string(), "[FOLDER]");
        for (value, name) in [
            (self.a.to_string(), "[SOURCE]"),
            (self.a.short(), "[source]"),
            (head.to_string(), "[HEAD]"),
            (head.short(), "[head]"),
            (image.to_string(), "[DIGEST]"),
            (image.short(), "[digest]"),
        ] {
            text = text.replace(&value, name);
        }
        Ok(text.lines().map(without_time).collect::<Vec<_>>().join("\n"))
    }

    /// That nothing was written: the branch stands at A.
    pub(crate) fn untouched(&self) -> Result {
        assert_eq!(self.head()?, self.a);
        Ok(())
    }
}

/// The line without the milliseconds that it ends with.
fn without_time(line: &str) -> String {
    match line.rsplit_once(' ').map(|(rest, unit)| (rest.rsplit_once(' '), unit)) {
        Some((Some((rest, number)), "ms" | "s"))
            if number.bytes().all(|b| b.is_ascii_digit() || b == b'.') =>
        {
            format!("{rest} [TIME]")
        }
        _ => line.to_owned(),
    }
}
