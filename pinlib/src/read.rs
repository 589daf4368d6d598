//! Asks a forge, and proves what it answers: blobs hashed, histories linked, trees compared level by level.

use crate::{
    backend::{BackendError, BackendErrorKind},
    error::{Mismatch, PinError},
    forge::GitForge,
    git::{CommitFact, CommitRange, FileAt, History, Identity, Mode, Oid, RepoPath, TreeEntry, TreePath},
    hold::HOLDS,
    manifest::Locator,
    recognise::recognised,
    record::Record,
    request::{PinRequest, Policy, Target},
    snapshot::{Change, Kin, Passage, Passed, Snapshot, Writer},
};
use std::collections::{BTreeMap, BTreeSet};

/// Reads at a head; without one, at the head that the policy begins with: A itself under `exact`, else the branch's.
pub(crate) async fn snapshot(
    forge: &dyn GitForge,
    request: &PinRequest,
    at: Option<Oid>,
) -> Result<Snapshot, PinError> {
    let head = match (at, &request.options().policy) {
        (Some(head), _) => head,
        (None, Policy::Exact) => request.source(),
        (None, _) => forge.head(request.branch()).await?,
    };
    let (files, holds) = targets(forge, request, head).await?;
    Ok(Snapshot::new(head, files, holds, passage(forge, request, head).await?))
}

/// Reads at a head where it is known who wrote what stands there.
pub(crate) async fn traced(
    forge: &dyn GitForge,
    request: &PinRequest,
    head: Oid,
    writers: BTreeMap<(RepoPath, Locator), Writer>,
) -> Result<Snapshot, PinError> {
    let (files, holds) = targets(forge, request, head).await?;
    Ok(Snapshot::new(head, files, holds, Passage::Traced(writers)))
}

/// Reads the target files, each of which must be there, and the hold file.
async fn targets(
    forge: &dyn GitForge,
    request: &PinRequest,
    head: Oid,
) -> Result<(Vec<FileAt>, Option<FileAt>), PinError> {
    let (paths, mut files) = (request.paths(), files_and_holds(forge, request, head).await?);
    let holds = files.pop().flatten();
    let found =
        files.into_iter().zip(&paths).map(|(file, path)| file.ok_or_else(|| missing(path, head).into()));
    Ok((found.collect::<Result<_, PinError>>()?, holds))
}

/// Reads the target files as far as they are there, and behind them the hold file.
pub(crate) async fn files_and_holds(
    forge: &dyn GitForge,
    request: &PinRequest,
    head: Oid,
) -> Result<Vec<Option<FileAt>>, PinError> {
    let mut paths = request.paths();
    paths.push(RepoPath::own(HOLDS));
    files_at(forge, head, &paths).await
}

pub(crate) fn missing(path: &RepoPath, head: Oid) -> BackendError {
    BackendError::new(BackendErrorKind::NotFound, format!("read {path} at {}", head.short()))
        .because("the commit has no such file")
}

pub(crate) fn incomplete(act: String) -> PinError {
    BackendError::new(BackendErrorKind::Incomplete, act).into()
}

/// Reads files of one commit and proves each to be its blob.
pub(crate) async fn files_at(
    forge: &dyn GitForge,
    at: Oid,
    paths: &[RepoPath],
) -> Result<Vec<Option<FileAt>>, PinError> {
    let wanted: Vec<_> = paths.iter().map(|path| (at, path.clone())).collect();
    proven(forge, &wanted).await
}

/// Reads files of many commits at once, and proves each to be its blob.
async fn proven(forge: &dyn GitForge, wanted: &[(Oid, RepoPath)]) -> Result<Vec<Option<FileAt>>, PinError> {
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let files = forge.read(wanted).await?;
    let astray = |(file, (_, path)): (&Option<FileAt>, &(Oid, RepoPath))| {
        file.as_ref().is_some_and(|file| file.path != *path)
    };
    if files.len() != wanted.len() || files.iter().zip(wanted).any(astray) {
        return Err(incomplete(format!("read {} files", wanted.len())));
    }
    let is_file = |file: &&FileAt| !matches!(file.mode, Mode::Tree | Mode::Gitlink);
    match files.iter().flatten().filter(is_file).find(|file| !file.oid.is_blob(&file.bytes)) {
        Some(file) => Err(Mismatch::Blob { path: file.path.clone(), oid: file.oid }.into()),
        None => Ok(files),
    }
}

/// What a forge tells of one commit.
pub(crate) async fn fact(forge: &dyn GitForge, oid: Oid) -> Result<CommitFact, PinError> {
    let (History::Descends(facts) | History::Cut(facts)) =
        forge.history(&CommitRange { base: None, upto: oid, limit: 1 }).await?
    else {
        return Err(incomplete(format!("read commit {oid}")));
    };
    facts.into_iter().find(|fact| fact.oid == oid).ok_or_else(|| incomplete(format!("read commit {oid}")))
}

/// What `upto` has and `base` has not, by all parents, link by link; none where `base` is no ancestor.
pub(crate) async fn since(
    forge: &dyn GitForge,
    base: Oid,
    upto: Oid,
) -> Result<Option<Vec<CommitFact>>, PinError> {
    let range = |base, upto| CommitRange { base: Some(base), upto, limit: 1000 };
    let History::Descends(facts) = forge.history(&range(base, upto)).await? else { return Ok(None) };
    let listed: BTreeMap<_, _> = facts.iter().map(|fact| (fact.oid, &fact.parents)).collect();
    let (mut reached, mut edge, mut todo) = (BTreeSet::new(), BTreeSet::new(), vec![upto]);
    while let Some(oid) = todo.pop() {
        match listed.get(&oid) {
            Some(parents) if reached.insert(oid) => todo.extend(*parents),
            Some(_) => {}
            None => drop(edge.insert(oid)),
        }
    }
    let mut whole = edge.remove(&base) && reached.len() == facts.len();
    // A parent that the list leaves out must be in the base's own history: else the list was cut.
    for oid in edge {
        whole = whole && matches!(forge.history(&range(oid, base)).await?, History::Descends(_));
    }
    if whole { Ok(Some(facts)) } else { Err(incomplete(format!("read the history {base}..{upto}"))) }
}

async fn passage(forge: &dyn GitForge, request: &PinRequest, head: Oid) -> Result<Passage, PinError> {
    let source = request.source();
    if source == head {
        return Ok(Passage::Still);
    }
    let Some(facts) = since(forge, source, head).await? else {
        return Ok(if since(forge, head, source).await?.is_some() {
            Passage::Rewound
        } else {
            Passage::Diverged
        });
    };
    let by = forge.identity().await?;
    let commits = examine(forge, &by, &request.known(), facts).await?;
    // Kinship is asked only of sources whose commits touch what is declared here.
    let paths = request.paths();
    let touches = |commit: &&Passed| commit.changes.iter().any(|change| paths.contains(&change.path));
    let mut sources: BTreeMap<_, _> = commits
        .iter()
        .filter(touches)
        .filter_map(|commit| Some((commit.pin.as_ref()?.claim.source(), Kin::Neither)))
        .collect();
    for (oid, kin) in &mut sources {
        *kin = relation(forge, source, *oid).await?;
    }
    let differing = differing(forge, &[(Some(source), head)], |_, _| true).await?.pop().unwrap_or_default();
    let passed = commits.into_iter().map(|commit| (commit.fact.oid, commit)).collect();
    Ok(Passage::Moved { passed, sources, differing })
}

/// How the source of another pin stands to ours.
pub(crate) async fn relation(forge: &dyn GitForge, ours: Oid, theirs: Oid) -> Result<Kin, PinError> {
    Ok(if ours == theirs {
        Kin::Same
    } else if since(forge, theirs, ours).await?.is_some() {
        Kin::Older
    } else if since(forge, ours, theirs).await?.is_some() {
        Kin::Newer
    } else {
        Kin::Neither
    })
}

/// Looks into commits: what each changed, and whether it is a pin.
pub(crate) async fn examine(
    forge: &dyn GitForge,
    by: &Identity,
    known: &[Target],
    facts: Vec<CommitFact>,
) -> Result<Vec<Passed>, PinError> {
    let seen = look(forge, known, facts, |_| true).await?;
    let passed = |Seen { fact, changed, files }| {
        let pin = recognised(&fact, by, &changed, &files, known).ok();
        let own = |file: &Change| changed.iter().any(|path| *path == file.path);
        Passed { fact, pin, changes: files.into_iter().filter(own).collect() }
    };
    Ok(seen.into_iter().map(passed).collect())
}

/// A commit that was looked into, against its first parent.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) fact: CommitFact,
    /// Every path that differs; of a commit that was not looked into as a whole, those of known files alone.
    pub(crate) changed: Vec<TreePath>,
    /// Both sides of the files that its record names, and of known files that differ.
    pub(crate) files: Vec<Change>,
}

/// Looks into commits, all together, and into those as a whole that are said to be.
pub(crate) async fn look(
    forge: &dyn GitForge,
    known: &[Target],
    facts: Vec<CommitFact>,
    whole: impl Fn(&CommitFact) -> bool,
) -> Result<Vec<Seen>, PinError> {
    let whole: Vec<_> = facts.iter().map(whole).collect();
    let own = RepoPath::own(HOLDS);
    let files: Vec<_> = known.iter().map(|target| &target.path).chain([&own]).collect();
    let on_the_way = |path: &[u8]| files.iter().any(|file| TreePath::new(path.to_vec()).leads_to(file));
    let sides: Vec<_> = facts.iter().map(|fact| (fact.parents.first().copied(), fact.oid)).collect();
    let changed = differing(forge, &sides, |commit, path| whole[commit] || on_the_way(path)).await?;
    let paths: Vec<Vec<RepoPath>> =
        facts.iter().zip(&changed).map(|(fact, changed)| of_interest(fact, changed, known)).collect();
    let mut wanted = Vec::new();
    for (paths, (parent, oid)) in paths.iter().zip(&sides) {
        for path in paths {
            wanted.extend(parent.map(|parent| (parent, path.clone())));
            wanted.push((*oid, path.clone()));
        }
    }
    let mut files = proven(forge, &wanted).await?.into_iter();
    let mut side = |asked: bool| if asked { files.next().flatten() } else { None };
    let mut seen = Vec::new();
    for (((fact, changed), paths), (parent, _)) in facts.into_iter().zip(changed).zip(paths).zip(sides) {
        let both =
            paths.into_iter().map(|path| Change { path, before: side(parent.is_some()), after: side(true) });
        let files = both.collect();
        seen.push(Seen { fact, changed, files });
    }
    Ok(seen)
}

/// The files of a commit that must be read: those that its record names, and those it changed that the request knows.
fn of_interest(fact: &CommitFact, changed: &[TreePath], known: &[Target]) -> Vec<RepoPath> {
    let record = Record::parse(&fact.message);
    let named = record.iter().flat_map(|record| record.claim.sites()).map(|site| &site.path);
    let holds = RepoPath::own(HOLDS);
    let ours = known.iter().map(|target| &target.path).chain([&holds]);
    let ours = ours.filter(|path| changed.iter().any(|other| *other == **path));
    named.chain(ours).cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

/// Reads trees, each once.
pub(crate) async fn trees(
    forge: &dyn GitForge,
    oids: BTreeSet<Oid>,
) -> Result<BTreeMap<Oid, Vec<TreeEntry>>, PinError> {
    let oids: Vec<_> = oids.into_iter().collect();
    let trees = if oids.is_empty() { Vec::new() } else { forge.trees(&oids).await? };
    if trees.len() != oids.len() {
        return Err(incomplete(format!("read {} trees", oids.len())));
    }
    Ok(oids.into_iter().zip(trees).collect())
}

/// The paths in which each pair of trees differs, as far as they are wanted of it: both sides of a level of all pairs in one
/// read, equal subtrees never entered.
async fn differing(
    forge: &dyn GitForge,
    pairs: &[(Option<Oid>, Oid)],
    wanted: impl Fn(usize, &[u8]) -> bool,
) -> Result<Vec<Vec<TreePath>>, PinError> {
    let mut paths = vec![Vec::new(); pairs.len()];
    let mut level: Vec<_> =
        pairs.iter().enumerate().map(|(pair, (a, b))| (pair, Vec::new(), *a, Some(*b))).collect();
    while !level.is_empty() {
        let trees = trees(forge, level.iter().flat_map(|(_, _, a, b)| [*a, *b]).flatten().collect()).await?;
        let mut next = Vec::new();
        for (pair, prefix, a, b) in level {
            let side = |oid: Option<Oid>| oid.and_then(|oid| trees.get(&oid)).map_or(&[][..], Vec::as_slice);
            for (name, [old, new]) in
                paired(side(a), side(b)).into_iter().filter(|(_, [old, new])| old != new)
            {
                let path = [&prefix[..], name].concat();
                if !wanted(pair, &path) {
                    continue;
                }
                let tree = |side: Option<(Mode, Oid)>| {
                    side.filter(|(mode, _)| *mode == Mode::Tree).map(|(_, oid)| oid)
                };
                if [old, new].iter().flatten().any(|(mode, _)| *mode != Mode::Tree) {
                    paths[pair].push(TreePath::new(path.clone()));
                }
                if tree(old).or(tree(new)).is_some() {
                    next.push((pair, [&path[..], b"/"].concat(), tree(old), tree(new)));
                }
            }
        }
        level = next;
    }
    Ok(paths)
}

type Sides = [Option<(Mode, Oid)>; 2];

/// The entries of two trees by name, without those that are equal at their beginnings and ends.
fn paired<'a>(old: &'a [TreeEntry], new: &'a [TreeEntry]) -> BTreeMap<&'a [u8], Sides> {
    let same = |(a, b): &(&TreeEntry, &TreeEntry)| a == b;
    let start = old.iter().zip(new).take_while(same).count();
    let (old, new) = (&old[start..], &new[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let (old, new) = (&old[..old.len() - end], &new[..new.len() - end]);
    let mut names = BTreeMap::<&[u8], Sides>::new();
    for (side, entry) in old.iter().map(|entry| (0, entry)).chain(new.iter().map(|entry| (1, entry))) {
        names.entry(&entry.name).or_default()[side] = Some((entry.mode, entry.oid));
    }
    names
}
