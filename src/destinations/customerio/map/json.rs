//! Reads the text of an event that the door has proved to be JSON, without making a tree of it.
//!
//! What is not changed is copied byte for byte, so that numbers arrive as the sender wrote them, and an attribute costs a
//! fraction of what a tree of it would. Never used on text that nobody has checked: of broken JSON it makes broken JSON.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// One value, without white space around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Json<'a>(&'a str);

/// What a value is, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    Array,
    Text,
    /// A number, `true`, `false` or `null`.
    Other,
}

impl<'a> Json<'a> {
    /// An object without members.
    pub(super) const EMPTY: Json<'static> = Json("{}");

    pub(super) fn of(text: &'a str) -> Json<'a> {
        Json(text.trim_ascii())
    }

    pub(super) fn raw(self) -> &'a str {
        self.0
    }

    pub(super) fn shape(self) -> Shape {
        match self.0.as_bytes().first() {
            Some(b'{') => Shape::Object,
            Some(b'[') => Shape::Array,
            Some(b'"') => Shape::Text,
            _ => Shape::Other,
        }
    }

    pub(super) fn is_null(self) -> bool {
        self.0 == "null"
    }

    /// Returns the value when it is an object.
    pub(super) fn object(self) -> Option<Json<'a>> {
        (self.shape() == Shape::Object).then_some(self)
    }

    /// Returns the members in the order of the text, doubles included; none when it is no object.
    pub(super) fn members(self) -> Members<'a> {
        let inside = self.object().and_then(|object| object.0.get(1..)).unwrap_or("}");
        Members { text: inside, at: 0 }
    }

    /// Returns the elements; none when it is no array.
    pub(super) fn elements(self) -> Elements<'a> {
        let inside = self.0.strip_prefix('[').unwrap_or("]");
        Elements { text: inside, at: 0 }
    }

    /// Returns a member that is not null. Of one that is there twice the last counts.
    pub(super) fn get(self, name: &str) -> Option<Json<'a>> {
        let found = self.members().filter(|(key, _)| key.is(name)).last();
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    /// Returns the first of these members that is there and not null.
    pub(super) fn first(self, names: &[&str]) -> Option<Json<'a>> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Returns the text of a string.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        decoded(self.quoted()?)
    }

    /// Returns the text of a string that is not empty, or a number as it is written.
    pub(super) fn word(self) -> Option<Cow<'a, str>> {
        match self.shape() {
            Shape::Text => self.text().filter(|text| !text.is_empty()),
            Shape::Other if self.is_number() => Some(Cow::Borrowed(self.0)),
            Shape::Object | Shape::Array | Shape::Other => None,
        }
    }

    /// Returns what stands between the quotes of a string, escapes and all.
    pub(super) fn quoted(self) -> Option<&'a str> {
        self.0.strip_prefix('"')?.strip_suffix('"')
    }

    fn is_number(self) -> bool {
        self.0.as_bytes().first().is_some_and(|first| first.is_ascii_digit() || *first == b'-')
    }
}

/// The name of a member as it stands in the text, between its quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key<'a>(&'a str);

impl<'a> Key<'a> {
    pub(super) fn raw(self) -> &'a str {
        self.0
    }

    pub(super) fn is(self, name: &str) -> bool {
        self.0 == name || (has_escape(self.0) && self.name() == name)
    }

    pub(super) fn name(self) -> Cow<'a, str> {
        decoded(self.0).unwrap_or(Cow::Borrowed(self.0))
    }
}

/// The members of an object.
pub(super) struct Members<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = (Key<'a>, Json<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        let start = begin(bytes, self.at)?;
        let end = end_of_value(bytes, start);
        let key = Json(self.text.get(start..end)?).quoted()?;
        // The colon is the only byte between a name and its value that is no white space.
        let start = begin(bytes, end)?;
        self.at = end_of_value(bytes, start);
        Some((Key(key), Json(self.text.get(start..self.at)?)))
    }
}

/// The elements of an array.
pub(super) struct Elements<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let start = begin(self.text.as_bytes(), self.at)?;
        self.at = end_of_value(self.text.as_bytes(), start);
        self.text.get(start..self.at).map(Json)
    }
}

/// Returns where the next name or value begins; `None` at the end of the object or array.
fn begin(bytes: &[u8], from: usize) -> Option<usize> {
    let rest = bytes.get(from..)?;
    let is_between = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':');
    let at = from + rest.iter().position(|byte| !is_between(byte))?;
    let closes = matches!(bytes.get(at), Some(b'}' | b']'));
    (!closes).then_some(at)
}

/// Returns the place behind the value that begins here.
fn end_of_value(bytes: &[u8], start: usize) -> usize {
    match bytes.get(start) {
        Some(b'"') => end_of_text(bytes, start),
        Some(b'{' | b'[') => end_of_container(bytes, start),
        _ => end_of_word(bytes, start),
    }
}

fn end_of_text(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(found) = bytes.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at + 1;
        }
        at += 2;
    }
    bytes.len()
}

fn end_of_container(bytes: &[u8], start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                at = end_of_text(bytes, at);
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn end_of_word(bytes: &[u8], start: usize) -> usize {
    let rest = bytes.get(start..).unwrap_or_default();
    let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
    start + rest.iter().position(is_end).unwrap_or(rest.len())
}

fn has_escape(inside: &str) -> bool {
    memchr(b'\\', inside.as_bytes()).is_some()
}

/// Returns the text that stands between the quotes of a string.
fn decoded(inside: &str) -> Option<Cow<'_, str>> {
    if !has_escape(inside) {
        return Some(Cow::Borrowed(inside));
    }
    serde_json::from_str(&format!("\"{inside}\"")).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn shown(text: &str) -> Vec<String> {
        Json::of(text).members().map(|(key, value)| format!("{}={}", key.name(), value.raw())).collect()
    }

    #[test]
    fn members_are_found_whatever_stands_in_and_between_them() {
        let text = " { \"a\" : 1 ,\n\"b\":\"x,}\\\"]\" , \"c\\\"\":{\"d\":[1,{\"e\":\"}\"}]},\"f\":[ ],\"g\":null\t} ";
        assert_eq!(
            shown(text),
            ["a=1", "b=\"x,}\\\"]\"", "c\"={\"d\":[1,{\"e\":\"}\"}]}", "f=[ ]", "g=null"]
        );
        assert_eq!((shown("{}"), shown("[1]"), shown("7")), (vec![], vec![], vec![]));
        let elements: Vec<_> = Json::of("[1 , [2,3],\"]\" ]").elements().map(Json::raw).collect();
        assert_eq!(elements, ["1", "[2,3]", "\"]\""]);
    }

    #[test]
    fn the_last_of_two_members_counts_and_null_counts_as_absent() {
        let json = Json::of(r#"{"a":1,"a":2,"b":3,"b":null,"\u0063":4}"#);
        assert_eq!(json.get("a").map(Json::raw), Some("2"));
        assert_eq!(json.get("b"), None);
        assert_eq!(json.get("c").map(Json::raw), Some("4"));
        assert_eq!(json.first(&["b", "x", "c", "a"]).map(Json::raw), Some("4"));
    }

    #[test]
    fn texts_are_decoded_and_numbers_are_words() {
        let word = |text| Json::of(text).word().map(Cow::into_owned);
        assert_eq!(word(r#""\u00e9\n""#).as_deref(), Some("é\n"));
        assert_eq!(word("-1.50").as_deref(), Some("-1.50"));
        assert_eq!((word("\"\""), word("true"), word("[]"), word("null")), (None, None, None, None));
        assert_eq!(Json::of("7").text(), None);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-z\"\\\\]{0,4}", inner, 0..5)
                    .prop_map(|members| Value::from(serde_json::Map::from_iter(members))),
            ]
        })
    }

    fn rebuilt(json: Json<'_>) -> Value {
        match json.shape() {
            Shape::Object => json.members().map(|(key, value)| (key.name().into_owned(), rebuilt(value))).collect(),
            Shape::Array => json.elements().map(rebuilt).collect(),
            Shape::Text => Value::from(json.text().unwrap_or_default().into_owned()),
            Shape::Other => serde_json::from_str(json.raw()).unwrap(),
        }
    }

    proptest! {
        #[test]
        fn reading_finds_what_a_parser_finds(value in any_json()) {
            prop_assert_eq!(&rebuilt(Json::of(&value.to_string())), &value);
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(&rebuilt(Json::of(&pretty)), &value);
        }

        #[test]
        fn any_text_is_answered_without_a_panic(text in "[{}\\[\\]\",:a\\\\ 1]{0,24}") {
            let json = Json::of(&text);
            json.members().for_each(drop);
            json.elements().for_each(drop);
        }
    }
}
