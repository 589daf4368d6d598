//! `pinlib demo`.

use crate::{demo, exit::Ending, failure::Failure, output::Screen, surroundings::Surroundings};
use std::path::PathBuf;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pinlib demo\n  pinlib demo --keep shop")]
pub(crate) struct Demo {
    /// Plays in this folder, which must be new or empty, and leaves everything there
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Demo {
    pub(crate) async fn run(&self, around: &Surroundings, screen: Screen) -> Result<Ending, Failure> {
        let stage = demo::stage(self.keep.as_ref().map(|folder| around.path(folder)).as_deref())?;
        demo::play(&stage, screen).await?;
        Ok(Ending::Answered)
    }
}
