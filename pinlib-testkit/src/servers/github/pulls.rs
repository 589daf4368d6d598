//! Pull requests. What becomes of them follows their branches.

use super::{GitHub, Hub, lock};
use std::io;

/// A pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "GitHub's own words")]
pub struct Pull {
    pub number: u64,
    pub title: String,
    pub body: String,
    /// The branch that it comes from, of this repository unless it is a stranger's.
    pub branch: String,
    pub base: String,
    /// The commit that it asks for, or asked for when it ended.
    pub head: String,
    /// `OPEN`, `CLOSED` or `MERGED`.
    pub state: String,
    /// The method by which it shall be merged once it can be.
    pub auto_merge: Option<String>,
    pub comments: Vec<String>,
    /// Whether it comes from another repository.
    pub foreign: bool,
}

impl Hub {
    /// Brings the pull requests up to date. One whose branch is gone, or was put to where its base is already, is closed;
    /// one whose base has come to hold it is merged.
    pub(super) fn follow(&self) -> io::Result<Vec<Pull>> {
        let mut pulls = lock(&self.pulls);
        for pull in pulls.iter_mut().filter(|pull| pull.state == "OPEN" && !pull.foreign) {
            let Some(head) = self.git.head(&format!("refs/heads/{}", pull.branch))? else {
                pull.state = "CLOSED".into();
                continue;
            };
            let moved = std::mem::replace(&mut pull.head, head) != pull.head;
            let base = format!("refs/heads/{}", pull.base);
            if self.git.run(&["merge-base", "--is-ancestor", &pull.head, &base]).is_ok() {
                pull.state = if moved { "CLOSED" } else { "MERGED" }.into();
            }
        }
        Ok(pulls.clone())
    }
    /// Opens one.
    pub(super) fn open(&self, pull: Pull) -> Pull {
        let mut pulls = lock(&self.pulls);
        let pull = Pull { number: 12 + pulls.len() as u64, state: "OPEN".into(), ..pull };
        pulls.push(pull.clone());
        pull
    }
    /// Changes one; none where there is none.
    pub(super) fn alter(&self, number: u64, change: impl FnOnce(&mut Pull)) -> Option<Pull> {
        let mut pulls = lock(&self.pulls);
        let pull = pulls.iter_mut().find(|pull| pull.number == number)?;
        change(pull);
        Some(pull.clone())
    }
}

impl GitHub {
    /// The pull requests, the oldest first.
    ///
    /// # Errors
    /// Where git fails.
    pub fn pulls(&self) -> io::Result<Vec<Pull>> {
        self.0.follow()
    }
    /// Changes a pull request as a person does.
    pub fn alter_pull(&self, number: u64, change: impl FnOnce(&mut Pull)) {
        self.0.alter(number, change);
    }
    /// Opens a pull request from a repository of a stranger's, whose branch may have any name.
    pub fn stranger_opens(&self, branch: &str, head: &str) -> u64 {
        let (branch, head, base) = (branch.into(), head.into(), "main".into());
        self.0.open(Pull { branch, head, base, foreign: true, ..Pull::default() }).number
    }
}
