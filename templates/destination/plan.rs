//! Turns a batch into requests. Pure: the same events give the same bytes, so that a retry is recognised.

use std::sync::Arc;

use super::map;
use crate::destinations::kit::Call;
use crate::destinations::kit::pack::{Frame, Item, pack};
use crate::destinations::{Plan, Planned};
use crate::policy::outcome::{Fault, Reason};
use crate::spec::Event;

// https://parrot.example/docs/limits
pub(super) const MAX_ITEMS: usize = 100;
const MAX_BODY_BYTES: usize = 500_000;
const MAX_ITEM_BYTES: usize = 32_000;

const FRAME: Frame<'static> =
    Frame { head: br#"{"events":["#, tail: b"]}", max_items: MAX_ITEMS, max_bytes: MAX_BODY_BYTES };

/// Plans a batch; every event is in one request or among the refused.
pub(super) fn plan(events: &[Arc<Event>]) -> Plan<Call> {
    let mut plan = Plan::default();
    let mut items = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let json = map::item(event);
        if json.len() > MAX_ITEM_BYTES {
            let words = format!("{} bytes, at most {MAX_ITEM_BYTES}", json.len());
            plan.refused.push((index, Fault::new(Reason::TooLarge, None, words)));
        } else {
            items.push(Item { event: index, json, begins: false });
        }
    }
    let bodies = pack(items, FRAME).into_iter();
    plan.requests = bodies
        .map(|packed| Planned { events: packed.events(), request: Call::json("v1/events", packed.body) })
        .collect();
    plan
}
