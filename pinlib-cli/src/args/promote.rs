//! `pinlib promote FROM TO`.

use super::{
    Progress,
    pin::carry_out,
    plan::survey,
    request::{Place, PlaceArgs, Scope, Told, missing},
    values::{EnvironmentName, EvidenceName, RegistryPlace},
};
use crate::{
    backends::{self, Backends},
    exit::Ending,
    failure::Failure,
    output::{Screen, v1},
    surroundings::Surroundings,
};
use pinlib::{EvidenceRule, Oid, Order, Origin, PinOptions, PromoteRequest};

#[derive(Debug, clap::Args)]
pub(crate) struct Promote {
    /// The environment whose digests are taken
    from: EnvironmentName,
    /// The environment that they are written to
    to: EnvironmentName,
    #[command(flatten)]
    place: PlaceArgs,
    /// Promotes what was pinned from this commit, as a release tag names it; without it, what stands
    #[arg(long, value_name = "OID")]
    source_commit: Option<Oid>,
    /// What must tie the digest to the commit that its record names
    #[arg(long)]
    evidence: Option<EvidenceName>,
    /// Lets another digest of the same source commit replace the one that stands
    #[arg(long)]
    replace_rebuilt: bool,
    /// Does everything but the commit
    #[arg(short = 'n', long)]
    dry_run: bool,
}

impl Promote {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let mut body = v1::Pin { operation: "promote".to_owned(), ..v1::Pin::default() };
        let ended = self.go(around, screen, progress, &mut body).await;
        progress.body = v1::Body::Pin(Box::new(body));
        ended
    }

    async fn go(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
        body: &mut v1::Pin,
    ) -> Result<Ending, Failure> {
        let mut told = Told::default();
        let asked = self.request(around, &mut told).await;
        told.show(screen);
        let (request, backends) = asked?;
        progress.meter = backends.meter();
        body.forge = Some(backends.pinner.forge.to_string());
        let order = Order::Promote(&request);
        if self.dry_run {
            let due = survey(order, &backends, screen, body).await?;
            return Ok(if due { Ending::Due { told: false } } else { Ending::Clean });
        }
        carry_out(order, &backends, screen, body).await
    }

    async fn request(
        &self,
        around: &Surroundings,
        told: &mut Told,
    ) -> Result<(PromoteRequest, Backends), Failure> {
        if self.from == self.to {
            return Err(Failure::usage(format!("{} cannot be promoted to itself", self.from)));
        }
        let file = &self.place.file(around)?;
        let config = &file.config;
        config.knows(&self.from)?;
        config.knows(&self.to)?;
        let (from, to) = (Scope::Only(&self.from), Scope::Only(&self.to));
        let images = self.place.placements(config, to)?;
        // Of each image that is written there, what stands here.
        let given = self.place.placed_as(&images, config, from)?;
        let here = self.place.settle(file, Some(&self.from), true, around, &mut Told::default())?;
        let Place { branch, append_only, places } =
            self.place.settle(file, Some(&self.to), true, around, told)?;
        let sources = self.place.settle(file, None, false, around, &mut Told::default())?;
        let asked: Vec<_> = images.iter().map(|(image, _)| image).collect();
        let mut backends = backends::open(&places, &asked, around).await?;
        let forge = backends.beside(&places, &here.places, around).await?;
        let sources = backends.beside(&places, &sources.places, around).await?;
        let branch = branch.ok_or_else(|| missing("the branch", "branch"))?;
        let options = PinOptions {
            evidence: match self.evidence.or(config.evidence).unwrap_or_default() {
                EvidenceName::None => EvidenceRule::None,
                EvidenceName::Label => EvidenceRule::Label,
            },
            known: self.place.known(config, &images, to)?,
            append_only,
            replace_rebuilt: self.replace_rebuilt,
            ..PinOptions::default()
        };
        let from = Origin {
            forge,
            branch: here.branch.ok_or_else(|| missing("the branch", "branch"))?,
            known: self.place.known(config, &given, from)?,
            images: given,
            sources,
        };
        let declared = matches!(places.connect.registry, RegistryPlace::None);
        let source = self.source_commit;
        Ok((PromoteRequest { from, branch, images, source, declared, options }, backends))
    }
}
