//! What every command that works on a branch shares: which images, in which files, of which repository, and as whom.

use super::{Scope, Told};
use crate::{
    args::{
        choose::Chooser,
        connect::ConnectArgs,
        forge::{Forge, ForgeArgs, Own},
        image::ImageArg,
        target::TargetKeys,
        values::{Committer, EnvironmentName, ForgePlace, Sign, Via},
    },
    backends::Places,
    ci,
    config::{self, Found},
    failure::Failure,
    surroundings::Surroundings,
};
use pinlib::BranchName;

/// Which images, where, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct PlaceArgs {
    #[arg(
        long = "image",
        value_name = "IMAGE",
        help = "An image: NAME[=NEWNAME][:TAG][@DIGEST], the digest as the build reported it; without one, what the tag \
                names now. Without --image: every image of pinlib.yaml"
    )]
    pub(super) images: Vec<ImageArg>,
    #[arg(
        long = "target",
        value_name = "KIND:PATH[#SITE]",
        help = "A file that names the images: kustomization:PATH[#NAME], workload:PATH[#CONTAINER], \
                helm:PATH[#/json/pointer], yaml:PATH#/json/pointer. Without --target: those of pinlib.yaml"
    )]
    pub(super) targets: Vec<TargetKeys>,
    /// The environment whose files are meant; files of no environment belong to each
    #[arg(long, value_name = "NAME", conflicts_with = "targets")]
    environment: Option<EnvironmentName>,
    #[command(flatten)]
    forge: ForgeArgs,
    /// Your word that the branch is never force-pushed: then one look settles a lost answer
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    append_only: Option<bool>,
    /// With --target: keeps the tag before the digest
    #[arg(long, requires = "targets")]
    pub(super) keep_tag: bool,
    /// With --target kustomization: adds the image's entry where it is missing
    #[arg(long, requires = "targets")]
    pub(super) insert: bool,
    /// With --target: how many places of the image the file must have
    #[arg(long, requires = "targets", value_name = "N")]
    pub(super) count: Option<usize>,
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

/// The values of a place, chosen.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) branch: Option<BranchName>,
    pub(crate) append_only: bool,
    pub(crate) places: Places,
}

impl PlaceArgs {
    /// Reads `pinlib.yaml`.
    pub(crate) fn file(&self, around: &Surroundings) -> Result<Found, Failure> {
        config::find(self.connect.config(), around)
    }

    /// The environment that a pin is for, where one is named.
    pub(crate) fn environment(
        &self,
        file: &Found,
        around: &Surroundings,
        told: &mut Told,
    ) -> Result<Option<EnvironmentName>, Failure> {
        // Files that the command line names belong to no environment.
        if !self.targets.is_empty() {
            return Ok(None);
        }
        let mut chooser = Chooser::new(around, file.path.as_deref());
        let named =
            chooser.choose("environment", self.environment.clone(), file.config.environment.clone(), None)?;
        told.choices.append(&mut chooser.choices);
        if let Some(name) = &named {
            file.config.knows(name)?;
        }
        Ok(named)
    }

    /// Settles where a scope's files are, and as whom they are written to.
    pub(crate) fn settle(
        &self,
        file: &Found,
        scope: Scope<'_>,
        around: &Surroundings,
        told: &mut Told,
    ) -> Result<Place, Failure> {
        let config = &file.config;
        let mut build = ci::build(around);
        told.notes.extend(build.note.take());
        let mut chooser = Chooser::new(around, file.path.as_deref());
        let keys = scope.environment().and_then(|name| config.environments.get(name)).cloned();
        // A flag means the one environment that is written to; of two, each is where it says.
        let own = Own { keys: keys.unwrap_or_default(), first: matches!(scope, Scope::Only(_)) };
        let Forge { branch, place, app, installation } =
            self.forge.settle(&mut chooser, config, own, build, around)?;
        let append_only = chooser.choose("append-only", self.append_only, config.append_only, None)?;
        let allow =
            chooser.choose("allow-checked-out", self.allow_checked_out, config.allow_checked_out, None)?;
        let author = chooser.choose("author", self.author.clone(), config.author.clone(), None)?;
        let sign = chooser.choose("sign", self.sign.clone(), config.sign.clone(), None)?;
        let connect = self.connect.settle(&mut chooser, config, around)?;
        told.choices.append(&mut chooser.choices);

        if let (Some(ForgePlace::GitHub(_)), true) = (&place, author.is_some() || sign.is_some()) {
            return Err(Failure::usage("GitHub itself says who its commits are by, and signs them").with_hint(
                "leave --author and --sign out, or pin over git: --forge https://github.com/OWNER/NAME.git",
            ));
        }
        let places = Places {
            forge: place,
            app,
            installation,
            author: author.unwrap_or_default(),
            sign: sign.map(|sign| sign.meant_from(around.folder())),
            allow_checked_out: allow.unwrap_or_default(),
            via: Via::default(),
            connect,
        };
        Ok(Place { branch, append_only: append_only.unwrap_or_default(), places })
    }
}
