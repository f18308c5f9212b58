//! An event as its parts, found once.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Options;
use super::address;
use super::context::Context;
use crate::spec::{Event, Kind};

/// The members of an object.
pub(super) type Members = Map<String, Value>;

/// An event with what the settings say about it.
pub(super) struct Call<'e> {
    pub(super) event: &'e Event,
    pub(super) options: &'e Options,
    pub(super) context: Context<'e>,
    /// Its own traits; those of the context are what a library repeats of an earlier identify.
    pub(super) traits: Option<&'e Members>,
    properties: Option<&'e Members>,
}

impl<'e> Call<'e> {
    pub(super) fn of(event: &'e Event, options: &'e Options) -> Call<'e> {
        Call {
            event,
            options,
            context: Context::of(event.context()),
            traits: event.tree().get("traits").and_then(Value::as_object),
            properties: event.properties(),
        }
    }

    /// The id that Meta recognises an event by when a pixel sends it too: the one that the page gave both, else ours.
    pub(super) fn id(&self) -> Cow<'e, str> {
        let given = ["event_id", "eventId"].into_iter().find_map(|name| self.property(name).and_then(word));
        given.unwrap_or(Cow::Borrowed(&self.event.head.message_id))
    }

    pub(super) fn properties(&self) -> Option<&'e Members> {
        self.properties
    }

    pub(super) fn property(&self, name: &str) -> Option<&'e Value> {
        self.properties?.get(name)
    }

    pub(super) fn property_text(&self, name: &str) -> Option<&'e str> {
        self.property(name).and_then(text)
    }

    /// The address of the page where it happened, when it is one of the web.
    pub(super) fn page_url(&self) -> Option<&'e str> {
        self.address().filter(|url| address::is_page(url))
    }

    /// Where it happened, as it is told. A track call's own `url` is most often that of a product.
    pub(super) fn address(&self) -> Option<&'e str> {
        let of_context = part(self.context.page, "url").and_then(text);
        let is_page = self.event.head.kind == Kind::Page;
        of_context.or_else(|| is_page.then(|| self.property_text("url")).flatten())
    }

    /// What follows the question mark of that page, when a library gives it apart.
    pub(super) fn page_search(&self) -> Option<&'e str> {
        let of_context = part(self.context.page, "search").and_then(text);
        let is_page = self.event.head.kind == Kind::Page;
        of_context.or_else(|| is_page.then(|| self.property_text("search")).flatten())
    }
}

/// Returns a member of an object that may be missing.
pub(super) fn part<'e>(members: Option<&'e Members>, name: &str) -> Option<&'e Value> {
    members?.get(name)
}

/// A text that says something, without the blanks around it.
pub(super) fn text(value: &Value) -> Option<&str> {
    value.as_str().map(str::trim).filter(|text| !text.is_empty())
}

/// Returns a text, or a number as text.
pub(super) fn word(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::Number(number) => Some(number.to_string().into()),
        value => text(value).map(Cow::Borrowed),
    }
}
