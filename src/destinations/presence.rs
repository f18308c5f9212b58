//! What several routers know together of who is there now: a store may tell it beside taking events.

use std::sync::Arc;

use super::{BoxFuture, Failure};
use crate::projections::active::Counts;
use crate::projections::live::vitals::Tally;

/// Who is at one site.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    /// Visitors of the last minutes.
    pub counts: Counts,
    /// Pages and their visitors, most first.
    pub pages: Vec<(String, u64)>,
    /// Sessions that are open.
    pub sessions: u64,
    /// How fast pages feel today.
    pub vitals: Tally,
}

/// A store that knows it.
pub trait SharedPresence: Send + Sync + 'static {
    /// Returns who is at a site at `now` (milliseconds since 1970), and at most so many pages. Fails with why it is not known:
    /// then whoever asks falls back on what its own router has seen.
    fn look(&self, site: Arc<str>, now: i64, pages: usize) -> BoxFuture<Result<Present, Failure>>;
}
