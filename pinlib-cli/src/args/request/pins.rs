//! The images of a request, each with its targets, and what they are built from: by flags, else by `pinlib.yaml`.

use super::{
    PlaceArgs, RequestArgs, Told,
    digests::{self, Reported},
};
use crate::{
    args::{
        connect::Connect,
        image::ImageArg,
        target::TargetKeys,
        values::{EnvironmentName, PolicyName, RegistryPlace},
    },
    config::{Config, ImageKeys},
    failure::Failure,
    surroundings::Surroundings,
};
use pinlib::{DigestSource, ImagePin, Placement, Policy, Reference, RepoPath, Target};
use std::path::Path;

/// Whose targets are meant.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Scope<'a> {
    /// Those of an environment, and those of none.
    With(Option<&'a EnvironmentName>),
    /// Those of an environment alone.
    Only(&'a EnvironmentName),
}

impl Scope<'_> {
    /// The environment, where one is meant.
    pub(super) fn environment(&self) -> Option<&EnvironmentName> {
        match self {
            Self::With(chosen) => *chosen,
            Self::Only(chosen) => Some(chosen),
        }
    }
    fn takes(self, target: &TargetKeys) -> bool {
        match (self, &target.environment) {
            (Self::With(_), None) => true,
            (Self::With(chosen), Some(name)) => chosen == Some(name),
            (Self::Only(chosen), name) => name.as_ref() == Some(chosen),
        }
    }
}

impl PlaceArgs {
    /// Whether any image is named at all.
    pub(crate) fn names_any(&self, config: &Config) -> bool {
        !self.images.is_empty() || !config.images.is_empty()
    }

    /// The images that are meant: those of the command line; without any, those of the file that are written here.
    pub(crate) fn chosen(&self, config: &Config, scope: Scope<'_>) -> Result<Vec<ImageArg>, Failure> {
        let here = |keys: &&ImageKeys| {
            !matches!(scope, Scope::Only(_)) || keys.targets().any(|one| scope.takes(one))
        };
        let whole = || {
            config.images.iter().filter(here).map(|keys| ImageArg { entry: None, image: keys.name.clone() })
        };
        let args: Vec<_> = if self.images.is_empty() { whole().collect() } else { self.images.clone() };
        if args.is_empty() {
            return Err(Failure::usage("no image is given")
                .with_hint("give --image or --digests, or list images in pinlib.yaml"));
        }
        Ok(args)
    }

    /// The images, each with its targets and where its digest comes from.
    pub(crate) fn pins(
        &self,
        args: &[ImageArg],
        config: &Config,
        connect: &Connect,
        scope: Scope<'_>,
        was: Option<&Reference>,
    ) -> Result<Vec<ImagePin>, Failure> {
        if was.is_some() && args.len() > 1 {
            return Err(Failure::usage("--was means one image, and there are several")
                .with_hint("give --image, once"));
        }
        let pin = |arg: &ImageArg| {
            let keys = config.images.iter().find(|keys| keys.name.same_image(&arg.image));
            let digest = match (arg.image.digest(), &connect.registry) {
                (Some(digest), RegistryPlace::None) => DigestSource::Declared(digest),
                (Some(digest), _) => DigestSource::Reported(digest),
                (None, RegistryPlace::None) => {
                    return Err(Failure::usage(format!(
                        "{} has no digest, and --registry none cannot ask for one",
                        arg.image
                    ))
                    .with_hint("give --image NAME@DIGEST"));
                }
                (None, _) => DigestSource::Tag,
            };
            // A tag on the command line beats the one in the file.
            let image = match keys {
                Some(keys) if arg.image.tag().is_none() && arg.image.digest().is_none() => keys.name.clone(),
                _ => arg.image.clone(),
            };
            let platform =
                connect.platform.as_ref().or(keys.and_then(|keys| keys.platform.as_ref())).cloned();
            let targets = self.targets(arg, config, scope)?;
            Ok(ImagePin { image, digest, platform, targets, was: was.cloned() })
        };
        args.iter().map(pin).collect()
    }

    /// The images, each with its targets, where no digest is asked for.
    pub(crate) fn placements(&self, config: &Config, scope: Scope<'_>) -> Result<Vec<Placement>, Failure> {
        let place = |arg: ImageArg| {
            let arg = if self.images.is_empty() { arg } else { self.meant(arg, config)? };
            let arg = ImageArg { image: arg.image.bare(), ..arg };
            let targets = self.targets(&arg, config, scope)?;
            Ok((arg.image, targets))
        };
        self.chosen(config, scope)?.into_iter().map(place).collect()
    }

    /// Whether the command line names images.
    pub(crate) fn names_images(&self) -> bool {
        !self.images.is_empty()
    }

    /// An image of the file by its whole name, or where that is clear by the last part of it.
    fn meant(&self, arg: ImageArg, config: &Config) -> Result<ImageArg, Failure> {
        let name = arg.image.written_name();
        if arg.image.digest().is_some() || arg.image.tag().is_some() {
            let why = "its digest is the one that a pin wrote";
            return Err(Failure::usage(format!("--image {}: {why}", arg.image))
                .with_hint(format!("give --image {name}, and nothing behind it")));
        }
        if !self.targets.is_empty() || config.images.iter().any(|keys| keys.name.same_image(&arg.image)) {
            return Ok(arg);
        }
        let is_last = |keys: &&ImageKeys| keys.name.written_name().rsplit('/').next() == Some(name);
        match config.images.iter().filter(is_last).collect::<Vec<_>>()[..] {
            [] => Ok(arg),
            [one] => Ok(ImageArg { image: one.name.clone(), ..arg }),
            [one, other, ..] => Err(Failure::usage(format!(
                "{name} could be {} or {}",
                one.name.written_name(),
                other.name.written_name()
            ))
            .with_hint("give its whole name")),
        }
    }

    /// The same images, where they stand in another scope.
    pub(crate) fn placed_as(
        &self,
        images: &[Placement],
        config: &Config,
        scope: Scope<'_>,
    ) -> Result<Vec<Placement>, Failure> {
        let place = |(image, _): &Placement| {
            let arg = ImageArg { entry: None, image: image.clone() };
            Ok((image.clone(), self.targets(&arg, config, scope)?))
        };
        images.iter().map(place).collect()
    }

    /// The files that name an image.
    pub(crate) fn targets(
        &self,
        arg: &ImageArg,
        config: &Config,
        scope: Scope<'_>,
    ) -> Result<Vec<Target>, Failure> {
        let keys = config.images.iter().find(|keys| keys.name.same_image(&arg.image));
        let all = || keys.iter().flat_map(|keys| keys.targets());
        let targets = if self.targets.is_empty() {
            targets(all().filter(|target| scope.takes(target)), arg)?
        } else {
            let flags: Vec<_> = self.targets.iter().map(|keys| self.with_flags(keys.clone())).collect();
            targets(&flags, arg)?
        };
        if !targets.is_empty() {
            return Ok(targets);
        }
        let name = arg.image.written_name();
        let mut elsewhere: Vec<_> =
            all().filter_map(|target| target.environment.as_ref()).map(ToString::to_string).collect();
        elsewhere.sort();
        elsewhere.dedup();
        Err(match scope {
            _ if elsewhere.is_empty() => Failure::usage(format!("no target is given for {name}"))
                .with_hint("give --target KIND:PATH, or list targets for it in pinlib.yaml"),
            Scope::With(None) => {
                Failure::usage(format!("{name} stands in {}: which one is meant?", elsewhere.join(" and ")))
                    .with_hint(format!("give --environment {}", elsewhere[0]))
            }
            Scope::With(Some(chosen)) | Scope::Only(chosen) => Failure::usage(format!(
                "{name} has no target in {chosen}, only in {}",
                elsewhere.join(" and ")
            )),
        })
    }

    /// The targets of the file that this run does not write to: pins of theirs are recognised by them.
    pub(crate) fn known(
        &self,
        config: &Config,
        images: &[Placement],
        scope: Scope<'_>,
    ) -> Result<Vec<Target>, Failure> {
        let mut known = Vec::new();
        for keys in &config.images {
            let pinned =
                self.targets.is_empty() && images.iter().any(|(image, _)| image.same_image(&keys.name));
            let others = keys.targets().filter(|target| !(pinned && scope.takes(target)));
            known.extend(targets(others, &ImageArg { entry: None, image: keys.name.clone() })?);
        }
        Ok(known)
    }

    fn with_flags(&self, keys: TargetKeys) -> TargetKeys {
        let kustomization = keys.kustomization.is_some();
        TargetKeys {
            keep_tag: (self.keep_tag && !kustomization).then_some(true),
            insert: (self.insert && kustomization).then_some(true),
            count: self.count,
            ..keys
        }
    }
}

impl RequestArgs {
    /// The images of the builds' reports, else those of the command line or of the file.
    pub(super) fn wanted(
        &self,
        config: &Config,
        scope: Scope<'_>,
        around: &Surroundings,
        told: &mut Told,
    ) -> Result<Vec<ImageArg>, Failure> {
        if self.digests.is_empty() {
            return self.place.chosen(config, scope);
        }
        let mut args = Vec::new();
        for Reported { image, digest } in digests::read(&self.digests, around)? {
            // Called as the file calls it; its tag decides nothing.
            let listed = config.images.iter().find(|keys| keys.name.same_image(&image));
            let name = match listed {
                Some(keys) => &keys.name,
                None if self.skip_unlisted => {
                    told.notes.push(format!("left out {image}: pinlib.yaml does not list it"));
                    continue;
                }
                None if !self.place.targets.is_empty() => &image,
                None => {
                    return Err(Failure::usage(format!(
                        "the build reports {image}, which pinlib.yaml does not list"
                    ))
                    .with_hint("list it with its targets, give --target, or leave such images out with --skip-unlisted"));
                }
            };
            args.push(ImageArg { entry: None, image: name.at(digest) });
        }
        if args.is_empty() {
            return Err(Failure::usage("pinlib.yaml lists none of the images that the build reports")
                .with_hint("list one with its targets, or give --target KIND:PATH"));
        }
        Ok(args)
    }
}

pub(super) fn policy_of(
    name: PolicyName,
    config: &Config,
    file: Option<&Path>,
    images: &[ImagePin],
) -> Result<Policy, Failure> {
    Ok(match name {
        PolicyName::Exact => Policy::Exact,
        PolicyName::PinsOnly => Policy::PinsOnly,
        PolicyName::Inputs => Policy::Inputs(inputs(config, file, images)?),
    })
}

/// Every target of the file, and its environment.
pub(crate) fn every_target(config: &Config) -> Result<Vec<(Option<EnvironmentName>, Target)>, Failure> {
    let mut all = Vec::new();
    for keys in &config.images {
        let environments = keys.targets().map(|target| target.environment.clone());
        let found = targets(keys.targets(), &ImageArg { entry: None, image: keys.name.clone() })?;
        all.extend(environments.zip(found));
    }
    Ok(all)
}

/// The images of the file that stand in a scope, each with its targets there.
pub(crate) fn placed(config: &Config, scope: Scope<'_>) -> Result<Vec<Placement>, Failure> {
    let mut placed = Vec::new();
    for keys in &config.images {
        let arg = ImageArg { entry: None, image: keys.name.bare() };
        let targets = targets(keys.targets().filter(|target| scope.takes(target)), &arg)?;
        if !targets.is_empty() {
            placed.push((arg.image, targets));
        }
    }
    if placed.is_empty() {
        let mut elsewhere = config
            .images
            .iter()
            .flat_map(ImageKeys::targets)
            .filter_map(|target| target.environment.as_ref());
        return Err(match elsewhere.next() {
            Some(name) => {
                Failure::usage("every target of pinlib.yaml is of an environment: which one is meant?")
                    .with_hint(format!("give --environment {name}"))
            }
            None => Failure::usage("no image is known, so there is nothing to look for")
                .with_hint("list images with their targets in pinlib.yaml, or name the file with --config"),
        });
    }
    Ok(placed)
}

fn targets<'k>(
    keys: impl IntoIterator<Item = &'k TargetKeys>,
    arg: &ImageArg,
) -> Result<Vec<Target>, Failure> {
    let target = |keys: &TargetKeys| keys.target(arg).map_err(|error| Failure::usage(error.to_string()));
    keys.into_iter().map(target).collect()
}

/// What the pinned images are built from, and the file that says so: whoever changes that changes the meaning.
fn inputs(config: &Config, file: Option<&Path>, images: &[ImagePin]) -> Result<Vec<RepoPath>, Failure> {
    let mut paths = Vec::new();
    for pin in images {
        let keys = config.images.iter().find(|keys| keys.name.same_image(&pin.image));
        let inputs = keys.map(|keys| keys.inputs.as_slice()).unwrap_or_default();
        if inputs.is_empty() {
            return Err(Failure::usage(format!(
                "the policy inputs does not know what {} is built from",
                pin.image.written_name()
            ))
            .with_hint("list its `inputs` in pinlib.yaml"));
        }
        for input in inputs {
            let folder = input.strip_suffix("/**").unwrap_or(input);
            if folder.contains(['*', '?', '[']) {
                return Err(Failure::usage(format!(
                    "{input:?} is no input: want a file, a folder, or a folder with /**"
                )));
            }
            paths.push(folder.parse().map_err(|error| Failure::usage(format!("inputs: {error}")))?);
        }
    }
    let own = file.and_then(|file| {
        let root = file.ancestors().skip(1).find(|folder| folder.join(".git").exists())?;
        file.strip_prefix(root).ok()?.to_str()?.parse().ok()
    });
    paths.extend(own);
    Ok(paths)
}
