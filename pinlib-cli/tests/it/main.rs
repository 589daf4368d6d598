//! Stories of the real binary, from the outside: a bare environment, real repositories, real image layouts, real servers.

#![expect(clippy::needless_raw_string_hashes, reason = "snapbox writes its snapshots so")]

#[cfg(unix)]
mod action;
mod actions;
mod audits;
#[cfg(unix)]
mod book;
mod checks;
mod demo;
mod digests;
mod evidence;
mod github;
mod init;
mod logs;
mod monorepo;
mod page;
mod pins;
mod plans;
mod proposals;
mod races;
mod real;
mod refusals;
#[cfg(unix)]
mod releases;
mod reports;
mod resolves;
mod rollbacks;
mod scene;
mod secrets;
mod settings;
mod verifies;
mod ways;
