//! `--target KIND:PATH[#SITE]`, and the same thing in `pinlib.yaml`.

use super::{image::ImageArg, values::EnvironmentName};
use anyhow::{Context as _, bail};
use pinlib::{HelmValues, Kustomization, ManifestEditor, PathEditor, Pointer, RepoPath, Target, Workload};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{str::FromStr, sync::Arc};

/// A file that names the image, and where in it. Exactly one of `kustomization`, `workload`, `helm` and `yaml`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(transform = one_kind)]
pub(crate) struct TargetKeys {
    /// A kustomization: the image's entry under `images`.
    #[schemars(with = "Option<String>")]
    pub(crate) kustomization: Option<RepoPath>,
    /// Anything with a pod template: each container of the image.
    #[schemars(with = "Option<String>")]
    pub(crate) workload: Option<RepoPath>,
    /// Helm values: each `image` of the image, or the one under `at`.
    #[schemars(with = "Option<String>")]
    pub(crate) helm: Option<RepoPath>,
    /// Any YAML or JSON: the value under `at`.
    #[schemars(with = "Option<String>")]
    pub(crate) yaml: Option<RepoPath>,
    /// With `kustomization`: the entry's `name`, where it is not the image's.
    pub(crate) name: Option<String>,
    /// With `kustomization`: adds the entry where it is missing.
    pub(crate) insert: Option<bool>,
    /// With `workload`: only the container of this name.
    pub(crate) container: Option<String>,
    /// With `helm` and `yaml`: the path of keys and list indexes.
    #[schemars(with = "Option<Vec<Step>>")]
    pub(crate) at: Option<Pointer>,
    /// Keeps the tag before the digest; without it the digest stands alone. A kustomization always keeps its `newTag`.
    pub(crate) keep_tag: Option<bool>,
    /// How many places of the image the file must have; without it, at least one.
    pub(crate) count: Option<usize>,
    /// The environment that the file belongs to; without it, every one.
    #[schemars(with = "Option<String>")]
    pub(crate) environment: Option<EnvironmentName>,
}

/// A step of `at`, for the schema alone.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its schema is used")]
enum Step {
    Index(usize),
    Key(String),
}

fn one_kind(schema: &mut schemars::Schema) {
    let required = |kind: &&str| serde_json::json!({ "required": [kind] });
    let kinds: Vec<_> = ["kustomization", "workload", "helm", "yaml"].iter().map(required).collect();
    schema.insert("oneOf".into(), kinds.into());
}

impl TargetKeys {
    /// The library's target, for this image.
    pub(crate) fn target(&self, image: &ImageArg) -> anyhow::Result<Target> {
        let Self { name, insert, container, at, count, .. } = self;
        let keep_tag = self.keep_tag.unwrap_or_default();
        let kinds = [
            ("kustomization", &self.kustomization),
            ("workload", &self.workload),
            ("helm", &self.helm),
            ("yaml", &self.yaml),
        ];
        let mut given = kinds.into_iter().filter_map(|(kind, path)| Some((kind, path.as_ref()?)));
        let (Some((kind, path)), None) = (given.next(), given.next()) else {
            bail!("a target wants exactly one of kustomization, workload, helm and yaml");
        };
        let belongs = [
            ("name", name.is_some(), kind == "kustomization"),
            ("insert", insert.is_some(), kind == "kustomization"),
            ("container", container.is_some(), kind == "workload"),
            ("at", at.is_some(), matches!(kind, "helm" | "yaml")),
            ("keep_tag", self.keep_tag.is_some(), kind != "kustomization"),
        ];
        if let Some((key, ..)) = belongs.iter().find(|(_, given, fits)| *given && !fits) {
            bail!("{key} means nothing in a {kind} target ({path})");
        }
        let editor: Arc<dyn ManifestEditor> = match kind {
            "kustomization" => Arc::new(Kustomization {
                name: name.clone().or_else(|| image.entry.clone()),
                insert: insert.unwrap_or_default().then(|| image.image.bare()),
            }),
            "workload" => Arc::new(Workload { container: container.clone(), keep_tag }),
            "helm" => Arc::new(HelmValues { at: at.clone().unwrap_or_default(), keep_tag }),
            _ => {
                let at = at
                    .clone()
                    .with_context(|| format!("which value of {path}? give `at`, or #/json/pointer"))?;
                Arc::new(PathEditor { at, keep_tag })
            }
        };
        Ok(Target { count: *count, ..Target::new(path.clone(), editor) })
    }
}

impl FromStr for TargetKeys {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let grammar = "want kustomization:PATH[#NAME], workload:PATH[#CONTAINER], helm:PATH[#/json/pointer] or \
                       yaml:PATH#/json/pointer";
        let (kind, rest) = text.split_once(':').context(grammar)?;
        let (path, site) = match rest.split_once('#') {
            Some((path, site)) => (path, Some(site)),
            None => (rest, None),
        };
        let path = Some(path.parse()?);
        let word = site.map(str::to_owned);
        let at = || site.map(str::parse).transpose();
        Ok(match kind {
            "kustomization" => Self { kustomization: path, name: word, ..Self::default() },
            "workload" => Self { workload: path, container: word, ..Self::default() },
            "helm" => Self { helm: path, at: at()?, ..Self::default() },
            "yaml" => Self { yaml: path, at: Some(at()?.context(grammar)?), ..Self::default() },
            _ => bail!(grammar),
        })
    }
}
