//! How much a destination is asked at once, as an operator sees it.

/// Batches in flight: how many at present, how many at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct ConcurrencyStatus {
    /// So many may be in flight now; lower than `cap` while the destination throttles, fails or has become slow.
    pub limit: usize,
    /// As configured.
    pub cap: usize,
}
