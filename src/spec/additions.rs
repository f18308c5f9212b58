//! What is added to the context of a call at the door, before it is an event: the place where it is asked for, and the splice.
//!
//! The client's own bytes stay as they are and where they are; the members that are added stand behind its own in `context`.
//! This is done once: what is stored, sent anywhere and replayed has them (docs/adr/0008). Never says what is added.

use std::borrow::Cow;
use std::net::IpAddr;

use super::layout::{self, Field, Layout, Mark, Places, Span};
use super::{Kind, head};

/// Whoever knows what is to be added.
pub trait Adds {
    /// Returns what is added to this call. Asked once for each call that is believed.
    fn add(&self, call: &Caller<'_>) -> Added;
}

/// What is added to a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Added {
    /// Nothing.
    Nothing,
    /// Members of an object, without its braces: `"a":1,"b":{}`. None of them may be in the client's context.
    Members(String),
    /// It is not to be kept at all.
    Unwanted,
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
    text: &'c str,
    places: Places<'c>,
}

impl<'c> Members<'c> {
    fn of(raw: Option<&'c str>) -> Members<'c> {
        let read = raw.and_then(|text| Some(Members { text, places: layout::places(text)? }));
        read.unwrap_or_default()
    }

    /// Returns whether there is a member of this name, `null` included.
    pub fn has(&self, name: &str) -> bool {
        self.places.iter().any(|(own, _)| own == name)
    }

    /// Returns the JSON of a member, the last one of that name; `None` for `null`.
    pub fn raw(&self, name: &str) -> Option<&'c str> {
        let (_, place) = self.places.iter().rfind(|(own, _)| own == name)?;
        self.text.get(place.clone()).filter(|raw| *raw != "null")
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
    pub(super) fn of(kind: Kind, ip: Option<IpAddr>, text: &'c str, layout: &Layout) -> Caller<'c> {
        // Only a view may say in its properties where it is.
        let is_view = matches!(kind, Kind::Page | Kind::Screen);
        let properties = layout.value(Field::Properties, text).filter(|_| is_view);
        let context = Members::of(layout.value(Field::Context, text));
        Caller { kind, ip, context, properties: Members::of(properties) }
    }
}

/// Returns the text with these members at the end of its context, and the marks of that text; `None` when the context is
/// something that cannot have members.
pub(super) fn spliced(text: &str, layout: &Layout, members: &str) -> Option<(String, Vec<Mark>)> {
    let context = layout.span(Field::Context);
    match context.of(text) {
        "" => Some(with_context(text, layout, members)?),
        "null" => replaced(text, layout, context, &format!("{{{members}}}")),
        own if own.starts_with('{') => {
            let close = context.end - 1;
            let is_empty = own.get(1..own.len() - 1)?.trim_ascii().is_empty();
            let comma = if is_empty { "" } else { "," };
            replaced(text, layout, Span { start: close, end: close }, &format!("{comma}{members}"))
        }
        _ => None,
    }
}

/// Puts a text in the place of a stretch; whatever ends behind its beginning moves.
fn replaced(text: &str, layout: &Layout, stretch: Span, new: &str) -> Option<(String, Vec<Mark>)> {
    let (before, after) = (text.get(..stretch.start as usize)?, text.get(stretch.end as usize..)?);
    let (new_len, old_len) = (u32::try_from(new.len()).ok()?, stretch.end - stretch.start);
    let moved = |at: u32| if at > stretch.start { at - old_len + new_len } else { at };
    let span = |span: Span| Span { start: moved(span.start), end: moved(span.end) };
    let mark = |mark: &Mark| Mark { from: moved(mark.from), value: span(mark.value), ..*mark };
    Some(([before, new, after].concat(), layout.marks.iter().map(mark).collect()))
}

/// Adds a context behind the last member.
fn with_context(text: &str, layout: &Layout, members: &str) -> Option<(String, Vec<Mark>)> {
    const NAME: &str = "\"context\":";
    let inner = text.strip_suffix('}')?.trim_ascii_end();
    let comma = if inner.ends_with('{') { "" } else { "," };
    let rest = text.get(inner.len()..)?;
    let grown = [inner, comma, NAME, "{", members, "}", rest].concat();
    let from = u32::try_from(inner.len()).ok()?;
    let start = from + u32::try_from(comma.len() + NAME.len()).ok()?;
    let end = start + u32::try_from(members.len() + 2).ok()?;
    let mut marks = layout.marks.clone();
    marks.push(Mark { field: Field::Context, from, value: Span { start, end } });
    Some((grown, marks))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn splice(text: &str, members: &str) -> Option<String> {
        let (grown, marks) = spliced(text, &Layout::of(text).unwrap(), members)?;
        assert_eq!(marks, Layout::of(&grown).unwrap().marks, "{grown}");
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
        let layout = Layout::of(text).unwrap();
        let page = Caller::of(Kind::Page, None, text, &layout);
        assert_eq!(page.context.within("page").text("url").as_deref(), Some("ab"));
        assert_eq!(page.properties.text("url").as_deref(), Some("c"));
        assert!(
            page.context.has("no") && page.context.raw("no").is_none() && page.context.text("e").is_none()
        );
        assert!(!page.context.has("url") && page.context.within("no").raw("x").is_none());
        assert!(!Caller::of(Kind::Track, None, text, &layout).properties.has("url"));
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
