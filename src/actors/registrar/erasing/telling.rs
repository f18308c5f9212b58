//! Telling destinations that somebody is erased, where nothing can be erased from here.
//!
//! Separate from erasing because it goes the way of every event: durable, addressed to who asked to be told, and tried again by their
//! deliveries. It names the people once more, so that it is overwritten when everybody has it. A start tells again what may not have
//! come through, and nobody who has it already. Never knows what a destination makes of it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::json;

use super::{Erasing, FIRST_WAIT, LAST_WAIT, blocking};
use crate::actors::messages::{Accept, ListErasers};
use crate::actors::registrar::trouble;
use crate::journal::{Journal, Position, erasure};
use crate::privacy::regulation::Regulation;
use crate::privacy::{StoreState, StoreStatus};
use crate::spec::deletion::{self, NAME, SOURCE};
use crate::spec::{Event, IdKind, Kind, People, Receipt, Redelivery};
use crate::telemetry::clock;

/// Said of a destination until it has what it was told, and from then on.
const IS_BEING_TOLD: &str = "it is being told by an event `User Deleted`";
const WAS_TOLD: &str = "it was told by an event `User Deleted`, and sees to it itself";
/// Ids of which is told in one message.
const AT_ONCE: usize = 256;

/// What was told, until everybody has it.
#[derive(Default)]
pub(super) struct Told {
    /// Configured names.
    names: Vec<String>,
    positions: Vec<Position>,
    /// Whoever has settled everything before has settled it.
    until: Position,
}

/// Who is to be told.
#[derive(Default)]
pub(super) struct ToTell {
    /// Configured names of those that are on and have it not yet.
    names: Vec<String>,
    /// Of those that had it before this process began.
    before: Vec<String>,
}

impl ToTell {
    /// Returns everybody who is told, or was.
    pub(super) fn everybody(&self) -> Vec<String> {
        self.names.iter().chain(&self.before).cloned().collect()
    }
}

impl Erasing {
    /// Returns whom to tell: those that are on and asked for it. Users are told of, not browsers.
    pub(super) async fn to_be_told(&self, regulation: &Regulation) -> ToTell {
        if self.parts.tell.is_empty() || regulation.id_kind != IdKind::UserId {
            return ToTell::default();
        }
        let Ok(erasers) = self.parts.erasers.send(ListErasers).await else {
            return std::future::pending().await;
        };
        let on = erasers.stores.into_iter().filter(|store| store.is_on).map(|store| store.name);
        let before = had_by(regulation);
        let is_to_be_told = |name: &String| self.parts.tell.contains(name) && !before.contains(name);
        ToTell { names: on.filter(is_to_be_told).collect(), before }
    }

    /// Tells those that have it not yet, and returns when that is durable.
    pub(super) async fn tell(&self, regulation: &Regulation, ToTell { names, .. }: ToTell) -> Told {
        if names.is_empty() {
            return Told::default();
        }
        let from = self.parts.journal.extent().next;
        for (part, ids) in regulation.ids.chunks(AT_ONCE).enumerate() {
            self.store(|| events((&regulation.id, part), ids, &names, clock::now())).await;
        }
        let until = self.parts.journal.extent().next;
        let positions = self.find_told(Arc::new(regulation.people()), (from, until)).await;
        Told { names, positions, until }
    }

    /// Has events stored; tried again until they are.
    async fn store(&self, events: impl Fn() -> Vec<Event>) {
        let store = async || {
            // They are about people who may be suppressed, on purpose.
            let accept = Accept { is_sifted: true, ..Accept::own(events()) };
            match self.parts.accept.send(accept).await {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(refused)) => Err(refused.to_string()),
                Err(gone) => Err(gone.to_string()),
            }
        };
        until_done("tell destinations who is erased", store).await;
    }

    /// Finds what names them once more; tried again until the journal can be read, since it would stay there otherwise.
    async fn find_told(&self, people: Arc<People>, range: (Position, Position)) -> Vec<Position> {
        let find = async || {
            let (journal, people) = (Arc::clone(&self.parts.journal), Arc::clone(&people));
            blocking(move || told_in(journal.as_ref(), &people, range)).await
        };
        until_done("find what destinations were told", find).await
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
        let erase = async || {
            let (journal, positions) = (Arc::clone(&self.parts.journal), told.positions.clone());
            blocking(move || journal.erase(&positions).map_err(|error| error.to_string())).await
        };
        until_done("overwrite what destinations were told", erase).await;
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
                (StoreState::Running, IS_BEING_TOLD)
            } else {
                (StoreState::NotErasable, WAS_TOLD)
            };
            self.say(id, name, state, (0, Some(reason.to_owned()))).await;
        }
        is_all
    }
}

/// Returns the names of those that have what they were told. What another one waits for was overwritten when this process began:
/// that one is told again.
fn had_by(regulation: &Regulation) -> Vec<String> {
    let has_it =
        |one: &StoreStatus| one.state == StoreState::NotErasable && one.reason.as_deref() == Some(WAS_TOLD);
    regulation.stores.iter().filter(|(_, one)| has_it(one)).map(|(name, _)| name.clone()).collect()
}

/// Returns where in a range destinations are told of these people.
fn told_in(
    journal: &dyn Journal,
    people: &People,
    range: (Position, Position),
) -> Result<Vec<Position>, String> {
    let mut found = Vec::new();
    let walked = erasure::walk(journal, range, &mut |record| {
        let is_told = deletion::is_told(&record.event) && people.concerns(&record.event.head);
        found.extend(is_told.then_some(record.position));
        true
    });
    walked.map(|()| found).map_err(|error| error.to_string())
}

/// Tries something until it is done, with growing waits; `what` it is stands in the log.
async fn until_done<T>(what: &'static str, attempt: impl AsyncFn() -> Result<T, String>) -> T {
    let mut wait = FIRST_WAIT;
    loop {
        match attempt().await {
            Ok(done) => return done,
            Err(why) => trouble(what, &why),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LAST_WAIT);
    }
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
        "event": NAME,
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_fails_is_tried_again_until_it_is_done() {
        let tries = AtomicUsize::new(0);
        let attempt = async || match tries.fetch_add(1, Ordering::SeqCst) {
            3 => Ok("found"),
            _ => Err("the disk is away".to_owned()),
        };
        assert_eq!(until_done("find something", attempt).await, "found");
        assert_eq!(tries.load(Ordering::SeqCst), 4);
    }
}
