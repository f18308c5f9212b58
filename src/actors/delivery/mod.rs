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
mod preparing;
pub mod replay;
mod sending;
mod settle;
mod showing;
mod source;
mod status;
mod tally;
mod trail;
mod trip;
mod turnstile;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use actix::prelude::*;
use tokio::sync::oneshot;

use super::exit_guard::ExitGuard;
use super::messages::{ChangeSchema, DestinationStatus, Drain, Drained, LastError, Status, Stop, Wake};
use super::tap::TapLine;
use crate::destinations::{Attempt, Destination};
use crate::journal::{Extent, Journal, Position, ReadLimit};
use crate::policy::Moment;
use crate::policy::delivery::{Action, Delivery as Machine, Input};
use crate::policy::discretion::Discretion;
use crate::policy::filter::EventFilter;
use crate::policy::patience::Patience;
use crate::spec::privacy::View;
use crate::telemetry::{Metrics, clock, events};
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
    /// Who is shown what happens to single events.
    pub tap: TapLine,
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

    // === The loop: input, machine, actions ===

    /// Tells the machine where the journal begins and ends now.
    fn look(&mut self, ctx: &mut Context<Self>) {
        self.look_back(ctx);
        let end = self.journal_end(self.parts.extent());
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
