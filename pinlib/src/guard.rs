//! The only place that lets a plan become a commit: pure functions of A, H, and what H holds.

use crate::{
    error::{Mismatch, Movement, PinError, Superseder},
    git::{BranchName, FileAt, Oid},
    image::Reference,
    manifest::{self, EditError, EditErrorKind},
    parse::encode,
    plan::{Declared, FileEdit, PinPlan},
    record::{Operation, Record, RunId},
    request::Policy,
    snapshot::{Change, Kin, Passage, Passed},
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
        let subject = match images.first() {
            Some(one) if images.len() == 1 => {
                let name = one.repository().rsplit('/').next().unwrap_or_default();
                let algorithm = one.digest().map_or("", |digest| digest.algorithm());
                format!("Pin {name} to {algorithm}:{}", digest(one))
            }
            _ => format!("Pin {} images", images.len()),
        };
        let source = self.record.claim.source().short();
        let mut lines = vec![subject];
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
        lines.join("\n")
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
    held(plan.snapshot().holds(), plan.sites())?;
    let (passed, sources, differing) = match plan.snapshot().passage() {
        // H is A, so nothing lies between, and the other rules hold by themselves. I2: a pin with this key would quote
        // A's oid, which A's own ancestry cannot. I6: a pin from a newer source descends from A, so A does not hold it.
        // I7: no commit after A could have edited a site. What A's own history did to the sites is A's truth.
        Passage::Still => return Ok(Basis::Exact),
        Passage::Rewound => return Err(moved(Movement::Rewound)),
        Passage::Diverged => return Err(moved(Movement::Diverged)),
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
    let Some(file) = holds else { return Ok(()) };
    let lines = std::str::from_utf8(&file.bytes)
        .map(|text| text.lines().map(str::trim).filter(|line| !line.is_empty()));
    let refuse = |line, found: &str| EditError {
        kind: EditErrorKind::Refused,
        path: file.path.clone(),
        line,
        column: 1,
        expected: "LOCATOR PATH".into(),
        found: found.into(),
    };
    for (index, line) in lines.map_err(|error| refuse(0, &error.to_string()))?.enumerate() {
        let Some((locator, path)) = line.split_once(' ') else { return Err(refuse(index + 1, line).into()) };
        if let Some(site) = sites
            .iter()
            .find(|site| site.pinned.path.as_str() == path && site.pinned.locator.as_str() == locator)
        {
            return Err(PinError::Superseded(Superseder::Hold {
                path: site.pinned.path.clone(),
                locator: site.pinned.locator.clone(),
            }));
        }
    }
    Ok(())
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
    if !commit.changes.iter().any(|change| touches(change, site)) {
        return Ok(());
    }
    let oid = commit.fact.oid;
    let Some(pin) = &commit.pin else {
        return Err(moved(Movement::ByHand { commit: oid, path: site.pinned.path.clone() }));
    };
    let source = pin.claim.source();
    if matches!(pin.claim.operation(), Operation::Rollback(_)) {
        return Err(PinError::Superseded(Superseder::Rollback { commit: oid }));
    }
    match sources.get(&source).unwrap_or(&Kin::Neither) {
        Kin::Older => Ok(()),
        Kin::Same if replace_rebuilt || pin.claim.sites().contains(&site.pinned) => Ok(()),
        Kin::Same => Err(Mismatch::Rebuilt { commit: oid }.into()),
        Kin::Newer => Err(PinError::Superseded(Superseder::NewerPin { commit: oid, source_commit: source })),
        Kin::Neither => Err(moved(Movement::Unordered { commit: oid, source_commit: source })),
    }
}

/// Whether a change altered the site's bytes, or took or gave the site itself.
fn touches(change: &Change, site: &Declared) -> bool {
    let bytes = |file: &Option<FileAt>| {
        let file = file.as_ref()?;
        let found = manifest::site(&*site.target.editor, file, &site.pinned.locator).ok()??;
        file.bytes.get(found.span).map(<[u8]>::to_vec)
    };
    change.path == site.pinned.path && bytes(&change.before) != bytes(&change.after)
}
