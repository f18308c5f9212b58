//! Writes values of attributes: dates as seconds, texts and names cut to what Customer.io takes, names left out.
//!
//! Straight from the event's text into the body; what needs no change is copied byte for byte.

use std::collections::BTreeSet;

use super::json::{Json, Key, Shape};
use super::{MAX_NAME_BYTES, MAX_VALUE_BYTES, instant};
use crate::destinations::kit::text::cut;

/// What is to be done with attributes.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Rules {
    /// Texts that are ISO 8601 instants become seconds since 1970.
    pub iso_dates: bool,
    /// `{"a":{"b":1}}` becomes `{"a.b":1}`.
    pub flatten: bool,
    /// What is too long is refused instead of cut.
    pub rejects: bool,
    /// Names, or paths with dots, that are never sent.
    pub drops: BTreeSet<String>,
}

/// A body that is being written.
#[derive(Debug)]
pub(super) struct Values<'r> {
    pub(super) rules: &'r Rules,
    pub(super) out: Vec<u8>,
    /// Names from the top down to the present one, where somebody needs them.
    path: String,
    /// How many texts and names were cut.
    pub(super) cuts: u64,
    /// Why the event is to be refused, where nothing may be cut.
    pub(super) refused: Option<String>,
}

impl<'r> Values<'r> {
    pub(super) fn new(rules: &'r Rules, capacity: usize) -> Values<'r> {
        let out = Vec::with_capacity(capacity);
        Values { rules, out, path: String::new(), cuts: 0, refused: None }
    }

    /// Appends this text as it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Appends a JSON string.
    pub(super) fn string(&mut self, text: &str) {
        // Writing to memory does not fail.
        serde_json::to_writer(&mut self.out, text).ok();
    }

    /// Appends a number.
    pub(super) fn number(&mut self, number: i64) {
        serde_json::to_writer(&mut self.out, &number).ok();
    }

    /// Appends an object without a comma or a name before it.
    pub(super) fn object(&mut self, object: Json<'_>) {
        self.raw("{");
        let mut is_first = true;
        for (key, value) in object.members() {
            let above = self.enter(key);
            if !self.is_dropped() {
                self.raw(if is_first { "" } else { "," });
                self.name(key, false);
                self.value(value);
                is_first = false;
            }
            self.leave(above);
        }
        self.raw("}");
    }

    /// Appends any value.
    pub(super) fn value(&mut self, value: Json<'_>) {
        match value.shape() {
            Shape::Object => self.object(value),
            Shape::Array => self.array(value),
            Shape::Text => self.text(value),
            Shape::Other => self.raw(value.raw()),
        }
    }

    /// Appends the name and a colon. With `whole` the name is the path.
    pub(super) fn name(&mut self, key: Key<'_>, whole: bool) {
        let raw = key.raw();
        if !whole && raw.len() <= MAX_NAME_BYTES {
            self.raw("\"");
            self.raw(raw);
            return self.raw("\":");
        }
        let name = if whole { self.path().to_owned() } else { key.name().into_owned() };
        if name.len() > MAX_NAME_BYTES {
            self.too_long("the name", &name, MAX_NAME_BYTES);
        }
        self.string(cut(&name, MAX_NAME_BYTES));
        self.raw(":");
    }

    /// Goes down to a member; what is returned leads back.
    pub(super) fn enter(&mut self, key: Key<'_>) -> usize {
        let above = self.path.len();
        if self.rules.flatten || !self.rules.drops.is_empty() {
            self.path.push_str(if above == 0 { "" } else { "." });
            self.path.push_str(&key.name());
        }
        above
    }

    pub(super) fn leave(&mut self, above: usize) {
        self.path.truncate(above);
    }

    /// Returns the names down to the present member, with dots; only kept with `flatten` or `drops`.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// Returns whether the present member is one that is never sent.
    pub(super) fn is_dropped(&self) -> bool {
        !self.rules.drops.is_empty() && self.rules.drops.contains(&self.path)
    }

    /// Notes that something was too long.
    pub(super) fn too_long(&mut self, what: &str, which: &str, most: usize) {
        self.cuts += 1;
        if self.rules.rejects && self.refused.is_none() {
            let which = cut(which, 60);
            self.refused = Some(format!("{what} `{which}` is longer than {most} bytes"));
        }
    }

    fn array(&mut self, array: Json<'_>) {
        self.raw("[");
        for (index, element) in array.elements().enumerate() {
            self.raw(if index == 0 { "" } else { "," });
            self.value(element);
        }
        self.raw("]");
    }

    fn text(&mut self, value: Json<'_>) {
        let inside = value.quoted().unwrap_or_default();
        if self.rules.iso_dates
            && let Some(seconds) = instant::of_iso(inside)
        {
            return self.number(seconds);
        }
        // Without its escapes a text is never longer.
        if inside.len() <= MAX_VALUE_BYTES {
            return self.raw(value.raw());
        }
        let text = value.text().unwrap_or_default();
        if text.len() <= MAX_VALUE_BYTES {
            return self.raw(value.raw());
        }
        self.too_long("the value", &text, MAX_VALUE_BYTES);
        self.string(cut(&text, MAX_VALUE_BYTES));
    }
}
