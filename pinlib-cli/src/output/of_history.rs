//! What a branch's history holds, as the report has it.

use super::v1;
use crate::args::{moment::Moment, values::EnvironmentName};
use pinlib::{Breach, Hold, Logged, LoggedSite, Reference, Target};

/// A pin of the past.
pub(crate) fn logged(pin: &Logged, known: &[(Option<EnvironmentName>, Target)]) -> v1::Logged {
    let claim = &pin.record.claim;
    let site = |site: &LoggedSite| {
        let here = known.iter().find(|(_, target)| target.path == site.pinned.path);
        v1::LoggedSite {
            path: site.pinned.path.to_string(),
            locator: site.pinned.locator.to_string(),
            environment: here.and_then(|(environment, _)| environment.as_ref()).map(ToString::to_string),
            image: site.after.as_ref().or(site.before.as_ref()).map(|image| image.written_name().to_owned()),
            from: site.before.as_ref().and_then(stood),
            to: site.pinned.digest.to_string(),
        }
    };
    v1::Logged {
        commit: pin.fact.oid.to_string(),
        parent: pin.record.parent.to_string(),
        committed: Moment(pin.fact.committed).to_string(),
        operation: claim.operation().name(),
        recognised: pin.recognised,
        author: pin.fact.author.to_string(),
        branch: claim.branch().to_string(),
        source_commit: claim.source().to_string(),
        run: pin.record.run.to_string(),
        key: claim.key().to_string(),
        proof: pin.record.proof.to_string(),
        sites: pin.sites.iter().map(site).collect(),
    }
}

fn stood(image: &Reference) -> Option<String> {
    image.digest().map(|digest| digest.to_string()).or_else(|| image.tag().map(str::to_owned))
}

/// A site that is on hold.
pub(crate) fn held(hold: &Hold) -> v1::Held {
    v1::Held { path: hold.path.to_string(), locator: hold.locator.to_string() }
}

/// What an audit came to.
pub(crate) fn audit(audit: &pinlib::Audit) -> v1::Audit {
    let finding = |breach: &Breach| v1::Finding {
        commit: breach.commit.to_string(),
        kind: breach.what.name(),
        path: breach.path.clone(),
        line: breach.line,
        message: breach.what.to_string(),
    };
    v1::Audit {
        commits: audit.commits,
        pins: audit.pins,
        findings: audit.breaches.iter().map(finding).collect(),
    }
}
