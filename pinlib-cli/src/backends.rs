//! The only place that names concrete backends: from places and logins to the library's traits.

use crate::{
    args::{
        bundle::BundlePlace,
        connect::Connect,
        evidence::Wanted,
        values::{Committer, ForgePlace, RegistryPlace, Sign, Via},
    },
    failure::Failure,
    logins,
    output::Screen,
    surroundings::Surroundings,
    text::{self, Handed},
};
use anyhow::anyhow;
use pinlib::{
    Author, AutoMerge, BackendError, BackendErrorKind, CheckedOut, Cluster, EvidenceRule, GitForge,
    GitHubAttestations, GitHubForge, GitHubRepository, GivenBundles, Http, LayoutRegistry, LocalForge, Meter,
    NoRegistry, ObjectName, OciOptions, OciRegistry, Patience, Pinner, Proposer, RecordedCluster, Reference,
    Registry, RegistryAttestations, ReviewForge, SigningKey, SmartHttpForge, SourceRepository, SshForge,
    SystemClock,
};
#[cfg(feature = "kube")]
use pinlib::{KubeAccess, KubeCluster};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// A longer file of attestations is not read.
const BUNDLES_LIMIT: u64 = 16 << 20;

/// Where everything is, and as whom.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) forge: Option<ForgePlace>,
    pub(crate) app: Option<String>,
    pub(crate) installation: Option<u64>,
    pub(crate) author: Committer,
    pub(crate) sign: Option<Sign>,
    pub(crate) allow_checked_out: bool,
    pub(crate) via: Via,
    pub(crate) connect: Connect,
}

/// Where a cluster's objects come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ClusterPlace<'a> {
    /// A file of what kubectl printed.
    Recorded(&'a Path),
    /// The API server of a context, or of the current one.
    #[cfg_attr(not(feature = "kube"), expect(dead_code, reason = "without the feature nobody is asked"))]
    Server { kubeconfig: Option<&'a Path>, context: Option<&'a str> },
}

/// A longer file of a cluster's objects is not read: 10,000 pods have some 100 MB.
const RECORDED: u64 = 512 << 20;

/// The library's pinner, and what more was opened for it.
#[derive(Debug)]
pub(crate) struct Backends {
    pub(crate) pinner: Pinner,
    client: Client,
    /// Every forge of GitHub's that was opened, which has more to it than other forges; the pinner's own first.
    pub(crate) github: Vec<Arc<GitHubForge>>,
}

impl Backends {
    /// What counts the traffic.
    pub(crate) fn meter(&self) -> Option<Meter> {
        self.client.http.as_ref().map(|http| http.meter().clone())
    }

    /// Another repository: where it is the pinner's own, the pinner's own forge.
    pub(crate) async fn beside(
        &mut self,
        own: &Places,
        other: &Places,
        around: &Surroundings,
    ) -> Result<Arc<dyn GitForge>, Failure> {
        if own.forge == other.forge {
            return Ok(Arc::clone(&self.pinner.forge));
        }
        forge(other, &mut self.client, &mut self.github, around).await
    }

    /// Who opens pull requests in the pinner's own repository.
    pub(crate) fn proposer(&self, auto_merge: AutoMerge) -> Result<Proposer, Failure> {
        let Pinner { registry, forge, clock, patience } = self.pinner.clone();
        let Some(github) = self.github.first() else {
            return Err(Failure::usage(format!("a pull request is not supported on {forge}")).with_hint(
                "--via pull-request wants --forge github:OWNER/NAME; elsewhere, pin by a commit",
            ));
        };
        let forge = Arc::clone(github) as Arc<dyn ReviewForge>;
        Ok(Proposer { registry, forge, clock, patience, auto_merge })
    }

    /// What must tie digests to their source commit, with the places where that is looked for.
    pub(crate) fn evidence(
        &mut self,
        wanted: Wanted,
        around: &Surroundings,
    ) -> Result<EvidenceRule, Failure> {
        rule(wanted, &self.pinner.registry, &mut self.client, around)
    }

    /// Gives back what was lent for this run. It is no failure of the run where that cannot be done.
    pub(crate) async fn close(&self, screen: Screen) {
        for forge in &self.github {
            if let Err(error) = forge.close().await {
                screen.detail(&format!("{error}; it ends by itself within the hour"));
            }
        }
    }
}

/// Opens what a request needs, and no more: a pin on disk makes no HTTP client. The registry is there for these images.
pub(crate) async fn open(
    places: &Places,
    asked: &[&Reference],
    around: &Surroundings,
) -> Result<Backends, Failure> {
    let mut client = Client { connect: places.connect.clone(), http: None };
    let registry: Arc<dyn Registry> =
        if asked.is_empty() { Arc::new(NoRegistry) } else { registry_through(&mut client, asked, around)? };
    let mut github = Vec::new();
    let forge = forge(places, &mut client, &mut github, around).await?;
    let pinner = Pinner { registry, forge, clock: Arc::new(SystemClock), patience: Patience::default() };
    Ok(Backends { pinner, client, github })
}

async fn forge(
    places: &Places,
    client: &mut Client,
    github: &mut Vec<Arc<GitHubForge>>,
    around: &Surroundings,
) -> Result<Arc<dyn GitForge>, Failure> {
    let signing = places.sign.clone().map(|sign| match sign {
        Sign::Ssh(key) => SigningKey::Ssh(key),
        Sign::Gpg(key) => SigningKey::Gpg(key),
    });
    let author =
        Author::new(places.author.0.clone(), signing).map_err(|error| Failure::usage(error.to_string()))?;
    Ok(match &places.forge {
        Some(ForgePlace::GitHub(repository)) => {
            let forge = Arc::new(open_github(places, repository, client, around)?);
            github.push(Arc::clone(&forge));
            forge
        }
        Some(ForgePlace::Http(url)) => {
            let login = logins::git(url, around).await?;
            Arc::new(SmartHttpForge::new(url, client.http()?, login, author)?)
        }
        Some(ForgePlace::Ssh(url)) => Arc::new(SshForge::new(url, author)?),
        folder => {
            let path = match folder {
                Some(ForgePlace::Folder(path)) => path.clone(),
                _ => repository_around(around.folder())?,
            };
            let checked_out = if places.allow_checked_out { CheckedOut::Allow } else { CheckedOut::Refuse };
            Arc::new(LocalForge::open(&path, author, checked_out)?)
        }
    })
}

fn open_github(
    places: &Places,
    repository: &GitHubRepository,
    client: &mut Client,
    around: &Surroundings,
) -> Result<GitHubForge, Failure> {
    // First the client: the App's key signs by the same TLS provider.
    let http = client.http()?;
    let login = logins::github(places.app.as_deref(), places.installation, around)?;
    let host = logins::github_host(around)?;
    let forge = GitHubForge::new(repository.clone(), host, login, http, Arc::new(SystemClock));
    Ok(match places.via {
        Via::Commit => forge,
        Via::PullRequest => forge.with_pull_requests(),
    })
}

/// Reads what kubectl printed of a cluster.
pub(crate) fn recorded(file: &Path, around: &Surroundings) -> Result<RecordedCluster, Failure> {
    let Handed { name, text } = text::handed(file, around, RECORDED)?;
    Ok(RecordedCluster::read(&name, text.as_bytes())?)
}

/// Opens a cluster, and tells the namespace that is looked into where nobody names one.
#[cfg_attr(
    not(feature = "kube"),
    expect(clippy::unused_async, unused_variables, reason = "only a server is waited for")
)]
pub(crate) async fn cluster(
    from: ClusterPlace<'_>,
    meter: &Meter,
    around: &Surroundings,
) -> Result<(Arc<dyn Cluster>, Option<ObjectName>), Failure> {
    match from {
        ClusterPlace::Recorded(file) => Ok((Arc::new(recorded(file, around)?), None)),
        #[cfg(feature = "kube")]
        ClusterPlace::Server { kubeconfig, context } => {
            // Only fails where there is one already.
            rustls::crypto::ring::default_provider().install_default().ok();
            let kubeconfig = kubeconfig.map(|file| around.path(file));
            let access = KubeAccess { kubeconfig, context: context.map(str::to_owned) };
            let cluster = KubeCluster::open(&access, meter.clone()).await?;
            let namespace = cluster.namespace();
            Ok((Arc::new(cluster), namespace))
        }
        #[cfg(not(feature = "kube"))]
        ClusterPlace::Server { kubeconfig: _, context: _ } => {
            let why = "this pinlib was built without the feature kube, and cannot ask a cluster";
            let way = "kubectl get pods,replicasets -o json | pinlib verify --pods -";
            Err(Failure::usage(why).with_hint(way))
        }
    }
}

/// Opens the registry alone, to ask it for these images.
pub(crate) fn registry(
    connect: &Connect,
    images: &[&Reference],
    around: &Surroundings,
) -> Result<(Arc<dyn Registry>, Option<Meter>), Failure> {
    let mut client = Client { connect: connect.clone(), http: None };
    let registry = registry_through(&mut client, images, around)?;
    Ok((registry, client.http.map(|http| http.meter().clone())))
}

/// What one image is verified by.
#[derive(Debug)]
pub(crate) struct Weighing {
    pub(crate) registry: Arc<dyn Registry>,
    pub(crate) rule: EvidenceRule,
    pub(crate) meter: Option<Meter>,
}

/// Opens the registry of one image, and the places of the evidence about it.
pub(crate) fn evidence(
    connect: &Connect,
    image: &Reference,
    wanted: Wanted,
    around: &Surroundings,
) -> Result<Weighing, Failure> {
    let mut client = Client { connect: connect.clone(), http: None };
    let registry = registry_through(&mut client, &[image], around)?;
    let rule = rule(wanted, &registry, &mut client, around)?;
    Ok(Weighing { registry, rule, meter: client.http.map(|http| http.meter().clone()) })
}

fn rule(
    wanted: Wanted,
    registry: &Arc<dyn Registry>,
    client: &mut Client,
    around: &Surroundings,
) -> Result<EvidenceRule, Failure> {
    let repository = wanted.repository().cloned();
    wanted.rule(|place| {
        Ok(match place {
            BundlePlace::Registry => Arc::new(RegistryAttestations::new(Arc::clone(registry))),
            BundlePlace::File(path) => {
                let content = text::read(std::fs::File::open(path), path, BUNDLES_LIMIT)?;
                Arc::new(GivenBundles::new(path.display().to_string(), content.as_bytes()))
            }
            BundlePlace::GitHub => {
                let path = repository.as_ref().map(SourceRepository::path).unwrap_or_default();
                let repository = path.parse().map_err(|error| {
                    Failure::usage(format!("--bundle github wants a repository on GitHub: {error}"))
                })?;
                let (host, token) = (logins::github_host(around)?, logins::github_token(around)?);
                Arc::new(GitHubAttestations::new(repository, host, token, client.http()?))
            }
        })
    })
}

fn registry_through(
    client: &mut Client,
    images: &[&Reference],
    around: &Surroundings,
) -> Result<Arc<dyn Registry>, Failure> {
    Ok(match &client.connect.registry {
        RegistryPlace::None => Arc::new(NoRegistry),
        RegistryPlace::Layout(folder) => Arc::new(LayoutRegistry::open(folder)?),
        RegistryPlace::Oci => {
            let options = OciOptions {
                logins: logins::registry(images, around)?,
                plain_http: client.connect.plain_http.clone(),
            };
            Arc::new(OciRegistry::new(client.http()?, options))
        }
    })
}

/// One HTTP client for all, made when it is first needed: reading the system's certificates takes its time.
#[derive(Debug)]
struct Client {
    connect: Connect,
    http: Option<Http>,
}

impl Client {
    fn http(&mut self) -> Result<Http, Failure> {
        if self.http.is_none() {
            // Only fails where there is one already.
            rustls::crypto::ring::default_provider().install_default().ok();
            let mut settings = Http::settings();
            if let Some(path) = &self.connect.ca {
                settings = settings.tls_certs_merge(certificates(path)?);
            }
            self.http = Some(Http::new(settings)?);
        }
        self.http.clone().ok_or_else(|| Failure::Defect(anyhow!("there is no HTTP client")))
    }
}

fn certificates(path: &Path) -> Result<Vec<reqwest::Certificate>, Failure> {
    let pem = std::fs::read(path).map_err(|error| Failure::unreadable(path, &error))?;
    match reqwest::Certificate::from_pem_bundle(&pem) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(Failure::usage(format!("{} holds no PEM certificate", path.display()))),
    }
}

/// The repository that a folder is in: one with a `.git`, or a bare one.
fn repository_around(folder: &Path) -> Result<PathBuf, Failure> {
    let bare = |folder: &Path| ["HEAD", "objects", "refs"].iter().all(|part| folder.join(part).exists());
    let is_one = |folder: &&Path| folder.join(".git").exists() || bare(folder);
    folder.ancestors().find(is_one).map(Path::to_owned).ok_or_else(|| {
        let act = format!("find a repository around {}", folder.display());
        let error = BackendError::new(BackendErrorKind::NotFound, act);
        error
            .because("no folder upwards is one, and neither --forge, pinlib.yaml nor CI names another")
            .into()
    })
}
