//! Messages of a configuration that changes while the router runs.

use actix::Message;

use crate::actors::supervisor::Child;

/// One life of a child: which of the supervisor's wards it is, and which of its incarnations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    /// Number of the ward; never used again.
    pub ward: u64,
    /// Number of the incarnation; never used again.
    pub incarnation: u64,
}

/// Command: stop at once. What is in flight is cut, and is sent again by whoever goes on.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop;

/// Command: these destinations are new or configured anew, and those are there no more. All others go on untouched.
///
/// Answered at once: a destination that is replaced first gets a moment for what it has in flight.
#[derive(Message)]
#[rtype(result = "()")]
pub struct Reconfigure {
    /// Added and changed destinations, those without a factory switched off.
    pub children: Vec<Child>,
    /// Names of destinations that are there no more. Their cursors stay.
    pub removed: Vec<String>,
}

/// Command: start the projections again that are parked.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Unpark;

/// Fact: the configuration was looked at; one line of `/ready`.
#[derive(Debug, Clone, PartialEq, Eq, Message)]
#[rtype(result = "()")]
pub struct ConfigChecked {
    /// What is in the files is in force.
    pub ok: bool,
    /// In words.
    pub message: String,
    /// The same without what is in the files, for anybody; `None`: the words are for anybody.
    pub in_short: Option<String>,
}
