//! Which of many words counts: a flag, else the environment, else `pinlib.yaml`, else what CI tells.

use crate::{ci::Told, failure::Failure, surroundings::Surroundings};
use std::{
    fmt::Display,
    path::{Path, PathBuf},
    str::FromStr,
};

/// A value that was chosen, and where it came from: what `-v` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    pub(crate) what: &'static str,
    pub(crate) value: String,
    pub(crate) from: String,
}

/// Chooses, and remembers why.
#[derive(Debug)]
pub(crate) struct Chooser<'a> {
    around: &'a Surroundings,
    file: Option<PathBuf>,
    pub(crate) choices: Vec<Choice>,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(around: &'a Surroundings, file: Option<&Path>) -> Self {
        Self { around, file: file.map(Path::to_owned), choices: Vec::new() }
    }

    /// Chooses a value called `--what`, `PINLIB_WHAT` and `what:`.
    pub(crate) fn choose<T>(
        &mut self,
        what: &'static str,
        flag: Option<T>,
        file: Option<T>,
        ci: Option<Told>,
    ) -> Result<Option<T>, Failure>
    where
        T: FromStr<Err: Display> + Display,
    {
        let variable = format!("PINLIB_{}", what.to_uppercase().replace('-', "_"));
        let parse = |by: &str, text: &str| {
            text.parse().map_err(|error: T::Err| Failure::usage(format!("{by}: {error}")))
        };
        let (value, from) = if let Some(value) = flag {
            (value, format!("--{what}"))
        } else if let Some(text) = self.around.variable(&variable) {
            (parse(&variable, text)?, variable)
        } else if let Some(value) = file {
            (value, self.file.as_ref().map_or_else(String::new, |path| path.display().to_string()))
        } else if let Some(Told { value, by }) = ci {
            (parse(by, &value)?, by.to_owned())
        } else {
            return Ok(None);
        };
        self.choices.push(Choice { what, value: value.to_string(), from });
        Ok(Some(value))
    }
}
