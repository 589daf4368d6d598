//! What a command sees of the process that it runs in, taken once: the demo runs commands in surroundings of its own.

use crate::failure::Failure;
use secrecy::SecretString;
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// The environment's variables and the current directory.
#[derive(Clone, Default)]
pub(crate) struct Surroundings {
    variables: BTreeMap<String, String>,
    folder: PathBuf,
}

impl fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names alone: values may be secrets.
        f.debug_struct("Surroundings").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Surroundings {
    /// The process's own. What is not UTF-8 is passed over.
    pub(crate) fn of_this_process() -> Self {
        let text = |(key, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((key.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            variables: std::env::vars_os().filter_map(text).collect(),
            folder: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
        }
    }
    /// A bare environment in this folder.
    pub(crate) fn bare(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), ..Self::default() }
    }
    /// The same with this variable.
    #[cfg(test)]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }
    /// A variable; an empty one counts as none, as CI systems leave them.
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
    /// A secret, from the variable or from the file that `NAME_FILE` names. Never from an argument: those are public.
    pub(crate) fn secret(&self, name: &str) -> Result<Option<SecretString>, Failure> {
        if let Some(value) = self.variable(name) {
            return Ok(Some(value.to_owned().into()));
        }
        let Some(file) = self.variable(&format!("{name}_FILE")) else { return Ok(None) };
        let path = self.path(Path::new(file));
        let text = std::fs::read_to_string(&path).map_err(|error| Failure::unreadable(&path, &error))?;
        Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned().into()))
    }
    /// A program of others, in the same environment.
    pub(crate) fn program(&self, name: &str) -> tokio::process::Command {
        let mut command = tokio::process::Command::new(name);
        command.env_clear().envs(&self.variables).current_dir(&self.folder);
        command
    }
    /// Where the command runs.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }
    /// A path as the user means it.
    pub(crate) fn path(&self, path: &Path) -> PathBuf {
        self.folder.join(path)
    }
}
