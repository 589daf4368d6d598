//! `pinlib audit`: every pin of a line, derived from its trees, held against what its commits say.

use super::{
    Progress,
    line::{Line, LineArgs, Range},
    request::Told,
};
use crate::{
    exit::Ending,
    failure::Failure,
    output::{Screen, of_history, v1},
    surroundings::Surroundings,
};
use pinlib::{AuditOptions, OutcomeKind, audit};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n\
    \x20 pinlib audit \"$LAST_AUDITED..$HEAD\"\n\
    \x20 pinlib audit \"$LAST_AUDITED..\" --signed")]
pub(crate) struct Audit {
    /// Which commits: A..B for those on A, up to B; A.. up to the branch's head; B for its whole line
    #[arg(value_name = "RANGE")]
    range: Range,
    /// Asks of every pin a signature that the repository's server, or the key of --sign, vouches for
    #[arg(long)]
    signed: bool,
    /// Lets people change digests by hand, in commits that do not pretend to be pins
    #[arg(long)]
    allow_hand_edits: bool,
    #[command(flatten)]
    line: LineArgs,
}

impl Audit {
    pub(crate) async fn run(
        &self,
        around: &Surroundings,
        screen: Screen,
        progress: &mut Progress,
    ) -> Result<Ending, Failure> {
        let mut told = Told::default();
        let line = self.line.open(self.range, around, &mut told).await;
        told.show(screen);
        let line = line?;
        progress.meter = line.backends.meter();
        let audited = screen.while_waiting(self.audit(&line)).await;
        line.backends.close(screen).await;
        let audit = audited?;
        let clean = audit.findings.is_empty();
        progress.body = v1::Body::Audit(audit);
        Ok(if clean { Ending::Answered } else { Ending::Pin(OutcomeKind::Mismatch) })
    }

    async fn audit(&self, line: &Line) -> Result<v1::Audit, Failure> {
        let known = line.targets();
        if known.is_empty() {
            return Err(Failure::usage("no target is known, so there is nothing to audit")
                .with_hint("list images with their targets in pinlib.yaml, or name the file with --config"));
        }
        let options = AuditOptions {
            by: line.by.clone(),
            known,
            signed: self.signed,
            hand_edits: self.allow_hand_edits,
        };
        let audit = audit(&*line.backends.pinner.forge, line.range, &options).await?;
        Ok(of_history::audit(&audit))
    }
}
