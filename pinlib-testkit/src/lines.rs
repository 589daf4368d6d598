//! The smallest editor there is: for scenes about commits, where YAML would be in the way.

use pinlib::{Digest, EditError, EditErrorKind, FileAt, ManifestEditor, ParseError, Region, Site};
use std::fmt::{self, Display};

/// Every `image: NAME` line of a text.
#[derive(Clone, Copy, Debug)]
pub struct ImageLines;

impl Display for ImageLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("image lines")
    }
}

impl ManifestEditor for ImageLines {
    fn sites(&self, file: &FileAt) -> Result<Vec<Site>, EditError> {
        let wrong = |kind, line, found: &str| EditError {
            kind,
            path: file.path.clone(),
            line,
            column: 1,
            expected: "an image".into(),
            found: found.into(),
        };
        let refused = |line, found: &str| wrong(EditErrorKind::Refused, line, found);
        let text = std::str::from_utf8(&file.bytes).map_err(|error| {
            let before = &file.bytes[..error.valid_up_to()];
            refused(before.split(|byte| *byte == b'\n').count(), &error.to_string())
        })?;
        let mut at = 0;
        let mut sites = Vec::new();
        for (index, line) in text.split_inclusive('\n').enumerate() {
            if let Some((key, value)) = line.trim_end().split_once("image: ") {
                let start = at + key.len() + "image: ".len();
                let parsed = |error: ParseError| refused(index + 1, &error.to_string());
                let locator = format!("line:{}", sites.len()).parse().map_err(parsed)?;
                let image = value.parse().map_err(parsed)?;
                let column = key.chars().count() + "image: ".len() + 1;
                sites.push(Site {
                    locator,
                    line: index + 1,
                    column,
                    span: start..start + value.len(),
                    image,
                });
            }
            at += line.len();
        }
        if sites.is_empty() { Err(wrong(EditErrorKind::NoSite, 0, "none")) } else { Ok(sites) }
    }
    fn pinned(&self, _: &FileAt, site: &Site, digest: Digest) -> Result<String, EditError> {
        Ok(site.image.at(digest).to_string())
    }
    /// A text has no more structure than its bytes, which the core has compared.
    fn verify(&self, _: &FileAt, _: &FileAt, _: &[Region]) -> Result<(), EditError> {
        Ok(())
    }
}
