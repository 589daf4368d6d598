//! `pinlib plan`.

use super::{
    Progress,
    pin::{job, run_id},
    request::{Job, RequestArgs},
};
use crate::{
    backends::Backends,
    exit::Ending,
    failure::Failure,
    output::{self, Screen, of_library, v1},
    surroundings::Surroundings,
};
use pinlib::{Clock as _, Movement, Order, PinError, PinPlan, Pinner, Policy, SystemClock, Verdict, judge};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib plan --source-commit \"$SHA\" --image \"ghcr.io/acme/web@$DIGEST\"\n\
    \x20 pinlib plan --image \"ghcr.io/acme/web@$DIGEST\" | git apply --check")]
pub(crate) struct Plan {
    #[command(flatten)]
    request: RequestArgs,
    /// Exits with 11 when changes are due
    #[arg(long)]
    exit_code: bool,
}

impl Plan {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let mut body = v1::Pin::default();
        let due = look(&self.request, around, screen, progress, &mut body).await;
        progress.body = v1::Body::Pin(Box::new(body));
        Ok(if due? { Ending::Due { told: self.exit_code } } else { Ending::Clean })
    }
}

/// Plans, and says whether anything would change. Whether the guard would let it pass is told, not decided: a plan is
/// asked for before its time as well.
pub(super) async fn look(
    args: &RequestArgs,
    around: &Surroundings,
    screen: Screen,
    progress: &mut Progress,
    body: &mut v1::Pin,
) -> Result<bool, Failure> {
    let Job { request, backends, .. } = job(args, around, screen, progress, body).await?;
    survey(Order::Pin(&request), &backends, screen, body).await
}

/// Plans what is ordered, and notes what would come of it.
pub(super) async fn survey(
    order: Order<'_>,
    backends: &Backends,
    screen: Screen,
    body: &mut v1::Pin,
) -> Result<bool, Failure> {
    let due = screen.while_waiting(planned(order, &backends.pinner, body)).await;
    backends.close(screen).await;
    due
}

async fn planned(order: Order<'_>, pinner: &Pinner, body: &mut v1::Pin) -> Result<bool, Failure> {
    let plan = pinner.plan(order).await?;
    of_library::plan(&plan, body);
    let due = !plan.is_empty();
    if due {
        body.objection = objection(plan, order, pinner).await?.map(|error| output::error(&error.into()));
    }
    Ok(due)
}

/// Why a pin would not land now, as far as reading tells.
async fn objection(plan: PinPlan, order: Order<'_>, pinner: &Pinner) -> Result<Option<PinError>, Failure> {
    let request = match (judge(plan, run_id()?, SystemClock.now()), order) {
        (Err(error), _) => return Ok(Some(error)),
        (Ok(Verdict::Clear(_)), Order::Pin(request)) if request.options().policy == Policy::Exact => request,
        (Ok(_), _) => return Ok(None),
    };
    // Under `exact` nobody has looked at the branch yet.
    Ok(match pinner.forge.head(request.branch()).await {
        Ok(head) if head == request.source() => None,
        Ok(head) => Some(PinError::HeadMoved {
            branch: request.branch().clone(),
            expected: request.source(),
            actual: Some(head),
            how: Movement::Raced { times: 1 },
        }),
        Err(error) => Some(error.into()),
    })
}
