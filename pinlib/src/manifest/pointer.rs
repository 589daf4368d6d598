//! Paths to a value in YAML or JSON.

use super::{
    EditError,
    yaml::{Document, Needles, Node},
};
use crate::parse::ParseError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One step of a path: a mapping's key or a list's index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step {
    /// The place in a list, from 0. In a mapping, the key of these digits.
    Index(usize),
    /// The key.
    Key(String),
}

impl Step {
    fn text(&self) -> String {
        match self {
            Self::Index(index) => index.to_string(),
            Self::Key(key) => key.clone(),
        }
    }
}

/// The path of a value in YAML or JSON. As text it is a JSON pointer; with serde, a list of keys and indexes.
///
/// Source: <https://www.rfc-editor.org/rfc/rfc6901>.
///
/// ```
/// use pinlib::{Pointer, Step};
/// let path: Pointer = "/services/a~1b/0".parse()?;
/// assert_eq!(path.steps()[1..], [Step::Key("a/b".into()), Step::Index(0)]);
/// assert_eq!(path.to_string(), "/services/a~1b/0");
/// # Ok::<(), pinlib::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pointer(Vec<Step>);

impl Pointer {
    /// Its steps, from the root; none means the root.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }
    /// What a document must hold to have it.
    pub(super) fn needles(&self) -> Needles {
        let keys = self.0.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key),
            Step::Index(_) => None,
        });
        keys.fold(Needles::default(), |needles, key| needles.and(key))
    }
    /// Follows it; where it ends early, the keys that stand there instead.
    pub(super) fn find<'d>(
        &self,
        document: &'d Document<'_>,
    ) -> Result<Result<Node<'d>, Vec<String>>, EditError> {
        let Some(mut node) = document.root() else { return Ok(Err(Vec::new())) };
        for (depth, step) in self.0.iter().enumerate() {
            if node.is_alias() {
                return Err(node.refused(format!("{self} without an alias on the way"), "an alias"));
            }
            let next = match step {
                Step::Index(index) if node.is_sequence() => node.items().nth(*index),
                _ if node.is_mapping() => node.get(&step.text())?,
                _ => None,
            };
            let Some(next) = next else {
                let way = Self(self.0[..depth].to_vec());
                let keys = node.entries().filter_map(|(key, _)| key.text());
                let there = keys.map(|key| way.join(Step::Key(key.into())).to_string());
                return Ok(Err(there.take(1000).collect()));
            };
            node = next;
        }
        Ok(Ok(node))
    }
    fn join(&self, step: Step) -> Self {
        Self(self.0.iter().cloned().chain([step]).collect())
    }
}

impl From<Vec<Step>> for Pointer {
    fn from(steps: Vec<Step>) -> Self {
        Self(steps)
    }
}

impl FromStr for Pointer {
    type Err = ParseError;
    fn from_str(text: &str) -> Result<Self, ParseError> {
        let wrong = |reason| ParseError::new("path", text, reason);
        if text.is_empty() {
            return Ok(Self::default());
        }
        let steps =
            text.strip_prefix('/').ok_or_else(|| wrong("want a JSON pointer, as /services/web/image"))?;
        let step = |part: &str| {
            let escapes = part.matches('~').count();
            if escapes != part.matches("~0").count() + part.matches("~1").count() {
                return Err(wrong("want ~0 for ~ and ~1 for /"));
            }
            let index = part.parse().ok().filter(|index: &usize| index.to_string() == part);
            Ok(index.map_or_else(|| Step::Key(part.replace("~1", "/").replace("~0", "~")), Step::Index))
        };
        steps.split('/').map(step).collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.text().replace('~', "~0").replace('/', "~1")))
    }
}
