//! An object of an event as cells: nested objects joined to one level, everything else one value.
//!
//! Works on the event's own text and borrows from it: no tree is built, and a list or a number is stored with the very
//! bytes that were sent. Objects deeper than `max_depth` become JSON text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::columns::{ColumnId, Columns};
use super::value::Value;

/// One path of an event with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf<'a> {
    /// The path.
    pub id: ColumnId,
    /// What it holds; never null.
    pub value: Value<'a>,
}

/// Calls `see` with every key of a JSON object and the text of its value, in the order of the text. A text that is no
/// object has no keys.
pub fn each_key<'a>(raw: &'a str, mut see: impl FnMut(Cow<'a, str>, &'a str)) {
    let mut text = serde_json::Deserializer::from_str(raw);
    // The door has checked the text; what cannot be read here is no object and has nothing to say.
    let read = text.deserialize_map(Keys(&mut see));
    debug_assert!(read.is_ok() || !raw.starts_with('{'), "an event's object is valid JSON");
}

/// Appends the leaves of the object `raw` below `root`, at most `max_depth` keys deep.
pub fn flatten<'a>(raw: &'a str, root: ColumnId, max_depth: usize, to: &mut Flat<'a, '_>) {
    each_key(raw, |key, value| {
        let id = to.columns.child(root, &key);
        if value.starts_with('{') && max_depth > 1 {
            flatten(value, id, max_depth - 1, to);
        } else if let Some(value) = Value::from_json(value) {
            to.leaves.push(Leaf { id, value });
        }
    });
}

/// Where leaves go.
#[derive(Debug)]
pub struct Flat<'a, 'c> {
    /// The known paths.
    pub columns: &'c mut Columns,
    /// The leaves so far.
    pub leaves: Vec<Leaf<'a>>,
}

struct Keys<'f, F>(&'f mut F);

impl<'de, F: FnMut(Cow<'de, str>, &'de str)> Visitor<'de> for Keys<'_, F> {
    type Value = ();

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some((Key(key), value)) = map.next_entry::<Key<'de>, &'de RawValue>()? {
            (self.0)(key, value.get());
        }
        Ok(())
    }
}

/// A key, borrowed unless it has escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }

    fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::Dialect;

    fn cells(raw: &str, max_depth: usize) -> Vec<(String, Value<'_>)> {
        let mut columns = Columns::new(Dialect::PLAIN);
        let mut flat = Flat { columns: &mut columns, leaves: Vec::new() };
        flatten(raw, ColumnId::CUSTOM, max_depth, &mut flat);
        let leaves = flat.leaves;
        leaves.into_iter().map(|leaf| (columns.name(leaf.id).to_owned(), leaf.value)).collect()
    }

    #[test]
    fn nested_objects_become_one_level_and_lists_text() {
        let raw = r#"{"a": 1, "b": {"c": "x", "d": {"e": true, "n": null}}, "l": [1, 2], "o": {}}"#;
        let wanted = [
            ("a", Value::Int(1)),
            ("b_c", Value::Text("x".into())),
            ("b_d_e", Value::Bool(true)),
            ("l", Value::Json("[1,2]".into())),
        ];
        assert_eq!(cells(raw, 5), wanted.map(|(name, value)| (name.to_owned(), value)));
    }

    #[test]
    fn objects_below_the_depth_become_text() {
        let wanted = [("a_b".to_owned(), Value::Json(r#"{"c":{"d":1}}"#.into()))];
        assert_eq!(cells(r#"{"a":{"b":{"c":{"d":1}}}}"#, 2), wanted);
    }
}
