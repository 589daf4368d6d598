//! What `pin` and `plan` ask for: flags, environment, `pinlib.yaml` and CI become one request of the library.

mod digests;
mod pins;
mod place;

pub(crate) use pins::{Scope, every_target, placed};
pub(crate) use place::{Place, PlaceArgs};

use super::{
    choose::{Choice, Chooser},
    evidence::EvidenceArgs,
    forge::main_branch,
    values::{PolicyName, Time, Via},
};
use crate::{
    backends::{self, Backends},
    ci,
    config::Found,
    failure::Failure,
    output::Screen,
    surroundings::Surroundings,
};
use pinlib::{
    AutoMerge, BranchName, DigestSource, ImagePin, Oid, PinOptions, PinRequest, Proposer, Reference, Wait,
};
use std::path::PathBuf;

/// So often a pin that waits is decided where nobody says how often.
const TRIES: u32 = 30;

/// What to pin, where, and under which guard.
#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    #[command(flatten)]
    place: PlaceArgs,
    /// The images and digests that a build reported, in place of --image: a build matrix's JSON, metadata of docker buildx
    /// build or bake, the lines of ko, a lock file of kbld, or build artifacts of skaffold; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "images")]
    digests: Vec<PathBuf>,
    /// With --digests: leaves out the images that pinlib.yaml does not list
    #[arg(long, requires = "digests", conflicts_with = "targets")]
    skip_unlisted: bool,
    /// The commit that the images were built from
    #[arg(long, value_name = "OID")]
    source_commit: Option<Oid>,
    /// When a branch that moved since the source commit may still be written to
    #[arg(long)]
    policy: Option<PolicyName>,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Lets another digest of the same source commit replace the one that stands
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    replace_rebuilt: Option<bool>,
    /// How the pin comes to the branch: pull-request opens one on GitHub, or brings the open one up to date
    #[arg(long)]
    via: Option<Via>,
    /// With --via pull-request: has GitHub merge it once the branch's rules are content
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    auto_merge: Option<bool>,
    /// Goes on after lost races for so long, as 90s, 5m or 1h: each time it is decided anew, at the new head. For the
    /// policies pins-only and inputs
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "5m")]
    wait: Option<Time>,
    /// With --wait: how often it is decided at most [default: 30]
    #[arg(long, value_name = "N")]
    tries: Option<u32>,
    #[arg(long, value_name = "IMAGE", help = "What must stand there before, as REPOSITORY[:TAG][@DIGEST]")]
    was: Option<Reference>,
}

/// A request, and who carries it out.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: PinRequest,
    pub(crate) backends: Backends,
    /// Who opens a pull request, where that is wanted.
    pub(crate) proposer: Option<Proposer>,
}

/// What a pin would be asked, without a commit to pin from.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) via: Via,
    pub(crate) branch: BranchName,
    pub(crate) images: Vec<ImagePin>,
    pub(crate) backends: Backends,
}

/// Where a job's values came from, and what was worth a word on the way.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) choices: Vec<Choice>,
    pub(crate) notes: Vec<String>,
}

impl Told {
    /// Tells whoever asks for details.
    pub(crate) fn show(&self, screen: Screen) {
        for choice in &self.choices {
            screen.choice(choice.what, &choice.value, &choice.from);
        }
        for note in &self.notes {
            screen.detail(note);
        }
    }
}

impl RequestArgs {
    /// Settles everything, and opens the backends. Nothing is asked of the user, and nothing read from the forge yet.
    pub(crate) async fn job(&self, around: &Surroundings, told: &mut Told) -> Result<Job, Failure> {
        let file = &self.place.file(around)?;
        let Found { path, config } = file;
        let build = ci::build(around);
        let mut chooser = Chooser::new(around, path.as_deref());
        let source =
            chooser.choose("source-commit", self.source_commit, None, build.source_commit.clone())?;
        let policy = chooser.choose("policy", self.policy, config.policy, None)?.unwrap_or_default();
        let evidence = self.evidence.settle(&mut chooser, config, &build, around)?;
        let replace_rebuilt =
            chooser.choose("replace-rebuilt", self.replace_rebuilt, config.replace_rebuilt, None)?;
        let via = chooser.choose("via", self.via, config.via, None)?.unwrap_or_default();
        let auto_merge = chooser.choose("auto-merge", self.auto_merge, config.auto_merge, None)?;
        let wait = match (
            chooser.choose("wait", self.wait, config.wait, None)?,
            chooser.choose("tries", self.tries, config.tries, None)?,
        ) {
            (None, None) => Wait::default(),
            _ if via == Via::PullRequest => {
                return Err(Failure::usage("a pull request does not wait for its branch to stand still")
                    .with_hint(
                        "leave --wait and --tries out: what it asks for is decided on the head as it stands",
                    ));
            }
            (Some(Time(time)), tries) => Wait { tries: tries.unwrap_or(TRIES), time },
            (None, Some(_)) => {
                return Err(Failure::usage("tries bounds a wait, and there is none").with_hint("give --wait"));
            }
        };
        told.choices.append(&mut chooser.choices);
        let environment = self.place.environment(file, around, told)?;
        let scope = Scope::With(environment.as_ref());
        let Place { branch, append_only, mut places } = self.place.settle(file, scope, around, told)?;
        places.via = via;

        let wanted = self.wanted(config, scope, around, told)?;
        let images = self.place.pins(&wanted, config, &places.connect, scope, self.was.as_ref())?;
        let source = source.ok_or_else(|| {
            missing("the source commit, which the images were built from,", "source-commit")
        })?;
        let branch = branch.ok_or_else(|| missing("the branch", "branch"))?;
        let placed: Vec<_> = images.iter().map(|pin| (pin.image.clone(), pin.targets.clone())).collect();
        let policy = pins::policy_of(policy, config, path.as_deref(), &images)?;
        let known = self.place.known(config, &placed, scope)?;
        let mut backends = backends::open(&places, &asked_for(&images), around).await?;
        let options = PinOptions {
            policy,
            evidence: backends.evidence(evidence, around)?,
            known,
            append_only,
            replace_rebuilt: replace_rebuilt.unwrap_or_default(),
            wait,
        };
        let request = PinRequest::new(source, branch, images, options)?;
        let auto_merge = if auto_merge == Some(true) { AutoMerge::Enable } else { AutoMerge::Leave };
        let proposer = match via {
            Via::Commit => None,
            Via::PullRequest => Some(backends.proposer(auto_merge)?),
        };
        Ok(Job { request, backends, proposer })
    }

    /// The same without a commit to pin from: what a pin would be asked, and who would be asked for it. Where nobody names
    /// images there are none, and the branch is `main` where nobody names another.
    pub(crate) async fn survey(&self, around: &Surroundings, told: &mut Told) -> Result<Survey, Failure> {
        let file = &self.place.file(around)?;
        let environment = self.place.environment(file, around, told)?;
        let scope = Scope::With(environment.as_ref());
        let Place { branch, mut places, .. } = self.place.settle(file, scope, around, told)?;
        let mut chooser = Chooser::new(around, file.path.as_deref());
        let via = chooser.choose("via", self.via, file.config.via, None)?.unwrap_or_default();
        told.choices.append(&mut chooser.choices);
        places.via = via;
        let images = if self.place.names_any(&file.config) || !self.digests.is_empty() {
            let wanted = self.wanted(&file.config, scope, around, told)?;
            self.place.pins(&wanted, &file.config, &places.connect, scope, self.was.as_ref())?
        } else {
            Vec::new()
        };
        let branch = branch.map_or_else(main_branch, Ok)?;
        let backends = backends::open(&places, &asked_for(&images), around).await?;
        Ok(Survey { via, branch, images, backends })
    }
}

/// The images whose digests the registry is asked for.
fn asked_for(images: &[ImagePin]) -> Vec<&Reference> {
    let declared = |pin: &&ImagePin| !matches!(pin.digest, DigestSource::Declared(_));
    images.iter().filter(declared).map(|pin| &pin.image).collect()
}

pub(crate) fn missing(what: &str, key: &str) -> Failure {
    Failure::usage(format!("{what} is missing"))
        .with_hint(format!("give --{key}, or set PINLIB_{}", key.to_uppercase().replace('-', "_")))
}
