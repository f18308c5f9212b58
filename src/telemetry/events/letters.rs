//! Events of dead letters.

use std::collections::BTreeMap;
use std::fmt;

use tracing::{info, warn};

use crate::telemetry::Metrics;
use crate::telemetry::labels::{DeadLetterLabels, LetterEnd, LetterEndLabels};

/// Dead letters were counted.
#[derive(Debug, Clone, Copy)]
pub struct LettersCounted<'a> {
    /// How many there are, by destination and reason; 0 where there were some.
    pub counts: &'a BTreeMap<(String, String), u64>,
}

impl LettersCounted<'_> {
    /// Sets the gauges.
    pub fn emit(&self, metrics: &Metrics) {
        for ((destination, reason), count) in self.counts {
            let labels = DeadLetterLabels { destination: destination.clone(), reason: reason.clone() };
            metrics.dead_letters.get_or_create(&labels).set(*count);
        }
    }
}

/// Dead letters are gone.
#[derive(Debug, Clone, Copy)]
pub struct LettersEnded<'a> {
    /// Configured name of the destination that had refused them.
    pub destination: &'a str,
    /// How they ended.
    pub end: LetterEnd,
    /// How many.
    pub count: u64,
}

impl LettersEnded<'_> {
    /// Counts the letters and writes the line.
    pub fn emit(&self, metrics: &Metrics) {
        let Self { destination, end, count } = *self;
        let labels = LetterEndLabels { destination: destination.to_owned(), end: end.as_str() };
        metrics.dead_letters_ended.get_or_create(&labels).inc_by(count);
        match end {
            LetterEnd::Retried => info!(destination.name = destination, event.count = count, "{self}"),
            LetterEnd::Dropped | LetterEnd::Expired => self.warn(),
        }
    }

    fn warn(&self) {
        warn!(destination.name = self.destination, event.count = self.count, "{self}");
    }
}

impl fmt::Display for LettersEnded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { destination, end, count } = self;
        match end {
            LetterEnd::Retried => write!(f, "sent {count} dead letters to {destination} again"),
            LetterEnd::Dropped => write!(f, "an operator dropped {count} dead letters of {destination}"),
            LetterEnd::Expired => {
                write!(
                    f,
                    "gave up {count} dead letters of {destination} that were older than their retention"
                )
            }
        }
    }
}
