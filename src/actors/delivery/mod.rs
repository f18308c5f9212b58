//! The delivery actor, written once for every destination: performs what the machine of `policy::delivery` decides.
//!
//! It owns no data worth keeping: events are in the journal, what is settled in the cursor. After a panic its supervisor
//! starts a new one, which goes on from there.

mod attempt;
mod journey;
mod loaded;
mod loss;
mod notes;
mod noting;
mod obey;
pub mod replay;
mod settle;
mod status;
mod tally;
mod trail;
mod turnstile;

use std::collections::{HashMap, VecDeque};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::exit_guard::ExitGuard;
use super::messages::{ChangeSchema, DestinationStatus, Drain, Drained, LastError, Status, Stop, Wake};
use crate::destinations::{self, Attempt, Client, Destination, Reply};
use crate::journal::{Cursor, Extent, Journal, JournalError, Position, ReadLimit, Record};
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
use notes::{End, Notes};
use replay::Scope;
use tally::Tally;
use turnstile::Turnstile;

/// How often a delivery looks at the journal without being woken, and measures its backlog.
const TICK: Duration = Duration::from_secs(1);

/// What a delivery is made of; shared by all its incarnations.
pub struct Parts<D: Destination> {
    /// Configured name.
    pub name: String,
    /// Under which its cursor is kept: the destination's name, or that of its replay.
    pub cursor: String,
    /// The pure half.
    pub destination: Arc<D>,
    /// The wire.
    pub client: Arc<D::Client>,
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
    /// Present in a replay.
    pub replay: Option<Arc<Scope>>,
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
    turnstile: Arc<Turnstile>,
    /// What an operator has ordered since the start; before that the journal knows.
    ordered_pause: Option<bool>,
    notes: Notes,
    tally: Tally,
    last_error: Option<LastError>,
    breaker: crate::telemetry::BreakerState,
    held: bool,
    preparations: u32,
    oldest: Option<(u64, jiff::Timestamp)>,
    alarm: Option<(Moment, SpawnHandle)>,
    draining: Option<oneshot::Sender<Drained>>,
    dropping: loss::Waiting,
    /// When records were last read, in a replay.
    fetched_at: Option<tokio::time::Instant>,
    guard: ExitGuard,
}

impl<D: Destination> Delivery<D> {
    /// Returns a delivery that begins where the journal's cursor says.
    pub fn new(parts: Arc<Parts<D>>, guard: ExitGuard) -> Self {
        Delivery {
            events: Loaded::new(&parts.patience),
            turnstile: Arc::new(Turnstile::new(&parts.patience)),
            ordered_pause: None,
            parts,
            machine: None,
            notes: Notes::default(),
            origin: (tokio::time::Instant::now(), clock::now()),
            tally: Tally::default(),
            last_error: None,
            breaker: crate::telemetry::BreakerState::Closed,
            held: false,
            preparations: 0,
            oldest: None,
            alarm: None,
            draining: None,
            dropping: Vec::new(),
            fetched_at: None,
            guard,
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
            let (name, cursor) = (parts.name.clone(), parts.cursor.clone());
            let read = move || Ok((journal.cursor(&cursor)?, journal.orders(&name)?.paused));
            let read = tokio::task::spawn_blocking(read).await;
            let (cursor, paused) = match read {
                Ok(Ok((cursor, paused))) => (cursor.unwrap_or_default(), paused),
                Ok(Err(error)) => return Err(JournalError::to_string(&error)),
                Err(panic) => return Err(panic.to_string()),
            };
            parts.client.init().await.map_err(|reply| words(&reply))?;
            Ok((cursor, paused))
        };
        let work = AssertUnwindSafe(work).catch_unwind().into_actor(self);
        ctx.spawn(work.map(|done, delivery, ctx| match done {
            Ok(Ok((cursor, paused))) => delivery.prepared(cursor, paused, ctx),
            Ok(Err(why)) => delivery.unprepared(why, ctx),
            Err(_) => delivery.unprepared("preparing the wire panicked".into(), ctx),
        }));
    }

    fn prepared(&mut self, cursor: Cursor, paused: bool, ctx: &mut Context<Self>) {
        if self.machine.is_some() {
            return;
        }
        let settled = Settled::new(cursor.mark.0, &cursor.settled);
        self.tally = Tally::new(cursor.counts);
        self.machine = Some(Machine::new(self.parts.patience.clone(), settled, fastrand::u64(..)));
        let paused = self.ordered_pause.unwrap_or(paused);
        self.give(Input::Paused(paused), ctx);
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

    /// Tells the machine where the journal begins and ends now.
    fn look(&mut self, ctx: &mut Context<Self>) {
        self.look_back(ctx);
        let end = self.journal_end(self.parts.journal.extent());
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
            Action::Lose { reason, count } => self.lost(reason, count),
            Action::BacklogDropped { count, in_flight } => self.backlog_dropped(count, in_flight),
            Action::Commit => self.commit(ctx),
            Action::SleepUntil(at) => self.sleep_until(at, ctx),
            Action::Drained { left } => self.drained(left, ctx),
        }
        None
    }

    /// Returns where the journal ends for this delivery.
    fn journal_end(&self, extent: Extent) -> u64 {
        let end = extent.next.0;
        self.parts.replay.as_ref().map_or(end, |scope| scope.end(end))
    }

    // === Fetch ===

    /// Answers from the hot tail at once, from disk later.
    fn fetch(&mut self, from: Position, limit: ReadLimit, ctx: &mut Context<Self>) -> Option<Input> {
        // Taken before the read: an empty answer says that nothing is left up to here, and no more than that.
        let extent = self.parts.journal.extent();
        let end = Position(self.journal_end(extent));
        if let Some(scope) = &self.parts.replay {
            if scope.must_yield(extent, limit.records, self.fetched_at) {
                return Some(Input::FetchFailed);
            }
            self.fetched_at = Some(tokio::time::Instant::now());
        }
        if let Some(records) = self.parts.journal.tail(from, limit) {
            return Some(self.admit(from, end, records));
        }
        let journal = Arc::clone(&self.parts.journal);
        let read = tokio::task::spawn_blocking(move || journal.read(from, limit)).into_actor(self);
        ctx.spawn(read.map(move |read, delivery, ctx| {
            delivery.look_back(ctx);
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

    /// Keeps what the destination wants. Positions without a record (erased) are passed over.
    fn admit(&mut self, from: Position, end: Position, mut records: Vec<Record>) -> Input {
        if let Some(scope) = &self.parts.replay {
            scope.cut(&mut records);
        }
        let through = records.last().map_or(end.0, |record| record.position.0 + 1);
        let dropped_below = self.machine.as_ref().map_or(0, Machine::dropped_below);
        let known = self.machine.as_ref().map(Machine::settled);
        let known = known.filter(|settled| settled.touches(from.0..through));
        let mut items = Vec::with_capacity(records.len());
        let mut skipped: HashMap<Reason, u64> = HashMap::new();
        for Record { position, event } in records {
            // Settled before a restart, or lost meanwhile: counted already. Or sent again to somebody else alone.
            let is_settled = known.is_some_and(|settled| settled.contains(position.0));
            if is_settled || !event.receipt.is_for(&self.parts.name) {
                continue;
            }
            match self.parts.wants(&event) {
                Verdict::No(reason) => {
                    *skipped.entry(reason).or_default() += 1;
                    // What a replay leaves out has its fate already.
                    if self.parts.replay.is_none() {
                        self.notes.ended(position.0, End::Skipped(reason));
                    }
                }
                Verdict::Yes => {
                    items.push(Item { position: position.0, bytes: event.size(), keys: keys(&event) });
                    if position.0 >= dropped_below {
                        self.events.offer(position.0, event);
                    }
                }
            }
        }
        self.tally.arrived(items.len() as u64);
        if self.parts.replay.is_none() {
            skipped.into_iter().for_each(|(reason, count)| self.skipped(reason, count));
        }
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
        let turnstile = Arc::clone(&self.turnstile);
        turnstile.set_share(self.machine.as_ref().map_or(1.0, Machine::share));
        let work = attempt::make(Arc::clone(&self.parts), turnstile, batch, attempt);
        let work = AssertUnwindSafe(work).catch_unwind().into_actor(self);
        let in_flight = self.guard.tie();
        ctx.spawn(work.map(move |report, delivery, ctx| {
            drop(in_flight);
            let report = report.unwrap_or_else(|_| Report::all(&positions, Outcome::Transient(panicked())));
            delivery.reported(lane, report, ctx);
        }));
    }

    fn reported(&mut self, lane: u64, mut report: Report, ctx: &mut Context<Self>) {
        // What was not found may have been given up while the attempt looked for it.
        self.look_back(ctx);
        self.lost(Reason::Damaged, report.damaged);
        let skipped = report.skipped.len() as u64;
        for (position, reason) in &report.skipped {
            self.skipped(*reason, 1);
            self.notes.ended(*position, End::Skipped(*reason));
        }
        let settled = report.fates.iter().any(|(_, fate)| *fate == Fate::Settled);
        self.notes.tried(std::mem::take(&mut report.trail).into_notes(&self.parts.name), settled);
        self.count_delivered(&report, skipped);
        if let Some(fault) = report.fault {
            self.last_error =
                Some(LastError { at: clock::now(), status: fault.status, message: fault.answer });
        }
        // What failed is read again when it is tried again, so that a sick destination holds no memory.
        let positions: Vec<u64> = report.fates.iter().map(|(position, _)| *position).collect();
        let retries = report.fates.iter().any(|(_, fate)| is_retry(fate));
        self.give(Input::Reported { lane, fates: report.fates, waited: report.waited }, ctx);
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

    fn end(&mut self, left: u64, ctx: &mut Context<Self>) {
        if let Some(answer) = self.draining.take()
            && answer.send(Drained { left }).is_err()
        {
            events::NobodyThere { message: "the end of a delivery" }.emit();
        }
        ctx.stop();
    }

    fn tick(&mut self, ctx: &mut Context<Self>) {
        self.tally.tick();
        self.write_failures(ctx);
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
    fn wants(&self, event: &Event) -> Verdict {
        if self.replay.as_ref().is_some_and(|scope| !scope.passes(event)) {
            return Verdict::No(Reason::Filtered);
        }
        destinations::wants(self.destination.as_ref(), &self.name, &self.filter, event)
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
        self.turnstile.stop(true);
        if self.machine.is_some() {
            self.give(Input::Draining, ctx);
        } else {
            self.drained(0, ctx);
        }
        Box::pin(async move { answered.await.unwrap_or(Drained { left: 0 }) })
    }
}

impl<D: Destination> Handler<Stop> for Delivery<D> {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
