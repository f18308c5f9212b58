//! Reports: what is asked, what is answered, and how an answer is made of rows, whichever store has them.
//!
//! Pure: a store hands out rows ([`rows::Rows`]), and everything that a number means is here and in [`crate::projections`], so
//! that all stores say the same. Never reads a clock or a file.

pub mod answer;
#[cfg(test)]
mod documented;
pub mod fact;
pub mod fields;
pub mod history;
pub mod make;
mod make_hits;
mod make_money;
mod make_visits;
pub mod period;
pub mod query;
pub mod rows;
pub mod sketch;
#[cfg(test)]
pub(crate) mod tests;
pub mod top;
pub mod touch;
pub mod visit;

pub use answer::Report;
pub use query::{Asked, Name, Query};

/// Why a store has no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// It failed, or takes too long: the same question may be answered later. The words are for the log.
    #[error("{0}")]
    Failed(String),
    /// The question is about more than a router holds in memory, also later. The words are for whoever asked.
    #[error("{0}")]
    TooMuch(String),
}

impl Fault {
    /// Returns that a report would hold more of these things than may be.
    pub(crate) fn more_than(most: usize, of_what: &str) -> Fault {
        Fault::TooMuch(format!(
            "would make a report of more than {most} {of_what}; ask for less time, one site, or with a filter"
        ))
    }
}
