//! `pinlib promote FROM TO`.

use super::{
    Progress,
    choose::Chooser,
    evidence::EvidenceArgs,
    pin::order,
    request::{Place, PlaceArgs, Scope, Told, missing},
    values::{EnvironmentName, RegistryPlace},
};
use crate::{
    backends::{self, Backends},
    ci,
    exit::Ending,
    failure::Failure,
    output::{Screen, v1},
    surroundings::Surroundings,
};
use pinlib::{
    BranchName, GitForge, Oid, Order, Origin, PinOptions, Pinner, Placement, PromoteRequest, RunReport,
    RunRequest, Verifier,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib promote staging production --image web\n\
    \x20 pinlib promote staging production --source-commit \"$(git rev-parse v1.2.3^0)\"")]
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
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Takes only what is seen to run where FROM is: what `kubectl get pods,replicasets -o json` printed there; - reads
    /// standard input
    #[arg(long, value_name = "FILE")]
    running: Option<PathBuf>,
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
        progress.body = v1::Operation::Promote.asked();
        let mut told = Told::default();
        let asked = self.request(around, &mut told).await;
        told.show(screen);
        let (request, backends) = asked?;
        order(Order::Promote(&request), &backends, self.dry_run, screen, progress).await
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
        let here = self.place.settle(file, from, around, &mut Told::default())?;
        let Place { branch, append_only, places } = self.place.settle(file, to, around, told)?;
        let sources = self.place.settle(file, Scope::With(None), around, &mut Told::default())?;
        let asked: Vec<_> = images.iter().map(|(image, _)| image).collect();
        let mut backends = backends::open(&places, &asked, around).await?;
        let forge = backends.beside(&places, &here.places, around).await?;
        let sources = backends.beside(&places, &sources.places, around).await?;
        let branch = branch.ok_or_else(|| missing("the branch", "branch"))?;
        let mut chooser = Chooser::new(around, file.path.as_deref());
        let evidence = self.evidence.settle(&mut chooser, config, &ci::build(around), around)?;
        told.choices.append(&mut chooser.choices);
        let options = PinOptions {
            evidence: backends.evidence(evidence, around)?,
            known: self.place.known(config, &images, to)?,
            append_only,
            replace_rebuilt: self.replace_rebuilt,
            ..PinOptions::default()
        };
        let given_on = here.branch.ok_or_else(|| missing("the branch", "branch"))?;
        let running = match &self.running {
            Some(file) => Some(Arc::new(seen(file, &backends, &forge, &given_on, &given, around).await?)),
            None => None,
        };
        let from = Origin {
            forge,
            branch: given_on,
            known: self.place.known(config, &given, from)?,
            images: given,
            sources,
            running,
        };
        let declared = matches!(places.connect.registry, RegistryPlace::None);
        let source = self.source_commit;
        Ok((PromoteRequest { from, branch, images, source, declared, options }, backends))
    }
}

/// What was seen to run of the images that an environment gives, by what kubectl printed.
async fn seen(
    file: &Path,
    backends: &Backends,
    forge: &Arc<dyn GitForge>,
    branch: &BranchName,
    images: &[Placement],
    around: &Surroundings,
) -> Result<RunReport, Failure> {
    let cluster = Arc::new(backends::recorded(file, around)?);
    let Pinner { registry, clock, patience, .. } = backends.pinner.clone();
    let (commit, images) = (forge.head(branch).await?, images.to_vec());
    let request = RunRequest { commit, images, namespaces: Vec::new(), application: None };
    Ok(Verifier { cluster, registry, forge: Arc::clone(forge), clock, patience }.verify(&request).await?)
}
