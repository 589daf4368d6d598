//! Who to be at a registry: docker's and podman's files and credential helpers, or what the caller gives.

use super::answer::clean;
use crate::image::Reference;
use docker_credential::{CredentialRetrievalError, DockerCredential};
use secrecy::SecretString;
use serde::{Deserialize, de::IgnoredAny};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
};

/// The longest login file that is read.
const LIMIT: usize = 1 << 20;
/// What docker calls its own registry in its files, and asks helpers for.
const HUB: &str = "https://index.docker.io/v1/";

/// Who to be, where a registry asks.
#[derive(Clone, Debug, Default)]
pub enum Logins {
    /// Who docker and podman are here: the files that the environment names, with their credential helpers.
    ///
    /// In this order: `$REGISTRY_AUTH_FILE`; `config.json` in `$DOCKER_CONFIG`, or in `~/.docker`; `containers/auth.json`
    /// in `$XDG_RUNTIME_DIR`, in `$XDG_CONFIG_HOME`, or in `~/.config`. The first that has a login for the registry
    /// counts.
    #[default]
    Docker,
    /// Nobody: a registry that asks is told no name.
    Anonymous,
    /// Who these files say, in docker's or podman's format, with their credential helpers; a file that is not there is
    /// an error.
    Files(Vec<PathBuf>),
    /// These.
    Given(Vec<RegistryLogin>),
}

/// A user of one registry.
#[derive(Clone, Debug)]
pub struct RegistryLogin {
    /// The registry, as references name it: `ghcr.io`, `localhost:5000`, `docker.io`.
    pub registry: String,
    /// The user.
    pub user: String,
    /// The password, or a token in its place.
    pub secret: SecretString,
}

/// What a registry or its token server is told.
#[derive(Clone, Debug)]
pub(super) enum Login {
    Password { user: String, secret: SecretString },
    Identity(SecretString),
}

impl Logins {
    /// The login for an image; none where nothing knows the registry. A file or a helper that fails is an error: the
    /// user meant to be somebody.
    pub(super) async fn find(&self, image: &Reference) -> Result<Option<Login>, String> {
        let files = match self {
            Self::Anonymous => return Ok(None),
            Self::Given(all) => {
                let ours = |login: &&RegistryLogin| same_registry(&login.registry, image.registry());
                return Ok(all.iter().find(ours).map(|login| Login::Password {
                    user: login.user.clone(),
                    secret: login.secret.clone(),
                }));
            }
            Self::Files(files) => files.clone(),
            Self::Docker => files(|name| std::env::var_os(name).filter(|value| !value.is_empty())),
        };
        let image = image.bare();
        // Files and helpers block.
        let found = tokio::task::spawn_blocking(move || {
            files.iter().find_map(|file| in_file(file, &image).transpose()).transpose()
        });
        found.await.map_err(|error| error.to_string())?
    }
}

fn same_registry(one: &str, other: &str) -> bool {
    let meant = |name: &str| format!("{name}/library/any").parse::<Reference>().ok();
    meant(one).zip(meant(other)).is_some_and(|(one, other)| one.same_image(&other))
}

/// The login files that an environment names. One that it names outright must be there, the others may be.
fn files(env: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let path = |name: &str| env(name).map(PathBuf::from);
    let at_home = |folder: &str| Some(path("HOME")?.join(folder));
    let docker =
        path("DOCKER_CONFIG").or_else(|| at_home(".docker")).map(|folder| folder.join("config.json"));
    let podman = [path("XDG_RUNTIME_DIR"), path("XDG_CONFIG_HOME").or_else(|| at_home(".config"))];
    let podman = podman.into_iter().flatten().map(|folder| folder.join("containers").join("auth.json"));
    let usual = docker.into_iter().chain(podman).filter(|file| file.exists());
    path("REGISTRY_AUTH_FILE").into_iter().chain(usual).collect()
}

/// The registries that a file knows; who they know there is `docker_credential`'s to read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::zero_sized_map_values, reason = "the shape of the file; what stands there is passed over")]
struct Known {
    #[serde(default)]
    auths: Option<BTreeMap<String, IgnoredAny>>,
    #[serde(default)]
    cred_helpers: Option<BTreeMap<String, IgnoredAny>>,
}

impl Known {
    /// The name under which a file knows an image's registry: podman's files may name a repository, or a part of its
    /// path, and Docker Hub has many names.
    fn name(&self, image: &Reference) -> String {
        let has = |name: &String| {
            [&self.auths, &self.cred_helpers].into_iter().flatten().any(|names| names.contains_key(name))
        };
        let path = image.name();
        let parents = path.match_indices('/').map(|(at, _)| path[..at].to_owned()).rev();
        let hub = image.registry() == "docker.io";
        let names = if hub { &[HUB, "index.docker.io"][..] } else { &[] };
        std::iter::once(path.clone())
            .chain(parents)
            .chain(names.iter().map(|name| (*name).to_owned()))
            .find(has)
            .unwrap_or_else(|| if hub { HUB.to_owned() } else { image.registry().to_owned() })
    }
}

fn in_file(path: &Path, image: &Reference) -> Result<Option<Login>, String> {
    let failed = |reason: &str| format!("{}: {reason}", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| failed(&error.to_string()))?;
    file.take(LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(|error| failed(&error.to_string()))?;
    if bytes.len() > LIMIT {
        return Err(failed("too long for a login file"));
    }
    // Where in the file is said, not what stands there.
    let broken = |error: serde_json::Error| {
        failed(&format!("not a login file: line {} column {}", error.line(), error.column()))
    };
    let name = serde_json::from_slice::<Known>(&bytes).map_err(broken)?.name(image);
    match docker_credential::get_credential_from_reader(&bytes[..], &name) {
        Ok(DockerCredential::UsernamePassword(user, secret)) => {
            Ok(Some(Login::Password { user, secret: secret.into() }))
        }
        Ok(DockerCredential::IdentityToken(token)) => Ok(Some(Login::Identity(token.into()))),
        Err(CredentialRetrievalError::NoCredentialConfigured) => Ok(None),
        // The one way in which helpers say that they have none; docker takes it for that as well.
        // https://github.com/docker/docker-credential-helpers/blob/master/credentials/error.go
        Err(CredentialRetrievalError::HelperFailure { stdout, .. })
            if stdout.trim() == "credentials not found in native keychain" =>
        {
            Ok(None)
        }
        // A helper says why on stdout, where a secret would stand otherwise: nothing of it is shown.
        Err(CredentialRetrievalError::HelperFailure { helper, stderr, .. }) => {
            let said = clean(stderr.lines().next().unwrap_or_default());
            Err(failed(format!("{} failed {said}", clean(&helper)).trim_end()))
        }
        Err(error) => Err(failed(&error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Under which name a file with these names knows an image.
    fn name(image: &str, auths: &[&str], helpers: &[&str]) -> String {
        let map =
            |names: &[&str]| names.iter().map(|name| ((*name).to_owned(), "")).collect::<BTreeMap<_, _>>();
        let file = serde_json::json!({"auths": map(auths), "credHelpers": map(helpers)}).to_string();
        serde_json::from_str::<Known>(&file).expect("a file").name(&image.parse().expect("an image"))
    }

    #[test]
    fn the_closest_name_in_a_file_counts() {
        let all = ["ghcr.io", "ghcr.io/acme", "ghcr.io/acme/app", "ghcr.io/acme/app/x", "ghcr.io/ac"];
        for known in (0..3).rev() {
            assert_eq!(name("ghcr.io/acme/app", &all[..=known], &[]), all[known]);
        }
        assert_eq!(name("ghcr.io/acme/app", &all, &[]), "ghcr.io/acme/app");
        assert_eq!(name("ghcr.io/acme/app", &all[3..], &[]), "ghcr.io");
        assert_eq!(name("ghcr.io/acme/app", &[], &["ghcr.io"]), "ghcr.io");
        assert_eq!(name("localhost:5000/app", &["localhost"], &[]), "localhost:5000");
        for hub in [HUB, "index.docker.io", "docker.io", "docker.io/library"] {
            assert_eq!(name("nginx", &[hub], &[]), hub);
            assert_eq!(name("nginx", &[], &[hub]), hub);
        }
        assert_eq!(name("nginx", &[], &[]), HUB, "what docker asks a store for");
    }

    #[test]
    fn a_registry_is_given_by_any_of_its_names() {
        for (one, other) in
            [("docker.io", "docker.io"), ("index.docker.io", "docker.io"), ("GHCR.io", "ghcr.io")]
        {
            assert!(same_registry(one, other), "{one} {other}");
        }
        for (one, other) in
            [("ghcr.io", "ghcr.io:443"), ("", "docker.io"), ("ghcr.io/acme", "ghcr.io"), ("io", "docker.io")]
        {
            assert!(!same_registry(one, other), "{one} {other}");
        }
    }
}
