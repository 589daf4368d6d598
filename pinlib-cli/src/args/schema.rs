//! `pinlib schema`.

use super::Progress;
use crate::{
    config::Config,
    exit::Ending,
    failure::Failure,
    output::v1::{Body, Report},
};
use clap::ValueEnum;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pinlib schema config >pinlib.schema.json\n  pinlib schema receipt")]
pub(crate) struct Schema {
    /// Of what
    what: What,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum What {
    /// pinlib.yaml
    Config,
    /// What --json prints
    Receipt,
}

impl Schema {
    #[expect(clippy::unnecessary_wraps, reason = "as every command does")]
    pub(crate) fn run(&self, progress: &mut Progress) -> Result<Ending, Failure> {
        let schema = match self.what {
            What::Config => schemars::schema_for!(Config),
            What::Receipt => schemars::schema_for!(Report),
        };
        progress.body = Body::Schema { schema: schema.to_value() };
        Ok(Ending::Answered)
    }
}
