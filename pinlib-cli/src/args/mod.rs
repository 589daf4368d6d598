//! The arguments: one file a command, each of which ends in a request to the library, and a report of what came of it.

mod audit;
pub(crate) mod bundle;
mod check;
mod choose;
mod completions;
pub(crate) mod connect;
mod demo;
mod doctor;
pub(crate) mod evidence;
pub(crate) mod forge;
pub(crate) mod image;
mod init;
mod line;
mod log;
#[cfg(feature = "man")]
mod man;
pub(crate) mod moment;
mod pin;
mod plan;
mod promote;
mod request;
mod resolve;
mod rollback;
mod scan;
mod schema;
pub(crate) mod target;
pub(crate) mod values;
mod verify;
mod verify_image;

use crate::{
    exit::Ending,
    failure::Failure,
    output::{
        Screen, report,
        v1::{Body, Report},
    },
    surroundings::Surroundings,
};
use clap::{ColorChoice, Parser, Subcommand};
use pinlib::Meter;
use std::time::Instant;

/// Writes the digest of an image built from commit A into Git, and only where that is still true.
#[derive(Debug, Parser)]
#[command(
    name = "pinlib",
    version,
    propagate_version = true,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(
    after_help = "Flags beat PINLIB_… variables, these beat pinlib.yaml, and that beats what CI tells; -v says which.\n\n\
    Secrets: PINLIB_TOKEN for git (with PINLIB_USER, or PINLIB_AUTH=bearer), PINLIB_APP_KEY for a GitHub App, \
    PINLIB_REGISTRY_USER and PINLIB_REGISTRY_PASSWORD; else docker's and git's own helpers. With _FILE at its end, a name \
    means a file.\n\n\
    Exit codes: 0 pinned, already pinned or proposed; 1 defect; 2 usage; 3 head moved; 4 superseded; 5 rejected; \
    6 mismatch; 7 not found; 8 unauthorized; 9 unavailable; 10 unknown: look before you retry; 11 changes are due \
    (--exit-code)"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    pub(crate) display: Display,
}

/// How much is told, and how.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Display")]
pub(crate) struct Display {
    /// Prints one JSON object on stdout, also when it fails
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Says nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Says where values come from, and each request; twice: traces
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Colours the output
    #[arg(long, global = true, value_name = "WHEN", default_value_t)]
    pub(crate) color: ColorChoice,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Resolves, checks, edits and commits, guarded; prints the commit's oid
    Pin(pin::Pin),
    /// Does the same without the commit; prints a diff that git apply takes
    Plan(plan::Plan),
    /// Goes back to a former pin and holds it; prints the commit's oid
    Rollback(rollback::Rollback),
    /// Writes what one environment holds to another, guarded; prints the commit's oid
    Promote(promote::Promote),
    /// Lists what was pinned, when, from which commit and by which run, newest first
    Log(log::Log),
    /// Holds every pin against its record, from the trees of the commits; exits with 6 on a finding
    Audit(audit::Audit),
    /// Holds what a cluster runs against what Git says, by digest; exits with 6 where it is another image
    Verify(verify::Verify),
    /// Asks the registry for digests; prints repository@digest a line
    Resolve(resolve::Resolve),
    /// Looks for evidence that an image was built from a commit; exits with 6 where there is none
    VerifyImage(verify_image::VerifyImage),
    /// Finds the images in manifests that are not pinned by digest
    Check(check::Check),
    /// Looks whether this identity can pin here; exits with 5 where something stands in the way
    Doctor(doctor::Doctor),
    /// Shows the whole story in a temporary folder
    Demo(demo::Demo),
    /// Writes pinlib.yaml and a workflow, from what the manifests name
    Init(init::Init),
    /// Prints a JSON Schema
    Schema(schema::Schema),
    /// Prints what lets a shell complete pinlib's commands and flags
    Completions(completions::Completions),
    /// Prints a manual page
    #[cfg(feature = "man")]
    Man(man::Man),
}

/// What a command has found out so far: it is told even when the command fails.
#[derive(Debug)]
pub(crate) struct Progress {
    pub(crate) body: Body,
    pub(crate) meter: Option<Meter>,
}

impl Cli {
    /// Runs the command to its report, and tells the story on the way.
    pub(crate) async fn run(&self, around: &Surroundings, screen: Screen) -> Report {
        let start = Instant::now();
        let mut progress = Progress { body: Body::Empty {}, meter: None };
        let (name, ended): (_, Result<Ending, Failure>) = match &self.command {
            Command::Pin(pin) => ("pin", pin.run(around, screen, &mut progress).await),
            Command::Plan(plan) => ("plan", plan.run(around, screen, &mut progress).await),
            Command::Rollback(rollback) => ("rollback", rollback.run(around, screen, &mut progress).await),
            Command::Promote(promote) => ("promote", promote.run(around, screen, &mut progress).await),
            Command::Log(log) => ("log", Box::pin(log.run(around, screen, &mut progress)).await),
            Command::Audit(audit) => ("audit", Box::pin(audit.run(around, screen, &mut progress)).await),
            Command::Verify(verify) => ("verify", Box::pin(verify.run(around, screen, &mut progress)).await),
            Command::Resolve(resolve) => ("resolve", resolve.run(around, screen, &mut progress).await),
            Command::VerifyImage(verify) => {
                ("verify-image", Box::pin(verify.run(around, screen, &mut progress)).await)
            }
            Command::Check(check) => ("check", check.run(around, &mut progress)),
            Command::Doctor(doctor) => ("doctor", doctor.run(around, screen, &mut progress).await),
            // Boxed, since the demo runs commands.
            Command::Demo(demo) => ("demo", Box::pin(demo.run(around, screen)).await),
            Command::Init(init) => ("init", init.run(around, &mut progress).await),
            Command::Schema(schema) => ("schema", schema.run(&mut progress)),
            Command::Completions(completions) => ("completions", completions.run(&mut progress)),
            #[cfg(feature = "man")]
            Command::Man(man) => ("man", man.run(&mut progress)),
        };
        report(name, ended, progress, start.elapsed())
    }
}
