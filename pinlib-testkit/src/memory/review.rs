//! Pull requests in memory, as GitHub keeps them.

use super::{
    forge::{MemoryForge, State},
    not_found,
};
use crate::sim::Yield;
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, BranchMove, BranchName, CommitError, MergeMethod, Oid, Review,
    ReviewForge, ReviewState, ReviewText,
};

/// A pull request, and what is not told of it.
#[derive(Clone, Debug)]
pub(super) struct Pull {
    review: Review,
    into: BranchName,
    comments: Vec<String>,
}

impl State {
    /// Brings the pull requests up to where the branches are. One whose branch is gone, or was put to where its base is
    /// already, is closed; one whose commits came into its base is merged.
    pub(super) fn follow(&mut self) {
        let mut pulls = std::mem::take(&mut self.pulls);
        for Pull { review, into, .. } in
            pulls.iter_mut().filter(|pull| pull.review.state == ReviewState::Open)
        {
            let Some(head) = self.head(&review.branch) else {
                review.state = ReviewState::Closed;
                continue;
            };
            let moved = std::mem::replace(&mut review.head, head) != head;
            if self.has(into, head) {
                review.state = if moved { ReviewState::Closed } else { ReviewState::Merged };
            }
        }
        self.pulls = pulls;
    }

    /// Whether a commit is in a branch.
    fn has(&self, branch: &BranchName, oid: Oid) -> bool {
        self.head(branch).is_some_and(|head| self.ancestors(head).contains(&oid))
    }

    fn swap(&mut self, moves: &[BranchMove]) -> Result<(), CommitError> {
        for BranchMove { branch, from, to } in moves {
            let actual = self.head(branch);
            match (*from, *to) {
                _ if self.protected.contains(branch) => return Err(refused("protected", "no one moves it")),
                (Some(expected), _) if actual != *from => {
                    return Err(CommitError::HeadMoved { branch: branch.clone(), expected, actual });
                }
                (None, _) if actual.is_some() => {
                    let error = BackendError::new(BackendErrorKind::Invalid, format!("make {branch}"));
                    return Err(CommitError::Ambiguous(error.because("it is there")));
                }
                (_, Some(to)) if !self.commits.contains_key(&to) => {
                    return Err(CommitError::NotLanded(not_found(format!("move {branch} to {to}"))));
                }
                _ => {}
            }
        }
        self.set(moves.iter().map(|one| (one.branch.clone(), one.to)));
        Ok(())
    }

    fn open(
        &mut self,
        from: &BranchName,
        into: &BranchName,
        text: &ReviewText,
    ) -> Result<Review, CommitError> {
        let missing = |branch: &BranchName| CommitError::NotLanded(not_found(format!("find {branch}")));
        let head = self.head(from).ok_or_else(|| missing(from))?;
        self.head(into).ok_or_else(|| missing(into))?;
        if self.pulls.iter().any(|pull| pull.review.state == ReviewState::Open && pull.is(from, into)) {
            return Err(refused("one", "a pull request of this branch is open"));
        }
        if self.has(into, head) {
            return Err(refused("some", "there is nothing between the branches"));
        }
        let number = self.pulls.len() as u64 + 1;
        let review = Review {
            id: format!("pull {number}"),
            number,
            url: format!("memory:pull/{number}"),
            state: ReviewState::Open,
            branch: from.clone(),
            head,
            text: text.clone(),
            auto_merge: None,
        };
        self.pulls.push(Pull { review: review.clone(), into: into.clone(), comments: Vec::new() });
        Ok(review)
    }

    fn pull(&mut self, review: &Review) -> Result<&mut Pull, CommitError> {
        let found = self.pulls.iter_mut().find(|pull| pull.review.id == review.id);
        found.ok_or_else(|| CommitError::NotLanded(not_found(format!("find #{}", review.number))))
    }

    fn merge_later(&mut self, review: &Review, head: Oid) -> Result<MergeMethod, CommitError> {
        let Pull { review, .. } = self.pull(review)?;
        if review.state != ReviewState::Open {
            return Err(refused("open", "the pull request has ended"));
        }
        if review.head != head {
            let (branch, actual) = (review.branch.clone(), Some(review.head));
            return Err(CommitError::HeadMoved { branch, expected: head, actual });
        }
        review.auto_merge = Some(MergeMethod::Merge);
        Ok(MergeMethod::Merge)
    }
}

impl Pull {
    fn is(&self, from: &BranchName, into: &BranchName) -> bool {
        self.review.branch == *from && self.into == *into
    }
}

fn refused(rule: &str, message: &str) -> CommitError {
    CommitError::Rejected { rule: Some(rule.into()), message: message.into() }
}

impl MemoryForge {
    /// What was said in a pull request, the oldest first.
    pub fn comments(&self, number: u64) -> Vec<String> {
        let state = self.state();
        let pull = state.pulls.iter().find(|pull| pull.review.number == number);
        pull.map(|pull| pull.comments.clone()).unwrap_or_default()
    }
}

#[async_trait]
impl ReviewForge for MemoryForge {
    async fn move_branches(&self, moves: &[BranchMove]) -> Result<(), CommitError> {
        let answer = self.state().swap(moves);
        Yield::default().await;
        answer
    }
    async fn review(&self, from: &BranchName, into: &BranchName) -> Result<Option<Review>, BackendError> {
        let mut own: Vec<_> = self.state().pulls.iter().filter(|pull| pull.is(from, into)).cloned().collect();
        // Oldest first; an open one after those that ended.
        own.sort_by_key(|pull| pull.review.state == ReviewState::Open);
        Yield::default().await;
        Ok(own.pop().map(|pull| pull.review))
    }
    async fn open_review(
        &self,
        from: &BranchName,
        into: &BranchName,
        text: &ReviewText,
    ) -> Result<Review, CommitError> {
        let answer = self.state().open(from, into, text);
        Yield::default().await;
        answer
    }
    async fn amend_review(&self, review: &Review, text: &ReviewText) -> Result<Review, CommitError> {
        let answer = self.state().pull(review).map(|pull| {
            pull.review.text = text.clone();
            pull.review.clone()
        });
        Yield::default().await;
        answer
    }
    async fn comment(&self, review: &Review, text: &str) -> Result<(), CommitError> {
        let answer = self.state().pull(review).map(|pull| pull.comments.push(text.to_owned()));
        Yield::default().await;
        answer
    }
    async fn merge_when_allowed(&self, review: &Review, head: Oid) -> Result<MergeMethod, CommitError> {
        let answer = self.state().merge_later(review, head);
        Yield::default().await;
        answer
    }
}
