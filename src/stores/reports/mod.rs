//! Reports: what is asked, what is answered, and how an answer is made of rows, whichever store has them.
//!
//! Pure: a store hands out rows ([`rows::Rows`]), and everything that a number means is here and in [`crate::projections`], so
//! that all stores say the same. Never reads a clock or a file.

pub mod answer;
pub mod fact;
pub mod fields;
pub mod history;
pub mod make;
mod make_hits;
mod make_visits;
pub mod period;
pub mod query;
pub mod rows;
pub mod sketch;
#[cfg(test)]
pub(crate) mod tests;
pub mod top;
pub mod visit;

pub use answer::Report;
pub use query::{Asked, Name, Query};

/// Why a store has no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Fault(pub String);
