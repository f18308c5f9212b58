//! What a delivery shows to those who watch single events: each attempt, and how each event ended here.
//!
//! While nobody watches, each of these functions is one atomic load.

use std::collections::HashMap;
use std::sync::Arc;

use super::Delivery;
use super::attempt::Report;
use crate::actors::messages::{Seen, Settlement};
use crate::destinations::Destination;
use crate::journal::{DeadLetter, Note};
use crate::policy::delivery::Fate;
use crate::telemetry::clock;

impl<D: Destination> Delivery<D> {
    /// Shows an attempt, and what it settled.
    pub(super) fn show_attempt(&self, report: &Report, notes: &[Note]) {
        if !self.parts.tap.is_watched() {
            return;
        }
        // By position: a batch that is skipped as a whole must not be looked through once for each of its events.
        let skipped: HashMap<u64, &'static str> =
            report.skipped.iter().map(|(position, reason)| (*position, reason.as_str())).collect();
        // Both are in the order of the batch, and every event has a fate.
        let mut fates = report.fates.iter();
        let ends = report.events.iter().filter_map(|(position, event)| {
            match (&fates.find(|(other, _)| other == position)?.1, skipped.get(position)) {
                (Fate::Settled, _) => Some(Settlement::delivered(event)),
                (Fate::Passed, Some(reason)) => Some(Settlement::skipped(event, reason)),
                _ => None,
            }
        });
        let ends = ends.collect();
        let destination: Arc<str> = self.parts.name.as_str().into();
        let tried = Seen::Tried {
            destination: Arc::clone(&destination),
            notes: notes.to_vec(),
            events: report.events.clone(),
        };
        self.parts.tap.tell(vec![tried, Seen::Settled { destination, at: clock::now(), ends }]);
    }

    /// Shows what will never be delivered.
    pub(super) fn show_dead(&self, letters: Vec<DeadLetter>) {
        let ends = letters.into_iter().map(|letter| Settlement {
            event: letter.event,
            fate: "dead",
            reason: Some(letter.reason),
            status: letter.status,
            answer: letter.answer,
        });
        self.show_settled(self.parts.tap.is_watched().then(|| ends.collect()));
    }

    /// Returns where to collect what is passed over while events are read; `None` while nobody watches, and in a replay, where
    /// what is passed over has ended before.
    pub(super) fn shown_here(&self) -> Option<Vec<Settlement>> {
        (self.parts.tap.is_watched() && self.parts.replay.is_none()).then(Vec::new)
    }

    /// Shows how events ended.
    pub(super) fn show_settled(&self, ends: Option<Vec<Settlement>>) {
        let Some(ends) = ends.filter(|ends| !ends.is_empty()) else { return };
        let destination = self.parts.name.as_str().into();
        self.parts.tap.tell(vec![Seen::Settled { destination, at: clock::now(), ends }]);
    }
}
