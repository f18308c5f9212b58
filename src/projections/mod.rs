//! What the stream says right now, as folds over events: sessions, carts, orders, active users, how fast pages felt.
//!
//! Pure arithmetic with exact definitions: no clock, no input or output; whoever runs a fold brings the time. Never knows where
//! its result is kept.

pub mod active;
pub mod active_average;
pub mod commerce;
pub mod live;
pub mod presence;
pub mod reading;
pub mod session;
pub mod sketch;
pub mod vitals;
