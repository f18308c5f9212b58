//! What happens to the values of an event on their way to a destination.

use crate::telemetry::labels::DestinationLabels;
use crate::telemetry::meter::Meter;

/// Texts or names were cut to what the other side takes.
#[derive(Debug, Clone, Copy)]
pub struct ValuesTruncated {
    /// How many.
    pub count: u64,
}

impl ValuesTruncated {
    /// Counts them.
    pub fn emit(&self, meter: &Meter) {
        meter.with(|destination, metrics| {
            metrics.truncated.get_or_create(&DestinationLabels::new(destination)).inc_by(self.count);
        });
    }
}
