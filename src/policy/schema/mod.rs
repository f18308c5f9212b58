//! When the tables of a warehouse are changed: needs join for a moment, each table has at most one change under way, and no
//! quota is ever overrun.
//!
//! A machine without clock and store. Needs come in with tickets, changes go out as actions, and whoever performs them tells
//! how they ended. A table that takes its time, or may not be changed, never keeps another one waiting.

mod ends;
mod lane;
mod pace;
mod parts;
mod quota;
mod rounds;
mod shut;
#[cfg(test)]
mod tests;
mod tickets;

use std::collections::BTreeMap;
use std::time::Duration;

use super::Moment;
use super::outcome::Fault;
use crate::warehouse::{Closed, Schema, SchemaDiff};
use lane::Lane;
use quota::Used;
use rounds::Rounds;
use shut::ShutTables;
use tickets::Tickets;

pub use pace::{Chore, Quota, SchemaFault, SchemaPace};
pub use parts::tables;

/// Most changes under way at a time, of different tables.
const SIDE_BY_SIDE: usize = 16;
/// A window closes at most so much later, so that several routers do not change a table at the same moment.
const JITTER: Duration = Duration::from_millis(250);
/// The lane of a store whose tables are changed together.
const ALL: &str = "";

/// Who waits for an answer. Given once.
pub type Ticket = u64;

/// What the machine is told.
#[derive(Debug, Clone)]
pub enum Input {
    /// Somebody needs this.
    Need {
        /// Whom to answer.
        ticket: Ticket,
        /// What does not exist, by the schema that he saw.
        diff: SchemaDiff,
    },
    /// A change has ended.
    Changed {
        /// The number of its action.
        change: u64,
        /// How.
        result: Result<(), SchemaFault>,
    },
    /// The schema of a table, or of all, is to be read anew.
    Refresh(Option<String>),
    /// That has ended.
    Refreshed {
        /// As in its action.
        table: Option<String>,
        /// It worked.
        ok: bool,
    },
    /// A chore has ended.
    ChoreDone {
        /// Its name.
        name: &'static str,
        /// It worked.
        ok: bool,
    },
    /// It is time.
    Tick,
}

/// What is to be done. Whatever takes time is told as an [`Input`] when it has ended, and always is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Ask the store for this change.
    Apply {
        /// Tells it from others.
        change: u64,
        /// What to change.
        diff: SchemaDiff,
    },
    /// Ask the store to read a table, or all.
    Refresh(Option<String>),
    /// Ask the store to do a chore.
    Run(&'static str),
    /// Answer who asked. `Ok`: look again.
    Answer {
        /// Whom.
        ticket: Ticket,
        /// What.
        result: Result<(), Fault>,
    },
    /// Publish which tables may not be changed.
    Close(BTreeMap<String, Closed>),
}

/// What the machine may look at.
#[derive(Clone, Copy)]
pub struct View<'a> {
    /// The schema as last published.
    pub schema: &'a Schema,
    /// How often a table may be changed.
    pub changes: &'a dyn Fn(&str) -> Quota,
}

/// A change under way.
#[derive(Debug, Clone)]
struct Running {
    lane: String,
    diff: SchemaDiff,
    tickets: Vec<Ticket>,
}

/// The store as a whole, after it was of no use.
#[derive(Debug, Clone, Default)]
struct Broken {
    failures: u32,
    until: Moment,
    fault: Option<Fault>,
}

impl Broken {
    /// Returns the last failure while it is too early to try again.
    fn trouble(&self, now: Moment) -> Option<&Fault> {
        self.fault.as_ref().filter(|_| self.until > now)
    }
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Machine {
    pace: SchemaPace,
    lanes: BTreeMap<String, Lane>,
    running: BTreeMap<u64, Running>,
    changes: u64,
    creates: Used,
    tickets: Tickets,
    shut: ShutTables,
    broken: Broken,
    rounds: Rounds,
    dice: fastrand::Rng,
}

impl Machine {
    /// Returns a machine of which nothing was asked yet. `refresh`: how often all tables are read anew.
    pub fn new(
        pace: SchemaPace,
        refresh: Option<Duration>,
        chores: Vec<Chore>,
        (now, seed): (Moment, u64),
    ) -> Self {
        Machine {
            pace,
            lanes: BTreeMap::new(),
            running: BTreeMap::new(),
            changes: 0,
            creates: Used::default(),
            tickets: Tickets::default(),
            shut: ShutTables::default(),
            broken: Broken::default(),
            rounds: Rounds::new(refresh, chores, now),
            dice: fastrand::Rng::with_seed(seed),
        }
    }

    /// Takes an input and returns what is to be done, in order.
    pub fn step(&mut self, now: Moment, input: Input, view: View<'_>) -> Vec<Action> {
        let mut actions = Vec::new();
        match input {
            Input::Need { ticket, diff } => self.need(ticket, diff, (now, view), &mut actions),
            Input::Changed { change, result } => self.changed(change, result, (now, view), &mut actions),
            Input::Refresh(table) => self.rounds.wish(table, now),
            Input::Refreshed { table, ok } => self.refreshed(table, ok, (now, view)),
            Input::ChoreDone { name, ok } => self.rounds.chore_done(name, ok, now),
            Input::Tick => {}
        }
        let wanted = self.shut.reopen(now);
        for (lane, part) in self.by_lane(wanted) {
            self.lanes.entry(lane).or_default().join(part, now, now);
        }
        self.begin(now, view, &mut actions);
        actions.extend(self.shut.news().map(Action::Close));
        let own = self.pace.changes;
        self.lanes
            .retain(|table, lane| !lane.is_idle(if table == ALL { own } else { (view.changes)(table) }, now));
        actions
    }

    /// Returns when the next tick is due: never in the past of the last step.
    pub fn due(&self, view: View<'_>) -> Option<Moment> {
        let changes = self.lanes.iter().filter_map(|(name, lane)| self.ready_at(name, lane, view)).min();
        let all_free = self.running.is_empty() && !self.rounds.is_reading_all() && !self.is_reading();
        let others = self.rounds.next(all_free, |table| self.is_free(table));
        changes.into_iter().chain(others).chain(self.shut.due()).min()
    }

    // === Needs ===

    fn need(
        &mut self,
        ticket: Ticket,
        diff: SchemaDiff,
        (now, view): (Moment, View<'_>),
        actions: &mut Vec<Action>,
    ) {
        self.tickets.open(ticket);
        let mut diff = parts::missing(diff, view.schema);
        if let Some(fault) = self.shut.refuse(&mut diff) {
            self.tickets.fail([ticket], &fault, actions);
        }
        for (name, part) in self.by_lane(diff) {
            let closes = now.saturating_add(self.window());
            let lane = self.lanes.entry(name).or_default();
            lane.join(part, closes, now);
            if let Some(fault) = self.broken.trouble(now).or(lane.trouble(now)) {
                self.tickets.fail([ticket], fault, actions);
            } else if self.tickets.join(ticket) {
                lane.tickets.push(ticket);
            }
        }
        self.tickets.done([ticket], actions);
    }

    fn by_lane(&self, diff: SchemaDiff) -> BTreeMap<String, SchemaDiff> {
        if !self.pace.together {
            return parts::by_table(diff);
        }
        if diff.is_empty() { BTreeMap::new() } else { BTreeMap::from([(ALL.to_owned(), diff)]) }
    }

    fn window(&mut self) -> Duration {
        if self.pace.window.is_zero() {
            return Duration::ZERO;
        }
        self.pace.window.saturating_add(JITTER.mul_f64(self.dice.f64()))
    }

    // === Beginning ===

    fn begin(&mut self, now: Moment, view: View<'_>, actions: &mut Vec<Action>) {
        let is_quiet = self.running.is_empty() && !self.is_reading() && !self.rounds.is_reading_all();
        if is_quiet && self.rounds.begin_all(now) {
            actions.push(Action::Refresh(None));
        }
        for table in self.doubted(now) {
            let lane = lane_of(self.pace.together, &table).to_owned();
            self.lanes.entry(lane).or_default().busy = true;
            actions.push(Action::Refresh(Some(table)));
        }
        actions.extend(self.rounds.begin_chores(now).into_iter().map(Action::Run));
        for name in self.turns(view) {
            self.begin_change(&name, (now, view), actions);
        }
    }

    /// Returns the doubted tables that are to be read now; one at a time where the tables are one lane.
    fn doubted(&mut self, now: Moment) -> Vec<String> {
        if self.rounds.is_reading_all() {
            return Vec::new();
        }
        let most = if self.pace.together { 1 } else { usize::MAX };
        let (lanes, together) = (&self.lanes, self.pace.together);
        self.rounds.begin_tables(now, most, |table| !is_busy(lanes, lane_of(together, table)))
    }

    fn is_free(&self, table: &str) -> bool {
        !self.rounds.is_reading_all() && !is_busy(&self.lanes, lane_of(self.pace.together, table))
    }

    /// Returns whether some table is being read alone.
    fn is_reading(&self) -> bool {
        self.lanes.values().filter(|lane| lane.busy).count() > self.running.len()
    }

    /// Returns the lanes that want something, those that have waited longest first.
    fn turns(&self, view: View<'_>) -> Vec<String> {
        let ready = |(name, lane): (&String, &Lane)| Some((self.ready_at(name, lane, view)?, name.clone()));
        let mut turns: Vec<(Moment, String)> = self.lanes.iter().filter_map(ready).collect();
        turns.sort();
        turns.into_iter().map(|(_, name)| name).collect()
    }

    /// Returns from when on a lane's change may begin; `None` when it waits for something else to end.
    fn ready_at(&self, name: &str, lane: &Lane, view: View<'_>) -> Option<Moment> {
        // One change alone finds out whether a store is of use again.
        let most = if self.broken.fault.is_some() { 1 } else { SIDE_BY_SIDE };
        if self.rounds.is_reading_all() || self.running.len() >= most {
            return None;
        }
        let ready = lane.ready_at(self.quota(name, view))?.max(self.broken.until);
        if lane.wanted.create.is_empty() {
            return Some(ready);
        }
        // Tables that are being made count until they are, since nobody knows when the other side counts them.
        let making = self.running.values().map(|running| running.diff.create.len()).sum();
        let room = self.pace.creates.less(making)?;
        Some(ready.max(self.creates.ready_at(room)))
    }

    fn quota(&self, lane: &str, view: View<'_>) -> Quota {
        if self.pace.together { self.pace.changes } else { (view.changes)(lane) }
    }

    fn begin_change(&mut self, name: &str, (now, view): (Moment, View<'_>), actions: &mut Vec<Action>) {
        let ready = self.lanes.get(name).and_then(|lane| self.ready_at(name, lane, view));
        if ready.is_none_or(|ready| ready > now) {
            return;
        }
        let quota = self.quota(name, view);
        let Some(lane) = self.lanes.get_mut(name) else { return };
        let mut diff = parts::missing(std::mem::take(&mut lane.wanted), view.schema);
        let tickets = std::mem::take(&mut lane.tickets);
        lane.fault = None;
        if let Some(fault) = self.shut.refuse(&mut diff) {
            self.tickets.fail(tickets.iter().copied(), &fault, actions);
        }
        if diff.is_empty() {
            lane.failures = 0;
            return self.tickets.done(tickets, actions);
        }
        lane.busy = true;
        lane.used.take(quota, now);
        let change = self.changes;
        self.changes += 1;
        actions.push(Action::Apply { change, diff: diff.clone() });
        self.running.insert(change, Running { lane: name.to_owned(), diff, tickets });
    }
}

fn lane_of(together: bool, table: &str) -> &str {
    if together { ALL } else { table }
}

fn is_busy(lanes: &BTreeMap<String, Lane>, lane: &str) -> bool {
    lanes.get(lane).is_some_and(|lane| lane.busy)
}
