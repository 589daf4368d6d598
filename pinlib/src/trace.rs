//! Follows a head's first-parent line back to who wrote what stands at some sites.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::PinError,
    forge::GitForge,
    git::{CommitFact, Mode, Oid, RepoPath},
    guard::touches,
    image::{Digest, Reference},
    manifest::Locator,
    plan,
    read::{self, examine},
    record::{Operation, Pinned, Record},
    request::{Placement, Target},
    snapshot::{Passed, Writer},
    walk::{LineRange, Walk},
};
use std::collections::{BTreeMap, BTreeSet};

/// No more commits than this are gone back.
const LIMIT: usize = 16_384;

/// An image and the sites that it has in one commit.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub(crate) image: Reference,
    /// What stands at each, without a digest where there is none.
    pub(crate) sites: Vec<(Target, Locator, Option<Digest>)>,
}

impl Placed {
    /// The one digest that stands at every site, if there is one.
    pub(crate) fn standing(&self) -> Option<Digest> {
        one(self.sites.iter().map(|(_, _, digest)| *digest))
    }
    /// The one digest that a record has for every site, if there is one.
    pub(crate) fn recorded(&self, record: &Record) -> Option<Digest> {
        one(self.sites.iter().map(|(target, locator, _)| {
            let is_here = |site: &&Pinned| site.is_at(&target.path, locator);
            record.claim.sites().iter().find(is_here).map(|site| site.digest)
        }))
    }
}

fn one(mut digests: impl Iterator<Item = Option<Digest>>) -> Option<Digest> {
    let first = digests.next()??;
    digests.all(|digest| digest == Some(first)).then_some(first)
}

/// Finds the sites of the images in one commit.
pub(crate) async fn placed(
    forge: &dyn GitForge,
    at: Oid,
    images: &[Placement],
) -> Result<Vec<Placed>, PinError> {
    let paths = paths(images.iter().flat_map(|(_, targets)| targets));
    let files = read::files_at(forge, at, &paths).await?;
    let mut all = Vec::new();
    for (image, targets) in images {
        let mut sites = Vec::new();
        for target in targets {
            let file = files.iter().flatten().find(|file| file.path == target.path);
            let file = file.ok_or_else(|| read::missing(&target.path, at))?;
            for site in plan::sites(target, file, image)? {
                sites.push((target.clone(), site.locator, site.image.digest()));
            }
        }
        all.push(Placed { image: image.clone(), sites });
    }
    Ok(all)
}

fn paths<'t>(targets: impl Iterator<Item = &'t Target>) -> Vec<RepoPath> {
    targets.map(|target| target.path.clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// What the images are called, for an error.
pub(crate) fn names(placed: &[Placed]) -> String {
    placed.iter().map(|image| image.image.written_name()).collect::<Vec<_>>().join(" and ")
}

/// The commits on a head's first-parent line that changed the sites' files, or quote a record of one, newest first.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) passed: Vec<Passed>,
    /// Whether the line ends there.
    whole: bool,
}

impl Trace {
    /// Follows the line until what was found is enough, or to its root.
    ///
    /// # Errors
    /// `Incomplete` where neither comes within the limit.
    pub(crate) async fn back(
        forge: &dyn GitForge,
        head: Oid,
        placed: &[Placed],
        known: &[Target],
        enough: impl Fn(&Self) -> bool,
    ) -> Result<Self, PinError> {
        let targets: Vec<_> =
            placed.iter().flat_map(|image| &image.sites).map(|(target, ..)| target.clone()).collect();
        let paths = paths(targets.iter());
        let known = [&targets, known].concat();
        let (by, mut trace) = (forge.identity().await?, Self::default());
        let mut walk = Walk::new(forge, LineRange { upto: head, base: None, limit: LIMIT });
        loop {
            let piece = walk.more().await?;
            if piece.is_empty() {
                break;
            }
            let candidates = candidates(forge, &piece, &paths).await?;
            trace.passed.extend(examine(forge, &by, &known, candidates).await?);
            trace.whole = !walk.is_cut();
            if enough(&trace) || trace.whole {
                return Ok(trace);
            }
        }
        let act = format!("find who wrote what stands in {}", paths.first().map_or("", |path| path.as_str()));
        let why = format!("it lies more than {LIMIT} commits back");
        Err(BackendError::new(BackendErrorKind::Incomplete, act).because(why).into())
    }

    /// The pins among them, newest first. A release is none: it writes no digest.
    pub(crate) fn pins(&self) -> impl Iterator<Item = (Oid, &Record)> {
        self.passed.iter().filter_map(|passed| Some((passed.fact.oid, written(passed)?)))
    }

    /// Who wrote what stands at each site; none while that is not known yet.
    pub(crate) fn writers(&self, placed: &[Placed]) -> Option<BTreeMap<(RepoPath, Locator), Writer>> {
        let sites = placed.iter().flat_map(|image| &image.sites);
        sites
            .map(|(target, locator, _)| {
                Some(((target.path.clone(), locator.clone()), self.writer(target, locator)?))
            })
            .collect()
    }

    fn writer(&self, target: &Target, locator: &Locator) -> Option<Writer> {
        let mut hand = None;
        for passed in &self.passed {
            let commit = passed.fact.oid;
            let is_here = |site: &Pinned| site.is_at(&target.path, locator);
            match written(passed) {
                Some(record) if record.claim.sites().iter().any(is_here) => {
                    let by_pin = Writer::Pin { commit, record: record.clone(), kin: None };
                    return Some(hand.unwrap_or(by_pin));
                }
                _ if passed.changes.iter().any(|change| touches(change, target, locator)) => {
                    hand.get_or_insert(Writer::Hand { commit });
                }
                _ => {}
            }
        }
        self.whole.then_some(Writer::Nobody)
    }
}

/// The record of a commit that wrote digests.
fn written(passed: &Passed) -> Option<&Record> {
    passed.pin.as_ref().filter(|record| !matches!(record.claim.operation(), Operation::Release(_)))
}

/// Those of a piece of a line that changed one of these files against their first parent, or quote a record of one.
async fn candidates(
    forge: &dyn GitForge,
    line: &[CommitFact],
    paths: &[RepoPath],
) -> Result<Vec<CommitFact>, PinError> {
    let mut commits: Vec<_> = line.iter().map(|fact| fact.oid).collect();
    commits.extend(line.last().and_then(|last| last.parents.first()));
    let stands = entries(forge, &commits, paths).await?;
    let nothing = vec![None; paths.len()];
    let quotes = |fact: &CommitFact| {
        let record = Record::parse(&fact.message);
        record.is_some_and(|record| record.claim.sites().iter().any(|site| paths.contains(&site.path)))
    };
    let changed = |at: usize| stands[at] != *stands.get(at + 1).unwrap_or(&nothing);
    let chosen = line.iter().enumerate().filter(|(at, fact)| changed(*at) || quotes(fact));
    Ok(chosen.map(|(_, fact)| fact.clone()).collect())
}

/// What stands at each path in each commit: one read a level of folders, each folder once.
async fn entries(
    forge: &dyn GitForge,
    commits: &[Oid],
    paths: &[RepoPath],
) -> Result<Vec<Vec<Option<(Mode, Oid)>>>, PinError> {
    let mut at: Vec<_> = commits.iter().map(|oid| vec![Some((Mode::Tree, *oid)); paths.len()]).collect();
    let parts: Vec<Vec<_>> = paths.iter().map(|path| path.components().collect()).collect();
    for depth in 0..parts.iter().map(Vec::len).max().unwrap_or_default() {
        let wanted = |(path, entry): (usize, &Option<(Mode, Oid)>)| {
            entry.filter(|(mode, _)| *mode == Mode::Tree && depth < parts[path].len()).map(|(_, oid)| oid)
        };
        let oids: BTreeSet<_> = at.iter().flat_map(|row| row.iter().enumerate().filter_map(wanted)).collect();
        let trees = read::trees(forge, oids).await?;
        for row in &mut at {
            for (path, entry) in row.iter_mut().enumerate() {
                let Some(part) = parts[path].get(depth) else { continue };
                let tree = entry.take().filter(|(mode, _)| *mode == Mode::Tree);
                let inside = tree.and_then(|(_, oid)| trees.get(&oid)).map_or(&[][..], Vec::as_slice);
                let found = inside.iter().find(|inner| inner.name == part.as_bytes());
                *entry = found.map(|inner| (inner.mode, inner.oid));
            }
        }
    }
    Ok(at)
}
