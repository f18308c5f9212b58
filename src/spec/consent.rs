//! What an event says about its user's consent: the categories that a consent manager states, and the signals that the
//! user's browser sent with the request; and what the browser's script says of how it came to send the event.
//!
//! Only reads. What follows for a destination is decided by `policy::consent`.

use super::Event;
use super::layout::{self, Field};

/// What a browser says about tracking with every request. Stored with the event, so that a replay decides the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Signals {
    /// `Sec-GPC: 1`, Global Privacy Control: do not sell or share what you learn about me.
    pub gpc: bool,
    /// `DNT: 1`, Do Not Track.
    pub dnt: bool,
}

impl Signals {
    /// Returns whether the browser said anything.
    pub fn any(self) -> bool {
        self.gpc || self.dnt
    }
}

/// What one event states about categories: the text of its `context.consent.categoryPreferences`.
#[derive(Debug, Clone, Copy)]
pub struct Stated<'a>(Option<&'a str>);

impl<'a> Stated<'a> {
    /// Returns what the text of a context states.
    pub(super) fn in_context(context: Option<&'a str>) -> Stated<'a> {
        let consent = context.and_then(|context| layout::member(context, "consent"));
        Stated(consent.and_then(|consent| layout::member(consent, "categoryPreferences")))
    }

    /// Returns what is stated about a category of exactly this name; `None` when nothing is. Only `true` is consent: a text
    /// or a number is taken as `false`, since nobody knows what it was to mean.
    pub fn about(&self, category: &str) -> Option<bool> {
        match layout::member(self.0?, category)? {
            "null" => None,
            raw => Some(raw == "true"),
        }
    }
}

/// Returns whether the text of a context says `cookieless`.
pub(super) fn is_cookieless(context: Option<&str>) -> bool {
    context.and_then(|context| layout::member(context, "cookieless")) == Some("true")
}

impl Event {
    /// Returns what the event states about its user's consent, in the form of Segment's consent managers.
    pub fn consent(&self) -> Stated<'_> {
        Stated::in_context(self.context_text())
    }

    /// Returns whether its script says that it keeps nothing in the browser, as it does until its user allows that.
    pub fn is_cookieless(&self) -> bool {
        is_cookieless(self.context_text())
    }

    /// Returns whether the browser's script says that it sent the event by itself.
    pub fn is_automatic(&self) -> bool {
        self.context_text().and_then(|context| layout::member(context, "automatic")) == Some("true")
    }

    fn context_text(&self) -> Option<&str> {
        let context = self.marks().iter().rfind(|mark| mark.field == Field::Context)?;
        Some(context.value.of(self.text()))
    }
}
