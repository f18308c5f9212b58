//! One event in the terms of the realtime view: which numbers it moves, and whose presence it shows. Pure.

mod money;

use std::borrow::Cow;

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

use super::shop::{self, Turn};
use crate::destinations::kit::text::cut;
use crate::policy::outcome::{Reason, Verdict};
use crate::projections::live::vitals::Reading;
use crate::projections::live::{self, Options};
use crate::projections::presence;
use crate::projections::session::Hit;
use crate::spec::{Event, Glance, Kind};

pub(super) use money::Order;

/// Longer ids stand in keys as their hash.
const MAX_ID_BYTES: usize = 255;
/// Most bytes of a page or of an event's name.
const MAX_TEXT_BYTES: usize = 512;

/// An event older than this moves no number: the counters of its minute are gone, and so are the marks of what was counted.
pub(super) const MAX_AGE_MS: i64 = 7_200_000;

/// What an event says here.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Note<'a> {
    /// The message id, by which it is counted once.
    pub(super) id: Cow<'a, str>,
    /// When it happened, in milliseconds since 1970.
    pub(super) at: i64,
    /// `page`, `track`, …
    pub(super) kind: &'static str,
    /// The event of a track call, the name of a page or screen.
    pub(super) name: Option<&'a str>,
    /// Whose it is.
    pub(super) visitor: Cow<'a, str>,
    /// Where the visitor was.
    pub(super) page: Option<String>,
    /// Whether it was made by somebody who was there, and not by a server about them.
    pub(super) is_here: bool,
    /// What was bought.
    pub(super) order: Option<Order>,
    /// When it arrived, in milliseconds since 1970.
    pub(super) arrived: i64,
    /// What it says of the visitor's session; nothing where nobody was there.
    pub(super) hit: Option<Hit<'static>>,
    /// What was measured.
    pub(super) reading: Option<Reading>,
    /// What it says of what is bought.
    pub(super) turn: Option<Turn>,
}

/// Returns whether the event moves any number.
pub(super) fn wants(event: &Event) -> Verdict {
    match presence::visitor(event) {
        None => Verdict::No(Reason::NoIdentity),
        Some(_) if presence::is_bot(&Glance::of(event)) => Verdict::No(Reason::Unsupported),
        Some(_) => Verdict::Yes,
    }
}

/// Returns what the event says.
pub(super) fn note<'a>(event: &'a Event, options: &Options) -> Note<'a> {
    let at = event.receipt.timestamp.as_millisecond();
    let glance = Glance::of(event);
    let is_here = presence::is_present(&glance);
    let (visitor, arrived) = (short(presence::visitor(event).unwrap_or_default()), event.receipt.received_at.as_millisecond());
    Note {
        turn: shop::turn(event, &visitor, (at, arrived), options),
        id: short(&event.head.message_id),
        at,
        kind: event.head.kind.as_str(),
        name: event.head.name.as_deref().map(|name| cut(name, MAX_TEXT_BYTES)),
        visitor,
        page: presence::page(&glance).map(|page| cut(&page, MAX_TEXT_BYTES).to_owned()),
        is_here,
        order: (event.head.kind == Kind::Track).then(|| money::order(event)).flatten(),
        arrived,
        hit: live::hit(event, options),
        reading: Reading::of(event, options),
    }
}

/// Returns how long ago the event happened, in milliseconds.
pub(super) fn age(event: &Event, at: Timestamp) -> i64 {
    at.as_millisecond() - event.receipt.timestamp.as_millisecond()
}

pub(super) fn short(id: &str) -> Cow<'_, str> {
    if id.len() <= MAX_ID_BYTES { Cow::Borrowed(id) } else { Cow::Owned(digest(id)) }
}

/// Returns 32 hexadecimal digits that stand for a text.
pub(super) fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
