//! The metrics of what people ask of us: how much of it is not carried out yet, and since when.

use prometheus_client::registry::Registry;

use super::{Level, Measure, add};

/// See the module.
#[derive(Debug)]
pub(in crate::telemetry) struct Regulations {
    pub(in crate::telemetry) unfinished: Level,
    pub(in crate::telemetry) oldest_seconds: Measure,
}

impl Regulations {
    pub(super) fn new(to: &mut Registry) -> Self {
        let unfinished = "Regulations that are not carried out yet";
        let oldest = "Age of the oldest regulation that is not carried out yet; 0 where there is none";
        Regulations {
            unfinished: add(to, "regulations_unfinished", unfinished, Level::default()),
            oldest_seconds: add(to, "regulations_oldest_seconds", oldest, Measure::default()),
        }
    }
}
