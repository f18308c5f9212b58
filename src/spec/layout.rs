//! Where the known members of an event stand in its text: one pass over the top level that copies nothing.
//!
//! Offsets instead of borrowed strings, so that a layout can travel beside the `Bytes` it describes: the head is read
//! from it, and the composed text of the event is spliced by it. Never looks inside a member's value.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::scan::{Member, Scan};

/// A top-level member that means something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Field {
    Type,
    MessageId,
    UserId,
    AnonymousId,
    Event,
    Name,
    GroupId,
    PreviousId,
    Timestamp,
    OriginalTimestamp,
    SentAt,
    ReceivedAt,
    Properties,
    Traits,
    Context,
    Integrations,
    WriteKey,
    Other,
}

impl Field {
    const COUNT: usize = Field::Other as usize;

    fn named(key: &str) -> Field {
        match key {
            "type" => Field::Type,
            "messageId" => Field::MessageId,
            "userId" => Field::UserId,
            "anonymousId" => Field::AnonymousId,
            "event" => Field::Event,
            "name" => Field::Name,
            "groupId" => Field::GroupId,
            "previousId" => Field::PreviousId,
            "timestamp" => Field::Timestamp,
            "originalTimestamp" => Field::OriginalTimestamp,
            "sentAt" => Field::SentAt,
            "receivedAt" => Field::ReceivedAt,
            "properties" => Field::Properties,
            "traits" => Field::Traits,
            "context" => Field::Context,
            "integrations" => Field::Integrations,
            "writeKey" => Field::WriteKey,
            _ => Field::Other,
        }
    }

    /// Returns whether the composed text may have another value here than the client's.
    fn is_marked(self) -> bool {
        use Field::{Context, MessageId, OriginalTimestamp, ReceivedAt, SentAt, Timestamp, Type, WriteKey};
        matches!(
            self,
            Type | MessageId | Timestamp | OriginalTimestamp | SentAt | ReceivedAt | Context | WriteKey
        )
    }
}

/// A stretch of the text. Empty when the member is not there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    /// Returns the stretch of a text that is not known to be UTF-8.
    pub(super) fn bytes<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }

    pub(super) fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// One member that may be replaced when the event is composed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) field: Field,
    /// The end of the member before, or the place behind `{`: a cut from here takes the comma along.
    pub(super) from: u32,
    pub(super) value: Span,
}

/// The layout of one event. Of a member that is there twice the last one counts, as with every JSON parser in use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Layout {
    values: [Span; Field::COUNT],
    /// In the order of the text, doubles included.
    pub(super) marks: Vec<Mark>,
    /// The members of the context, by their places in the text, where they were noted.
    context: Option<Vec<Member>>,
}

impl Layout {
    /// Reads the layout of a JSON object without white space around it.
    pub(super) fn of(text: &str) -> Result<Layout, serde_json::Error> {
        check_len(text)?;
        let mut json = serde_json::Deserializer::from_str(text);
        let base = text.as_ptr() as usize;
        let layout = json.deserialize_map(Members { base })?;
        json.end()?;
        Ok(layout)
    }

    /// Finds the layout of what is known to be a JSON object without white space around it, and proves nothing. Fails only for
    /// what is too long.
    pub(super) fn proven(text: &str) -> Result<Layout, serde_json::Error> {
        Layout::found(text, true)
    }

    /// As [`proven`](Layout::proven), and notes nothing of the context.
    pub(super) fn proven_before(text: &str) -> Result<Layout, serde_json::Error> {
        Layout::found(text, false)
    }

    fn found(text: &str, notes_context: bool) -> Result<Layout, serde_json::Error> {
        check_len(text)?;
        let mut layout = Layout::empty();
        let mut from = 1;
        let Some(mut scan) = Scan::of(text) else { return Ok(layout) };
        while let Some(name) = scan.name() {
            let (field, start) = (Field::named(&name), scan.at());
            if notes_context && field == Field::Context {
                layout.context = scan.object();
            }
            if scan.at() == start && scan.value().is_none() {
                break;
            }
            let value = Span { start: offset(start, 0), end: offset(scan.at(), 0) };
            layout.put(field, from, value);
            from = value.end;
        }
        Ok(layout)
    }

    /// Returns the members of the context by their places in the text, where they were noted, and forgets them.
    pub(super) fn take_context(&mut self) -> Option<Vec<Member>> {
        self.context.take()
    }

    fn empty() -> Layout {
        Layout { marks: Vec::with_capacity(8), ..Layout::default() }
    }

    /// Takes in a member; `from` is the end of the one before.
    fn put(&mut self, field: Field, from: u32, value: Span) {
        if let Some(place) = self.values.get_mut(field as usize) {
            *place = value;
        }
        if field.is_marked() {
            self.marks.push(Mark { field, from, value });
        }
    }

    /// Returns where a member's value stands, `null` included; empty when it is missing.
    pub(super) fn span(&self, field: Field) -> Span {
        self.values.get(field as usize).copied().unwrap_or_default()
    }

    /// Returns the raw JSON of a member; `None` when it is missing or null.
    pub(super) fn value<'a>(&self, field: Field, text: &'a str) -> Option<&'a str> {
        let raw = self.span(field).of(text);
        (!raw.is_empty() && raw != "null").then_some(raw)
    }
}

struct Members {
    /// Address of the text, to turn slices back into offsets.
    base: usize,
}

impl<'de> Visitor<'de> for Members {
    type Value = Layout;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Layout, A::Error> {
        let mut layout = Layout::empty();
        let mut from = 1;
        while let Some(Key(field)) = map.next_key()? {
            let raw: &'de RawValue = map.next_value()?;
            let start = offset(raw.get().as_ptr() as usize, self.base);
            let value = Span { start, end: start + offset(raw.get().len(), 0) };
            layout.put(field, from, value);
            from = value.end;
        }
        Ok(layout)
    }
}

fn check_len(text: &str) -> Result<(), serde_json::Error> {
    let is_short = u32::try_from(text.len()).is_ok();
    is_short.then_some(()).ok_or_else(|| serde_json::Error::custom("longer than 4 GiB"))
}

/// The length was checked before, so nothing is cut.
fn offset(address: usize, base: usize) -> u32 {
    u32::try_from(address.saturating_sub(base)).unwrap_or(u32::MAX)
}

struct Key(Field);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Name;
        impl Visitor<'_> for Name {
            type Value = Key;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a member's name")
            }
            fn visit_str<E: Error>(self, key: &str) -> Result<Key, E> {
                Ok(Key(Field::named(key)))
            }
        }
        deserializer.deserialize_str(Name)
    }
}

/// Returns the raw members of an object in order; `None` for anything else.
pub(super) fn members(text: &str) -> Option<Vec<(String, &str)>> {
    struct Pairs;
    impl<'de> Visitor<'de> for Pairs {
        type Value = Vec<(String, &'de str)>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut pairs = Vec::new();
            while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                pairs.push((key, value.get()));
            }
            Ok(pairs)
        }
    }
    serde_json::Deserializer::from_str(text).deserialize_map(Pairs).ok()
}

/// Members of an object, or elements of an array, by name or index, with the places of their values.
pub(super) type Places<'a> = Vec<(Cow<'a, str>, Range<usize>)>;

/// Returns where the values of an object's members stand, in order, doubles included; `None` for anything else.
pub(super) fn places(text: &str) -> Option<Places<'_>> {
    serde_json::Deserializer::from_str(text).deserialize_map(Finder { base: text.as_ptr() as usize }).ok()
}

/// Returns where the elements of an array stand, under their indexes; `None` for anything else.
pub(super) fn elements(text: &str) -> Option<Places<'_>> {
    let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
    let base = text.as_ptr() as usize;
    let place = |(index, raw): (usize, &&RawValue)| (Cow::Owned(index.to_string()), place(raw, base));
    Some(elements.iter().enumerate().map(place).collect())
}

fn place(raw: &RawValue, base: usize) -> Range<usize> {
    let start = (raw.get().as_ptr() as usize).saturating_sub(base);
    start..start + raw.get().len()
}

struct Finder {
    base: usize,
}

impl<'de> Visitor<'de> for Finder {
    type Value = Places<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut places = Vec::with_capacity(16);
        while let Some(Name(name)) = map.next_key()? {
            let raw: &'de RawValue = map.next_value()?;
            places.push((name, place(raw, self.base)));
        }
        Ok(places)
    }
}

/// A member's name, borrowed when nothing in it is escaped.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the raw value of one member of an object, the last one of that name.
pub(super) fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    serde_json::Deserializer::from_str(text).deserialize_map(One(name)).ok().flatten()
}

/// Where the members of one name stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    None,
    One(Range<usize>),
    Several,
}

/// Returns where the values of an object's members of this name stand; none for what is no object.
pub(super) fn find(text: &str, name: &str) -> Found {
    let seek = Seek { name, base: text.as_ptr() as usize };
    serde_json::Deserializer::from_str(text).deserialize_map(seek).unwrap_or(Found::None)
}

struct Seek<'n> {
    name: &'n str,
    base: usize,
}

impl<'de> Visitor<'de> for Seek<'_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Found, A::Error> {
        let mut found = Found::None;
        while let Some(wanted) = map.next_key_seed(Is(self.name))? {
            let raw: &'de RawValue = map.next_value()?;
            if wanted {
                found = match found {
                    Found::None => Found::One(place(raw, self.base)),
                    Found::One(_) | Found::Several => Found::Several,
                };
            }
        }
        Ok(found)
    }
}

struct One<'n>(&'n str);

impl<'de> Visitor<'de> for One<'_> {
    type Value = Option<&'de str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(wanted) = map.next_key_seed(Is(self.0))? {
            let value: &'de RawValue = map.next_value()?;
            found = if wanted { Some(value.get()) } else { found };
        }
        Ok(found)
    }
}

/// Compares a member's name without keeping it.
struct Is<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for Is<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Is<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(key == self.0)
    }
}
