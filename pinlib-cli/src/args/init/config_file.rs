//! The text of a first `pinlib.yaml`.

use super::manifests::Image;
use crate::config;
use pinlib::BranchName;
use std::fmt::Write as _;

/// Where it goes.
pub(super) const PATH: &str = config::NAME;

/// One entry an image, the images of others as comments.
pub(super) fn text(branch: &BranchName, images: &[Image], others: &[Image]) -> String {
    let mut text = format!(
        "# What pinlib pins, and where. Made by `pinlib init github`, yours to edit.\n\
         branch: {}\n\
         # An image must say that it was built from the commit that it is pinned for; the workflow sets that label.\n\
         evidence: label\n\
         images:\n",
        scalar(branch.as_str())
    );
    for image in images {
        entry(image, "  ", &mut text);
    }
    if !others.is_empty() {
        text.push_str(
            "  # Named in the manifests, and by their names not built here. To pin one, take the # away, and build it \
             in the\n  # workflow.\n",
        );
    }
    for image in others {
        entry(image, "  # ", &mut text);
    }
    text
}

fn entry(image: &Image, margin: &str, text: &mut String) {
    write!(text, "{margin}- name: {}\n{margin}  targets:\n", scalar(&image.name)).ok();
    for target in &image.targets {
        writeln!(text, "{margin}    - {}: {}", target.kind, scalar(target.path.as_str())).ok();
    }
}

/// A text that YAML reads as this text: plain where nothing else can be meant, else as JSON writes it.
pub(super) fn scalar(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._/-".contains(c))
        && !["true", "false", "yes", "no", "on", "off", "null", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

#[cfg(test)]
mod tests {
    use super::scalar;

    #[test]
    fn a_text_stays_a_text() {
        for (text, written) in [
            ("deploy/a.yaml", "deploy/a.yaml"),
            ("localhost:5000/a", "\"localhost:5000/a\""),
            ("No", "\"No\""),
            ("1.0", "\"1.0\""),
            ("a: b # \"c\"\n", "\"a: b # \\\"c\\\"\\n\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }
}
