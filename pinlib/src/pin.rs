//! The algorithm: resolve and read, plan, judge, land, and where the answer is not clear, look.

use crate::{
    backend::{BackendError, BackendErrorKind},
    clock::{Clock, Patience},
    error::{Movement, PinError},
    forge::{CommitError, GitForge},
    git::Oid,
    guard::{self, GuardedCommit, Verdict},
    plan::{self, PinPlan},
    read,
    receipt::{Done, Receipt},
    record::{Record, RunId},
    registry::Registry,
    request::{PinRequest, Policy},
    resolve,
    resolved::ResolvedImage,
    snapshot::Snapshot,
};
use futures_util::{
    FutureExt, StreamExt, TryFutureExt, TryStreamExt,
    future::{BoxFuture, join},
    stream,
};
use std::{sync::Arc, time::Duration};

/// Pins, with these backends.
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
        let (images, snapshot) = join(self.resolve(request), self.snapshot(request, None)).await;
        let (images, mut snapshot) = (images?, snapshot?);
        let (began, mut decisions) = (self.clock.now(), 0);
        // Under `exact` the first head is A itself, which nobody has seen on the branch yet.
        let mut seen = request.options().policy != Policy::Exact;
        loop {
            decisions += 1;
            let plan = PinPlan::new(request, &images, snapshot)?;
            let (head, claim, proof) = (plan.snapshot().head(), plan.claim().clone(), plan.proof());
            let receipt = |done, commit| {
                let (branch, images) = (request.branch().clone(), images.clone());
                Receipt { done, branch, commit, claim, proof, run, decisions, images }
            };
            let already = Done::AlreadyPinned;
            let actual = match guard::judge(plan, run, self.clock.now())? {
                Verdict::Clear(commit) => match self.land(request, &images, &commit).await? {
                    Fate::Landed(oid) => {
                        let (parent, basis) = (commit.expected_head(), commit.basis().clone());
                        let edits = commit.edits().to_vec();
                        return Ok(receipt(Done::Pinned { parent, basis, edits }, oid));
                    }
                    Fate::Held(head) => return Ok(receipt(already, head)),
                    Fate::Lost(now) => now,
                },
                Verdict::Nothing if seen => return Ok(receipt(already, head)),
                Verdict::Nothing => match self.head(request).await? {
                    now if now == head => return Ok(receipt(already, head)),
                    now => Some(now),
                },
            };
            // Nothing is carried over to another head: it is read and judged from scratch. Under `exact` that can only
            // find the digests there, or the better reason why not.
            let lost = || PinError::HeadMoved {
                branch: request.branch().clone(),
                expected: request.source(),
                actual,
                how: Movement::Raced { times: decisions },
            };
            let gone = self.clock.now().duration_since(began).unwrap_or_default();
            let pause = request.options().wait.pause(run, self.patience.pause, decisions, gone);
            let (Some(now), Some(pause)) = (actual, pause) else { return Err(lost()) };
            snapshot = match self.read_again(request, now, pause).await {
                Err(PinError::Backend(_)) => return Err(lost()),
                read => read?,
            };
            seen = true;
        }
    }

    /// What [`Pinner::pin`] would do now, short of judging and doing it.
    ///
    /// # Errors
    /// What reading and planning meet.
    #[tracing::instrument(skip_all)]
    pub async fn plan(&self, request: &PinRequest) -> Result<PinPlan, PinError> {
        let (images, snapshot) = join(self.resolve(request), self.snapshot(request, None)).await;
        PinPlan::new(request, &images?, snapshot?)
    }

    /// Sends one commit and follows it until its fate is known.
    ///
    /// A look can be stale; the compare-and-swap cannot. So while the branch seems to stand still the same commit is sent
    /// again: two of them cannot both land on one line, since each is a child of the same head.
    #[tracing::instrument(skip_all, fields(expected_head = %commit.expected_head()))]
    async fn land(
        &self,
        request: &PinRequest,
        images: &[ResolvedImage],
        commit: &GuardedCommit,
    ) -> Result<Fate, PinError> {
        let answer = match self.forge.commit(commit).await {
            Ok(oid) => return Ok(Fate::Landed(oid)),
            Err(CommitError::NotLanded(error)) => return Err(error.into()),
            Err(answer) => answer,
        };
        // A typed refusal is believed once a look does not object: something on the way may have sent twice.
        let in_doubt = matches!(answer, CommitError::Ambiguous(_));
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
        let files = read::files_at(forge, head, &request.paths()).await?;
        Ok(if plan::holds(&files, images) { Look::Known(Fate::Held(head)) } else { beyond })
    }

    async fn resolve(&self, request: &PinRequest) -> Result<Vec<ResolvedImage>, PinError> {
        let (source, rule) = (request.source(), request.options().evidence);
        let mut resolving: Vec<BoxFuture<'_, _>> = Vec::new();
        for pin in request.images() {
            let one = self
                .patiently(move || resolve::resolve_built_from(&*self.registry, pin, source, rule).boxed());
            resolving.push(one.boxed());
        }
        stream::iter(resolving).buffered(RESOLVED_AT_ONCE).try_collect().await
    }

    async fn snapshot(&self, request: &PinRequest, at: Option<Oid>) -> Result<Snapshot, PinError> {
        self.patiently(|| read::snapshot(&*self.forge, request, at).boxed()).await
    }

    /// Reads at the head that was just seen; after a pause, at the one that stands there by then.
    async fn read_again(
        &self,
        request: &PinRequest,
        seen: Oid,
        pause: Duration,
    ) -> Result<Snapshot, PinError> {
        let head = if pause.is_zero() {
            seen
        } else {
            self.wait(pause).await;
            self.head(request).await?
        };
        self.snapshot(request, Some(head)).await
    }

    async fn head(&self, request: &PinRequest) -> Result<Oid, PinError> {
        self.patiently(|| self.forge.head(request.branch()).map_err(PinError::from).boxed()).await
    }

    /// Repeats a read while the failure may pass, within the bound, and never sooner than the server asked for.
    async fn patiently<'a, T>(
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

    async fn wait(&self, time: Duration) {
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
