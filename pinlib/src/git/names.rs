//! Branch names and paths: what git lets stand, and no more.

use crate::parse::name;

name!(
    /// Names a branch, without `refs/heads/`, by the rules of `git check-ref-format --branch`.
    ///
    /// Source: <https://git-scm.com/docs/git-check-ref-format>.
    ///
    /// ```
    /// use pinlib::BranchName;
    /// assert_eq!("release/1.x".parse::<BranchName>()?.full(), "refs/heads/release/1.x");
    /// assert!("main..next".parse::<BranchName>().is_err());
    /// # Ok::<(), pinlib::ParseError>(())
    /// ```
    BranchName, "branch name", branch
);

impl BranchName {
    /// The name as git and the record have it.
    pub fn full(&self) -> String {
        format!("refs/heads/{self}")
    }
}

fn branch(text: &str) -> Result<(), &'static str> {
    let bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let component = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.to_ascii_lowercase().ends_with(".lock")
            && !part.ends_with('.')
    };
    if text.is_empty() || text.len() > 255 {
        Err("want 1 to 255 bytes")
    } else if text.starts_with("refs/") {
        Err("want the short name, without refs/heads/")
    } else if text == "HEAD" || text == "@" || text.starts_with('-') {
        Err("git takes that for something else")
    } else if text.contains("..") || text.contains("@{") || text.contains(bad) {
        Err("want no blanks, controls, .., @{ or any of ~^:?*[\\ in it")
    } else if !text.split('/').all(component) {
        Err("want each part between slashes to be there, not to begin or end with a dot, nor end with .lock")
    } else {
        Ok(())
    }
}

name!(
    /// Names a file in a commit's tree: relative, UTF-8, no `.` or `..`, never inside `.git`.
    ///
    /// ```
    /// use pinlib::RepoPath;
    /// assert!("deploy/app.yaml".parse::<RepoPath>().is_ok());
    /// assert!("../app.yaml".parse::<RepoPath>().is_err());
    /// # Ok::<(), pinlib::ParseError>(())
    /// ```
    RepoPath, "path", path
);

impl RepoPath {
    /// A path that this library itself writes.
    pub(crate) fn own(path: &'static str) -> Self {
        Self(path.to_owned())
    }
    /// Whether this is `folder`, or in it.
    pub fn is_in(&self, folder: &Self) -> bool {
        self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
    /// Its components, outermost first.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }
}

fn path(text: &str) -> Result<(), &'static str> {
    // What some file systems take for .git as well, by another case or a short name, with a stream or a folder behind it:
    // CVE-2014-9390, CVE-2019-1352. Git refuses the same.
    let dot_git = |part: &str| {
        part.split('\\').any(|part| {
            let name = part.split(':').next().unwrap_or_default();
            let name = name.trim_end_matches(['.', ' ']).to_ascii_lowercase();
            name == ".git" || name == "git~1"
        })
    };
    if text.is_empty() || text.len() > 4096 {
        Err("want 1 to 4096 bytes")
    } else if text.starts_with('/') {
        Err("want a path relative to the repository's root")
    } else if text.chars().any(char::is_control) {
        Err("want no control characters in it")
    } else if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
        Err("want no empty part, . or .. in it")
    } else if text.split('/').any(dot_git) {
        Err("want a path outside .git")
    } else {
        Ok(())
    }
}
