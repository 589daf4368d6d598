//! What JSON and YAML have in common, as far as reports of digests need it.

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::UserMessageFormatter;
use std::{collections::BTreeMap, fmt};

/// A parsed report.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Tree {
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
    /// A number, a truth value or nothing at all.
    Other,
}

impl Tree {
    /// Lines of one word each are a list of texts; what begins with a bracket is JSON; all else is YAML.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let lines = || text.lines().map(str::trim).filter(|line| !line.is_empty());
        match text.trim_start().chars().next() {
            None => Err("it is empty".to_owned()),
            Some('{' | '[') => serde_json::from_str(text).map_err(|error| format!("not JSON: {error}")),
            Some(_) if lines().all(|line| line.contains('@') && !line.contains(char::is_whitespace)) => {
                Ok(Self::List(lines().map(|line| Self::Text(line.to_owned())).collect()))
            }
            Some(_) => serde_saphyr::from_str(text).map_err(|error| {
                let error = error.without_snippet().render_with_formatter(&UserMessageFormatter);
                format!("not YAML: {}", error.lines().next().unwrap_or_default())
            }),
        }
    }

    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }
    pub(super) fn map(&self) -> Option<&BTreeMap<String, Self>> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }
    /// The value of this key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        self.map()?.get(key)
    }
    /// The text of this key, which must be there.
    pub(super) fn want(&self, key: &str) -> Result<&str, String> {
        self.get(key).and_then(Self::text).ok_or_else(|| format!("{self} has no text `{key}`"))
    }
}

/// What it is, for an error, with the first of its keys.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// More than these, and longer ones, say nothing.
        const SHOWN: usize = 4;
        const LETTERS: usize = 40;
        match self {
            Self::Text(_) => f.write_str("a text"),
            Self::Other => f.write_str("a single value"),
            Self::List(items) => match items.first() {
                Some(Self::List(_)) => f.write_str("a list of lists"),
                Some(first) => write!(f, "a list of {}, the first {first}", items.len()),
                None => f.write_str("an empty list"),
            },
            Self::Map(entries) if entries.is_empty() => f.write_str("an empty object"),
            Self::Map(entries) => {
                let cut = |key: &String| key.chars().take(LETTERS).collect::<String>();
                let keys: Vec<_> = entries.keys().take(SHOWN).map(cut).collect();
                let more = if entries.len() > SHOWN { ", …" } else { "" };
                write!(f, "an object of {}{more}", keys.join(", "))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Grow)
    }
}

struct Grow;

impl<'de> Visitor<'de> for Grow {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = BTreeMap::new();
        while let Some(key) = entries.next_key::<String>()? {
            // Neither the first nor the last wins.
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("the key {key:?} stands there twice")));
            }
            map.insert(key, entries.next_value()?);
        }
        Ok(Tree::Map(map))
    }
    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Other)
    }
}
