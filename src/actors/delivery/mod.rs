//! The delivery actor, written once for every destination: performs what the machine of `policy::delivery` decides.
//!
//! It owns no data worth keeping: events are in the journal, what is settled in the cursor. After a panic its supervisor
//! starts a new one, which goes on from there.

mod attempt;
#[cfg(test)]
mod attempt_tests;
mod fates;
mod fetch;
mod journey;
mod loaded;
mod loss;
#[cfg(test)]
mod loss_tests;
mod notes;
mod noting;
mod obey;
mod ordering;
mod planning;
pub mod replay;
mod sending;
mod settle;
mod status;
mod tally;
mod trail;
mod turnstile;

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use futures_util::FutureExt as _;
use tokio::sync::oneshot;

use super::exit_guard::ExitGuard;
use super::messages::{ChangeSchema, DestinationStatus, Drain, Drained, LastError, Status, Stop, Wake};
use crate::destinations::{Attempt, Client, Destination, Reply};
use crate::journal::{Cursor, Extent, Journal, JournalError, Position, ReadLimit};
use crate::policy::Moment;
use crate::policy::delivery::{Action, Delivery as Machine, Fate, Input};
use crate::policy::discretion::Discretion;
use crate::policy::filter::EventFilter;
use crate::policy::outcome::{Fault, Outcome, Reason};
use crate::policy::patience::Patience;
use crate::policy::settled::Settled;
use crate::spec::privacy::View;
use crate::telemetry::{Metrics, clock, events};
use attempt::{Gear, Report};
use loaded::Loaded;
use notes::{End, Notes};
use ordering::Orders;
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
    /// What it may have of people.
    pub discretion: Arc<Discretion>,
    /// What it sees of an event.
    pub view: Arc<View>,
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
    orders: Orders,
    /// What an operator has ordered since the start; before that the journal knows.
    ordered_pause: Option<bool>,
    notes: Notes,
    tally: Tally,
    last_error: Option<LastError>,
    breaker: crate::telemetry::BreakerState,
    held: bool,
    preparations: u32,
    /// The preparation under way, or the one to come.
    preparing: Option<SpawnHandle>,
    oldest: Option<(u64, jiff::Timestamp)>,
    asking_age: bool,
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
            orders: Orders::default(),
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
            preparing: None,
            oldest: None,
            asking_age: false,
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
        // An operator may ask for it at any time; there is never more than one.
        self.preparing.take().map(|handle| ctx.cancel_future(handle));
        let parts = Arc::clone(&self.parts);
        let work = async move {
            let journal = Arc::clone(&parts.journal);
            let (name, cursor) = (parts.name.clone(), parts.cursor.clone());
            let read = move || Ok((journal.cursor(&cursor)?, journal.orders(&name)?.paused));
            let read = tokio::task::spawn_blocking(read).await;
            let (cursor, paused) = match read {
                Ok(Ok((cursor, paused))) => (cursor.unwrap_or_default(), paused),
                Ok(Err(error)) => return Err((None, JournalError::to_string(&error))),
                Err(panic) => return Err((None, panic.to_string())),
            };
            let opened = parts.client.init().await;
            opened.map_err(|reply| refusal(parts.destination.as_ref(), &reply))?;
            Ok((cursor, paused))
        };
        let work = AssertUnwindSafe(work).catch_unwind().into_actor(self);
        self.preparing = Some(ctx.spawn(work.map(|done, delivery, ctx| match done {
            Ok(Ok((cursor, paused))) => delivery.prepared(cursor, paused, ctx),
            Ok(Err(why)) => delivery.unprepared(why, ctx),
            Err(_) => delivery.unprepared((None, "preparing the wire panicked".into()), ctx),
        })));
    }

    fn prepared(&mut self, cursor: Cursor, paused: bool, ctx: &mut Context<Self>) {
        if self.machine.is_some() {
            return;
        }
        let settled = Settled::new(cursor.mark.0, &cursor.settled);
        if self.parts.replay.is_some() {
            self.parts.beacon.mark.fetch_max(settled.mark(), Ordering::AcqRel);
            if self.is_replayed() {
                // All was done before a kill or a panic, and nothing will ever be stored that would end it.
                return ctx.stop();
            }
        }
        self.tally = Tally::new(cursor.counts);
        self.machine = Some(Machine::new(self.parts.patience.clone(), settled, fastrand::u64(..)));
        let paused = self.ordered_pause.unwrap_or(paused);
        self.give(Input::Paused(paused), ctx);
        self.look(ctx);
    }

    fn unprepared(&mut self, (status, why): (Option<u16>, String), ctx: &mut Context<Self>) {
        self.trouble("prepare the wire", &why);
        self.last_error = Some(LastError { at: clock::now(), status, message: why });
        self.preparations = self.preparations.saturating_add(1);
        let retry = &self.parts.patience.retry;
        let wait =
            crate::policy::backoff::wait(retry, self.preparations, 1.0).min(self.parts.patience.probe_every);
        self.preparing = Some(ctx.run_later(wait, |delivery, ctx| {
            delivery.preparing = None;
            delivery.prepare(ctx);
        }));
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
                let attempt = Attempt { number: attempt, first_at: self.wall(first_at), at: clock::now() };
                self.send(lane, positions, attempt, ctx);
            }
            Action::Bury(burials) => self.bury(burials, ctx),
            Action::Lose { reason, count, ranges } => {
                self.notes.ended_at(ranges, End::Dead(reason));
                self.lost(reason, count);
            }
            Action::BacklogDropped { count, in_flight } => self.backlog_dropped(count, in_flight),
            Action::Unload(positions) => positions.iter().for_each(|position| self.events.remove(*position)),
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

    // === Send ===

    fn send(&mut self, lane: u64, positions: Vec<u64>, attempt: Attempt, ctx: &mut Context<Self>) {
        let batch = positions.iter().map(|position| (*position, self.events.get(*position))).collect();
        let turnstile = Arc::clone(&self.turnstile);
        turnstile.set_share(self.machine.as_ref().map_or(1.0, Machine::share));
        let gear = Gear { turnstile, orders: ctx.address().recipient() };
        let work = attempt::make(Arc::clone(&self.parts), gear, batch, attempt);
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
        let settled = report.fates.iter().any(|(_, fate)| matches!(fate, Fate::Settled | Fate::Passed));
        self.notes.tried(std::mem::take(&mut report.trail).into_notes(&self.parts.name), settled);
        self.count_delivered(&report, skipped);
        if let Some(fault) = report.fault.take() {
            let message = in_words(&fault);
            self.last_error = Some(LastError { at: clock::now(), status: fault.status, message });
        }
        // What failed is read again when it is tried again, so that a sick destination holds no memory.
        let positions: Vec<u64> = report.fates.iter().map(|(position, _)| *position).collect();
        let retries = report.fates.iter().any(|(_, fate)| is_retry(fate));
        let deferred = report.fates.iter().filter(|(_, fate)| is_deferred(fate));
        deferred.for_each(|(position, _)| self.events.remove(*position));
        let Report { fates, answered, waited, .. } = report;
        self.give(Input::Reported { lane, fates, answered, waited }, ctx);
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
            let replayed = self.parts.replay.is_some();
            events::EventsDelivered { destination, latencies: &latencies, replayed }
                .emit(&self.parts.metrics);
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
        self.tally.grown_to(self.parts.journal.extent().next.0);
        self.tally.tick();
        self.write_failures(ctx);
        self.look(ctx);
        self.give(Input::Tick, ctx);
        self.measure(ctx);
    }
}

fn is_retry(fate: &Fate) -> bool {
    matches!(fate, Fate::Failed(Outcome::Transient(_) | Outcome::Broken(_) | Outcome::Throttled { .. }))
}

fn is_deferred(fate: &Fate) -> bool {
    matches!(fate, Fate::Failed(Outcome::Deferred { .. }))
}

fn panicked() -> Fault {
    let answer = "the attempt panicked".to_owned();
    Fault { reason: Reason::Panicked, status: None, answer, place: None }
}

/// Returns the other side's words; an answer without any is told by its status.
fn in_words(fault: &Fault) -> String {
    match fault.status {
        Some(status) if fault.answer.trim().is_empty() => format!("answered {status}"),
        _ => fault.answer.clone(),
    }
}

/// Returns status and words of what kept the wire from being prepared, as the destination reads the answer to a probe.
fn refusal<D: Destination>(destination: &D, reply: &Reply) -> (Option<u16>, String) {
    let (status, plain) = match reply {
        Reply::Failed(failure) => return (None, failure.message.clone()),
        Reply::Answer(answer) => (Some(answer.status), format!("answered {}", answer.status)),
    };
    let probe = destination.probe();
    let judged = probe.first().map(|request| destination.judge(request, 1, reply)).unwrap_or_default();
    let told = judged.first().and_then(sending::fault_of).map(in_words);
    (status, told.filter(|words| !words.is_empty()).unwrap_or(plain))
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
