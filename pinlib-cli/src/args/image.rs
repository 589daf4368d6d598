//! `--image`, in kustomize's grammar.

use pinlib::Reference;
use std::str::FromStr;

/// `NAME[=NEWNAME][:TAG][@DIGEST]`.
///
/// With `=`, NAME is what a kustomization calls the entry, NEWNAME the image that it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ImageArg {
    /// The entry's name in a kustomization, where it has one of its own.
    pub(crate) entry: Option<String>,
    /// The image.
    pub(crate) image: Reference,
}

impl FromStr for ImageArg {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (entry, image) = match text.split_once('=') {
            Some((entry, image)) if !entry.is_empty() => (Some(entry.to_owned()), image),
            Some(_) => anyhow::bail!("want NAME[=NEWNAME][:TAG][@DIGEST]"),
            None => (None, text),
        };
        Ok(Self { entry, image: image.parse()? })
    }
}

#[cfg(test)]
mod tests {
    use super::ImageArg;

    #[test]
    fn an_entry_has_a_name_of_its_own_only_where_it_is_given() {
        let image = |text: &str| text.parse::<ImageArg>().ok().map(|arg| (arg.entry, arg.image.to_string()));
        assert_eq!(image("ghcr.io/acme/ai:1"), Some((None, "ghcr.io/acme/ai:1".into())));
        assert_eq!(image("ai=ghcr.io/acme/ai"), Some((Some("ai".into()), "ghcr.io/acme/ai".into())));
        assert_eq!((image("=ghcr.io/acme/ai"), image("ai="), image("a@sha256:zz")), (None, None, None));
    }
}
