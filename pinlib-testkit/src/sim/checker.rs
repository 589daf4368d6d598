//! Judges what a run left behind by its own reading of the invariants, from the true history and every reported outcome.
//!
//! It knows sites as [`ImageLines`](crate::lines::ImageLines) does, and pins by who the memory forge's commits are by.
//! An unknown outcome forks the model: that the pin landed and that it did not are both allowed.

use super::{
    orders::append_only,
    promise::{Promise, Violation, broken},
    race::End,
};
use crate::memory::{Files, MemoryForge, bot};
use pinlib::{
    BranchName, CommitFact, Digest, DigestSource, HOLDS, Oid, Operation, Order, OutcomeKind, PinError,
    PinRequest, Pinned, Policy, Receipt, Record, RunId,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

/// One run of the real algorithm, and how it ended.
#[derive(Debug)]
pub struct Ran<'a> {
    /// What it was asked for.
    pub order: Order<'a>,
    /// Its id.
    pub run: RunId,
    /// Its end.
    pub end: &'a End<Result<Receipt, PinError>>,
    /// The heads that the branch had while it ran, by their place in [`MemoryForge::heads`].
    pub during: std::ops::Range<usize>,
    /// The older heads that it was shown.
    pub stale: Vec<Oid>,
    /// Whether a request of it was still on its way when it ended.
    pub owed: bool,
}

/// The judge of one branch of one forge.
#[derive(Clone, Copy, Debug)]
pub struct Checker<'a> {
    /// The forge as it is.
    pub memory: &'a MemoryForge,
    /// The branch.
    pub branch: &'a BranchName,
    /// Whether the registry has a manifest of this image with this digest, for digests that are asked for by tag.
    pub published: fn(&str, Digest) -> bool,
}

/// A pin that the forge made.
pub(super) type Pins = BTreeMap<Oid, (CommitFact, Record)>;

impl Checker<'_> {
    /// Judges how the runs ended, and every pin that they left. Answers how many say that they pinned.
    ///
    /// # Errors
    /// The first promise that was broken.
    pub fn check(&self, runs: &[Ran<'_>]) -> Result<usize, Violation> {
        let heads = self.memory.heads(self.branch);
        let mut ever = BTreeSet::new();
        for head in heads.iter().flatten() {
            if !ever.contains(head) {
                ever.extend(self.memory.ancestors(*head));
            }
        }
        let pins = self.pins(&ever);
        for (fact, record) in pins.values() {
            if let Some(ran) = runs.iter().find(|ran| ran.run == record.run) {
                self.lawful(ran.order, fact, record, &pins, &heads).map_err(|violation| Violation {
                    how: format!("{} (commit {})", violation.how, fact.oid.short()),
                    ..violation
                })?;
            }
        }
        let mut pinned = 0;
        for ran in runs {
            pinned += usize::from(self.truth(ran, &pins, &heads)?);
        }
        Ok(pinned)
    }

    /// I3, and of I5 what a receipt says. Answers whether the run says that it pinned.
    fn truth(&self, ran: &Ran<'_>, pins: &Pins, heads: &[Option<Oid>]) -> Result<bool, Violation> {
        let mut mine = pins.values().filter(|(_, record)| record.run == ran.run).map(|(fact, _)| fact.oid);
        match ran.end {
            End::Dropped => Ok(false),
            End::Done(Ok(receipt)) if receipt.kind() == OutcomeKind::Pinned => {
                if !mine.any(|oid| oid == receipt.commit) {
                    return broken(Promise::Truth, "it says pinned, and its commit was never on the branch");
                }
                for site in receipt.claim.sites() {
                    if !self.held(receipt.commit, site) {
                        return broken(
                            Promise::Truth,
                            "it says pinned, and its commit does not hold the digest",
                        );
                    }
                }
                Ok(true)
            }
            End::Done(Ok(receipt)) => {
                let during = heads.get(ran.during.clone()).unwrap_or(heads);
                if !during.contains(&Some(receipt.commit)) && !ran.stale.contains(&receipt.commit) {
                    return broken(Promise::Truth, "it says already pinned, at no head that it could see");
                }
                let digests = receipt.images.iter().map(|image| (image.pin(), image.digest()));
                for (pin, digest) in digests {
                    let there = pin.targets.iter().all(|target| {
                        let bytes = self.file(receipt.commit, target.path.as_str());
                        values(&bytes).iter().any(|value| value.ends_with(&digest.to_string()))
                    });
                    if !there {
                        return broken(Promise::Truth, "it says already pinned, and the bytes are not there");
                    }
                }
                Ok(false)
            }
            End::Done(Err(error)) if error.kind() == OutcomeKind::Unknown => Ok(false),
            End::Done(Err(error)) => match mine.next() {
                Some(oid) => {
                    broken(Promise::Truth, format!("it landed as {}, and yet says: {error}", oid.short()))
                }
                None if ran.owed && !append_only(ran.order) => {
                    broken(Promise::Truth, format!("a request may still land, and yet it says: {error}"))
                }
                None => Ok(false),
            },
        }
    }

    /// I1, I2, I4 to I8 of one commit, from the objects alone.
    fn lawful(
        &self,
        order: Order<'_>,
        fact: &CommitFact,
        record: &Record,
        pins: &Pins,
        heads: &[Option<Oid>],
    ) -> Result<(), Violation> {
        let ([parent], source) = (&fact.parents[..], record.claim.source()) else {
            return broken(Promise::Guard, "a pin has not one parent");
        };
        if !heads.windows(2).any(|pair| pair == [Some(*parent), Some(fact.oid)]) {
            return broken(Promise::Guard, "its parent was not the head when it landed");
        }
        self.minimal(*parent, fact.oid, record)?;
        let behind = self.memory.ancestors(*parent);
        let earlier = pins.iter().filter(|(oid, _)| behind.contains(oid));
        let mut same = earlier.filter(|(_, (_, earlier))| earlier.claim == record.claim);
        if same.next().is_some() {
            return broken(Promise::Once, "a second pin with one key");
        }
        let Order::Pin(request) = order else {
            return self.ordered(order, *parent, record, pins);
        };
        if record.claim.operation() != Operation::Pin {
            return broken(Promise::Guard, "a pin that says to be something else");
        }
        self.identity(request, record)?;
        let base = self.memory.ancestors(source);
        let between: BTreeSet<_> = behind.difference(&base).copied().collect();
        let line: Vec<_> =
            self.memory.line(*parent).into_iter().take_while(|fact| between.contains(&fact.oid)).collect();
        let root = line.last().map_or(Some(*parent), |last| last.parents.first().copied());
        match &request.options().policy {
            Policy::Exact if *parent != source => {
                return broken(Promise::Guard, "an exact pin on another head than its source");
            }
            Policy::PinsOnly if !behind.contains(&source) => {
                return broken(Promise::Guard, "its source is not in its history");
            }
            Policy::PinsOnly if !between.iter().all(|oid| pins.contains_key(oid)) => {
                return broken(Promise::Guard, "it passed over more than pins");
            }
            Policy::Inputs(_) if root != Some(source) => {
                return broken(Promise::Guard, "its source is not on its line");
            }
            Policy::Inputs(inputs) => {
                let inputs_at = |at| {
                    let mut files = self.memory.files(at);
                    files.retain(|path, _| inputs.iter().any(|input| path.is_in(input)));
                    files
                };
                if inputs_at(source) != inputs_at(*parent) {
                    return broken(Promise::Guard, "an input changed since its source");
                }
            }
            _ => {}
        }
        let holds = self.file(*parent, HOLDS);
        let holds = String::from_utf8_lossy(&holds);
        for site in record.claim.sites() {
            self.monotone(request, source, site, &line, pins)?;
            if holds.lines().any(|line| line == format!("{} {}", site.locator, site.path)) {
                return broken(Promise::Hold, format!("it pinned {}, which is on hold", site.path));
            }
        }
        Ok(())
    }

    /// I4: outside its sites not a byte differs.
    fn minimal(&self, parent: Oid, oid: Oid, record: &Record) -> Result<(), Violation> {
        let (before, after) = (self.memory.files(parent), self.memory.files(oid));
        let files =
            |files: &Files| files.keys().filter(|path| path.as_str() != HOLDS).cloned().collect::<Vec<_>>();
        if before == after || files(&before) != files(&after) {
            return broken(Promise::Minimal, "it changed no file, or took or gave one");
        }
        self.held_as_told(parent, oid, record)?;
        for (path, old) in before.iter().filter(|(path, _)| path.as_str() != HOLDS) {
            let sites: Vec<_> = record.claim.sites().iter().filter(|site| site.path == *path).collect();
            let mut wanted = String::new();
            let mut place = 0;
            for line in String::from_utf8_lossy(old).split_inclusive('\n') {
                let image = line.trim_end().split_once("image: ");
                let locator = image.map(|_| format!("line:{place}"));
                place += usize::from(image.is_some());
                match (image, sites.iter().find(|site| Some(site.locator.to_string()) == locator)) {
                    (Some((key, value)), Some(site)) => {
                        let name = value.split('@').next().unwrap_or_default();
                        writeln!(wanted, "{key}image: {name}@{}", site.digest).ok();
                    }
                    _ => wanted += line,
                }
            }
            if after.get(path).is_none_or(|new| *new != wanted.as_bytes()) {
                return broken(Promise::Minimal, format!("{path} differs in more than its sites"));
            }
        }
        Ok(())
    }

    /// I5: what was written is what the build reported, or what the registry has.
    fn identity(&self, request: &PinRequest, record: &Record) -> Result<(), Violation> {
        for pin in request.images() {
            let mine = |site: &&Pinned| pin.targets.iter().any(|target| target.path == site.path);
            for site in record.claim.sites().iter().filter(mine) {
                let right = match pin.digest {
                    DigestSource::Declared(digest) | DigestSource::Reported(digest) => site.digest == digest,
                    DigestSource::Tag => (self.published)(pin.image.written_name(), site.digest),
                };
                if !right {
                    return broken(
                        Promise::Identity,
                        format!("{} is no digest of {}", site.digest, pin.image),
                    );
                }
            }
        }
        Ok(())
    }

    /// I6 and I7: who changed the site since the source must be an older pin.
    fn monotone(
        &self,
        request: &PinRequest,
        source: Oid,
        site: &Pinned,
        line: &[CommitFact],
        pins: &Pins,
    ) -> Result<(), Violation> {
        for passed in line {
            let now = self.value(passed.oid, site);
            if passed.parents.first().is_some_and(|parent| self.value(*parent, site) == now) {
                continue;
            }
            let Some((_, pin)) = pins.get(&passed.oid) else {
                return broken(
                    Promise::NoOverwrite,
                    format!("it overwrote what a hand wrote in {}", site.path),
                );
            };
            let theirs = pin.claim.source();
            if theirs == source {
                if !pin.claim.sites().contains(site) && !request.options().replace_rebuilt {
                    return broken(Promise::NoDowngrade, "it replaced a rebuild of the same source, untold");
                }
            } else if !self.memory.ancestors(source).contains(&theirs) {
                return broken(Promise::NoDowngrade, "it replaced a pin from a source that is not older");
            }
        }
        Ok(())
    }

    pub(super) fn pins<'o>(&self, of: impl IntoIterator<Item = &'o Oid>) -> Pins {
        let facts = of.into_iter().filter_map(|oid| self.memory.fact(*oid)).filter(|fact| bot().made(fact));
        facts.filter_map(|fact| Some((fact.oid, (fact.clone(), Record::parse(&fact.message)?)))).collect()
    }
    pub(super) fn file(&self, at: Oid, path: &str) -> Vec<u8> {
        self.memory
            .files(at)
            .into_iter()
            .find(|(name, _)| name.as_str() == path)
            .unzip()
            .1
            .unwrap_or_default()
    }
    pub(super) fn value(&self, at: Oid, site: &Pinned) -> Option<String> {
        let place: usize = site.locator.as_str().strip_prefix("line:")?.parse().ok()?;
        values(&self.file(at, site.path.as_str())).into_iter().nth(place)
    }
    fn held(&self, at: Oid, site: &Pinned) -> bool {
        self.value(at, site).is_some_and(|value| value.ends_with(&site.digest.to_string()))
    }
}

/// The images that a file names, in their order.
fn values(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter_map(|line| Some(line.split_once("image: ")?.1.to_owned())).collect()
}
