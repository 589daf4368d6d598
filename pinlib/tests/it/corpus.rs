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
