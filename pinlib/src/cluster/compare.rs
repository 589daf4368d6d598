//! Holds each container against what Git says of its image. Pure; what a registry must be asked is asked between the two steps.

use super::{
    image_id::ImageId,
    object::{Container, Pod, ReplicaSet, Role, Rollout},
    report::{RunPlace, RunRow, RunVerdict, Track},
    same::Sameness,
    wanted::Wanted,
};
use crate::image::{Digest, Reference};
use std::collections::{BTreeMap, BTreeSet};

/// What the cluster tells of the revisions of its workloads.
#[derive(Debug, Default)]
pub(super) struct Revisions {
    pub(super) replica_sets: Vec<ReplicaSet>,
    pub(super) rollouts: Vec<Rollout>,
}

/// What Git says of one container.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// This digest of this image.
    Digest(Reference, Digest),
    /// This image, and no digest.
    Untold(Reference),
    /// This image by several digests, and not which of them is this container's.
    Several(Reference),
    /// Nothing.
    Nothing(Reference),
    /// Nothing: it is not even an image.
    Unnamed,
}

/// A container that runs or should, and what Git says of it.
#[derive(Debug)]
pub(super) struct Instance<'a> {
    pub(super) claim: Claim,
    pub(super) container: &'a Container,
    pod: &'a Pod,
    track: Option<Track>,
    /// Why it may still be another image for a while.
    outgoing: Option<&'static str>,
}

/// Sets each container of the pods against what Git says of it. Pods that came to their end run nothing.
pub(super) fn instances<'a>(wanted: &[Wanted], pods: &'a [Pod], revisions: &Revisions) -> Vec<Instance<'a>> {
    let rollouts: BTreeMap<_, _> =
        revisions.rollouts.iter().map(|one| ((one.namespace.as_str(), one.name.as_str()), one)).collect();
    let mut newest: BTreeMap<_, u64> = BTreeMap::new();
    for set in &revisions.replica_sets {
        if let Some((owner, revision)) = set.owner.as_ref().zip(set.revision) {
            let newest = newest.entry((set.namespace.as_str(), owner)).or_default();
            *newest = revision.max(*newest);
        }
    }
    // One that a newer one of its owner's follows.
    let is_old = |set: &&ReplicaSet| {
        let told = set.owner.as_ref().zip(set.revision);
        told.is_some_and(|(owner, revision)| newest.get(&(set.namespace.as_str(), owner)) > Some(&revision))
    };
    let old: BTreeSet<_> = revisions
        .replica_sets
        .iter()
        .filter(is_old)
        .map(|set| (set.namespace.as_str(), set.name.as_str()))
        .collect();
    let mut instances = Vec::new();
    for pod in pods.iter().filter(|pod| !pod.finished) {
        let owner = pod.owner.as_ref();
        let rollout = owner.filter(|owner| owner.kind == "Rollout");
        let rollout = rollout.and_then(|owner| rollouts.get(&(pod.namespace.as_str(), owner.name.as_str())));
        let replica_set = pod.replica_set.as_deref().map(|set| (pod.namespace.as_str(), set));
        let (track, outgoing) = match rollout {
            Some(rollout) => track(pod, rollout),
            None if replica_set.is_some_and(|set| old.contains(&set)) => {
                (Some(Track::Old), Some("an older revision, and a newer one is on its way"))
            }
            None => (None, None),
        };
        let outgoing = if pod.leaving { Some("it is being deleted") } else { outgoing };
        instances.extend(pod.containers.iter().map(|container| {
            let claim = claim(wanted, pod, container);
            Instance { claim, container, pod, track, outgoing }
        }));
    }
    instances
}

/// Which of a Rollout's revisions a pod is of.
///
/// Source: <https://argo-rollouts.readthedocs.io/en/stable/FAQ/> and the fields' comments in its `types.go`.
fn track(pod: &Pod, rollout: &Rollout) -> (Option<Track>, Option<&'static str>) {
    let is = |hash: &Option<String>| hash.is_some() && *hash == pod.template;
    let moves = rollout.stable != rollout.current && !rollout.aborted;
    if is(&rollout.stable) {
        (Some(Track::Stable), moves.then_some("the stable one, and the canary is not promoted yet"))
    } else if is(&rollout.current) {
        (Some(Track::Canary), rollout.aborted.then_some("the rollout was aborted"))
    } else {
        (Some(Track::Old), Some("an older revision, and a newer one is on its way"))
    }
}

/// What Git says of a container: by its image's name, else by its digest, since a cluster may know an image by a mirror's name.
fn claim(wanted: &[Wanted], pod: &Pod, container: &Container) -> Claim {
    let named = container.image.parse::<Reference>().ok();
    let by_name: Vec<_> =
        wanted.iter().filter(|one| named.as_ref().is_some_and(|image| one.image.same_image(image))).collect();
    let candidates = if by_name.is_empty() {
        let digests = [named.as_ref().and_then(Reference::digest), container.image_id.digest()];
        let by_digest = |one: &&Wanted| one.image.digest().is_some() && digests.contains(&one.image.digest());
        wanted.iter().filter(by_digest).collect()
    } else {
        by_name
    };
    let Some(first) = candidates.first() else {
        return named.map_or(Claim::Unnamed, |image| Claim::Nothing(image.bare()));
    };
    let image = first.image.bare();
    let digests = |some: &[&Wanted]| some.iter().map(|one| one.image.digest()).collect::<BTreeSet<_>>();
    let mut digest = digests(&candidates);
    if digest.len() > 1 {
        let own: Vec<_> = candidates.into_iter().filter(|one| is_for(one, pod, container)).collect();
        digest = digests(&own);
    }
    match digest.into_iter().collect::<Vec<_>>()[..] {
        [Some(digest)] => Claim::Digest(image, digest),
        [None] => Claim::Untold(image),
        _ => Claim::Several(image),
    }
}

/// Whether Git names this very container.
fn is_for(wanted: &Wanted, pod: &Pod, container: &Container) -> bool {
    wanted.container.as_ref().is_some_and(|named| {
        named.container == container.name
            && named.namespace.as_ref().is_none_or(|namespace| *namespace == pod.namespace)
            && match &pod.owner {
                Some(owner) => named.kind == owner.kind && named.name == owner.name,
                None => named.kind == "Pod" && named.name == pod.name,
            }
    })
}

/// What a registry must settle: each pair once.
pub(super) fn pairs(instances: &[Instance<'_>]) -> Vec<(Reference, Digest, ImageId)> {
    let mut pairs = BTreeSet::new();
    for one in instances {
        if let (Claim::Digest(image, digest), Some(_)) = (&one.claim, one.container.image_id.digest()) {
            pairs.insert((image.clone(), *digest, one.container.image_id.clone()));
        }
    }
    pairs.into_iter().collect()
}

/// The words of a node that cannot get an image.
///
/// Source: <https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go>.
const UNPULLABLE: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    "ErrImageNeverPull",
    "InvalidImageName",
    "ImageInspectError",
    "RegistryUnavailable",
];

impl Instance<'_> {
    fn is_ready(&self) -> bool {
        self.container.ready && !self.pod.leaving
    }

    fn verdict(&self, sameness: impl Fn(&Reference, Digest, &ImageId) -> Sameness) -> RunVerdict {
        let Container { image_id, role, ready, waiting, .. } = self.container;
        let (image, digest) = match &self.claim {
            Claim::Digest(image, digest) => (image, *digest),
            Claim::Untold(_) => return RunVerdict::Unknown("Git has no digest for it".to_owned()),
            Claim::Several(_) => {
                return RunVerdict::Unknown(
                    "Git has several digests for it, and does not say which is this one's".to_owned(),
                );
            }
            Claim::Nothing(_) | Claim::Unnamed => return RunVerdict::Unmanaged,
        };
        let pending = |why: &str| RunVerdict::Pending(why.to_owned());
        match (image_id, self.outgoing) {
            (ImageId::Absent, Some(why)) => return pending(why),
            (ImageId::Absent, None) => {
                return match waiting.as_deref() {
                    Some(word) if UNPULLABLE.contains(&word) => RunVerdict::Unknown(word.to_owned()),
                    word => pending(word.unwrap_or("it is not started yet")),
                };
            }
            (ImageId::Unreadable(text), _) => {
                return RunVerdict::Unknown(format!("its node tells an image id that is none: {text:?}"));
            }
            _ => {}
        }
        match (sameness(image, digest, image_id), self.outgoing) {
            (Sameness::Same(how), _) if *ready || self.pod.leaving || *role == Role::Ephemeral => {
                RunVerdict::Match(how)
            }
            (Sameness::Same(_), _) => pending(waiting.as_deref().unwrap_or("it is not ready yet")),
            (_, Some(why)) => pending(why),
            (Sameness::Different, None) => RunVerdict::Mismatch,
            (Sameness::Unknown(why), None) => RunVerdict::Unknown(why),
            (Sameness::Ask(_), None) => RunVerdict::Unknown("the registry was not asked".to_owned()),
        }
    }
}

/// Puts together what is alike, and adds what Git says and nothing runs.
pub(super) fn rows(
    wanted: &[Wanted],
    instances: &[Instance<'_>],
    sameness: impl Fn(&Reference, Digest, &ImageId) -> Sameness,
) -> Vec<RunRow> {
    let mut alike: BTreeMap<_, (Vec<String>, usize)> = BTreeMap::new();
    for one in instances {
        let Container { name, role, image, image_id, .. } = one.container;
        let place = RunPlace {
            namespace: one.pod.namespace.clone(),
            owner: one.pod.owner.clone(),
            container: name.clone(),
            role: *role,
            track: one.track,
        };
        let key = (&one.claim, std::cmp::Reverse(one.verdict(&sameness)), place, image, image_id);
        let (pods, ready) = alike.entry(key).or_default();
        pods.push(one.pod.name.clone());
        *ready += usize::from(one.is_ready());
    }
    let mut rows = Vec::new();
    for ((claim, verdict, place, asked, running), (pods, ready)) in alike {
        let (image, wanted) = match claim {
            Claim::Digest(image, digest) => (image.clone(), Some(*digest)),
            Claim::Untold(image) | Claim::Several(image) | Claim::Nothing(image) => (image.clone(), None),
            // Nothing that Git could say: a node would not start it.
            Claim::Unnamed => continue,
        };
        rows.push(RunRow {
            image,
            wanted,
            place: Some(place),
            asked: Some(asked.clone()),
            running: running.clone(),
            pods,
            ready,
            verdict: verdict.0,
        });
    }
    unready(&mut rows);
    let mut told = BTreeSet::new();
    for one in wanted {
        let (image, digest) = (one.image.bare(), one.image.digest());
        let of_it = |row: &RunRow| {
            row.verdict != RunVerdict::Unmanaged
                && row.image.same_image(&image)
                && (row.wanted == digest || row.wanted.is_none())
        };
        if !rows.iter().any(of_it) && told.insert((image.clone(), digest)) {
            rows.push(RunRow {
                image,
                wanted: digest,
                place: None,
                asked: None,
                running: ImageId::Absent,
                pods: Vec::new(),
                ready: 0,
                verdict: RunVerdict::NotRunning,
            });
        }
    }
    // What Git knows comes first.
    rows.sort_by_key(|row| (row.verdict == RunVerdict::Unmanaged, row.image.clone(), row.wanted));
    rows
}

/// What matches, and of which nothing serves, is not there yet: pods that go, or that somebody looks around in.
fn unready(rows: &mut [RunRow]) {
    let is_served =
        |row: &RunRow| row.ready > 0 && row.place.as_ref().is_some_and(|place| place.role != Role::Ephemeral);
    let matches = |row: &&RunRow| matches!(row.verdict, RunVerdict::Match(_));
    let served: BTreeSet<_> = rows
        .iter()
        .filter(matches)
        .filter(|row| is_served(row))
        .map(|row| (row.image.clone(), row.wanted))
        .collect();
    for row in rows {
        if matches(&&*row) && !served.contains(&(row.image.clone(), row.wanted)) {
            row.verdict = RunVerdict::Pending("nothing that is ready runs it".to_owned());
        }
    }
}
