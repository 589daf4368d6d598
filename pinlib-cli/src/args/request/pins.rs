//! The images of a request, each with its targets, and what they are built from: by flags, else by `pinlib.yaml`.

use super::{
    RequestArgs, Told,
    digests::{self, Reported},
};
use crate::{
    args::{
        connect::Connect,
        image::ImageArg,
        target::TargetKeys,
        values::{PolicyName, RegistryPlace},
    },
    config::{Config, ImageKeys},
    failure::Failure,
    surroundings::Surroundings,
};
use pinlib::{DigestSource, ImagePin, Policy, RepoPath, Target};
use std::path::Path;

impl RequestArgs {
    /// The images of the command line or of the builds' reports, each with its targets; without any, those of the file.
    pub(super) fn images(
        &self,
        config: &Config,
        connect: &Connect,
        around: &Surroundings,
        told: &mut Told,
    ) -> Result<Vec<ImagePin>, Failure> {
        let whole = || config.images.iter().map(|keys| ImageArg { entry: None, image: keys.name.clone() });
        let args: Vec<_> = match (&self.images[..], &self.digests[..]) {
            ([], []) => whole().collect(),
            (images, []) => images.to_vec(),
            _ => self.reported(config, around, told)?,
        };
        if args.is_empty() {
            return Err(Failure::usage("no image is given")
                .with_hint("give --image or --digests, or list images in pinlib.yaml"));
        }
        if self.was.is_some() && args.len() > 1 {
            return Err(Failure::usage("--was means one image, and there are several"));
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
            Ok(ImagePin { image, digest, platform, targets: self.targets(arg, keys)?, was: self.was.clone() })
        };
        args.iter().map(pin).collect()
    }

    /// The images of the builds' reports, called as the file calls them. Their tags decide nothing.
    fn reported(
        &self,
        config: &Config,
        around: &Surroundings,
        told: &mut Told,
    ) -> Result<Vec<ImageArg>, Failure> {
        let mut args = Vec::new();
        for Reported { image, digest } in digests::read(&self.digests, around)? {
            let listed = config.images.iter().find(|keys| keys.name.same_image(&image));
            let name = match listed {
                Some(keys) => &keys.name,
                None if self.skip_unlisted => {
                    told.notes.push(format!("left out {image}: pinlib.yaml does not list it"));
                    continue;
                }
                None if !self.targets.is_empty() => &image,
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
            return Err(Failure::usage("pinlib.yaml lists none of the images that the build reports"));
        }
        Ok(args)
    }

    fn targets(&self, arg: &ImageArg, keys: Option<&ImageKeys>) -> Result<Vec<Target>, Failure> {
        let targets = if self.targets.is_empty() {
            keys.map(|keys| targets(keys.targets(), arg)).transpose()?.unwrap_or_default()
        } else {
            let flags: Vec<_> = self.targets.iter().map(|keys| self.with_flags(keys.clone())).collect();
            targets(&flags, arg)?
        };
        if targets.is_empty() {
            return Err(Failure::usage(format!("no target is given for {}", arg.image.written_name()))
                .with_hint("give --target KIND:PATH, or list targets for it in pinlib.yaml"));
        }
        Ok(targets)
    }

    /// The targets of the file that this run does not write to: pins of theirs are recognised by them.
    pub(super) fn known(&self, config: &Config, images: &[ImagePin]) -> Result<Vec<Target>, Failure> {
        let pinned = |keys: &ImageKeys| images.iter().any(|pin| pin.image.same_image(&keys.name));
        let mut known = Vec::new();
        for keys in config.images.iter().filter(|keys| !self.targets.is_empty() || !pinned(keys)) {
            known.extend(targets(keys.targets(), &ImageArg { entry: None, image: keys.name.clone() })?);
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
