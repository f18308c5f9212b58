//! What became of events at one destination, and how that destination is.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::millis;
use crate::telemetry::Metrics;
use crate::telemetry::labels::{
    AttemptClass, AttemptLabels, BreakerState, DestinationLabels, Fate, OutcomeLabels,
};

/// One request of a batch was answered with success.
#[derive(Debug, Clone, Copy)]
pub struct BatchSent<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// Events in the request.
    pub events: usize,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// How long the other side took.
    pub took: Duration,
}

impl BatchSent<'_> {
    /// Counts the attempt.
    pub fn emit(&self, metrics: &Metrics) {
        count_attempt(metrics, self.destination, (AttemptClass::Delivered, self.took));
        debug!(
            destination.name = self.destination,
            event.count = self.events,
            attempt = self.attempt,
            took_ms = millis(self.took),
            "sent {} events to {}",
            self.events,
            self.destination
        );
    }
}

/// One request of a batch was not, or not wholly, successful.
#[derive(Debug, Clone, Copy)]
pub struct AttemptFailed<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// What the failure means.
    pub class: AttemptClass,
    /// From the closed list of `policy::outcome`.
    pub reason: &'static str,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// Events in the request.
    pub events: usize,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// How long the other side took.
    pub took: Duration,
}

impl AttemptFailed<'_> {
    /// Counts the attempt and writes the line. The answer's text stays out: it may quote a customer's data.
    pub fn emit(&self, metrics: &Metrics) {
        count_attempt(metrics, self.destination, (self.class, self.took));
        warn!(
            destination.name = self.destination,
            event.count = self.events,
            class = self.class.as_str(),
            reason = self.reason,
            status = self.status,
            attempt = self.attempt,
            took_ms = millis(self.took),
            "attempt {} of {} events to {} failed: {}",
            self.attempt,
            self.events,
            self.destination,
            self.reason
        );
    }
}

/// Events have arrived at a destination.
#[derive(Debug, Clone, Copy)]
pub struct EventsDelivered<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// For each event, the time from acceptance to delivery.
    pub latencies: &'a [Duration],
    /// They were sent again by a replay: how old they are says nothing about the destination.
    pub replayed: bool,
}

impl EventsDelivered<'_> {
    /// Counts the events and observes their latencies, unless a replay sent them again.
    pub fn emit(&self, metrics: &Metrics) {
        count_fate(metrics, self.destination, Fate::Delivered, "", self.latencies.len() as u64);
        if self.replayed {
            return;
        }
        let histogram =
            metrics.delivery_seconds.get_or_create_owned(&DestinationLabels::new(self.destination));
        for latency in self.latencies {
            histogram.observe(latency.as_secs_f64());
        }
    }
}

/// Events were not meant for a destination.
#[derive(Debug, Clone, Copy)]
pub struct EventsSkipped<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// From the closed list of `policy::outcome`.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

impl EventsSkipped<'_> {
    /// Counts the events.
    pub fn emit(&self, metrics: &Metrics) {
        count_fate(metrics, self.destination, Fate::Skipped, self.reason, self.count);
        debug!(
            destination.name = self.destination,
            event.count = self.count,
            reason = self.reason,
            "skipped {} events for {}: {}",
            self.count,
            self.destination,
            self.reason
        );
    }
}

/// Events became dead letters of a destination. They can be sent again.
#[derive(Debug, Clone, Copy)]
pub struct EventsBuried<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// From the closed list of `policy::outcome`.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
    /// `messageId` of the first, to begin looking with.
    pub message_id: &'a str,
}

impl EventsBuried<'_> {
    /// Counts the events and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        count_fate(metrics, self.destination, Fate::Dead, self.reason, self.count);
        warn!(
            destination.name = self.destination,
            event.count = self.count,
            event.message_id = self.message_id,
            reason = self.reason,
            "buried {} events for {}: {}; the first is {}",
            self.count,
            self.destination,
            self.reason,
            self.message_id
        );
    }
}

/// Accepted events are gone before a destination had them.
#[derive(Debug, Clone, Copy)]
pub struct EventsLost<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// From the closed list of `policy::outcome`.
    pub reason: &'static str,
    /// How many.
    pub count: u64,
}

impl EventsLost<'_> {
    /// Counts the events, as dead and as lost.
    pub fn count(&self, metrics: &Metrics) {
        metrics.lost.get_or_create(&DestinationLabels::new(self.destination)).inc_by(self.count);
        count_fate(metrics, self.destination, Fate::Dead, self.reason, self.count);
    }

    /// Counts the events and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        self.count(metrics);
        error!(
            destination.name = self.destination,
            event.count = self.count,
            reason = self.reason,
            "lost {} events that {} never had: {}",
            self.count,
            self.destination,
            self.reason
        );
    }
}

/// The backlog of a destination was measured. Writes no line.
#[derive(Debug, Clone, Copy)]
pub struct BacklogMeasured<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// Events that wait.
    pub events: u64,
    /// Their bytes, about.
    pub bytes: u64,
    /// Age of the oldest; zero when none waits.
    pub oldest: Duration,
}

impl BacklogMeasured<'_> {
    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        let labels = DestinationLabels::new(self.destination);
        metrics.backlog_events.get_or_create(&labels).set(self.events);
        metrics.backlog_bytes.get_or_create(&labels).set(self.bytes);
        metrics.oldest_seconds.get_or_create(&labels).set(self.oldest.as_secs_f64());
    }
}

/// A breaker opened, closed, or lets one batch through.
#[derive(Debug, Clone, Copy)]
pub struct BreakerChanged<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// The new state.
    pub state: BreakerState,
    /// Consecutive failures so far.
    pub failures: u32,
}

impl BreakerChanged<'_> {
    /// Sets the gauge and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        let labels = DestinationLabels::new(self.destination);
        metrics.breaker.get_or_create(&labels).set(self.state as u64);
        warn!(
            destination.name = self.destination,
            breaker.state = self.state.as_str(),
            breaker.failures = self.failures,
            "the breaker of {} is {} after {} failures",
            self.destination,
            self.state.as_str(),
            self.failures
        );
    }
}

/// A destination is misconfigured or gone: it keeps its backlog and is probed.
#[derive(Debug, Clone, Copy)]
pub struct DestinationHeld<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
    /// From the closed list of `policy::outcome`.
    pub reason: &'static str,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
}

impl DestinationHeld<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        error!(
            destination.name = self.destination,
            reason = self.reason,
            status = self.status,
            "holding {}: {}; nothing is lost, it is tried again until it works",
            self.destination,
            self.reason
        );
    }
}

/// A held destination works again.
#[derive(Debug, Clone, Copy)]
pub struct DestinationReleased<'a> {
    /// Configured name of the destination.
    pub destination: &'a str,
}

impl DestinationReleased<'_> {
    /// Writes the line.
    pub fn emit(&self) {
        info!(destination.name = self.destination, "{} works again", self.destination);
    }
}

fn count_attempt(metrics: &Metrics, destination: &str, (class, took): (AttemptClass, Duration)) {
    let labels = AttemptLabels { destination: destination.to_owned(), class: class.as_str() };
    metrics.attempts.get_or_create(&labels).inc();
    let requests = metrics.request_seconds.get_or_create_owned(&DestinationLabels::new(destination));
    requests.observe(took.as_secs_f64());
}

fn count_fate(metrics: &Metrics, destination: &str, fate: Fate, reason: &'static str, count: u64) {
    let labels = OutcomeLabels { destination: destination.to_owned(), outcome: fate.as_str(), reason };
    metrics.outcomes.get_or_create(&labels).inc_by(count);
}
