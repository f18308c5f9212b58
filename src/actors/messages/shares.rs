//! Messages of a journal that several routers share.

use actix::Message;
use tokio::sync::oneshot;

use crate::policy::route::Kinds;

/// Fact: the journal has read records of these kinds; the destinations that they concern should look.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Grown {
    /// Kinds of the records.
    pub kinds: Kinds,
}

/// Command: have every delivery finish what it has in flight and stop. What takes too long is cut.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct StandBy {
    /// Told when none is at work any more.
    pub done: oneshot::Sender<()>,
}

/// Command: start the deliveries again that stand by.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct GoOn;
