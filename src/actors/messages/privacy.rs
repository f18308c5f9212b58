//! What people ask of us, and what the registrar needs of the supervisor to carry it out.

use std::sync::Arc;

use actix::Message;
use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use crate::destinations::Erase;
use crate::journal::Position;
use crate::privacy::{Shown, Wish};
use crate::spec::People;

/// Command: take a wish, durably, and carry it out. What suppresses holds when it is answered.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Shown, NotRegulated>")]
pub struct Regulate(pub Wish);

/// Why a wish was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotRegulated {
    /// So many are being carried out that no more are taken now.
    Busy,
    /// The disk failed.
    Failed(String),
}

/// Question: how far is this regulation, or, without an id, how far are the newest?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Vec<Shown>")]
pub struct LookUp {
    /// Which; `None`: the newest.
    pub id: Option<String>,
    /// Most of them.
    pub limit: usize,
}

/// Question: what is in the journal about these people? Lines of JSON, oldest first; `None` where as many ask as can.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Option<mpsc::Receiver<Result<Bytes, String>>>")]
pub struct Export(pub Arc<People>);

/// Who is to stand still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    /// Every delivery and every projection.
    All,
    /// Projections alone; deliveries go on.
    Projections,
}

/// Command: have them stop, and start none. What takes too long is cut.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Hold {
    /// Who.
    pub whom: Held,
    /// Told when none is at work any more.
    pub done: oneshot::Sender<()>,
}

/// Command: start again what is held.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Release;

/// Question: which destinations are there, and what can be erased there?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "Erasers")]
pub struct ListErasers;

/// The destinations as an erasure sees them.
#[derive(Clone)]
pub struct Erasers {
    /// All of them, by no order.
    pub stores: Vec<Erasable>,
    /// When a delivery was last ended with something in flight: what it had sent may arrive for as long as a request may take.
    pub last_cut: Option<tokio::time::Instant>,
}

/// A destination as an erasure sees it.
#[derive(Clone)]
pub struct Erasable {
    /// Configured name.
    pub name: String,
    /// It is switched on.
    pub is_on: bool,
    /// Everything in the journal before this is settled there.
    pub mark: Position,
    /// What erases there; `None` where nothing can be.
    pub eraser: Option<Arc<dyn Erase>>,
}
