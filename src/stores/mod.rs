//! What a store may serve beside delivery: reports so far, from the embedded store or from one that a destination fills.
//!
//! The traits, what they are asked and answer, and the embedded store. Never names a destination, never delivers.

pub mod embedded;
pub mod reports;
pub mod shared;
pub mod zones;

use async_trait::async_trait;

use reports::{Fault, Query, Report};

/// Something that answers reports.
#[async_trait]
pub trait ReportStore: Send + Sync {
    /// Returns what `X-Store` says of its answers.
    fn name(&self) -> &'static str;

    /// Answers a report.
    ///
    /// # Errors
    /// Why there is no answer now.
    async fn answer(&self, query: Query) -> Result<Report, Fault>;
}
