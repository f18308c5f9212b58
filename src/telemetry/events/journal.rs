//! Events of the journal.

use std::time::Duration;

use tracing::{debug, error, info};

use super::millis;
use crate::telemetry::Metrics;
use crate::telemetry::labels::ReasonLabels;
use crate::telemetry::metrics::{BROKEN, FULL};

/// The journal was opened and read.
#[derive(Debug, Clone, Copy)]
pub struct JournalOpened {
    /// Records that are still there.
    pub records: u64,
    /// Bytes on disk.
    pub journal_bytes: u64,
    /// How long it took.
    pub took: Duration,
}

impl JournalOpened {
    /// Writes the line and sets the gauge.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.journal_bytes.set(self.journal_bytes);
        let took_ms = millis(self.took);
        info!(
            journal.records = self.records,
            journal.bytes = self.journal_bytes,
            took_ms,
            "opened the journal with {} records in {took_ms} ms",
            self.records
        );
    }
}

/// A group of events is on disk.
#[derive(Debug, Clone, Copy)]
pub struct CommitDone {
    /// Events written.
    pub events: u64,
    /// How long the commit took.
    pub took: Duration,
    /// Bytes of the journal on disk after it.
    pub journal_bytes: u64,
}

impl CommitDone {
    /// Observes the commit.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.commit_seconds.observe(self.took.as_secs_f64());
        metrics.journal_bytes.set(self.journal_bytes);
        debug!(
            event.count = self.events,
            took_us = u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            "committed {} events",
            self.events
        );
    }
}

/// The journal refused a group: it is full, or the disk fails.
#[derive(Debug, Clone, Copy)]
pub struct CommitFailed<'a> {
    /// Events that were not written; their senders were told so.
    pub events: u64,
    /// There is no room; otherwise the disk or the brokers fail.
    pub full: bool,
    /// The journal's error.
    pub error: &'a str,
}

impl CommitFailed<'_> {
    /// Counts the commit and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        let reason = if self.full { FULL } else { BROKEN };
        metrics.commits_failed.get_or_create(&ReasonLabels { reason }).inc();
        error!(
            event.count = self.events,
            error = self.error,
            "could not write {} events: {}",
            self.events,
            self.error
        );
    }
}

/// Old records were given up to make room.
#[derive(Debug, Clone, Copy)]
pub struct RecordsRetired {
    /// How many.
    pub records: u64,
    /// Bytes of the journal on disk after it.
    pub journal_bytes: u64,
}

impl RecordsRetired {
    /// Writes the line and sets the gauge.
    pub fn emit(&self, metrics: &Metrics) {
        metrics.journal_bytes.set(self.journal_bytes);
        info!(
            journal.records = self.records,
            journal.bytes = self.journal_bytes,
            "gave up {} delivered records",
            self.records
        );
    }
}
