//! What a pin meets beside the forge: a registry whose tags move, and a clock that nobody can trust.

use super::{plan::Image, race::Yield, tape::Tape};
use crate::{
    fault::{Fault, Network, refusal},
    image::{Document, Recipe, Variant},
};
use async_trait::async_trait;
use pinlib::{BackendError, BackendErrorKind, Clock, Digest, RawManifest, Reference, Registry};
use std::{
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::{Duration, SystemTime},
};

/// What was built, of which image, and its digest.
struct Build {
    image: Image,
    newer: bool,
    rebuilt: bool,
    document: Document,
    digest: Digest,
}

/// Everything that was ever built: each image from either source commit, twice.
fn builds() -> &'static [Build] {
    static BUILDS: OnceLock<Vec<Build>> = OnceLock::new();
    BUILDS.get_or_init(|| {
        let mut builds = Vec::new();
        for image in Image::ALL {
            for (newer, rebuilt) in [(false, false), (false, true), (true, false), (true, true)] {
                let name = format!("{}-{newer}-{rebuilt}", image.name());
                let document = Recipe::of([Variant::of("linux/amd64").label("build", &name)]).single().root;
                let digest = document.digest();
                builds.push(Build { image, newer, rebuilt, document, digest });
            }
        }
        builds
    })
}

/// The digest of a build.
pub(super) fn built(image: Image, newer: bool, rebuilt: bool) -> Option<Digest> {
    let wanted = |build: &&Build| (build.image, build.newer, build.rebuilt) == (image, newer, rebuilt);
    builds().iter().find(wanted).map(|build| build.digest)
}

/// Whether this is the digest of a manifest of the image of this name.
pub(super) fn published(name: &str, digest: Digest) -> bool {
    builds().iter().any(|build| build.digest == digest && name.ends_with(build.image.name()))
}

/// A registry that holds every build; its tags name the first, or once they moved the second.
#[derive(Debug)]
pub(super) struct Supply {
    pub(super) tape: Arc<Tape>,
    pub(super) network: Arc<Network>,
    pub(super) moved: Arc<AtomicBool>,
}

impl fmt::Display for Supply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("registry of all builds")
    }
}

#[async_trait]
impl Registry for Supply {
    async fn manifest(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        let tagged = self.moved.load(Relaxed);
        let named = |build: &&Build| match image.digest() {
            Some(digest) => build.digest == digest,
            None => {
                image.written_name().ends_with(build.image.name()) && !build.newer && build.rebuilt == tagged
            }
        };
        let found = builds().iter().find(named);
        self.network.say(|| format!("asks the registry for {}", image.written_name()));
        let faults = [Fault::RegistryLags, Fault::BodyCut, Fault::TokenExpired, Fault::RateLimited];
        let fault = self.network.strike(&self.tape, &faults);
        Yield::default().await;
        let act = || format!("read the manifest of {image}");
        let Some(build) = found else { return Err(BackendError::new(BackendErrorKind::NotFound, act())) };
        let Document { media_type, mut bytes } = build.document.clone();
        match fault {
            None => {}
            Some(Fault::BodyCut) => bytes.truncate(bytes.len() / 2),
            Some(fault) => return Err(refusal(fault, &act())),
        }
        Ok(RawManifest { media_type, claimed: Some(build.digest), bytes })
    }
    async fn blob(&self, image: &Reference, digest: Digest) -> Result<Vec<u8>, BackendError> {
        Err(BackendError::new(BackendErrorKind::NotFound, format!("read the blob {digest} of {image}")))
    }
    async fn referrers(&self, image: &Reference) -> Result<RawManifest, BackendError> {
        Err(BackendError::new(BackendErrorKind::Unsupported, format!("list what refers to {image}")))
    }
}

/// A clock that moves when somebody waits, gives all others a turn then, and jumps when a fault says so.
#[derive(Debug)]
pub(super) struct Unsteady {
    pub(super) tape: Arc<Tape>,
    pub(super) network: Arc<Network>,
    pub(super) fine: bool,
    pub(super) waited: Mutex<Duration>,
}

#[async_trait]
impl Clock for Unsteady {
    fn now(&self) -> SystemTime {
        let waited = *self.waited.lock().unwrap_or_else(PoisonError::into_inner);
        let day = Duration::from_secs(86_400);
        let jump = self.network.strike(&self.tape, &[Fault::ClockSkew]).map_or(0, |_| self.tape.choose(3));
        let ahead = u32::try_from(jump).unwrap_or_default();
        SystemTime::UNIX_EPOCH + day + waited * (1 + ahead) + day * ahead
    }
    async fn sleep(&self, time: Duration) {
        *self.waited.lock().unwrap_or_else(PoisonError::into_inner) += time;
        self.network.say(|| format!("waits {} s", time.as_secs()));
        if self.fine {
            Yield::default().await;
        }
    }
}
