//! Events of dead letters.

use std::collections::BTreeMap;

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
        let end = end.as_str();
        match self.end {
            LetterEnd::Retried => info!(
                destination.name = destination,
                event.count = count,
                end,
                "sent {count} dead letters to {destination} again"
            ),
            LetterEnd::Dropped => warn!(
                destination.name = destination,
                event.count = count,
                end,
                "an operator dropped {count} dead letters of {destination}"
            ),
            LetterEnd::Expired => warn!(
                destination.name = destination,
                event.count = count,
                end,
                "{count} dead letters of {destination} were older than their retention and are gone"
            ),
        }
    }
}
