//! What became of events between the door and the journal.

use tracing::debug;

use crate::spec::{Code, Kind};
use crate::telemetry::Metrics;
use crate::telemetry::labels::ReasonLabels;
use crate::telemetry::metrics::BOT;

/// Events of one commit are durable.
#[derive(Debug, Clone, Copy, Default)]
pub struct EventsAccepted {
    by_kind: [u64; Kind::ALL.len()],
}

impl EventsAccepted {
    /// Counts events by their kinds.
    pub fn of(kinds: impl IntoIterator<Item = Kind>) -> Self {
        let mut by_kind = [0; Kind::ALL.len()];
        for kind in kinds {
            if let Some(count) = by_kind.get_mut(kind as usize) {
                *count += 1;
            }
        }
        EventsAccepted { by_kind }
    }

    /// Counts the events.
    pub fn emit(&self, metrics: &Metrics) {
        for (counter, count) in metrics.accepted.iter().zip(self.by_kind) {
            counter.inc_by(count);
        }
        let total: u64 = self.by_kind.iter().sum();
        debug!(event.count = total, "accepted {total} events");
    }
}

/// Events of one request were set aside for one reason.
#[derive(Debug, Clone, Copy)]
pub struct EventsRejected<'a> {
    /// The source that sent them.
    pub source: &'a str,
    /// The first problem of each.
    pub reason: Code,
    /// How many.
    pub count: u64,
}

impl EventsRejected<'_> {
    /// Counts the events.
    pub fn emit(&self, metrics: &Metrics) {
        let reason = self.reason.as_str();
        metrics.rejected.get_or_create(&ReasonLabels { reason }).inc_by(self.count);
        debug!(
            source.name = self.source,
            event.count = self.count,
            reason,
            "set {} events of source {} aside: {reason}",
            self.count,
            self.source
        );
    }
}

/// Events of bots were accepted and not kept, because `[bots]` says so.
#[derive(Debug, Clone, Copy)]
pub struct EventsUnwanted {
    /// How many.
    pub count: u64,
}

impl EventsUnwanted {
    /// Counts the events; says nothing when there are none.
    pub fn emit(&self, metrics: &Metrics) {
        if self.count == 0 {
            return;
        }
        metrics.turned_away.unwanted.get_or_create(&ReasonLabels { reason: BOT }).inc_by(self.count);
        debug!(event.count = self.count, "{} events are of bots and were not kept", self.count);
    }
}

/// The call of an image was not taken, which its answer does not say.
#[derive(Debug, Clone, Copy)]
pub struct PixelRefused {
    /// The code that another path would have answered.
    pub reason: &'static str,
}

impl PixelRefused {
    /// Counts it.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.turned_away.pixels.get_or_create(&ReasonLabels { reason: self.reason }).inc();
    }
}

/// Events of one commit were known already.
#[derive(Debug, Clone, Copy)]
pub struct EventsDuplicate {
    /// How many.
    pub count: u64,
}

impl EventsDuplicate {
    /// Counts the events; says nothing when there are none.
    pub fn emit(&self, metrics: &Metrics) {
        if self.count == 0 {
            return;
        }
        metrics.duplicate.inc_by(self.count);
        debug!(event.count = self.count, "{} events were known already", self.count);
    }
}
