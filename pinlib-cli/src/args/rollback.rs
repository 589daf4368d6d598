//! `pinlib rollback`.

use super::{
    Progress,
    pin::order,
    request::{Place, PlaceArgs, Scope, Told, missing},
};
use crate::{
    args::values::RegistryPlace,
    backends::{self, Backends},
    exit::Ending,
    failure::Failure,
    output::{Screen, v1},
    surroundings::Surroundings,
};
use pinlib::{Former, OidPrefix, Order, ReleaseRequest, RollbackRequest};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib rollback --image web\n\
    \x20 pinlib rollback --image web --to 8e07d11c94a5\n\
    \x20 pinlib rollback --image web --release")]
pub(crate) struct Rollback {
    #[command(flatten)]
    place: PlaceArgs,
    /// The pin to go back to, by its commit; without it, the one before the one that stands
    #[arg(long, value_name = "COMMIT")]
    to: Option<OidPrefix>,
    /// Takes the hold of an earlier rollback back, so that pins come through again
    #[arg(long, conflicts_with = "to")]
    release: bool,
    /// Does everything but the commit
    #[arg(short = 'n', long)]
    dry_run: bool,
}

/// What is ordered.
enum Wish {
    Rollback(RollbackRequest),
    Release(ReleaseRequest),
}

impl Wish {
    fn order(&self) -> Order<'_> {
        match self {
            Self::Rollback(request) => Order::Rollback(request),
            Self::Release(request) => Order::Release(request),
        }
    }
}

impl Rollback {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let operation = if self.release { v1::Operation::Release } else { v1::Operation::Rollback };
        progress.body = operation.asked();
        let mut told = Told::default();
        let asked = self.wish(around, &mut told).await;
        told.show(screen);
        let (wish, backends) = asked?;
        order(wish.order(), &backends, self.dry_run, screen, progress).await
    }

    async fn wish(&self, around: &Surroundings, told: &mut Told) -> Result<(Wish, Backends), Failure> {
        let file = &self.place.file(around)?;
        let environment = self.place.environment(file, around, told)?;
        let scope = Scope::With(environment.as_ref());
        let Place { branch, append_only, places } = self.place.settle(file, scope, around, told)?;
        let branch = branch.ok_or_else(|| missing("the branch", "branch"))?;
        let images = self.place.placements(&file.config, scope)?;
        if let ([(first, _), (second, _), ..], false) = (&images[..], self.place.names_images()) {
            let (first, second) = (first.written_name(), second.written_name());
            return Err(Failure::usage(format!(
                "which image is meant: {first}, {second}, or more of pinlib.yaml?"
            ))
            .with_hint(format!("give --image {first}")));
        }
        let known = self.place.known(&file.config, &images, scope)?;
        let declared = matches!(places.connect.registry, RegistryPlace::None);
        let asked: Vec<_> =
            if self.release { Vec::new() } else { images.iter().map(|(image, _)| image).collect() };
        let backends = backends::open(&places, &asked, around).await?;
        let wish = if self.release {
            Wish::Release(ReleaseRequest { branch, images, append_only })
        } else {
            let to = self.to.clone().map_or(Former::Before, Former::Commit);
            Wish::Rollback(RollbackRequest { branch, images, to, known, declared, append_only })
        };
        Ok((wish, backends))
    }
}
