//! Derives every pin of a line from the trees of its commits, and holds it against what the commits say.

mod breach;
mod order;

pub use breach::{Breach, Tampering};

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::PinError,
    forge::GitForge,
    git::{CommitFact, FileAt, Identity, Mode, RepoPath, Signature, TreePath},
    hold::{self, HOLDS, Hold},
    image::Reference,
    manifest::{self, EditError, EditErrorKind, Locator, ManifestEditor, Site},
    read::{self, Seen},
    recognise::{Misfit, may_change, recognised},
    record::{Operation, Record},
    request::Target,
    snapshot::Change,
    walk::{LineRange, Walk},
};
use order::Ancestry;
use std::collections::BTreeMap;

/// Whose pins an audit looks for, where, and what it asks of them.
#[derive(Clone, Debug)]
pub struct AuditOptions {
    /// Who pins.
    pub by: Identity,
    /// Every target of the repository: what stands elsewhere is not looked at.
    pub known: Vec<Target>,
    /// Asks a signature of every pin, one that the forge vouches for.
    pub signed: bool,
    /// Lets people change digests by hand, in commits that are not by the pinner and hold no record.
    pub hand_edits: bool,
}

/// What an audit came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many commits were looked at.
    pub commits: usize,
    /// How many of them are pins, or a rollback, a promotion or a release.
    pub pins: usize,
    /// What was found, newest first.
    pub breaches: Vec<Breach>,
}

/// Audits a part of a line. Every commit is held against its first parent, so what the oldest one stands on, or the root
/// holds, is taken as given.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pinlib::{AuditOptions, GitForge, Kustomization, LineRange, Target, audit};
/// use pinlib_testkit::{memory::MemoryForge, sim};
/// use std::sync::Arc;
/// let (forge, main) = (MemoryForge::default(), "main".parse()?);
/// let file = |digit: &str| format!("images:\n  - name: web\n    digest: sha256:{}\n", digit.repeat(64));
/// let path: pinlib::RepoPath = "kustomization.yaml".parse()?;
/// let base = forge.push(&main, &[(path.clone(), &file("1"))], "Open the shop");
/// let upto = forge.push(&main, &[(path.clone(), &file("2"))], "A digest by hand");
///
/// let range = LineRange { upto, base: Some(base), limit: 1000 };
/// let known = vec![Target::new(path, Arc::new(Kustomization::default()))];
/// let options = AuditOptions { by: sim::run(forge.identity())?, known, signed: false, hand_edits: false };
/// let audit = sim::run(audit(&forge, range, &options))?;
/// assert_eq!((audit.commits, audit.pins, audit.breaches.len()), (1, 0, 1));
/// # Ok(()) }
/// ```
///
/// # Errors
/// Where the forge fails or does not tell all: then there is no finding, and no absence of findings. `NotFound` where the
/// base is not on the line, `Incomplete` where the line is longer than its limit.
pub async fn audit(
    forge: &dyn GitForge,
    range: LineRange,
    options: &AuditOptions,
) -> Result<Audit, PinError> {
    let holds = RepoPath::own(HOLDS);
    let at_head = read::files_at(forge, range.upto, &[holds]).await?.pop().flatten();
    let mut auditor = Auditor {
        options,
        audit: Audit::default(),
        holds: hold::holds(at_head.as_ref()),
        ancestry: Ancestry::default(),
    };
    let mut walk = Walk::new(forge, range);
    loop {
        let piece = walk.more().await?;
        if piece.is_empty() {
            break;
        }
        let whole = |fact: &CommitFact| options.by.wrote(fact) || Record::is_quoted(&fact.message);
        let seen = read::look(forge, &options.known, piece, whole).await?;
        for commit in seen {
            auditor.commit(&commit);
        }
    }
    if walk.is_cut() {
        let act = format!("audit the line of {}", range.upto.short());
        let why = format!("it has more than {} commits", range.limit);
        return Err(BackendError::new(BackendErrorKind::Incomplete, act).because(why).into());
    }
    let Auditor { mut audit, ancestry, .. } = auditor;
    ancestry.finish(forge, &mut audit.breaches).await?;
    Ok(audit)
}

/// Goes down a line, newest first.
struct Auditor<'a> {
    options: &'a AuditOptions,
    audit: Audit,
    /// The holds as they stand at the commit that comes next.
    holds: Result<Vec<Hold>, EditError>,
    ancestry: Ancestry,
}

impl Auditor<'_> {
    fn report(&mut self, fact: &CommitFact, path: &impl ToString, line: Option<usize>, what: Tampering) {
        let path = Some(path.to_string());
        self.audit.breaches.push(Breach { commit: fact.oid, path, line, what });
    }
    fn unreadable(&mut self, fact: &CommitFact, path: &impl ToString, error: EditError) {
        let line = Some(error.line).filter(|line| *line > 0);
        self.report(fact, path, line, Tampering::Unreadable(error));
    }
    fn report_commit(&mut self, fact: &CommitFact, what: Tampering) {
        self.audit.breaches.push(Breach { commit: fact.oid, path: None, line: None, what });
    }

    fn commit(&mut self, seen: &Seen) {
        let Seen { fact, changed, files } = seen;
        self.ancestry.pass(fact.oid);
        self.audit.commits += 1;
        let before = self.audit.breaches.len();
        let quoted = Record::is_quoted(&fact.message);
        let pin = match recognised(fact, &self.options.by, changed, files, &self.options.known) {
            Ok(record) => Some(record),
            Err(misfit) => {
                if self.options.by.wrote(fact) {
                    self.outside(fact, changed);
                }
                match misfit {
                    _ if !quoted => self.sites(seen),
                    Misfit::Outside => {}
                    Misfit::Signature => self.report_commit(fact, Tampering::Unsigned),
                    misfit => self.report_commit(fact, Tampering::Misfit(misfit)),
                }
                None
            }
        };
        self.hold_file(fact, files, pin.as_ref());
        match &pin {
            Some(record) => self.pin(fact, record),
            None if self.options.by.wrote(fact) && self.audit.breaches.len() == before => {
                self.report_commit(fact, Tampering::NoRecord);
            }
            None => {}
        }
    }

    /// What the pinner changed that no pin of its may: of a pin its sites' files, else any target's.
    fn outside(&mut self, fact: &CommitFact, changed: &[TreePath]) {
        let record = Record::parse(&fact.message);
        let known = &self.options.known;
        let may = |path: &TreePath| match &record {
            Some(record) => may_change(&record.claim, path),
            None => *path == RepoPath::own(HOLDS) || known.iter().any(|target| *path == target.path),
        };
        let mut others = changed.iter().filter(|path| !may(path));
        if let Some(first) = others.next() {
            let more = others.count();
            self.report(fact, first, None, Tampering::Outside { more });
        }
    }

    fn pin(&mut self, fact: &CommitFact, record: &Record) {
        self.audit.pins += 1;
        if self.options.signed && fact.signature != Signature::Valid {
            self.report_commit(fact, Tampering::Unsigned);
        }
        let forward = record.claim.operation().is_forward();
        match self.holds.clone() {
            Ok(holds) if forward => {
                for site in
                    record.claim.sites().iter().filter(|site| holds.iter().any(|hold| hold.is_of(site)))
                {
                    let locator = site.locator.clone();
                    self.report(fact, &site.path, None, Tampering::HoldIgnored { locator });
                }
            }
            Err(error) if forward => self.unreadable(fact, &HOLDS, error),
            _ => {}
        }
        self.ancestry.pin(fact.oid, &record.claim);
    }

    /// Follows the hold file up to what the next commit left.
    fn hold_file(&mut self, fact: &CommitFact, files: &[Change], pin: Option<&Record>) {
        let Some(change) = files.iter().find(|change| change.path.as_str() == HOLDS) else { return };
        self.holds = hold::holds(change.before.as_ref());
        let after = match hold::holds(change.after.as_ref()) {
            Ok(after) => after,
            Err(error) => return self.unreadable(fact, &HOLDS, error),
        };
        // The holds that a release takes are those of its sites: else it is none.
        let released = pin.is_some_and(|pin| matches!(pin.claim.operation(), Operation::Release(_)));
        let taken =
            self.holds.clone().into_iter().flatten().filter(|hold| !released && !after.contains(hold));
        for Hold { path, locator } in taken {
            self.report(fact, &HOLDS, None, Tampering::HoldTaken { locator, path });
        }
    }

    /// What a commit that says nothing of itself did to the sites.
    fn sites(&mut self, Seen { fact, changed, files }: &Seen) {
        for change in files.iter().filter(|_| !fact.parents.is_empty()) {
            // A file that is gone deploys nothing; one whose folder became a link may be another file.
            let covered = |path: &TreePath| path.leads_to(&change.path) && *path != change.path;
            let stays = change.after.is_some() || changed.iter().any(covered);
            if let Err(error) = self.file(fact, change, stays) {
                self.unreadable(fact, &change.path, error);
            }
        }
    }

    /// What became of the sites of a file.
    fn file(&mut self, fact: &CommitFact, change: &Change, stays: bool) -> Result<(), EditError> {
        let Change { path, before, after } = change;
        let (mut old, mut new) = (BTreeMap::new(), BTreeMap::new());
        for target in self.options.known.iter().filter(|target| target.path == *path) {
            // What could not be read held nothing that is known: all in it is new.
            old.extend(stands(&*target.editor, before.as_ref()).unwrap_or_default());
            new.extend(stands(&*target.editor, after.as_ref())?);
        }
        let by_hand = self.options.hand_edits && !self.options.by.wrote(fact);
        for (locator, Site { image: to, line, .. }) in new {
            let from = old.remove(&locator).map(|site| site.image);
            let pinned = from.as_ref().and_then(Reference::digest);
            let same = pinned == to.digest() && from.as_ref().is_some_and(|from| from.same_image(&to));
            let what = match (from, to.digest()) {
                _ if same => continue,
                (from, Some(_)) if !by_hand => Tampering::Unrecorded { locator, from, to },
                (Some(from), None) if pinned.is_some() => Tampering::Unpinned { locator, from, to: Some(to) },
                _ => continue,
            };
            self.report(fact, path, Some(line), what);
        }
        // A place that is gone lets a tag through that stands elsewhere.
        for (locator, site) in old.into_iter().filter(|(_, site)| stays && site.image.digest().is_some()) {
            self.report(fact, path, None, Tampering::Unpinned { locator, from: site.image, to: None });
        }
        Ok(())
    }
}

/// The sites of a file, if it is there.
fn stands(editor: &dyn ManifestEditor, file: Option<&FileAt>) -> Result<BTreeMap<Locator, Site>, EditError> {
    let Some(file) = file else { return Ok(BTreeMap::new()) };
    if file.mode != Mode::Regular {
        return Err(EditError {
            kind: EditErrorKind::Refused,
            path: file.path.clone(),
            line: 0,
            column: 0,
            expected: "a regular file (100644)".into(),
            found: file.mode.to_string(),
        });
    }
    Ok(manifest::found(editor, file)?.into_iter().map(|site| (site.locator.clone(), site)).collect())
}
