//! The pull request of a proposal: opened, brought up to date, closed.

use super::{AutoMerge, Way, standing::Standing};
use crate::{
    error::{PinError, Superseder},
    forge::{
        CommitError,
        review::{BranchMove, MergeMethod, Review, ReviewState, ReviewText},
    },
    git::Oid,
    parse::encode,
    record::Claim,
};

impl Way<'_> {
    /// Sees to it that a pull request asks for the commit, and says what it does.
    pub(super) async fn show(&self, oid: Oid, message: &str) -> Result<Review, PinError> {
        let (own, base, text) = (&self.own, self.request.branch(), self.text(message));
        let mut doubt = String::new();
        for wait in self.by.patience.waits() {
            self.pinner.wait(wait).await;
            let shown = match self.forge().review(own, base).await {
                Ok(Some(review)) if review.state == ReviewState::Open && review.text.says(&text) => {
                    Ok(review)
                }
                Ok(Some(review)) if review.state == ReviewState::Open => {
                    self.forge().amend_review(&review, &text).await
                }
                Ok(Some(review)) if review.head == oid && review.state == ReviewState::Closed => {
                    return Err(PinError::Superseded(Superseder::Declined { number: review.number }));
                }
                Ok(Some(review)) if review.head == oid => Ok(review),
                Ok(_) => self.forge().open_review(own, base, &text).await,
                Err(error) => Err(CommitError::Ambiguous(error)),
            };
            match shown {
                Ok(review) => return self.hand_over(&review, oid).await.map(|()| review),
                Err(CommitError::Rejected { rule, message }) => {
                    return Err(PinError::Rejected { rule, message });
                }
                Err(error) => doubt = reason(&error),
            }
        }
        Err(PinError::Unshown { branch: own.clone(), commit: oid, why: doubt })
    }

    /// Leaves the pull request to a newer pin that took the branch over meanwhile, in that pin's words: ours may have come
    /// after them.
    async fn hand_over(&self, review: &Review, oid: Oid) -> Result<(), PinError> {
        let Ok(Standing::Pin { oid: commit, record, message }) = self.standing(&self.own, oid).await else {
            return Ok(());
        };
        let source_commit = record.claim.source();
        if !self.newer(source_commit).await? {
            return Ok(());
        }
        // The newer run looks at them as well.
        self.forge().amend_review(review, &self.text(&message)).await.ok();
        Err(PinError::Superseded(Superseder::NewerPin { commit, source_commit }))
    }

    /// Asks the forge to merge it, where that is wanted. That it will not is no failure: the pull request is there.
    pub(super) async fn merge(&self, mut review: Review, oid: Oid) -> (Review, Option<String>) {
        if self.by.auto_merge == AutoMerge::Leave || review.state != ReviewState::Open {
            return (review, None);
        }
        let asked = match review.auto_merge {
            Some(method) => Ok(method),
            None => self.forge().merge_when_allowed(&review, oid).await,
        };
        let found = match asked {
            Err(error @ CommitError::Ambiguous(_)) => {
                match self.forge().review(&self.own, self.request.branch()).await {
                    Ok(Some(Review { auto_merge: Some(method), .. })) => Ok(method),
                    _ => Err(error),
                }
            }
            asked => asked,
        };
        let warning = match &found {
            Ok(MergeMethod::Merge) => None,
            Ok(method) => Some(format!(
                "#{} will be merged by {method}, the only way here: that makes another commit, which is no recognised pin",
                review.number
            )),
            Err(error) => Some(format!(
                "#{} is open, and will not be merged by itself: {}",
                review.number,
                reason(error)
            )),
        };
        review.auto_merge = found.ok();
        (review, warning)
    }

    /// Closes the pull request of a pin that the base has caught up with: its branch goes, if it still stands there, and the
    /// forge closes what comes from it. A newer pin's stays.
    pub(super) async fn retire(
        &self,
        claim: &Claim,
        base: Oid,
        why: &str,
    ) -> (Option<Review>, Option<String>) {
        let warn = |error: String| (None, Some(format!("no pull request was closed: {error}")));
        let review = match self.forge().review(&self.own, self.request.branch()).await {
            Ok(Some(review)) if review.state == ReviewState::Open => review,
            Ok(_) => return (None, None),
            Err(error) => return warn(error.to_string()),
        };
        let oid = match self.standing(&self.own, base).await {
            Ok(Standing::Pin { oid, record, .. }) => match self.newer(record.claim.source()).await {
                Ok(false) if record.claim.source() != claim.source() || record.claim.key() == claim.key() => {
                    oid
                }
                Ok(_) => return (None, None),
                Err(error) => return warn(error.to_string()),
            },
            Ok(Standing::Nothing(_)) => return (None, None),
            Err(error) => return warn(error.to_string()),
        };
        let gone = BranchMove { branch: self.own.clone(), from: Some(oid), to: None };
        let moved = self.forge().move_branches(&[gone]).await;
        if let Err(error) = moved
            && !matches!(self.tip(&self.own).await, Ok(None))
        {
            return warn(reason(&error));
        }
        let told = self.forge().comment(&review, &format!("Superseded: {why}.")).await;
        let warning = told
            .err()
            .map(|error| format!("#{} is closed, without a word: {}", review.number, reason(&error)));
        (Some(Review { state: ReviewState::Closed, ..review }), warning)
    }

    /// What a pull request says, of the message of its commit alone: whoever comes later says the same.
    fn text(&self, message: &str) -> ReviewText {
        let message = message.replace('`', "'");
        let (title, record) = message.split_once('\n').unwrap_or((&message, ""));
        let base = encode(&self.request.branch().to_string());
        let body = format!(
            "Decided by pinlib, on the head of `{base}` that `Pinlib-Parent` names.\n\n```text\n{}\n```\n\n\
             A newer pin of the same images in the same files takes the place of this one, here. A commit of somebody \
             else's on this branch is left alone, and stops that. Merge it by a merge commit: a squash or a rebase makes \
             another commit, which is no recognised pin.\n",
            record.trim()
        );
        ReviewText { title: title.to_owned(), body }
    }
}

/// The reason within.
fn reason(error: &CommitError) -> String {
    match error {
        CommitError::NotLanded(error) | CommitError::Ambiguous(error) => error.to_string(),
        error => error.to_string(),
    }
}
