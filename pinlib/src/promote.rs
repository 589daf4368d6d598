//! What one environment holds goes to another, where its record says what it was built from.

use crate::{
    backend::{BackendError, BackendErrorKind},
    cluster::report::RunReport,
    error::{Mismatch, PinError},
    forge::GitForge,
    git::{BranchName, Oid},
    image::Digest,
    read,
    record::Record,
    request::{DigestSource, PinOptions, PinRequest, Placement, Target},
    rollback::request,
    snapshot::{Snapshot, Writer},
    trace::{Placed, Trace, names, placed},
};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

/// Where images stand that shall be promoted.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The repository of the environment that gives.
    pub forge: Arc<dyn GitForge>,
    /// Its branch.
    pub branch: BranchName,
    /// The images, each with its targets there, in the same order as those of the request.
    pub images: Vec<Placement>,
    /// The other targets of that repository, by which its pins are recognised.
    pub known: Vec<Target>,
    /// The repository that the images were built from: it tells which of two source commits is older.
    pub sources: Arc<dyn GitForge>,
    /// What was seen to run there: then only a digest that it shows to run is taken.
    pub running: Option<Arc<RunReport>>,
}

/// Images that go from one environment to another, together, in one commit.
#[derive(Clone, Debug)]
pub struct PromoteRequest {
    /// The environment that gives.
    pub from: Origin,
    /// The branch of the environment that takes, in the pinner's own repository.
    pub branch: BranchName,
    /// The images, each with its targets there.
    pub images: Vec<Placement>,
    /// Promotes what was pinned from this commit, now or before; without it, what stands.
    pub source: Option<Oid>,
    /// Takes the record's word for the digest; otherwise the registry must hold it.
    pub declared: bool,
    /// The rest; its policy is not asked, since no source commit need lie before the head.
    pub options: PinOptions,
}

impl PromoteRequest {
    /// What the promotion is at this head of the environment that takes.
    pub(crate) async fn at(
        &self,
        forge: &Arc<dyn GitForge>,
        head: Oid,
    ) -> Result<(PinRequest, Snapshot), PinError> {
        // One branch of one repository is read at one head: what is given stood there when it was taken.
        let same = Arc::ptr_eq(forge, &self.from.forge) && self.branch == self.from.branch;
        let given = if same { head } else { self.from.forge.head(&self.from.branch).await? };
        let (source, digests) = self.from.pinned(given, self.source).await?;
        self.from.shows(&digests)?;
        let digest = |digest| {
            if self.declared { DigestSource::Declared(digest) } else { DigestSource::Reported(digest) }
        };
        let request = request(
            source,
            &self.branch,
            &self.images,
            digests.into_iter().map(digest),
            self.options.clone(),
        )?;
        let placed = placed(&**forge, head, &self.images).await?;
        let enough = |trace: &Trace| trace.writers(&placed).is_some();
        let trace = Trace::back(&**forge, head, &placed, &self.options.known, enough).await?;
        let mut writers = trace.writers(&placed).unwrap_or_default();
        let mut kinships = BTreeMap::new();
        for writer in writers.values_mut() {
            let Writer::Pin { record, kin, .. } = writer else { continue };
            *kin = Some(match kinships.entry(record.claim.source()) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    let kin = read::relation(&*self.from.sources, source, *new.key()).await?;
                    *new.insert(kin)
                }
            });
        }
        let snapshot = read::traced(&**forge, &request, head, writers).await?;
        Ok((request, snapshot))
    }
}

impl Origin {
    /// The one source commit of what stands here by record, and the digest of each image: of the pins that wrote it,
    /// or of the newest pin from the commit that is asked for.
    async fn pinned(&self, head: Oid, source: Option<Oid>) -> Result<(Oid, Vec<Digest>), PinError> {
        let placed = placed(&*self.forge, head, &self.images).await?;
        let by_source = |trace: &Trace, source| {
            let is_from = |record: &Record| record.claim.source() == source;
            let digests = |record: &Record| {
                placed.iter().map(|image| image.recorded(record)).collect::<Option<Vec<_>>>()
            };
            trace.pins().filter(|(_, record)| is_from(record)).find_map(|(_, record)| digests(record))
        };
        let enough = |trace: &Trace| match source {
            Some(source) => by_source(trace, source).is_some(),
            None => trace.writers(&placed).is_some(),
        };
        let trace = Trace::back(&*self.forge, head, &placed, &self.known, enough).await?;
        if let Some(source) = source {
            let digests = by_source(&trace, source);
            let why = || format!("no pin there was built from {}", source.short());
            return Ok((source, digests.ok_or_else(|| self.none(&placed, why()))?));
        }
        let mut sources = BTreeMap::new();
        let mut digests = Vec::new();
        let writers = trace.writers(&placed).unwrap_or_default();
        for image in &placed {
            let digest = image.standing();
            for (target, locator, _) in &image.sites {
                let writer = writers.get(&(target.path.clone(), locator.clone()));
                let Some(Writer::Pin { record, .. }) = writer else {
                    let why = format!("no pin wrote what stands at {locator} in {}", target.path);
                    return Err(self.none(&placed, why));
                };
                sources.insert(record.claim.source(), image.image.written_name());
            }
            let why = || format!("the places of {} do not hold one digest", image.image.written_name());
            digests.push(digest.ok_or_else(|| self.none(&placed, why()))?);
        }
        match sources.into_iter().collect::<Vec<_>>()[..] {
            [(source, _)] => Ok((source, digests)),
            [(one, a), (two, b), ..] => Err(PinError::Invalid(format!(
                "{a} was built from {}, {b} from {}: what goes into one commit was built from one; promote them one by one",
                one.short(),
                two.short()
            ))),
            [] => Err(PinError::Invalid("a promotion needs an image".into())),
        }
    }

    /// Holds the digests, one an image, against what was seen to run.
    fn shows(&self, digests: &[Digest]) -> Result<(), PinError> {
        let Some(report) = &self.running else { return Ok(()) };
        for ((image, _), digest) in self.images.iter().zip(digests) {
            report.shows(image, *digest).map_err(|why| {
                let image = image.written_name().to_owned();
                Mismatch::NotRunning { image, digest: *digest, why: why.to_string() }
            })?;
        }
        Ok(())
    }

    fn none(&self, placed: &[Placed], why: String) -> PinError {
        let act = format!("promote {} from {} of {}", names(placed), self.branch, self.forge);
        BackendError::new(BackendErrorKind::NotFound, act).because(why).into()
    }
}
