//! Which branch of which repository, and as which App: what every command that asks a forge shares.

use super::{
    choose::Chooser,
    values::{AppId, ForgePlace},
};
use crate::{
    ci::Build,
    config::{Config, Environment},
    failure::Failure,
    surroundings::Surroundings,
};
use pinlib::BranchName;

/// Which branch of which repository, and as whom.
#[derive(Debug, clap::Args)]
pub(crate) struct ForgeArgs {
    /// The branch
    #[arg(long)]
    branch: Option<BranchName>,
    /// The repository: a folder, https://…, ssh://…, user@host:path, or github:OWNER/NAME by GitHub's API. Without it,
    /// what pinlib.yaml or CI says, else the repository around the current directory
    #[arg(long, value_name = "PATH|URL")]
    forge: Option<ForgePlace>,
    /// With github:OWNER/NAME: the App to ask as, by its client id or number; its key is `PINLIB_APP_KEY`
    #[arg(long, value_name = "ID")]
    app: Option<AppId>,
    /// The number of the App's installation: one request less
    #[arg(long, value_name = "N")]
    installation: Option<u64>,
}

/// The same, settled.
#[derive(Clone, Debug)]
pub(crate) struct Forge {
    pub(crate) branch: Option<BranchName>,
    pub(crate) place: Option<ForgePlace>,
    pub(crate) app: Option<String>,
    pub(crate) installation: Option<u64>,
}

/// What an environment says of itself, and whether that goes before flags: it always goes before the file's common keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Own {
    pub(crate) keys: Environment,
    pub(crate) first: bool,
}

impl ForgeArgs {
    pub(crate) fn settle(
        &self,
        chooser: &mut Chooser<'_>,
        config: &Config,
        own: Own,
        build: Build,
        around: &Surroundings,
    ) -> Result<Forge, Failure> {
        let Own { keys: Environment { branch, forge }, first } = own;
        let flag = self.branch.clone().filter(|_| !(first && branch.is_some()));
        let branch =
            chooser.choose("branch", flag, branch.or_else(|| config.branch.clone()), build.branch)?;
        let flag = self.forge.clone().filter(|_| !(first && forge.is_some()));
        let place = chooser.choose("forge", flag, forge.or_else(|| config.forge.clone()), build.forge)?;
        let app = chooser.choose("app", self.app.clone(), config.app.clone(), None)?;
        let installation = chooser.choose("installation", self.installation, config.installation, None)?;
        Ok(Forge {
            branch,
            place: place.map(|place| place.meant_from(around.folder())),
            app: app.map(|app| app.0),
            installation,
        })
    }
}

/// The branch that is meant where nobody names another.
pub(crate) fn main_branch() -> Result<BranchName, Failure> {
    "main".parse().map_err(|error| Failure::Defect(anyhow::Error::from(error)))
}
