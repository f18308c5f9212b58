//! Which properties events have had, and of which types: what the views of the flat layout are made of. Bounded, and
//! without effects; the store keeps it beside the schema, so that a restart forgets nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::views::Observed;
use crate::spec::{Event, Kind};
use crate::warehouse::Value;
use crate::warehouse::flatten::each_key;
use crate::warehouse::schema::{ColumnType, join};

/// Most events that get a view: names are the sender's, and may be made up.
const MAX_EVENTS: usize = 300;

/// Most properties of one event.
const MAX_PROPERTIES: usize = 200;

/// Longest name of an event or a key, in bytes; BigQuery's own limit for columns is 300 characters.
const MAX_NAME: usize = 300;

/// What was seen. The plan writes it, the store reads it.
#[derive(Debug, Default)]
pub(super) struct Sightings(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    observed: Observed,
    /// Whether something was seen that nobody has been told.
    has_news: bool,
}

impl Sightings {
    /// Takes the properties of a track call, objects at most `max_depth` keys deep.
    pub(super) fn note(&self, event: &Event, max_depth: usize) {
        let Some(name) = event.head.name.as_deref().filter(|_| event.head.kind == Kind::Track) else { return };
        let raw = std::str::from_utf8(&event.raw).unwrap_or_default();
        let mut properties = "";
        each_key(raw, |key, value| {
            if key == "properties" {
                properties = value;
            }
        });
        let mut seen = self.lock();
        let is_first = !seen.observed.contains_key(name);
        let Some(known) = seen.event(name) else { return };
        let mut path = Vec::new();
        let is_new = each_leaf(properties, max_depth, &mut path, &mut |keys, kind| see(known, keys, kind));
        seen.has_news |= is_new || is_first;
    }

    /// Adds what was seen before, by this process or another one.
    pub(super) fn add(&self, before: Observed) {
        let mut seen = self.lock();
        for (name, properties) in before {
            let Some(known) = seen.event(&name) else { continue };
            for (keys, kind) in properties {
                see(known, &keys, kind);
            }
        }
    }

    /// Returns everything that was seen.
    pub(super) fn all(&self) -> Observed {
        self.lock().observed.clone()
    }

    /// Returns whether something was seen since this was last asked.
    pub(super) fn take_news(&self) -> bool {
        std::mem::take(&mut self.lock().has_news)
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // What a panic leaves behind is at worst a property that is seen again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Returns what is known of an event, unless there are too many.
    fn event(&mut self, name: &str) -> Option<&mut BTreeMap<Vec<String>, ColumnType>> {
        if !self.observed.contains_key(name) {
            if self.observed.len() >= MAX_EVENTS || name.len() > MAX_NAME {
                return None;
            }
            self.observed.insert(name.to_owned(), BTreeMap::new());
        }
        self.observed.get_mut(name)
    }
}

/// Returns whether that was new.
fn see(known: &mut BTreeMap<Vec<String>, ColumnType>, keys: &[String], kind: ColumnType) -> bool {
    if let Some(was) = known.get_mut(keys) {
        let joined = join(*was, kind);
        return std::mem::replace(was, joined) != joined;
    }
    let has_room = known.len() < MAX_PROPERTIES && keys.iter().all(|key| key.len() <= MAX_NAME);
    if has_room {
        known.insert(keys.to_vec(), kind);
    }
    has_room
}

/// Calls `see` with every value below an object; returns whether it said yes once.
fn each_leaf(
    raw: &str,
    max_depth: usize,
    path: &mut Vec<String>,
    see: &mut impl FnMut(&[String], ColumnType) -> bool,
) -> bool {
    let mut is_new = false;
    each_key(raw, |key, value| {
        path.push(key.into_owned());
        if value.starts_with('{') && max_depth > 1 {
            is_new |= each_leaf(value, max_depth - 1, path, see);
        } else if let Some(value) = Value::from_json(value) {
            is_new |= see(path, value.column_type(true));
        }
        path.pop();
    });
    is_new
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::super::plan::tests::event;
    use super::*;

    fn track(name: &str, properties: &serde_json::Value) -> Arc<Event> {
        let text = json!({ "type": "track", "messageId": "m", "userId": "u", "event": name, "properties": properties });
        event(&text.to_string())
    }

    fn seen(sightings: &Sightings, event: &str) -> Vec<(String, ColumnType)> {
        let all = sightings.all();
        let properties = all.get(event).into_iter().flatten();
        properties.map(|(keys, kind)| (keys.join("."), *kind)).collect()
    }

    #[test]
    fn the_type_of_a_property_holds_every_value_that_was_seen() {
        let sightings = Sightings::default();
        let first = json!({ "n": 1, "at": "2026-01-02T03:04:05Z", "cart": { "total": 1 }, "none": null });
        sightings.note(&track("Bought", &first), 5);
        sightings.note(&track("Bought", &json!({ "n": "x", "cart": { "total": 1.5 }, "list": [1] })), 5);
        let wanted = [
            ("at", ColumnType::Timestamp),
            ("cart.total", ColumnType::Float),
            ("list", ColumnType::Text),
            ("n", ColumnType::Text),
        ];
        assert_eq!(seen(&sightings, "Bought"), wanted.map(|(name, kind)| (name.to_owned(), kind)));
    }

    #[test]
    fn only_what_is_new_is_news() {
        let sightings = Sightings::default();
        let event = track("Bought", &json!({ "n": 1 }));
        sightings.note(&event, 5);
        assert!(sightings.take_news());
        sightings.note(&event, 5);
        assert!(!sightings.take_news());
        sightings.note(&track("Bought", &json!({ "n": 1.5 })), 5);
        assert!(sightings.take_news());
        sightings.note(&track("Empty", &json!({})), 5);
        assert!(sightings.take_news(), "an event without properties has a view too");
    }

    #[test]
    fn made_up_names_do_not_fill_the_memory() {
        let sightings = Sightings::default();
        for n in 0..MAX_EVENTS + 10 {
            sightings.note(&track(&format!("e{n}"), &json!({ "n": 1 })), 5);
        }
        assert_eq!(sightings.all().len(), MAX_EVENTS);
        for n in 0..MAX_PROPERTIES + 10 {
            sightings.note(&track("e0", &json!({ (format!("p{n}")): n })), 5);
        }
        assert_eq!(seen(&sightings, "e0").len(), MAX_PROPERTIES);
        sightings.take_news();
        sightings.note(&track("e0", &json!({ "another": 1 })), 5);
        assert!(!sightings.take_news(), "what is not kept is no news");
        sightings.note(&track("e1", &json!({ ("k".repeat(MAX_NAME + 1)): 1 })), 5);
        assert_eq!(seen(&sightings, "e1").len(), 1);
    }

    #[test]
    fn what_was_seen_before_is_joined_with_what_is_seen_now() {
        let (before, now) = (Sightings::default(), Sightings::default());
        before.note(&track("Bought", &json!({ "n": 1, "old": true })), 5);
        now.note(&track("Bought", &json!({ "n": 1.5 })), 5);
        now.take_news();
        now.add(before.all());
        assert!(!now.take_news(), "who kept it knows it");
        let wanted = [("n", ColumnType::Float), ("old", ColumnType::Bool)];
        assert_eq!(seen(&now, "Bought"), wanted.map(|(name, kind)| (name.to_owned(), kind)));
    }
}
