//! Patience as pure state machines: when to batch, wait, retry, hold and stop.
//!
//! No I/O, no clock, no actix: time and dice come in as arguments, decisions go out as values, and proptest walks the
//! states.

pub mod backoff;
pub mod breaker;
pub mod consent;
pub mod delivery;
pub mod discretion;
pub mod fill;
pub mod filter;
pub mod gather;
pub mod outcome;
pub mod pace;
pub mod patience;
pub mod rate;
pub mod restarts;
pub mod ring;
pub mod route;
pub mod sample;
pub mod schema;
pub mod settled;

/// A point in time as the time since some fixed start. Monotonic, so that a wall clock that is set does no harm.
pub type Moment = std::time::Duration;
