//! Where attestations are looked for, as `--bundle` and `pinlib.yaml` write it.

use anyhow::bail;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    path::{Path, PathBuf},
    str::FromStr,
};

/// Where attestations are looked for: `registry`, `github`, or a file.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) enum BundlePlace {
    Registry,
    GitHub,
    File(PathBuf),
}

impl TryFrom<String> for BundlePlace {
    type Error = anyhow::Error;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for BundlePlace {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "" => bail!("want registry, github or a file"),
            "registry" => Ok(Self::Registry),
            "github" => Ok(Self::GitHub),
            path => Ok(Self::File(path.into())),
        }
    }
}

impl BundlePlace {
    #[must_use]
    pub(crate) fn meant_from(self, folder: &Path) -> Self {
        match self {
            Self::File(path) => Self::File(folder.join(path)),
            other => other,
        }
    }
}
