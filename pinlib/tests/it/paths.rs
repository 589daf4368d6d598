//! Any path in YAML or JSON, and how paths are written.

use crate::edit::{becomes, file, refusal};
use pinlib::{ManifestEditor, PathEditor, Pointer, Step};
use proptest::prelude::*;

const FILE: &str = "env/prod.yaml";
const IMAGE: &str = "ghcr.io/acme/ai";

fn at(path: &str) -> PathEditor {
    PathEditor { at: path.parse().expect("a path"), keep_tag: false }
}

#[test]
fn the_reference_at_a_path_is_rewritten() {
    let cases = [
        ("/services/ai/image", "services:\n  ai: {image: ghcr.io/acme/ai:v1} # x\n  # y\n"),
        ("/a.b/c~1d/0", "a.b:\n  c/d:\n  - ghcr.io/acme/ai:v1\n  - ghcr.io/acme/ai:v2\n"),
        ("/1/2", "1:\n  2: 'ghcr.io/acme/ai:v1'\n"),
        ("", "ghcr.io/acme/ai:v1"),
        ("/0", "--- [\"ghcr.io/acme/ai:v1\"]\n... # end\n"),
        ("/a", "{\n\t\"b\": [1, 2],\n\t\"a\": \"ghcr.io/acme/ai:v1\"\n}"),
        ("/a", "%YAML 1.1\n---\na: ghcr.io/acme/ai:v1\n"),
        ("/ü/日", "ü: {日: ghcr.io/acme/ai:v1}\r\n"),
        ("/a", "a: ghcr.io/acme/ai:v1\nb: {{ .Values.b }}\n"),
        ("/", "'': ghcr.io/acme/ai:v1\n"),
        // Trouble beside the way is no trouble.
        ("/a/b", "x: 1\na:\n  b: ghcr.io/acme/ai:v1\n  c: 1\n  c: 2\ny: &y [z]\nx2: *y\n"),
    ];
    for (path, text) in cases {
        becomes(at(path), FILE, IMAGE, text, &text.replacen(":v1", "@DIGEST", 1));
        let kept = PathEditor { keep_tag: true, ..at(path) };
        becomes(kept, FILE, IMAGE, text, &text.replacen(":v1", ":v1@DIGEST", 1));
    }
    // A long value is no key that a parser would have to wait for.
    let long = "x".repeat(5000);
    let text = format!("{{\"l\": [\"{long}\", \"{long}\"], \"a\": \"{IMAGE}\"}}");
    becomes(at("/a"), FILE, IMAGE, &text, &text.replace(IMAGE, &format!("{IMAGE}@DIGEST")));
    // In each document that has it.
    let many = "a: ghcr.io/acme/ai:v1\n---\nb: 1\n---\na: ghcr.io/acme/ai:v2\n";
    let sites = at("/a").sites(&file(FILE, many)).expect("sites");
    let seen: Vec<_> = sites.iter().map(|site| (site.locator.as_str(), site.line)).collect();
    assert_eq!(seen, [("yaml:0/a", 1), ("yaml:2/a", 5)]);
}

#[test]
fn what_is_no_reference_is_refused() {
    let cases = [
        ("/a", "a: OLD\n", "1:4: expected an image reference, found \"sha256:"),
        ("/a", "a: {b: 1}\n", "1:4: expected a value on one line, found a mapping"),
        ("/a", "a:\n", "expected an image reference, found \"\""),
        (
            "/a/b",
            "c: &c {b: ghcr.io/acme/ai}\na: *c\n",
            "2:4: expected /a/b without an alias on the way, found an alias",
        ),
        (
            "/a/b",
            "c: &c {b: ghcr.io/acme/ai}\na: {<<: *c}\n",
            "2:5: expected the key \"b\" or nothing that could be it",
        ),
        ("/a", "b: 1\n", "prod.yaml: expected \"/a\", found /b"),
        ("/a/x", "a: [b]\n", "prod.yaml: expected \"/a/x\", found none"),
        ("/a", "", "prod.yaml: expected \"/a\", found none"),
        ("/a", "a: ghcr.io/acme/ai:\n", "expected "),
    ];
    for (path, text, why) in cases {
        let error = refusal(at(path), FILE, IMAGE, text);
        assert!(error.contains(why), "{error}\n{text}");
    }
}

#[test]
fn a_path_is_a_json_pointer_or_a_list() {
    let key = |text: &str| Step::Key(text.into());
    let cases = [
        ("", vec![]),
        ("/", vec![key("")]),
        ("/a/0/b", vec![key("a"), Step::Index(0), key("b")]),
        ("/a~1b/m~0n/~01", vec![key("a/b"), key("m~n"), key("~1")]),
        ("/00/-1/+1/ 1", vec![key("00"), key("-1"), key("+1"), key(" 1")]),
    ];
    for (text, steps) in cases {
        let pointer: Pointer = text.parse().expect(text);
        assert_eq!((pointer.steps(), pointer.to_string()), (&steps[..], text.to_owned()));
    }
    for text in ["a", "a/b", "/~", "/~2", "/a~", "#/a"] {
        assert!(text.parse::<Pointer>().is_err(), "{text}");
    }
    let list = r#"["services",0,"image"]"#;
    let pointer: Pointer = serde_json::from_str(list).expect("a list");
    assert_eq!(pointer.to_string(), "/services/0/image");
    assert_eq!(serde_json::to_string(&pointer).expect("JSON"), list);
    assert!(serde_json::from_str::<Pointer>("[-1]").is_err());
}

proptest! {
    #[test]
    fn a_pointer_prints_as_it_was_read(text in r"(/(\PC|~0|~1){0,4}){0,4}|\PC{0,20}") {
        if let Ok(pointer) = text.parse::<Pointer>() {
            prop_assert_eq!(pointer.to_string(), text);
        }
    }
}
