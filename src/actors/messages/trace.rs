//! Messages about the journey of one event.

use std::sync::Arc;

use actix::Message;

use crate::journal::trace::Standing;
use crate::journal::{Note, Position};
use crate::spec::Event;

pub use crate::journal::timeline::{Timeline, Whose};
pub use crate::journal::trace::{Traced, UNKNOWN_ID};

/// Question: what did this user or visitor do, newest first?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Timeline, String>")]
pub struct TellTimeline(
    /// Whose events, and which page of them.
    pub Whose,
);

/// Question: what became of the event with this message id?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<Traced>, String>")]
pub struct TraceEvent {
    /// As the client sent it.
    pub message_id: String,
}

/// Question to one delivery: where does this event stand with you?
#[derive(Debug, Clone, Message)]
#[rtype(result = "AtDestination")]
pub struct Journey {
    /// Where it is in the journal.
    pub position: Position,
    /// What it is.
    pub event: Arc<Event>,
}

/// The answer to [`Journey`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtDestination {
    /// Where it stands.
    pub standing: Standing,
    /// The delivery has not read its cursor yet, so that it does not know what is settled.
    pub blind: bool,
    /// What is not known to be on disk, oldest first.
    pub notes: Vec<Note>,
    /// The table it goes to, at a warehouse.
    pub table: Option<String>,
}
