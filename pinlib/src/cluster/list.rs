//! Lists of objects, as the API and `kubectl` write them: read one object at a time, so that a large cluster is never in
//! memory whole.

use super::object::Object;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::Value;
use std::fmt;

/// More objects than this are not read: some ten times what a cluster is made for.
///
/// Source: <https://kubernetes.io/docs/setup/best-practices/cluster-large/>.
pub(super) const MOST: usize = 1_000_000;

/// A list, or one page of it.
#[derive(Debug, Default)]
pub(super) struct List {
    pub(super) objects: Vec<Object>,
    /// Where the next page begins.
    pub(super) next: Option<String>,
}

/// Reads a list. Items that do not say their kind are of the list's own, else of the one that was asked for.
pub(super) fn read(bytes: &[u8], asked: Option<&str>) -> Result<List, serde_json::Error> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let list = Whole(asked).deserialize(&mut json)?;
    json.end()?;
    Ok(list)
}

struct Whole<'k>(Option<&'k str>);

impl<'de> DeserializeSeed<'de> for Whole<'_> {
    type Value = List;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<List, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Whole<'_> {
    type Value = List;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects of a cluster")
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<List, M::Error> {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Meta {
            r#continue: Option<String>,
        }
        let (mut list, mut items, mut kind) = (List::default(), false, None::<String>);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "items" if items => return Err(M::Error::duplicate_field("items")),
                "items" => {
                    // The API says it first; kubectl says it last, and of each item.
                    let of = kind.as_deref().and_then(|kind| kind.strip_suffix("List"));
                    let of = of.filter(|kind| !kind.is_empty()).or(self.0);
                    list.objects = map.next_value_seed(Items(of))?;
                    items = true;
                }
                "kind" => kind = map.next_value::<Option<String>>()?,
                "metadata" => {
                    let meta: Option<Meta> = map.next_value()?;
                    list.next = meta.unwrap_or_default().r#continue.filter(|token| !token.is_empty());
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        // One object alone would read as a cluster where nothing else runs.
        match kind {
            Some(kind) if !kind.ends_with("List") => {
                Err(M::Error::custom(format!("it is a {kind:?}, and not a list")))
            }
            _ if items => Ok(list),
            _ => Err(M::Error::missing_field("items")),
        }
    }
}

struct Items<'k>(Option<&'k str>);

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = Vec<Object>;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Vec<Object>, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = Vec<Object>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("objects of a cluster")
    }
    /// Go writes an empty list so.
    fn visit_unit<E>(self) -> Result<Vec<Object>, E> {
        Ok(Vec::new())
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Vec<Object>, S::Error> {
        let mut objects = Vec::new();
        while let Some(item) = items.next_element::<Value>()? {
            if objects.len() >= MOST {
                return Err(S::Error::custom(format!("more than {MOST} objects")));
            }
            match Object::read(item, self.0).map_err(S::Error::custom)? {
                Object::Other => {}
                object => objects.push(object),
            }
        }
        Ok(objects)
    }
}
