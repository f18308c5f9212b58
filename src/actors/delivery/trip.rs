//! A batch on its way out and back: an attempt is begun, and what it reports is noted, counted and told to the machine.
//!
//! Separate from the attempt, which runs beside the actor and knows nothing of it. Never decides what becomes of an event.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt as _;

use super::attempt::{self, Gear, Report};
use super::notes::End;
use super::{Delivery, Machine};
use crate::actors::messages::LastError;
use crate::destinations::{Attempt, Destination};
use crate::journal::Note;
use crate::policy::delivery::{Fate, Input};
use crate::policy::outcome::{Fault, Outcome, Reason};
use crate::telemetry::{clock, events};

impl<D: Destination> Delivery<D> {
    pub(super) fn send(&mut self, lane: u64, positions: Vec<u64>, attempt: Attempt, ctx: &mut Context<Self>) {
        let batch = positions.iter().map(|position| (*position, self.events.get(*position))).collect();
        let turnstile = Arc::clone(&self.turnstile);
        turnstile.set_share(self.machine.as_ref().map_or(1.0, Machine::share));
        let gear = Gear { turnstile, orders: ctx.address().recipient() };
        let work = attempt::make(Arc::clone(&self.parts), gear, batch, attempt);
        let work = AssertUnwindSafe(work).catch_unwind().into_actor(self);
        let in_flight = self.guard.tie();
        ctx.spawn(work.map(move |report, delivery, ctx| {
            drop(in_flight);
            let report = report.unwrap_or_else(|_| Report::all(&positions, Outcome::Transient(panicked())));
            delivery.reported(lane, report, ctx);
        }));
    }

    fn reported(&mut self, lane: u64, mut report: Report, ctx: &mut Context<Self>) {
        // What was not found may have been given up while the attempt looked for it.
        self.look_back(ctx);
        self.lost(Reason::Damaged, report.damaged);
        let skipped = report.skipped.len() as u64;
        for (position, reason) in &report.skipped {
            self.skipped(*reason, 1);
            self.notes.ended(*position, End::Skipped(*reason));
        }
        let settled = report.fates.iter().any(|(_, fate)| matches!(fate, Fate::Settled | Fate::Passed));
        let notes: Vec<Note> = std::mem::take(&mut report.trail).into_notes(&self.parts.name).collect();
        self.show_attempt(&report, &notes);
        self.notes.tried(notes.into_iter(), settled);
        self.count_delivered(&report, skipped);
        if let Some(fault) = report.fault.take() {
            let message = in_words(&fault);
            self.last_error = Some(LastError { at: clock::now(), status: fault.status, message });
        }
        // What failed is read again when it is tried again, so that a sick destination holds no memory.
        let positions: Vec<u64> = report.fates.iter().map(|(position, _)| *position).collect();
        let retries = report.fates.iter().any(|(_, fate)| is_retry(fate));
        let deferred = report.fates.iter().filter(|(_, fate)| is_deferred(fate));
        deferred.for_each(|(position, _)| self.events.remove(*position));
        let Report { fates, answered, waited, .. } = report;
        self.give(Input::Reported { lane, fates, answered, waited }, ctx);
        self.forget(&positions, retries);
    }

    fn count_delivered(&mut self, report: &Report, skipped: u64) {
        let now = clock::now();
        let is_skipped = |position: u64| report.skipped.iter().any(|(other, _)| *other == position);
        let mut fates = report.fates.iter();
        let settled = report.events.iter().filter(|(position, _)| {
            // Both are in the order of the batch, and every event has a fate.
            let fate = fates.find(|(other, _)| other == position);
            fate.is_some_and(|(_, fate)| *fate == Fate::Settled) && (skipped == 0 || !is_skipped(*position))
        });
        let latency = |at: jiff::Timestamp| now.duration_since(at).unsigned_abs();
        let latencies: Vec<Duration> = settled.map(|(_, event)| latency(event.receipt.received_at)).collect();
        self.tally.delivered(latencies.len() as u64);
        self.tally.took(&latencies);
        if !latencies.is_empty() {
            let destination = self.parts.name.as_str();
            let replayed = self.parts.replay.is_some();
            events::EventsDelivered { destination, latencies: &latencies, replayed }
                .emit(&self.parts.metrics);
        }
    }

    /// Drops events that are settled, and those that wait for a retry.
    pub(super) fn forget(&mut self, positions: &[u64], all: bool) {
        let Some(machine) = &self.machine else { return };
        for position in positions {
            if all || !machine.holds(*position) {
                self.events.remove(*position);
            }
        }
    }
}

fn is_retry(fate: &Fate) -> bool {
    matches!(fate, Fate::Failed(Outcome::Transient(_) | Outcome::Broken(_) | Outcome::Throttled { .. }))
}

fn is_deferred(fate: &Fate) -> bool {
    matches!(fate, Fate::Failed(Outcome::Deferred { .. }))
}

fn panicked() -> Fault {
    let answer = "the attempt panicked".to_owned();
    Fault { reason: Reason::Panicked, status: None, answer, place: None }
}

/// Returns the other side's words; an answer without any is told by its status.
pub(super) fn in_words(fault: &Fault) -> String {
    match fault.status {
        Some(status) if fault.answer.trim().is_empty() => format!("answered {status}"),
        _ => fault.answer.clone(),
    }
}
