//! A page in a real browser: Debian's `chromium`, driven by npm's `playwright-core`, and looked through by `axe-core`, both in
//! `target/node_modules` or where `PINLIB_NODE_MODULES` says.

use super::{missing, node, node_modules, output, program};
use std::{io, path::Path, process::Command};

/// Opens a file on a phone and on a desk, in light and in dark, and says what is wrong with it, as the script describes. The
/// pictures go into a folder, for people to look at.
///
/// # Errors
/// Where the browser fails; under `CI` also where a part of it is missing.
pub fn look(page: &Path, pictures: &Path) -> io::Result<Option<Vec<String>>> {
    let (Some(chromium), Some(node)) = (program("chromium")?, node()?) else { return Ok(None) };
    for package in ["playwright-core", "axe-core"] {
        if !node_modules().join(package).is_dir() {
            missing(&format!("npm's {package}"))?;
            return Ok(None);
        }
    }
    std::fs::create_dir_all(pictures)?;
    let mut command = Command::new(node);
    command.args(["-e", include_str!("browser.cjs"), "--"]).arg(node_modules()).arg(chromium);
    let seen = output(command.arg(page).arg(pictures))?;
    serde_json::from_slice(&seen).map(Some).map_err(io::Error::other)
}
