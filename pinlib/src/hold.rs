//! The file in the tree that names the sites that no pin may touch: a line `LOCATOR PATH` a site.

use crate::{
    git::{FileAt, Mode, RepoPath},
    manifest::{EditError, EditErrorKind, Locator},
    record::{Operation, Pinned},
};

/// Where the file is.
pub const HOLDS: &str = ".pinlib/holds";

/// One site that is on hold.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Hold {
    pub path: RepoPath,
    pub locator: Locator,
}

impl Hold {
    /// Whether it holds this site.
    pub(crate) fn is_of(&self, site: &Pinned) -> bool {
        site.is_at(&self.path, &self.locator)
    }
    /// Reads the line of one hold.
    fn parse(line: &str) -> Result<Self, String> {
        let (locator, path) = line.split_once(' ').ok_or_else(|| line.to_owned())?;
        let locator = locator.parse().map_err(|error| format!("{error}"))?;
        Ok(Self { path: path.parse().map_err(|error| format!("{error}"))?, locator })
    }
}

/// Reads every hold. What cannot be read is refused: a hold that nobody understands holds nothing.
///
/// # Errors
/// `Refused`, with the line.
pub fn holds(file: Option<&FileAt>) -> Result<Vec<Hold>, EditError> {
    let Some(file) = file else { return Ok(Vec::new()) };
    let refuse = |line, expected: &str, found: String| EditError {
        kind: EditErrorKind::Refused,
        path: file.path.clone(),
        line,
        column: usize::from(line > 0),
        expected: expected.into(),
        found,
    };
    if file.mode != Mode::Regular {
        return Err(refuse(0, "a regular file (100644)", file.mode.to_string()));
    }
    let text = std::str::from_utf8(&file.bytes).map_err(|error| refuse(0, "text", error.to_string()))?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    lines.map(|(at, line)| Hold::parse(line).map_err(|found| refuse(at + 1, "LOCATOR PATH", found))).collect()
}

/// What a commit of this operation over these sites makes of the file: a rollback adds what is not there yet, a release
/// takes out what is. None where the file stays as it is.
///
/// # Errors
/// Where the file cannot be read, or could not be read back.
pub(crate) fn after(
    operation: Operation,
    sites: &[Pinned],
    before: Option<&FileAt>,
) -> Result<Option<Vec<u8>>, EditError> {
    let there = holds(before)?;
    let text = before.map(|file| String::from_utf8_lossy(&file.bytes).into_owned()).unwrap_or_default();
    let new = match operation {
        Operation::Pin | Operation::Promote(_) => return Ok(None),
        Operation::Rollback(_) => {
            let mut new = text.clone();
            for site in sites.iter().filter(|site| !there.iter().any(|hold| hold.is_of(site))) {
                let line = format!("{} {}", site.locator, site.path);
                if !Hold::parse(line.trim()).is_ok_and(|hold| hold.is_of(site)) {
                    return Err(EditError {
                        kind: EditErrorKind::Refused,
                        path: site.path.clone(),
                        line: 0,
                        column: 0,
                        expected: format!("a path that {HOLDS} can name"),
                        found: "a blank at its end".into(),
                    });
                }
                let end = if new.is_empty() || new.ends_with('\n') { "" } else { "\n" };
                new = format!("{new}{end}{line}\n");
            }
            new
        }
        Operation::Release(_) => {
            let of_a_site = |hold: Hold| sites.iter().any(|site| hold.is_of(site));
            let kept =
                text.split_inclusive('\n').filter(|line| !Hold::parse(line.trim()).is_ok_and(of_a_site));
            kept.collect()
        }
    };
    Ok((new != text).then(|| new.into_bytes()))
}
