//! What is said of one event on `/api/live`, as JSON. Pure.
//!
//! An event is told by its id, kind and name alone: what it holds never leaves this way. Of the other side's words only the
//! beginning is told; the secrets of a destination were masked where its answer was read.

use jiff::Timestamp;
use serde::Serialize;

use crate::actors::messages::Settlement;
use crate::journal::attempts::Attempt;
use crate::spec::{Event, Kind, Rejected, beginning_of_id};

/// Most bytes of an answer or a name in a frame: enough to know the trouble; the whole of it is in the event's journey.
const TEXT_BYTES: usize = 256;

/// One frame; the members are those of the interface, in its order.
#[derive(Debug, Serialize)]
pub(super) struct Shown<'a> {
    message_id: Option<&'a str>,
    kind: Option<Kind>,
    name: Option<&'a str>,
    source: &'a str,
    destination: Option<&'a str>,
    outcome: &'a str,
    reason: Option<&'a str>,
    status: Option<u16>,
    answer: Option<&'a str>,
    latency_ms: Option<u64>,
    at: Timestamp,
}

impl<'a> Shown<'a> {
    fn of(event: &'a Event, outcome: &'a str) -> Shown<'a> {
        Shown {
            message_id: Some(beginning_of_id(&event.head.message_id)),
            kind: Some(event.head.kind),
            name: event.head.name.as_deref().map(cut),
            source: &event.receipt.source,
            destination: None,
            outcome,
            reason: None,
            status: None,
            answer: None,
            latency_ms: None,
            at: event.receipt.received_at,
        }
    }

    pub(super) fn accepted(event: &'a Event) -> Shown<'a> {
        Shown::of(event, "accepted")
    }

    pub(super) fn rejected(rejected: &'a Rejected) -> Shown<'a> {
        let problem = rejected.problems.first();
        Shown {
            message_id: rejected.message_id.as_deref().map(beginning_of_id),
            kind: None,
            name: None,
            source: &rejected.source,
            destination: None,
            outcome: "rejected",
            reason: problem.map(|problem| problem.code.as_str()),
            status: None,
            answer: problem.map(|problem| cut(&problem.message)),
            latency_ms: None,
            at: rejected.at,
        }
    }

    /// `latency_ms` is how long the other side took.
    pub(super) fn attempt(
        event: &'a Event,
        destination: &'a str,
        (at, attempt): (Timestamp, &'a Attempt),
    ) -> Shown<'a> {
        Shown {
            destination: Some(destination),
            reason: attempt.reason.as_deref(),
            status: attempt.status,
            answer: words(&attempt.answer),
            latency_ms: attempt.latency_ms,
            at,
            ..Shown::of(event, &attempt.class)
        }
    }

    /// `latency_ms` is the time since the event was accepted.
    pub(super) fn settled(end: &'a Settlement, destination: &'a str, at: Timestamp) -> Shown<'a> {
        let since = at.duration_since(end.event.receipt.received_at);
        Shown {
            destination: Some(destination),
            reason: end.reason,
            status: end.status,
            answer: words(&end.answer),
            latency_ms: u64::try_from(since.as_millis()).ok(),
            at,
            ..Shown::of(&end.event, end.fate)
        }
    }

    pub(super) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

fn words(answer: &str) -> Option<&str> {
    Some(cut(answer)).filter(|answer| !answer.is_empty())
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES)).unwrap_or(text)
}
