//! The wire to one Redis: a call of a script goes out, and a reply comes back.

use std::sync::Arc;

use redis::{Script, cmd};

use super::erase::Eraser;
use super::plan::{Load, Request, key};
use super::show;
use super::store::{Shared, Store};
use super::wire::Line;
use crate::destinations::{Client, Erase, Failure, Reply, SharedPresence, Shown};
use crate::stores::shared::SharedState;
use crate::telemetry::clock;

/// Moves all numbers of one site.
pub(super) const MOVE: &str =
    concat!(include_str!("session.lua"), include_str!("vitals.lua"), include_str!("shop.lua"), include_str!("move.lua"));
/// Tries what the other one does.
const PROBE: &str = include_str!("probe.lua");

/// See the module.
pub struct Wire {
    line: Line,
    moving: Script,
    probing: Script,
    store: Arc<Store>,
}

impl Wire {
    /// Returns a wire that has contacted nobody.
    pub(super) fn new(line: Line, store: Store) -> Wire {
        Wire { line, moving: Script::new(MOVE), probing: Script::new(PROBE), store: Arc::new(store) }
    }

    async fn carry_out(&self, load: &Load) -> Result<(), Failure> {
        self.line.run::<u64>(&self.moving, MOVE, &load.keys(), &load.json()).await.map(drop)
    }

    async fn probe(&self) -> Result<(), Failure> {
        self.line.ask::<()>(&cmd("PING")).await?;
        self.line.run::<u64>(&self.probing, PROBE, &[key("opentrack-probe", "probe")], "").await.map(drop)
    }
}

impl Client for Wire {
    type Request = Request;

    async fn send(&self, request: &Request) -> Reply {
        let done = match request {
            Request::Move(load) => self.carry_out(load).await,
            Request::Probe => self.probe().await,
        };
        done.map_or_else(Reply::Failed, |()| Reply::stored(clock::now()))
    }

    fn eraser(&self) -> Option<Arc<dyn Erase>> {
        Some(Arc::new(Eraser(Arc::clone(&self.store))))
    }

    fn shared_presence(&self) -> Option<Arc<dyn SharedPresence>> {
        Some(Arc::new(Shared(Arc::clone(&self.store))))
    }

    fn shared_state(&self) -> Option<Arc<dyn SharedState>> {
        Some(Arc::<Store>::clone(&self.store))
    }

    fn show(&self, request: &Request) -> Shown {
        show::show(&self.line.shown(), request)
    }
}
