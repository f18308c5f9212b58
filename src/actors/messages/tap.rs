//! Messages about the tap: what happens to single events, as it happens.

use std::sync::Arc;

use actix::Message;
use tokio::sync::OwnedSemaphorePermit;

use super::Subscription;
use crate::journal::Note;
use crate::policy::filter::wildcard;
use crate::spec::{Event, Kind, Rejected};

/// Fact: this has happened. Holds its part of the room for what the tap has not looked at.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Tapped {
    /// In the order in which it happened.
    pub seen: Vec<Seen>,
    /// Given back when the tap has looked at it.
    pub permit: OwnedSemaphorePermit,
}

/// What can happen to events.
#[derive(Debug)]
pub enum Seen {
    /// They are durable.
    Accepted(Vec<Arc<Event>>),
    /// They were set aside.
    Rejected(Vec<Rejected>),
    /// A destination was asked to take them.
    Tried {
        /// Its name.
        destination: Arc<str>,
        /// What it came to, by position.
        notes: Vec<Note>,
        /// The events by position, in ascending order.
        events: Vec<(u64, Arc<Event>)>,
    },
    /// A destination is done with them.
    Settled {
        /// Its name.
        destination: Arc<str>,
        /// When.
        at: jiff::Timestamp,
        /// Each with what became of it.
        ends: Vec<Settlement>,
    },
}

/// How one event ended at one destination.
#[derive(Debug)]
pub struct Settlement {
    /// The event.
    pub event: Arc<Event>,
    /// `delivered`, `skipped` or `dead`.
    pub fate: &'static str,
    /// From the closed list of reasons; `None` when delivered.
    pub reason: Option<&'static str>,
    /// HTTP status of the last answer, for a dead one.
    pub status: Option<u16>,
    /// The other side's last words, likewise.
    pub answer: String,
}

impl Settlement {
    /// The other side has taken it.
    pub fn delivered(event: &Arc<Event>) -> Settlement {
        Settlement {
            event: Arc::clone(event),
            fate: "delivered",
            reason: None,
            status: None,
            answer: String::new(),
        }
    }

    /// It was not sent.
    pub fn skipped(event: &Arc<Event>, reason: &'static str) -> Settlement {
        Settlement { fate: "skipped", reason: Some(reason), ..Settlement::delivered(event) }
    }
}

/// Question of somebody who wants to watch single events: what happens from now on, or from where it was?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Subscription, NoSeat>")]
pub struct Watch {
    /// The id of the last frame that it saw.
    pub last_event_id: Option<String>,
    /// What it wants to see.
    pub filter: TapFilter,
}

/// Why nobody more may watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoSeat {
    /// There are enough already.
    Full,
    /// The router is stopping.
    Stopping,
}

/// What somebody wants to see; everything when nothing is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TapFilter {
    /// Only this kind of call. What was set aside before its kind was known is not shown then.
    pub kind: Option<Kind>,
    /// Only events of this name; `*` stands for any text.
    pub event: Option<String>,
    /// Only events about this user or visitor.
    pub user: Option<String>,
    /// Only what happens at this destination: nothing of the door.
    pub destination: Option<String>,
    /// Only what came to this.
    pub outcome: Option<String>,
}

/// Every word that [`TapFilter::outcome`] may be.
pub const OUTCOMES: [&str; 10] = [
    "accepted",
    "rejected",
    "delivered",
    "refused",
    "broken",
    "transient",
    "throttled",
    "deferred",
    "skipped",
    "dead",
];

impl TapFilter {
    /// Returns whether something that happened at the destination (none for the door) and came to this may be shown.
    pub fn takes_place(&self, destination: Option<&str>, outcome: &str) -> bool {
        let is_there = self.destination.as_deref().is_none_or(|wanted| Some(wanted) == destination);
        is_there && self.outcome.as_deref().is_none_or(|wanted| wanted == outcome)
    }

    /// Returns whether this event may be shown.
    pub fn takes_event(&self, event: &Event) -> bool {
        let head = &event.head;
        let name = head.name.as_deref().unwrap_or_default();
        let ids = [&head.user_id, &head.anonymous_id, &head.previous_id];
        let is_of = |user: &String| ids.into_iter().flatten().any(|id| **id == **user);
        self.kind.is_none_or(|kind| kind == head.kind)
            && self.event.as_deref().is_none_or(|pattern| wildcard(pattern, name))
            && self.user.as_ref().is_none_or(is_of)
    }

    /// Returns whether something may be shown of which neither kind, name nor user is known.
    pub fn takes_unknown(&self) -> bool {
        self.kind.is_none() && self.event.is_none() && self.user.is_none()
    }
}
