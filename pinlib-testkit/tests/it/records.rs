//! What is a record and what is not, and what a key is made of.

use crate::scene::Scene;
use pinlib::{Claim, Operation, Record};

#[test]
fn a_record_reads_back_among_the_trailers_of_others() {
    let scene = Scene::quiet();
    for operation in [Operation::Pin, Operation::Rollback(scene.head())] {
        let record = scene.record(operation, scene.source, "web", "web", scene.head());
        let message = record.message("Pin it\n\nA body: with a colon.");
        assert_eq!(Record::parse(&message).as_ref(), Some(&record));
        assert_eq!(Record::parse(&format!("{message}Signed-off-by: A <a@b.test>\n")).as_ref(), Some(&record));
        assert_eq!(
            Record::parse(&message.replace("\nPinlib-Run", "\nCo-authored-by: B <b@b.test>\nPinlib-Run")),
            Some(record)
        );
    }
}

#[test]
fn two_records_or_a_wrong_key_are_none() {
    let scene = Scene::quiet();
    let message = scene.record(Operation::Pin, scene.source, "web", "web", scene.head()).message("Pin");
    let block = message.split_once("\n\n").expect("a block").1;
    let (source, root) = (scene.source.to_string(), scene.root.to_string());
    let none = [
        String::new(),
        "Pin".into(),
        format!("{message}{block}"),
        format!("{message}\n{block}"),
        format!("{message}\nThe record stands above the last block.\n"),
        message.replace(&format!("Pinlib-Source: {source}"), &format!("Pinlib-Source: {root}")),
        message.replace("refs/heads/main", "refs/heads/other"),
        message.replace(" web\n", " api\n"),
        message.replace("v1 pin", "v2 pin"),
        message.replace("Pinlib-Run: ", "Pinlib-Run: x"),
        format!("{message}Pinlib-Parent: {root}\n"),
        message.replace("Pinlib-Key: ", "Key: "),
    ];
    for message in none {
        assert_eq!(Record::parse(&message), None, "{message}");
    }
}

#[test]
fn a_key_names_what_and_never_who_or_when() {
    let scene = Scene::quiet();
    let record =
        |source, image, content, operation| scene.record(operation, source, image, content, scene.head());
    let one = record(scene.source, "web", "web", Operation::Pin);
    let again = Record { run: [3; 16].into(), parent: scene.root, ..one.clone() };
    assert_eq!(one.claim.key(), again.claim.key());
    let others = [
        record(scene.root, "web", "web", Operation::Pin),
        record(scene.source, "api", "web", Operation::Pin),
        record(scene.source, "web", "other", Operation::Pin),
        record(scene.source, "web", "web", Operation::Rollback(scene.root)),
        record(scene.source, "web", "web", Operation::Rollback(scene.source)),
    ];
    let mut keys: Vec<_> = others.iter().chain([&one]).map(|record| record.claim.key().to_string()).collect();
    let branch = "release".parse().expect("a branch");
    keys.push(
        Claim::new(Operation::Pin, &branch, scene.source, one.claim.sites().to_vec()).key().to_string(),
    );
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 7);
    let two = [one.claim.sites(), others[1].claim.sites()].concat();
    let reversed = two.iter().rev().cloned().collect();
    let key = |sites| Claim::new(Operation::Pin, &scene.branch, scene.source, sites).key();
    assert_eq!(key(two), key(reversed));
}
