//! What is added to the context of a call at the door, before it is an event: the place where it is asked for, and the splice.
//!
//! The client's own bytes stay as they are and where they are; the members that are added stand behind its own in `context`.
//! This is done once: what is stored, sent anywhere and replayed has them (docs/adr/0008). Never says what is added.

use std::borrow::Cow;
use std::net::IpAddr;

use bytes::{Bytes, BytesMut};

use super::layout::{Field, Layout, Mark, Span};
use super::scan::{self, Member};
use super::{Kind, head};

/// How many bytes of grown texts are allocated at once: some fifteen events. One of them keeps all of these in memory.
const CHUNK: usize = 16 << 10;

/// Whoever knows what is to be added.
pub trait Adds {
    /// Appends to `members` what is added to this call: members of an object, without its braces (`"a":1,"b":{}`), none of which
    /// is in the client's context. Returns whether the call is to be kept at all. Asked once for each call that is believed.
    fn add(&self, call: &Caller<'_>, members: &mut String) -> bool;
}

/// What becomes of events of bots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Bots {
    /// Kept, and marked by `context.bot`.
    #[default]
    Flag,
    /// Not kept.
    Drop,
    /// Kept like any other.
    Keep,
}

/// As much of a call as is looked at for it.
#[derive(Debug)]
pub struct Caller<'c> {
    /// Which call.
    pub kind: Kind,
    /// The address that the door has seen, where it is the person's own.
    pub ip: Option<IpAddr>,
    /// `context`; empty when there is none.
    pub context: Members<'c>,
    /// `properties`; empty when there are none.
    pub properties: Members<'c>,
}

/// The members of one object of the text.
#[derive(Debug, Default)]
pub struct Members<'c> {
    /// In which their places are.
    text: &'c str,
    all: Vec<Member>,
}

impl<'c> Members<'c> {
    fn of(raw: Option<&'c str>) -> Members<'c> {
        let read = raw.and_then(|text| Some(Members { text, all: scan::members(text)? }));
        read.unwrap_or_default()
    }

    /// Returns whether there is a member of this name, `null` included.
    pub fn has(&self, name: &str) -> bool {
        self.all.iter().any(|member| member.is(name, self.text))
    }

    /// Returns the JSON of a member, the last one of that name; `None` for `null`.
    pub fn raw(&self, name: &str) -> Option<&'c str> {
        let member = self.all.iter().rfind(|member| member.is(name, self.text))?;
        self.text.get(member.value.clone()).filter(|raw| *raw != "null")
    }

    /// Returns a member that is a text and not empty.
    pub fn text(&self, name: &str) -> Option<Cow<'c, str>> {
        head::string(self.raw(name)?).filter(|text| !text.is_empty())
    }

    /// Returns the members of a member that is an object.
    pub fn within(&self, name: &str) -> Members<'c> {
        Members::of(self.raw(name).filter(|raw| raw.starts_with('{')))
    }
}

impl<'c> Caller<'c> {
    pub(super) fn of(kind: Kind, ip: Option<IpAddr>, text: &'c str, layout: &mut Layout) -> Caller<'c> {
        // Only a view may say in its properties where it is.
        let is_view = matches!(kind, Kind::Page | Kind::Screen);
        let properties = layout.value(Field::Properties, text).filter(|_| is_view);
        let noted = layout.take_context().map(|all| Members { text, all });
        let context = noted.unwrap_or_else(|| Members::of(layout.value(Field::Context, text)));
        Caller { kind, ip, context, properties: Members::of(properties) }
    }
}

/// Where the grown texts of one request are put, one behind the other: they are allocated and given back together.
#[derive(Debug, Default)]
pub(super) struct Room {
    buffer: BytesMut,
    /// A single text gets no more than it needs.
    chunk: usize,
}

impl Room {
    /// For this many texts.
    pub(super) fn of(texts: usize) -> Room {
        Room { buffer: BytesMut::new(), chunk: if texts > 1 { CHUNK } else { 0 } }
    }

    fn put<'p>(&mut self, len: usize, parts: impl Iterator<Item = &'p str>) -> Bytes {
        if self.buffer.capacity() < len {
            self.buffer = BytesMut::with_capacity(len.max(self.chunk));
        }
        parts.for_each(|part| self.buffer.extend_from_slice(part.as_bytes()));
        self.buffer.split().freeze()
    }
}

/// A text to which something was added.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grown {
    pub(super) text: Bytes,
    /// Those of the new text.
    pub(super) marks: Vec<Mark>,
    /// What was put between the client's own bytes; empty where something of the client's had to give way.
    pub(super) added: Span,
}

/// Returns the text with these members at the end of its context, and takes the marks for it; `None` when the context is something
/// that cannot have members.
pub(super) fn spliced(text: &str, layout: &mut Layout, members: &str, room: &mut Room) -> Option<Grown> {
    let context = layout.span(Field::Context);
    match context.of(text) {
        "" => with_context(text, layout, members, room),
        "null" => replaced(text, layout, context, &["{", members, "}"], room),
        own if own.starts_with('{') => {
            let close = context.end - 1;
            let is_empty = own.get(1..own.len() - 1)?.trim_ascii().is_empty();
            let comma = if is_empty { "" } else { "," };
            replaced(text, layout, Span { start: close, end: close }, &[comma, members], room)
        }
        _ => None,
    }
}

/// Puts texts in the place of a stretch; whatever ends behind its beginning moves.
fn replaced(text: &str, layout: &mut Layout, stretch: Span, new: &[&str], room: &mut Room) -> Option<Grown> {
    let (before, after) = (text.get(..stretch.start as usize)?, text.get(stretch.end as usize..)?);
    let len: usize = new.iter().map(|part| part.len()).sum();
    let (new_len, old_len) = (u32::try_from(len).ok()?, stretch.end - stretch.start);
    let parts = [before].into_iter().chain(new.iter().copied()).chain([after]);
    let grown = room.put(before.len() + len + after.len(), parts);
    let moved = |at: u32| if at > stretch.start { at - old_len + new_len } else { at };
    let mut marks = std::mem::take(&mut layout.marks);
    for mark in &mut marks {
        mark.from = moved(mark.from);
        mark.value = Span { start: moved(mark.value.start), end: moved(mark.value.end) };
    }
    let end = if old_len == 0 { stretch.start + new_len } else { stretch.start };
    Some(Grown { text: grown, marks, added: Span { start: stretch.start, end } })
}

/// Adds a context behind the last member.
fn with_context(text: &str, layout: &mut Layout, members: &str, room: &mut Room) -> Option<Grown> {
    const NAME: &str = "\"context\":";
    let inner = text.strip_suffix('}')?.trim_ascii_end();
    let comma = if inner.ends_with('{') { "" } else { "," };
    let from = u32::try_from(inner.len()).ok()?;
    let place = Span { start: from, end: from };
    let mut grown = replaced(text, layout, place, &[comma, NAME, "{", members, "}"], room)?;
    let start = from + u32::try_from(comma.len() + NAME.len()).ok()?;
    let value = Span { start, end: grown.added.end };
    grown.marks.push(Mark { field: Field::Context, from, value });
    Some(grown)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn splice(text: &str, members: &str) -> Option<String> {
        let mut layout = Layout::of(text).unwrap();
        let Grown { text: grown, marks, added } = spliced(text, &mut layout, members, &mut Room::of(1))?;
        let grown = String::from_utf8(grown.into()).unwrap();
        assert_eq!(marks, Layout::of(&grown).unwrap().marks, "{grown}");
        let (start, end) = (added.start as usize, added.end as usize);
        let is_between = [grown.get(..start).unwrap(), grown.get(end..).unwrap()].concat() == text;
        assert!(is_between || start == end && text.contains("null"), "{grown} {added:?}");
        Some(grown)
    }

    #[test]
    fn what_is_added_stands_behind_what_the_client_said() {
        for (text, grown) in [
            (
                r#"{"a":1,"context":{"b":2},"type":"track"}"#,
                r#"{"a":1,"context":{"b":2,"x":1},"type":"track"}"#,
            ),
            (r#"{"context":{ } ,"messageId":"m"}"#, r#"{"context":{ "x":1} ,"messageId":"m"}"#),
            (r#"{"a":42.00,"context":null,"type":"t"}"#, r#"{"a":42.00,"context":{"x":1},"type":"t"}"#),
            (r#"{ "type":"page" , "a":"}" }"#, r#"{ "type":"page" , "a":"}","context":{"x":1} }"#),
            ("{}", r#"{"context":{"x":1}}"#),
            (r#"{"context":{"a":1},"context":{"b":2}}"#, r#"{"context":{"a":1},"context":{"b":2,"x":1}}"#),
        ] {
            assert_eq!(splice(text, "\"x\":1").as_deref(), Some(grown));
        }
        assert_eq!(splice(r#"{"context":7}"#, "\"x\":1"), None);
    }

    #[test]
    fn a_call_shows_its_context_and_a_view_its_properties() {
        let text = r#"{"context":{"page":{"url":"a\u0062"},"no":null,"e":""},"properties":{"url":"c"}}"#;
        let mut layout = Layout::of(text).unwrap();
        let page = Caller::of(Kind::Page, None, text, &mut layout);
        assert_eq!(page.context.within("page").text("url").as_deref(), Some("ab"));
        assert_eq!(page.properties.text("url").as_deref(), Some("c"));
        assert!(
            page.context.has("no") && page.context.raw("no").is_none() && page.context.text("e").is_none()
        );
        assert!(!page.context.has("url") && page.context.within("no").raw("x").is_none());
        assert!(!Caller::of(Kind::Track, None, text, &mut layout).properties.has("url"));
    }

    proptest! {
        #[test]
        fn the_marks_are_those_of_the_new_text(
            names in proptest::sample::subsequence(vec!["type", "messageId", "a", "sentAt", "writeKey", "timestamp"], 0..6),
            context in proptest::option::of(prop_oneof![Just("{}"), Just("{ }"), Just("{\"a\":{}}"), Just("null")]),
            place in 0..7_usize,
            space in "[ \n]{0,2}",
        ) {
            let mut members: Vec<_> = names.iter().map(|name| format!("\"{name}\"{space}:{space}\"v\"")).collect();
            if let Some(context) = context {
                members.insert(place.min(members.len()), format!("\"context\":{context}"));
            }
            let text = format!("{{{space}{}{space}}}", members.join(&format!("{space},{space}")));
            let grown = splice(&text, "\"x\":{\"y\":1}").unwrap();
            let mut expected: serde_json::Value = serde_json::from_str(&text).unwrap();
            if !expected["context"].is_object() {
                expected["context"] = serde_json::json!({});
            }
            expected["context"]["x"] = serde_json::json!({"y": 1});
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&grown).unwrap(), expected);
        }
    }
}
