//! `pinlib pin`.

use super::{
    Progress,
    plan::{look, survey},
    request::{Job, RequestArgs, Told},
};
use crate::{
    backends::Backends,
    exit::Ending,
    failure::Failure,
    output::{Screen, of_library, v1},
    surroundings::Surroundings,
};
use pinlib::{Order, PinError, RunId};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib pin --source-commit \"$SHA\" --image \"ghcr.io/acme/web@$DIGEST\"\n\
    \x20 pinlib pin --source-commit \"$SHA\" --digests metadata.json")]
pub(crate) struct Pin {
    #[command(flatten)]
    request: RequestArgs,
    /// Does everything but the commit, as plan does
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Pin {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let mut body = v1::Pin::default();
        let ended = if self.dry_run {
            let due = look(&self.request, around, screen, progress, &mut body).await;
            due.map(|due| if due { Ending::Due { told: false } } else { Ending::Clean })
        } else {
            pin(&self.request, around, screen, progress, &mut body).await
        };
        progress.body = v1::Body::Pin(Box::new(body));
        ended
    }
}

async fn pin(
    request: &RequestArgs,
    around: &Surroundings,
    screen: Screen,
    progress: &mut Progress,
    body: &mut v1::Pin,
) -> Result<Ending, Failure> {
    let Job { request, backends, proposer } = job(request, around, screen, progress, body).await?;
    let Some(proposer) = proposer else {
        return carry_out(Order::Pin(&request), &backends, screen, body).await;
    };
    let run = run_id()?;
    let proposal = ended(Box::pin(proposer.propose(&request, run)), run, &backends, screen, body).await?;
    of_library::proposal(&proposal, body);
    Ok(Ending::Pin(proposal.kind()))
}

/// Does what is ordered, or looks what would come of it, and tells.
pub(super) async fn order(
    order: Order<'_>,
    backends: &Backends,
    dry_run: bool,
    screen: Screen,
    progress: &mut Progress,
) -> Result<Ending, Failure> {
    let forge = Some(backends.pinner.forge.to_string());
    let mut body = v1::Pin { operation: of_library::operation(order), forge, ..v1::Pin::default() };
    progress.meter = backends.meter();
    let ended = if dry_run {
        let due = survey(order, backends, screen, &mut body).await;
        due.map(|due| if due { Ending::Due { told: false } } else { Ending::Clean })
    } else {
        carry_out(order, backends, screen, &mut body).await
    };
    progress.body = v1::Body::Pin(Box::new(body));
    ended
}

/// Does what is ordered, and notes what came of it.
async fn carry_out(
    order: Order<'_>,
    backends: &Backends,
    screen: Screen,
    body: &mut v1::Pin,
) -> Result<Ending, Failure> {
    let run = run_id()?;
    let receipt = ended(Box::pin(backends.pinner.carry_out(order, run)), run, backends, screen, body).await?;
    of_library::receipt(&receipt, body);
    Ok(Ending::Pin(receipt.kind()))
}

/// Waits for what this run does, gives back what was lent for it, and notes why there is no better end.
async fn ended<T>(
    work: impl Future<Output = Result<T, PinError>>,
    run: RunId,
    backends: &Backends,
    screen: Screen,
    body: &mut v1::Pin,
) -> Result<T, Failure> {
    body.run = Some(run.to_string());
    let done = screen.while_waiting(work).await;
    backends.close(screen).await;
    Ok(done.inspect_err(|error| of_library::refusal(error, body))?)
}

/// Settles the request, tells where its values came from, and notes what is known of it.
pub(super) async fn job(
    args: &RequestArgs,
    around: &Surroundings,
    screen: Screen,
    progress: &mut Progress,
    body: &mut v1::Pin,
) -> Result<Job, Failure> {
    let mut told = Told::default();
    let settled = args.job(around, &mut told).await;
    told.show(screen);
    let job = settled?;
    progress.meter = job.backends.meter();
    body.forge = Some(job.backends.pinner.forge.to_string());
    of_library::request(&job.request, body);
    Ok(job)
}

/// 128 bits of the system's randomness.
pub(super) fn run_id() -> Result<RunId, Failure> {
    let mut random = [0; 16];
    getrandom::fill(&mut random)
        .map_err(|error| Failure::Defect(anyhow::anyhow!("the system gives no random bytes: {error}")))?;
    Ok(random.into())
}
