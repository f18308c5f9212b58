//! What every request may look at: the per-worker addresses and what all workers share.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};

use ipnet::IpNet;

use super::Door;
use super::additions::Tables;
use super::budget::Budget;
use super::day::DaySalts;
use super::replay::Replays;
use super::session::{Attempts, Ended, Verifier};
use super::sources::Ledger;
use super::stats::Recent;
use super::terms::Terms;
use crate::stores::shared::SharedState;
use crate::telemetry::audit::Book;

/// SDKs hang up after 10 s; an answer that comes earlier can still tell them when to try again.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);

/// How long a request may wait for room before it is refused, in all.
///
/// Most SDKs count tries and not time: analytics-node and rudder-sdk-node give up after four refusals, which takes 1.5 s when
/// each comes at once and 17 s when each comes after this wait; the Rust crate gives up at the first. The other side of the
/// bound are those who hang up after 10 s: the answer must come before, and the commit needs its part of [`ANSWER_WITHIN`].
const WAIT_AT_MOST: Duration = Duration::from_secs(4);

/// Most requests that wait to be let in. Each holds a connection and what its worker has read ahead of it (at most some
/// 160 KiB), and a queue that is longer than what is committed within their patience would only end in refusals.
const MAX_WAITING: usize = 1024;

/// One worker's view.
pub(super) struct State {
    /// This worker's addresses.
    pub(super) door: Door,
    /// The same for all workers.
    pub(super) shared: Arc<Shared>,
}

impl State {
    /// Returns the present terms, to keep to until the answer.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.shared.terms()
    }
}

/// What all workers share.
pub(super) struct Shared {
    pub(super) budget: Budget,
    /// What may change while the router runs.
    pub(super) terms: ArcSwap<Terms>,
    /// Which signed requests are stored.
    pub(super) replays: Arc<Replays>,
    /// For visitors of whom nothing is kept.
    pub(super) salts: DaySalts,
    /// What routers share beside events, where there is a store for it; a reload may change it.
    pub(super) beside: ArcSwapOption<Arc<dyn SharedState>>,
    /// Behind what is added to events.
    pub(super) tables: Tables,
    /// Reports that were made a moment ago.
    pub(super) reports: Recent,
    /// What has come from which source.
    pub(super) ledger: Ledger,
    /// Who tries to log in.
    pub(super) attempts: Attempts,
    /// Who says whether a password is right.
    pub(super) verifier: Verifier,
    /// What operators did.
    pub(super) audit: Book,
    /// Who has logged out.
    pub(super) ended: Ended,
    /// Peers whose connections nobody counts: proxies and developers on this machine.
    pub(super) loopback: Vec<IpNet>,
    /// How long a request may take from its head to its answer.
    pub(super) answer_within: Duration,
    /// How long a request may wait for room.
    pub(super) wait_at_most: Duration,
}

impl Shared {
    pub(super) fn new(door: &Door) -> Self {
        let settings = &door.settings;
        // Half of the connections stay for those who ask how the router is.
        let seats = MAX_WAITING.min(settings.server.max_connections / 2);
        Shared {
            budget: Budget::for_bodies_of(settings.server.max_body_bytes, seats),
            terms: ArcSwap::from_pointee(Terms::new(settings)),
            replays: Arc::new(Replays::new()),
            salts: DaySalts::new(&settings.server.data_dir, door.shared.clone()),
            beside: ArcSwapOption::new(door.shared.clone().map(Arc::new)),
            tables: Tables::new(&settings.additions),
            reports: Recent::default(),
            ledger: Ledger::default(),
            attempts: Attempts::default(),
            verifier: Verifier::default(),
            audit: Book::of(&settings.server.data_dir),
            ended: Ended::default(),
            loopback: ["127.0.0.0/8", "::1/128"].iter().filter_map(|net| net.parse().ok()).collect(),
            answer_within: ANSWER_WITHIN,
            wait_at_most: WAIT_AT_MOST,
        }
    }

    /// Shares with these routers from now on.
    pub(super) fn share(&self, beside: Option<Arc<dyn SharedState>>) {
        self.salts.share(beside.clone());
        self.beside.store(beside.map(Arc::new));
    }

    /// Returns the present terms, to keep to until the answer.
    pub(super) fn terms(&self) -> Arc<Terms> {
        self.terms.load_full()
    }
}
