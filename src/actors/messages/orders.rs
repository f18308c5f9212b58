//! What an operator orders for one destination.

use std::collections::BTreeMap;

use actix::Message;
use jiff::Timestamp;

use super::DestinationStatus;

/// Command of an operator about one destination.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Ordered, NotOrdered>")]
pub struct Order {
    /// Configured name.
    pub destination: String,
    /// What to do.
    pub command: Command,
}

/// What an operator may order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Send nothing until it is resumed, also after a restart.
    Pause,
    /// Send again.
    Resume,
    /// Try at once, whatever backoff, breaker, throttle or hold say.
    Retry,
    /// Give up everything that waits: it ends as dead and counts as lost.
    Drop,
    /// Send a part of the journal again, beside what is new.
    Replay(ReplayRange),
    /// End the replay that runs.
    StopReplay,
}

/// Which part of the journal is sent again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReplayRange {
    /// First arrival; `None`: the oldest event that is left.
    pub from: Option<Timestamp>,
    /// Arrivals before then; `None`: everything that is there now.
    pub until: Option<Timestamp>,
    /// First offsets by partition; when any partition is named, here or below, the others are left out.
    pub from_offset: BTreeMap<i32, u64>,
    /// The offsets behind the last ones.
    pub until_offset: BTreeMap<i32, u64>,
    /// Only events that match one of these (`kind`, or `kind:name` with `*`); empty: all.
    pub filter: Vec<String>,
    /// Most events a second; 0: as fast as the destination takes them beside what is new.
    pub events_per_second: u32,
}

/// An order was carried out.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(untagged)]
pub enum Ordered {
    /// How the destination is now.
    Status(Box<DestinationStatus>),
    /// How many events are concerned.
    Count {
        /// Events.
        count: u64,
    },
}

/// Why an order was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOrdered {
    /// There is no destination of this name.
    Unknown,
    /// It cannot be done now: the destination is off, or a replay runs already.
    Conflict(String),
    /// A parameter is wrong.
    Invalid {
        /// Which.
        parameter: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The disk or an actor failed; nothing has changed.
    Failed(String),
}

/// Command to a delivery: what its operator wants of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub enum Obey {
    /// Send nothing new.
    Pause,
    /// Send again.
    Resume,
    /// Try at once.
    Retry,
}

/// How far a replay is.
#[derive(Debug, Clone, serde::Serialize)]
pub struct ReplayStatus {
    /// First position. Those of a topic are counted from 0, in this replay alone.
    pub from: u64,
    /// The position behind the last one.
    pub until: u64,
    /// Everything before it is done with.
    pub position: u64,
    /// Events that are left to look at.
    pub left: u64,
    /// Taken by the other side again.
    pub delivered: u64,
    /// Buried again.
    pub dead: u64,
    /// In the words of a destination's state.
    pub state: &'static str,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// When it was ordered.
    pub started_at: Timestamp,
}
