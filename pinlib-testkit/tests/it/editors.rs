//! The suite of editors over the testkit's own, and over editors that are wrong on purpose.

use pinlib::{Digest, Kustomization, ManifestEditor, Workload};
use pinlib_testkit::{
    broken::editor::{BrokenEditor, EditorFlaw},
    conformance::editor::{ALL, EditorWorld, Sample},
    editor_conformance,
    lines::ImageLines,
};
use std::sync::Arc;

#[derive(Default)]
struct Lines;

impl EditorWorld for Lines {
    fn editor(&self) -> Arc<dyn ManifestEditor> {
        Arc::new(ImageLines)
    }
    fn sample(&self) -> Sample {
        Sample {
            path: "lines",
            text: "x: 1\nimage: ghcr.io/acme/web:1.2\n  image: ghcr.io/acme/api\nimage: ghcr.io/acme/web\ny: 2\n",
            bare: "x: 1\n",
            malformed: ("x: 1\nimage: NO IMAGE\n", 2),
            comment: Some("#"),
        }
    }
    fn digest(&self) -> Digest {
        Digest::of(b"new")
    }
}

mod lines {
    super::editor_conformance!(super::Lines);
}

/// A good editor with something wrong.
struct Flawed(BrokenEditor);

const WORKLOAD: &str = "# The service.
kind: Deployment
metadata: {name: web}
spec:
  containers:
  - name: web
    image: ghcr.io/acme/web:1.2 # bumped by hand
  - name: api
    image: \"ghcr.io/acme/api\"
";

const KUSTOMIZATION: &str = "images:
- name: ghcr.io/acme/web
  newTag: v1
- name: ghcr.io/acme/api
";

impl EditorWorld for Flawed {
    fn editor(&self) -> Arc<dyn ManifestEditor> {
        Arc::new(self.0.clone())
    }
    fn sample(&self) -> Sample {
        let inserts = self.0.flaw == EditorFlaw::UnixLines;
        Sample {
            path: "kustomization.yaml",
            text: if inserts { KUSTOMIZATION } else { WORKLOAD },
            bare: "a: 1\n",
            malformed: ("a: 1\nb: }\n", 2),
            comment: Some("#"),
        }
    }
    fn digest(&self) -> Digest {
        Digest::of(b"new")
    }
}

/// That the suite catches a flaw in this case, by this promise.
#[track_caller]
fn caught(flaw: EditorFlaw, case: &str, promise: &str) {
    let inner: Arc<dyn ManifestEditor> = match flaw {
        EditorFlaw::UnixLines => Arc::new(Kustomization::default()),
        _ => Arc::new(Workload::default()),
    };
    let (_, run) = ALL.iter().find(|(name, _)| *name == case).expect("a case");
    let why = run(&Flawed(BrokenEditor { inner, flaw })).expect_err("a flaw");
    assert!(why.starts_with(promise), "{flaw:?}: {why}");
}

#[test]
fn an_editor_that_writes_more_than_its_scalar_is_caught() {
    let scalar = "I4: a span is one scalar";
    caught(EditorFlaw::Reserialising, "a_span_is_one_scalar_at_its_line", scalar);
    caught(EditorFlaw::Reserialising, "comments_and_other_alphabets_survive", "I4: ");
    caught(EditorFlaw::EatingComments, "a_span_is_one_scalar_at_its_line", scalar);
    caught(
        EditorFlaw::EatingComments,
        "a_change_elsewhere_is_no_edit",
        "I4: a pin changes nothing but its sites",
    );
    caught(
        EditorFlaw::LeavingNotes,
        "an_edit_changes_its_span_alone",
        "I4: what is written is the site's scalar",
    );
    caught(
        EditorFlaw::Unquoting,
        "an_edit_changes_its_span_alone",
        "I4: verify accepts the editor's own edit",
    );
    caught(EditorFlaw::UnixLines, "crlf_survives", "I4: every line ends as the file's lines do");
}

#[test]
fn an_editor_that_loses_its_place_is_caught() {
    let order = "I4: spans are in order, apart";
    caught(EditorFlaw::Overlapping, "sites_are_in_order_apart_and_inside", order);
    caught(EditorFlaw::Unordered, "sites_are_in_order_apart_and_inside", order);
    caught(EditorFlaw::NamedByValue, "an_edit_changes_its_span_alone", "I4: locators stay");
    caught(EditorFlaw::NamedByValue, "its_own_edit_is_recognised", "I4: the core recognises");
    caught(EditorFlaw::OtherDigest, "an_edit_changes_its_span_alone", "I5: a pinned site reads back");
    caught(EditorFlaw::NeverContent, "its_own_edit_is_recognised", "I4: a file reads as itself");
}

#[test]
fn an_editor_that_trusts_a_file_is_caught() {
    let utf8 = "bytes_that_are_not_utf8_are_refused_with_their_line";
    caught(EditorFlaw::Lossy, utf8, "what is not of the format is Refused");
    caught(
        EditorFlaw::Trusting,
        "a_hostile_file_is_an_error_and_no_panic",
        "a hostile file is an error; found a panic",
    );
    caught(EditorFlaw::EmptyList, "a_file_without_sites_is_no_site", "a file without sites is NoSite");
    caught(EditorFlaw::Pathless, "a_malformed_file_is_refused_with_its_line", "an error names the file");
}
