//! What must tie a digest to its source commit: what every command that asks for evidence shares.

use super::{
    bundle::BundlePlace,
    choose::Chooser,
    values::{EvidenceName, File},
};
use crate::{ci::Build, config::Config, failure::Failure, surroundings::Surroundings};
use pinlib::{AttestationRule, Attestations, EvidenceRule, Signer, SourceRepository, Trust};
use std::{path::Path, sync::Arc};

/// A longer key or trusted root is not read.
const LIMIT: u64 = 4 << 20;
/// Who knows the workflows of github.com.
const ACTIONS: &str = "https://token.actions.githubusercontent.com";
const GITHUB: &str = "https://github.com/";

/// What must tie the digest to the source commit, and who may say so.
#[derive(Debug, clap::Args)]
pub(crate) struct EvidenceArgs {
    /// What must tie the digest to the source commit
    #[arg(long)]
    evidence: Option<EvidenceName>,
    /// With --evidence: the repository that the source commit is of, by its address or as github:OWNER/NAME
    #[arg(long, value_name = "URL")]
    source_repository: Option<SourceRepository>,
    #[arg(
        long,
        value_name = "WORKFLOW|IDENTITY",
        conflicts_with = "signing_key",
        help = "With --evidence attestation: who must have signed: a workflow, as OWNER/NAME/.github/workflows/FILE[@REF], or \
                the identity in the certificate, whole"
    )]
    signer: Option<String>,
    /// With --signer: who knew the signer [default for a workflow of github.com: GitHub Actions]
    #[arg(long, value_name = "URL", conflicts_with = "signing_key")]
    issuer: Option<String>,
    /// With --evidence attestation, in place of --signer: the public key that must have signed, a PEM file
    #[arg(long, value_name = "FILE")]
    signing_key: Option<File>,
    /// With --evidence attestation: where attestations are looked for: registry, github, or a file of one or many
    /// [default: registry]
    #[arg(long, value_name = "registry|github|FILE")]
    bundle: Vec<BundlePlace>,
    /// With --evidence attestation: whose certificates and logs are believed, a JSON file [default: sigstore's and GitHub's own]
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<File>,
}

/// The same, settled.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    name: EvidenceName,
    repository: Option<SourceRepository>,
    signer: Option<Signer>,
    bundles: Vec<BundlePlace>,
    trust: Trust,
}

impl EvidenceArgs {
    pub(crate) fn settle(
        &self,
        chooser: &mut Chooser<'_>,
        config: &Config,
        build: &Build,
        around: &Surroundings,
    ) -> Result<Wanted, Failure> {
        let name = chooser.choose("evidence", self.evidence, config.evidence, None)?.unwrap_or_default();
        let given = self.source_repository.clone();
        // What CI says of itself holds for what a builder records. A label may name a mirror, and need not name anything.
        let recorded = matches!(name, EvidenceName::Provenance | EvidenceName::Attestation);
        let told = build.source_repository.clone().filter(|_| recorded);
        let repository =
            chooser.choose("source-repository", given, config.source_repository.clone(), told)?;
        let wanted = Wanted { name, repository, signer: None, bundles: Vec::new(), trust: Trust::default() };
        if name != EvidenceName::Attestation {
            return Ok(wanted);
        }
        let identity = chooser.choose("signer", self.signer.clone(), config.signer.clone(), None)?;
        let issuer = chooser.choose("issuer", self.issuer.clone(), config.issuer.clone(), None)?;
        let key =
            chooser.choose("signing-key", self.signing_key.clone(), config.signing_key.clone(), None)?;
        let root =
            chooser.choose("trusted-root", self.trusted_root.clone(), config.trusted_root.clone(), None)?;
        let here = |file: File| file.meant_from(around.folder()).0;
        let signer = match (identity, key) {
            // A flag for the one beats the file's word for the other.
            (Some(identity), None) => keyless(identity, issuer)?,
            (None, Some(key)) => Signer::Key { pem: read(&here(key))? },
            (Some(identity), Some(_)) if self.signer.is_some() => keyless(identity, issuer)?,
            (Some(_), Some(key)) if self.signing_key.is_some() => Signer::Key { pem: read(&here(key))? },
            (Some(_), Some(_)) => {
                return Err(Failure::usage("a signer is given and a signing key, and one can have signed"));
            }
            (None, None) => {
                return Err(Failure::usage("nothing says who must have signed the attestation")
                    .with_hint("give --signer OWNER/NAME/.github/workflows/FILE, or --signing-key FILE"));
            }
        };
        let trust = root.map(|root| read(&here(root))).transpose()?.map_or(Trust::Embedded, Trust::Roots);
        let bundles = if self.bundle.is_empty() { &config.bundles } else { &self.bundle };
        let bundles = match &bundles[..] {
            [] => vec![BundlePlace::Registry],
            some => some.iter().map(|place| place.clone().meant_from(around.folder())).collect(),
        };
        Ok(Wanted { signer: Some(signer), bundles, trust, ..wanted })
    }
}

impl Wanted {
    /// The repository that the attestations of GitHub's own API are asked for.
    pub(crate) fn repository(&self) -> Option<&SourceRepository> {
        self.repository.as_ref()
    }

    /// Whether nothing is asked for.
    pub(crate) fn is_none(&self) -> bool {
        self.name == EvidenceName::None
    }

    /// The rule, its places opened by who knows how.
    pub(crate) fn rule(
        self,
        open: impl FnMut(&BundlePlace) -> Result<Arc<dyn Attestations>, Failure>,
    ) -> Result<EvidenceRule, Failure> {
        let Self { name, repository, signer, bundles, trust } = self;
        Ok(match (name, signer) {
            (EvidenceName::None, _) => EvidenceRule::None,
            (EvidenceName::Label, _) => EvidenceRule::Label { repository },
            (EvidenceName::Provenance, _) => EvidenceRule::Provenance { repository },
            (EvidenceName::Attestation, None) => {
                return Err(Failure::usage("nothing says who must have signed the attestation"));
            }
            (EvidenceName::Attestation, Some(signer)) => {
                let repository = repository.ok_or_else(|| {
                    Failure::usage("the repository that the source commit is of is missing")
                        .with_hint("give --source-repository, or set PINLIB_SOURCE_REPOSITORY")
                })?;
                let sources = bundles.iter().map(open).collect::<Result<_, _>>()?;
                EvidenceRule::Attestation(AttestationRule { repository, signer, sources, trust })
            }
        })
    }
}

/// A signer by name. A workflow without a host is one of github.com.
fn keyless(text: String, issuer: Option<String>) -> Result<Signer, Failure> {
    let is_path = !text.contains("://") && text.contains("/.github/workflows/");
    let identity = if is_path { format!("{GITHUB}{text}") } else { text };
    let known = || identity.starts_with(GITHUB).then(|| ACTIONS.to_owned());
    let issuer = issuer.or_else(known).ok_or_else(|| {
        Failure::usage(format!("nothing says who knew the signer {identity}"))
            .with_hint("give --issuer, as https://accounts.google.com")
    })?;
    Ok(Signer::Keyless { issuer, identity })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    crate::text::read(std::fs::File::open(path), path, LIMIT).map(String::into_bytes)
}

#[cfg(test)]
mod tests {
    use super::keyless;
    use pinlib::Signer;

    #[test]
    fn a_workflow_of_github_is_known_by_github_and_nobody_else_is() {
        let of = |text: &str, issuer: Option<&str>| match keyless(text.into(), issuer.map(str::to_owned)) {
            Ok(Signer::Keyless { issuer, identity }) => Some((issuer, identity)),
            _ => None,
        };
        let (actions, other) =
            ("https://token.actions.githubusercontent.com".to_owned(), "https://ghes.test/_services/token");
        let workflow = "https://github.com/acme/app/.github/workflows/build.yml".to_owned();
        assert_eq!(
            of("acme/app/.github/workflows/build.yml", None),
            Some((actions.clone(), workflow.clone()))
        );
        assert_eq!(of(&workflow, None), Some((actions, workflow.clone())));
        assert_eq!(of(&workflow, Some(other)), Some((other.into(), workflow)));
        assert_eq!(of("me@acme.test", None), None);
        assert_eq!(of("https://github.com.evil.test/acme/app/.github/workflows/build.yml", None), None);
        assert_eq!(
            of("me@acme.test", Some("https://a.test")),
            Some(("https://a.test".into(), "me@acme.test".into()))
        );
    }
}
