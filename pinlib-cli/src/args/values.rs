//! Values that flags, variables and `pinlib.yaml` write the same way.

use anyhow::{Context as _, bail};
use clap::ValueEnum;
use pinlib::{Author, GitHubRepository, Person};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

/// Reads from YAML what reads from text.
macro_rules! by_text {
    ($type:ty) => {
        impl TryFrom<String> for $type {
            type Error = anyhow::Error;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }
    };
}

/// Where images run, as `staging`: a word of letters, digits, `-`, `_` and `.`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct EnvironmentName(String);

by_text!(EnvironmentName);

impl FromStr for EnvironmentName {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=63).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('-') {
            Ok(Self(text.to_owned()))
        } else {
            bail!("{text:?} is no name of an environment: want 1 to 63 letters, digits, -, _ and .")
        }
    }
}

impl fmt::Display for EnvironmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where the commit goes: a folder, `https://…`, `ssh://…`, `user@host:path` or `github:OWNER/NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) enum ForgePlace {
    Folder(PathBuf),
    Http(String),
    Ssh(String),
    GitHub(#[schemars(with = "String")] GitHubRepository),
}

by_text!(ForgePlace);

impl FromStr for ForgePlace {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Never quoted whole in an error: a URL may hold a login.
        let user_info = |rest: &str| {
            rest.split('/').next().and_then(|host| host.rsplit_once('@')).map(|(user, _)| user.to_owned())
        };
        match text.split_once("://") {
            Some(("http" | "https", rest)) if user_info(rest).is_some() => {
                bail!("a login does not belong into a URL: put it into PINLIB_TOKEN")
            }
            Some(("ssh", rest)) if user_info(rest).is_some_and(|user| user.contains(':')) => {
                bail!("a password does not belong into a URL: use a key")
            }
            Some(("http" | "https", _)) => Ok(Self::Http(text.to_owned())),
            Some(("ssh", _)) => Ok(Self::Ssh(text.to_owned())),
            Some(("file", path)) => Ok(Self::Folder(path.into())),
            Some((scheme, _)) => bail!(
                "{scheme:?} is no way to a repository: want a folder, https://, ssh://, user@host:path or github:OWNER/NAME"
            ),
            None if text.is_empty() => {
                bail!("want a folder, https://, ssh://, user@host:path or github:OWNER/NAME")
            }
            None => match text.split_once(':') {
                Some(("github", repository)) => Ok(Self::GitHub(repository.parse()?)),
                Some((host, _)) if !host.contains('/') => Ok(Self::Ssh(text.to_owned())),
                _ => Ok(Self::Folder(text.into())),
            },
        }
    }
}

impl fmt::Display for ForgePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => write!(f, "{}", path.display()),
            Self::Http(url) | Self::Ssh(url) => f.write_str(url),
            Self::GitHub(repository) => write!(f, "github:{repository}"),
        }
    }
}

/// A GitHub App: its client id, or its number, which YAML may hold as one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(from = "AppIdText")]
#[schemars(with = "AppIdText")]
pub(crate) struct AppId(pub(crate) String);

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum AppIdText {
    Number(u64),
    ClientId(String),
}

impl From<AppIdText> for AppId {
    fn from(text: AppIdText) -> Self {
        match text {
            AppIdText::Number(number) => Self(number.to_string()),
            AppIdText::ClientId(id) => Self(id),
        }
    }
}

impl FromStr for AppId {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.trim().into()))
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who is asked for digests: `oci`, `layout:DIR` or `none`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) enum RegistryPlace {
    #[default]
    Oci,
    Layout(PathBuf),
    None,
}

by_text!(RegistryPlace);

impl FromStr for RegistryPlace {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            None if text == "oci" => Ok(Self::Oci),
            None if text == "none" => Ok(Self::None),
            Some(("layout", folder)) if !folder.is_empty() => Ok(Self::Layout(folder.into())),
            _ => bail!("want oci, layout:DIR or none"),
        }
    }
}

impl fmt::Display for RegistryPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oci => f.write_str("oci"),
            Self::Layout(folder) => write!(f, "layout:{}", folder.display()),
            Self::None => f.write_str("none"),
        }
    }
}

/// Who the commits are by, as git writes it: `Name <email>`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct Committer(#[schemars(with = "String")] pub(crate) Person);

by_text!(Committer);

impl Default for Committer {
    /// One name on every machine, never git's own configuration: a pin is recognised by who made it.
    fn default() -> Self {
        Self(Person { name: "pinlib".into(), email: "pinlib@noreply.invalid".into() })
    }
}

impl FromStr for Committer {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let want = "want \"Name <email>\"";
        let (name, email) = text.strip_suffix('>').and_then(|text| text.split_once('<')).context(want)?;
        let person = Person { name: name.trim().to_owned(), email: email.trim().to_owned() };
        Ok(Self(Author::new(person, None)?.person().clone()))
    }
}

impl fmt::Display for Committer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// What commits are signed with: `ssh:KEYFILE`, `gpg` or `gpg:KEYID`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) enum Sign {
    Ssh(PathBuf),
    Gpg(Option<String>),
}

by_text!(Sign);

impl FromStr for Sign {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("ssh", key)) if !key.is_empty() => Ok(Self::Ssh(key.into())),
            Some(("gpg", key)) if !key.is_empty() => Ok(Self::Gpg(Some(key.to_owned()))),
            None if text == "gpg" => Ok(Self::Gpg(None)),
            _ => bail!("want ssh:KEYFILE, gpg or gpg:KEYID"),
        }
    }
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh(key) => write!(f, "ssh:{}", key.display()),
            Self::Gpg(Some(key)) => write!(f, "gpg:{key}"),
            Self::Gpg(None) => f.write_str("gpg"),
        }
    }
}

/// A length of time: `90s`, `5m` or `1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
pub(crate) struct Time(#[schemars(with = "String")] pub(crate) Duration);

by_text!(Time);

/// The units of time, the longest first, in seconds.
const UNITS: [(char, u64); 3] = [('h', 3600), ('m', 60), ('s', 1)];

impl FromStr for Time {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = UNITS.iter().find_map(|(unit, seconds)| {
            text.strip_suffix(*unit)?.parse::<u32>().ok().map(|n| u64::from(n) * seconds)
        });
        Ok(Self(Duration::from_secs(seconds.context("want a time, as 90s, 5m or 1h")?)))
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.0.as_secs();
        let whole = UNITS.iter().find(|(_, seconds)| all.is_multiple_of(*seconds));
        whole.map_or(Ok(()), |(unit, seconds)| write!(f, "{}{unit}", all / seconds))
    }
}

/// A file or folder.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(crate) struct File(pub(crate) PathBuf);

impl FromStr for File {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.into()))
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.display())
    }
}

// A path is meant from somewhere: the current directory, or the folder of pinlib.yaml.
impl ForgePlace {
    #[must_use]
    pub(crate) fn meant_from(self, folder: &Path) -> Self {
        match self {
            Self::Folder(path) => Self::Folder(folder.join(path)),
            other => other,
        }
    }
}

impl RegistryPlace {
    #[must_use]
    pub(crate) fn meant_from(self, folder: &Path) -> Self {
        match self {
            Self::Layout(path) => Self::Layout(folder.join(path)),
            other => other,
        }
    }
}

impl Sign {
    #[must_use]
    pub(crate) fn meant_from(self, folder: &Path) -> Self {
        match self {
            Self::Ssh(key) => Self::Ssh(folder.join(key)),
            Self::Gpg(_) => self,
        }
    }
}

impl File {
    #[must_use]
    pub(crate) fn meant_from(self, folder: &Path) -> Self {
        Self(folder.join(self.0))
    }
}

/// When a branch that moved may still be written to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PolicyName {
    /// Never: the head must be the source commit.
    #[default]
    Exact,
    /// When everything since the source commit is a pin.
    PinsOnly,
    /// When nothing that the image is built from changed since the source commit.
    Inputs,
}

/// What must tie the digest to the source commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EvidenceName {
    /// Nothing.
    #[default]
    None,
    /// The label `org.opencontainers.image.revision`, on every platform.
    Label,
    /// The provenance that `BuildKit` puts into the index, for every platform.
    Provenance,
    /// A signed attestation by a signer that is named.
    Attestation,
}

/// How a pin comes to its branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Via {
    /// By a commit on it.
    #[default]
    Commit,
    /// By a pull request, on GitHub: for those whom the branch's rules let in by no other way.
    PullRequest,
}

/// Names of a closed set print and parse as clap shows them.
macro_rules! by_name {
    ($type:ty) => {
        impl FromStr for $type {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                ValueEnum::from_str(text, false)
            }
        }
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.to_possible_value().map_or(Ok(()), |value| f.write_str(value.get_name()))
            }
        }
    };
}

by_name!(PolicyName);
by_name!(EvidenceName);

by_name!(Via);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_one_unit_and_are_told_in_the_longest() {
        for (text, seconds, told) in
            [("90s", 90, "90s"), ("300s", 300, "5m"), ("120m", 7200, "2h"), ("0s", 0, "0h")]
        {
            let time: Time = text.parse().expect(text);
            assert_eq!((time.0, time.to_string().as_str()), (Duration::from_secs(seconds), told));
        }
        for text in ["", "5", "m", "-5m", "1.5h", "5 m", "1h30m", "99999999999s"] {
            assert!(text.parse::<Time>().is_err(), "{text}");
        }
    }
}
