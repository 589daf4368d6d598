//! The book is true: its commands run, its configurations parse, its flags exist, its links lead somewhere, and its
//! references are what the binary says.

mod links;
mod page;
mod reference;
mod sandbox;

use super::scene::{Result, Scene};
use page::{Block, Page};
use sandbox::Sandbox;
use std::{collections::BTreeMap, fs, path::PathBuf};

/// The top of the repository.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every page of the book, and the README.
fn pages() -> Result<Vec<Page>> {
    let mut paths = vec!["README.md".to_owned()];
    for folder in ["docs", "docs/reference", ".github"] {
        for entry in fs::read_dir(root().join(folder))? {
            let name = entry?.file_name().into_string().map_err(|name| format!("{}", name.display()))?;
            if name.ends_with(".md") {
                paths.push(format!("{folder}/{name}"));
            }
        }
    }
    paths.sort();
    paths.into_iter().map(|path| Ok(Page::new(&path, &fs::read_to_string(root().join(&path))?))).collect()
}

#[test]
fn every_command_of_the_book_does_what_it_says() -> Result {
    let (mut run, mut wrong, mut left) = (0, Vec::new(), BTreeMap::<String, usize>::new());
    for page in pages()? {
        let mut session = Vec::new();
        let mut play = |session: &mut Vec<Block>| -> Result {
            if session.is_empty() {
                return Ok(());
            }
            let Some(sandbox) = Sandbox::new()? else { return Ok(()) };
            run += sandbox.play(&page.path, session, &mut wrong)?;
            session.clear();
            Ok(())
        };
        for block in &page.blocks {
            if let Some(reason) = block.value("needs") {
                *left.entry(reason.to_owned()).or_default() += 1;
                continue;
            }
            if block.is("fresh") {
                play(&mut session)?;
            }
            if block.language == "console" || block.value("file").is_some() {
                session.push(block.clone());
            }
        }
        play(&mut session)?;
    }
    println!("commands of the book that were run: {run}");
    for (reason, count) in &left {
        println!("blocks that were not run, since they need {reason}: {count}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(run > 60, "{run}: where have the commands gone?");
    Ok(())
}

/// Blocks of other tools' files too: a flag that is gone is found wherever it stands.
#[test]
fn every_flag_in_the_book_exists() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let mut helps = BTreeMap::new();
    let mut seen = 0;
    for page in pages()? {
        for block in &page.blocks {
            for (command, flag) in block.flags() {
                if !helps.contains_key(&command) {
                    let words: Vec<_> = command.split(' ').chain(["--help"]).collect();
                    helps.insert(command.clone(), scene.run(&words)?.out);
                }
                let help = &helps[&command];
                let known =
                    help.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')).any(|word| word == flag);
                assert!(known, "{}:{}: pinlib {command} has no {flag}", page.path, block.line);
                seen += 1;
            }
        }
    }
    assert!(seen > 100, "{seen}: where have the flags gone?");
    Ok(())
}

/// A block marked `pinlib` is a `pinlib.yaml`, whole; every other block of YAML or JSON parses at least.
#[test]
fn every_configuration_in_the_book_is_read() -> Result {
    let Some(scene) = Scene::open()? else { return Ok(()) };
    let mut seen = 0;
    for page in pages()? {
        for block in page.blocks.iter().filter(|block| ["yaml", "json"].contains(&block.language.as_str())) {
            let at = format!("{}:{}", page.path, block.line);
            for part in block.text.split("\n---\n") {
                serde_saphyr::from_str::<serde_json::Value>(part)
                    .map_err(|error| format!("{at}: {error}"))?;
            }
            if block.is("pinlib") {
                scene.write("pinlib.yaml", &block.text)?;
                let run = scene.run(&["log", "--forge=repository.git", "--branch=main"])?;
                assert_eq!(run.code, Some(0), "{at}: {run:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 5, "{seen}: where have the configurations gone?");
    Ok(())
}
