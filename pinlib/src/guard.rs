//! The only place that lets a plan become a commit: pure functions of A, H, and what H holds.

use crate::{
    error::{Mismatch, Movement, PinError, Superseder},
    git::{BranchName, FileAt, Oid, RepoPath},
    hold::{self, Hold},
    image::Reference,
    manifest::{self, Locator},
    parse::encode,
    plan::{Declared, FileEdit, PinPlan},
    record::{Operation, Pinned, Record, RunId},
    request::{Policy, Target},
    snapshot::{Change, Kin, Passage, Passed, Writer},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

/// Why the commit was allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Basis {
    /// The head is the source commit.
    Exact,
    /// All commits since the source commit are pins.
    PinsOnly(Vec<Oid>),
    /// None of the commits since the source commit changed an input.
    Inputs(Vec<Oid>),
    /// What stands at the sites was written by these pins, or by none: a rollback, a release or a promotion.
    Written(Vec<Oid>),
}

/// A plan that a policy has cleared, bound to the head it was cleared on. Nothing else makes one.
///
/// It says everything that a client needs to build the commit by itself (git push) and nothing that a server which
/// builds it could not honour, the date excepted.
#[derive(Clone, Debug)]
pub struct GuardedCommit {
    branch: BranchName,
    expected_head: Oid,
    edits: Vec<FileEdit>,
    record: Record,
    basis: Basis,
    date: SystemTime,
}

impl GuardedCommit {
    /// The branch to move.
    pub fn branch(&self) -> &BranchName {
        &self.branch
    }
    /// Where the branch must stand, and the new commit's one parent.
    pub fn expected_head(&self) -> Oid {
        self.expected_head
    }
    /// The files, all of which exist at the expected head as regular files; never empty.
    pub fn edits(&self) -> &[FileEdit] {
        &self.edits
    }
    /// The record.
    pub fn record(&self) -> &Record {
        &self.record
    }
    /// The whole commit message: what people read, then the record.
    pub fn message(&self) -> String {
        self.record.message(&self.summary())
    }
    /// The subject, and one line a file: names that others chose are encoded, as in the record.
    fn summary(&self) -> String {
        let changes = || self.edits.iter().flat_map(FileEdit::changes);
        let images: BTreeSet<_> = changes().map(|change| &change.to).collect();
        let digest = |image: &Reference| image.digest().map_or_else(|| "no digest".into(), |d| d.short());
        let source = self.record.claim.source().short();
        let mut lines = vec![self.subject(&images.iter().copied().collect::<Vec<_>>())];
        let width =
            self.edits.iter().map(|edit| encode(edit.path().as_str()).len()).max().unwrap_or_default();
        for image in &images {
            lines.push(format!("\n{}, built from {source}", image.written_name()));
            for edit in &self.edits {
                for change in edit.changes().iter().filter(|change| change.to == **image) {
                    let from = change.from.digest().map(|digest| digest.short());
                    let from = from.or_else(|| change.from.tag().map(str::to_owned));
                    let from = from.unwrap_or_else(|| "nothing".into());
                    let path = encode(edit.path().as_str());
                    lines.push(format!("  {path:width$}  {from} -> {}", digest(image)));
                }
            }
        }
        if matches!(self.record.claim.operation(), Operation::Rollback(_)) {
            lines.push("\nOn hold: no pin changes these places until they are released.".to_owned());
        }
        lines.join("\n")
    }
    fn subject(&self, images: &[&Reference]) -> String {
        let what = match images {
            [] => match self.record.claim.sites() {
                [site] => encode(site.path.as_str()),
                sites => format!("{} places", sites.len()),
            },
            [one] => one.repository().rsplit('/').next().unwrap_or_default().to_owned(),
            many => format!("{} images", many.len()),
        };
        let digest = match images {
            [one] => one.digest().map(|digest| format!(" to {}:{}", digest.algorithm(), digest.short())),
            _ => None,
        };
        let digest = digest.unwrap_or_default();
        match self.record.claim.operation() {
            Operation::Pin => format!("Pin {what}{digest}"),
            Operation::Promote(_) => format!("Promote {what}{digest}"),
            Operation::Rollback(_) if images.is_empty() => format!("Hold {what}"),
            Operation::Rollback(_) => format!("Roll back {what}{digest}"),
            Operation::Release(_) => format!("Release {what}"),
        }
    }
    /// The same commit, to be made on a branch of pinlib's own that stands at its expected head.
    pub(crate) fn onto(self, branch: BranchName) -> Self {
        Self { branch, ..self }
    }
    /// Why it was allowed.
    pub fn basis(&self) -> &Basis {
        &self.basis
    }
    /// The commit's date, fixed, so that sending twice says the same.
    pub fn date(&self) -> SystemTime {
        self.date
    }
}

/// What the guard says of a plan.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one a pin")]
pub enum Verdict {
    /// Commit this.
    Clear(GuardedCommit),
    /// At the head that was planned on, every site holds its digest already.
    Nothing,
}

/// Judges a plan on the snapshot that it was made on.
///
/// # Errors
/// `HeadMoved`, `Superseded` or `Mismatch`, each with its reason.
pub fn judge(plan: PinPlan, run: RunId, date: SystemTime) -> Result<Verdict, PinError> {
    if plan.is_empty() {
        return Ok(Verdict::Nothing);
    }
    let basis = permit(&plan)?;
    let (branch, expected_head) = (plan.branch().clone(), plan.snapshot().head());
    let record = Record { claim: plan.claim().clone(), proof: plan.proof(), run, parent: expected_head };
    Ok(Verdict::Clear(GuardedCommit { branch, expected_head, edits: plan.into_edits(), record, basis, date }))
}

/// Every rule in its order: holds (I8), once (I2), monotone truth (I6, I7), then the policy itself (I1).
fn permit(plan: &PinPlan) -> Result<Basis, PinError> {
    let (source, head) = (plan.claim().source(), plan.snapshot().head());
    let moved = |how| PinError::HeadMoved {
        branch: plan.branch().clone(),
        expected: source,
        actual: Some(head),
        how,
    };
    if plan.claim().operation().is_forward() {
        held(plan.snapshot().holds(), plan.sites())?;
    }
    let (passed, sources, differing) = match plan.snapshot().passage() {
        // H is A, so nothing lies between, and the other rules hold by themselves. I2: a pin with this key would quote
        // A's oid, which A's own ancestry cannot. I6: a pin from a newer source descends from A, so A does not hold it.
        // I7: no commit after A could have edited a site. What A's own history did to the sites is A's truth.
        Passage::Still => return Ok(Basis::Exact),
        Passage::Rewound => return Err(moved(Movement::Rewound)),
        Passage::Diverged => return Err(moved(Movement::Diverged)),
        Passage::Traced(writers) => return traced(plan, writers, &moved),
        Passage::Moved { passed, sources, differing } => (passed, sources, differing),
    };
    let same_pin = |pin: &Record| pin.claim.key() == plan.claim().key();
    if let Some(earlier) = passed.values().find(|commit| commit.pin.as_ref().is_some_and(same_pin)) {
        return Err(PinError::Superseded(Superseder::Undone { commit: earlier.fact.oid }));
    }
    let (line, root) = line(head, passed);
    for (commit, site) in line.iter().flat_map(|commit| plan.sites().iter().map(move |site| (commit, site))) {
        monotone(commit, site, sources, plan.options().replace_rebuilt, &moved)?;
    }
    let since = || passed.keys().copied().collect();
    match &plan.options().policy {
        Policy::Exact => Err(moved(Movement::Raced { times: 1 })),
        _ if root != Some(source) => Err(moved(Movement::Sideways)),
        Policy::PinsOnly => match passed.values().find(|commit| commit.pin.is_none()) {
            Some(other) => Err(moved(Movement::NotAPin { commit: other.fact.oid })),
            None => Ok(Basis::PinsOnly(since())),
        },
        Policy::Inputs(inputs) => {
            match differing.iter().find(|path| inputs.iter().any(|input| path.is_in(input))) {
                Some(path) => Err(moved(Movement::InputChanged { path: path.clone() })),
                None => Ok(Basis::Inputs(since())),
            }
        }
    }
}

/// I8: a hold in the tree stops a pin of its site, whatever the policy.
fn held(holds: Option<&FileAt>, sites: &[Declared]) -> Result<(), PinError> {
    let holds = hold::holds(holds)?;
    match holds.into_iter().find(|hold| sites.iter().any(|site| hold.is_of(&site.pinned))) {
        Some(Hold { path, locator }) => Err(PinError::Superseded(Superseder::Hold { path, locator })),
        None => Ok(()),
    }
}

/// I6 and I7 where no source commit lies before the head: by who wrote what stands at each site.
///
/// A rollback is somebody's will, and may go back; a promotion may not. Neither overwrites what a hand wrote since a pin.
fn traced(
    plan: &PinPlan,
    writers: &BTreeMap<(RepoPath, Locator), Writer>,
    moved: &dyn Fn(Movement) -> PinError,
) -> Result<Basis, PinError> {
    let mut basis = BTreeSet::new();
    for Declared { pinned, .. } in plan.sites() {
        match (plan.claim().operation(), writers.get(&(pinned.path.clone(), pinned.locator.clone()))) {
            (Operation::Release(_), _) | (Operation::Promote(_), Some(Writer::Nobody)) => {}
            (Operation::Rollback(_), Some(Writer::Pin { commit, .. })) => drop(basis.insert(*commit)),
            (Operation::Promote(_), Some(Writer::Pin { commit, record, kin })) => {
                let kin = kin.unwrap_or(Kin::Neither);
                older(*commit, record, kin, pinned, plan.options().replace_rebuilt, moved)?;
                basis.insert(*commit);
            }
            (_, Some(Writer::Hand { commit })) => {
                return Err(moved(Movement::ByHand { commit: *commit, path: pinned.path.clone() }));
            }
            // A pin has a source commit before its head; and a rollback goes back to a pin, so there was one.
            (Operation::Pin | Operation::Rollback(_) | Operation::Promote(_), _) => {
                return Err(moved(Movement::Raced { times: 1 }));
            }
        }
    }
    Ok(Basis::Written(basis.into_iter().collect()))
}

/// The first-parent chain of H without the history of A, newest first, and where it leaves that range.
fn line(head: Oid, passed: &BTreeMap<Oid, Passed>) -> (Vec<&Passed>, Option<Oid>) {
    let parent = |commit: &Passed| commit.fact.parents.first().copied();
    let line: Vec<_> =
        std::iter::successors(passed.get(&head), |commit| passed.get(&parent(commit)?)).collect();
    let root = line.last().map_or(Some(head), |last| parent(last));
    (line, root)
}

/// I6 and I7: who changed this site since A must be a recognised pin, and an older one.
fn monotone(
    commit: &Passed,
    site: &Declared,
    sources: &BTreeMap<Oid, Kin>,
    replace_rebuilt: bool,
    moved: &dyn Fn(Movement) -> PinError,
) -> Result<(), PinError> {
    if !commit.changes.iter().any(|change| touches(change, &site.target, &site.pinned.locator)) {
        return Ok(());
    }
    let oid = commit.fact.oid;
    let Some(pin) = &commit.pin else {
        return Err(moved(Movement::ByHand { commit: oid, path: site.pinned.path.clone() }));
    };
    if matches!(pin.claim.operation(), Operation::Rollback(_)) {
        return Err(PinError::Superseded(Superseder::Rollback { commit: oid }));
    }
    let kin = sources.get(&pin.claim.source()).copied().unwrap_or(Kin::Neither);
    older(oid, pin, kin, &site.pinned, replace_rebuilt, moved)
}

/// I6: a pin may be replaced where its source is older, or where it pinned the same; a rebuild only when told.
pub(crate) fn older(
    commit: Oid,
    pin: &Record,
    kin: Kin,
    site: &Pinned,
    replace_rebuilt: bool,
    moved: &dyn Fn(Movement) -> PinError,
) -> Result<(), PinError> {
    let source_commit = pin.claim.source();
    match kin {
        Kin::Older => Ok(()),
        Kin::Same if replace_rebuilt || pin.claim.sites().contains(site) => Ok(()),
        Kin::Same => Err(Mismatch::Rebuilt { commit }.into()),
        Kin::Newer => Err(PinError::Superseded(Superseder::NewerPin { commit, source_commit })),
        Kin::Neither => Err(moved(Movement::Unordered { commit, source_commit })),
    }
}

/// Whether a change altered the site's bytes, or took or gave the site itself.
pub(crate) fn touches(change: &Change, target: &Target, locator: &Locator) -> bool {
    let bytes = |file: &Option<FileAt>| {
        let file = file.as_ref()?;
        let found = manifest::site(&*target.editor, file, locator).ok()??;
        file.bytes.get(found.span).map(<[u8]>::to_vec)
    };
    change.path == target.path && bytes(&change.before) != bytes(&change.after)
}
