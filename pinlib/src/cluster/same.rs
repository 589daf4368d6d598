//! Whether what runs is the image that Git names: by digests alone, and by what a registry showed of them.

use super::image_id::ImageId;
use crate::image::{Digest, document::IMAGES};
use std::fmt;

/// What a registry showed of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// A manifest of one image, with this config.
    Manifest { config: Digest },
    /// An index of these images.
    Index(Vec<Digest>),
    /// Nothing, for this reason.
    Nothing(String),
}

/// How what runs is what Git names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Equality {
    /// It is the same digest.
    Digest,
    /// It is an image of the index that Git names, for the node's platform.
    Platform,
    /// It is the config of that image, by which the node's runtime calls it.
    Config,
}

impl fmt::Display for Equality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Digest => "digest",
            Self::Platform => "platform",
            Self::Config => "config",
        })
    }
}

/// What the facts at hand come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sameness {
    Same(Equality),
    Different,
    /// It cannot be known.
    Unknown(String),
    /// It could be known by looking at these.
    Ask(Vec<Digest>),
}

/// Holds what runs against the digest that Git names.
///
/// A node may run one of an index's images and tell the index, or the image, or its config, and under another index that it
/// knows the same image by. So each digest stands for the images that it can mean, and those are compared: what means nothing
/// else is the same, what shares nothing is another, and between the two it is not known.
pub(super) fn sameness<'k>(
    wanted: Digest,
    running: &ImageId,
    known: impl Fn(Digest) -> Option<&'k Known>,
) -> Sameness {
    let Some(found) = running.digest() else { return Sameness::Unknown(format!("the node tells {running}")) };
    if found == wanted {
        return Sameness::Same(Equality::Digest);
    }
    let means = match known(wanted) {
        None => return Sameness::Ask(vec![wanted]),
        Some(Known::Nothing(why)) => return Sameness::Unknown(why.clone()),
        Some(Known::Manifest { .. }) => vec![wanted],
        Some(Known::Index(images)) => images.clone(),
    };
    if means.contains(&found) {
        return Sameness::Same(Equality::Platform);
    }
    match running {
        ImageId::Config(config) => by_config(*config, &means, known),
        _ => match known(found) {
            None => Sameness::Ask(vec![found]),
            Some(Known::Nothing(why)) => Sameness::Unknown(why.clone()),
            Some(Known::Manifest { .. }) => Sameness::Different,
            Some(Known::Index(images)) => match images.iter().filter(|image| means.contains(image)).count() {
                0 => Sameness::Different,
                shared if shared == images.len() => Sameness::Same(Equality::Platform),
                shared => Sameness::Unknown(format!(
                    "it is an index of {} images, {shared} of which are those that Git names",
                    images.len()
                )),
            },
        },
    }
}

fn by_config<'k>(config: Digest, images: &[Digest], known: impl Fn(Digest) -> Option<&'k Known>) -> Sameness {
    if images.len() > IMAGES {
        return Sameness::Unknown(format!(
            "the index has {} images, and at most {IMAGES} are searched",
            images.len()
        ));
    }
    let (mut unasked, mut doubt) = (Vec::new(), None);
    for image in images {
        match known(*image) {
            Some(Known::Manifest { config: own }) if *own == config => {
                return Sameness::Same(Equality::Config);
            }
            Some(Known::Manifest { .. }) => {}
            Some(Known::Nothing(why)) => doubt = Some(why.clone()),
            Some(Known::Index(_)) => doubt = Some("an index stands in the index that Git names".to_owned()),
            None => unasked.push(*image),
        }
    }
    match (unasked.is_empty(), doubt) {
        (false, _) => Sameness::Ask(unasked),
        (true, Some(why)) => Sameness::Unknown(why),
        (true, None) => Sameness::Different,
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Equality::{self, Config, Platform},
        ImageId, Known,
        Sameness::{self, Ask, Different, Same, Unknown},
        sameness,
    };
    use crate::image::Digest;
    use std::collections::BTreeMap;

    fn digest(name: &str) -> Digest {
        Digest::of(name.as_bytes())
    }

    fn known(facts: &[(&str, Known)]) -> BTreeMap<Digest, Known> {
        facts.iter().map(|(name, known)| (digest(name), known.clone())).collect()
    }

    fn manifest(config: &str) -> Known {
        Known::Manifest { config: digest(config) }
    }

    fn index(images: &[&str]) -> Known {
        Known::Index(images.iter().map(|image| digest(image)).collect())
    }

    /// Of which kind of id, what it is, what is known, and what that comes to.
    type Case = (&'static str, &'static str, Vec<(&'static str, Known)>, Sameness);

    fn nothing() -> Known {
        Known::Nothing("it is gone".to_owned())
    }

    #[test]
    fn two_digests_are_one_image_only_where_that_is_shown() {
        let ask = |names: &[&str]| Ask(names.iter().map(|name| digest(name)).collect());
        let gone = || Unknown("it is gone".to_owned());
        let cases: Vec<Case> = vec![
            ("manifest", "W", vec![], Same(Equality::Digest)),
            ("config", "W", vec![], Same(Equality::Digest)),
            ("manifest", "R", vec![], ask(&["W"])),
            ("manifest", "R", vec![("W", nothing())], gone()),
            ("manifest", "R", vec![("W", index(&["R", "S"]))], Same(Platform)),
            ("config", "R", vec![("W", index(&["R", "S"]))], Same(Platform)),
            ("manifest", "R", vec![("W", index(&["S"]))], ask(&["R"])),
            ("manifest", "R", vec![("W", index(&["S"])), ("R", manifest("c"))], Different),
            ("manifest", "R", vec![("W", manifest("c")), ("R", manifest("c"))], Different),
            ("manifest", "R", vec![("W", manifest("c")), ("R", nothing())], gone()),
            // The node knows the image by an index that Git does not name.
            ("manifest", "R", vec![("W", manifest("c")), ("R", index(&["W"]))], Same(Platform)),
            ("manifest", "R", vec![("W", index(&["S", "T"])), ("R", index(&["T", "S"]))], Same(Platform)),
            ("manifest", "R", vec![("W", index(&["S"])), ("R", index(&["T"]))], Different),
            (
                "manifest",
                "R",
                vec![("W", manifest("c")), ("R", index(&["W", "T"]))],
                Unknown("it is an index of 2 images, 1 of which are those that Git names".to_owned()),
            ),
            ("config", "c", vec![], ask(&["W"])),
            ("config", "c", vec![("W", manifest("c"))], Same(Config)),
            ("config", "c", vec![("W", manifest("d"))], Different),
            ("config", "c", vec![("W", index(&["S", "T"]))], ask(&["S", "T"])),
            ("config", "c", vec![("W", index(&["S", "T"])), ("S", manifest("d"))], ask(&["T"])),
            ("config", "c", vec![("W", index(&["S", "T"])), ("S", manifest("c"))], Same(Config)),
            (
                "config",
                "c",
                vec![("W", index(&["S", "T"])), ("S", manifest("d")), ("T", manifest("e"))],
                Different,
            ),
            ("config", "c", vec![("W", index(&["S", "T"])), ("S", manifest("d")), ("T", nothing())], gone()),
        ];
        for (kind, running, facts, wanted) in cases {
            let facts = known(&facts);
            let id = match kind {
                "config" => ImageId::Config(digest(running)),
                _ => ImageId::parse(&format!("ghcr.io/acme/web@{}", digest(running))),
            };
            assert_eq!(
                sameness(digest("W"), &id, |digest| facts.get(&digest)),
                wanted,
                "{kind} {running} {facts:?}"
            );
        }
        for id in [ImageId::Absent, ImageId::parse("nginx:1")] {
            assert!(matches!(sameness(digest("W"), &id, |_| None), Unknown(_)));
        }
        let many: Vec<_> = (0..65).map(|n| digest(&n.to_string())).collect();
        let many = BTreeMap::from([(digest("W"), Known::Index(many))]);
        assert!(matches!(sameness(digest("W"), &ImageId::Config(digest("c")), |d| many.get(&d)), Unknown(_)));
    }
}
