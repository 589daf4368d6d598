//! Plans are idempotent: what a plan wrote, the same plan finds done.

use crate::scene::path;
use pinlib::{
    Digest, DigestSource, ImagePin, ManifestEditor, NoRegistry, Oid, OutcomeKind, Patience, PinOptions,
    PinPlan, PinRequest, Pinner, Target, Workload,
};
use pinlib_testkit::{
    lines::ImageLines,
    memory::{MemoryClock, MemoryForge},
    sim::run,
};
use proptest::prelude::*;
use std::{collections::BTreeSet, sync::Arc};

const IMAGES: [&str; 3] = ["ghcr.io/acme/web", "ghcr.io/acme/api", "localhost:5000/job"];

/// A file of images: which, and what stands behind each name.
type Lines = Vec<(usize, String)>;

fn lines() -> impl Strategy<Value = Lines> {
    let digest = "[a-c]".prop_map(|content| format!("@{}", Digest::of(content.as_bytes())));
    let behind = prop_oneof![Just(String::new()), Just(":v1".to_owned()), digest];
    prop::collection::vec((0..IMAGES.len(), behind), 1..6)
}

/// The same file in two formats.
fn text(lines: &Lines, workload: bool) -> String {
    let image = |(image, behind): &(usize, String)| format!("{}{behind}", IMAGES[*image]);
    if workload {
        let container = |(at, line): (usize, &(usize, String))| {
            format!("  - name: c{at} # ü\n    image: '{}'\n", image(line))
        };
        let containers: String = lines.iter().enumerate().map(container).collect();
        format!("kind: Pod\nspec:\n  containers:\n{containers}")
    } else {
        lines.iter().flat_map(|line| ["x: 1\nimage: ".into(), image(line), "\n".into()]).collect()
    }
}

fn editor(workload: bool) -> Arc<dyn ManifestEditor> {
    if workload { Arc::new(Workload::default()) } else { Arc::new(ImageLines) }
}

/// Plans every image of these files, each to a digest of its own.
fn plan(forge: &Arc<MemoryForge>, source: Oid, files: &[(Lines, bool)]) -> (Pinner, PinRequest, PinPlan) {
    let images = IMAGES.iter().enumerate().filter_map(|(index, image)| {
        let holds = |(_, (lines, _)): &(usize, &(Lines, bool))| lines.iter().any(|(of, _)| *of == index);
        let target = |(at, (_, workload)): (usize, &(Lines, bool))| {
            Target::new(path(&at.to_string()), editor(*workload))
        };
        let targets: Vec<_> = files.iter().enumerate().filter(holds).map(target).collect();
        (!targets.is_empty()).then(|| ImagePin {
            image: image.parse().expect("an image"),
            digest: DigestSource::Declared(Digest::of(format!("new {image}").as_bytes())),
            platform: None,
            targets,
            was: None,
        })
    });
    let branch = "main".parse().expect("a branch");
    let request =
        PinRequest::new(source, branch, images.collect(), PinOptions::default()).expect("a request");
    let pinner = Pinner {
        registry: Arc::new(NoRegistry),
        forge: Arc::<MemoryForge>::clone(forge),
        clock: Arc::new(MemoryClock::default()),
        patience: Patience::default(),
    };
    let plan = run(pinner.plan(&request)).expect("a plan");
    (pinner, request, plan)
}

proptest! {
    #[test]
    fn what_a_plan_wrote_it_finds_done(files in prop::collection::vec((lines(), any::<bool>()), 1..4)) {
        let (forge, branch) = (Arc::new(MemoryForge::default()), "main".parse().expect("a branch"));
        let texts: Vec<_> = files.iter().map(|(lines, workload)| text(lines, *workload)).collect();
        let named: Vec<_> = texts.iter().enumerate().map(|(at, text)| (path(&at.to_string()), text.as_str())).collect();
        let source = forge.push(&branch, &named, "source");
        let (_, _, first) = plan(&forge, source, &files);
        let (_, _, again) = plan(&forge, source, &files);
        prop_assert_eq!(first.claim(), again.claim(), "the same head, the same plan");
        for (edit, twin) in first.edits().iter().zip(again.edits()) {
            prop_assert_eq!(edit.bytes(), twin.bytes());
            prop_assert_ne!(edit.bytes(), &edit.before().expect("a target's file").bytes[..], "an edit changes something");
        }
        let paths: BTreeSet<_> = first.edits().iter().map(|edit| edit.path().clone()).collect();
        prop_assert_eq!(paths.len(), first.edits().len(), "one edit a file");
        // Applied by anybody, at a head of its own.
        let done: Vec<_> = first.edits().iter().map(|edit| {
            (edit.path().clone(), std::str::from_utf8(edit.bytes()).expect("text"))
        }).collect();
        let applied = forge.push(&branch, &done, "applied");
        let (pinner, request, nothing) = plan(&forge, applied, &files);
        prop_assert!(nothing.is_empty() && nothing.edits().is_empty(), "{}", nothing);
        prop_assert_eq!(nothing.claim().sites(), first.claim().sites(), "it covers the same sites");
        let receipt = run(pinner.pin(&request, [1; 16].into())).expect("a receipt");
        prop_assert_eq!((receipt.kind(), receipt.commit), (OutcomeKind::AlreadyPinned, applied));
        // Applied by pinlib itself, it is the same bytes.
        forge.force(&branch, Some(source));
        let (pinner, request, _) = plan(&forge, source, &files);
        let receipt = run(pinner.pin(&request, [2; 16].into())).expect("a receipt");
        prop_assert_eq!(forge.files(receipt.commit), forge.files(applied));
    }
}
