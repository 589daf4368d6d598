//! The algorithm: resolve and read, plan, judge, land, and where the answer is not clear, look.

use crate::{
    backend::{BackendError, BackendErrorKind},
    clock::{Clock, Patience},
    decide::{Decision, Order},
    error::{Movement, PinError},
    forge::{CommitError, GitForge},
    git::{BranchName, Oid},
    guard::{self, GuardedCommit, Verdict},
    plan::{self, PinPlan},
    promote::PromoteRequest,
    read,
    receipt::{Done, Receipt},
    record::{Record, RunId},
    registry::Registry,
    request::PinRequest,
    resolve,
    resolved::ResolvedImage,
    rollback::{ReleaseRequest, RollbackRequest},
};
use futures_util::{FutureExt, StreamExt, TryFutureExt, TryStreamExt, future::BoxFuture, stream};
use std::{sync::Arc, time::Duration};

/// Pins, with these backends. The crate's first page pins with one.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Pinner {
    pub registry: Arc<dyn Registry>,
    pub forge: Arc<dyn GitForge>,
    pub clock: Arc<dyn Clock>,
    pub patience: Patience,
}

/// How one commit ended, for sure.
enum Fate {
    /// This run's commit is on the branch.
    Landed(Oid),
    /// At this head of the branch, every site holds its digest.
    Held(Oid),
    /// Neither, and it cannot come any more; the branch stands there, if that could be read.
    Lost(Option<Oid>),
}

/// What one look at the branch shows.
enum Look {
    /// This, for sure.
    Known(Fate),
    /// The branch stands where the pin would put itself, or the read was stale.
    Still,
    /// The branch went on from there without it.
    Past(Oid),
    /// The branch does not descend from there.
    Elsewhere(Oid),
}

/// An ambiguous commit is sent again at most this often, and only while the branch seems to stand still.
const RESENDS: u32 = 2;

/// A read before the commit is tried at most this often.
const READS: usize = 4;

/// So many images are resolved side by side.
const RESOLVED_AT_ONCE: usize = 8;

impl Pinner {
    /// Writes the images' digests to the branch, in one commit, where the policy allows it.
    ///
    /// # Errors
    /// Everything but "the digests are on the branch" is an error; see [`PinError`].
    ///
    /// # Cancellation
    /// Dropped at any point, a pin has landed whole or not at all, and the same request again finds out.
    #[tracing::instrument(skip_all, fields(branch = %request.branch(), source = %request.source(), %run))]
    pub async fn pin(&self, request: &PinRequest, run: RunId) -> Result<Receipt, PinError> {
        self.carry_out(Order::Pin(request), run).await
    }

    /// Goes back to a former pin and holds it, so that no pin touches the sites until they are released.
    ///
    /// # Errors
    /// As [`Pinner::pin`]; `NotFound` where there is no such pin, or the registry has its digest no more.
    ///
    /// # Cancellation
    /// As [`Pinner::pin`].
    #[tracing::instrument(skip_all, fields(branch = %request.branch, %run))]
    pub async fn rollback(&self, request: &RollbackRequest, run: RunId) -> Result<Receipt, PinError> {
        self.carry_out(Order::Rollback(request), run).await
    }

    /// Takes the holds of the images' sites back, and leaves their digests.
    ///
    /// # Errors
    /// As [`Pinner::pin`].
    ///
    /// # Cancellation
    /// As [`Pinner::pin`].
    #[tracing::instrument(skip_all, fields(branch = %request.branch, %run))]
    pub async fn release(&self, request: &ReleaseRequest, run: RunId) -> Result<Receipt, PinError> {
        self.carry_out(Order::Release(request), run).await
    }

    /// Writes what another environment holds, where its record says what that was built from.
    ///
    /// # Errors
    /// As [`Pinner::pin`]; `NotFound` where no pin wrote what stands there.
    ///
    /// # Cancellation
    /// As [`Pinner::pin`].
    #[tracing::instrument(skip_all, fields(branch = %request.branch, %run))]
    pub async fn promote(&self, request: &PromoteRequest, run: RunId) -> Result<Receipt, PinError> {
        self.carry_out(Order::Promote(request), run).await
    }

    /// Does any of the four: decides at a head, commits, and where another commit came first decides again, within the
    /// bound.
    ///
    /// # Errors
    /// As [`Pinner::pin`].
    ///
    /// # Cancellation
    /// As [`Pinner::pin`].
    pub async fn carry_out(&self, order: Order<'_>, run: RunId) -> Result<Receipt, PinError> {
        let (began, mut decisions) = (self.clock.now(), 0);
        let mut decision = self.decide(order, None, None).await?;
        // Under `exact` the first head is A itself, which nobody has seen on the branch yet.
        let mut seen = !order.is_exact();
        loop {
            decisions += 1;
            let Decision { operation, request, images, snapshot } = decision;
            let plan = PinPlan::new(operation, &request, &images, snapshot)?;
            let (head, claim, proof) = (plan.snapshot().head(), plan.claim().clone(), plan.proof());
            let receipt = |done, commit| {
                let (branch, images) = (request.branch().clone(), images.clone());
                Receipt { done, branch, commit, claim, proof, run, decisions, images }
            };
            let already = Done::AlreadyPinned;
            let gone = self.clock.now().duration_since(began).unwrap_or_default();
            let pause = order.wait().pause(run, self.patience.pause, decisions, gone);
            let actual = match guard::judge(plan, run, self.clock.now())? {
                Verdict::Clear(commit) => match self.land(&request, &images, &commit, pause).await? {
                    Fate::Landed(oid) => {
                        let (parent, basis) = (commit.expected_head(), commit.basis().clone());
                        let edits = commit.edits().to_vec();
                        return Ok(receipt(Done::Pinned { parent, basis, edits }, oid));
                    }
                    Fate::Held(head) => return Ok(receipt(already, head)),
                    Fate::Lost(now) => now,
                },
                Verdict::Nothing if seen => return Ok(receipt(already, head)),
                Verdict::Nothing => match self.head(request.branch()).await? {
                    now if now == head => return Ok(receipt(already, head)),
                    now => Some(now),
                },
            };
            // Nothing is carried over to another head: it is read and judged from scratch. Under `exact` that can only
            // find the digests there, or the better reason why not.
            let lost = || PinError::HeadMoved {
                branch: request.branch().clone(),
                expected: order.source().unwrap_or(head),
                actual,
                how: Movement::Raced { times: decisions },
            };
            let Some(now) = actual.filter(|_| pause.is_some()) else { return Err(lost()) };
            decision = match self.decide(order, Some(now), Some(images)).await {
                Err(PinError::Backend(_)) => return Err(lost()),
                decided => decided?,
            };
            seen = true;
        }
    }

    /// What a pin, a rollback, a release or a promotion would do now, short of judging and doing it.
    ///
    /// # Errors
    /// What reading and planning meet.
    #[tracing::instrument(skip_all)]
    pub async fn plan<'a>(&self, order: impl Into<Order<'a>>) -> Result<PinPlan, PinError> {
        let Decision { operation, request, images, snapshot } = self.decide(order.into(), None, None).await?;
        PinPlan::new(operation, &request, &images, snapshot)
    }

    /// Sends one commit and follows it until its fate is known.
    ///
    /// A look can be stale; the compare-and-swap cannot. So while the branch seems to stand still the same commit is sent
    /// again: two of them cannot both land on one line, since each is a child of the same head. After a lost race, the pause
    /// comes before the look, so that what is seen is fresh enough to decide on.
    #[tracing::instrument(skip_all, fields(expected_head = %commit.expected_head()))]
    async fn land(
        &self,
        request: &PinRequest,
        images: &[ResolvedImage],
        commit: &GuardedCommit,
        pause: Option<Duration>,
    ) -> Result<Fate, PinError> {
        let answer = match self.forge.commit(commit).await {
            Ok(oid) => return Ok(Fate::Landed(oid)),
            Err(CommitError::NotLanded(error)) => return Err(error.into()),
            Err(answer) => answer,
        };
        // A typed refusal is believed once a look does not object: something on the way may have sent twice.
        let in_doubt = matches!(answer, CommitError::Ambiguous(_));
        if let (CommitError::HeadMoved { .. }, Some(pause)) = (&answer, pause) {
            self.wait(pause).await;
        }
        let (mut resends, mut lost) = (RESENDS, None);
        for wait in self.patience.waits() {
            self.wait(wait).await;
            match self.look(request, images, commit).await {
                Ok(Look::Known(fate)) => return Ok(fate),
                Ok(Look::Past(now)) if in_doubt && request.options().append_only => {
                    return Ok(Fate::Lost(Some(now)));
                }
                Ok(Look::Past(now) | Look::Elsewhere(now)) => {
                    lost = Some(now);
                    if !in_doubt {
                        break;
                    }
                }
                Ok(Look::Still) if in_doubt && resends > 0 => {
                    resends -= 1;
                    if let Ok(oid) = self.forge.commit(commit).await {
                        return Ok(Fate::Landed(oid));
                    }
                }
                Ok(Look::Still) if matches!(answer, CommitError::Rejected { .. }) => break,
                // A replica that lags, or a read that shows nothing: the next may.
                Ok(Look::Still) | Err(_) => {}
            }
        }
        match answer {
            CommitError::Ambiguous(source) => {
                let Record { claim, run, parent: expected, .. } = commit.record();
                Err(PinError::Unknown {
                    branch: commit.branch().clone(),
                    key: claim.key(),
                    run: *run,
                    expected: *expected,
                    seen: lost,
                    source,
                })
            }
            CommitError::Rejected { rule, message } => Err(PinError::Rejected { rule, message }),
            CommitError::NotLanded(_) | CommitError::HeadMoved { .. } => Ok(Fate::Lost(lost)),
        }
    }

    /// Reads the head once, and asks only about that head: is my commit in it? Does every site hold its digest there?
    #[tracing::instrument(skip_all)]
    async fn look(
        &self,
        request: &PinRequest,
        images: &[ResolvedImage],
        commit: &GuardedCommit,
    ) -> Result<Look, PinError> {
        let (forge, expected) = (&*self.forge, commit.expected_head());
        let head = forge.head(commit.branch()).await?;
        if head == expected {
            return Ok(Look::Still);
        }
        let since = read::since(forge, expected, head).await?;
        let run = commit.record().run.to_string();
        let descends = since.is_some();
        let mine: Vec<_> = since.into_iter().flatten().filter(|fact| fact.message.contains(&run)).collect();
        // Whoever quotes this run has seen its commit: that it never landed is then not shown.
        let beyond = if descends && mine.is_empty() { Look::Past(head) } else { Look::Elsewhere(head) };
        if !mine.is_empty() {
            let examined = read::examine(forge, &forge.identity().await?, &request.known(), mine).await?;
            let by_me = |pin: &Record| pin.run == commit.record().run;
            if let Some(pin) = examined.into_iter().find(|passed| passed.pin.as_ref().is_some_and(by_me)) {
                return Ok(Look::Known(Fate::Landed(pin.fact.oid)));
            }
        }
        let mut files = read::files_and_holds(forge, request, head).await?;
        let holds = files.pop().flatten();
        let done = plan::is_done(commit.record().claim.operation(), images, &files, holds.as_ref());
        Ok(if done { Look::Known(Fate::Held(head)) } else { beyond })
    }

    pub(crate) async fn resolve(&self, request: &PinRequest) -> Result<Vec<ResolvedImage>, PinError> {
        let (source, rule) = (request.source(), &request.options().evidence);
        let mut resolving: Vec<BoxFuture<'_, _>> = Vec::new();
        for pin in request.images() {
            let one = self.patiently(move || resolve::verify(&*self.registry, pin, source, rule).boxed());
            resolving.push(one.boxed());
        }
        stream::iter(resolving).buffered(RESOLVED_AT_ONCE).try_collect().await
    }

    pub(crate) async fn head(&self, branch: &BranchName) -> Result<Oid, PinError> {
        self.patiently(|| self.forge.head(branch).map_err(PinError::from).boxed()).await
    }

    /// Repeats a read while the failure may pass, within the bound, and never sooner than the server asked for.
    pub(crate) async fn patiently<'a, T>(
        &self,
        mut read: impl FnMut() -> BoxFuture<'a, Result<T, PinError>> + Send,
    ) -> Result<T, PinError> {
        let mut waits = self.patience.waits().take(READS).skip(1);
        loop {
            let error = match read().await {
                Err(PinError::Backend(error)) if may_pass(&error) => error,
                done => return done,
            };
            let asked = error.retry_after().unwrap_or_default();
            match waits.next() {
                Some(wait) if asked <= self.patience.longest => self.wait(wait.max(asked)).await,
                _ => return Err(error.into()),
            }
        }
    }

    pub(crate) async fn wait(&self, time: Duration) {
        if !time.is_zero() {
            self.clock.sleep(time).await;
        }
    }
}

/// A thing that is not there may come only where the backend says so, as a registry does just after a push.
fn may_pass(error: &BackendError) -> bool {
    match error.kind() {
        BackendErrorKind::RateLimited | BackendErrorKind::Unavailable => true,
        BackendErrorKind::NotFound => error.retry_after().is_some(),
        _ => false,
    }
}
