//! `pinlib man [COMMAND]`.

use super::{Cli, Progress};
use crate::{exit::Ending, failure::Failure, output::v1::Body};
use clap::CommandFactory as _;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  pinlib man >pinlib.1\n  pinlib man init github >pinlib-init-github.1")]
pub(crate) struct Man {
    /// Of which command; without it, of pinlib itself
    command: Vec<String>,
}

impl Man {
    pub(crate) fn run(&self, progress: &mut Progress) -> Result<Ending, Failure> {
        let mut command = Cli::command();
        // Names the pages of commands after all the words on the way to them, and gives them the global flags.
        command.build();
        for word in &self.command {
            let Some(found) = command.find_subcommand(word) else {
                return Err(Failure::usage(format!("{} has no command {word}", command.get_name()))
                    .with_hint("`pinlib --help` lists the commands"));
            };
            command = found.clone();
        }
        let mut page = Vec::new();
        clap_mangen::Man::new(command).render(&mut page).map_err(|error| Failure::Defect(error.into()))?;
        progress.body = Body::File { file: String::from_utf8_lossy(&page).into_owned() };
        Ok(Ending::Answered)
    }
}
