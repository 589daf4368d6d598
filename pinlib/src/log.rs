//! What was pinned, when, and from which commit: the pins of a branch's first-parent line.

use crate::{
    error::PinError,
    forge::GitForge,
    git::{CommitFact, FileAt, Identity, Oid, RepoPath},
    hold::{self, HOLDS, Hold},
    image::Reference,
    manifest,
    read::{examine, files_at},
    record::{Pinned, Record},
    request::Target,
    snapshot::Passed,
    walk::{LineRange, Walk},
};

/// A commit whose message holds a record.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The commit.
    pub fact: CommitFact,
    /// What it says of itself.
    pub record: Record,
    /// Whether that is believed: a cherry-pick or a squash that quotes a record is not a pin.
    pub recognised: bool,
    /// The record's sites.
    pub sites: Vec<LoggedSite>,
}

/// A site of a record, and what stood there.
#[derive(Clone, Debug)]
pub struct LoggedSite {
    /// The site, and the digest that the record has for it.
    pub pinned: Pinned,
    /// What stood there before the commit; none where the commit left the file alone, or no target of those that are known
    /// finds the site.
    pub before: Option<Reference>,
    /// What stands there after it; none likewise.
    pub after: Option<Reference>,
}

/// The pins of a line, read newest first and some at a time. Only commits that hold a record are looked into.
///
/// ```no_run
/// # async fn f(forge: &dyn pinlib::GitForge) -> Result<(), Box<dyn std::error::Error>> {
/// let range = pinlib::LineRange { upto: forge.head(&"main".parse()?).await?, base: None, limit: 10_000 };
/// let mut log = pinlib::PinLog::new(forge, range, forge.identity().await?, Vec::new());
/// while let Some(pins) = log.more().await? {
///     for pin in pins {
///         println!("{} from {}", pin.fact.oid, pin.record.claim.source());
///     }
/// }
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PinLog<'a> {
    walk: Walk<'a>,
    by: Identity,
    known: Vec<Target>,
}

impl<'a> PinLog<'a> {
    /// Begins at the newest commit. Pins are those by this identity, at sites that these targets find.
    pub fn new(forge: &'a dyn GitForge, range: LineRange, by: Identity, known: Vec<Target>) -> Self {
        Self { walk: Walk::new(forge, range), by, known }
    }

    /// The next pins, newest first, if any are among the next commits; `None` at the end.
    ///
    /// # Errors
    /// Where the forge fails or does not tell all, and `NotFound` where the base is not on the line.
    pub async fn more(&mut self) -> Result<Option<Vec<Logged>>, PinError> {
        let mut piece = self.walk.more().await?;
        if piece.is_empty() {
            return Ok(None);
        }
        piece.retain(|fact| Record::parse(&fact.message).is_some());
        let passed = examine(self.walk.forge(), &self.by, &self.known, piece).await?;
        Ok(Some(passed.into_iter().filter_map(|passed| self.logged(passed)).collect()))
    }

    /// Whether older commits of the range were not read, for its limit.
    pub fn is_cut(&self) -> bool {
        self.walk.is_cut()
    }

    fn logged(&self, passed: Passed) -> Option<Logged> {
        let Passed { fact, pin, changes } = passed;
        let recognised = pin.is_some();
        let record = pin.or_else(|| Record::parse(&fact.message))?;
        let site = |pinned: &Pinned| {
            let change = changes.iter().find(|change| change.path == pinned.path);
            let image = |file: Option<&FileAt>| self.image(file?, pinned);
            LoggedSite {
                pinned: pinned.clone(),
                before: image(change.and_then(|change| change.before.as_ref())),
                after: image(change.and_then(|change| change.after.as_ref())),
            }
        };
        let sites = record.claim.sites().iter().map(site).collect();
        Some(Logged { fact, record, recognised, sites })
    }

    /// The image that stands at a site.
    fn image(&self, file: &FileAt, pinned: &Pinned) -> Option<Reference> {
        let targets = self.known.iter().filter(|target| target.path == pinned.path);
        let mut found = targets
            .filter_map(|target| manifest::site(&*target.editor, file, &pinned.locator).ok().flatten());
        found.next().map(|site| site.image)
    }
}

/// The sites that are on hold at a commit.
///
/// # Errors
/// Where the forge fails, or the file cannot be read.
pub async fn holds_at(forge: &dyn GitForge, at: Oid) -> Result<Vec<Hold>, PinError> {
    let file = files_at(forge, at, &[RepoPath::own(HOLDS)]).await?.pop().flatten();
    Ok(hold::holds(file.as_ref())?)
}
