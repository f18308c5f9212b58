//! The `integrations` object of an event: which destinations its sender wants it to reach.
//!
//! Apart from the head because its rules are Segment's own (`All`, `Warehouses`, options objects) and every destination
//! asks them. Never knows which destinations exist: the names come from the caller.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What an event says about destinations. Empty means "all".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Integrations {
    /// The value of `All`, when given.
    pub all: Option<bool>,
    /// Every other key with whether it is wanted (an object counts as `true`), names as sent.
    pub named: Vec<(Box<str>, bool)>,
}

impl Integrations {
    /// Returns whether a destination that answers to any of `names` may have the event.
    ///
    /// Names are compared without regard to case. A named entry overrides `All`. `All: false` stops everything that
    /// is not named `true`; a warehouse is stopped only by its own name or by `Warehouses`.
    pub fn allow(&self, names: &[&str], is_warehouse: bool) -> bool {
        let named = |wanted: &str| {
            let hit = self.named.iter().rev().find(|(key, _)| key.eq_ignore_ascii_case(wanted));
            hit.map(|(_, on)| *on)
        };
        if let Some(on) = names.iter().find_map(|name| named(name)) {
            return on;
        }
        if is_warehouse {
            return named("Warehouses").unwrap_or(true);
        }
        self.all.unwrap_or(true)
    }

    /// Reads the raw JSON of an `integrations` object; anything else means "all".
    ///
    /// `true`, an object or an array with something in it want the destination; every other value does not. `Warehouses`
    /// may be an object with `all`, or with `warehouseIds`, which are ids of another system and count as wanted.
    pub(super) fn parse(text: &str) -> Integrations {
        if text == "{}" {
            return Integrations::default();
        }
        serde_json::Deserializer::from_str(text).deserialize_map(Entries).unwrap_or_default()
    }

    fn add(&mut self, name: Cow<'_, str>, value: &str) {
        match name.as_ref() {
            // RudderStack: a value that is no boolean reaches no destination.
            "All" | "all" => self.all = Some(value == "true"),
            // Segment's browser library names itself; it is no destination.
            "Segment.io" => {}
            _ if name.eq_ignore_ascii_case("Warehouses") => self.named.push((name.into(), warehouses(value))),
            // `null` says nothing.
            _ if value == "null" => {}
            _ => self.named.push((name.into(), is_on(value))),
        }
    }
}

fn is_on(value: &str) -> bool {
    value == "true" || value.starts_with(['{', '['])
}

fn warehouses(value: &str) -> bool {
    match super::layout::member(value, "all") {
        Some(all) => all != "false",
        None => is_on(value),
    }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Integrations;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Integrations, A::Error> {
        let mut read = Integrations::default();
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            if name == "Segment.io" {
                map.next_value::<IgnoredAny>()?;
            } else {
                read.add(name, map.next_value::<&'de RawValue>()?.get());
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_object_decides_who_may_have_the_event() {
        let cloud = (&["crm", "customerio", "Customer.io"][..], false);
        let store = (&["warehouse", "sqlite", "SQLite"][..], true);
        for (text, for_cloud, for_store) in [
            ("{}", true, true),
            (r#"{"All":true}"#, true, true),
            (r#"{"All":false}"#, false, true),
            (r#"{"All":"no"}"#, false, true),
            (r#"{"All":null}"#, false, true),
            (r#"{"Segment.io":true}"#, true, true),
            (r#"{"All":false,"Segment.io":true}"#, false, true),
            (r#"{"All":false,"Customer.io":true}"#, true, true),
            (r#"{"All":false,"customer.IO":{"a":{"b":1}}}"#, true, true),
            (r#"{"All":false,"CRM":true}"#, true, true),
            (r#"{"Customer.io":false}"#, false, true),
            (r#"{"Customer.io":null}"#, true, true),
            (r#"{"All":true,"customerio":false}"#, false, true),
            (r#"{"Customer.io":false,"Customer.io":true}"#, true, true),
            (r#"{"Cust\u006fmer.io":false}"#, false, true),
            (r#"{"Warehouses":false}"#, true, false),
            (r#"{"Warehouses":{"all":false}}"#, true, false),
            (r#"{"Warehouses":{"warehouseIds":["x"]}}"#, true, true),
            (r#"{"Warehouses":{"all":false},"SQLite":true}"#, true, true),
            (r#"{"sqlite":false}"#, true, false),
            (r#"{"All":false,"Warehouses":true}"#, false, true),
        ] {
            let read = Integrations::parse(text);
            assert_eq!(read.allow(cloud.0, cloud.1), for_cloud, "cloud {text}");
            assert_eq!(read.allow(store.0, store.1), for_store, "warehouse {text}");
        }
    }

    #[test]
    fn the_first_name_that_is_mentioned_decides() {
        let read = Integrations::parse(r#"{"crm":false,"Customer.io":true}"#);
        assert!(!read.allow(&["crm", "Customer.io"], false));
        assert!(read.allow(&["Customer.io"], false));
    }
}
