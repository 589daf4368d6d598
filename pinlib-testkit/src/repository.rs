//! Real repositories for tests, made by the installed git in a temporary folder.

use crate::{conformance::forge::Entry, servers::program};
use pinlib::{BranchName, CommitFact, Mode, Oid, Person, Signature};
use std::{
    fmt::Write as _,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use tempfile::TempDir;

/// A repository with one branch, `main`.
#[derive(Debug)]
pub struct Repository {
    folder: TempDir,
    path: PathBuf,
}

fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn oid(text: &str) -> io::Result<Oid> {
    text.trim().parse().map_err(io::Error::other)
}

/// A path as fast-import reads it.
fn quoted(path: &str) -> String {
    format!("\"{}\"", path.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

/// Git, on the repository in this folder, with nobody's settings.
pub(crate) fn command(path: &Path) -> Command {
    let mut command = Command::new("git");
    command.arg("-C").arg(path);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PROTOCOL"] {
        command.env_remove(name);
    }
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    for who in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{who}_NAME"), "human").env(format!("GIT_{who}_EMAIL"), "human@home.test");
    }
    command
}

/// Runs git on this input, and hands back what it printed, trimmed.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> io::Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input)?;
    }
    let done = child.wait_with_output()?;
    if done.status.success() {
        return Ok(text(done.stdout)?.trim().to_owned());
    }
    let words: Vec<_> = command.get_args().skip(2).map(|word| word.to_string_lossy()).collect();
    let said = String::from_utf8_lossy(&done.stderr);
    Err(io::Error::other(format!("git {}: {said}", words.join(" "))))
}

impl Repository {
    /// Makes a bare repository of this object format, `sha1` or `sha256`. `None` where git is missing.
    ///
    /// # Errors
    /// Where git fails; under `CI` also where it is missing.
    pub fn bare(format: &str) -> io::Result<Option<Self>> {
        Self::init(&["--bare", "--object-format", format])
    }
    /// Makes a repository with a work tree. `None` where git is missing.
    ///
    /// # Errors
    /// As with [`Repository::bare`].
    pub fn with_work_tree() -> io::Result<Option<Self>> {
        Self::init(&[])
    }

    fn init(words: &[&str]) -> io::Result<Option<Self>> {
        if program("git")?.is_none() {
            return Ok(None);
        }
        let folder = TempDir::new()?;
        let path = folder.path().join("repository.git");
        std::fs::create_dir(&path)?;
        let made = Self { folder, path };
        made.git(&[&["init", "-q", "-b", "main"], words].concat())?;
        // What a server of these needs to know; a repository on disk does not mind.
        made.git(&["config", "http.receivepack", "true"])?;
        made.git(&["config", "uploadpack.allowFilter", "true"])?;
        made.git(&["config", "receive.denyDeletes", "false"])?;
        Ok(Some(made))
    }
    /// Where it is: `repository.git` in [`Repository::root`].
    pub fn path(&self) -> &Path {
        &self.path
    }
    /// The folder that holds it, for a server to serve.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }
    /// Git, on this repository, with nobody's settings.
    pub fn command(&self) -> Command {
        command(&self.path)
    }
    /// Runs git and hands back what it printed, trimmed.
    ///
    /// # Errors
    /// Where it fails, with what it said.
    pub fn git(&self, words: &[&str]) -> io::Result<String> {
        self.feed(words, b"")
    }
    /// Runs git on this input.
    ///
    /// # Errors
    /// As with [`Repository::git`].
    pub fn feed(&self, words: &[&str], input: &[u8]) -> io::Result<String> {
        feed(self.command().args(words), input)
    }
    /// Writes a commit by a human, on no branch: the first parent's files with these changes.
    ///
    /// # Errors
    /// Where git fails.
    pub fn write(&self, parents: &[Oid], files: &[Entry<'_>], message: &str) -> io::Result<Oid> {
        const SCRATCH: &str = "refs/scratch/new";
        let mut stream =
            format!("commit {SCRATCH}\ncommitter human <human@home.test> 1700000000 +0000\n").into_bytes();
        write!(stream, "data {}\n{message}\n", message.len())?;
        for (place, parent) in parents.iter().enumerate() {
            writeln!(stream, "{} {parent}", if place == 0 { "from" } else { "merge" })?;
        }
        for (mode, path, bytes) in files {
            let mode = u32::from(*mode);
            if mode == u32::from(Mode::Gitlink) {
                writeln!(stream, "M {mode:o} {} {}", String::from_utf8_lossy(bytes), quoted(path))?;
            } else {
                write!(stream, "M {mode:o} inline {}\ndata {}\n", quoted(path), bytes.len())?;
                stream.write_all(bytes)?;
                stream.write_all(b"\n")?;
            }
        }
        if self.git(&["rev-parse", "-q", "--verify", SCRATCH]).is_ok() {
            self.git(&["update-ref", "-d", SCRATCH])?;
        }
        self.feed(&["fast-import", "--quiet", "--force", "--date-format=raw"], &stream)?;
        let made = oid(&self.git(&["rev-parse", SCRATCH])?)?;
        self.git(&["update-ref", "-d", SCRATCH])?;
        Ok(made)
    }
    /// Moves a branch anywhere, or deletes it.
    ///
    /// # Errors
    /// Where git fails.
    pub fn force(&self, branch: &BranchName, to: Option<Oid>) -> io::Result<()> {
        let done = match to {
            Some(to) => self.git(&["update-ref", &branch.full(), &to.to_string()]),
            None => self.git(&["update-ref", "-d", &branch.full()]),
        };
        done.map(drop)
    }
    /// Pushes a human's commit of regular files onto whatever the branch's head is.
    ///
    /// # Errors
    /// Where git fails.
    pub fn push(&self, branch: &BranchName, files: &[(&str, &str)], message: &str) -> io::Result<Oid> {
        let parents: Vec<_> = self.head(branch)?.into_iter().collect();
        let files: Vec<_> =
            files.iter().map(|(path, text)| (Mode::Regular, *path, text.as_bytes())).collect();
        let made = self.write(&parents, &files, message)?;
        self.force(branch, Some(made))?;
        Ok(made)
    }
    /// Where a branch stands, if it is there.
    ///
    /// # Errors
    /// Where git prints nonsense.
    pub fn head(&self, branch: &BranchName) -> io::Result<Option<Oid>> {
        let found = self.git(&["rev-parse", "-q", "--verify", &branch.full()]).ok();
        found.map(|text| oid(&text)).transpose()
    }
    /// What a file holds in a commit.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn file(&self, at: Oid, path: &str) -> io::Result<Vec<u8>> {
        let done = self.command().args(["cat-file", "blob", &format!("{at}:{path}")]).output()?;
        if done.status.success() { Ok(done.stdout) } else { Err(io::ErrorKind::NotFound.into()) }
    }
    /// The first-parent line of a branch, newest first; empty where it is not there. A signature that is there is taken
    /// for valid: `git verify-commit` is for those who ask.
    ///
    /// # Errors
    /// Where git fails.
    pub fn log(&self, branch: &BranchName) -> io::Result<Vec<CommitFact>> {
        if self.head(branch)?.is_none() {
            return Ok(Vec::new());
        }
        let lines = self.git(&["rev-list", "--first-parent", &branch.full()])?;
        lines.lines().map(|line| self.fact(oid(line)?)).collect()
    }
    /// A commit as git shows it.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn fact(&self, at: Oid) -> io::Result<CommitFact> {
        let mut format = String::from("--format=");
        for part in ["%P", "%an", "%ae", "%cn", "%ce", "%ct"] {
            write!(format, "{part}%x00").map_err(io::Error::other)?;
        }
        let shown = self.git(&["show", "-s", &format, &at.to_string()])?;
        let parts: Vec<_> = shown.trim_end_matches('\0').split('\0').collect();
        let [parents, an, ae, cn, ce, committed] = parts[..] else { return Err(io::Error::other(shown)) };
        let raw = text(self.command().args(["cat-file", "commit", &at.to_string()]).output()?.stdout)?;
        let (head, message) = raw.split_once("\n\n").unwrap_or((&raw, ""));
        let signed = head.lines().any(|line| line.starts_with("gpgsig"));
        let person = |name: &str, email: &str| Person { name: name.into(), email: email.into() };
        Ok(CommitFact {
            oid: at,
            parents: parents.split_whitespace().map(oid).collect::<Result<_, _>>()?,
            author: person(an, ae),
            committer: person(cn, ce),
            signature: if signed { Signature::Valid } else { Signature::Absent },
            committed: committed.parse().map_err(io::Error::other)?,
            message: message.into(),
        })
    }
}
