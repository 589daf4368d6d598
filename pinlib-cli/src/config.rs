//! `pinlib.yaml`: what does not change from build to build.

use crate::{
    args::{
        bundle::BundlePlace,
        image::ImageArg,
        target::TargetKeys,
        values::{
            AppId, Committer, EnvironmentName, EvidenceName, File, ForgePlace, PolicyName, RegistryPlace,
            Sign, Time, Via,
        },
    },
    failure::Failure,
    surroundings::Surroundings,
    text,
};
use pinlib::{BranchName, Platform, Reference, SourceRepository};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_saphyr::{Location, Spanned, UserMessageFormatter};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// The file's name.
pub(crate) const NAME: &str = "pinlib.yaml";
/// A longer file is not read.
const LIMIT: u64 = 1 << 20;

/// What does not change from build to build. Every key can be given by a flag or a `PINLIB_…` variable, which beat it.
/// Paths of this machine are meant from the file's folder.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "pinlib.yaml")]
pub(crate) struct Config {
    /// The branch that pins go to.
    #[schemars(with = "Option<String>")]
    pub(crate) branch: Option<BranchName>,
    /// The repository that pins go to: a folder, `https://…`, `ssh://…`, `user@host:path` or `github:OWNER/NAME`.
    pub(crate) forge: Option<ForgePlace>,
    /// The GitHub App that pins on `github:OWNER/NAME`: its client id, or its number.
    pub(crate) app: Option<AppId>,
    /// The number of the App's installation: one request less.
    pub(crate) installation: Option<u64>,
    /// Who is asked for digests: `oci`, `layout:DIR` or `none`.
    pub(crate) registry: Option<RegistryPlace>,
    /// When a branch that moved since the source commit may still be written to.
    pub(crate) policy: Option<PolicyName>,
    /// What must tie the digest to the source commit.
    pub(crate) evidence: Option<EvidenceName>,
    /// With `evidence`: the repository that source commits are of, as `https://HOST/PATH` or `github:OWNER/NAME`.
    #[schemars(with = "Option<String>")]
    pub(crate) source_repository: Option<SourceRepository>,
    /// With `evidence: attestation`: who must have signed: a workflow, as `OWNER/NAME/.github/workflows/FILE[@REF]`, or the
    /// identity in the certificate, whole.
    pub(crate) signer: Option<String>,
    /// Who knew that signer, as `https://accounts.google.com`; GitHub Actions for a workflow of github.com.
    pub(crate) issuer: Option<String>,
    /// In place of `signer`: the public key that must have signed, a PEM file.
    pub(crate) signing_key: Option<File>,
    /// Where attestations are looked for: `registry`, `github`, or files of one or many.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub(crate) bundles: Vec<BundlePlace>,
    /// Whose certificates and logs are believed, a JSON file; sigstore's and GitHub's own without one.
    pub(crate) trusted_root: Option<File>,
    /// Your word that the branch is never force-pushed: then one look settles a lost answer.
    pub(crate) append_only: Option<bool>,
    /// Lets another digest of the same source commit replace the one that stands.
    pub(crate) replace_rebuilt: Option<bool>,
    /// How a pin comes to its branch.
    pub(crate) via: Option<Via>,
    /// With `via: pull-request`: has GitHub merge it once the branch's rules are content.
    pub(crate) auto_merge: Option<bool>,
    /// How long a pin goes on after lost races, as `5m`: each time it is decided anew, at the new head.
    pub(crate) wait: Option<Time>,
    /// How often it is decided at most, within that time.
    pub(crate) tries: Option<u32>,
    /// Who the commits are by: `Name <email>`.
    pub(crate) author: Option<Committer>,
    /// What commits are signed with: `ssh:KEYFILE`, `gpg` or `gpg:KEYID`.
    pub(crate) sign: Option<Sign>,
    /// Lets a pin go to the branch that is checked out in a repository on this machine.
    pub(crate) allow_checked_out: Option<bool>,
    /// A PEM file of certificate authorities to trust beside the system's.
    pub(crate) ca: Option<File>,
    /// Hosts that may be spoken to without TLS, beside this machine itself.
    #[serde(default)]
    pub(crate) plain_http: Vec<String>,
    /// The environment that a pin writes where none is named: the first that an image comes to.
    #[schemars(with = "Option<String>")]
    pub(crate) environment: Option<EnvironmentName>,
    /// What is another in one environment than in the others.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, Environment>")]
    pub(crate) environments: BTreeMap<EnvironmentName, Environment>,
    /// The images, each with its targets.
    #[serde(default)]
    pub(crate) images: Vec<ImageKeys>,
}

/// Where an environment's files are, if not where all others are.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Environment {
    /// Its branch.
    #[schemars(with = "Option<String>")]
    pub(crate) branch: Option<BranchName>,
    /// Its repository.
    pub(crate) forge: Option<ForgePlace>,
}

/// An image and where it is named.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageKeys {
    /// The image, as `ghcr.io/acme/web`. With a tag, that is what a pin without `--image` resolves.
    #[schemars(with = "String")]
    pub(crate) name: Reference,
    /// Takes the manifest of this platform out of an index, as `linux/arm64`, instead of the index itself.
    #[schemars(with = "Option<String>")]
    pub(crate) platform: Option<Platform>,
    /// What the image is built from, for the policy `inputs`: files, and folders as `services/web/**`.
    #[serde(default)]
    pub(crate) inputs: Vec<String>,
    /// The files that name it.
    #[schemars(with = "Vec<TargetKeys>")]
    targets: Vec<Spanned<TargetKeys>>,
}

impl ImageKeys {
    pub(crate) fn targets(&self) -> impl Iterator<Item = &TargetKeys> {
        self.targets.iter().map(|target| &target.value)
    }
}

/// A file that was found, and where.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) path: Option<PathBuf>,
    pub(crate) config: Config,
}

/// Reads the file that was named, else the nearest one upwards from the current directory, else none.
pub(crate) fn find(named: Option<&Path>, around: &Surroundings) -> Result<Found, Failure> {
    let named = named.map(Path::to_owned).or_else(|| around.variable("PINLIB_CONFIG").map(PathBuf::from));
    let path = match named {
        Some(path) => Some(around.path(&path)),
        None => around.folder().ancestors().map(|folder| folder.join(NAME)).find(|path| path.is_file()),
    };
    match path {
        Some(path) => Ok(Found { config: read(&path)?, path: Some(path) }),
        None => Ok(Found::default()),
    }
}

fn read(path: &Path) -> Result<Config, Failure> {
    let text = text::read(std::fs::File::open(path), path, LIMIT)?;
    let folder = path.parent().unwrap_or(Path::new("."));
    parse(&text, &path.display().to_string()).map(|config| config.meant_from(folder))
}

fn parse(text: &str, path: &str) -> Result<Config, Failure> {
    let config: Config = serde_saphyr::from_str(text).map_err(|error| {
        Failure::usage(format!(
            "{path}{}: {}",
            error.location().map(place).unwrap_or_default(),
            reason(&error)
        ))
    })?;
    let wrong = |image: &ImageKeys, why: &str| Err(Failure::usage(format!("{path}: {}: {why}", image.name)));
    for (n, image) in config.images.iter().enumerate() {
        if image.name.digest().is_some() {
            return wrong(image, "a digest is given by --image, build by build");
        }
        if config.images[..n].iter().any(|other| other.name.same_image(&image.name)) {
            return wrong(image, "the image stands there twice");
        }
        let arg = ImageArg { entry: None, image: image.name.clone() };
        for Spanned { value, referenced, .. } in &image.targets {
            let wrong = |error| Failure::usage(format!("{path}{}: {error}", place(*referenced)));
            value.target(&arg).map_err(wrong)?;
        }
    }
    Ok(config)
}

fn place(at: Location) -> String {
    format!(":{}:{}", at.line(), at.column())
}

/// The first line of the message, without the place that it ends with.
fn reason(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    let line = text.lines().next().unwrap_or_default();
    line.rsplit_once(" at line ").map_or(line, |(reason, _)| reason).to_owned()
}

impl Config {
    /// Refuses the name of an environment that nothing here is in.
    pub(crate) fn knows(&self, name: &EnvironmentName) -> Result<(), Failure> {
        let named =
            self.images.iter().flat_map(ImageKeys::targets).filter_map(|target| target.environment.as_ref());
        let all: BTreeSet<_> = named.chain(self.environments.keys()).collect();
        if all.contains(name) {
            return Ok(());
        }
        let known: Vec<_> = all.into_iter().map(ToString::to_string).collect();
        let hint = if known.is_empty() {
            "give targets an `environment` in pinlib.yaml".to_owned()
        } else {
            format!("pinlib.yaml has {}", known.join(", "))
        };
        Err(Failure::usage(format!("there is no environment {name}")).with_hint(hint))
    }

    fn meant_from(self, folder: &Path) -> Self {
        Self {
            forge: self.forge.map(|forge| forge.meant_from(folder)),
            registry: self.registry.map(|registry| registry.meant_from(folder)),
            sign: self.sign.map(|sign| sign.meant_from(folder)),
            ca: self.ca.map(|ca| ca.meant_from(folder)),
            signing_key: self.signing_key.map(|key| key.meant_from(folder)),
            trusted_root: self.trusted_root.map(|root| root.meant_from(folder)),
            bundles: self.bundles.into_iter().map(|place| place.meant_from(folder)).collect(),
            environments: self
                .environments
                .into_iter()
                .map(|(name, Environment { branch, forge })| {
                    (name, Environment { branch, forge: forge.map(|forge| forge.meant_from(folder)) })
                })
                .collect(),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    fn error(text: &str) -> String {
        parse(text, "pinlib.yaml").expect_err("a refusal").to_string()
    }

    #[test]
    fn the_readme_s_file_is_read() {
        let text = "branch: main\nforge: https://git.example.com/acme/platform.git\nimages:\n  - name: ghcr.io/acme/ai\n\
                    \x20   targets:\n      - kustomization: a.yaml\n      - helm: b.yaml\n        at: [image]\n      - yaml: c.yaml\n\
                    \x20       at: [services, 0, image]\n";
        let config = parse(text, "pinlib.yaml").expect("a config");
        let at = config.images[0].targets[2].value.at.as_ref().map(ToString::to_string);
        assert_eq!(at.as_deref(), Some("/services/0/image"));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let image = "images:\n  - name: ghcr.io/acme/ai\n    targets:\n      - ";
        for (text, told) in [
            ("branch: main\nbranhc: x\n", "pinlib.yaml:2:1: unknown field `branhc`"),
            ("branch: 'a..b'\n", "pinlib.yaml:1:9: \"a..b\" is not a valid branch name: "),
            (&format!("{image}kustomisation: a\n"), "pinlib.yaml:4:9: unknown field `kustomisation`"),
            (&format!("{image}kustomization: ../a\n"), "pinlib.yaml:4:24: \"../a\" is not a valid path: "),
            ("policy: strict\n", "pinlib.yaml:1:9: unknown variant `strict`"),
            (
                "forge: https://u:secret@example.com/x.git\n",
                "pinlib.yaml:1:8: a login does not belong into a URL",
            ),
            ("branch: [\n", "pinlib.yaml:"),
            ("branch: main\nbranch: main\n", "pinlib.yaml:2:1: duplicate mapping key `branch`"),
            ("images: &a [*a]\n", "pinlib.yaml:1:13: "),
            ("registry: layout\n", "pinlib.yaml:1:11: want oci, layout:DIR or none"),
            (
                &format!("{image}workload: a\n        at: [b]\n"),
                "pinlib.yaml:4:9: at means nothing in a workload target",
            ),
            (
                &format!("{image}workload: a\n        helm: b\n"),
                "pinlib.yaml:4:9: a target wants exactly one of ",
            ),
            (&format!("{image}yaml: a\n"), "pinlib.yaml:4:9: which value of a? "),
            ("images: [{name: a@sha256:0, targets: []}]\n", "pinlib.yaml:1:17: "),
            ("images: [{name: a, targets: []}, {name: docker.io/library/a, targets: []}]\n", "twice"),
        ] {
            let error = error(text);
            assert!(error.contains(told) && !error.contains('\n') && !error.contains("secret"), "{error}");
        }
    }
}
