//! Backends bring raw facts and the core proves them: so a lie is found, whoever tells it.

use crate::scene::{Scene, file, inputs, options, path};
use async_trait::async_trait;
use pinlib::{
    BackendError, BackendErrorKind, BranchName, CommitRange, Digest, DigestSource, EditError, FileAt,
    GitForge, History, ImagePin, ManifestEditor, NoRegistry, Oid, OutcomeKind, Patience, PinError,
    PinOptions, PinRequest, Pinner, RawManifest, Reference, Region, Registry, RepoPath, RunId, Site, Target,
};
use pinlib_testkit::{
    broken::{Broken, Flaw},
    lines::ImageLines,
    memory::{MemoryClock, MemoryForge, human},
    sim::run,
};
use std::{fmt, sync::Arc};

/// Alters files that are called `bom`.
#[derive(Debug, Default)]
struct Liar;
/// Leaves out of each history the commit with this message.
#[derive(Debug, Default)]
struct Cut(&'static str);
#[derive(Debug)]
struct Sloppy;
#[derive(Debug)]
struct Moved;

macro_rules! named {
    ($($type:ty),*) => {$(impl fmt::Display for $type {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(stringify!($type))
        }
    })*};
}
named!(Sloppy, Moved);

#[async_trait]
impl Flaw for Liar {
    async fn read(
        &self,
        inner: &MemoryForge,
        wanted: &[(Oid, RepoPath)],
    ) -> Result<Vec<Option<FileAt>>, BackendError> {
        let mut files = inner.read(wanted).await?;
        files
            .iter_mut()
            .flatten()
            .filter(|file| file.path.as_str() == "bom")
            .for_each(|file| file.bytes.push(b'!'));
        Ok(files)
    }
}

#[async_trait]
impl Flaw for Cut {
    async fn history(&self, inner: &MemoryForge, range: &CommitRange) -> Result<History, BackendError> {
        let mut history = inner.history(range).await?;
        if let History::Descends(facts) = &mut history {
            facts.retain(|fact| fact.message != self.0);
        }
        Ok(history)
    }
}

/// Says of every commit that it descends from every other.
#[derive(Debug, Default)]
struct Flatterer;

#[async_trait]
impl Flaw for Flatterer {
    async fn history(&self, inner: &MemoryForge, range: &CommitRange) -> Result<History, BackendError> {
        let Some(base) = range.base else { return inner.history(range).await };
        let (have, all) = (inner.ancestors(base), inner.ancestors(range.upto));
        Ok(History::Descends(all.difference(&have).filter_map(|oid| inner.fact(*oid)).collect()))
    }
}

/// Adds a commit from nowhere.
#[derive(Debug, Default)]
struct Padder;

#[async_trait]
impl Flaw for Padder {
    async fn history(&self, inner: &MemoryForge, range: &CommitRange) -> Result<History, BackendError> {
        let mut history = inner.history(range).await?;
        if let History::Descends(facts) = &mut history {
            facts.extend(inner.fact(inner.write(&[], &human(), &[], "from nowhere")));
        }
        Ok(history)
    }
}

impl ManifestEditor for Sloppy {
    fn sites(&self, file: &FileAt) -> Result<Vec<Site>, EditError> {
        ImageLines.sites(file)
    }
    fn verify(&self, _: &FileAt, _: &FileAt, _: &[Region]) -> Result<(), EditError> {
        Ok(())
    }
    fn pinned(&self, file: &FileAt, site: &Site, digest: Digest) -> Result<String, EditError> {
        Ok(ImageLines.pinned(file, site, digest)? + "\nimage: ghcr.io/acme/evil")
    }
}

#[async_trait]
impl Registry for Moved {
    async fn manifest(&self, _: &Reference) -> Result<RawManifest, BackendError> {
        Ok(RawManifest { media_type: String::new(), claimed: None, bytes: b"another".into() })
    }
    async fn blob(&self, _: &Reference, _: Digest) -> Result<Vec<u8>, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, "read a blob"))
    }
    async fn referrers(&self, _: &Reference) -> Result<RawManifest, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, "list referrers"))
    }
}

fn pin(
    file: &str,
    editor: Arc<dyn ManifestEditor>,
    digest: DigestSource,
    registry: Arc<dyn Registry>,
) -> Result<(), PinError> {
    let (memory, branch): (_, BranchName) = (MemoryForge::default(), "main".parse().expect("a branch"));
    let target = Target::new(file.parse().expect("a path"), editor);
    let source = memory.push(&branch, &[(target.path.clone(), "image: ghcr.io/acme/web\n")], "source");
    let image = ImagePin {
        image: "ghcr.io/acme/web".parse().expect("an image"),
        digest,
        targets: vec![target],
        was: None,
        platform: None,
    };
    let request = PinRequest::new(source, branch, vec![image], PinOptions::default())?;
    let pinner = Pinner {
        registry,
        forge: Arc::new(Broken { memory, flaw: Liar }),
        clock: Arc::new(MemoryClock::default()),
        patience: Patience::default(),
    };
    run(pinner.pin(&request, RunId::from([1; 16]))).map(drop)
}

#[test]
fn every_lie_is_found() {
    let digest = Digest::of(b"web");
    let declared = DigestSource::Declared(digest);
    let kind = |end: Result<(), PinError>| end.map_err(|error| error.kind());
    assert_eq!(kind(pin("app", Arc::new(ImageLines), declared, Arc::new(NoRegistry))), Ok(()));
    assert_eq!(
        kind(pin("bom", Arc::new(ImageLines), declared, Arc::new(NoRegistry))),
        Err(OutcomeKind::Mismatch)
    );
    assert_eq!(
        kind(pin("app", Arc::new(Sloppy), declared, Arc::new(NoRegistry))),
        Err(OutcomeKind::Mismatch)
    );
    assert_eq!(
        kind(pin("app", Arc::new(ImageLines), DigestSource::Reported(digest), Arc::new(Moved))),
        Err(OutcomeKind::Mismatch)
    );
}

/// A line of two, and a merge of another two that began before the source.
#[test]
fn a_history_that_was_cut_is_found() {
    for (cut, wanted) in [
        ("", Ok(())),
        ("one", Err(())),
        ("two", Err(())),
        ("side one", Err(())),
        ("side two", Err(())),
        ("merge", Err(())),
    ] {
        let (scene, memory) = (Scene::quiet(), Arc::new(MemoryForge::default()));
        let write = |parents: &[Oid], text, message| {
            memory.write(parents, &human(), &[(path("docs"), text)], message)
        };
        let root = memory.push(&scene.branch, &[(path("web"), &file("web", None))], "root");
        let source = write(&[root], "source", "source");
        let two = write(&[write(&[source], "1", "one")], "2", "two");
        let side = write(&[write(&[root], "3", "side one")], "4", "side two");
        memory.force(&scene.branch, Some(write(&[two, side], "5", "merge")));
        let job = scene.job(source, "web", "web", options(inputs()));
        let forge = Broken { memory: Arc::into_inner(memory).expect("a memory"), flaw: Cut(cut) };
        let end = run(Pinner { forge: Arc::new(forge), ..scene.pinner() }.pin(&job.request, job.run));
        assert_eq!(
            end.map(drop).map_err(|error| assert_eq!(error.kind(), OutcomeKind::Unavailable)),
            wanted,
            "{cut}"
        );
    }
}

/// Whether a forge with this flaw is found out, on a branch that went on from the source, or left it.
fn found<F: Flaw>(left: bool) -> bool {
    let (scene, forge) = (Scene::quiet(), Broken::<F>::default());
    let root = forge.memory.push(&scene.branch, &[(path("web"), &file("web", None))], "root");
    let source = forge.memory.push(&scene.branch, &[(path("docs"), "1")], "source");
    forge.memory.force(&scene.branch, Some(if left { root } else { source }));
    forge.memory.push(&scene.branch, &[(path("docs"), "2")], "head");
    let job = scene.job(source, "web", "web", options(inputs()));
    let end = run(Pinner { forge: Arc::new(forge), ..scene.pinner() }.pin(&job.request, job.run));
    end.is_err_and(|error| error.kind() == OutcomeKind::Unavailable)
}

#[test]
fn a_history_that_never_met_its_base_or_has_too_much_is_found() {
    assert!(found::<Flatterer>(true));
    assert!(found::<Padder>(false));
}
