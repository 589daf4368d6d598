//! What the core asks of an edit, its own or another's, with an editor that inserts.

use crate::scene::{Scene, options, path};
use pinlib::{
    Digest, DigestSource, EditError, EditErrorKind, FileAt, ImagePin, ManifestEditor, Operation, OutcomeKind,
    PinError, PinOptions, PinRequest, Policy, Receipt, Region, Site, Target,
};
use pinlib_testkit::memory::bot;
use std::{fmt, sync::Arc};

/// A text of `image: NAME`, and `digest: DIGEST` on the next line where it is pinned.
#[derive(Debug, Default)]
struct TwoLines {
    /// Finds a fault with every edit.
    never_content: bool,
}

impl fmt::Display for TwoLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("two lines")
    }
}

fn wrong(file: &FileAt, kind: EditErrorKind) -> EditError {
    EditError {
        kind,
        path: file.path.clone(),
        line: 1,
        column: 1,
        expected: "an image".into(),
        found: "none".into(),
    }
}

impl ManifestEditor for TwoLines {
    fn sites(&self, file: &FileAt) -> Result<Vec<Site>, EditError> {
        let text = std::str::from_utf8(&file.bytes).map_err(|_error| wrong(file, EditErrorKind::Refused))?;
        let none = || wrong(file, EditErrorKind::NoSite);
        let (first, rest) = text.split_once('\n').ok_or_else(none)?;
        let name: pinlib::Reference =
            first.strip_prefix("image: ").and_then(|name| name.parse().ok()).ok_or_else(none)?;
        // Lenient on purpose: other keys, and blanks before the value, are read over.
        let value = rest.find("digest:").map(|at| {
            let value = rest[at + 7..].trim_start_matches(' ');
            let start = text.len() - value.len();
            start..start + value.find('\n').unwrap_or(value.len())
        });
        let (span, image) = match value {
            None => (first.len()..first.len(), name),
            Some(span) => {
                let digest =
                    text[span.clone()].parse().map_err(|_error| wrong(file, EditErrorKind::Refused))?;
                (span, name.at(digest))
            }
        };
        Ok(vec![Site { locator: "line:0".parse().expect("a locator"), line: 1, column: 1, span, image }])
    }
    fn pinned(&self, _: &FileAt, site: &Site, digest: Digest) -> Result<String, EditError> {
        Ok(if site.span.is_empty() { format!("\ndigest: {digest}") } else { digest.to_string() })
    }
    fn verify(&self, before: &FileAt, _: &FileAt, _: &[Region]) -> Result<(), EditError> {
        if self.never_content { Err(wrong(before, EditErrorKind::Unverified)) } else { Ok(()) }
    }
}

const BARE: &str = "image: ghcr.io/acme/web\nmore: 1\n";

fn holding(digest: Digest) -> String {
    BARE.replace("\nmore", &format!("\ndigest: {digest}\nmore"))
}

fn kind(end: &Result<Receipt, PinError>) -> OutcomeKind {
    end.as_ref().map_or_else(PinError::kind, Receipt::kind)
}

#[test]
fn a_digest_is_inserted_and_then_replaced() {
    for text in [BARE.to_owned(), holding(Digest::of(b"old"))] {
        for (never_content, wanted) in [(false, OutcomeKind::Pinned), (true, OutcomeKind::Mismatch)] {
            let scene = Scene::quiet();
            let source = scene.push("web", &text);
            let target = Target::new(path("web"), Arc::new(TwoLines { never_content }));
            let digest = Digest::of(b"web");
            let image = ImagePin {
                image: "ghcr.io/acme/web".parse().expect("an image"),
                digest: DigestSource::Declared(digest),
                targets: vec![target],
                was: None,
                platform: None,
            };
            let request = PinRequest::new(source, scene.branch.clone(), vec![image], PinOptions::default());
            let request = request.expect("a request");
            let end = pinlib_testkit::sim::run(scene.pinner().pin(&request, [1; 16].into()));
            assert_eq!(kind(&end), wanted, "{end:?}");
            let now = scene.memory.files(scene.head())[&path("web")].clone();
            let expected = if never_content { text.clone() } else { holding(digest) };
            assert_eq!(String::from_utf8_lossy(&now), expected);
        }
    }
}

/// Whether a commit by the pinner's identity, with a record that fits, is taken for a pin when it made this of that.
fn recognised(before: &str, after: &str) -> bool {
    let scene = Scene::quiet();
    let source = scene.push("web", before);
    let record = scene.record(Operation::Pin, source, "web", "new", source);
    let text = [(path("web"), after)];
    scene.force(scene.memory.write(&[source], &bot(), &text, &record.message("Pin")));
    let known = vec![Target::new(path("web"), Arc::new(TwoLines::default()))];
    let options = PinOptions { known, ..options(Policy::PinsOnly) };
    kind(&scene.pin(&scene.job(source, "api", "api", options))) == OutcomeKind::Pinned
}

#[test]
fn an_edit_of_anothers_is_recognised_by_every_byte() {
    let (old, new) = (Digest::of(b"old"), Digest::of(b"new"));
    assert!(recognised(BARE, &holding(new)), "inserted");
    assert!(recognised(&holding(old), &holding(new)), "replaced");
    assert!(!recognised(BARE, &holding(new).replace("\ndigest", "\nevil: 1\ndigest")), "more was inserted");
    assert!(!recognised(BARE, &holding(new).replace("more: 1", "more: 2")), "another line");
    assert!(!recognised(&holding(old), &holding(new).replace("digest: ", "digest:  ")), "a blank more");
    assert!(
        !recognised(&holding(old), &holding(new).replace("more: 1\n", "more: 1\n\n")),
        "a line more at the end"
    );
    assert!(!recognised(&holding(old), BARE), "taken out");
}
