//! What is asked for beside pins, and what is lawful of it: a rollback, a release, a promotion.

use super::{
    checker::{Checker, Pins},
    promise::{Promise, Violation, broken},
};
use pinlib::{
    Digest, HOLDS, Oid, Operation, Order, PinRequest, Pinned, Placement, PromoteRequest, Record,
    ReleaseRequest, RollbackRequest,
};

/// What a job asks for, to keep.
#[derive(Debug)]
#[expect(missing_docs, reason = "as in `Order`")]
pub enum Asked {
    Pin(PinRequest),
    Rollback(RollbackRequest),
    Release(ReleaseRequest),
    Promote(PromoteRequest),
}

impl Asked {
    /// The order that the pinner takes.
    pub fn order(&self) -> Order<'_> {
        match self {
            Self::Pin(request) => Order::Pin(request),
            Self::Rollback(request) => Order::Rollback(request),
            Self::Release(request) => Order::Release(request),
            Self::Promote(request) => Order::Promote(request),
        }
    }
}

/// Whether the caller says that the branch only grows.
pub(super) fn append_only(order: Order<'_>) -> bool {
    match order {
        Order::Pin(request) => request.options().append_only,
        Order::Rollback(request) => request.append_only,
        Order::Release(request) => request.append_only,
        Order::Promote(request) => request.options.append_only,
    }
}

fn line(site: &Pinned) -> String {
    format!("{} {}", site.locator, site.path)
}

impl Checker<'_> {
    /// The lines of the hold file.
    fn holds(&self, at: Oid) -> Vec<String> {
        String::from_utf8_lossy(&self.file(at, HOLDS)).lines().map(str::to_owned).collect()
    }

    /// I4 of the hold file: a rollback adds its sites, a release takes them out, a pin leaves it alone.
    pub(super) fn held_as_told(&self, parent: Oid, oid: Oid, record: &Record) -> Result<(), Violation> {
        let (before, after) = (self.holds(parent), self.holds(oid));
        let sites: Vec<_> = record.claim.sites().iter().map(line).collect();
        let mut wanted = before;
        match record.claim.operation() {
            Operation::Pin | Operation::Promote(_) => {}
            Operation::Rollback(_) => {
                let missing: Vec<_> = sites.into_iter().filter(|line| !wanted.contains(line)).collect();
                wanted.extend(missing);
            }
            Operation::Release(_) => wanted.retain(|line| !sites.contains(line)),
        }
        if after == wanted {
            Ok(())
        } else {
            broken(Promise::Minimal, format!("it left these holds: {after:?}, not {wanted:?}"))
        }
    }

    /// I1, I5 to I8 of what is no pin.
    pub(super) fn ordered(
        &self,
        order: Order<'_>,
        parent: Oid,
        record: &Record,
        pins: &Pins,
    ) -> Result<(), Violation> {
        let asked = match order {
            Order::Rollback(_) => Operation::Rollback(parent),
            Order::Release(_) => Operation::Release(parent),
            Order::Pin(_) | Order::Promote(_) => Operation::Promote(parent),
        };
        if record.claim.operation() != asked {
            return broken(Promise::Guard, "its record says another operation, or another head");
        }
        for site in record.claim.sites() {
            match order {
                Order::Release(_) => self.released(parent, site)?,
                Order::Rollback(_) => self.rolled_back(parent, site, record, pins)?,
                Order::Pin(_) => {}
                Order::Promote(request) => self.promoted(request, parent, site, record, pins)?,
            }
        }
        Ok(())
    }

    fn released(&self, parent: Oid, site: &Pinned) -> Result<(), Violation> {
        let there = self.value(parent, site).is_some_and(|value| value.ends_with(&site.digest.to_string()));
        if there { Ok(()) } else { broken(Promise::Minimal, "a release that writes a digest") }
    }

    fn rolled_back(&self, parent: Oid, site: &Pinned, record: &Record, pins: &Pins) -> Result<(), Violation> {
        self.not_by_hand(parent, site, pins)?;
        let older = self.memory.line(parent);
        let former = older.iter().filter_map(|fact| pins.get(&fact.oid)).any(|(_, former)| {
            former.claim.source() == record.claim.source() && former.claim.sites().contains(site)
        });
        if former {
            Ok(())
        } else {
            broken(Promise::Identity, "it goes back to what no pin ever wrote there")
        }
    }

    fn promoted(
        &self,
        request: &PromoteRequest,
        parent: Oid,
        site: &Pinned,
        record: &Record,
        pins: &Pins,
    ) -> Result<(), Violation> {
        if self.holds(parent).contains(&line(site)) {
            return broken(Promise::Hold, format!("it promoted to {}, which is on hold", site.path));
        }
        self.not_by_hand(parent, site, pins)?;
        // What stands in the environment that gives, by the record of who wrote it.
        let given = request.from.images.iter().any(|(_, targets): &Placement| {
            targets
                .iter()
                .any(|target| self.stands_by_record(parent, target.path.as_str(), site.digest, record, pins))
        });
        if !given {
            return broken(Promise::Identity, "it promotes what no pin wrote in the environment that gives");
        }
        let Some((_, theirs)) = self.writer(parent, site, pins) else { return Ok(()) };
        let (ours, theirs_source) = (record.claim.source(), theirs.claim.source());
        let same =
            theirs_source == ours && (theirs.claim.sites().contains(site) || request.options.replace_rebuilt);
        let older = theirs_source != ours && self.memory.ancestors(ours).contains(&theirs_source);
        if same || older {
            Ok(())
        } else {
            broken(Promise::NoDowngrade, "it promotes over what is not older")
        }
    }

    fn stands_by_record(&self, at: Oid, path: &str, digest: Digest, record: &Record, pins: &Pins) -> bool {
        let text = String::from_utf8_lossy(&self.file(at, path)).into_owned();
        let here = text.contains(&digest.to_string());
        here && self.memory.line(at).iter().filter_map(|fact| pins.get(&fact.oid)).any(|(_, pin)| {
            let wrote = |site: &Pinned| site.path.as_str() == path && site.digest == digest;
            pin.claim.source() == record.claim.source() && pin.claim.sites().iter().any(wrote)
        })
    }

    /// The newest pin of a site: none before the first.
    fn writer<'p>(&self, at: Oid, site: &Pinned, pins: &'p Pins) -> Option<(Oid, &'p Record)> {
        let of_site = |(_, record): &&(pinlib::CommitFact, Record)| {
            let here = |other: &Pinned| other.path == site.path && other.locator == site.locator;
            !matches!(record.claim.operation(), Operation::Release(_))
                && record.claim.sites().iter().any(here)
        };
        let line = self.memory.line(at);
        line.iter()
            .filter_map(|fact| pins.get(&fact.oid))
            .find(of_site)
            .map(|(fact, record)| (fact.oid, record))
    }

    /// I7: since a pin of this site nobody changed it by hand.
    fn not_by_hand(&self, parent: Oid, site: &Pinned, pins: &Pins) -> Result<(), Violation> {
        let Some((writer, _)) = self.writer(parent, site, pins) else { return Ok(()) };
        if self.value(writer, site) == self.value(parent, site) {
            return Ok(());
        }
        broken(Promise::NoOverwrite, format!("it overwrote what a hand wrote in {}", site.path))
    }
}
