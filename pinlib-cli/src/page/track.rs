//! What happened to one image in one environment.

use super::{Outside, Receipt};
use crate::output::v1::{Held, Log, Logged, LoggedSite};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// An image in an environment, and what happened to it, the newest first.
#[derive(Debug)]
pub(super) struct Track<'a> {
    /// Counts from 0, for links within the page.
    number: usize,
    /// None for targets that belong to every environment.
    pub(super) environment: Option<&'a str>,
    /// Its name; where pinlib.yaml no longer lists the place, the place's path.
    pub(super) image: &'a str,
    pub(super) events: Vec<Event<'a>>,
    pub(super) holds: Vec<&'a Held>,
}

/// One thing that happened.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// A commit with a record, and the places that are this image's.
    Logged { entry: &'a Logged, sites: Vec<&'a LoggedSite> },
    /// A run that pinned nothing, as its receipt tells.
    Run(&'a Receipt),
}

impl<'a> Track<'a> {
    /// The last pin that counts, and what it wrote. A release writes none.
    pub(super) fn last(&self) -> Option<(&'a Logged, &'a LoggedSite)> {
        self.events.iter().find_map(|event| match event {
            Event::Logged { entry, sites } if entry.recognised && entry.operation != "release" => {
                Some((*entry, *sites.first()?))
            }
            _ => None,
        })
    }
    /// Whether both are in one environment.
    pub(super) fn beside(&self, other: &Self) -> bool {
        self.environment == other.environment
    }
    /// The id of the track's heading.
    pub(super) fn id(&self) -> String {
        format!("image-{}", self.number)
    }
    /// The id of the heading of its environment, if it is the first there.
    pub(super) fn group(&self) -> String {
        format!("environment-{}", self.number)
    }
    /// The environment's name. A target without one is written by every pin.
    pub(super) fn place(&self) -> Markup {
        html! {
            @match self.environment {
                Some(name) => (Outside(name)),
                None => "All environments",
            }
        }
    }

    /// Whether a commit of this track is about the place.
    pub(super) fn is_about(&self, path: &str, locator: &str) -> bool {
        self.sites().any(|site| site.path == path && site.locator == locator)
    }
    fn is_in(&self, files: &[String]) -> bool {
        self.sites().any(|site| files.contains(&site.path))
    }
    fn sites(&self) -> impl Iterator<Item = &'a LoggedSite> {
        let of = |event: &Event<'a>| match event {
            Event::Logged { sites, .. } => sites.clone(),
            Event::Run(_) => Vec::new(),
        };
        self.events.iter().flat_map(of)
    }

    /// Puts a run where its clock says, if it has one that can be compared; else on top. This is for showing alone.
    fn place_run(&mut self, run: &'a Receipt) {
        let ended = run.ended.as_deref().filter(|ended| comparable(ended));
        let before = |event: &Event<'_>| {
            let then = match event {
                Event::Logged { entry, .. } => Some(entry.committed.as_str()),
                Event::Run(other) => other.ended.as_deref(),
            };
            ended.zip(then.filter(|then| comparable(then))).is_some_and(|(ended, then)| then <= ended)
        };
        let at = if ended.is_some() { self.events.iter().position(before) } else { Some(0) };
        self.events.insert(at.unwrap_or(self.events.len()), Event::Run(run));
    }
}

/// A time of UTC to the second: such texts are in the order of their times.
fn comparable(time: &str) -> bool {
    time.len() == "2026-01-01T00:00:00Z".len() && time.ends_with('Z')
}

/// Sorts by environment and image. A commit of many images is an event of each.
pub(super) fn tracks<'a>(log: &'a Log, runs: &[&'a Receipt]) -> Vec<Track<'a>> {
    // Where a commit leaves a file alone, as a release does, only others know whose place it is.
    let sites = log.entries.iter().flat_map(|entry| &entry.sites);
    let named: BTreeMap<_, _> =
        sites.filter_map(|site| Some(((&site.path, &site.locator), site.image.as_deref()?))).collect();
    let mut by_name: BTreeMap<(Option<&str>, &str), Vec<Event<'a>>> = BTreeMap::new();
    for entry in &log.entries {
        let mut mine: BTreeMap<_, Vec<&LoggedSite>> = BTreeMap::new();
        for site in &entry.sites {
            let name = named.get(&(&site.path, &site.locator)).copied().unwrap_or(&site.path);
            mine.entry((site.environment.as_deref(), name)).or_default().push(site);
        }
        for (name, sites) in mine {
            by_name.entry(name).or_default().push(Event::Logged { entry, sites });
        }
    }
    // A run may be about an image that was never pinned.
    for name in runs.iter().flat_map(|run| &run.images).map(|image| image.name.as_str()) {
        if !by_name.keys().any(|(_, known)| *known == name) {
            by_name.insert((None, name), Vec::new());
        }
    }
    let track = |(number, ((environment, image), events))| Track {
        number,
        environment,
        image,
        events,
        holds: Vec::new(),
    };
    let mut tracks: Vec<_> = by_name.into_iter().enumerate().map(track).collect();
    for track in &mut tracks {
        track.holds = log.holds.iter().filter(|hold| track.is_about(&hold.path, &hold.locator)).collect();
        for run in runs.iter().rev() {
            if concerns(run, track) {
                track.place_run(run);
            }
        }
    }
    tracks
}

/// Whether a run wanted to write here. Who was never pinned has no files to compare.
fn concerns(run: &Receipt, track: &Track<'_>) -> bool {
    run.images.iter().any(|image| image.name == track.image)
        && (run.targets.is_empty() || track.events.is_empty() || track.is_in(&run.targets))
}
