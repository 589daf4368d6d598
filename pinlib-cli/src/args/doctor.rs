//! `pinlib doctor`: can this identity pin here? It only looks, and says what it could not see.

use super::{
    Progress,
    request::{RequestArgs, Survey, Told},
};
use crate::{
    doctor,
    exit::Ending,
    failure::Failure,
    output::{
        Screen,
        v1::{Body, Doctor as Rows, Health},
    },
    surroundings::Surroundings,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib doctor\n\
    \x20 pinlib doctor --forge github:acme/platform --via pull-request")]
pub(crate) struct Doctor {
    #[command(flatten)]
    request: RequestArgs,
}

impl Doctor {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let mut told = Told::default();
        let survey = self.request.survey(around, &mut told).await;
        told.show(screen);
        let survey = survey?;
        progress.meter = survey.backends.meter();
        let rows = screen.while_waiting(examine(&survey)).await;
        survey.backends.close(screen).await;
        let blocked = rows.iter().any(|row| row.health == Health::NotOk);
        progress.body = Body::Doctor(Rows { rows });
        Ok(if blocked { Ending::Blocked } else { Ending::Answered })
    }
}

async fn examine(survey: &Survey) -> Vec<crate::output::v1::Row> {
    let Survey { via, branch, images, backends } = survey;
    let mut targets: Vec<_> =
        images.iter().flat_map(|pin| &pin.targets).map(|target| target.path.clone()).collect();
    targets.sort();
    targets.dedup();
    let mut rows = doctor::forge(backends, *via, branch, &targets).await;
    rows.extend(doctor::registry(&*backends.pinner.registry, images).await);
    rows
}
