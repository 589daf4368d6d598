//! What `log` and `audit` share: which part of which branch of which repository, and whose pins count there.

use super::{
    choose::Chooser,
    connect::ReachArgs,
    forge::{Forge, ForgeArgs, Own, main_branch},
    request::{Told, every_target},
    values::{Committer, EnvironmentName, Sign, Via},
};
use crate::{
    backends::{self, Backends, Places},
    ci, config,
    failure::Failure,
    surroundings::Surroundings,
};
use anyhow::{Context as _, bail};
use pinlib::{BranchName, Identity, LineRange, Oid, Target};
use std::str::FromStr;

/// Part of a first-parent line: `A..B`, `A..` or `B`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Range {
    /// The commit before the oldest one.
    base: Option<Oid>,
    /// The newest one; without it the branch's head.
    upto: Option<Oid>,
}

impl FromStr for Range {
    type Err = anyhow::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let oid = |text: &str| text.parse::<Oid>().context("want A..B, A.. or B, each a whole commit id");
        match text.split_once("..") {
            None => Ok(Self { base: None, upto: Some(oid(text)?) }),
            Some((_, upto)) if upto.starts_with('.') => bail!("want two dots: A..B"),
            Some((base, upto)) => {
                let upto = if upto.is_empty() { None } else { Some(oid(upto)?) };
                // GitHub tells zeros for where a branch stood that is new.
                let nowhere = !base.is_empty() && base.bytes().all(|byte| byte == b'0');
                let base = if nowhere { None } else { Some(oid(base)?) };
                Ok(Self { base, upto })
            }
        }
    }
}

/// Which line, and whose pins.
#[derive(Debug, clap::Args)]
pub(crate) struct LineArgs {
    #[command(flatten)]
    forge: ForgeArgs,
    #[arg(
        long,
        value_name = "NAME <EMAIL>",
        help = "Who the pins are by [default: the author of pinlib.yaml, else pinlib <pinlib@noreply.invalid>; with \
                github:OWNER/NAME who asks]. An App's is \"SLUG[bot] <ID+SLUG[bot]@users.noreply.github.com>\""
    )]
    pinner: Option<Committer>,
    /// What the pins are signed with, as they were made: ssh:KEYFILE (the public half is enough), gpg or gpg:KEYID
    #[arg(long, value_name = "KEY")]
    sign: Option<Sign>,
    /// No more commits than this are looked at
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    max_commits: usize,
    #[command(flatten)]
    reach: ReachArgs,
}

/// The same, settled and opened.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) branch: BranchName,
    pub(crate) range: LineRange,
    pub(crate) by: Identity,
    pub(crate) known: Vec<(Option<EnvironmentName>, Target)>,
    pub(crate) backends: Backends,
}

impl LineArgs {
    /// Settles everything, opens the repository, and finds where the line begins.
    pub(crate) async fn open(
        &self,
        asked: Range,
        around: &Surroundings,
        told: &mut Told,
    ) -> Result<Line, Failure> {
        let file = config::find(self.reach.config(), around)?;
        let config = &file.config;
        let mut build = ci::build(around);
        told.notes.extend(build.note.take());
        let mut chooser = Chooser::new(around, file.path.as_deref());
        let Forge { branch, place, app, installation } =
            self.forge.settle(&mut chooser, config, Own::default(), build, around)?;
        let pinner = chooser.choose("pinner", self.pinner.clone(), config.author.clone(), None)?;
        let sign = chooser.choose("sign", self.sign.clone(), config.sign.clone(), None)?;
        let connect = self.reach.settle(&mut chooser, config, around)?;
        told.choices.append(&mut chooser.choices);

        let branch = branch.map_or_else(main_branch, Ok)?;
        let has_key = around.secret("PINLIB_APP_KEY")?.is_some();
        let places = Places {
            forge: place,
            // Who only reads may do so by another token than the App's.
            app: app.filter(|_| has_key),
            installation,
            author: pinner.clone().unwrap_or_default(),
            sign: sign.map(|sign| sign.meant_from(around.folder())),
            allow_checked_out: false,
            via: Via::default(),
            connect,
        };
        let known = every_target(config)?;
        let backends = backends::open(&places, &[], around).await?;
        let forge = &backends.pinner.forge;
        let by = match (backends.github.first(), pinner) {
            (Some(github), Some(Committer(person))) => github.identity_of(person),
            _ => forge.identity().await?,
        };
        let upto = match asked.upto {
            Some(upto) => upto,
            None => forge.head(&branch).await?,
        };
        let range = LineRange { upto, base: asked.base, limit: self.max_commits };
        Ok(Line { branch, range, by, known, backends })
    }
}

impl Line {
    /// The targets without their environments, as the library wants them.
    pub(crate) fn targets(&self) -> Vec<Target> {
        self.known.iter().map(|(_, target)| target.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn a_range_is_two_commits_or_one_and_the_head() {
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        let range =
            |text: &str| text.parse::<Range>().map(|range| (range.base.is_some(), range.upto.is_some()));
        assert_eq!(range(&format!("{a}..{b}")).ok(), Some((true, true)));
        assert_eq!(range(&format!("{a}..")).ok(), Some((true, false)));
        assert_eq!(range(&b).ok(), Some((false, true)));
        assert_eq!(range(&format!("{}..{b}", "0".repeat(40))).ok(), Some((false, true)), "a new branch");
        for wrong in ["", "..", "HEAD", &format!("{a}...{b}"), &a[..12]] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
