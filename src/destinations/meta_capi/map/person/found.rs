//! Where a value about a person is looked for.

use serde_json::Value;

use crate::destinations::meta_capi::map::call::{Call, Members};

/// Most values of one kind; a longer list is no list of one person's addresses.
pub(super) const MOST_VALUES: usize = 10;

impl<'e> Call<'e> {
    /// Returns a value from the event's own traits, those of the context, or the properties.
    pub(super) fn own(&self, names: &[&str]) -> Option<&'e Value> {
        let places = [self.traits, self.context_traits, self.properties()];
        places.into_iter().flatten().find_map(|members| first(members, names))
    }

    /// Returns a value from the event's own traits or those of the context.
    pub(super) fn of_person(&self, name: &str) -> Option<&'e Value> {
        let places = [self.traits, self.context_traits];
        places.into_iter().flatten().find_map(|members| first(members, &[name]))
    }

    /// Returns a part of the person's address, which may also stand beside the other traits.
    pub(super) fn of_address(&self, names: &[&str]) -> Option<&'e Value> {
        let places = [self.traits, self.context_traits];
        places.into_iter().flatten().find_map(|members| {
            let address = members.get("address").and_then(Value::as_object);
            address.and_then(|address| first(address, names)).or_else(|| first(members, names))
        })
    }
}

fn first<'e>(members: &'e Members, names: &[&str]) -> Option<&'e Value> {
    names.iter().find_map(|name| members.get(*name).filter(|value| says_something(value)))
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.trim().is_empty(),
        Value::Number(_) => true,
        Value::Array(list) => list.iter().any(says_something),
        Value::Null | Value::Bool(_) | Value::Object(_) => false,
    }
}
