//! Links, offline: to files and headings of the book, and to files of this repository.

use super::{super::scene::Result, page::Page, pages, root};
use regex_lite::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Component, Path, PathBuf},
};

/// Where the book finds what is not in it.
const HERE: &str = "https://github.com/pinlib/pinlib/blob/main/";

/// The anchor of a heading, as mdBook and GitHub make it.
fn slug(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
    heading.to_lowercase().chars().filter(kept).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The anchors of a page; a heading that comes again gets a number.
fn anchors(page: &Page) -> BTreeSet<String> {
    let mut seen = BTreeMap::<String, usize>::new();
    let headings = page.prose.iter().filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| {
            let name = slug(line.trim_start_matches('#').trim());
            let times = seen.entry(name.clone()).or_default();
            *times += 1;
            if *times == 1 { name } else { format!("{name}-{}", *times - 1) }
        })
        .collect()
}

/// A path without `..`, from the top of the repository.
fn joined(page: &str, target: &str) -> PathBuf {
    let mut path = Path::new(page).parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => assert!(path.pop(), "{page}: {target} leaves the repository"),
            part => path.push(part),
        }
    }
    path
}

#[test]
fn every_link_leads_somewhere() -> Result {
    let link = Regex::new(r"\]\(([^)\s]+)\)")?;
    let code = Regex::new("`[^`]*`")?;
    let pages = pages()?;
    let anchors: BTreeMap<_, _> =
        pages.iter().map(|page| (PathBuf::from(&page.path), anchors(page))).collect();
    let mut seen = 0;
    for page in &pages {
        for (line, text) in &page.prose {
            for found in link.captures_iter(&code.replace_all(text, "")) {
                let (at, target) = (format!("{}:{line}", page.path), &found[1]);
                seen += 1;
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = match (file.strip_prefix(HERE), file) {
                    (Some(path), _) => PathBuf::from(path),
                    (None, "") => PathBuf::from(&page.path),
                    (None, file) if file.starts_with("https://") => continue,
                    (None, file) => {
                        let path = joined(&page.path, file);
                        let followed = path.starts_with("docs") || !page.path.starts_with("docs");
                        assert!(followed, "{at}: the book cannot follow {target}: use {HERE}");
                        path
                    }
                };
                assert!(root().join(&path).exists(), "{at}: there is no {}", path.display());
                let known = anchor.is_empty() || anchors.get(&path).is_some_and(|all| all.contains(anchor));
                assert!(known, "{at}: {} has no #{anchor}", path.display());
            }
        }
    }
    assert!(seen > 100, "{seen}: where have the links gone?");
    Ok(())
}

#[test]
fn every_page_stands_in_the_table_of_contents() -> Result {
    let link = Regex::new(r"\]\(([^)]+)\)")?;
    let pages = pages()?;
    let of_book = |page: &&Page| page.path.starts_with("docs/") && page.path != "docs/SUMMARY.md";
    let there: BTreeSet<_> = pages.iter().filter(of_book).map(|page| page.path.clone()).collect();
    let summary = pages.iter().find(|page| page.path == "docs/SUMMARY.md").ok_or("a table of contents")?;
    let listed: Vec<_> = summary
        .prose
        .iter()
        .filter_map(|(_, line)| Some(format!("docs/{}", &link.captures(line)?[1])))
        .collect();
    assert_eq!(listed.len(), listed.iter().collect::<BTreeSet<_>>().len(), "a page stands there twice");
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), there);
    Ok(())
}

#[test]
fn a_heading_becomes_an_anchor() {
    assert_eq!(slug("2. Make its key"), "2-make-its-key");
    assert_eq!(slug("`pins-only`"), "pins-only");
    assert_eq!(slug("Back, and on"), "back-and-on");
}
