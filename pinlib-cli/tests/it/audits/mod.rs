//! `pinlib audit`: each kind of tampering, done with plain git to what the binary pinned, is found; and nothing else is.

mod limits;
mod tampering;

use super::scene::{IMAGE, Result, Run, Scene, main_branch};
use pinlib::{Digest, Mode, Oid};
use std::io;

/// Who pins by default.
pub(super) const PINNER: [&str; 2] = ["pinlib", "pinlib@noreply.invalid"];
const HUMAN: [&str; 2] = ["human", "human@home.test"];
pub(super) const FILE: &str = "deploy/rollout.yaml";
pub(super) const HOLDS: &str = ".pinlib/holds";

/// The shop with its `pinlib.yaml`, and its branch.
pub(super) struct Shop(pub(super) Scene);

impl Shop {
    pub(super) fn open() -> Result<Option<Self>> {
        let Some(scene) = Scene::open()? else { return Ok(None) };
        scene.config()?;
        Ok(Some(Self(scene)))
    }
    /// Pins a digest from the head.
    pub(super) fn pin(&self, digest: u8, more: &[&str]) -> Result<Oid> {
        let (head, image) = (self.0.head()?.to_string(), image(digest));
        let words = ["pin", "--registry=none", "--source-commit", &head, "--image", &image];
        let run = self.0.run(&[&words, more].concat())?;
        assert_eq!(run.code, Some(0), "{run:?}");
        self.0.head()
    }
    /// A commit with plain git, on these parents, as the branch's head: the first parent's files with these changes.
    pub(super) fn commit(
        &self,
        by: [&str; 2],
        parents: &[Oid],
        files: &[(&str, &str)],
        message: &str,
    ) -> Result<Oid> {
        let files: Vec<_> =
            files.iter().map(|(path, text)| (Mode::Regular, *path, text.as_bytes())).collect();
        let tree = self.0.repository.write(parents, &files, "a tree")?;
        let mut git = self.0.repository.command();
        git.args(["commit-tree", &format!("{tree}^{{tree}}"), "-m", message]);
        for parent in parents {
            git.args(["-p", &parent.to_string()]);
        }
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), by[0]).env(format!("GIT_{role}_EMAIL"), by[1]);
        }
        let done = git.output()?;
        let made = String::from_utf8(done.stdout)?.trim().parse().map_err(io::Error::other)?;
        self.0.repository.force(&main_branch(), Some(made))?;
        Ok(made)
    }
    /// A human's commit on the head.
    pub(super) fn by_hand(&self, files: &[(&str, &str)]) -> Result<Oid> {
        self.commit(HUMAN, &[self.0.head()?], files, "By hand")
    }
    /// The message of a commit, and its parent.
    pub(super) fn said(&self, commit: Oid) -> Result<(String, Oid)> {
        let fact = self.0.repository.fact(commit)?;
        Ok((fact.message, fact.parents[0]))
    }
    /// A file of a commit.
    pub(super) fn file(&self, at: Oid, path: &str) -> Result<String> {
        Ok(String::from_utf8(self.0.repository.file(at, path)?)?)
    }
    /// The whole line of the branch, audited.
    pub(super) fn audit(&self, more: &[&str]) -> Result<Run> {
        self.0.run(&[&["audit", &self.0.head()?.to_string()], more].concat())
    }
    /// What an audit finds: kinds and files, all of one commit.
    pub(super) fn found(&self, commit: Oid, more: &[&str]) -> Result<Vec<(String, String)>> {
        let run = self.audit(&[&["--json"], more].concat())?;
        let (report, commit) = (run.json(), commit.to_string());
        let findings = report["findings"].as_array().ok_or("no findings")?;
        assert_eq!(run.code, Some(if findings.is_empty() { 0 } else { 6 }), "{run:?}");
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        assert!(findings.iter().all(|one| text(&one["commit"]) == commit), "{report:#}");
        Ok(findings.iter().map(|one| (text(&one["kind"]), text(&one["path"]))).collect())
    }
}

pub(super) fn digest(n: u8) -> Digest {
    Digest::of(&[n])
}

pub(super) fn image(n: u8) -> String {
    format!("{IMAGE}@{}", digest(n))
}

/// What was found, as it is written here.
pub(super) fn list(found: &[(&str, &str)]) -> Vec<(String, String)> {
    found.iter().map(|(kind, path)| ((*kind).to_owned(), (*path).to_owned())).collect()
}
