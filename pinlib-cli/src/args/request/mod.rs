//! What `pin` and `plan` ask for: flags, environment, `pinlib.yaml` and CI become one request of the library.

mod digests;
mod pins;

use super::{
    choose::{Choice, Chooser},
    connect::ConnectArgs,
    image::ImageArg,
    target::TargetKeys,
    values::{AppId, Committer, EvidenceName, ForgePlace, PolicyName, Sign, Time},
};
use crate::{
    backends::{self, Backends, Places},
    ci,
    config::{self, Found},
    failure::Failure,
    output::Screen,
    surroundings::Surroundings,
};
use pinlib::{BranchName, EvidenceRule, ImagePin, Oid, PinOptions, PinRequest, Reference, Wait};
use std::path::PathBuf;

/// So often a pin that waits is decided where nobody says how often.
const TRIES: u32 = 30;

/// What to pin, where, and under which guard.
#[derive(Debug, clap::Args)]
pub(crate) struct RequestArgs {
    #[arg(
        long = "image",
        value_name = "IMAGE",
        help = "An image: NAME[=NEWNAME][:TAG][@DIGEST], the digest as the build reported it; without one, what the tag \
                names now. Without --image: every image of pinlib.yaml"
    )]
    images: Vec<ImageArg>,
    /// The images and digests that a build reported, in place of --image: a build matrix's JSON, metadata of docker buildx
    /// build or bake, the lines of ko, a lock file of kbld, or build artifacts of skaffold; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with = "images")]
    digests: Vec<PathBuf>,
    /// With --digests: leaves out the images that pinlib.yaml does not list
    #[arg(long, requires = "digests", conflicts_with = "targets")]
    skip_unlisted: bool,
    #[arg(
        long = "target",
        value_name = "KIND:PATH[#SITE]",
        help = "A file that names the images: kustomization:PATH[#NAME], workload:PATH[#CONTAINER], \
                helm:PATH[#/json/pointer], yaml:PATH#/json/pointer. Without --target: those of pinlib.yaml"
    )]
    targets: Vec<TargetKeys>,
    /// The commit that the images were built from
    #[arg(long, value_name = "OID")]
    source_commit: Option<Oid>,
    /// The branch to pin on
    #[arg(long)]
    branch: Option<BranchName>,
    /// The repository: a folder, https://…, ssh://…, user@host:path, or github:OWNER/NAME by GitHub's API. Without it,
    /// what pinlib.yaml or CI says, else the repository around the current directory
    #[arg(long, value_name = "PATH|URL")]
    forge: Option<ForgePlace>,
    /// With github:OWNER/NAME: the App that pins, by its client id or number; its key is `PINLIB_APP_KEY`
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
    /// The number of the App's installation: one request less
    #[arg(long, value_name = "N")]
    installation: Option<u64>,
    /// When a branch that moved since the source commit may still be written to
    #[arg(long)]
    policy: Option<PolicyName>,
    /// What must tie the digest to the source commit
    #[arg(long)]
    evidence: Option<EvidenceName>,
    /// Your word that the branch is never force-pushed: then one look settles a lost answer
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    append_only: Option<bool>,
    /// Lets another digest of the same source commit replace the one that stands
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    replace_rebuilt: Option<bool>,
    /// Goes on after lost races for so long, as 90s, 5m or 1h: each time it is decided anew, at the new head. For the
    /// policies pins-only and inputs
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = "5m")]
    wait: Option<Time>,
    /// With --wait: how often it is decided at most [default: 30]
    #[arg(long, value_name = "N")]
    tries: Option<u32>,
    /// With --target: keeps the tag before the digest
    #[arg(long, requires = "targets")]
    keep_tag: bool,
    /// With --target kustomization: adds the image's entry where it is missing
    #[arg(long, requires = "targets")]
    insert: bool,
    /// With --target: how many places of the image the file must have
    #[arg(long, requires = "targets", value_name = "N")]
    count: Option<usize>,
    #[arg(long, value_name = "IMAGE", help = "What must stand there before, as REPOSITORY[:TAG][@DIGEST]")]
    was: Option<Reference>,
    #[arg(
        long,
        value_name = "NAME <EMAIL>",
        help = "Who the commit is by [default: pinlib <pinlib@noreply.invalid>]"
    )]
    author: Option<Committer>,
    /// Signs the commit: ssh:KEYFILE, gpg or gpg:KEYID
    #[arg(long, value_name = "KEY")]
    sign: Option<Sign>,
    /// Pins on the branch that is checked out in a repository on this machine, whose files then lag behind
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    allow_checked_out: Option<bool>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// A request, and who carries it out.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) request: PinRequest,
    pub(crate) backends: Backends,
}

/// What a pin would be asked, without a commit to pin from.
#[derive(Debug)]
pub(crate) struct Survey {
    pub(crate) branch: BranchName,
    pub(crate) images: Vec<ImagePin>,
    pub(crate) backends: Backends,
}

/// Every value that has a flag, a variable, a key or a word of CI's, chosen.
struct Settled {
    file: Found,
    source: Option<Oid>,
    branch: Option<BranchName>,
    policy: PolicyArgs,
    places: Places,
}

struct PolicyArgs {
    name: PolicyName,
    evidence: EvidenceName,
    append_only: bool,
    replace_rebuilt: bool,
    wait: Wait,
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
        let Settled { file: Found { path, config }, source, branch, policy, places } =
            &self.settle(around, told)?;
        let images = self.images(config, &places.connect, around, told)?;
        let source = source.ok_or_else(|| {
            missing("the source commit, which the images were built from,", "source-commit")
        })?;
        let branch = branch.clone().ok_or_else(|| missing("the branch", "branch"))?;
        let options = PinOptions {
            policy: pins::policy_of(policy.name, config, path.as_deref(), &images)?,
            evidence: match policy.evidence {
                EvidenceName::None => EvidenceRule::None,
                EvidenceName::Label => EvidenceRule::Label,
            },
            known: self.known(config, &images)?,
            append_only: policy.append_only,
            replace_rebuilt: policy.replace_rebuilt,
            wait: policy.wait,
        };
        let request = PinRequest::new(source, branch, images, options)?;
        let backends = backends::open(places, request.images(), around).await?;
        Ok(Job { request, backends })
    }

    /// The same without a commit to pin from: what a pin would be asked, and who would be asked for it. Where nobody names
    /// images there are none, and the branch is `main` where nobody names another.
    pub(crate) async fn survey(&self, around: &Surroundings, told: &mut Told) -> Result<Survey, Failure> {
        let Settled { file: Found { config, .. }, branch, places, .. } = &self.settle(around, told)?;
        let any = !self.images.is_empty() || !self.digests.is_empty() || !config.images.is_empty();
        let images = if any { self.images(config, &places.connect, around, told)? } else { Vec::new() };
        let branch = match branch.clone() {
            Some(branch) => branch,
            None => "main".parse().map_err(|error| Failure::Defect(anyhow::Error::from(error)))?,
        };
        let backends = backends::open(places, &images, around).await?;
        Ok(Survey { branch, images, backends })
    }

    fn settle(&self, around: &Surroundings, told: &mut Told) -> Result<Settled, Failure> {
        let file = config::find(self.connect.config(), around)?;
        let config = &file.config;
        let build = ci::build(around);
        told.notes.extend(build.note);
        let mut chooser = Chooser::new(around, file.path.as_deref());

        let source = chooser.choose("source-commit", self.source_commit, None, build.source_commit)?;
        let branch = chooser.choose("branch", self.branch.clone(), config.branch.clone(), build.branch)?;
        let policy = chooser.choose("policy", self.policy, config.policy, None)?;
        let evidence = chooser.choose("evidence", self.evidence, config.evidence, None)?;
        let append_only = chooser.choose("append-only", self.append_only, config.append_only, None)?;
        let replace_rebuilt =
            chooser.choose("replace-rebuilt", self.replace_rebuilt, config.replace_rebuilt, None)?;
        let wait = chooser.choose("wait", self.wait, config.wait, None)?;
        let tries = chooser.choose("tries", self.tries, config.tries, None)?;
        let allow =
            chooser.choose("allow-checked-out", self.allow_checked_out, config.allow_checked_out, None)?;
        let author = chooser.choose("author", self.author.clone(), config.author.clone(), None)?;
        let sign = chooser.choose("sign", self.sign.clone(), config.sign.clone(), None)?;
        let forge = chooser.choose("forge", self.forge.clone(), config.forge.clone(), build.forge)?;
        let app = chooser.choose("app", self.app.clone(), config.app.clone(), None)?;
        let installation = chooser.choose("installation", self.installation, config.installation, None)?;
        let connect = self.connect.settle(&mut chooser, config, around)?;
        told.choices.append(&mut chooser.choices);

        if let (Some(ForgePlace::GitHub(_)), true) = (&forge, author.is_some() || sign.is_some()) {
            return Err(Failure::usage("GitHub itself says who its commits are by, and signs them").with_hint(
                "leave --author and --sign out, or pin over git: --forge https://github.com/OWNER/NAME.git",
            ));
        }
        let places = Places {
            forge: forge.map(|forge| forge.meant_from(around.folder())),
            app: app.map(|app| app.0),
            installation,
            author: author.unwrap_or_default(),
            sign: sign.map(|sign| sign.meant_from(around.folder())),
            allow_checked_out: allow.unwrap_or_default(),
            connect,
        };
        let policy = PolicyArgs {
            name: policy.unwrap_or_default(),
            evidence: evidence.unwrap_or_default(),
            append_only: append_only.unwrap_or_default(),
            replace_rebuilt: replace_rebuilt.unwrap_or_default(),
            wait: match (wait, tries) {
                (None, None) => Wait::default(),
                (Some(Time(time)), tries) => Wait { tries: tries.unwrap_or(TRIES), time },
                (None, Some(_)) => {
                    return Err(
                        Failure::usage("tries bounds a wait, and there is none").with_hint("give --wait")
                    );
                }
            },
        };
        Ok(Settled { file, source, branch, policy, places })
    }
}

fn missing(what: &str, key: &str) -> Failure {
    Failure::usage(format!("{what} is missing"))
        .with_hint(format!("give --{key}, or set PINLIB_{}", key.to_uppercase().replace('-', "_")))
}
