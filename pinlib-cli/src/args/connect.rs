//! How to reach registries: what every command that asks one shares.

use super::{
    choose::Chooser,
    values::{File, RegistryPlace},
};
use crate::{config::Config, failure::Failure, surroundings::Surroundings};
use pinlib::Platform;
use std::path::{Path, PathBuf};

/// Which registry, and how to reach it.
#[derive(Debug, clap::Args)]
pub(crate) struct ConnectArgs {
    /// Who is asked for digests: oci, layout:DIR (an OCI image layout) or none (the digest is only declared, and the
    /// record says so)
    #[arg(long, value_name = "oci|layout:DIR|none")]
    registry: Option<RegistryPlace>,
    /// Takes the manifest of this platform out of an index, instead of the index itself
    #[arg(long, value_name = "OS/ARCH[/VARIANT]")]
    platform: Option<Platform>,
    #[command(flatten)]
    reach: ReachArgs,
}

/// How to reach any host, and where to read what is not given.
#[derive(Debug, clap::Args)]
pub(crate) struct ReachArgs {
    /// A PEM file of certificate authorities to trust beside the system's
    #[arg(long, value_name = "FILE")]
    ca: Option<File>,
    /// A host that may be spoken to without TLS, beside this machine itself
    #[arg(long, value_name = "HOST[:PORT]")]
    plain_http: Vec<String>,
    /// The file to read [default: the nearest pinlib.yaml upwards]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// The same, settled.
#[derive(Clone, Debug)]
pub(crate) struct Connect {
    pub(crate) registry: RegistryPlace,
    pub(crate) platform: Option<Platform>,
    pub(crate) ca: Option<PathBuf>,
    pub(crate) plain_http: Vec<String>,
}

impl ConnectArgs {
    pub(crate) fn config(&self) -> Option<&Path> {
        self.reach.config()
    }
    pub(crate) fn settle(
        &self,
        chooser: &mut Chooser<'_>,
        config: &Config,
        around: &Surroundings,
    ) -> Result<Connect, Failure> {
        let registry = chooser.choose("registry", self.registry.clone(), config.registry.clone(), None)?;
        let platform = chooser.choose("platform", self.platform.clone(), None, None)?;
        let reach = self.reach.settle(chooser, config, around)?;
        Ok(Connect { registry: registry.unwrap_or_default().meant_from(around.folder()), platform, ..reach })
    }
}

impl ReachArgs {
    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
    /// Settles it for who asks no registry.
    pub(crate) fn settle(
        &self,
        chooser: &mut Chooser<'_>,
        config: &Config,
        around: &Surroundings,
    ) -> Result<Connect, Failure> {
        let ca = chooser.choose("ca", self.ca.clone(), config.ca.clone(), None)?;
        let plain = if self.plain_http.is_empty() { &config.plain_http } else { &self.plain_http };
        Ok(Connect {
            registry: RegistryPlace::None,
            platform: None,
            ca: ca.map(|ca| ca.meant_from(around.folder()).0),
            plain_http: plain.clone(),
        })
    }
}
