//! `pinlib verify`: what runs, held against what Git says.

use super::{
    Progress,
    choose::Chooser,
    connect::{Connect, ReachArgs},
    forge::{Forge, ForgeArgs, Own, main_branch},
    request::{Scope, Told, placed},
    values::{Committer, EnvironmentName, RegistryPlace, Time, Via},
};
use crate::{
    backends::{self, Backends, ClusterPlace, Places},
    ci, config,
    exit::Ending,
    failure::Failure,
    output::{Screen, of_cluster, running, v1},
    surroundings::Surroundings,
};
use pinlib::{
    BackendError, BackendErrorKind, Meter, ObjectName, Oid, OutcomeKind, Placement, Reference, RunReport,
    RunRequest, RunVerdict, Verifier,
};
use std::{collections::BTreeMap, path::PathBuf, str::FromStr};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib verify -n shop --wait 10m\n\
    \x20 kubectl get pods,replicasets -o json | pinlib verify --pods -")]
pub(crate) struct Verify {
    /// The commit that says what should run [default: the branch's head]
    #[arg(long, value_name = "OID")]
    commit: Option<Oid>,
    /// Only these images of pinlib.yaml: by whole name, or its last part
    #[arg(long = "image", value_name = "NAME")]
    images: Vec<Reference>,
    /// The environment whose files are meant; files of no environment belong to each
    #[arg(long, value_name = "NAME")]
    environment: Option<EnvironmentName>,
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The Argo CD Application that brings it: its sync must hold the commit, and it must be healthy
    #[arg(long, value_name = "[NAMESPACE/]NAME")]
    application: Option<ApplicationName>,
    /// Follows the rollout until all runs as Git says, for at most so long, as 90s or 10m
    #[arg(long, value_name = "TIME", conflicts_with = "pods")]
    wait: Option<Time>,
    /// Tells also what runs and is not in Git, and what runs by a tag; exits with 6 where there is any
    #[arg(long)]
    drift: bool,
    #[command(flatten)]
    forge: ForgeArgs,
    /// Who is asked whether one digest is part of another: oci, layout:DIR or none
    #[arg(long, value_name = "oci|layout:DIR|none")]
    registry: Option<RegistryPlace>,
    #[command(flatten)]
    reach: ReachArgs,
}

/// Which cluster, and where in it.
#[derive(Debug, clap::Args)]
struct ClusterArgs {
    /// A namespace to look into [default: the context's]
    #[arg(short = 'n', long = "namespace", value_name = "NAME")]
    namespaces: Vec<ObjectName>,
    /// Looks into all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespaces")]
    all_namespaces: bool,
    /// The kubeconfig [default: `KUBECONFIG`, else ~/.kube/config; in a pod, its service account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig [default: the current one]
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// What `kubectl get pods,replicasets -o json` printed, instead of asking a cluster; - reads standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["context", "kubeconfig"])]
    pods: Option<PathBuf>,
}

/// An application's namespace and name.
#[derive(Clone, Debug)]
struct ApplicationName(ObjectName, ObjectName);

impl FromStr for ApplicationName {
    type Err = pinlib::ParseError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Where Argo CD keeps them, unless told otherwise.
        let (namespace, name) = text.split_once('/').unwrap_or(("argocd", text));
        Ok(Self(namespace.parse()?, name.parse()?))
    }
}

/// What is asked, and who is.
#[derive(Debug)]
struct Job {
    request: RunRequest,
    verifier: Verifier,
    backends: Backends,
    meter: Meter,
    environment: Option<EnvironmentName>,
}

impl Verify {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        progress.body = v1::Body::Verify(Box::default());
        let mut told = Told::default();
        let job = self.job(around, &mut told).await;
        told.show(screen);
        let job = job?;
        progress.meter = Some(job.meter.clone());
        let looked = screen.while_waiting(self.look(&job, screen)).await;
        job.backends.close(screen).await;
        let report = looked?;
        let mut body = self.body(&report, &job);
        let drifted = body.drift.as_ref().is_some_and(|drift| !drift.is_empty());
        if !self.drift {
            // A cluster runs much that nobody asked about.
            body.rows.retain(|row| row.verdict != RunVerdict::Unmanaged.name());
        }
        progress.body = v1::Body::Verify(Box::new(body));
        match (report.verdict(), self.wait) {
            (RunVerdict::Match(_), _) if drifted => Ok(Ending::Pin(OutcomeKind::Mismatch)),
            (RunVerdict::Match(_), _) => Ok(Ending::Answered),
            (_, Some(time)) => {
                let act = format!("see all of it run what {} says", report.commit.short());
                Err(BackendError::new(BackendErrorKind::Unavailable, act)
                    .because(format!("it does not, after {time}"))
                    .into())
            }
            (verdict, None) => Ok(Ending::Pin(match verdict {
                RunVerdict::NotRunning => OutcomeKind::NotFound,
                RunVerdict::Pending(_) => OutcomeKind::Unavailable,
                RunVerdict::Unknown(_) => OutcomeKind::Unknown,
                _ => OutcomeKind::Mismatch,
            })),
        }
    }

    /// Looks once, or follows and tells each change.
    async fn look(&self, job: &Job, screen: Screen) -> Result<RunReport, Failure> {
        let Some(Time(time)) = self.wait else { return Ok(job.verifier.verify(&job.request).await?) };
        let mut before = BTreeMap::new();
        let mut seen = |report: &RunReport| {
            let now = running::states(&of_cluster::verified(report));
            for (what, state) in now.iter().filter(|(what, state)| before.get(*what) != Some(*state)) {
                screen.change("Runs", &format!("{what}  {state}"));
            }
            before = now;
        };
        Ok(job.verifier.wait(&job.request, time, &mut seen).await?)
    }

    fn body(&self, report: &RunReport, job: &Job) -> v1::Verify {
        v1::Verify {
            environment: job.environment.as_ref().map(ToString::to_string),
            cluster: Some(job.verifier.cluster.to_string()),
            namespaces: job.request.namespaces.iter().map(ToString::to_string).collect(),
            drift: self.drift.then(|| of_cluster::drift(report)),
            ..of_cluster::verified(report)
        }
    }

    /// Settles everything, and opens what is asked.
    async fn job(&self, around: &Surroundings, told: &mut Told) -> Result<Job, Failure> {
        let file = config::find(self.reach.config(), around)?;
        let config = &file.config;
        let mut build = ci::build(around);
        told.notes.extend(build.note.take());
        let mut chooser = Chooser::new(around, file.path.as_deref());
        let environment =
            chooser.choose("environment", self.environment.clone(), config.environment.clone(), None)?;
        if let Some(name) = &environment {
            config.knows(name)?;
        }
        let keys = environment.as_ref().and_then(|name| config.environments.get(name)).cloned();
        let own = Own { keys: keys.unwrap_or_default(), first: false };
        let Forge { branch, place, app, installation } =
            self.forge.settle(&mut chooser, config, own, build, around)?;
        let registry = chooser.choose("registry", self.registry.clone(), config.registry.clone(), None)?;
        let reach = self.reach.settle(&mut chooser, config, around)?;
        let connect = Connect { registry: registry.unwrap_or_default().meant_from(around.folder()), ..reach };
        told.choices.append(&mut chooser.choices);

        let images = self.chosen(placed(config, Scope::With(environment.as_ref()))?)?;
        let has_key = around.secret("PINLIB_APP_KEY")?.is_some();
        let places = Places {
            forge: place,
            // Who only reads may do so by another token than the App's.
            app: app.filter(|_| has_key),
            installation,
            author: Committer::default(),
            sign: None,
            allow_checked_out: false,
            via: Via::default(),
            connect,
        };
        let asked: Vec<_> = images.iter().map(|(image, _)| image).collect();
        let backends = backends::open(&places, &asked, around).await?;
        let ClusterArgs { namespaces, all_namespaces, kubeconfig, context, pods } = &self.cluster;
        let from = match pods {
            Some(file) => ClusterPlace::Recorded(file),
            None => ClusterPlace::Server { kubeconfig: kubeconfig.as_deref(), context: context.as_deref() },
        };
        // Whoever asks counts together.
        let meter = backends.meter().unwrap_or_default();
        let (cluster, default) = backends::cluster(from, &meter, around).await?;
        let namespaces = match (&namespaces[..], default) {
            ([], Some(own)) if !all_namespaces => vec![own],
            (given, _) => given.to_vec(),
        };
        let pinner = backends.pinner.clone();
        let commit = match self.commit {
            Some(commit) => commit,
            None => pinner.forge.head(&branch.map_or_else(main_branch, Ok)?).await?,
        };
        let application = self.application.clone().map(|ApplicationName(namespace, name)| (namespace, name));
        Ok(Job {
            request: RunRequest { commit, images, namespaces, application },
            verifier: Verifier {
                cluster,
                registry: pinner.registry,
                forge: pinner.forge,
                clock: pinner.clock,
                patience: pinner.patience,
            },
            backends,
            meter,
            environment,
        })
    }

    /// The images that were asked for, of those that there are.
    fn chosen(&self, placed: Vec<Placement>) -> Result<Vec<Placement>, Failure> {
        let is = |image: &Reference, wanted: &Reference| {
            image.same_image(wanted) || image.written_name().rsplit('/').next() == Some(wanted.written_name())
        };
        if let Some(unknown) =
            self.images.iter().find(|wanted| !placed.iter().any(|(image, _)| is(image, wanted)))
        {
            return Err(Failure::usage(format!("pinlib.yaml lists no {unknown} here")));
        }
        let all = self.images.is_empty();
        Ok(placed
            .into_iter()
            .filter(|(image, _)| all || self.images.iter().any(|wanted| is(image, wanted)))
            .collect())
    }
}
