//! The batch body: its elements as slices of the body, and what its own members add to each element.
//!
//! Elements are captured raw in the one pass over the body; members we do not know are skipped. Never looks into an
//! element, except to merge the batch's `context` and `integrations` into it, which makes a new text.

use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::layout::{self, Field, Layout};
use super::read::{Call, RequestError, no_object};
use super::{head, repair};

/// Most calls of one batch. A call costs hundreds of bytes however short its text is, so that a few MiB of `1,1,1` would
/// become gigabytes; no library comes near this number.
const MAX_CALLS: usize = 100_000;

/// What a batch says once for all its elements.
#[derive(Debug, Clone, Default)]
pub(super) struct Shared {
    pub(super) write_key: Option<String>,
    /// Absent when it is no instant: one wrong member must not cost the whole batch.
    pub(super) sent_at: Option<Timestamp>,
    /// Raw objects that are merged into each element.
    pub(super) context: Option<String>,
    pub(super) integrations: Option<String>,
}

impl Shared {
    fn set(&mut self, name: &str, value: &str) {
        match name {
            "writeKey" => self.write_key = head::key(value),
            "sentAt" => self.sent_at = head::instant(value),
            "context" => self.context = object(value),
            "integrations" => self.integrations = object(value),
            _ => {}
        }
    }

    /// Returns the element's text with the batch's members in it; `None` when there is nothing to add.
    ///
    /// Objects are merged by key and the element's own value wins, whole: a half of one `library` and a half of another
    /// would be a library that does not exist.
    pub(super) fn merge(&self, text: &str, layout: &Layout) -> Option<String> {
        let additions = [
            (Field::Context, "context", &self.context),
            (Field::Integrations, "integrations", &self.integrations),
        ];
        let mut merged = None;
        for (field, name, addition) in additions {
            let Some(value) = addition.as_ref().and_then(|all| union(layout.value(field, text), all)) else {
                continue;
            };
            merged = Some(with_member(merged.as_deref().unwrap_or(text), field, name, &value)?);
        }
        merged
    }
}

fn object(value: &str) -> Option<String> {
    let filled = layout::members(value).is_some_and(|members| !members.is_empty());
    filled.then(|| value.to_owned())
}

/// Returns the object with the members of both; `None` when the own value is no object or has all of them.
pub(super) fn union(own: Option<&str>, addition: &str) -> Option<String> {
    let Some(own) = own else { return Some(addition.to_owned()) };
    let present = layout::members(own)?;
    let mut missing = layout::members(addition)?;
    missing.retain(|(name, _)| !present.iter().any(|(own, _)| own == name));
    if missing.is_empty() {
        return None;
    }
    let mut merged = String::from("{");
    for (name, value) in missing {
        merged.push_str(&format!("{}:{value},", serde_json::Value::String(name)));
    }
    let rest = own.get(1..).unwrap_or("}").trim_start();
    if rest.starts_with('}') {
        merged.pop();
    }
    Some(merged + rest)
}

/// Returns the object with this value in the member's place, or in a new member at its end.
pub(super) fn with_member(text: &str, field: Field, name: &str, value: &str) -> Option<String> {
    let span = Layout::of(text).ok()?.span(field);
    if span.end > 0 {
        let (before, after) = (text.get(..span.start as usize)?, text.get(span.end as usize..)?);
        return Some(format!("{before}{value}{after}"));
    }
    let open = text.strip_suffix('}')?.trim_end();
    let comma = if open.ends_with('{') { "" } else { "," };
    Some(format!("{open}{comma}\"{name}\":{value}}}"))
}

/// Splits a batch body.
pub(super) fn split(body: &Bytes) -> Result<(Vec<Call>, Shared), RequestError> {
    let Ok(parts) = serde_json::from_slice::<Parts<'_>>(body) else { return split_by_brackets(body) };
    let Elements::List(elements) = parts.batch else { return Err(no_batch(&parts.batch)) };
    let cut = |raw: &RawValue| Call::good(body.slice_ref(raw.get().as_bytes()));
    Ok((elements.into_iter().map(cut).collect(), parts.shared))
}

fn no_batch(found: &Elements<'_>) -> RequestError {
    let message = match found {
        Elements::TooMany => return RequestError::TooMany { most: MAX_CALLS },
        Elements::Missing => "`batch` is missing",
        Elements::Wrong | Elements::List(_) => "`batch` must be an array",
    };
    RequestError::InvalidJson { path: "batch", message: message.to_owned() }
}

/// The failing path: finds the elements without understanding them.
fn split_by_brackets(body: &Bytes) -> Result<(Vec<Call>, Shared), RequestError> {
    let members = repair::members(body).ok_or_else(|| no_object(body))?;
    let mut shared = Shared::default();
    let mut elements = Err(no_batch(&Elements::Missing));
    for (key, value) in members {
        let Ok(name) = serde_json::from_slice::<String>(body.get(key).unwrap_or_default()) else { continue };
        let value = body.slice(value);
        if name == "batch" {
            elements = elements_of(&value, body);
        } else if let Ok(Ok(text)) = repair::element(value).as_deref().map(std::str::from_utf8) {
            shared.set(&name, text);
        }
    }
    Ok((elements?, shared))
}

fn elements_of(value: &Bytes, body: &[u8]) -> Result<Vec<Call>, RequestError> {
    if !value.starts_with(b"[") {
        return Err(no_batch(&Elements::Wrong));
    }
    let ranges = repair::elements(value, MAX_CALLS).ok_or_else(|| no_object(body))?;
    if ranges.len() > MAX_CALLS {
        return Err(no_batch(&Elements::TooMany));
    }
    Ok(ranges.into_iter().map(|range| Call::mended(value.slice(range))).collect())
}

/// A batch body in order.
struct Parts<'a> {
    batch: Elements<'a>,
    shared: Shared,
}

impl<'de: 'a, 'a> Deserialize<'de> for Parts<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Body)
    }
}

struct Body;

impl<'de> Visitor<'de> for Body {
    type Value = Parts<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Parts<'de>, A::Error> {
        let mut parts = Parts { batch: Elements::Missing, shared: Shared::default() };
        while let Some(name) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            match name.as_ref() {
                "batch" => parts.batch = map.next_value()?,
                name @ ("writeKey" | "sentAt" | "context" | "integrations") => {
                    parts.shared.set(name, map.next_value::<&'de RawValue>()?.get());
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(parts)
    }
}

enum Elements<'a> {
    Missing,
    Wrong,
    TooMany,
    List(Vec<&'a RawValue>),
}

impl<'de: 'a, 'a> Deserialize<'de> for Elements<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Elements<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while elements.len() < MAX_CALLS {
            let Some(element) = seq.next_element::<&'de RawValue>()? else {
                return Ok(Elements::List(elements));
            };
            elements.push(element);
        }
        let mut more = false;
        while seq.next_element::<IgnoredAny>()?.is_some() {
            more = true;
        }
        Ok(if more { Elements::TooMany } else { Elements::List(elements) })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Elements::Wrong)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Elements::Missing)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Elements::Wrong)
    }
}
