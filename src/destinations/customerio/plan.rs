//! Turns a batch into requests of `/api/v2/batch`, in the order of the events.
//!
//! Pure and deterministic: the same events give the same bytes. A merge never shares a request with another item of either
//! of its two people, so that what came before is done before it, and what comes after finds one person.

use std::collections::HashSet;
use std::sync::Arc;

use super::map::{Mapped, Mapper, Not};
use crate::destinations::kit::Call;
use crate::destinations::kit::pack::{Frame, Item, Packed, pack};
use crate::destinations::{Plan, Planned};
use crate::spec::{Event, Kind};

/// Where items go.
const BATCH: &str = "api/v2/batch";
/// Where reports about messages go.
const METRICS: &str = "api/v1/metrics";
/// Answers which data center an account is in.
const REGION: &str = "api/v1/accounts/region";

/// Most bytes of a request: "500 KB", taken as the smaller of what that may mean,
/// <https://docs.customer.io/integrations/api/track/#tag/track_v2>.
pub(super) const MAX_BODY_BYTES: usize = 500_000;
/// No number is documented; this one is known to be in use.
const MAX_ITEMS: usize = 1000;

const FRAME: Frame<'_> =
    Frame { head: br#"{"batch":["#, tail: b"]}", max_items: MAX_ITEMS, max_bytes: MAX_BODY_BYTES };

/// One outbound request.
#[derive(Debug, Clone)]
pub struct Request {
    /// Where and what.
    pub call: Call,
    /// What is in it.
    pub holds: Holds,
}

/// What a request holds, which an answer is read by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holds {
    /// Items of a batch, in order.
    Items(Vec<ItemOf>),
    /// A report about a message.
    Metric,
    /// A question in which data center the account is.
    Region,
    /// A batch without items, which tries the right to send one.
    Nothing,
}

/// Whose item it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemOf {
    /// The place of its event among those of the request.
    pub event: usize,
    /// Whether it merges two people.
    pub merges: bool,
}

/// Plans a batch; with it how many texts and names were cut.
pub(super) fn plan(mapper: &Mapper, events: &[Arc<Event>]) -> (Plan<Request>, u64) {
    let mut plan = Plan::default();
    let (mut items, mut metrics, mut cut) = (Vec::with_capacity(events.len()), Vec::new(), 0);
    let mut barrier = Barrier::of(events);
    for (index, event) in events.iter().enumerate() {
        match mapper.map(event) {
            Ok(Mapped::Items { items: made, cuts }) => {
                let begins = barrier.stands_before(event);
                let item = |(place, json)| Item { event: index, json, begins: begins && place == 0 };
                items.extend(made.into_iter().enumerate().map(item));
                cut += cuts;
            }
            Ok(Mapped::Metric(body)) => metrics.push(metric(index, body)),
            Err(Not::Skipped(reason)) => plan.skipped.push((index, reason)),
            Err(Not::Refused(fault)) => plan.refused.push((index, fault)),
        }
    }
    plan.requests = pack(items, FRAME).into_iter().map(|packed| batch(packed, events)).collect();
    // Reports are about messages and not about people: they may come after what came later.
    plan.requests.append(&mut metrics);
    (plan, cut)
}

/// Returns what `check --probe` asks: where the account is, and whether the key may send.
pub(super) fn probes() -> Vec<Request> {
    vec![
        Request { call: Call::get(REGION), holds: Holds::Region },
        Request { call: Call::json(BATCH, &br#"{"batch":[]}"#[..]), holds: Holds::Nothing },
    ]
}

fn batch(packed: Packed, events: &[Arc<Event>]) -> Planned<Request> {
    let named = packed.events();
    let merges = |index: usize| events.get(index).is_some_and(|event| event.head.kind == Kind::Alias);
    let mut place = 0;
    let item = |index: &usize| {
        // Both are in order, and no event is skipped.
        place += usize::from(named.get(place) != Some(index));
        ItemOf { event: place, merges: merges(*index) }
    };
    let items = packed.items.iter().map(item).collect();
    let request = Request { call: Call::json(BATCH, packed.body), holds: Holds::Items(items) };
    Planned { request, events: named }
}

fn metric(index: usize, body: Vec<u8>) -> Planned<Request> {
    let request = Request { call: Call::json(METRICS, body), holds: Holds::Metric };
    Planned { request, events: vec![index] }
}

/// Keeps a merge and the other items of its people apart.
struct Barrier {
    /// There is a merge in the batch; there hardly ever is.
    matters: bool,
    /// Everybody in the open request.
    people: HashSet<u64>,
    /// Those who are merged in it.
    merged: HashSet<u64>,
}

impl Barrier {
    fn of(events: &[Arc<Event>]) -> Barrier {
        let matters = events.iter().any(|event| event.head.kind == Kind::Alias);
        Barrier { matters, people: HashSet::new(), merged: HashSet::new() }
    }

    /// Says whether the event must begin a request, and counts its people to the open one.
    fn stands_before(&mut self, event: &Event) -> bool {
        if !self.matters {
            return false;
        }
        let merges = event.head.kind == Kind::Alias;
        let keys: Vec<u64> = event.order_keys().collect();
        let meets = |known: &HashSet<u64>| keys.iter().any(|key| known.contains(key));
        let begins = meets(&self.merged) || (merges && meets(&self.people));
        if begins {
            self.people.clear();
            self.merged.clear();
        }
        if merges {
            self.merged.extend(&keys);
        }
        self.people.extend(keys);
        begins
    }
}
