//! Turns events into requests: bodies by splicing the events' own text, ids that stay the same when a body is sent again.
//!
//! Pure and deterministic: the same events and the same `first_at` give the same bytes, which is what lets a receiver
//! use `webhook-id` as its idempotency key. Time stamp and signature belong to one attempt and are made by the client.

use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::config::Format;
use crate::destinations::{Attempt, Plan, Planned};
use crate::spec::Event;

/// What the server adds to one event, about; only to size buffers.
const ADDED_BYTES: usize = 160;

/// One outbound request.
#[derive(Debug, Clone)]
pub enum Request {
    /// Events for the receiver.
    Events(Post),
    /// A question to the address that carries no event.
    Probe,
}

/// A request that carries events.
#[derive(Debug, Clone)]
pub struct Post {
    /// `webhook-id`.
    pub id: String,
    /// `X-OpenTrack-Attempt`; 1 for the first.
    pub attempt: u32,
    /// `Content-Type`.
    pub content_type: &'static str,
    /// The body before compression.
    pub body: Bytes,
    /// The events in it, in order; an answer may name them.
    pub events: Vec<Arc<Event>>,
}

/// Plans a batch for the destination of this name.
pub(super) fn plan(name: &str, format: Format, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
    let size = if format == Format::Single { 1 } else { events.len().max(1) };
    let groups = events.chunks(size).enumerate();
    let requests = groups.map(|(group, events)| Planned {
        request: Request::Events(post(name, format, events, attempt)),
        events: (group * size..group * size + events.len()).collect(),
    });
    Plan { requests: requests.collect(), ..Plan::default() }
}

fn post(name: &str, format: Format, events: &[Arc<Event>], attempt: &Attempt) -> Post {
    Post {
        id: message_id(name, events),
        attempt: attempt.number,
        content_type: content_type(format),
        body: body(format, events, attempt.first_at),
        events: events.to_vec(),
    }
}

const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Ndjson => "application/x-ndjson",
        Format::Batch | Format::Array | Format::Single => "application/json",
    }
}

fn body(format: Format, events: &[Arc<Event>], first_at: Timestamp) -> Bytes {
    let size: usize = events.iter().map(|event| event.raw.len() + ADDED_BYTES).sum();
    let mut out = Vec::with_capacity(size + ADDED_BYTES);
    let (head, separator, tail) = frame(format, first_at);
    out.extend_from_slice(head);
    for (index, event) in events.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(separator);
        }
        event.write_json(&mut out);
    }
    out.extend_from_slice(tail.as_bytes());
    out.into()
}

/// What stands before, between and after the events.
fn frame(format: Format, first_at: Timestamp) -> (&'static [u8], &'static [u8], String) {
    match format {
        // Milliseconds, as Segment's libraries write them.
        Format::Batch => (br#"{"batch":["#, b",", format!(r#"],"sentAt":"{first_at:.3}"}}"#)),
        Format::Array => (b"[", b",", "]".to_owned()),
        Format::Ndjson => (b"", b"\n", "\n".to_owned()),
        Format::Single => (b"", b"", String::new()),
    }
}

/// An id that depends on the destination's name and on which events are sent, in which order, and on nothing else.
fn message_id(name: &str, events: &[Arc<Event>]) -> String {
    let mut hash = Sha256::new();
    let ids = events.iter().map(|event| event.head.message_id.as_ref());
    for part in std::iter::once(name).chain(ids) {
        // With their lengths, so that two lists never run together into the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    // 128 bits: no two requests ever share an id, and the header stays readable.
    let mut id = String::from("msg_");
    for byte in hash.finalize().iter().take(16) {
        write!(id, "{byte:02x}").ok();
    }
    id
}
