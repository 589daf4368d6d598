//! The same decision put into a pull request, for those whom the branch's rules let in by no other way.
//!
//! The commit is made on a scratch branch, and one compare-and-swap puts it on the proposal's own: that one never stands
//! at a commit without a pin, at which a forge would close its pull request. Each try reads what is there and does what is
//! missing, so that a run that died, or whose answers were lost, is finished by the next. `standing` tells what is there and
//! whether it gives way, `show` is the pull request itself.

mod show;
mod standing;

use crate::{
    backend::{BackendError, BackendErrorKind},
    clock::{Clock, Patience},
    decide::{Decision, Order},
    error::{Movement, PinError, Superseder},
    forge::{
        CommitError, GitForge,
        review::{self, BranchMove, ReviewForge},
    },
    git::{BranchName, Oid},
    guard::{self, GuardedCommit, Verdict},
    image::Digest,
    pin::Pinner,
    plan::PinPlan,
    receipt::{Proposal, Proposed},
    record::{Claim, Record, RunId},
    registry::Registry,
    request::PinRequest,
};
use std::{collections::BTreeSet, sync::Arc};

/// Proposes pins, with these backends.
///
/// ```no_run
/// # async fn f(proposer: pinlib::Proposer, request: pinlib::PinRequest) -> Result<(), pinlib::PinError> {
/// let proposal = proposer.propose(&request, pinlib::RunId::from([7; 16])).await?;
/// if let pinlib::Proposed::Review { review, .. } = &proposal.done {
///     println!("#{} asks for it", review.number);
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Proposer {
    pub registry: Arc<dyn Registry>,
    pub forge: Arc<dyn ReviewForge>,
    pub clock: Arc<dyn Clock>,
    pub patience: Patience,
    pub auto_merge: AutoMerge,
}

/// Who merges a proposal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoMerge {
    /// People do.
    #[default]
    Leave,
    /// The forge does, once its own rules are content.
    Enable,
}

/// One proposal under way.
struct Way<'a> {
    by: &'a Proposer,
    pinner: Pinner,
    request: &'a PinRequest,
    /// The branch of the pull request: one for the same images in the same targets.
    own: BranchName,
    /// Where its commits are made.
    scratch: BranchName,
}

/// What became of one try.
enum Try {
    /// This pin stands on the proposal's branch, in a commit with this message.
    Placed(Oid, String),
    /// Somebody else came first.
    Raced,
    /// An answer was lost, of a step that nobody sees.
    Lost(BackendError),
}

impl Proposer {
    /// Opens a pull request that writes the images' digests, or brings the open one up to date.
    ///
    /// The branch is not written to. `Ok` means that the pull request asked for this pin at an instant of the run, or that
    /// the branch held the digests already. The policy held at the head that the pin's commit is built on; whether it still
    /// does when the pull request is merged, the rules of the branch decide.
    ///
    /// # Errors
    /// As [`Pinner::pin`]. A commit of somebody else's on the proposal's branch is `HeadMoved`; a pull request that asks for
    /// a newer pin, or one that somebody closed on this very pin, is `Superseded`.
    ///
    /// # Cancellation
    /// Dropped at any point, the same request again goes on from there.
    #[tracing::instrument(skip_all, fields(branch = %request.branch(), source = %request.source(), %run))]
    pub async fn propose(&self, request: &PinRequest, run: RunId) -> Result<Proposal, PinError> {
        let way = Way::new(self, request)?;
        let (mut resolved, mut lost, mut tries) = (None, None, 0);
        for wait in self.patience.waits() {
            way.pinner.wait(wait).await;
            tries += 1;
            // Under every policy on the branch's head: here no compare-and-swap on it will be the guard.
            let head = way.pinner.head(request.branch()).await?;
            let Decision { operation, images, snapshot, .. } =
                way.pinner.decide(Order::Pin(request), Some(head), resolved.take()).await?;
            let plan = PinPlan::new(operation, request, &images, snapshot)?;
            let (claim, proof) = (plan.claim().clone(), plan.proof());
            let proposal = |done, claim: &Claim, warnings| Proposal {
                done,
                branch: request.branch().clone(),
                claim: claim.clone(),
                proof,
                run,
                images: images.clone(),
                warnings,
            };
            let commit = match guard::judge(plan, run, self.clock.now()) {
                Ok(Verdict::Clear(commit)) => commit,
                Ok(Verdict::Nothing) => {
                    let (closed, warning) = way.retire(&claim, head, "the branch holds these digests").await;
                    let done = Proposed::AlreadyPinned { head, closed };
                    return Ok(proposal(done, &claim, warning.into_iter().collect()));
                }
                Err(error) => {
                    if let PinError::Superseded(newer @ Superseder::NewerPin { .. }) = &error {
                        way.retire(&claim, head, &newer.to_string()).await;
                    }
                    return Err(error);
                }
            };
            match way.place(&commit).await? {
                Try::Placed(oid, message) => {
                    let review = way.show(oid, &message).await?;
                    let (review, warning) = way.merge(review, oid).await;
                    let (parent, basis) = (commit.expected_head(), commit.basis().clone());
                    let (on, edits) = (way.own.clone(), commit.edits().to_vec());
                    let done = Proposed::Review { on, commit: oid, parent, basis, edits, review };
                    return Ok(proposal(done, &claim, warning.into_iter().collect()));
                }
                Try::Raced => lost = None,
                Try::Lost(error) => lost = Some(error),
            }
            resolved = Some(images);
        }
        Err(match lost {
            Some(source) => {
                BackendError::new(BackendErrorKind::Unavailable, format!("make the commit for {}", way.own))
                    .because(source.to_string())
                    .with_source(source)
                    .into()
            }
            None => PinError::HeadMoved {
                branch: way.own,
                expected: request.source(),
                actual: None,
                how: Movement::Raced { times: tries },
            },
        })
    }
}

impl<'a> Way<'a> {
    fn new(by: &'a Proposer, request: &'a PinRequest) -> Result<Self, PinError> {
        let name = name(request);
        let own = |name: &str| {
            review::own(request.branch(), name).map_err(|error| PinError::Invalid(error.to_string()))
        };
        let pinner = Pinner {
            registry: Arc::clone(&by.registry),
            forge: Arc::clone(&by.forge) as Arc<dyn GitForge>,
            clock: Arc::clone(&by.clock),
            patience: by.patience,
        };
        Ok(Self { by, pinner, request, own: own(&name)?, scratch: own(&format!("{name}.next"))? })
    }

    fn forge(&self) -> &dyn ReviewForge {
        &*self.by.forge
    }

    /// Brings the commit onto the proposal's branch, unless it is there.
    async fn place(&self, commit: &GuardedCommit) -> Result<Try, PinError> {
        let head = commit.expected_head();
        let standing = self.standing(&self.own, head).await?;
        if let Some((oid, message)) = standing.same(commit) {
            return Ok(Try::Placed(oid, message));
        }
        self.gives_way(&standing, &commit.record().claim, head).await?;
        let made = self.standing(&self.scratch, head).await?;
        let (oid, message) = match made.same(commit) {
            Some(same) => same,
            None => match self.make(commit, made.oid()).await {
                Ok(oid) => (oid, commit.message()),
                Err(error) => return not_seen(error),
            },
        };
        if self.swap(standing.oid(), oid, commit.record()).await? {
            return Ok(Try::Placed(oid, message));
        }
        // Best effort: the next proposal takes what is left there.
        let left = BranchMove { branch: self.scratch.clone(), from: Some(oid), to: None };
        self.forge().move_branches(&[left]).await.ok();
        Ok(Try::Raced)
    }

    /// Makes the commit on the scratch branch, wherever that stands.
    async fn make(&self, commit: &GuardedCommit, from: Option<Oid>) -> Result<Oid, CommitError> {
        let (branch, to) = (self.scratch.clone(), Some(commit.expected_head()));
        if from != to {
            self.forge().move_branches(&[BranchMove { branch: branch.clone(), from, to }]).await?;
        }
        self.forge().commit(&commit.clone().onto(branch)).await
    }

    /// Puts the commit on the proposal's branch and takes the scratch branch away, in one act, and follows that until its
    /// fate is known. Whether it is this run's.
    async fn swap(&self, from: Option<Oid>, to: Oid, record: &Record) -> Result<bool, PinError> {
        let moves = [
            BranchMove { branch: self.own.clone(), from, to: Some(to) },
            BranchMove { branch: self.scratch.clone(), from: Some(to), to: None },
        ];
        let mut doubt = None;
        for wait in self.by.patience.waits() {
            self.pinner.wait(wait).await;
            let Err(answer) = self.forge().move_branches(&moves).await else { return Ok(true) };
            match self.tip(&self.own).await {
                Ok(tip) if tip == Some(to) => return Ok(true),
                Ok(tip) if tip != from => return Ok(false),
                _ => {}
            }
            match answer {
                CommitError::Ambiguous(error) => doubt = Some(error),
                // It may be the echo of what landed before.
                _ if doubt.is_some() => {}
                CommitError::HeadMoved { .. } => return Ok(false),
                CommitError::NotLanded(error) => return Err(error.into()),
                CommitError::Rejected { rule, message } => return Err(PinError::Rejected { rule, message }),
            }
        }
        let Some(source) = doubt else { return Ok(false) };
        Err(PinError::Unknown {
            branch: self.own.clone(),
            key: record.claim.key(),
            run: record.run,
            expected: record.parent,
            seen: None,
            source,
        })
    }
}

/// An ambiguous answer to a step that nobody sees is no more than a failed try.
fn not_seen(error: CommitError) -> Result<Try, PinError> {
    match error {
        CommitError::Rejected { rule, message } => Err(PinError::Rejected { rule, message }),
        CommitError::HeadMoved { .. } => Ok(Try::Raced),
        CommitError::Ambiguous(error) => Ok(Try::Lost(error)),
        // A replica that has not seen the branch yet.
        CommitError::NotLanded(error) if error.kind() == BackendErrorKind::NotFound => Ok(Try::Lost(error)),
        CommitError::NotLanded(error) => Err(error.into()),
    }
}

/// What the branch of a proposal is called: the same for the same images in the same targets, whatever is written there.
fn name(request: &PinRequest) -> String {
    let pinned: BTreeSet<_> = request
        .images()
        .iter()
        .flat_map(|pin| pin.targets.iter().map(|target| format!("{} {target}", pin.image.name())))
        .collect();
    let key = Digest::of(pinned.into_iter().collect::<Vec<_>>().join("\n").as_bytes()).short();
    let first = request.images().iter().map(|pin| pin.image.repository()).min().unwrap_or_default();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let slug: String = first.rsplit('/').next().unwrap_or_default().chars().map(plain).collect();
    format!("{slug}-{}", key.chars().take(8).collect::<String>())
}
