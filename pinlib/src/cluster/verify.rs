//! Looks at a cluster, once or until all is well.

use super::{
    Cluster, ObjectName,
    compare::{self, Revisions},
    object::{Application, Pod},
    prove::Facts,
    report::{AppState, RunReport, RunVerdict},
    same::{Equality, Sameness},
    wanted::{self, Wanted},
};
use crate::{
    backend::{BackendError, BackendErrorKind},
    clock::{Clock, Patience},
    error::PinError,
    forge::GitForge,
    git::Oid,
    image::Reference,
    read,
    registry::Registry,
    request::Placement,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// What is to be held against what.
#[derive(Clone, Debug)]
pub struct RunRequest {
    /// The commit that says what should run.
    pub commit: Oid,
    /// The images, and where they are named.
    pub images: Vec<Placement>,
    /// The namespaces to look into; none for all.
    pub namespaces: Vec<ObjectName>,
    /// The Argo CD Application that brings them, by namespace and name, where its sync is to be looked at too.
    pub application: Option<(ObjectName, ObjectName)>,
}

/// Verifies that a cluster runs what Git says, with these backends.
///
/// ```no_run
/// # async fn f(verifier: pinlib::Verifier, request: pinlib::RunRequest) -> Result<(), pinlib::PinError> {
/// let report = verifier.verify(&request).await?;
/// for row in &report.rows {
///     println!("{} {}", row.image, row.verdict.name());
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the types say it")]
pub struct Verifier {
    pub cluster: Arc<dyn Cluster>,
    pub registry: Arc<dyn Registry>,
    pub forge: Arc<dyn GitForge>,
    pub clock: Arc<dyn Clock>,
    pub patience: Patience,
}

/// No pause between two looks is longer than so many times the shortest.
const LONGEST: u32 = 15;

impl Verifier {
    /// Looks once.
    ///
    /// # Errors
    /// Where Git, or the cluster, does not tell all that is asked. What the registry does not tell makes rows `Unknown`.
    ///
    /// # Cancellation
    /// Nothing is written anywhere.
    #[tracing::instrument(skip_all, fields(commit = %request.commit))]
    pub async fn verify(&self, request: &RunRequest) -> Result<RunReport, PinError> {
        let wanted = wanted::wanted(&*self.forge, request.commit, &request.images).await?;
        self.look(request, &wanted, &mut Facts::default()).await
    }

    /// Looks until all that Git says runs, for at most so long, and shows each look to `seen`. The last look is answered,
    /// whatever it came to.
    ///
    /// # Errors
    /// As [`Verifier::verify`]. A failure that may pass is one only where the time ends with it.
    ///
    /// # Cancellation
    /// As [`Verifier::verify`].
    #[tracing::instrument(skip_all, fields(commit = %request.commit))]
    pub async fn wait(
        &self,
        request: &RunRequest,
        time: Duration,
        seen: &mut (dyn FnMut(&RunReport) + Send),
    ) -> Result<RunReport, PinError> {
        let began = self.clock.now();
        let wanted = wanted::wanted(&*self.forge, request.commit, &request.images).await?;
        let mut facts = Facts::default();
        loop {
            let look = self.look(request, &wanted, &mut facts).await;
            let asked = match &look {
                Ok(report) => {
                    seen(report);
                    if matches!(report.verdict(), RunVerdict::Match(_)) {
                        return look;
                    }
                    Duration::ZERO
                }
                Err(PinError::Backend(error)) if may_pass(error) => error.retry_after().unwrap_or_default(),
                Err(_) => return look,
            };
            let gone = self.clock.now().duration_since(began).unwrap_or_default();
            let left = time.saturating_sub(gone);
            if left.is_zero() || asked > left {
                return look;
            }
            // A rollout that takes long is looked at less often.
            let shortest = self.patience.pause;
            let pause = (gone / 8).clamp(shortest, shortest.saturating_mul(LONGEST)).max(asked).min(left);
            self.clock.sleep(pause).await;
        }
    }

    async fn look(
        &self,
        request: &RunRequest,
        wanted: &[Wanted],
        facts: &mut Facts,
    ) -> Result<RunReport, PinError> {
        let application = match &request.application {
            Some((namespace, name)) => {
                let application = self.cluster.application(namespace, name).await?;
                Some(self.synced(request.commit, wanted, application).await?)
            }
            None => None,
        };
        let (mut pods, mut revisions) = (Vec::new(), Revisions::default());
        for namespace in places(&request.namespaces) {
            let here = self.cluster.pods(namespace).await?;
            if here.iter().any(|pod| pod.owner.as_ref().is_some_and(|owner| owner.kind == "Rollout")) {
                revisions.rollouts.extend(self.cluster.rollouts(namespace).await?);
            }
            if of_several_revisions(&here) {
                revisions.replica_sets.extend(self.cluster.replica_sets(namespace).await?);
            }
            pods.extend(here);
        }
        let instances = compare::instances(wanted, &pods, &revisions);
        let mut settled = BTreeMap::new();
        facts.forget_failures();
        for (image, digest, running) in compare::pairs(&instances) {
            let sameness = facts.settle(&*self.registry, &image, digest, &running).await;
            settled.insert((image, digest, running), sameness);
        }
        let rows = compare::rows(wanted, &instances, |image, digest, running| {
            let known = settled.get(&(image.clone(), digest, running.clone())).cloned();
            known.unwrap_or_else(|| Sameness::Unknown("the registry was not asked".to_owned()))
        });
        Ok(RunReport { commit: request.commit, wanted: wanted.to_vec(), rows, application })
    }

    /// What an application's sync is worth: whether it holds the commit, and all that came with it.
    async fn synced(
        &self,
        commit: Oid,
        wanted: &[Wanted],
        application: Application,
    ) -> Result<AppState, PinError> {
        let Application { namespace, name, revisions, sync, health, images } = application;
        let mut holds = None;
        for revision in revisions.iter().filter_map(|revision| revision.parse::<Oid>().ok()) {
            // A source of another repository has commits that this one does not know.
            let descends = revision == commit
                || match read::since(&*self.forge, commit, revision).await {
                    Ok(since) => since.is_some(),
                    Err(PinError::Backend(error)) if error.kind() == BackendErrorKind::NotFound => false,
                    Err(error) => return Err(error),
                };
            holds = Some(holds.unwrap_or_default() || descends);
        }
        let other = images.iter().filter_map(|image| image.parse::<Reference>().ok()).find(|image| {
            let mut of_it = wanted.iter().filter(|one| one.image.same_image(image)).peekable();
            of_it.peek().is_some() && of_it.all(|one| one.image.digest() != image.digest())
        });
        let verdict = match (holds, sync.as_deref(), health.as_deref(), other) {
            (None, ..) => RunVerdict::Unknown("it tells no commit that it is synced to".to_owned()),
            (Some(false), ..) => {
                RunVerdict::Pending(format!("its revision does not hold {} yet", commit.short()))
            }
            (_, sync, _, _) if sync != Some("Synced") => {
                RunVerdict::Pending(format!("it is {}", sync.unwrap_or("not synced yet")))
            }
            (_, _, health, _) if health != Some("Healthy") => {
                RunVerdict::Pending(format!("it is {}", health.unwrap_or("of unknown health")))
            }
            (.., Some(image)) => RunVerdict::Pending(format!("it still holds {image}")),
            _ => RunVerdict::Match(Equality::Digest),
        };
        Ok(AppState { name: format!("{namespace}/{name}"), revisions, sync, health, verdict })
    }
}

/// All namespaces are one place to look.
fn places(namespaces: &[ObjectName]) -> Vec<Option<&ObjectName>> {
    if namespaces.is_empty() {
        return vec![None];
    }
    namespaces.iter().collect::<BTreeSet<_>>().into_iter().map(Some).collect()
}

/// Whether the pods of a Deployment come from more than one of its replica sets.
fn of_several_revisions(pods: &[Pod]) -> bool {
    let mut templates: BTreeMap<_, _> = BTreeMap::new();
    pods.iter().filter(|pod| !pod.finished).any(|pod| {
        let deployment = pod.owner.as_ref().filter(|owner| owner.kind == "Deployment");
        deployment.is_some_and(|owner| {
            *templates.entry((&pod.namespace, &owner.name)).or_insert(&pod.template) != &pod.template
        })
    })
}

fn may_pass(error: &BackendError) -> bool {
    matches!(error.kind(), BackendErrorKind::RateLimited | BackendErrorKind::Unavailable)
}
