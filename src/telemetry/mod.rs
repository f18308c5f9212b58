//! Names of metrics and shape of log lines, in one place.
//!
//! Whatever can happen has a struct in [`events`]; its `emit` writes the log line and the numbers, so that no other
//! folder knows how a metric is called. [`Metrics`] is a value, not a global: two routers in one process do not mix.
//! [`traces`] and [`request`] tell which steps belong together. Nothing here ever sees a body, a trait, an address or a key.

pub mod audit;
pub mod clock;
pub mod events;
mod labels;
pub mod log;
mod meter;
pub mod metrics;
pub mod request;
pub mod traces;

pub use labels::{AttemptClass, BreakerState, Fate, LetterEnd, RowFate, RowLane, SchemaChangeKind};
pub use meter::Meter;
pub use metrics::Metrics;
