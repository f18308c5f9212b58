//! One event as the live views see it.
//!
//! Separate so that an event is looked into once for all of them. What is a bot's or nobody's is of no concern.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::Options;
use crate::projections::session::Hit;
use crate::projections::{presence, reading};
use crate::spec::{Event, Kind};

/// Most parameters of a campaign.
const MOST_PAIRS: usize = 10;

/// See the module.
pub(super) struct Sight<'a> {
    pub(super) visitor: &'a str,
    /// When it happened and when it arrived, in milliseconds since 1970.
    pub(super) ts: i64,
    pub(super) at: i64,
    pub(super) kind: Kind,
    /// The name of a track call; empty for another.
    pub(super) event: &'a str,
    /// The visitor was there, and not a server that speaks of one.
    pub(super) is_here: bool,
    /// Where the visitor was.
    pub(super) path: Option<Cow<'a, str>>,
    inner: &'a Event,
}

impl<'a> Sight<'a> {
    /// Returns what is seen of an event.
    pub(super) fn of(event: &'a Event, options: &Options) -> Option<Sight<'a>> {
        let visitor = presence::visitor(event)?;
        if presence::is_bot(event) {
            return None;
        }
        let is_here = presence::is_present(event);
        let path = if is_here { path(event, options) } else { None };
        Some(Sight {
            visitor,
            ts: event.receipt.timestamp.as_millisecond(),
            at: event.receipt.received_at.as_millisecond(),
            kind: event.head.kind,
            event: event.head.name.as_deref().filter(|_| event.head.kind == Kind::Track).unwrap_or_default(),
            is_here,
            path,
            inner: event,
        })
    }

    pub(super) fn is_view(&self) -> bool {
        matches!(self.kind, Kind::Page | Kind::Screen)
    }

    /// Returns the event as sessions see it.
    pub(super) fn hit(&self) -> Hit {
        let is_view = self.is_view();
        Hit {
            // What became of one event is nobody's question here.
            id: String::new(),
            visitor: self.visitor.to_owned(),
            ts: self.ts,
            kind: self.kind,
            event: Some(self.event).filter(|name| !name.is_empty()).map(str::to_owned),
            path: self.path.as_deref().filter(|_| is_view).map(str::to_owned),
            referrer: if is_view { referrer(self.inner) } else { None },
            campaign: if is_view { campaign(self.inner) } else { None },
            engaged_ms: engaged_ms(self.inner),
        }
    }
}

/// Returns the text at a name, of the properties of a page, else of `context.page`.
fn page_text<'a>(event: &'a Event, name: &str) -> Option<&'a str> {
    let own = event.properties().filter(|_| event.head.kind == Kind::Page);
    let around = event.context().and_then(|context| context.get("page")?.as_object());
    let found = [own, around].into_iter().flatten().filter_map(|map| map.get(name)?.as_str());
    found.map(str::trim).find(|text| !text.is_empty())
}

fn path<'a>(event: &'a Event, options: &Options) -> Option<Cow<'a, str>> {
    presence::address(event, &options.spelling)
}

/// A page of the same host is no place to come from.
fn referrer(event: &Event) -> Option<String> {
    let referrer = page_text(event, "referrer")?;
    let is_own = page_text(event, "url").is_some_and(|url| reading::is_internal(referrer, url));
    // A query may hold what nobody else is to read.
    let bare = referrer.split(['?', '#']).next().unwrap_or_default();
    (!is_own).then(|| reading::cut(Cow::Borrowed(bare)).into_owned())
}

fn campaign(event: &Event) -> Option<Map<String, Value>> {
    let campaign = event.context()?.get("campaign")?.as_object()?;
    let text = |(name, value): (&String, &Value)| {
        let value = reading::cut(Cow::Borrowed(value.as_str()?)).into_owned();
        Some((reading::cut(Cow::Borrowed(name)).into_owned(), Value::String(value)))
    };
    Some(campaign.iter().take(MOST_PAIRS).filter_map(text).collect())
}

/// Returns how long the page was looked at, as a track call tells it.
fn engaged_ms(event: &Event) -> Option<i64> {
    let properties = event.properties().filter(|_| event.head.kind == Kind::Track)?;
    reading::engaged_ms(properties)
}
