//! `pinlib`, the command line: arguments become a request, an outcome becomes an exit code.

mod args;
mod backends;
mod ci;
mod config;
mod demo;
mod diff;
mod doctor;
mod exit;
mod failure;
mod logins;
mod output;
mod page;
mod surroundings;
mod text;

use args::{Cli, Progress};
use clap::{
    Parser as _,
    error::{ContextKind, ContextValue, ErrorKind},
};
use exit::Ending;
use failure::Failure;
use output::{Screen, github_actions, listen, v1::Body};
use std::{io::Write as _, process::ExitCode, time::Duration};
use surroundings::Surroundings;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(defect));
    let around = Surroundings::of_this_process();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misused(&error, &around),
    };
    listen(cli.display.verbose);
    let screen = Screen::new(cli.display);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let report = match runtime {
        Ok(runtime) => runtime.block_on(cli.run(&around, screen)),
        Err(error) => failed(Failure::Defect(error.into())),
    };
    finish(&report, screen, &around)
}

fn finish(report: &output::v1::Report, screen: Screen, around: &Surroundings) -> ExitCode {
    let written = screen.show(report);
    if let Err(error) = github_actions::announce(report, around) {
        // What was done is done: a summary that cannot be written changes nothing about it.
        writeln!(std::io::stderr(), "warning: cannot tell GitHub Actions: {error}").ok();
    }
    // A pin that landed has landed, but an answer that nobody got is none.
    let code = if written || report.exit_code != 0 { report.exit_code } else { Ending::Defect.code() };
    ExitCode::from(code)
}

fn failed(failure: Failure) -> output::v1::Report {
    output::report("pinlib", Err(failure), Progress { body: Body::Empty {}, meter: None }, Duration::ZERO)
}

/// A value that does not parse is told as every other failure is; help, and what the grammar does not take, as clap does.
fn misused(error: &clap::Error, around: &Surroundings) -> ExitCode {
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (ErrorKind::ValueValidation, Some(flag), Some(source)) =
        (error.kind(), text(ContextKind::InvalidArg), std::error::Error::source(error))
    else {
        error.print().ok();
        return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
    };
    let flag = flag.split(' ').next().unwrap_or(flag);
    let report = failed(Failure::usage(format!("{flag}: {source}")));
    let json = std::env::args_os().any(|arg| arg == "--json");
    let display = args::Display { json, quiet: false, verbose: 0, color: clap::ColorChoice::Auto };
    finish(&report, Screen::new(display), around)
}

/// A panic is a defect: it says so, and ends with 1 however the binary was built.
#[expect(clippy::exit, reason = "nothing can be trusted any more")]
fn defect(panic: &std::panic::PanicHookInfo<'_>) {
    let report = failed(Failure::Defect(anyhow::anyhow!("{panic}")));
    let display = args::Display {
        json: std::env::args_os().any(|arg| arg == "--json"),
        quiet: false,
        verbose: 0,
        color: clap::ColorChoice::Auto,
    };
    Screen::new(display).show(&report);
    std::process::exit(Ending::Defect.code().into());
}
