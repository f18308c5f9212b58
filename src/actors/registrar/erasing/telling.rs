//! Telling destinations that somebody is erased, where nothing can be erased from here.
//!
//! Separate from erasing because it goes the way of every event: durable, addressed to who asked to be told, and tried again by their
//! deliveries. It names the people once more, so that it is overwritten when everybody has it. A start tells again what may not have
//! come through. Never knows what a destination makes of it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::{Erasing, FIRST_WAIT, LAST_WAIT, blocking};
use crate::actors::messages::{Accept, ListErasers};
use crate::actors::registrar::trouble;
use crate::journal::{Journal, Position, erasure};
use crate::privacy::StoreState;
use crate::privacy::regulation::Regulation;
use crate::spec::{Event, IdKind, Kind, People, Receipt, Redelivery};
use crate::telemetry::clock;

/// What it is called, as Segment has it.
const DELETED: &str = "User Deleted";
/// The source of the events that the router makes itself.
const SOURCE: &str = "opentrack";
/// Ids of which is told in one message.
const AT_ONCE: usize = 256;

/// What was told, until everybody has it.
#[derive(Default)]
pub(super) struct Told {
    /// Configured names.
    pub(super) names: Vec<String>,
    positions: Vec<Position>,
    /// Whoever has settled everything before has settled it.
    until: Position,
}

impl Erasing {
    /// Tells those that are on and asked for it, and returns when that is durable. Users are told of, not browsers.
    pub(super) async fn tell(&self, regulation: &Regulation) -> Told {
        if self.parts.tell.is_empty() || regulation.id_kind != IdKind::UserId {
            return Told::default();
        }
        let Ok(erasers) = self.parts.erasers.send(ListErasers).await else {
            return std::future::pending().await;
        };
        let on = erasers.stores.into_iter().filter(|store| store.is_on).map(|store| store.name);
        let names: Vec<String> = on.filter(|name| self.parts.tell.contains(name)).collect();
        let from = self.parts.journal.extent().next;
        for (part, ids) in regulation.ids.chunks(AT_ONCE).enumerate().filter(|_| !names.is_empty()) {
            self.store(|| events((&regulation.id, part), ids, &names, clock::now())).await;
        }
        let until = self.parts.journal.extent().next;
        let positions = self.find_told(Arc::new(regulation.people()), (from, until)).await;
        Told { names, positions, until }
    }

    /// Has events stored; tried again until they are.
    async fn store(&self, events: impl Fn() -> Vec<Event>) {
        let mut wait = FIRST_WAIT;
        loop {
            // They are about people who may be suppressed, on purpose.
            let accept = Accept { is_sifted: true, ..Accept::own(events()) };
            let why = match self.parts.accept.send(accept).await {
                Ok(Ok(_)) => return,
                Ok(Err(refused)) => refused.to_string(),
                Err(gone) => gone.to_string(),
            };
            trouble("tell destinations who is erased", &why);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    async fn find_told(&self, people: Arc<People>, range: (Position, Position)) -> Vec<Position> {
        let journal = Arc::clone(&self.parts.journal);
        let found = blocking(move || {
            let mut found = Vec::new();
            let walked = erasure::walk(journal.as_ref(), range, &mut |record| {
                found.extend(is_told(&record.event, &people).then_some(record.position));
                true
            });
            walked.map(|()| found).map_err(|error| error.to_string())
        });
        found.await.unwrap_or_else(|why| {
            trouble("find what destinations were told", &why);
            Vec::new()
        })
    }

    /// Waits until everybody has what was told, or is switched off, and overwrites it. A shared journal keeps it as it keeps all.
    pub(super) async fn take_back(&self, id: &str, told: Told) {
        let mut wait = FIRST_WAIT;
        while !told.names.is_empty() && !self.all_have(id, &told).await {
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
        if told.positions.is_empty() || self.parts.is_shared {
            return;
        }
        let (journal, positions) = (Arc::clone(&self.parts.journal), told.positions);
        while let Err(why) = self.erase_told(Arc::clone(&journal), positions.clone()).await {
            trouble("overwrite what destinations were told", &why);
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(LAST_WAIT);
        }
    }

    async fn erase_told(&self, journal: Arc<dyn Journal>, positions: Vec<Position>) -> Result<u64, String> {
        blocking(move || journal.erase(&positions).map_err(|error| error.to_string())).await
    }

    /// Says of each how far it is; returns whether nobody is waited for.
    async fn all_have(&self, id: &str, told: &Told) -> bool {
        let Ok(erasers) = self.parts.erasers.send(ListErasers).await else {
            return std::future::pending().await;
        };
        let mut is_all = true;
        for name in &told.names {
            let waits = erasers.stores.iter().any(|store| is_waited_for(store, name, told.until));
            let is_late = waits && !self.parts.is_shared;
            is_all &= !is_late;
            let (state, reason) = if is_late {
                (StoreState::Running, "it is being told by an event `User Deleted`")
            } else {
                (StoreState::NotErasable, "it was told by an event `User Deleted`, and sees to it itself")
            };
            self.say(id, name, state, (0, Some(reason.to_owned()))).await;
        }
        is_all
    }
}

/// Returns whether an event is what a destination was told of one of these people.
fn is_told(event: &Event, people: &People) -> bool {
    let is_ours = event.receipt.redelivery.is_some() && event.head.name.as_deref() == Some(DELETED);
    is_ours && people.concerns(&event.head)
}

fn is_waited_for(store: &crate::actors::messages::Erasable, name: &str, until: Position) -> bool {
    store.name == name && store.is_on && store.mark < until
}

/// Makes an event for each of these people and each destination.
fn events((id, part): (&str, usize), ids: &[String], names: &[String], now: Timestamp) -> Vec<Event> {
    let of = |(n, user): (usize, &String)| {
        let message_id = format!("ot-deleted-{id}-{}", part * AT_ONCE + n);
        names.iter().filter_map(|name| event((&message_id, user), name, now)).collect::<Vec<_>>()
    };
    ids.iter().enumerate().flat_map(of).collect()
}

fn event((message_id, user): (&str, &str), destination: &str, now: Timestamp) -> Option<Event> {
    let event = json!({
        "type": "track",
        "event": DELETED,
        "messageId": message_id,
        "timestamp": now,
        "userId": user,
        "properties": {},
        "context": { "library": { "name": SOURCE }, "channel": "server" },
    });
    let receipt = Receipt {
        kind: Kind::Track,
        received_at: now,
        timestamp: now,
        sent_at: None,
        message_id: None,
        source: Arc::from(SOURCE),
        ip: None,
        signals: Default::default(),
        redelivery: Some(Box::new(Redelivery { destination: Arc::from(destination), previous: None })),
    };
    Event::restore(event.to_string(), receipt).ok()
}
