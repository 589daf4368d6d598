//! The whole story in a folder: a pin, a race, a second run. Each command is printed, parsed from what was printed, and run
//! as if it had been typed. What the story claims is checked, and the demo fails where it is not so.

mod image;
mod stage;

use crate::{args::Cli, failure::Failure, output::Screen, surroundings::Surroundings};
use anyhow::ensure;
use clap::Parser as _;
use stage::Stage;
use std::path::Path;

/// Makes the folder: this one, or one that goes away.
pub(crate) fn stage(keep: Option<&Path>) -> Result<Stage, Failure> {
    Stage::new(keep)
}

/// Plays the story.
pub(crate) async fn play(stage: &Stage, screen: Screen) -> Result<(), Failure> {
    let show = Show { stage, screen, around: Surroundings::bare(stage.folder()) };
    Box::pin(show.play()).await.map_err(Failure::Defect)
}

struct Show<'a> {
    stage: &'a Stage,
    screen: Screen,
    around: Surroundings,
}

impl Show<'_> {
    async fn play(&self) -> anyhow::Result<()> {
        let stage = self.stage;
        let a = stage.first_commit()?;
        let first = stage.build(&a)?;
        self.say(&format!(
            "A shop in a folder: app.git, a bare repository whose main is at {}; registry, an OCI layout;\n\
             pinlib.yaml, which names the files that name the image.\n",
            short(&a)
        ));
        self.prompt(&["cd", &stage.folder().display().to_string()]);

        self.say("\n1. The image of that commit is built and pushed. Its digest goes into Git, on that very commit.\n");
        let pin = ["pinlib", "pin", "--source-commit", &a, "--image", &first];
        self.run(&pin, 0).await?;
        let pinned = stage.head()?;
        ensure!(
            stage.parents(&pinned)? == a,
            "the pin's parent is not the commit that the image was built from"
        );
        self.say("");
        self.git(&["-C", "app.git", "show", "--unified=1", "main"])?;

        self.say("\n2. A commit is merged and built. While it builds, another is merged: main moved.\n");
        for words in [
            &["-C", "work", "pull", "--quiet"][..],
            &["-C", "work", "commit", "--quiet", "--allow-empty", "--message", "Sell tea"],
            &["-C", "work", "push", "--quiet"],
        ] {
            self.git(words)?;
        }
        let b = stage.head()?;
        let second = stage.build(&b)?;
        self.git(&["-C", "work", "commit", "--quiet", "--allow-empty", "--message", "Sell coffee"])?;
        self.git(&["-C", "work", "push", "--quiet"])?;
        let moved = stage.head()?;
        self.run(&["pinlib", "pin", "--source-commit", &b, "--image", &second], 3).await?;
        ensure!(stage.head()? == moved, "the pin that lost the race wrote to main");

        self.say("\n3. The first job is run again. Its digest is there, so there is nothing to do.\n");
        self.run(&pin, 0).await?;
        ensure!(stage.head()? == moved, "the second run of the same pin wrote to main");

        self.say("\nThe pin sat on the commit it was built from; the race and the second run wrote nothing.");
        self.say(&if stage.kept() {
            format!("All of it is still in {}.", stage.folder().display())
        } else {
            "The folder is gone now; with --keep DIR it stays.".to_owned()
        });
        Ok(())
    }

    fn say(&self, text: &str) {
        self.screen.tell(text);
    }

    /// A command as a shell takes it.
    fn prompt(&self, words: &[&str]) {
        let plain =
            |word: &&str| word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=/.:,@+".contains(&b));
        let quoted: Vec<_> =
            words
                .iter()
                .map(|word| {
                    if plain(word) {
                        (*word).to_owned()
                    } else {
                        format!("'{}'", word.replace('\'', r"'\''"))
                    }
                })
                .collect();
        self.screen.command(&quoted.join(" "));
    }

    /// Runs pinlib as if this had been typed, and wants this exit code.
    async fn run(&self, words: &[&str], code: u8) -> anyhow::Result<()> {
        self.prompt(words);
        let report = Cli::try_parse_from(words)?.run(&self.around, self.screen).await;
        self.screen.show_within(&report);
        if code != 0 {
            self.screen.remark(&format!("exit code {}", report.exit_code));
        }
        ensure!(report.exit_code == code, "{} ended with {}, not {code}", words.join(" "), report.exit_code);
        Ok(())
    }

    fn git(&self, words: &[&str]) -> anyhow::Result<()> {
        self.prompt(&[&["git"], words].concat());
        let text = self.stage.git(words)?;
        if !text.is_empty() {
            self.screen.quote(&text);
        }
        Ok(())
    }
}

fn short(oid: &str) -> &str {
    oid.get(..12).unwrap_or(oid)
}
