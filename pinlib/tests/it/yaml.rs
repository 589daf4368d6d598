//! The reading of YAML under hostile input, and the judge of edits by itself.

use crate::{
    edit::{digest, file, pin_sites},
    pyyaml::{self, Case},
};
use pinlib::{
    EditError, EditErrorKind, HelmValues, Kustomization, ManifestEditor, PathEditor, Region, Site, Workload,
    images,
};
use proptest::{prelude::*, strategy::ValueTree, test_runner::TestRunner};
use std::{
    fs,
    time::{Duration, Instant},
};

fn editors() -> [Box<dyn ManifestEditor>; 5] {
    [
        Box::new(Kustomization::default()),
        Box::new(Kustomization { name: Some("n".into()), insert: "ghcr.io/a/b".parse().ok() }),
        Box::new(Workload::default()),
        Box::new(HelmValues::default()),
        Box::new(PathEditor { at: "/image".parse().expect("a path"), keep_tag: true }),
    ]
}

/// What every editor makes of a file: the refusals, or the number of sites.
fn read(bytes: &[u8]) -> Vec<Result<usize, String>> {
    let file = file("kustomization.yaml", bytes);
    drop(images(&file));
    let sites = editors().map(|editor| editor.sites(&file));
    let read = |sites: Result<Vec<Site>, EditError>| match sites {
        Ok(sites) => Ok(sites.len()),
        Err(error) if error.kind == EditErrorKind::NoSite => Ok(0),
        Err(error) => Err(error.to_string()),
    };
    sites.into_iter().map(read).collect()
}

#[test]
fn hostile_files_are_read_or_refused_in_bounded_time() {
    let bomb = (1..30).fold("a0: &a0 [x, x]\n".to_owned(), |text, n| {
        format!("{text}a{n}: &a{n} [*a{0}, *a{0}, *a{0}, *a{0}]\n", n - 1)
    });
    let merges = (1..30).fold("m0: &m0 {image: a}\n".to_owned(), |text, n| {
        format!("{text}m{n}: &m{n} {{<<: [*m{0}, *m{0}], image: b}}\n", n - 1)
    });
    let wide = |line: &dyn Fn(usize) -> String| (0..20_000).map(line).collect::<String>();
    let utf16 = |mark: &[u8]| {
        [mark, &"image: a".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>()].concat()
    };
    let refused: Vec<(&str, Vec<u8>, &str)> = vec![
        ("100k lists", "[".repeat(100_000).into(), "recursion"),
        ("100k block lists", "- ".repeat(100_000).into(), "recursion"),
        ("100k mappings", "{a: ".repeat(100_000).into(), "recursion"),
        ("100k explicit keys", "? ".repeat(100_000).into(), "recursion"),
        ("too large", vec![b'a'; (16 << 20) + 1], "at most 16 MiB"),
        ("too many values", "- a\n".repeat(1_000_001).into(), "at most 1000000 values"),
        ("too many documents", "--- a\n".repeat(20_001).into(), "at most 20000 documents"),
        ("UTF-16", utf16(b"\xFF\xFE"), "1:1: expected text in UTF-8, found UTF-16"),
        ("UTF-16 big", b"\xFE\xFF\0a".to_vec(), "found UTF-16"),
        ("UTF-16 without its mark", utf16(b""), "found a NUL byte"),
        ("NUL", b"a: b\nc: \"\0\"\n".to_vec(), "2:5: expected text in UTF-8, found a NUL byte"),
        (
            "no UTF-8",
            b"a: b\nimage: \xC3\x28\n".to_vec(),
            "2:8: expected text in UTF-8, found bytes that are not UTF-8",
        ),
        ("a separator", "a: b # \u{2028}image: c\n".into(), "1:8: expected text in UTF-8, found a separator"),
        ("tabs", b"a:\n\tb: 1\n".to_vec(), "kustomization.yaml:2:"),
        ("a template", b"a:\n{{- if x }}\nimage: b\n{{- end }}\n".to_vec(), " in a template"),
        ("an unknown alias", b"image: *x\n".to_vec(), "1:8"),
        ("an unknown version", b"%YAML 9.9\n---\nimage: a\n".to_vec(), "version"),
        ("control characters", b"image: \"\x1b[31m\x07\"\n".to_vec(), "kustomization.yaml:1"),
    ];
    for (what, bytes, why) in refused {
        let start = Instant::now();
        for answer in read(&bytes) {
            let error = answer.expect_err(what);
            assert!(
                error.contains(why) && error.len() < 400 && !error.contains(['\n', '\u{1b}']),
                "{what}: {error}"
            );
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: {:?}", start.elapsed());
    }
    let taken: Vec<(&str, String)> = vec![
        ("a bomb of aliases", format!("{bomb}image: a\n")),
        ("a bomb of merges", format!("{merges}image: a\n")),
        ("a huge scalar", format!("image: a\nx: \"{}\"\n", "x".repeat(4 << 20))),
        ("a huge image", format!("image: {}\n", "x".repeat(4 << 20))),
        ("a huge comment", format!("image: a\n#{}\n", "#".repeat(4 << 20))),
        ("one key again and again", wide(&|_| "image: a\n".into())),
        ("many keys", wide(&|n| format!("k{n}: {{image: a, x: {{repository: b, tag: c}}}}\n"))),
        (
            "many containers",
            format!(
                "kind: {0}\nmetadata: {{name: {0}}}\ncontainers:\n{1}",
                "n".repeat(100_000),
                wide(&|n| format!("- {{name: c{n}, image: a}}\n"))
            ),
        ),
        ("many pods", wide(&|n| format!("p{n}: {{containers: [{{image: a}}]}}\n"))),
        ("many entries", format!("images:\n{}", wide(&|n| format!("- name: i{n}\n")))),
        ("many anchors", wide(&|n| format!("a{n}: &a{n} x\nb{n}: *a{n}\n"))),
        ("version 1.1", "%YAML 1.1\n---\nimage: a\n".into()),
        ("tags", "%TAG !e! tag:e,2000:\n---\nimage: !e!x a\n".into()),
        ("nothing", String::new()),
        ("blanks", " \n".repeat(100_000)),
    ];
    for (what, text) in taken {
        let start = Instant::now();
        drop(read(text.as_bytes()));
        assert!(start.elapsed() < Duration::from_secs(60), "{what}: {:?}", start.elapsed());
    }
}

/// Whether an edit passes: a site's region in the first text, between `<` and `>`, and what stands there in the second.
fn passes(before: &str, after: &str) -> bool {
    let region = |text: &str| {
        let start = text.find('<').expect("a start");
        (start..text.find('>').expect("an end") - 1, text.replace(['<', '>'], ""))
    };
    let ((old, before), (new, after)) = (region(before), region(after));
    let (before, after) = (file("a.yaml", before), file("a.yaml", after));
    let verified = Workload::default().verify(&before, &after, &[Region { before: old, after: new }]);
    match verified {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind, EditErrorKind::Unverified, "{error}");
            false
        }
    }
}

#[test]
fn an_edit_is_judged_by_all_that_a_parser_sees() {
    let right = [
        ("a: <b>\n", "a: <c>\n"),
        ("a: <'b'>\n", "a: <'c'>\n"),
        ("a: [x, <\"b\">]\n", "a: [x, <\"c\">]\n"),
        ("a: &x !!str <b> # d", "a: &x !!str <c> # d"),
        ("a: 1<>\nb: 2\n", "a: 1<\nc: d>\nb: 2\n"),
        ("a:<>\n", "a:< b>\n"),
        ("a:<>\n", "a:<\n- b: c\n  d: e>\n"),
        ("- <b>\n- c\n", "- <d>\n- c\n"),
        ("--- <b>\n--- c\n...\n", "--- <d>\n--- c\n...\n"),
    ];
    for (before, after) in right {
        assert!(passes(before, after), "{before:?} {after:?}");
    }
    let wrong = [
        ("a: <b>\n", "a: <'c'>\n"),
        ("a: <'b'>\n", "a: <c>\n"),
        ("a: <b>\n", "a: <&x c>\n"),
        ("a: <b>\n", "a: <!x c>\n"),
        ("a: <b>\n", "a: <[c]>\n"),
        ("a: <b>\n", "a: <{c: d}>\n"),
        ("a: <b>\n", "a: <c # >\n"),
        ("a: <b>\n", "a: <c\nd: e>\n"),
        ("a: <b>\n", "a: <|\n  c>\n"),
        ("a: &x b\nc: <d>\n", "a: &x b\nc: <*x>\n"),
        ("a: <b>\nc: 1\n", "a: <b>\nc: 2\n"),
        ("a: <b>\n---\nc: 1\n", "a: <b>\n---\nc: 2\n"),
        ("c: 1\n---\na: <b>\n", "c: 2\n---\na: <b>\n"),
        ("a: <b>\nc: 1\n", "a: <b>\nc: '1'\n"),
        ("a: <b>\nc: 1\n", "a: <b>\nc: &x 1\n"),
        ("a: <b>\nc: 1\n", "a: <b>\nc: !!str 1\n"),
        ("a: <b>\nc: [1]\n", "a: <b>\nc:\n- 1\n"),
        ("a: <b>\nc: 1\n", "a: <b>\nd: 1\n"),
        ("a: <b>\n--- c\n", "a: <b>\n...\n--- c\n"),
        ("a: <b>\n", "a: <b>\n...\n"),
        ("--- <b>\n", "<b>\n"),
        ("a: <b>\n", "a: <b>\n---\n"),
        ("%YAML 1.2\n--- <b>\n", "%YAML 1.1\n--- <b>\n"),
        ("a: <b>\n", "a: <\"b>\n"),
        // What goes in may not reach out, nor hide.
        ("a: 1<>\n  2\n", "a: 1<\nb: c>\n  2\n"),
        ("a: 1<>\nb: 2\n", "a: 1<\n# c: d>\nb: 2\n"),
        ("a: 1<>\nb: 2\n", "a: 1< # c: d>\nb: 2\n"),
        ("a: 1<>\nb: 2\n", "a: 1<\nc: &x d>\nb: 2\n"),
        ("a: 1<>\nb: 2\n", "a: 1<\n---\nc: d>\nb: 2\n"),
        ("a: 1<>\nb: 2\n", "a: 1<\nc: [d>\nb: 2]\n"),
        ("a: 1<> # \"\n", "a: 1<\nc: \"d> # \"\n"),
        ("a: |\n  1<>\n", "a: |\n  1<\n  b: c>\n"),
        ("a: <b>\n", "b: <b>\n"),
        ("a: \"x <b>\"\n", "a: \"x <c>\"\n"),
        ("a: b # <c>\n", "a: b # <d>\n"),
        ("a: <b>\n", "a: <\"\0\">\n"),
    ];
    for (before, after) in wrong {
        assert!(!passes(before, after), "{before:?} {after:?}");
    }
}

/// A value that may stand anywhere, as YAML in block or flow style; images among it.
fn tree() -> impl Strategy<Value = String> {
    let image = prop_oneof![
        Just("ghcr.io/acme/web:v1".to_owned()),
        Just("'ghcr.io/acme/web:v1' # c".to_owned()),
        Just("\"nginx\"".to_owned()),
        Just(format!("redis:7@{}", digest())),
        "[a-z0-9]{1,8}(:[a-zA-Z0-9_.]{1,5})?",
    ];
    let odd = prop_oneof![
        Just("*a".to_owned()),
        Just("&a x".to_owned()),
        Just("|\n    text".to_owned()),
        Just(String::new()),
        Just("{{ x }}".to_owned()),
        Just("~".to_owned()),
        Just("!!binary c2hh".to_owned()),
        Just("\"a\\\n  b\"".to_owned()),
    ];
    let value = prop_oneof![6 => image, 1 => odd];
    let key = prop_oneof![
        4 => Just("image"), 2 => Just("repository"), 2 => Just("tag"), 1 => Just("digest"), 1 => Just("name"),
        1 => Just("newName"), 1 => Just("newTag"), 1 => Just("'registry'"), 1 => Just("\"x\""), 1 => Just("<<"),
    ];
    let entry = (key, value).prop_map(|(key, value)| format!("{key}: {value}"));
    let item = prop::collection::vec(entry, 1..5);
    let list = prop_oneof![
        Just("images"),
        Just("containers"),
        Just("initContainers"),
        Just("image"),
        Just("a/b"),
        Just("kind"),
    ];
    let block = (list, prop::collection::vec(item, 1..4), 0..3_usize, any::<bool>(), any::<bool>()).prop_map(
        |(list, items, indent, flow, mapping)| {
            let pad = " ".repeat(indent);
            let lines: Vec<_> = items
                .iter()
                .map(|item| match (flow, mapping) {
                    (true, _) => format!("{pad}- {{{}}}", item.join(", ").replace(" # c", "")),
                    (false, true) => format!("{pad} {}", item.join(&format!("\n{pad} "))),
                    (false, false) => format!("{pad}- {}", item.join(&format!("\n{pad}  "))),
                })
                .collect();
            format!("{list}:\n{}\n", lines.join("\n"))
        },
    );
    (prop::collection::vec(block, 1..4), any::<[bool; 3]>()).prop_map(|(blocks, [crlf, mark, cut])| {
        let mut text = blocks.join(if blocks.len() > 2 { "---\n" } else { "" });
        if cut {
            text.truncate(text.trim_end().len());
        }
        let text = if crlf { text.replace('\n', "\r\n") } else { text };
        if mark { format!("\u{feff}{text}") } else { text }
    })
}

#[test]
fn another_parser_sees_random_files_differ_in_their_sites_alone() {
    if !pyyaml::is_here() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (mut runner, mut cases) = (TestRunner::deterministic(), Vec::new());
    for number in 0..600 {
        let text = tree().new_tree(&mut runner).expect("a tree").current();
        let path = folder.path().join(number.to_string());
        fs::write(&path, &text).expect("written");
        let before = file("kustomization.yaml", text.as_str());
        for editor in editors() {
            let sites = editor.sites(&before).unwrap_or_default();
            for chosen in sites.chunks(1).chain((sites.len() > 1).then_some(&sites[..])) {
                if let Ok((_, splices)) = pin_sites(&*editor, &before, chosen) {
                    cases.push(Case { name: format!("{editor}\n{text}"), file: path.clone(), splices });
                }
            }
        }
    }
    assert!(cases.len() > 300, "{}", cases.len());
    let unread = pyyaml::compare(&cases);
    assert!(unread < cases.len() / 10, "{unread} of {}", cases.len());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]
    #[test]
    fn any_site_of_any_file_is_edited_alone_or_refused(text in tree()) {
        let before = file("kustomization.yaml", text);
        for editor in editors() {
            let Ok(sites) = editor.sites(&before) else { continue };
            prop_assert!(sites.windows(2).all(|two| two[0].span.end <= two[1].span.start));
            let mut names: Vec<_> = sites.iter().map(|site| &site.locator).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), sites.len());
            for chosen in sites.chunks(1).chain([&sites[..]]) {
                // The core and the judge look at the rest: an edit that another reads otherwise never comes out.
                match pin_sites(&*editor, &before, chosen) {
                    Ok((after, splices)) => {
                        prop_assert!(splices.iter().all(|(_, text)| text.contains(&digest().to_string())));
                        drop(after);
                    }
                    Err(error) => prop_assert!(error.kind != EditErrorKind::NoSite, "{}", error),
                }
            }
        }
    }
    #[test]
    fn nothing_panics(bytes in prop::collection::vec(any::<u8>(), 0..80), text in r"([ \n:\-{}\[\],&*!|>'\x22%@#?~]|image|images|name|a|<<|digest|containers|\PC){0,40}") {
        drop(read(&bytes));
        drop(read(text.as_bytes()));
        // A file that is read is the same as itself.
        let file = file("kustomization.yaml", text);
        for editor in editors() {
            if let Err(error) = editor.verify(&file, &file, &[]) {
                prop_assert!(editor.sites(&file).is_err(), "{}", error);
            }
        }
    }
}
