//! Messages about space: what the journal had to drop, and backlogs that an operator drops.

use actix::Message;

use crate::journal::Dropped;

/// Fact: the journal gave up records that somebody may not have settled, because it was full.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct SegmentsDropped {
    /// One entry for each segment or run of segments, oldest first.
    pub dropped: Vec<Dropped>,
}

/// Command to a delivery: give up every event that is in the journal now and neither settled nor on its way.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Result<BacklogDropped, String>")]
pub struct DropBacklog;

/// The answer to [`DropBacklog`], once everything was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BacklogDropped {
    /// Events that ended as dead(`dropped_by_operator`). Those that the destination has no use for are skipped as ever.
    pub count: u64,
    /// Events that were on their way at the end: delivered when they are, otherwise dropped and counted as well.
    pub in_flight: u64,
}
