//! One thing that happened to an image, drawn.

use super::{Outside, Receipt, place, track::Event};
use crate::output::{
    github_actions::title,
    v1::{Logged, LoggedSite},
};
use maud::{Markup, html};
use std::collections::BTreeSet;

/// As many characters of a digest or an oid tell it apart for people.
const SHORT: usize = 12;

impl Event<'_> {
    /// It, and where its commit's page is to be found.
    pub(super) fn html(&self, commits: Option<&str>) -> Markup {
        let (badge, kind) = (self.badge(), self.kind().0);
        html! {
            li.event.(kind) {
                @match self {
                    Self::Logged { entry, sites } => (logged(entry, sites, &badge, commits)),
                    Self::Run(receipt) => (run(receipt, &badge)),
                }
            }
        }
    }
    /// What kind it is, in a word or two.
    pub(super) fn badge(&self) -> Markup {
        let (kind, word) = self.kind();
        html! { span.badge.(kind) { (word) } }
    }
    fn kind(&self) -> (&'static str, &'static str) {
        match self {
            // It proves nothing, whatever it says.
            Self::Logged { entry, .. } if !entry.recognised => ("odd", "Not recognised"),
            Self::Logged { entry, .. } => match entry.operation {
                "rollback" => ("rollback", "Rolled back"),
                "promote" => ("promote", "Promoted"),
                "release" => ("release", "Hold released"),
                _ => ("pin", "Pinned"),
            },
            Self::Run(receipt) => ("abort", title(receipt.outcome).split(':').next().unwrap_or_default()),
        }
    }
}

fn logged(entry: &Logged, sites: &[&LoggedSite], badge: &Markup, commits: Option<&str>) -> Markup {
    let others = entry.sites.len() - sites.len();
    // Mostly one, in many files.
    let changes: BTreeSet<_> = sites.iter().map(|site| (&site.from, &site.to)).collect();
    html! {
        p.what {
            (badge)
            @if entry.proof == "declared" { span.badge.odd { "Only declared" } }
            (time(&entry.committed))
        }
        @if !entry.recognised {
            p { "This commit quotes a record, and does not do what it says or is by somebody else. It proves nothing." }
        }
        @for (from, to) in &changes {
            p.change {
                @if let Some(from) = from {
                    (digest(from)) span.arrow aria-hidden="true" { "→" } span.aside { " became " }
                }
                (digest(to))
            }
        }
        p.origin {
            "built from " (oid(&entry.source_commit)) ", committed as "
            @if let Some(pages) = commits {
                a href={ (Outside(pages)) (Outside(&entry.commit)) } { (oid(&entry.commit)) }
            } @else { (oid(&entry.commit)) }
            @if others > 0 { " with " (count(others, "place")) " of other images" }
        }
        details {
            summary { "Details" span.aside { " of commit " (oid(&entry.commit)) } }
            dl.facts {
                (fact("Source commit", &entry.source_commit))
                (fact("Commit", &entry.commit))
                (fact("Parent", &entry.parent))
                (fact("Author", &entry.author))
                (fact("Run", &entry.run))
                (fact("Key", &entry.key))
                (fact("Proof", &entry.proof))
            }
            ul.places {
                @for site in sites {
                    li {
                        (place(&site.path, &site.locator))
                        @if let Some(from) = &site.from { br; span.dim { "from " code { (Outside(from)) } } }
                        br; span.dim { "to " code { (Outside(&site.to)) } }
                    }
                }
            }
        }
    }
}

fn run(receipt: &Receipt, badge: &Markup) -> Markup {
    html! {
        p.what {
            (badge)
            @if let Some(ended) = &receipt.ended { (time(ended)) } @else { span.dim { "its receipt tells no time" } }
        }
        @if let Some(error) = &receipt.error { p.change { (Outside(&error.message)) } }
        @if let Some(source) = &receipt.source_commit { p.origin { "built from " (oid(source)) } }
        details {
            summary { "Details" span.aside { " of the run " (Outside(receipt.run.as_deref().unwrap_or_default())) } }
            dl.facts {
                (fact("Command", &receipt.command))
                @let facts = [
                    ("Source commit", &receipt.source_commit),
                    ("Expected head", &receipt.expected_head),
                    ("Actual head", &receipt.actual_head),
                    ("Run", &receipt.run),
                ];
                @for (what, value) in facts { @if let Some(value) = value { (fact(what, value)) } }
                @if let Some(hint) = receipt.error.as_ref().and_then(|error| error.hint.as_ref()) {
                    div { dt { "Next step" } dd { (Outside(hint)) } }
                }
            }
        }
    }
}

/// A digest by its first characters; anything else as it is.
pub(super) fn digest(text: &str) -> Markup {
    let hex = text.rsplit_once("sha256:").or_else(|| text.rsplit_once("sha512:")).map(|(_, hex)| hex);
    html! { @if let Some(hex) = hex { (oid(hex)) } @else { code { (Outside(text)) } } }
}

/// An oid by its first characters.
pub(super) fn oid(text: &str) -> Markup {
    let short: String = text.chars().take(SHORT).collect();
    html! { code.short { (Outside(&short)) } }
}

/// A time of RFC 3339, to the minute.
pub(super) fn time(text: &str) -> Markup {
    let parts = text.split_once('T').and_then(|(day, rest)| Some((day, rest.get(..5)?)));
    html! {
        time datetime=(Outside(text)) {
            @match parts {
                Some((day, minute)) => { span.short { (Outside(day)) } " " span.short { (Outside(minute)) } },
                None => (Outside(text)),
            }
        }
    }
}

fn fact(what: &str, value: &str) -> Markup {
    html! { div { dt { (what) } dd { code { (Outside(value)) } } } }
}

fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
