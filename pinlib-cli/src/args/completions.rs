//! `pinlib completions SHELL`.

use super::{Cli, Progress};
use crate::{exit::Ending, failure::Failure, output::v1::Body};
use clap::CommandFactory as _;
use clap_complete::Shell;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    source <(pinlib completions bash)\n  \
    pinlib completions fish >~/.config/fish/completions/pinlib.fish")]
pub(crate) struct Completions {
    /// Of which shell
    shell: Shell,
}

impl Completions {
    #[expect(clippy::unnecessary_wraps, reason = "as every command does")]
    pub(crate) fn run(&self, progress: &mut Progress) -> Result<Ending, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "pinlib", &mut script);
        progress.body = Body::File { file: String::from_utf8_lossy(&script).into_owned() };
        Ok(Ending::Answered)
    }
}
