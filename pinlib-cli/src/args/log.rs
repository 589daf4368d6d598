//! `pinlib log`: what was pinned, when, from which commit, by which run.

use super::{
    Progress,
    line::{Line, LineArgs, Range},
    moment::Moment,
    request::Told,
};
use crate::{
    exit::Ending,
    failure::Failure,
    output::{Screen, github_actions::commit_pages, of_history, v1},
    page::{self, Page},
    surroundings::Surroundings,
};
use pinlib::{Clock as _, Logged, OidPrefix, PinLog, Reference, RepoPath, SystemClock, holds_at};
use std::{fs, path::PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib log --image web -n 5\n\
    \x20 pinlib log --html pins.html --receipts receipts/*.json")]
pub(crate) struct Log {
    /// Which commits: A..B, A.. or B; without it the branch's whole line
    #[arg(value_name = "RANGE")]
    range: Option<Range>,
    /// Only pins of these images: by whole name, or its last part
    #[arg(long = "image", value_name = "NAME")]
    images: Vec<Reference>,
    /// Only pins in these files
    #[arg(long = "path", value_name = "PATH")]
    paths: Vec<RepoPath>,
    /// Only pins that were built from this commit, whole or from 12 digits on
    #[arg(long, value_name = "OID")]
    source_commit: Option<OidPrefix>,
    /// Only pins made then or later: RFC 3339, or a day, as UTC
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Only pins made before
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
    /// No more pins than this
    #[arg(short = 'n', long, value_name = "N", default_value_t = 100)]
    limit: usize,
    /// Draws a page for people to look at: one file, that asks nothing of the network
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// With --html: receipts of earlier runs (pin --json), which alone know of those that pinned nothing
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "html")]
    receipts: Vec<PathBuf>,
    /// With --html: what pinlib verify --drift --json found, a file an environment
    #[arg(long, value_name = "FILE", num_args = 1.., requires = "html")]
    drift: Vec<PathBuf>,
    #[command(flatten)]
    line: LineArgs,
}

impl Log {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let receipts = page::receipts(&self.receipts, around)?;
        let looks = page::looks(&self.drift, around)?;
        let mut told = Told::default();
        let line = self.line.open(self.range.unwrap_or_default(), around, &mut told).await;
        told.show(screen);
        let line = line?;
        progress.meter = line.backends.meter();
        let read = screen.while_waiting(self.read(&line)).await;
        line.backends.close(screen).await;
        let log = read?;
        if let Some(file) = &self.html {
            let forge = line.backends.pinner.forge.to_string();
            let page = Page {
                forge: &forge,
                commits: commit_pages(&forge, around).as_deref(),
                head: &line.range.upto.to_string(),
                made: &Moment::from(SystemClock.now()).to_string(),
                log: &log,
                receipts: &receipts,
                looks: &looks,
            }
            .html();
            fs::write(around.path(file), page).map_err(|error| Failure::unwritable(file, &error))?;
            screen.step("Drew", &file.display().to_string());
        }
        progress.body = v1::Body::Log(log);
        Ok(Ending::Answered)
    }

    /// Reads down the line until there is enough.
    async fn read(&self, line: &Line) -> Result<v1::Log, Failure> {
        let forge = &*line.backends.pinner.forge;
        let holds = holds_at(forge, line.range.upto).await?;
        let mut log = PinLog::new(forge, line.range, line.by.clone(), line.targets());
        let (mut entries, mut more) = (Vec::new(), false);
        while !more && let Some(pins) = log.more().await? {
            let mut wanted = pins.iter().filter(|pin| self.wants(pin));
            let room = self.limit - entries.len();
            entries.extend(wanted.by_ref().take(room).map(|pin| of_history::logged(pin, &line.known)));
            more = wanted.next().is_some();
        }
        Ok(v1::Log {
            branch: line.branch.to_string(),
            entries,
            holds: holds.iter().map(of_history::held).collect(),
            cut: more || log.is_cut(),
        })
    }

    fn wants(&self, pin: &Logged) -> bool {
        let claim = &pin.record.claim;
        let is_image = |wanted: &Reference, stands: &Reference| {
            let last = stands.written_name().rsplit('/').next();
            stands.same_image(wanted) || last == Some(wanted.written_name())
        };
        let at = Moment(pin.fact.committed);
        let mut images = pin.sites.iter().filter_map(|site| site.after.as_ref());
        (self.paths.is_empty() || claim.sites().iter().any(|site| self.paths.contains(&site.path)))
            && (self.images.is_empty()
                || images.any(|image| self.images.iter().any(|name| is_image(name, image))))
            && self.source_commit.as_ref().is_none_or(|prefix| prefix.is_of(claim.source()))
            && self.since.is_none_or(|since| since <= at)
            && self.until.is_none_or(|until| at < until)
    }
}
