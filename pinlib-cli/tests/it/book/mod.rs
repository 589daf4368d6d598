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
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == "md") {
                paths.push(path.strip_prefix(root())?.display().to_string());
            }
        }
    }
    paths.sort();
    paths.into_iter().map(|path| Ok(Page::new(&path, &fs::read_to_string(root().join(&path))?))).collect()
}

#[test]
#[expect(clippy::print_stdout, reason = "what was not run is told")]
fn every_command_of_the_book_does_what_it_says() -> Result {
    let (mut run, mut wrong, mut left) = (0, Vec::new(), BTreeMap::<String, usize>::new());
    for page in pages()? {
        let (play, rest): (Vec<_>, Vec<_>) =
            page.blocks.iter().partition(|block| block.value("needs").is_none());
        for reason in rest.iter().filter_map(|block| block.value("needs")) {
            *left.entry(reason.to_owned()).or_default() += 1;
        }
        let typed = |block: &&&Block| block.language == "console" || block.value("file").is_some();
        let typed: Vec<_> = play.iter().filter(typed).copied().cloned().collect();
        // A new sandbox for each page, and before each block that asks for one.
        for session in typed.chunk_by(|_, next| !next.is("fresh")) {
            let Some(sandbox) = Sandbox::new()? else { return Ok(()) };
            let found = sandbox.play(&page.path, session)?;
            run += found.len();
            wrong.extend(found.into_iter().flatten());
        }
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
