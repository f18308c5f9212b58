//! Turns events into requests of up to a thousand.
//!
//! Pure and deterministic: the same events and the same `first_at` give the same bytes, as long as none of them has become too
//! old meanwhile.

use std::sync::Arc;

use super::map::{self, No, Options};
use crate::destinations::kit::Call;
use crate::destinations::kit::pack::{Frame, Item, pack};
use crate::destinations::{Attempt, Plan, Planned};
use crate::policy::outcome::{Fault, Reason};
use crate::spec::Event;

/// Most events in one request: <https://developers.facebook.com/docs/marketing-api/conversions-api/using-the-api/>.
const MAX_EVENTS: usize = 1_000;
/// Most bytes of one request. Meta names no limit; this is twice what a thousand large orders need.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// One outbound request.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is sent.
    pub call: Call,
    /// Which attempt this is; 1 for the first.
    pub attempt: u32,
}

/// Where and how requests are sent, apart from the events.
pub(super) struct Terms {
    /// Path below the base address: version and pixel.
    pub(super) path: String,
    /// What stands after the events.
    pub(super) tail: String,
    pub(super) options: Options,
}

impl Terms {
    /// Returns the end of a body; the code has nothing that needs an escape.
    pub(super) fn tail(test_event_code: &str) -> String {
        if test_event_code.is_empty() {
            return "]}".to_owned();
        }
        format!(r#"],"test_event_code":"{test_event_code}"}}"#)
    }
}

/// Plans a batch.
pub(super) fn plan(terms: &Terms, events: &[Arc<Event>], attempt: &Attempt) -> Plan<Request> {
    let mut plan = Plan::default();
    let mut items = Vec::with_capacity(events.len());
    for (event, of) in events.iter().enumerate() {
        match map::write(of, &terms.options, attempt) {
            Ok(json) => items.push(Item { event, json, begins: false }),
            Err(No::Skip(reason)) => plan.skipped.push((event, reason)),
            Err(No::Refuse(what)) => plan.refused.push((event, Fault::new(Reason::Unmappable, None, what))),
        }
    }
    let frame = Frame {
        head: br#"{"data":["#,
        tail: terms.tail.as_bytes(),
        max_items: MAX_EVENTS,
        max_bytes: MAX_BYTES,
    };
    let request = |body| Request { call: Call::json(format!("{}/events", terms.path), body), attempt: attempt.number };
    let planned = pack(items, frame).into_iter();
    plan.requests =
        planned.map(|packed| Planned { events: packed.events(), request: request(packed.body) }).collect();
    plan
}
