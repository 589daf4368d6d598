//! The evidence that an image was built from a commit, as people read it.

use super::{
    clean,
    human::{dim, short, step},
    v1::{Image, VerifyImage, Weighed},
};
use std::fmt::Write as _;

/// So many columns hold every table.
const WIDTH: usize = 80;
const NAMES: usize = 16;

/// One line that it was found, and two how far that goes.
pub(super) fn story(image: &Image, source: Option<&String>) -> Vec<String> {
    let Some(weighed) = &image.weighed else { return Vec::new() };
    let kind = image.evidence.as_deref().unwrap_or_default();
    let how = match (&weighed.signer, image.platforms.len()) {
        (Some(signer), _) => format!("attested by {}", shown(signer)),
        (None, 0 | 1) => format!("its {kind}"),
        (None, 2) => format!("{kind} on both platforms"),
        (None, n) => format!("{kind} on all {n} platforms"),
    };
    let of = weighed.repository.as_ref().map(|repository| format!(" of {repository}")).unwrap_or_default();
    vec![
        step("Checked", &format!("built from {}{of}: {how}", short(source))),
        step("", &dim(&format!("proves that {}", weighed.proves))),
        step("", &dim(&format!("does not prove {}", weighed.does_not_prove))),
    ]
}

/// What was found, a line a thing.
pub(super) fn table(found: &VerifyImage) -> String {
    let VerifyImage { source_commit, image } = found;
    let Some(weighed) = &image.weighed else { return String::new() };
    let Weighed {
        proves,
        does_not_prove,
        repository,
        claimed_by,
        signer,
        issuer,
        log_index,
        signed,
        found_in,
    } = weighed;
    let name = clean::line(&image.name);
    let image_at =
        image.digest.as_deref().map_or(name.clone(), |digest| format!("{name}@{}", shortened(digest)));
    let commit = source_commit.get(..12).unwrap_or(source_commit).to_owned();
    let claimed_by = claimed_by.as_ref().map(|by| format!("the {by}"));
    let log = log_index.map(|index| format!("entry {index}"));
    let some = |text: &Option<String>| text.clone();
    let rows = [
        ("image", Some(image_at)),
        ("platforms", Some(image.platforms.join(", ")).filter(|text| !text.is_empty())),
        ("source commit", Some(commit)),
        ("evidence", some(&image.evidence)),
        ("repository", some(repository)),
        ("claimed by", claimed_by),
        ("signer", signer.as_deref().map(shown)),
        ("issuer", some(issuer)),
        ("signed", some(signed)),
        ("log", log),
        ("found in", some(found_in)),
        ("proves", Some(format!("that {proves}"))),
        ("does not prove", Some(does_not_prove.clone())),
    ];
    let mut text = String::new();
    for (name, value) in rows.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
        for (n, line) in wrapped(value).into_iter().enumerate() {
            let name = if n == 0 { name } else { "" };
            writeln!(text, "{name:<NAMES$}{line}").ok();
        }
    }
    text
}

/// A digest, by its first twelve digits.
fn shortened(text: &str) -> String {
    text.split_once(':')
        .map_or(text.to_owned(), |(kind, hex)| format!("{kind}:{}", hex.get(..12).unwrap_or(hex)))
}

/// A signer's name; of a key, the digest is enough that people know it by.
fn shown(signer: &str) -> String {
    if signer.starts_with("key ") { shortened(signer) } else { signer.to_owned() }
}

/// Breaks between words alone: what has none, as an address, stays whole.
fn wrapped(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| !line.is_empty());
        match line {
            Some(line) if NAMES + line.chars().count() + 1 + word.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(word);
            }
            Some(_) => lines.push(word.to_owned()),
            None => lines = vec![word.to_owned()],
        }
    }
    lines
}
