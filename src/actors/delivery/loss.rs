//! Events that a destination will never get: given up by the journal, unreadable, or dropped by an operator.
//!
//! Separate because each must be counted exactly once, in the totals that the cursor keeps and in the metrics.

use actix::prelude::*;
use tokio::sync::oneshot;

use super::Delivery;
use crate::actors::messages::{BacklogDropped, DropBacklog};
use crate::destinations::Destination;
use crate::journal::Position;
use crate::policy::delivery::Input;
use crate::policy::outcome::Reason;
use crate::telemetry::events;

/// Who waits for the end of a [`DropBacklog`].
pub(super) type Waiting = Vec<oneshot::Sender<Result<BacklogDropped, String>>>;

impl<D: Destination> Delivery<D> {
    /// Notices that the journal has given up records before this destination had settled them. To be called after a read
    /// and before its result is used: only then a gap in the result is known for what it is.
    pub(super) fn look_back(&mut self, ctx: &mut Context<Self>) {
        let extent = self.parts.extent();
        if self.machine.as_ref().is_some_and(|machine| machine.settled().mark() < extent.first.0) {
            self.give(Input::Gone { first: extent.first.0, full: extent.dropped.0 }, ctx);
            self.forget_lost();
        }
    }

    /// Goes on behind a record that nobody can read: it would stop everything after it for ever.
    pub(super) fn passed_over(&mut self, from: Position, why: &str) -> Input {
        self.trouble("read a record", why);
        if self.machine.as_ref().is_some_and(|machine| !machine.settled().contains(from.0)) {
            self.lost(Reason::Damaged, 1);
        }
        Input::Fetched { from: from.0, through: from.0 + 1, items: Vec::new() }
    }

    /// Counts events that are lost here.
    pub(super) fn lost(&mut self, reason: Reason, count: u64) {
        // What passes a replay by was delivered, or counted, before.
        if count == 0 || self.parts.replay.is_some() {
            return;
        }
        let (destination, word) = (self.parts.name.as_str(), reason.as_str());
        self.tally.buried(word, count);
        let lost = events::EventsLost { destination, reason: word, count };
        match reason {
            // One line at the end says it all.
            Reason::DroppedByOperator => lost.count(&self.parts.metrics),
            _ => lost.emit(&self.parts.metrics),
        }
    }

    pub(super) fn backlog_dropped(&mut self, count: u64, in_flight: u64) {
        events::BacklogDropped { destination: &self.parts.name, count, in_flight }.emit();
        for answer in self.dropping.drain(..) {
            if answer.send(Ok(BacklogDropped { count, in_flight })).is_err() {
                events::NobodyThere { message: "the end of a dropped backlog" }.emit();
            }
        }
    }

    fn forget_lost(&mut self) {
        let Some(machine) = &self.machine else { return };
        self.events.retain(|position| machine.holds(position));
    }
}

impl<D: Destination> Handler<DropBacklog> for Delivery<D> {
    type Result = ResponseFuture<Result<BacklogDropped, String>>;

    fn handle(&mut self, _: DropBacklog, ctx: &mut Context<Self>) -> Self::Result {
        if self.machine.is_none() {
            let why = self.last_error.as_ref().map_or("it is starting", |error| error.message.as_str());
            return Box::pin(std::future::ready(Err(format!("the destination is not ready: {why}"))));
        }
        let (answer, answered) = oneshot::channel();
        self.dropping.push(answer);
        self.look(ctx);
        let below = self.parts.journal.extent().next.0;
        self.give(Input::Drop { below }, ctx);
        self.forget_lost();
        Box::pin(async move {
            answered.await.unwrap_or_else(|_| Err("the destination stopped before all was dropped".into()))
        })
    }
}
