//! The page of `pinlib log --html`: one file that asks for nothing, with what was pinned where, when, and from what.
//!
//! `track` sorts the log and the receipts by environment and image, `event` draws one thing that happened, `drift` what a
//! cluster ran instead, and this file puts the page around them. Nothing runs in it, and its style is allowed by its hash alone.

mod drift;
mod event;
mod receipt;
mod track;

use crate::output::{
    clean,
    v1::{Held, Log, Logged},
};
use base64::{Engine as _, prelude::BASE64_STANDARD};
pub(crate) use drift::{Look, read as looks};
use maud::{DOCTYPE, Markup, PreEscaped, Render, html};
pub(crate) use receipt::{Receipt, read as receipts};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use track::{Event, Track};

/// The style, in which the colours of each mode stand once.
const STYLE: &str = include_str!("page.css");
/// A pin, as a picture that the page brings with it.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='6' \
                    r='5' fill='%233b5bdb'/%3E%3Cpath d='M8 11v5' stroke='%233b5bdb' stroke-width='2'/%3E%3C/svg%3E";

/// Older events of an image are folded away.
const OPEN: usize = 20;

/// What the page tells.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    /// The repository: its folder or its address.
    pub(crate) forge: &'a str,
    /// What the addresses of its commits' pages begin with, where it has such pages.
    pub(crate) commits: Option<&'a str>,
    /// The head that the log was read from.
    pub(crate) head: &'a str,
    /// When it was made, in RFC 3339.
    pub(crate) made: &'a str,
    pub(crate) log: &'a Log,
    pub(crate) receipts: &'a [Receipt],
    pub(crate) looks: &'a [Look],
}

/// Text from outside: cleaned, and then escaped.
struct Outside<'a>(&'a str);

impl Render for Outside<'_> {
    fn render_to(&self, page: &mut String) {
        clean::line(self.0).render_to(page);
    }
}

impl Page<'_> {
    /// The whole file.
    pub(crate) fn html(&self) -> String {
        // A lost answer may have been a yes.
        let landed = |run: &&Receipt| {
            self.log.entries.iter().any(|entry| entry.recognised && run.run.as_ref() == Some(&entry.run))
        };
        let runs: Vec<_> = self.receipts.iter().filter(|run| !landed(run)).collect();
        let tracks = track::tracks(self.log, &runs);
        let title = html! { "Pins on " (Outside(&self.log.branch)) };
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE));
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
        );
        let page = html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta http-equiv="Content-Security-Policy" content=(policy);
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta name="referrer" content="no-referrer";
                    title { (title) }
                    link rel="icon" href=(PreEscaped(ICON));
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#main" { "Skip to the pins" }
                    header.top {
                        p.brand { "pinlib" }
                        h1 { (title) }
                        p.where { (Outside(self.forge)) }
                        @if !tracks.is_empty() { (self.tally(&tracks, &runs)) }
                        (environments(&tracks))
                    }
                    main #main tabindex="-1" {
                        @if tracks.is_empty() { (nothing_yet()) } @else {
                            (overview(&tracks))
                            @for group in tracks.chunk_by(Track::beside) { (self.environment(group, several(&tracks))) }
                        }
                        @for (number, look) in self.looks.iter().enumerate() { (look.html(number)) }
                        (self.elsewhere(&tracks, &runs))
                    }
                    footer {
                        p {
                            "Made " (event::time(self.made)) " from " code { (Outside(self.head)) }
                            " by pinlib " (env!("CARGO_PKG_VERSION")) ". Times are what whoever committed said, in UTC; the order is the \
                            history's."
                        }
                    }
                }
            }
        };
        page.into_string()
    }

    /// What there is, in numbers.
    fn tally(&self, tracks: &[Track<'_>], runs: &[&Receipt]) -> Markup {
        let count =
            |counts: fn(&Logged) -> bool| self.log.entries.iter().filter(|entry| counts(entry)).count();
        let images: BTreeSet<_> = tracks.iter().map(|track| track.image).collect();
        let numbers = [
            (images.len(), "image", "images"),
            (count(|entry| entry.recognised && entry.operation == "pin"), "pin", "pins"),
            (count(|entry| entry.recognised && entry.operation == "promote"), "promotion", "promotions"),
            (count(|entry| entry.recognised && entry.operation == "rollback"), "rollback", "rollbacks"),
            (count(|entry| !entry.recognised), "not recognised", "not recognised"),
            (runs.len(), "run without a pin", "runs without a pin"),
            (self.log.holds.len(), "place held", "places held"),
        ];
        html! {
            dl.tally {
                @for (number, one, many) in numbers.into_iter().filter(|(number, ..)| *number > 0) {
                    div { dt { (if number == 1 { one } else { many }) } dd { (number) } }
                }
            }
        }
    }

    fn environment(&self, tracks: &[Track<'_>], several: bool) -> Markup {
        let Some(first) = tracks.first() else { return html! {} };
        html! {
            section.environment aria-labelledby=(first.group()) {
                h2 #(first.group()) { @if several { (first.place()) } @else { "Images" } }
                @for track in tracks { (self.image(track)) }
            }
        }
    }

    fn image(&self, track: &Track<'_>) -> Markup {
        html! {
            // No landmark: an image has one in each of its environments, and all would be called the same.
            article.track aria-labelledby=(track.id()) {
                h3 #(track.id()) { (Outside(track.image)) }
                @if !track.holds.is_empty() {
                    div.held {
                        p { strong { "Held." } " A rollback keeps these places as they are until it is released:" }
                        ul.places { @for hold in &track.holds { li { (place(&hold.path, &hold.locator)) } } }
                    }
                }
                @let (recent, older) = track.events.split_at(track.events.len().min(OPEN));
                ol.timeline role="list" { @for event in recent { (event.html(self.commits)) } }
                @if !older.is_empty() {
                    details.older {
                        summary { (older.len()) " older" span.aside { " of " (Outside(track.image)) } }
                        ol.timeline role="list" { @for event in older { (event.html(self.commits)) } }
                    }
                }
            }
        }
    }

    /// What belongs to no image of the log, and where the log ends.
    fn elsewhere(&self, tracks: &[Track<'_>], runs: &[&Receipt]) -> Markup {
        let unknown = |hold: &&Held| !tracks.iter().any(|track| track.is_about(&hold.path, &hold.locator));
        let holds: Vec<_> = self.log.holds.iter().filter(unknown).collect();
        let runs: Vec<_> =
            runs.iter().filter(|run| run.images.is_empty()).map(|run| Event::Run(run)).collect();
        html! {
            @if !holds.is_empty() {
                section.track aria-labelledby="held" {
                    h2 #held { "Held, and in no pin of this log" }
                    ul.places { @for hold in holds { li { (place(&hold.path, &hold.locator)) } } }
                }
            }
            @if !runs.is_empty() {
                section.track aria-labelledby="runs" {
                    h2 #runs { "Runs that name no image" }
                    ol.timeline role="list" { @for run in runs { (run.html(self.commits)) } }
                }
            }
            @if self.log.cut {
                p.note { "The log ends here: older history was not looked at." }
            }
        }
    }
}

fn nothing_yet() -> Markup {
    html! {
        section.empty aria-labelledby="empty" {
            h2 #empty { "No pin yet" }
            p { "No commit of this branch carries a record of pinlib, as far as the log looked." }
            p { "The first " code { "pinlib pin" } " will show here." }
        }
    }
}

/// Whether there are environments to tell apart.
fn several(tracks: &[Track<'_>]) -> bool {
    tracks.iter().any(|track| track.environment.is_some())
}

/// One link an environment, where there are several.
fn environments(tracks: &[Track<'_>]) -> Markup {
    let groups: Vec<_> = tracks.chunk_by(Track::beside).filter_map(<[Track<'_>]>::first).collect();
    html! {
        @if groups.len() > 1 {
            nav aria-label="Environments" {
                ul { @for first in groups { li { a href={ "#" (first.group()) } { (first.place()) } } } }
            }
        }
    }
}

/// What was pinned last, everywhere.
fn overview(tracks: &[Track<'_>]) -> Markup {
    let several = several(tracks);
    let heads = ["Image", "Environment", "Digest", "Built from", "When", "Last"];
    // Narrow screens show rows as cards, which takes the meaning of a table from it: the roles give it back.
    html! {
        section.overview aria-label="Overview" {
            table role="table" {
                caption { "What was pinned last" }
                thead role="rowgroup" {
                    tr role="row" {
                        @for head in heads.iter().filter(|head| several || **head != "Environment") {
                            th role="columnheader" scope="col" { (head) }
                        }
                    }
                }
                tbody role="rowgroup" {
                    @for track in tracks {
                        @let last = track.last();
                        tr role="row" {
                            th role="rowheader" scope="row" { a href={ "#" (track.id()) } { (Outside(track.image)) } }
                            @if several { td role="cell" data-label="Environment" { (track.place()) } }
                            td role="cell" data-label="Digest" {
                                @if let Some((_, site)) = last { (event::digest(&site.to)) } @else { "none" }
                            }
                            td role="cell" data-label="Built from" {
                                @if let Some((entry, _)) = last { (event::oid(&entry.source_commit)) } @else { "–" }
                            }
                            td role="cell" data-label="When" {
                                @if let Some((entry, _)) = last { (event::time(&entry.committed)) } @else { "–" }
                            }
                            td role="cell" data-label="Last" { (state(track)) }
                        }
                    }
                }
            }
        }
    }
}

/// What happened last, or what stands in the way of the next pin.
fn state(track: &Track<'_>) -> Markup {
    html! {
        @match track.events.first() {
            _ if !track.holds.is_empty() => { span.badge.hold { "Held" } },
            Some(event) => (event.badge()),
            None => "–",
        }
    }
}

/// One scalar in one file.
fn place(path: &str, locator: &str) -> Markup {
    html! { code { (Outside(path)) } " " code.dim { (Outside(locator)) } }
}

#[cfg(test)]
mod tests;
