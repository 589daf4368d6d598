//! What is wrong with pull requests.

use super::{Broken, Flaw};
use crate::memory::MemoryForge;
use async_trait::async_trait;
use pinlib::{
    BackendError, BranchMove, BranchName, CommitError, GitForge as _, MergeMethod, Oid, Review, ReviewForge,
    ReviewText,
};

#[async_trait]
impl<F: Flaw> ReviewForge for Broken<F> {
    async fn move_branches(&self, moves: &[BranchMove]) -> Result<(), CommitError> {
        self.flaw.move_branches(&self.memory, moves).await
    }
    async fn review(&self, from: &BranchName, into: &BranchName) -> Result<Option<Review>, BackendError> {
        self.memory.review(from, into).await
    }
    async fn open_review(
        &self,
        from: &BranchName,
        into: &BranchName,
        text: &ReviewText,
    ) -> Result<Review, CommitError> {
        self.memory.open_review(from, into, text).await
    }
    async fn amend_review(&self, review: &Review, text: &ReviewText) -> Result<Review, CommitError> {
        self.memory.amend_review(review, text).await
    }
    async fn comment(&self, review: &Review, text: &str) -> Result<(), CommitError> {
        self.memory.comment(review, text).await
    }
    async fn merge_when_allowed(&self, review: &Review, head: Oid) -> Result<MergeMethod, CommitError> {
        self.flaw.merge_when_allowed(&self.memory, review, head).await
    }
}

/// Moves one branch after the other.
#[derive(Debug, Default)]
pub struct OneByOne;
/// Moves branches from wherever they are, as `git push --force` does.
#[derive(Debug, Default)]
pub struct Forcing;
/// Merges whatever the pull request asks for by then.
#[derive(Debug, Default)]
pub struct AnyHead;

#[async_trait]
impl Flaw for OneByOne {
    async fn move_branches(&self, inner: &MemoryForge, moves: &[BranchMove]) -> Result<(), CommitError> {
        for one in moves {
            inner.move_branches(std::slice::from_ref(one)).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Flaw for Forcing {
    async fn move_branches(&self, inner: &MemoryForge, moves: &[BranchMove]) -> Result<(), CommitError> {
        for one in moves {
            inner.force(&one.branch, one.to);
        }
        Ok(())
    }
}

#[async_trait]
impl Flaw for AnyHead {
    async fn merge_when_allowed(
        &self,
        inner: &MemoryForge,
        review: &Review,
        _: Oid,
    ) -> Result<MergeMethod, CommitError> {
        let now = inner.head(&review.branch).await.map_err(CommitError::NotLanded)?;
        inner.merge_when_allowed(review, now).await
    }
}
