//! Messages that more than one actor, or the door, sends. Commands are imperative, facts past participles, questions nouns.

mod letters;
mod live;
mod orders;
mod pace;
mod privacy;
mod reload;
mod schema;
mod shares;
mod space;
mod tap;
mod trace;

use std::collections::BTreeMap;

use actix::Message;
use tokio::sync::OwnedSemaphorePermit;

use crate::journal::{Journal, Position, RejectedPage};
use crate::policy::route::Kinds;
use crate::spec::{Event, Rejected};

pub use letters::*;
pub use live::*;
pub use orders::*;
pub use pace::*;
pub use privacy::*;
pub use reload::*;
pub use schema::*;
pub use shares::*;
pub use space::*;
pub use tap::*;
pub use trace::*;

// === Between the actors ===

/// Fact: a group is durable; the destinations that its kinds concern should look.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Appended {
    /// Kinds of the group's events.
    pub kinds: Kinds,
}

/// Fact: a group could not be appended.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct NotAppended {
    /// There is no room; otherwise the disk failed.
    pub full: bool,
    /// In the journal's words.
    pub why: String,
}

/// Command: the journal has grown; look. Coalesced: at most one is in a mailbox.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Wake;

/// Command: finish what is loaded, store the cursor, and stop.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Drained")]
pub struct Drain;

/// The answer to [`Drain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Drained {
    /// Events that stay in the journal for the next start.
    pub left: u64,
}

/// Question: how is this destination?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "DestinationStatus")]
pub struct Status;

/// Fact: a child is gone.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct ChildExited {
    /// Which child, and which of its incarnations.
    pub life: Life,
    /// It panicked; otherwise it stopped as asked.
    pub panicked: bool,
}

// === From the door ===

/// Command of the door: make these events durable and say so. Carries the permit that bounds what is in flight.
#[derive(Debug, Message)]
#[rtype(result = "Result<Accepted, NotAccepted>")]
pub struct Accept {
    /// The believed events of one request, in order.
    pub events: Vec<Event>,
    /// Those that were set aside.
    pub rejected: Vec<Rejected>,
    /// Given back when the message is done with.
    pub permit: Option<OwnedSemaphorePermit>,
    /// Who is suppressed was taken out before, as the door does on its own threads; otherwise the writer does.
    pub is_sifted: bool,
}

impl Accept {
    /// Returns what the router itself wants stored, in which people may be who are suppressed.
    pub fn own(events: Vec<Event>) -> Accept {
        Accept { events, rejected: Vec::new(), permit: None, is_sifted: false }
    }
}

/// The events are on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    /// Written now.
    pub stored: usize,
    /// Known already, and answered like the others.
    pub duplicates: usize,
}

/// The events are not on disk, and nobody was told so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// The journal has no room.
    #[error("journal_full: {0}")]
    Full(String),
    /// The journal cannot write, or the router is stopping.
    #[error("overloaded: {0}")]
    Unavailable(String),
    /// An event is larger than the journal can ever take. The others of the request are stored.
    #[error("too_large: an event is larger than the journal takes")]
    TooLarge,
}

/// Question: how is every destination?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<DestinationStatus>")]
pub struct Snapshot;

/// How one destination is; serialised as it stands by `/api/destinations`.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DestinationStatus {
    /// Configured name.
    pub name: String,
    /// Kind of destination.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Switched on.
    pub enabled: bool,
    /// flowing, retrying, throttled, held, paused, draining or off.
    pub state: &'static str,
    /// Why it is in that state.
    pub reason: Option<String>,
    /// What waits.
    pub backlog: Backlog,
    /// Age of the oldest waiting event, 0 when none waits.
    pub oldest_age_ms: u64,
    /// Events per second, over the last minute.
    pub rate: Rate,
    /// From acceptance to delivery, of what was delivered in the last five to ten minutes; `None`: nothing was.
    pub latency_ms: Option<LatencyMs>,
    /// The last failure in the other side's words.
    pub last_error: Option<LastError>,
    /// The breaker.
    pub breaker: BreakerStatus,
    /// How many batches may be in flight; `None` while nothing runs.
    pub concurrency: Option<ConcurrencyStatus>,
    /// When the next attempt is due.
    pub next_attempt_at: Option<jiff::Timestamp>,
    /// How long the backlog will take at the present rate.
    pub drain_eta_ms: Option<u64>,
    /// Totals since the destination exists.
    pub counts: Counts,
    /// The replay that runs beside it.
    pub replay: Option<ReplayStatus>,
    /// Only when the journal is filling up because of this destination.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holds_journal: Option<HoldsJournal>,
}

impl DestinationStatus {
    /// The reason of one that is held because it has just begun, as long as nothing has gone wrong.
    pub const PREPARING: &'static str = "preparing";

    /// Returns whether nothing is wrong: it flows, or has just begun and is about to.
    pub fn is_well(&self) -> bool {
        let begins = self.state == "held" && self.reason.as_deref() == Some(Self::PREPARING);
        self.state == "flowing" || begins
    }

    /// Returns the status of a destination that nothing is known of.
    pub fn idle(name: &str, kind: &'static str, enabled: bool, state: &'static str) -> Self {
        DestinationStatus {
            name: name.to_owned(),
            kind,
            enabled,
            state,
            reason: None,
            backlog: Backlog::default(),
            oldest_age_ms: 0,
            rate: Rate::default(),
            latency_ms: None,
            last_error: None,
            breaker: BreakerStatus { state: "closed", failures: 0, reopens_at: None },
            concurrency: None,
            next_attempt_at: None,
            drain_eta_ms: None,
            counts: Counts::default(),
            replay: None,
            holds_journal: None,
        }
    }
}

/// What waits for one destination.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Backlog {
    /// Events.
    pub events: u64,
    /// Bytes in the journal, about.
    pub bytes: u64,
}

impl Backlog {
    /// Returns what waits for a destination of which only the mark is known; settled events above it count too.
    pub fn above(journal: &dyn Journal, mark: u64) -> Self {
        let extent = journal.extent();
        let events = extent.next.0.saturating_sub(mark.max(extent.first.0));
        Backlog { events, bytes: if events == 0 { 0 } else { journal.bytes_since(Position(mark)) } }
    }
}

/// Events per second.
#[derive(Debug, Clone, Copy, Default, serde::Serialize)]
pub struct Rate {
    /// Accepted for this destination.
    #[serde(rename = "in")]
    pub incoming: f64,
    /// Settled by this destination.
    #[serde(rename = "out")]
    pub outgoing: f64,
}

/// How long delivery takes, in milliseconds, within one in a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct LatencyMs {
    /// Half of the events took no longer.
    pub p50: u64,
    /// 95 of a hundred events took no longer.
    pub p95: u64,
}

/// The last failure.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LastError {
    /// When.
    pub at: jiff::Timestamp,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// In the other side's words.
    pub message: String,
}

/// State of the breaker.
#[derive(Debug, Clone, serde::Serialize)]
pub struct BreakerStatus {
    /// closed, open or half_open.
    pub state: &'static str,
    /// Consecutive failures.
    pub failures: u32,
    /// When an open breaker lets the next batch through.
    pub reopens_at: Option<jiff::Timestamp>,
}

/// Totals by fate.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Counts {
    /// Taken by the other side.
    pub delivered: u64,
    /// Not sent, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Buried, by reason.
    pub dead: BTreeMap<String, u64>,
}

/// Question: can the journal append, and what would an operator want to know?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Vec<ReadyCheck>")]
pub struct Readiness;

/// One line of `/ready`.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct ReadyCheck {
    /// `journal`, `config`, or a destination's name.
    pub name: String,
    /// Fine or not.
    pub ok: bool,
    /// In words.
    pub message: String,
    /// What those are told instead who may not read what operators read; `None`: the same.
    #[serde(skip)]
    pub in_short: Option<String>,
    /// When false for this check the router answers 503.
    #[serde(skip)]
    pub vital: bool,
}

/// Question: which events were rejected? Newest first.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<RejectedPage, String>")]
pub struct ListRejected {
    /// Most entries.
    pub limit: usize,
    /// `next` of the page before.
    pub cursor: Option<String>,
}
