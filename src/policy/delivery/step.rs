//! What goes into the delivery machine and what comes out: plain values.

use std::time::Duration;

use super::lane::{Burial, Fate};
use super::order::Keys;
use crate::policy::Moment;
use crate::policy::outcome::Reason;

/// An event as the machine sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Where it is in the journal.
    pub position: u64,
    /// Length of its raw text.
    pub bytes: usize,
    /// What ties it to other events.
    pub keys: Keys,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The journal now ends before this position.
    Woken {
        /// Position of the next record.
        end: u64,
    },
    /// Records `from..through` were read; those of use are in `items`, the others are done with.
    Fetched {
        /// Where the read began.
        from: u64,
        /// Where it ended.
        through: u64,
        /// The wanted events, in order.
        items: Vec<Item>,
    },
    /// Reading failed; try again later.
    FetchFailed,
    /// An attempt ended: one fate for each of its events, in order.
    Reported {
        /// Which lane.
        lane: u64,
        /// What became of each event.
        fates: Vec<(u64, Fate)>,
        /// The other side took or judged something of it, also where no event's fate says so: one of several rows.
        answered: bool,
        /// How much of the time it waited for permits of ours.
        waited: Duration,
    },
    /// Dead letters are durable.
    Buried(Vec<u64>),
    /// They are not.
    NotBuried(Vec<Burial>),
    /// The cursor is stored.
    Committed,
    /// The cursor is not stored.
    NotCommitted,
    /// Time has passed.
    Tick,
    /// An operator wants an attempt now.
    RetryNow,
    /// An operator wants nothing more to be sent, or wants things to go on.
    Paused(bool),
    /// The journal begins at `first` now: what is unsettled before it is lost, unless it is in flight.
    Gone {
        /// The oldest position that is left.
        first: u64,
        /// Below here records went because the journal was full; between the two because nobody held them.
        full: u64,
    },
    /// An operator drops the backlog: what is unsettled below, unless it is in flight.
    Drop {
        /// The position after the last event that is dropped.
        below: u64,
    },
    /// Stop: finish what is loaded, fetch nothing more.
    Draining,
}

/// What the shell must do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Action {
    /// Read records from the journal.
    Fetch {
        /// First position.
        from: u64,
        /// Most records.
        records: usize,
        /// Most bytes.
        bytes: usize,
    },
    /// Plan and send these events together.
    Send {
        /// To be named in the report.
        lane: u64,
        /// In order.
        positions: Vec<u64>,
        /// 1 for the first.
        attempt: u32,
        /// When exactly these events were first sent together.
        first_at: Moment,
    },
    /// Make dead letters durable.
    Bury(Vec<Burial>),
    /// Count events that are settled without having been delivered or buried.
    Lose {
        /// Why.
        reason: Reason,
        /// How many.
        count: u64,
        /// Where they are, of those that are still in the journal.
        ranges: Vec<std::ops::Range<u64>>,
    },
    /// Everything below the position of [`Input::Drop`] was read and dropped.
    BacklogDropped {
        /// How many events.
        count: u64,
        /// Events below it that are on their way, or are being buried.
        in_flight: u64,
    },
    /// These events need not stay in memory: there is no room for them.
    Unload(Vec<u64>),
    /// Store the cursor.
    Commit,
    /// Come back at this moment at the latest.
    SleepUntil(Moment),
    /// Draining is over; so many loaded events were left in the journal.
    Drained {
        /// Unsettled events that had been read.
        left: u64,
    },
}
