//! What an event says about its user's consent: the categories that a consent manager states, and the signals that the
//! user's browser sent with the request.
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

impl Event {
    /// Returns what the event states about its user's consent, in the form of Segment's consent managers.
    pub fn consent(&self) -> Stated<'_> {
        let context = self.marks().iter().rfind(|mark| mark.field == Field::Context);
        Stated::in_context(context.map(|mark| mark.value.of(self.text())))
    }
}
