//! One attempt: loads what is missing, plans, changes the schema where it must, sends, and judges.
//!
//! Everything that can go wrong becomes a fate of each event; a panic of the mapping costs the one event that caused it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::Parts;
use super::trail::{Span, Trail};
use super::turnstile::Turnstile;
use crate::actors::schema_manager;
use crate::destinations::{Attempt, Client, Destination, FailureKind, Plan, Planned, Reply};
use crate::journal::{Journal, JournalError, Position, ReadLimit};
use crate::policy::delivery::Fate;
use crate::policy::outcome::{Fault, Outcome, Reason};
use crate::spec::Event;
use crate::telemetry::{AttemptClass, clock, events};

/// How often a batch may ask for a changed schema before it waits like any other failure.
const SCHEMA_ROUNDS: usize = 5;

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
    /// The last failure, in the other side's words.
    pub(super) fault: Option<Fault>,
    /// How long it waited for permits of ours.
    pub(super) waited: Duration,
    /// What is noted about it.
    pub(super) trail: Trail,
}

/// A batch with what is still in memory of it.
pub(super) type Loaded = Vec<(u64, Option<Arc<Event>>)>;

/// Makes one attempt. Never fails: failures are fates.
pub(super) async fn make<D: Destination>(
    parts: Arc<Parts<D>>,
    turnstile: Arc<Turnstile>,
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
    let mut fates = Fates::new(&positions);
    loaded.damaged.into_iter().for_each(|position| fates.set(position, Fate::Passed));
    for position in loaded.gone {
        fates.set(position, Fate::Passed);
        report.skipped.push((position, Reason::Erased));
    }
    match plan(&parts, &report.events, attempt).await {
        Ok(plan) => carry_out((&parts, &turnstile), plan, attempt, (&mut report, &mut fates)).await,
        Err(outcome) => {
            report.fault = fault_of(&outcome).cloned();
            for (position, _) in &report.events {
                report.trail.add(unsent(), *position, &outcome);
                fates.set(*position, Fate::Failed(outcome.clone()));
            }
        }
    }
    report.fates = fates.0;
    report
}

impl Report {
    /// Returns a report that says the same of every event.
    pub(super) fn all(positions: &[u64], outcome: Outcome) -> Report {
        let fault = fault_of(&outcome).cloned();
        let mut trail = Trail::default();
        positions.iter().for_each(|position| trail.add(unsent(), *position, &outcome));
        let fates = positions.iter().map(|position| (*position, Fate::Failed(outcome.clone()))).collect();
        Report { fates, fault, trail, ..Report::default() }
    }
}

/// The fates of a batch; unsent until something else is known.
struct Fates(Vec<(u64, Fate)>);

impl Fates {
    fn new(positions: &[u64]) -> Self {
        Fates(positions.iter().map(|position| (*position, Fate::Unsent)).collect())
    }

    fn set(&mut self, position: u64, fate: Fate) {
        if let Ok(at) = self.0.binary_search_by_key(&position, |(other, _)| *other)
            && let Some(entry) = self.0.get_mut(at)
        {
            entry.1 = fate;
        }
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
    let journal = Arc::clone(&parts.journal);
    let read = move || {
        let mut found = Found::default();
        for (position, event) in batch {
            let read = event.map_or_else(|| read_one(journal.as_ref(), position), |event| Ok(Some(event)));
            found.sort(position, read)?;
        }
        let first = journal.extent().first.0;
        found.gone.retain(|position| *position >= first);
        Ok(found)
    };
    let panicked = |_| Err(store_fault("reading the journal panicked".into()));
    tokio::task::spawn_blocking(read).await.unwrap_or_else(panicked)
}

/// Returns one event, or `None` when it is no longer there.
pub(super) fn read_one(journal: &dyn Journal, position: u64) -> Result<Option<Arc<Event>>, JournalError> {
    let limit = ReadLimit { records: 1, bytes: usize::MAX };
    let at = Position(position);
    let records = match journal.tail(at, limit) {
        Some(records) => records,
        None => journal.read(at, limit)?,
    };
    Ok(records.into_iter().find(|record| record.position == at).map(|record| record.event))
}

fn store_fault(answer: String) -> Fault {
    Fault { reason: Reason::Store, status: None, answer, place: None }
}

/// Plans a batch, changing the schema until it fits.
async fn plan<D: Destination>(
    parts: &Arc<Parts<D>>,
    batch: &[(u64, Arc<Event>)],
    attempt: Attempt,
) -> Result<Plan<D::Request>, Outcome> {
    let events: Arc<[Arc<Event>]> = batch.iter().map(|(_, event)| Arc::clone(event)).collect();
    for _ in 0..SCHEMA_ROUNDS {
        let (planner, events) = (Arc::clone(parts), Arc::clone(&events));
        let work = move || plan_contained(planner.as_ref(), &events, &attempt);
        let plan = tokio::task::spawn_blocking(work).await.map_err(|panic| {
            Outcome::Transient(Fault {
                reason: Reason::Panicked,
                status: None,
                answer: panic.to_string(),
                place: None,
            })
        })?;
        let Some(diff) = plan.needs else { return Ok(plan) };
        parts.change_schema(diff).await?;
    }
    Err(Outcome::Transient(Fault {
        reason: Reason::Store,
        status: None,
        answer: "the schema did not come to rest".into(),
        place: None,
    }))
}

/// Plans a batch as far as the destination sees it; when that panics, plans its events one by one and refuses those that panic alone.
fn plan_contained<D: Destination>(
    parts: &Parts<D>,
    events: &[Arc<Event>],
    attempt: &Attempt,
) -> Plan<D::Request> {
    let planned = |events: &[Arc<Event>]| {
        catch_unwind(AssertUnwindSafe(|| parts.destination.plan(&parts.view.of(events), attempt)))
    };
    if let Ok(plan) = planned(events) {
        return plan;
    }
    let mut whole = Plan::default();
    for (index, event) in events.iter().enumerate() {
        match planned(std::slice::from_ref(event)) {
            Err(_) => whole.refused.push((index, panicked())),
            Ok(plan) if plan.needs.is_some() => return Plan { needs: plan.needs, ..Plan::default() },
            Ok(plan) => {
                let at_index = |planned: Planned<D::Request>| Planned { events: vec![index], ..planned };
                whole.requests.extend(plan.requests.into_iter().map(at_index));
                whole.refused.extend(plan.refused.into_iter().map(|(_, fault)| (index, fault)));
                whole.skipped.extend(plan.skipped.into_iter().map(|(_, reason)| (index, reason)));
            }
        }
    }
    whole
}

fn panicked() -> Fault {
    Fault {
        reason: Reason::Panicked,
        status: None,
        answer: "the mapping panicked on this event".into(),
        place: None,
    }
}

impl<D: Destination> Parts<D> {
    async fn change_schema(&self, diff: crate::warehouse::SchemaDiff) -> Result<(), Outcome> {
        let Some(manager) = &self.schema_manager else {
            return Err(Outcome::Broken(store_fault("the destination has no schema manager".into())));
        };
        let changed = manager.send(crate::actors::messages::ChangeSchema { diff }).await;
        changed.unwrap_or_else(|_| Err(schema_manager::stopped())).map_err(Outcome::Transient)
    }
}

/// Sends the requests of a plan in order, each when the turnstile lets it pass. Ends at the first one that must be tried
/// again, since later ones may be of the same users, and where the delivery is to stop; what was not sent stays unsent.
async fn carry_out<D: Destination>(
    (parts, turnstile): (&Parts<D>, &Turnstile),
    plan: Plan<D::Request>,
    attempt: Attempt,
    (report, fates): (&mut Report, &mut Fates),
) {
    let position_of = |report: &Report, index: usize| report.events.get(index).map(|(position, _)| *position);
    for (index, fault) in plan.refused {
        let Some(position) = position_of(report, index) else { continue };
        report.trail.add(unsent(), position, &Outcome::Refused(fault.clone()));
        fates.set(position, Fate::Unfit(fault));
    }
    for (index, reason) in plan.skipped {
        let Some(position) = position_of(report, index) else { continue };
        fates.set(position, Fate::Passed);
        report.skipped.push((position, reason));
    }
    for (number, planned) in plan.requests.into_iter().enumerate() {
        let Some(waited) = turnstile.pass(number == 0).await else { return };
        report.waited += waited;
        let (span, outcomes) = send(parts, &planned, attempt).await;
        let goes_on = outcomes.iter().all(is_final);
        for (index, outcome) in planned.events.iter().zip(outcomes) {
            report.fault = fault_of(&outcome).cloned().or(report.fault.take());
            let Some(position) = position_of(report, *index) else { continue };
            report.trail.add(span, position, &outcome);
            fates.set(position, fate(outcome));
        }
        if !goes_on {
            return;
        }
    }
}

fn fate(outcome: Outcome) -> Fate {
    if outcome == Outcome::Delivered { Fate::Settled } else { Fate::Failed(outcome) }
}

/// Returns whether nothing is left to do about the event.
fn is_final(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Delivered | Outcome::Refused(_))
}

async fn send<D: Destination>(
    parts: &Parts<D>,
    planned: &Planned<D::Request>,
    attempt: Attempt,
) -> (Span, Vec<Outcome>) {
    let at = clock::now();
    let begun = tokio::time::Instant::now();
    let answered = tokio::time::timeout(parts.patience.timeout, parts.client.send(&planned.request)).await;
    let late = |_| Reply::failed(FailureKind::Timeout, "no answer in time");
    let reply = answered.unwrap_or_else(late);
    let count = planned.events.len();
    let judged = catch_unwind(AssertUnwindSafe(|| parts.destination.judge(&planned.request, count, &reply)));
    let outcomes = match judged {
        Ok(outcomes) if outcomes.len() == count => outcomes,
        Ok(_) | Err(_) => vec![Outcome::Transient(misjudged()); count],
    };
    let took = begun.elapsed();
    tell(parts, &outcomes, attempt, took);
    let status = match &reply {
        Reply::Answer(answer) => Some(answer.status),
        Reply::Failed(_) => None,
    };
    (Span { at, took: Some(took), status }, outcomes)
}

/// Nothing went over the wire.
fn unsent() -> Span {
    Span { at: clock::now(), took: None, status: None }
}

fn misjudged() -> Fault {
    Fault {
        reason: Reason::BadAnswer,
        status: None,
        answer: "the answer could not be judged".into(),
        place: None,
    }
}

/// Counts the request by the worst of its outcomes.
fn tell<D: Destination>(parts: &Parts<D>, outcomes: &[Outcome], attempt: Attempt, took: Duration) {
    let worst = outcomes.iter().filter_map(|outcome| Some((class(outcome)?, fault_of(outcome)?)));
    match worst.max_by_key(|(class, _)| *class as u8) {
        None => {
            let (destination, events) = (parts.name.as_str(), outcomes.len());
            events::BatchSent { destination, events, attempt: attempt.number, took }.emit(&parts.metrics);
        }
        Some((class, fault)) => events::AttemptFailed {
            destination: &parts.name,
            class,
            reason: fault.reason.as_str(),
            status: fault.status,
            events: outcomes.len(),
            attempt: attempt.number,
            took,
        }
        .emit(&parts.metrics),
    }
}

pub(super) fn class(outcome: &Outcome) -> Option<AttemptClass> {
    match outcome {
        Outcome::Delivered | Outcome::Deferred { .. } => None,
        Outcome::Refused(_) | Outcome::Suspect(_) => Some(AttemptClass::Refused),
        Outcome::Broken(_) => Some(AttemptClass::Broken),
        Outcome::Transient(_) => Some(AttemptClass::Transient),
        Outcome::Throttled { .. } => Some(AttemptClass::Throttled),
    }
}

pub(super) fn fault_of(outcome: &Outcome) -> Option<&Fault> {
    match outcome {
        Outcome::Delivered => None,
        Outcome::Refused(fault)
        | Outcome::Suspect(fault)
        | Outcome::Broken(fault)
        | Outcome::Transient(fault)
        | Outcome::Throttled { fault, .. }
        | Outcome::Deferred { fault, .. } => Some(fault),
    }
}
