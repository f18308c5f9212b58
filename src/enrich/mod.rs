//! What is added to an event at the door, once, before it is stored.
//!
//! Pure: tables and clocks come as arguments. Never changes what the sender said, only adds beside it.

pub mod additions;
mod address;
pub mod channel;
pub mod device;
pub mod geo;
pub mod hashing;
mod spam;
