//! What one event is in Parrot's words. It never looks at another event, at the settings of a batch or at the time.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::policy::outcome::{Reason, Verdict};
use crate::spec::{Event, Kind};

/// One event as Parrot takes it: <https://parrot.example/docs/events>.
#[derive(Serialize)]
struct Told<'a> {
    id: &'a str,
    name: &'a str,
    user: &'a str,
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<&'a Map<String, Value>>,
}

/// Returns whether Parrot has a use for the event.
pub(super) fn wants(event: &Event) -> Verdict {
    match event.head.kind {
        Kind::Track | Kind::Page | Kind::Screen if user(event).is_some() => Verdict::Yes,
        Kind::Track | Kind::Page | Kind::Screen => Verdict::No(Reason::NoIdentity),
        Kind::Identify | Kind::Group | Kind::Alias => Verdict::No(Reason::Unsupported),
    }
}

/// Returns the event as JSON.
pub(super) fn item(event: &Event) -> Vec<u8> {
    let head = &event.head;
    let told = Told {
        id: &head.message_id,
        name: head.name.as_deref().unwrap_or(head.kind.as_str()),
        user: user(event).unwrap_or_default(),
        at: event.receipt.timestamp,
        data: event.properties(),
    };
    // Writing to memory what was read as JSON does not fail.
    serde_json::to_vec(&told).unwrap_or_default()
}

fn user(event: &Event) -> Option<&str> {
    event.head.user_id.as_deref().or(event.head.anonymous_id.as_deref())
}
