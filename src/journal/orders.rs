//! What an operator has ordered for a destination: it holds until it is taken back, also over a restart.
//!
//! Separate from the cursor because it changes by hand and not by deliveries. Never says how an order is carried out.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Passage;

/// The standing orders for one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Orders {
    /// Nothing is sent until it is resumed.
    pub paused: bool,
    /// A part of the journal is sent again, beside what is new.
    pub replay: Option<ReplayOrder>,
}

/// Which part of the journal is sent again. Positions are those of the log, or, with a passage, of this replay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplayOrder {
    /// First position.
    pub from: u64,
    /// The position behind the last one.
    pub until: u64,
    /// Only events that match one of these (`kind`, or `kind:name` with `*`); empty: all.
    pub filter: Vec<String>,
    /// Most events a second; 0: as fast as the destination takes them beside what is new.
    pub events_per_second: u32,
    /// When it was ordered.
    pub at: Timestamp,
    /// Where the records lie; `None`: in the log, as before there were passages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passage: Option<Passage>,
}
