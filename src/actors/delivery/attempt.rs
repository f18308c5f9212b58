//! One attempt: loads what is missing, has it planned and sent, and tells of it.
//!
//! Everything that can go wrong becomes a fate of each event.

use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use jiff::Timestamp;

use super::Parts;
use super::fates::Fates;
use super::ordering::OrderSchema;
use super::trail::{Span, Trail};
use super::turnstile::Turnstile;
use super::{planning, sending};
use crate::destinations::{Attempt, Destination};
use crate::journal::{Journal, JournalError, Position, ReadLimit};
use crate::policy::delivery::Fate;
use crate::policy::outcome::{Fault, Outcome, Reason};
use crate::spec::Event;
use crate::telemetry::{clock, events};

/// What became of a batch.
#[derive(Debug, Default)]
pub(super) struct Report {
    /// One fate for each event, in the order of the batch.
    pub(super) fates: Vec<(u64, Fate)>,
    /// Events that turned out to be of no use there.
    pub(super) skipped: Vec<(u64, Reason)>,
    /// How many have a record that nobody can read any more.
    pub(super) damaged: u64,
    /// The events, for dead letters and latencies.
    pub(super) events: Vec<(u64, Arc<Event>)>,
    /// The other side took or judged something.
    pub(super) answered: bool,
    /// The last failure, in the other side's words.
    pub(super) fault: Option<Fault>,
    /// How long it waited for permits of ours.
    pub(super) waited: Duration,
    /// What is noted about it.
    pub(super) trail: Trail,
}

/// A batch with what is still in memory of it.
pub(super) type Loaded = Vec<(u64, Option<Arc<Event>>)>;

/// What the attempts of one delivery share.
pub(super) struct Gear {
    /// Where requests wait for their permits.
    pub(super) turnstile: Arc<Turnstile>,
    /// Who has changes of the schema made that nobody waits for.
    pub(super) orders: Recipient<OrderSchema>,
}

/// Makes one attempt. Never fails: failures are fates.
pub(super) async fn make<D: Destination>(
    parts: Arc<Parts<D>>,
    gear: Gear,
    batch: Loaded,
    attempt: Attempt,
) -> Report {
    let positions: Vec<u64> = batch.iter().map(|(position, _)| *position).collect();
    let loaded = match load(&parts, batch).await {
        Ok(loaded) => loaded,
        Err(fault) => return Report::all(&positions, Outcome::Transient(fault)),
    };
    let damaged = loaded.damaged.len() as u64;
    let mut report = Report { events: loaded.present, damaged, ..Report::default() };
    let from = clock::now();
    let mut fates = Fates::new(&positions);
    loaded.damaged.into_iter().for_each(|position| fates.add(position, Fate::Passed));
    for position in loaded.gone {
        fates.add(position, Fate::Passed);
        report.skipped.push((position, Reason::Erased));
    }
    match planning::plan(&parts, &gear, &report.events, attempt).await {
        Ok(plan) => {
            sending::carry_out((&parts, &gear.turnstile), plan, attempt, (&mut report, &mut fates)).await;
        }
        Err(outcome) => {
            report.fault = sending::failure(&outcome).cloned();
            for (position, _) in &report.events {
                report.trail.add(Span::unsent(clock::now()), *position, &outcome);
                fates.add(*position, Fate::Failed(outcome.clone()));
            }
        }
    }
    report.fates = fates.into_all();
    trace(&parts, &report, (attempt, from));
    report
}

/// Tells the traced requests of the batch of it.
fn trace<D: Destination>(parts: &Parts<D>, report: &Report, (attempt, from): (Attempt, Timestamp)) {
    let ids = report.events.iter().map(|(_, event)| &*event.head.message_id);
    let requests = parts.metrics.traces.requests_of(ids);
    if requests.is_empty() {
        return;
    }
    events::AttemptTraced {
        requests,
        destination: &parts.name,
        events: report.events.len(),
        attempt: attempt.number,
        error: report.fault.as_ref().map(|fault| fault.reason.as_str()),
        from,
        until: clock::now(),
    }
    .emit(&parts.metrics);
}

impl Report {
    /// Returns a report that says the same of every event.
    pub(super) fn all(positions: &[u64], outcome: Outcome) -> Report {
        let fault = sending::failure(&outcome).cloned();
        let mut trail = Trail::default();
        let span = Span::unsent(clock::now());
        positions.iter().for_each(|position| trail.add(span, *position, &outcome));
        let fates = positions.iter().map(|position| (*position, Fate::Failed(outcome.clone()))).collect();
        Report { fates, fault, trail, ..Report::default() }
    }
}

/// A batch after a look into the journal.
#[derive(Default)]
struct Found {
    present: Vec<(u64, Arc<Event>)>,
    gone: Vec<u64>,
    damaged: Vec<u64>,
}

impl Found {
    /// Sorts by what was read. Nothing is said of a record that the journal has given up: it is not sent, and the machine
    /// learns why.
    fn sort(&mut self, position: u64, read: Result<Option<Arc<Event>>, JournalError>) -> Result<(), Fault> {
        match read {
            Ok(Some(event)) => self.present.push((position, event)),
            Ok(None) => self.gone.push(position),
            Err(JournalError::Damaged(_)) => self.damaged.push(position),
            Err(error) => return Err(store_fault(error.to_string())),
        }
        Ok(())
    }
}

async fn load<D: Destination>(parts: &Arc<Parts<D>>, batch: Loaded) -> Result<Found, Fault> {
    if batch.iter().all(|(_, event)| event.is_some()) {
        let present = batch.into_iter().filter_map(|(position, event)| Some((position, event?))).collect();
        return Ok(Found { present, ..Found::default() });
    }
    let parts = Arc::clone(parts);
    let read = move || {
        let mut found = Found::default();
        for (position, event) in batch {
            let read = event.map_or_else(|| parts.read_one(position), |event| Ok(Some(event)));
            found.sort(position, read)?;
        }
        let first = parts.extent().first.0;
        found.gone.retain(|position| *position >= first);
        Ok(found)
    };
    let panicked = |_| Err(store_fault("reading the journal panicked"));
    tokio::task::spawn_blocking(read).await.unwrap_or_else(panicked)
}

/// Returns one event of the log, or `None` when it is no longer there.
pub(super) fn read_one(journal: &dyn Journal, position: u64) -> Result<Option<Arc<Event>>, JournalError> {
    let limit = ReadLimit { records: 1, bytes: usize::MAX };
    let at = Position(position);
    let records = match journal.tail(at, limit) {
        Some(records) => records,
        None => journal.read(at, limit)?,
    };
    Ok(records.into_iter().find(|record| record.position == at).map(|record| record.event))
}

pub(super) fn store_fault(answer: impl Into<String>) -> Fault {
    Fault::new(Reason::Store, None, answer)
}
