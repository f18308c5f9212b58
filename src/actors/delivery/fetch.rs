//! Reading ahead: events come from the hot tail or from disk, and what the destination has no use for is left out here.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use actix::prelude::*;

use super::notes::End;
use super::{Delivery, Machine, Parts};
use crate::actors::messages::Settlement;
use crate::destinations::{self, Destination};
use crate::journal::{JournalError, Looked, Position, ReadLimit, Record};
use crate::policy::delivery::{Input, Item, Keys};
use crate::policy::outcome::{Reason, Verdict};
use crate::spec::Event;
use crate::telemetry::events;

impl<D: Destination> Parts<D> {
    /// Returns whether the record is this delivery's business: one that is there again for another destination's sake is not,
    /// and a replay sends an event again as it was accepted, once.
    fn is_meant(&self, event: &Event) -> bool {
        let again = event.receipt.redelivery.is_some();
        event.receipt.is_for(&self.name) && !(again && self.replay.is_some())
    }
}

impl<D: Destination> Delivery<D> {
    /// Answers from the hot tail at once, from disk later.
    pub(super) fn fetch(
        &mut self,
        from: Position,
        limit: ReadLimit,
        ctx: &mut Context<Self>,
    ) -> Option<Input> {
        // Taken before the read: an empty answer says that nothing is left up to here, and no more than that.
        let end = Position(self.journal_end(self.parts.extent()));
        if let Some(scope) = &self.parts.replay {
            if scope.must_yield(self.parts.journal.extent(), limit.records, self.fetched_at) {
                return Some(Input::FetchFailed);
            }
            self.fetched_at = Some(tokio::time::Instant::now());
        }
        if let Some(looked) = self.parts.tail(from, limit, end) {
            return Some(self.admit(from, looked));
        }
        let parts = Arc::clone(&self.parts);
        let read = tokio::task::spawn_blocking(move || parts.look(from, limit, end)).into_actor(self);
        ctx.spawn(read.map(move |read, delivery, ctx| {
            delivery.look_back(ctx);
            let input = match read {
                Ok(Ok(looked)) => delivery.admit(from, looked),
                Ok(Err(JournalError::Damaged(why))) => delivery.passed_over(from, &why),
                Ok(Err(error)) => delivery.unread(&error.to_string()),
                Err(panic) => delivery.unread(&panic.to_string()),
            };
            delivery.give(input, ctx);
        }));
        None
    }

    fn unread(&mut self, why: &str) -> Input {
        self.trouble("read the journal", why);
        Input::FetchFailed
    }

    /// Keeps what the destination wants. Positions without a record (erased) are passed over.
    fn admit(&mut self, from: Position, looked: Looked) -> Input {
        let Looked { records, through: Position(through) } = looked;
        let moved = self.moved(from.0..through);
        let dropped_below = self.machine.as_ref().map_or(0, Machine::dropped_below);
        let known = self.machine.as_ref().map(Machine::settled);
        let known = known.filter(|settled| settled.touches(from.0..through));
        let read = records.len() as u64;
        let mut items = Vec::with_capacity(records.len());
        let mut skipped: HashMap<Reason, u64> = HashMap::new();
        let mut shown = self.shown_here();
        for Record { position, event } in records {
            // Settled before a restart, or lost meanwhile: counted already.
            let is_settled = known.is_some_and(|settled| settled.contains(position.0));
            let is_moved = moved.iter().any(|range| range.contains(&position.0));
            if is_settled || is_moved || !self.parts.is_meant(&event) {
                continue;
            }
            match self.parts.wants(&event) {
                Verdict::No(reason) => {
                    *skipped.entry(reason).or_default() += 1;
                    shown.iter_mut().for_each(|shown| shown.push(skipped_here(&event, reason)));
                    // What a replay leaves out has its fate already.
                    let told = Some(reason).filter(|_| self.parts.replay.is_none());
                    told.into_iter().for_each(|reason| self.notes.ended(position.0, End::Skipped(reason)));
                }
                Verdict::Yes => {
                    items.push(Item {
                        position: position.0,
                        bytes: event.size(),
                        keys: keys(&event, self.parts.destination.keeps_order()),
                    });
                    // What is dropped at once takes no memory.
                    let event = Some(event).filter(|_| position.0 >= dropped_below);
                    event.into_iter().for_each(|event| self.events.offer(position.0, event));
                }
            }
        }
        self.show_settled(shown);
        self.tally.read(read, items.len() as u64);
        if self.parts.replay.is_none() {
            skipped.into_iter().for_each(|(reason, count)| self.skipped(reason, count));
        }
        Input::Fetched { from: from.0, through, items }
    }

    /// Returns what another router has, or what was settled before it came to lie here. It was counted there and then; here it
    /// leaves a word for whoever traces it.
    fn moved(&mut self, range: Range<u64>) -> Vec<Range<u64>> {
        let moved = self.parts.journal.passed_over(&self.parts.cursor, range);
        self.notes.ended_at(moved.clone(), End::Skipped(Reason::Moved));
        moved
    }

    pub(super) fn skipped(&mut self, reason: Reason, count: u64) {
        self.tally.skipped(reason.as_str(), count);
        let destination = self.parts.name.as_str();
        events::EventsSkipped { destination, reason: reason.as_str(), count }.emit(&self.parts.metrics);
    }
}

fn skipped_here(event: &Arc<Event>, reason: Reason) -> Settlement {
    Settlement::skipped(event, reason.as_str())
}

/// Returns the hashes that tie an event to others; none where order means nothing.
fn keys(event: &Event, keeps_order: bool) -> Keys {
    let mut keys = Keys::default();
    if !keeps_order {
        return keys;
    }
    keys.iter_mut().zip(event.order_keys()).for_each(|(place, key)| *place = key);
    keys
}

impl<D: Destination> Parts<D> {
    fn wants(&self, event: &Event) -> Verdict {
        if self.replay.as_ref().is_some_and(|scope| !scope.passes(event)) {
            return Verdict::No(Reason::Filtered);
        }
        let rules = (&self.filter, self.discretion.as_ref());
        destinations::wants(self.destination.as_ref(), &self.name, rules, event)
    }
}
