//! Every real manifest beside the project: each site pinned, and the result held against another parser.

use crate::{
    edit::{corpus, digest, file, missing, pin_sites},
    pyyaml::{self, Case},
};
use pinlib::{EditErrorKind, HelmValues, Kustomization, ManifestEditor, PathEditor, Workload};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

fn manifests(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|e| e.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() {
            manifests(&path, found);
        } else if name == "Kustomization" || [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end))
        {
            found.push(path);
        }
    }
}

#[derive(Debug, Default)]
struct Count {
    files: usize,
    sites: usize,
    refusals: BTreeMap<String, Vec<String>>,
}

/// Pins each site by itself, then all together.
fn cases(editor: &dyn ManifestEditor, root: &Path, path: &Path, count: &mut Count, cases: &mut Vec<Case>) {
    let name = path.strip_prefix(root).expect("inside").to_str().expect("text").to_owned();
    let before = file(&name, fs::read(path).expect("a file"));
    let sites = match editor.sites(&before) {
        Ok(sites) => sites,
        Err(error) => {
            assert_ne!(error.kind, EditErrorKind::Unverified);
            if error.kind == EditErrorKind::Refused {
                let reason = format!("expected {}, found {}", error.expected, error.found);
                count
                    .refusals
                    .entry(reason)
                    .or_default()
                    .push(format!("{name}:{}:{}", error.line, error.column));
            }
            return;
        }
    };
    assert!(!sites.is_empty(), "{name}");
    count.files += 1;
    count.sites += sites.len();
    // Of the largest file, the ends do: it is read whole for each.
    let step = if before.bytes.len() > 1 << 20 { sites.len().max(2) - 1 } else { 1 };
    let choices = sites.chunks(1).step_by(step).chain((sites.len() > 1).then_some(&sites[..]));
    for chosen in choices {
        let (after, splices) = pin_sites(editor, &before, chosen).unwrap_or_else(|error| panic!("{error}"));
        // Once more is no change.
        let again = editor
            .sites(&after)
            .expect("sites")
            .into_iter()
            .zip(&sites)
            .filter(|(_, old)| chosen.contains(old));
        for (site, _) in again.filter(|(site, _)| site.image.digest() == Some(digest())) {
            assert_eq!(
                editor.pinned(&after, &site, digest()).expect("text").as_bytes(),
                &after.bytes[site.span]
            );
        }
        let name = format!("{name} {} {}", chosen[0].locator, chosen.len());
        cases.push(Case { name, file: path.to_owned(), splices });
    }
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are the point")]
fn every_site_of_the_corpus_is_edited_alone() {
    let Some(root) = corpus() else { return missing("the corpus of manifests") };
    if !pyyaml::is_here() {
        return;
    }
    let mut files = Vec::new();
    manifests(&root, &mut files);
    let editors: [&dyn ManifestEditor; 4] = [
        &Kustomization::default(),
        &Workload::default(),
        &HelmValues::default(),
        &PathEditor { at: "/spec/template/spec/containers/0/image".parse().expect("a path"), keep_tag: true },
    ];
    let mut all = Vec::new();
    for editor in editors {
        let mut count = Count::default();
        for path in &files {
            cases(editor, &root, path, &mut count, &mut all);
        }
        println!("{editor}: {} sites in {} of {} files", count.sites, count.files, files.len());
        for (reason, places) in &count.refusals {
            println!("    refused {}: {reason}: {}", places.len(), places.join(" "));
        }
        assert!(count.sites > 0, "{editor}");
    }
    let unread = pyyaml::compare(&all);
    println!("{} edits, none wrong; {unread} in files that PyYAML does not read", all.len());
}

/// Numbers that look drawn, the same each time.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % limit.max(1)
    }
}

/// What a slip of the hand makes of a text.
fn damaged(text: &str, draw: &mut Draw) -> String {
    let mut lines: Vec<_> = text.split_inclusive('\n').map(str::to_owned).collect();
    for _ in 0..=draw.below(2) {
        let (at, other) = (draw.below(lines.len()), draw.below(lines.len()));
        let Some(line) = lines.get(at).cloned() else { continue };
        let places: Vec<_> = line.char_indices().map(|(place, _)| place).collect();
        let place = places.get(draw.below(places.len())).copied().unwrap_or_default();
        match draw.below(8) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, line),
            2 => lines.insert(other, line),
            3 => lines.swap(at, other),
            4 => lines[at].insert_str(0, "  "),
            5 => lines[at] = line.replacen("  ", "", 1),
            6 => drop(lines[at].drain(place..).next()),
            _ => {
                let signs = [
                    "\t", " ", ":", "- ", "#", " #", "'", "\"", "{", "}", "[", "]", "&a ", "*a", "!x ",
                    "|\n", ">-\n", "%", ",", "\n", "\r", "\u{2028}", "<<: ", "? ", "---\n", "...\n", "\\",
                ];
                lines[at].insert_str(place, signs[draw.below(signs.len())]);
            }
        }
    }
    lines.concat()
}

#[test]
#[expect(clippy::print_stdout, reason = "the counts are the point")]
fn every_site_of_damaged_files_is_edited_alone_or_refused() {
    let Some(root) = corpus() else { return missing("the corpus of manifests") };
    if !pyyaml::is_here() {
        return;
    }
    let mut files = Vec::new();
    manifests(&root, &mut files);
    let (folder, mut draw) = (tempfile::tempdir().expect("a folder"), Draw(1));
    let (mut all, mut refused, mut unverified) = (Vec::new(), 0, 0);
    let editors: [&dyn ManifestEditor; 3] =
        [&Kustomization::default(), &Workload::default(), &HelmValues::default()];
    for (number, path) in files.iter().enumerate() {
        let text = fs::read_to_string(path).unwrap_or_default();
        if text.len() > 20_000 {
            continue;
        }
        let name = path.strip_prefix(&root).expect("inside").to_str().expect("text");
        for round in 0..ROUNDS {
            let text = damaged(&text, &mut draw);
            let before = file(name, text.as_str());
            let path = folder.path().join(format!("{number}-{round}"));
            fs::write(&path, &text).expect("written");
            for editor in editors {
                let sites = editor.sites(&before);
                refused +=
                    usize::from(sites.as_ref().is_err_and(|error| error.kind == EditErrorKind::Refused));
                for site in sites.unwrap_or_default() {
                    match pin_sites(editor, &before, std::slice::from_ref(&site)) {
                        Ok((_, splices)) => {
                            let name = format!("{name} {}\n{text}", site.locator);
                            all.push(Case { name, file: path.clone(), splices });
                        }
                        Err(_) => unverified += 1,
                    }
                }
            }
        }
    }
    let unread = pyyaml::compare(&all);
    println!(
        "{} edits, none wrong; {unread} in files that PyYAML does not read; {refused} files refused, {unverified} edits taken back",
        all.len()
    );
}

/// How many damaged copies of each file.
const ROUNDS: usize = 3;
