//! The nouns against those who define them: git's own rules, and the reference grammar's published cases.

use pinlib::{BranchName, Digest, Oid, Platform, Reference, RepoPath};
use proptest::prelude::*;
use std::process::Command;

/// What `git check-ref-format --branch` says.
fn git_takes(name: &str) -> bool {
    let git = Command::new("git").args(["check-ref-format", &format!("refs/heads/{name}")]).status();
    git.expect("git runs").success()
}

#[test]
fn a_branch_name_is_what_git_takes() {
    let names = [
        "main",
        "a",
        "release/1.x",
        "x-y_z",
        "a.b",
        "a..b",
        "a.",
        ".a",
        "a/.b",
        "a.lock",
        "a.lock/b",
        "a/b.lock",
        "a//b",
        "/a",
        "a/",
        "a b",
        "a~b",
        "a^b",
        "a:b",
        "a?b",
        "a*b",
        "a[b",
        "a\\b",
        "a@{b",
        "a@b",
        "{",
        "a\tb",
        "a\u{7f}b",
        "ünï",
        "日本",
        "a'b",
        "$(x)",
        "a;b",
        "\"q\"",
        "-",
        "a-",
        "@a",
        "a@",
    ];
    for name in names {
        let ours = name.parse::<BranchName>().is_ok();
        // What git takes as a ref but not as a branch, or reads as an option, is refused here too.
        assert_eq!(ours, git_takes(name) && !name.starts_with('-'), "{name:?}");
    }
    for name in ["", "@", "HEAD", "-x", "refs/heads/main"] {
        assert!(name.parse::<BranchName>().is_err(), "{name:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_branch_name_is_taken_that_git_refuses(name in r"[a-c./@{}~ \\*\[-]{1,8}|\PC{1,6}") {
        if name.parse::<BranchName>().is_ok() {
            prop_assert!(git_takes(&name), "{name:?}");
        }
    }
    #[test]
    fn what_git_takes_of_plain_letters_is_taken(name in r"([ab]|\.lock|refs|heads|HEAD|[./@{-]){1,5}") {
        let ours = name.parse::<BranchName>().is_ok();
        // What git would read as another ref, or as an option, is no name here.
        let other = name.starts_with('-') || name.starts_with("refs/") || ["HEAD", "@"].contains(&&*name);
        prop_assert_eq!(ours, git_takes(&name) && !other, "{:?}", name);
    }
}

/// A reference by its parts, put together by the grammar that is published.
fn parts() -> impl Strategy<Value = (Option<String>, String, Option<String>, Option<String>)> {
    let word = "[a-z0-9]{1,6}((\\.|_|__|-{1,3})[a-z0-9]{1,4}){0,2}";
    let path = format!("{word}(/{word}){{0,2}}");
    let host = r"[a-z0-9]{1,5}(-[a-z0-9]{1,3})?(\.[a-z]{2,4}){1,2}(:[1-9][0-9]{0,3})?|localhost(:5000)?|\[(::1|fe80::1:a)\](:[1-9][0-9]{0,3})?";
    let tag = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}";
    let digest = "sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}";
    let path = proptest::string::string_regex(&path).expect("a pattern");
    (prop::option::of(host), path, prop::option::of(tag), prop::option::of(digest))
}

proptest! {
    #[test]
    fn a_reference_is_taken_apart_as_it_was_put_together((host, path, tag, digest) in parts()) {
        // A first part with a dot in it would be a host.
        prop_assume!(host.is_some() || !path.split_once('/').is_some_and(|(first, _)| first.contains('.')));
        let slash = host.as_ref().map(|host| format!("{host}/")).unwrap_or_default();
        let tagged = tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        let pinned = digest.as_ref().map(|digest| format!("@{digest}")).unwrap_or_default();
        let text = format!("{slash}{path}{tagged}{pinned}");
        let reference: Reference = text.parse().expect(&text);
        prop_assert_eq!(reference.to_string(), text);
        prop_assert_eq!((reference.tag(), reference.digest().map(|digest| digest.to_string())), (tag.as_deref(), digest));
        let hub = if path.contains('/') { path.clone() } else { format!("library/{path}") };
        let meant = host.as_deref().map_or(("docker.io", &*hub), |host| (host, &*path));
        prop_assert_eq!((reference.registry(), reference.repository()), meant);
        let other = Digest::of(path.as_bytes());
        prop_assert_eq!(reference.with_digest(other).to_string(), format!("{slash}{path}{tagged}@{other}"));
        prop_assert_eq!(reference.at(other).to_string(), format!("{slash}{path}@{other}"));
        prop_assert!(reference.at(other).same_image(&reference.bare()));
    }
    #[test]
    fn one_digit_more_or_less_is_no_digest(content in any::<Vec<u8>>(), at in 0_usize..71, odd in "[^0-9a-f]") {
        let text = Digest::of(&content).to_string();
        prop_assert_eq!(text.parse(), Ok(Digest::of(&content)));
        let (mut cut, mut put, mut other) = (text.clone(), text.clone(), text.clone());
        cut.remove(at);
        put.insert(at, '0');
        other.replace_range(at..=at, &odd);
        for wrong in [cut, put, other, text.to_uppercase()] {
            prop_assert!(wrong == text || wrong.parse::<Digest>().is_err(), "{}", wrong);
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_what_parses_prints_as_it_was(text in r"\PC{0,80}|[a-z0-9:./@_-]{0,80}|sha256:[0-9a-f]{64}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(reference.to_string(), text.clone());
            let again: Reference = format!("{}{}", reference.name(), text.strip_prefix(reference.written_name()).unwrap_or_default()).parse().expect("canonical");
            prop_assert_eq!(again, reference);
        }
        if let Ok(digest) = text.parse::<Digest>() {
            prop_assert_eq!(digest.to_string(), text.clone());
        }
        if let Ok(path) = text.parse::<RepoPath>() {
            prop_assert_eq!(path.as_str(), &text);
            prop_assert!(path.components().all(|part| !part.is_empty() && part != ".." && part != "."));
        }
        drop((text.parse::<Oid>(), text.parse::<Platform>(), text.parse::<BranchName>()));
    }
}

#[test]
fn references_mean_what_docker_takes_them_for() {
    let cases = [
        ("nginx", "docker.io", "library/nginx", None),
        ("acme/web:1.2", "docker.io", "acme/web", Some("1.2")),
        ("docker.io/nginx", "docker.io", "library/nginx", None),
        ("index.docker.io/library/nginx", "docker.io", "library/nginx", None),
        ("ghcr.io/acme/ai-service", "ghcr.io", "acme/ai-service", None),
        ("localhost/app", "localhost", "app", None),
        ("localhost:5000/app:v1", "localhost:5000", "app", Some("v1")),
        ("127.0.0.1:5000/a/b/c", "127.0.0.1:5000", "a/b/c", None),
        ("[::1]:5000/app", "[::1]:5000", "app", None),
        ("registry.example.com:443/x__y/z-w.v", "registry.example.com:443", "x__y/z-w.v", None),
        ("xn--bcher-kva.test/app", "xn--bcher-kva.test", "app", None),
    ];
    for (text, registry, repository, tag) in cases {
        let reference: Reference = text.parse().expect(text);
        assert_eq!(
            (reference.registry(), reference.repository(), reference.tag()),
            (registry, repository, tag)
        );
    }
    let digest = format!("sha256:{}", "a".repeat(64));
    let both: Reference = format!("ghcr.io/a/b:t@{digest}").parse().expect("a reference");
    assert_eq!((both.tag(), both.digest()), (Some("t"), digest.parse().ok()));
    assert_eq!(both.bare().to_string(), "ghcr.io/a/b");
    let refused = [
        "",
        ":",
        "a:",
        "a@",
        "a//b",
        "-a/b",
        "a b",
        "a/b:",
        "a/b:.t",
        "a/b@sha256:zz",
        "a/b@md5:00",
        "a/../b",
        "host:port/app",
        "host:99999/app",
        "https://ghcr.io/a",
        "a___b",
        "a/b:t:u",
        "ghcr.io/",
        "[::1/app",
        "[::1]x/app",
        "[::1]:/app",
        "[::1]\n\nPinlib-Record: v1 pin/app",
        "a\nb",
    ];
    for text in refused {
        assert!(text.parse::<Reference>().is_err(), "{text:?}");
    }
}

#[test]
fn a_path_stays_in_the_tree() {
    for text in [
        "a",
        "a/b.yaml",
        "a b/ü",
        "..a",
        "a..",
        "...",
        ".github/x",
        ".gitignore",
        "a/.gitmodules",
        "[skip ci]",
    ] {
        assert!(text.parse::<RepoPath>().is_ok(), "{text:?}");
    }
    for text in [
        "",
        "/a",
        "a/",
        "a//b",
        "./a",
        "a/.",
        "..",
        "../a",
        "a/../b",
        ".git",
        "a/.git/b",
        ".GIT/x",
        "git~1/x",
        ".git./x",
        ".git::$INDEX_ALLOCATION/x",
        "a\\.git\\x",
        "a\nb",
        "a\0b",
    ] {
        assert!(text.parse::<RepoPath>().is_err(), "{text:?}");
    }
    let path = |text: &str| text.parse::<RepoPath>().expect("a path");
    assert!(
        path("src/a").is_in(&path("src"))
            && path("src").is_in(&path("src"))
            && !path("src2").is_in(&path("src"))
    );
}

#[test]
fn an_error_shows_a_hostile_text_cut_and_escaped() {
    let error =
        format!("{}\u{1b}[31m", "x".repeat(5000)).parse::<Digest>().expect_err("no digest").to_string();
    assert!(error.len() < 400 && !error.contains('\u{1b}'), "{error}");
}
