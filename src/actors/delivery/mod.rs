//! The delivery actor, written once for every destination: performs what the machine of `policy::delivery` decides.
//!
//! It owns no data worth keeping: events are in the journal, what is settled in the cursor. After a panic its supervisor
//! starts a new one, which goes on from there.

mod attempt;
mod loaded;
mod settle;
mod status;
mod tally;

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::exit_guard::ExitGuard;
use super::messages::{ChangeSchema, DestinationStatus, Drain, Drained, LastError, Status, Wake};
use crate::destinations::{Attempt, Client, Destination, Reply};
use crate::journal::{Cursor, Journal, JournalError, Position, ReadLimit, Record};
use crate::policy::Moment;
use crate::policy::delivery::{Action, Delivery as Machine, Fate, Input, Item, Keys};
use crate::policy::filter::EventFilter;
use crate::policy::outcome::{Outcome, Reason, Verdict};
use crate::policy::patience::Patience;
use crate::policy::settled::Settled;
use crate::spec::Event;
use crate::telemetry::{Metrics, clock, events};
use attempt::Report;
use loaded::Loaded;
use tally::Tally;

/// How often a delivery looks at the journal without being woken, and measures its backlog.
const TICK: Duration = Duration::from_secs(1);

/// What a delivery is made of; shared by all its incarnations.
pub struct Parts<D: Destination> {
    /// Configured name.
    pub name: String,
    /// The pure half.
    pub destination: D,
    /// The wire.
    pub client: D::Client,
    /// Where the events are.
    pub journal: Arc<dyn Journal>,
    /// Batch, retry, breaker, hold.
    pub patience: Patience,
    /// Which events it gets.
    pub filter: EventFilter,
    /// What carries out schema changes, for a warehouse.
    pub schema_manager: Option<Recipient<ChangeSchema>>,
    /// Where to count.
    pub metrics: Arc<Metrics>,
    /// What the supervisor sees without asking.
    pub beacon: Arc<Beacon>,
}

/// What a delivery and its supervisor share without messages.
#[derive(Debug, Default)]
pub struct Beacon {
    /// Everything before this position is settled.
    pub mark: AtomicU64,
    /// A wake is in the mailbox already.
    pub woken: AtomicBool,
}

/// See the module.
pub struct Delivery<D: Destination> {
    parts: Arc<Parts<D>>,
    /// `None` until the cursor is read and the wire is prepared.
    machine: Option<Machine>,
    origin: (tokio::time::Instant, jiff::Timestamp),
    /// Loaded events that are not settled. An event that waits for long is read again instead.
    events: Loaded,
    tally: Tally,
    last_error: Option<LastError>,
    breaker: crate::telemetry::BreakerState,
    held: bool,
    preparations: u32,
    oldest: Option<(u64, jiff::Timestamp)>,
    alarm: Option<(Moment, SpawnHandle)>,
    draining: Option<oneshot::Sender<Drained>>,
    _guard: ExitGuard,
}

impl<D: Destination> Delivery<D> {
    /// Returns a delivery that begins where the journal's cursor says.
    pub fn new(parts: Arc<Parts<D>>, guard: ExitGuard) -> Self {
        Delivery {
            events: Loaded::new(&parts.patience),
            parts,
            machine: None,
            origin: (tokio::time::Instant::now(), clock::now()),
            tally: Tally::default(),
            last_error: None,
            breaker: crate::telemetry::BreakerState::Closed,
            held: false,
            preparations: 0,
            oldest: None,
            alarm: None,
            draining: None,
            _guard: guard,
        }
    }

    fn trouble(&self, doing: &'static str, error: &str) {
        events::Trouble { whom: &self.parts.name, doing, error }.emit();
    }

    fn now(&self) -> Moment {
        self.origin.0.elapsed()
    }

    fn wall(&self, moment: Moment) -> jiff::Timestamp {
        self.origin.1.checked_add(moment).unwrap_or(jiff::Timestamp::MAX)
    }

    // === Getting ready ===

    /// Reads the cursor and prepares the wire; tries again with growing waits, since only this destination is concerned.
    fn prepare(&mut self, ctx: &mut Context<Self>) {
        let parts = Arc::clone(&self.parts);
        let work = async move {
            let journal = Arc::clone(&parts.journal);
            let name = parts.name.clone();
            let read = tokio::task::spawn_blocking(move || journal.cursor(&name)).await;
            let cursor = match read {
                Ok(Ok(cursor)) => cursor.unwrap_or_default(),
                Ok(Err(error)) => return Err(error.to_string()),
                Err(panic) => return Err(panic.to_string()),
            };
            parts.client.init().await.map_err(|reply| words(&reply))?;
            Ok(cursor)
        };
        let work = AssertUnwindSafe(work).catch_unwind().into_actor(self);
        ctx.spawn(work.map(|done, delivery, ctx| match done {
            Ok(Ok(cursor)) => delivery.prepared(cursor, ctx),
            Ok(Err(why)) => delivery.unprepared(why, ctx),
            Err(_) => delivery.unprepared("preparing the wire panicked".into(), ctx),
        }));
    }

    fn prepared(&mut self, cursor: Cursor, ctx: &mut Context<Self>) {
        let (cursor, lost) = behind_retention(cursor, self.parts.journal.extent().first);
        self.lost(lost);
        let settled = Settled::new(cursor.mark.0, &cursor.settled);
        self.tally = Tally::new(cursor.counts);
        self.machine = Some(Machine::new(self.parts.patience.clone(), settled, fastrand::u64(..)));
        self.look(ctx);
    }

    fn unprepared(&mut self, why: String, ctx: &mut Context<Self>) {
        self.trouble("prepare the wire", &why);
        self.last_error = Some(LastError { at: clock::now(), status: None, message: why });
        self.preparations = self.preparations.saturating_add(1);
        let retry = &self.parts.patience.retry;
        let wait =
            crate::policy::backoff::wait(retry, self.preparations, 1.0).min(self.parts.patience.probe_every);
        ctx.run_later(wait, |delivery, ctx| delivery.prepare(ctx));
    }

    // === The loop: input, machine, actions ===

    /// Tells the machine how far the journal goes now.
    fn look(&mut self, ctx: &mut Context<Self>) {
        let end = self.parts.journal.extent().next.0;
        self.give(Input::Woken { end }, ctx);
    }

    fn give(&mut self, input: Input, ctx: &mut Context<Self>) {
        let mut inputs = VecDeque::from([input]);
        while let Some(input) = inputs.pop_front() {
            let now = self.now();
            let Some(machine) = &mut self.machine else { return };
            for action in machine.on(input, now) {
                inputs.extend(self.perform(action, ctx));
            }
        }
        self.tell_changes();
    }

    fn perform(&mut self, action: Action, ctx: &mut Context<Self>) -> Option<Input> {
        match action {
            Action::Fetch { from, records, bytes } => {
                return self.fetch(Position(from), ReadLimit { records, bytes }, ctx);
            }
            Action::Send { lane, positions, attempt, first_at } => {
                let attempt = Attempt { number: attempt, first_at: self.wall(first_at) };
                self.send(lane, positions, attempt, ctx);
            }
            Action::Bury(burials) => self.bury(burials, ctx),
            Action::Commit => self.commit(ctx),
            Action::SleepUntil(at) => self.sleep_until(at, ctx),
            Action::Drained { left } => self.drained(left, ctx),
        }
        None
    }

    // === Fetch ===

    /// Answers from the hot tail at once, from disk later.
    fn fetch(&mut self, from: Position, limit: ReadLimit, ctx: &mut Context<Self>) -> Option<Input> {
        // Taken before the read: an empty answer says that nothing is left up to here, and no more than that.
        let end = self.parts.journal.extent().next;
        if let Some(records) = self.parts.journal.tail(from, limit) {
            return Some(self.admit(from, end, records));
        }
        let journal = Arc::clone(&self.parts.journal);
        let read = tokio::task::spawn_blocking(move || journal.read(from, limit)).into_actor(self);
        ctx.spawn(read.map(move |read, delivery, ctx| {
            let input = match read {
                Ok(Ok(records)) => delivery.admit(from, end, records),
                Ok(Err(JournalError::Damaged(why))) => delivery.passed_over(from, &why),
                Ok(Err(error)) => delivery.unread(&error.to_string()),
                Err(panic) => delivery.unread(&panic.to_string()),
            };
            delivery.give(input, ctx);
        }));
        None
    }

    fn unread(&mut self, why: &str) -> Input {
        self.trouble("read the journal", why);
        Input::FetchFailed
    }

    /// Goes on behind a record that nobody can read: it would stop everything after it for ever.
    fn passed_over(&mut self, from: Position, why: &str) -> Input {
        self.trouble("read a record", why);
        if self.machine.as_ref().is_some_and(|machine| !machine.settled().contains(from.0)) {
            self.lost(1);
        }
        Input::Fetched { from: from.0, through: from.0 + 1, items: Vec::new() }
    }

    fn lost(&self, count: u64) {
        if count > 0 {
            events::EventsLost { destination: &self.parts.name, count }.emit(&self.parts.metrics);
        }
    }

    /// Keeps what the destination wants. Positions without a record (erased) are passed over.
    fn admit(&mut self, from: Position, end: Position, records: Vec<Record>) -> Input {
        let through = records.last().map_or(end.0, |record| record.position.0 + 1);
        let mut items = Vec::with_capacity(records.len());
        let mut skipped: HashMap<Reason, u64> = HashMap::new();
        for Record { position, event } in records {
            // Settled before a restart, above an event that still waits: it has been counted.
            if self.machine.as_ref().is_some_and(|machine| machine.settled().contains(position.0)) {
                continue;
            }
            match self.parts.wants(&event) {
                Verdict::No(reason) => *skipped.entry(reason).or_default() += 1,
                Verdict::Yes => {
                    items.push(Item { position: position.0, bytes: event.size(), keys: keys(&event) });
                    self.events.offer(position.0, event);
                }
            }
        }
        self.tally.arrived(items.len() as u64);
        skipped.into_iter().for_each(|(reason, count)| self.skipped(reason, count));
        Input::Fetched { from: from.0, through, items }
    }

    fn skipped(&mut self, reason: Reason, count: u64) {
        self.tally.skipped(reason.as_str(), count);
        let destination = self.parts.name.as_str();
        events::EventsSkipped { destination, reason: reason.as_str(), count }.emit(&self.parts.metrics);
    }

    // === Send ===

    fn send(&mut self, lane: u64, positions: Vec<u64>, attempt: Attempt, ctx: &mut Context<Self>) {
        let batch = positions.iter().map(|position| (*position, self.events.get(*position))).collect();
        let work = attempt::make(Arc::clone(&self.parts), batch, attempt);
        let work = AssertUnwindSafe(work).catch_unwind().into_actor(self);
        ctx.spawn(work.map(move |report, delivery, ctx| {
            let report = report.unwrap_or_else(|_| Report::all(&positions, Outcome::Transient(panicked())));
            delivery.reported(lane, report, ctx);
        }));
    }

    fn reported(&mut self, lane: u64, report: Report, ctx: &mut Context<Self>) {
        self.lost(report.damaged);
        let skipped = report.skipped.len() as u64;
        for (_, reason) in &report.skipped {
            self.skipped(*reason, 1);
        }
        self.count_delivered(&report, skipped);
        if let Some(fault) = report.fault {
            self.last_error =
                Some(LastError { at: clock::now(), status: fault.status, message: fault.answer });
        }
        // What failed is read again when it is tried again, so that a sick destination holds no memory.
        let positions: Vec<u64> = report.fates.iter().map(|(position, _)| *position).collect();
        let retries = report.fates.iter().any(|(_, fate)| is_retry(fate));
        self.give(Input::Reported { lane, fates: report.fates }, ctx);
        self.forget(&positions, retries);
    }

    fn count_delivered(&mut self, report: &Report, skipped: u64) {
        let now = clock::now();
        let is_skipped = |position: u64| report.skipped.iter().any(|(other, _)| *other == position);
        let mut fates = report.fates.iter();
        let settled = report.events.iter().filter(|(position, _)| {
            // Both are in the order of the batch, and every event has a fate.
            let fate = fates.find(|(other, _)| other == position);
            fate.is_some_and(|(_, fate)| *fate == Fate::Settled) && (skipped == 0 || !is_skipped(*position))
        });
        let latency = |at: jiff::Timestamp| now.duration_since(at).unsigned_abs();
        let latencies: Vec<Duration> = settled.map(|(_, event)| latency(event.receipt.received_at)).collect();
        self.tally.delivered(latencies.len() as u64);
        if !latencies.is_empty() {
            let destination = self.parts.name.as_str();
            events::EventsDelivered { destination, latencies: &latencies }.emit(&self.parts.metrics);
        }
    }

    /// Drops events that are settled, and those that wait for a retry.
    fn forget(&mut self, positions: &[u64], all: bool) {
        let Some(machine) = &self.machine else { return };
        for position in positions {
            if all || !machine.holds(*position) {
                self.events.remove(*position);
            }
        }
    }

    // === Time and the end ===

    /// Sets the alarm, unless an earlier one is set.
    fn sleep_until(&mut self, at: Moment, ctx: &mut Context<Self>) {
        if let Some((set, handle)) = self.alarm.take() {
            if set <= at && set > self.now() {
                self.alarm = Some((set, handle));
                return;
            }
            ctx.cancel_future(handle);
        }
        let wait = at.saturating_sub(self.now());
        let handle = ctx.run_later(wait, |delivery, ctx| {
            delivery.alarm = None;
            delivery.give(Input::Tick, ctx);
        });
        self.alarm = Some((at, handle));
    }

    fn drained(&mut self, left: u64, ctx: &mut Context<Self>) {
        if let Some(answer) = self.draining.take()
            && answer.send(Drained { left }).is_err()
        {
            events::NobodyThere { message: "the end of a delivery" }.emit();
        }
        ctx.stop();
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.tally.tick();
        self.look(ctx);
        self.give(Input::Tick, ctx);
        self.measure(ctx);
    }
}

/// Returns the hashes that tie an event to others.
fn keys(event: &Event) -> Keys {
    let mut keys = Keys::default();
    keys.iter_mut().zip(event.order_keys()).for_each(|(place, key)| *place = key);
    keys
}

/// Returns the cursor moved up to the oldest record that is left, and how many unsettled records passed it by.
fn behind_retention(mut cursor: Cursor, first: Position) -> (Cursor, u64) {
    if cursor.mark >= first {
        return (cursor, 0);
    }
    let mut settled = Settled::new(cursor.mark.0, &cursor.settled);
    let known: u64 = (cursor.settled.iter())
        .map(|range| range.end.min(first.0).saturating_sub(range.start.max(cursor.mark.0)))
        .sum();
    let lost = (first.0 - cursor.mark.0).saturating_sub(known);
    settled.settle(cursor.mark.0..first.0);
    cursor.mark = Position(settled.mark());
    cursor.settled = settled.ranges();
    (cursor, lost)
}

fn is_retry(fate: &Fate) -> bool {
    matches!(fate, Fate::Failed(Outcome::Transient(_) | Outcome::Broken(_) | Outcome::Throttled { .. }))
}

fn panicked() -> crate::policy::outcome::Fault {
    let answer = "the attempt panicked".to_owned();
    crate::policy::outcome::Fault { reason: Reason::Panicked, status: None, answer }
}

fn words(reply: &Reply) -> String {
    match reply {
        Reply::Failed(failure) => failure.message.clone(),
        Reply::Answer(answer) => format!("answered {}", answer.status),
    }
}

impl<D: Destination> Parts<D> {
    /// One precedence chain: `integrations`, then the `events` filter, then the destination itself.
    fn wants(&self, event: &Event) -> Verdict {
        let names = [self.name.as_str(), D::KIND, D::ABOUT.title];
        if !event.head.integrations.allow(&names, D::ABOUT.is_warehouse) {
            return Verdict::No(Reason::Integrations);
        }
        if !self.filter.passes(event) {
            return Verdict::No(Reason::Filtered);
        }
        self.destination.wants(event)
    }
}

impl<D: Destination> Actor for Delivery<D> {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.prepare(ctx);
        ctx.run_interval(TICK, Self::tick);
    }
}

impl<D: Destination> Handler<Wake> for Delivery<D> {
    type Result = ();

    fn handle(&mut self, _: Wake, ctx: &mut Context<Self>) {
        self.parts.beacon.woken.store(false, Ordering::Release);
        self.look(ctx);
    }
}

impl<D: Destination> Handler<Status> for Delivery<D> {
    type Result = MessageResult<Status>;

    fn handle(&mut self, _: Status, _: &mut Context<Self>) -> Self::Result {
        MessageResult(self.status())
    }
}

impl<D: Destination> Handler<Drain> for Delivery<D> {
    type Result = ResponseFuture<Drained>;

    fn handle(&mut self, _: Drain, ctx: &mut Context<Self>) -> Self::Result {
        let (answer, answered) = oneshot::channel();
        self.draining = Some(answer);
        if self.machine.is_some() {
            self.give(Input::Draining, ctx);
        } else {
            self.drained(0, ctx);
        }
        Box::pin(async move { answered.await.unwrap_or(Drained { left: 0 }) })
    }
}
