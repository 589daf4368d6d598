//! The record against git's own reading of trailers, and against hostile names.

use pinlib::{Claim, Digest, Oid, Operation, Pinned, Proof, Record, RepoPath, RunId};
use proptest::prelude::*;
use std::{
    io::Write,
    process::{Command, Stdio},
};

fn oid(byte: char) -> Oid {
    byte.to_string().repeat(40).parse().expect("an oid")
}

fn record(branch: &str, paths: &[String], operation: Operation) -> Record {
    let site = |path: &String| Pinned {
        path: path.parse().expect("a path"),
        locator: "workload:0/Deployment/web/containers/app".parse().expect("a locator"),
        digest: Digest::of(path.as_bytes()),
    };
    let sites = paths.iter().map(site).collect();
    Record {
        claim: Claim::new(operation, &branch.parse().expect("a branch"), oid('a'), sites),
        proof: Proof::Hashed,
        run: RunId::from([7; 16]),
        parent: oid('b'),
    }
}

fn trailers(message: &str) -> Vec<String> {
    let mut git = Command::new("git")
        .args(["interpret-trailers", "--parse"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("git runs");
    git.stdin.take().expect("a pipe").write_all(message.as_bytes()).expect("git reads");
    let out = git.wait_with_output().expect("git ends").stdout;
    String::from_utf8(out).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn git_reads_the_record_as_trailers() {
    let names = ["deploy/app.yaml", "a b/[skip ci] ü.yaml", "x: y", "#1"].map(str::to_owned);
    for operation in [Operation::Pin, Operation::Rollback(oid('b'))] {
        let record = record("feature/[x]".replace(['[', ']'], "+").as_str(), &names, operation);
        let message = record.message("Pin web to sha256:0\n\nweb, built from a\n  deploy/app.yaml  1 -> 2");
        let block = message.rsplit("\n\n").next().expect("a block");
        assert_eq!(trailers(&message), block.lines().collect::<Vec<_>>());
        assert_eq!(trailers(&message).len(), 7 + names.len());
        // As others leave it behind: with their own trailers beside it.
        let signed = format!("{message}Signed-off-by: A <a@example.test>\n");
        assert_eq!(Record::parse(&signed), Record::parse(&message));
        let again = trailers(&signed).join("\n");
        assert_eq!(
            Record::parse(&format!("Subject\n\n{again}\n")),
            Some(record),
            "read back from git's own answer"
        );
    }
}

proptest! {
    #[test]
    fn whatever_a_file_is_called_its_record_reads_back_and_says_nothing_else(
        names in prop::collection::btree_set(r"\PC{1,20}|\[skip ci\]|[a-z]{1,5}(/[a-z .:%#\[\]-]{1,9}){0,3}", 1..4)
    ) {
        let names: Vec<_> = names.into_iter().filter(|name| name.parse::<RepoPath>().is_ok()).collect();
        let record = record("main", &names, Operation::Pin);
        let message = record.message("Pin");
        prop_assert!(message.bytes().all(|b| b == b'\n' || b.is_ascii_graphic() || b == b' '));
        prop_assert!(!message.contains('[') && !message.contains("skip ci"));
        prop_assert_eq!(Record::parse(&message), Some(record));
    }

    #[test]
    fn no_text_makes_it_panic(text in r"(Pinlib-[A-Z][a-z]{2,6}: [ -~]{0,40}\n|\PC{0,20}\n){0,12}") {
        prop_assert_eq!(Record::parse(&text), None);
    }

    #[test]
    fn no_subject_and_no_body_makes_it_another_record(
        pieces in prop::collection::vec((0_usize..8, r"\PC{0,12}"), 0..8), subject in r"\PC{0,30}"
    ) {
        let ours = record("main", &["app.yaml".into()], Operation::Pin);
        let theirs = record("evil", &["other.yaml".into()], Operation::Rollback(oid('c')));
        // What an image or a file might be called, were it not encoded: parts of another record.
        let message = theirs.message("Theirs");
        let (_, block) = message.split_once("\n\n").expect("a block");
        let lines: Vec<_> = block.lines().collect();
        let mut text = subject;
        for (piece, between) in pieces {
            let (before, part) = match piece {
                0 => ("\n", ""),
                1 => ("\r", ""),
                2 => ("\n\n", block),
                piece => ("\n", lines[piece % lines.len()]),
            };
            text.extend([before, part, "\n", &between]);
        }
        let read = Record::parse(&ours.message(&text));
        prop_assert!(read.is_none() || read.as_ref() == Some(&ours), "{read:?}");
    }
    #[test]
    fn a_record_that_was_touched_is_none_or_the_same(at in any::<prop::sample::Index>(), byte in 0x20_u8..0x7f) {
        let ours = record("release/1.x", &["a b/ü.yaml".into(), "z".into()], Operation::Rollback(oid('b')));
        let message = ours.message("Pin");
        let block = message.find("Pinlib-Record").expect("a record");
        let mut touched = message.clone().into_bytes();
        let at = block + at.index(touched.len() - block);
        touched[at] = byte;
        let read = Record::parse(&String::from_utf8(touched).expect("text"));
        // The key covers the claim; how it was known, by whom and on what are held against the commit itself.
        prop_assert!(read.is_none_or(|read| read.claim == ours.claim));
    }
}
