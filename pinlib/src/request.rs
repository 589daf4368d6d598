//! What the caller wants, checked once.

use crate::{
    error::PinError,
    evidence::EvidenceRule,
    git::{BranchName, Oid, RepoPath},
    image::{Digest, Platform, Reference},
    manifest::ManifestEditor,
    wait::Wait,
};
use std::{collections::BTreeSet, fmt, sync::Arc};

/// A file and the editor that finds the sites in it.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where.
    pub path: RepoPath,
    /// How.
    pub editor: Arc<dyn ManifestEditor>,
    /// How many sites of the image there must be; without it, at least one.
    pub count: Option<usize>,
}

impl Target {
    /// A target with at least one site.
    pub fn new(path: RepoPath, editor: Arc<dyn ManifestEditor>) -> Self {
        Self { path, editor, count: None }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.editor, self.path)
    }
}

/// An image, and where it is written.
pub type Placement = (Reference, Vec<Target>);

/// Where the digest comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestSource {
    /// Ask the registry what the reference names now.
    Tag,
    /// The build reported it; the registry must hold it.
    Reported(Digest),
    /// The caller vouches for it; no registry is asked, and the receipt says so.
    Declared(Digest),
}

/// One image and where it goes.
#[derive(Clone, Debug)]
pub struct ImagePin {
    /// The image.
    pub image: Reference,
    /// How its digest is found.
    pub digest: DigestSource,
    /// Takes the manifest of this platform out of an index, instead of the index itself.
    pub platform: Option<Platform>,
    /// Where it is written.
    pub targets: Vec<Target>,
    /// What must stand there before, if the caller says so.
    pub was: Option<Reference>,
}

/// When a branch that moved since the source commit may still be written to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// Never.
    #[default]
    Exact,
    /// When everything since is recognised pins.
    PinsOnly,
    /// When nothing under these paths differs: what the image is built from, and the file that declares it.
    Inputs(Vec<RepoPath>),
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exact => "exact",
            Self::PinsOnly => "pins-only",
            Self::Inputs(_) => "inputs",
        })
    }
}

/// What may be left out of a request.
#[derive(Clone, Debug, Default)]
pub struct PinOptions {
    /// The guard.
    pub policy: Policy,
    /// The evidence.
    pub evidence: EvidenceRule,
    /// The other targets of the repository: a pin of a site that nobody knows is not recognised.
    pub known: Vec<Target>,
    /// The user's word that the branch only grows, so that one look past the expected head settles a lost answer.
    pub append_only: bool,
    /// Lets another digest of the same source commit replace the one that stands.
    pub replace_rebuilt: bool,
    /// How long to go on after lost races.
    pub wait: Wait,
}

/// Images built from one commit, to be written to one branch in one commit.
#[derive(Clone, Debug)]
pub struct PinRequest {
    source: Oid,
    branch: BranchName,
    images: Vec<ImagePin>,
    options: PinOptions,
}

impl PinRequest {
    /// Checks the request as a whole.
    ///
    /// # Errors
    /// `Invalid` when it names no image or no target, names one twice, asks for evidence without a registry or for an
    /// attestation by nobody in particular, names no inputs where the policy is `inputs`, or waits under `exact`, where no
    /// later head is ever right.
    pub fn new(
        source: Oid,
        branch: BranchName,
        images: Vec<ImagePin>,
        options: PinOptions,
    ) -> Result<Self, PinError> {
        let invalid = |text: &str| Err(PinError::Invalid(text.to_owned()));
        let mut seen: Vec<_> = images
            .iter()
            .flat_map(|i| i.targets.iter().map(move |t| (i.image.name(), t.to_string())))
            .collect();
        seen.sort();
        if images.is_empty() || images.iter().any(|image| image.targets.is_empty()) {
            return invalid("every pin needs an image and every image a target");
        }
        if seen.windows(2).any(|pair| pair[0] == pair[1]) {
            return invalid("an image is pinned twice in one target");
        }
        if let Some(objection) = options.evidence.objection() {
            return invalid(&objection);
        }
        if !options.evidence.is_none() && images.iter().any(|i| matches!(i.digest, DigestSource::Declared(_)))
        {
            return invalid(
                "evidence needs a registry: a digest that is only declared cannot be looked into",
            );
        }
        let split = |i: &ImagePin| i.platform.is_some() && matches!(i.digest, DigestSource::Declared(_));
        if images.iter().any(split) {
            return invalid(
                "a platform needs a registry: a digest that is only declared cannot be looked into",
            );
        }
        if matches!(&options.policy, Policy::Inputs(paths) if paths.is_empty()) {
            return invalid("the inputs policy needs to know the inputs");
        }
        if options.policy == Policy::Exact && options.wait != Wait::default() {
            return invalid(
                "waiting is for nothing under the policy exact: once the branch moved, no head is right",
            );
        }
        Ok(Self { source, branch, images, options })
    }
    /// The commit that the images were built from.
    pub fn source(&self) -> Oid {
        self.source
    }
    /// The branch.
    pub fn branch(&self) -> &BranchName {
        &self.branch
    }
    /// The images.
    pub fn images(&self) -> &[ImagePin] {
        &self.images
    }
    /// The rest.
    pub fn options(&self) -> &PinOptions {
        &self.options
    }
    pub(crate) fn paths(&self) -> Vec<RepoPath> {
        let paths = self.images.iter().flat_map(|image| &image.targets).map(|target| target.path.clone());
        paths.collect::<BTreeSet<_>>().into_iter().collect()
    }
    /// Every target by which a pin is recognised.
    pub(crate) fn known(&self) -> Vec<Target> {
        self.images.iter().flat_map(|image| &image.targets).chain(&self.options.known).cloned().collect()
    }
}
