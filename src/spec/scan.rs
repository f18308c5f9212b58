//! Where the members of an object stand in a text that is known to be JSON.
//!
//! Separate from the readers in `layout` because it proves nothing, which makes it some times as fast: the split of a batch has
//! read every byte, so that a second look may go from quote to quote. In a text that is no JSON the places mean nothing, and
//! nothing worse happens. Never copies a value.

use std::borrow::Cow;
use std::ops::Range;

/// Strings that end within so many words of eight bytes are looked through here, as most do; a longer one is worth a search.
const WORDS: usize = 5;
const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A member of an object, by its places in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    /// Without its quotes.
    name: Range<usize>,
    /// Something in the name is escaped.
    escaped: bool,
    /// Its value.
    pub(super) value: Range<usize>,
}

impl Member {
    /// Returns the name.
    pub(super) fn name<'t>(&self, text: &'t str) -> Cow<'t, str> {
        name(text, &self.name, self.escaped)
    }

    /// Returns whether it is of this name.
    pub(super) fn is(&self, wanted: &str, text: &str) -> bool {
        if self.escaped { self.name(text) == wanted } else { text.get(self.name.clone()) == Some(wanted) }
    }
}

fn name<'t>(text: &'t str, place: &Range<usize>, escaped: bool) -> Cow<'t, str> {
    let inner = text.get(place.clone()).unwrap_or_default();
    let meant = || serde_json::from_str(text.get(place.start - 1..=place.end)?).ok();
    escaped.then(meant).flatten().map_or(Cow::Borrowed(inner), Cow::Owned)
}

/// Stands somewhere in a text, before a name or a value.
pub(super) struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scan<'t> {
    /// Stands before the first member of the object that is the whole text; `None` for what is no object.
    pub(super) fn of(text: &'t str) -> Option<Scan<'t>> {
        text.starts_with('{').then_some(Scan { text, at: 1 })
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// Goes over a string, from its quote to behind the last one; says whether anything in it is escaped.
    #[inline]
    fn string(&mut self) -> bool {
        let (end, escaped) = behind_string(self.text.as_bytes(), self.at);
        self.at = end;
        escaped
    }

    fn nested(&mut self) {
        let bytes = self.text.as_bytes();
        let (mut at, mut open) = (self.at, 0_usize);
        while let Some(byte) = bytes.get(at) {
            match byte {
                b'"' => {
                    (at, _) = behind_string(bytes, at);
                    continue;
                }
                b'{' | b'[' => open += 1,
                b'}' | b']' => open = open.saturating_sub(1),
                _ => {}
            }
            at += 1;
            if open == 0 {
                break;
            }
        }
        self.at = at;
    }

    /// Goes over a value and returns where it stands.
    pub(super) fn value(&mut self) -> Option<Range<usize>> {
        let first = self.peek()?;
        let start = self.at;
        match first {
            b'"' => drop(self.string()),
            b'{' | b'[' => self.nested(),
            _ => {
                let rest = self.text.as_bytes().get(start..)?;
                let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r');
                self.at += rest.iter().position(ends)?;
            }
        }
        Some(start..self.at)
    }

    /// Goes over a value that is an object, and returns its members; `None`, and stays, before any other value.
    pub(super) fn object(&mut self) -> Option<Vec<Member>> {
        if self.peek()? != b'{' {
            return None;
        }
        self.at += 1;
        let mut members = Vec::with_capacity(12);
        members.extend(&mut *self);
        self.at += 1;
        Some(members)
    }

    /// Goes into a value that is an object, before its first member; returns `false`, and stays, before any other value.
    pub(super) fn enter(&mut self) -> bool {
        let is_object = self.peek() == Some(b'{');
        self.at += usize::from(is_object);
        is_object
    }

    /// Goes out of an object that was entered and whose members are all passed.
    pub(super) fn leave(&mut self) {
        self.at += 1;
    }

    /// Goes over the name of the next member, up to its value; `None`, and stays, at the end of the object.
    pub(super) fn name(&mut self) -> Option<Cow<'t, str>> {
        let (place, escaped) = self.name_place()?;
        Some(name(self.text, &place, escaped))
    }

    fn name_place(&mut self) -> Option<(Range<usize>, bool)> {
        if self.peek()? == b',' {
            self.at += 1;
        }
        if self.peek()? != b'"' {
            return None;
        }
        let start = self.at + 1;
        let escaped = self.string();
        let place = start..self.at.saturating_sub(1);
        if self.peek()? == b':' {
            self.at += 1;
        }
        self.peek()?;
        Some((place, escaped))
    }

    /// Returns where it stands.
    pub(super) fn at(&self) -> usize {
        self.at
    }
}

impl Iterator for Scan<'_> {
    type Item = Member;

    /// Returns the next member of the object.
    fn next(&mut self) -> Option<Member> {
        let (name, escaped) = self.name_place()?;
        Some(Member { name, escaped, value: self.value()? })
    }
}

/// Returns where the text goes on behind the string whose first quote is here, and whether anything in it is escaped.
#[inline]
fn behind_string(bytes: &[u8], quote: usize) -> (usize, bool) {
    let (mut at, mut escaped) = (quote + 1, false);
    loop {
        at = next_quote(bytes, at);
        if bytes.get(at) != Some(&b'\\') {
            return (at + 1, escaped);
        }
        escaped = true;
        at += 2;
    }
}

/// Returns the place of the next quote or backslash, or the end.
#[inline]
fn next_quote(bytes: &[u8], mut at: usize) -> usize {
    for _ in 0..WORDS {
        let Some(word) = bytes.get(at..).and_then(<[u8]>::first_chunk) else { break };
        let word = u64::from_le_bytes(*word);
        let hit = zeros(word ^ (LOW * u64::from(b'"'))) | zeros(word ^ (LOW * u64::from(b'\\')));
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or_default();
    at + memchr::memchr2(b'"', b'\\', rest).unwrap_or(rest.len())
}

/// The highest bit of the lowest byte that is zero; above it, anything.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(LOW) & !word & HIGH
}

/// Returns an object's members in order, doubles included; `None` for what is no object.
pub(super) fn members(text: &str) -> Option<Vec<Member>> {
    text.starts_with('{').then(|| Scan { text, at: 0 }.object()).flatten()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::layout::{self, Layout, Places};
    use super::*;

    fn places(text: &str) -> Option<Places<'_>> {
        let place = |member: Member| (member.name(text), member.value.clone());
        members(text).map(|members| members.into_iter().map(place).collect())
    }

    #[test]
    fn every_member_is_found_where_a_reader_of_json_finds_it() {
        for text in [
            "{}",
            "{ }",
            r#"{"a":1}"#,
            "{\t\"a\" : [ {\"b\":\"}\"} , \"]\" ] ,\n\"c\":\"\\\"\\\\\" , \"d\" :-1.5e3 }",
            r#"{"\u0061\"":"\\","a":{"a":{}},"":null,"é":"ü","a":[[],[[]]]}"#,
            r#"{"a":true,"b":false,"c":0}"#,
        ] {
            assert_eq!(places(text), layout::places(text), "{text}");
        }
        assert_eq!(places("[1]"), None);
        assert_eq!(places(""), None);
    }

    fn json() -> impl Strategy<Value = String> {
        let leaf = prop_oneof![
            Just("null".to_owned()),
            any::<i32>().prop_map(|number| number.to_string()),
            "[a-z\"\\\\{}\\[\\],:é ]{0,12}".prop_map(|text| serde_json::Value::String(text).to_string()),
        ];
        let space = "[ \n\t]{0,2}";
        leaf.prop_recursive(3, 24, 4, move |inner| {
            let name = prop_oneof![
                "[a\"\\\\ü]{0,3}",
                "[a-z]{7,18}",
                Just("context".to_owned()),
                Just("type".to_owned())
            ];
            let member = (name, space, inner.clone()).prop_map(|(name, space, value)| {
                format!("{space}{}{space}:{space}{value}{space}", serde_json::Value::String(name))
            });
            let list = prop::collection::vec(inner, 0..4).prop_map(|all| format!("[{}]", all.join(" , ")));
            let object = prop::collection::vec(member, 0..5).prop_map(|all| format!("{{{}}}", all.join(",")));
            prop_oneof![list, object]
        })
    }

    /// The members of the context, by their places in the whole text.
    fn members_in(text: &str, layout: &Layout) -> Option<Vec<Member>> {
        let span = layout.span(layout::Field::Context);
        let at = |range: &Range<usize>| range.start + span.start as usize..range.end + span.start as usize;
        let moved = |member: Member| Member { name: at(&member.name), value: at(&member.value), ..member };
        Some(members(span.of(text))?.into_iter().map(moved).collect())
    }

    proptest! {
        #[test]
        fn whatever_the_text_the_members_are_those_of_a_reader_of_json(text in json()) {
            prop_assert_eq!(places(&text), layout::places(&text));
            if text.starts_with('{') {
                let mut proven = Layout::proven(&text).unwrap();
                let layout = Layout::of(&text).unwrap();
                let context = layout.value(layout::Field::Context, &text);
                prop_assert_eq!(proven.take_context(), context.and_then(|_| members_in(&text, &layout)));
                prop_assert_eq!(&proven, &layout);
                prop_assert_eq!(Layout::proven_before(&text).unwrap(), layout);
            }
        }

        #[test]
        fn what_is_no_json_means_nothing_and_does_nothing(text in "[{}\\[\\]\",:\\\\a1 é]{0,40}") {
            places(&format!("{{{text}"));
        }
    }
}
