//! The door: bytes from a socket become one message for the supervisor, and its answer becomes a status.
//!
//! Separate because everything about HTTP ends here: encodings, keys, origins, limits, answers. It never looks into an
//! event (that is [`crate::spec`]), never writes (that is the journal) and never says 200 before it was told that the
//! events are durable.

mod access;
mod additions;
mod admit;
mod analytics_js;
mod answer;
mod audit;
mod auth;
mod body;
mod budget;
mod collect;
mod console;
mod cookie;
mod cors;
mod day;
mod debt;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod letters;
mod limit;
mod line;
mod live;
mod openapi;
mod ops;
mod orders;
mod outer;
mod packed;
mod pixel;
mod privacy;
mod query;
mod replay;
mod routes;
mod schema;
mod scripts;
mod seats;
mod segment;
mod serving;
mod session;
mod settings;
pub mod sites;
mod sources;
mod state;
mod stats;
mod tap;
mod terms;
#[cfg(test)]
mod tests;
pub mod token;
mod trace;
mod visitor;
mod waiting;

use std::net::TcpListener;
use std::sync::Arc;

use actix::Recipient;
use actix_web::dev::Server;

use crate::actors::messages::{
    Accept, DescribeSchemas, ListRejected, Order, Readiness, Snapshot, TellTimeline, TraceEvent, Watch,
};
use crate::config::Settings;
use crate::stores::ReportStore;
use crate::stores::shared::SharedState;
use crate::telemetry::Metrics;
pub use letters::LetterDesk;
pub use live::LiveDesk;
pub use privacy::PrivacyDesk;
use state::Shared;

pub use terms::DoorTerms;

/// What the door needs to know: its settings, and whom it asks.
///
/// A clone of an address always gets one message through a full mailbox, so clones are made once per worker and never
/// per request.
#[derive(Clone)]
pub struct Door {
    /// The configuration of the start; what may change since is in the terms.
    pub settings: Arc<Settings>,
    /// Makes events durable.
    pub accept: Recipient<Accept>,
    /// Knows how every destination is.
    pub snapshot: Recipient<Snapshot>,
    /// Knows whether the journal can append.
    pub readiness: Recipient<Readiness>,
    /// Lists what was set aside.
    pub rejected: Recipient<ListRejected>,
    /// Lists dead letters and settles them.
    pub letters: LetterDesk,
    /// Carries out what operators order.
    pub orders: Recipient<Order>,
    /// Tells the journey of one event.
    pub trace: Recipient<TraceEvent>,
    /// Tells the events of one person.
    pub timeline: Recipient<TellTimeline>,
    /// Knows the tables of the warehouses.
    pub schemas: Recipient<DescribeSchemas>,
    /// Sees to what people ask of us.
    pub privacy: PrivacyDesk,
    /// Answers reports.
    pub reports: ReportDesk,
    /// Knows what is live; `None` where that is switched off.
    pub live: Option<LiveDesk>,
    /// Shows what happens to single events.
    pub tap: Recipient<Watch>,
    /// Keeps for several routers what is not theirs alone, at the start; `None` where each is for itself.
    pub shared: Option<Arc<dyn SharedState>>,
    /// Where the door counts.
    pub metrics: Arc<Metrics>,
}

/// Who answers reports, and what is meant where a question does not say.
#[derive(Clone)]
pub struct ReportDesk {
    /// Has the numbers; `None` where no store of this router has those of all of them.
    pub store: Option<Arc<dyn ReportStore>>,
    /// The name of the time zone.
    pub zone: Arc<str>,
    /// The currency of orders that name none.
    pub currency: Arc<str>,
}

/// Starts to answer on the given listeners; every listener serves everything. Must be called inside an actix system.
///
/// The returned server stops when its handle says so, never by a signal of its own. The terms are changed by a reload.
///
/// # Errors
/// A listener that the system does not let us use.
pub fn serve(door: Door, listeners: Vec<TcpListener>) -> std::io::Result<(Server, DoorTerms)> {
    let shared = Arc::new(Shared::new(&door));
    let terms = DoorTerms(Arc::clone(&shared));
    Ok((serving::start(door, shared, listeners)?, terms))
}
