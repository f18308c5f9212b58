//! The supervisor's children: each a ward with a number of its own, which runs, waits, is parked, or is being retired.
//!
//! Separate because children come and go while the router runs. What is retired gets a moment for what it has in flight; its
//! successor starts only when nothing of it is at work any more, so that two never send at the same time. Nothing here waits.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;

use super::{Child, Handle, Supervisor};
use crate::actors::exit_guard::ExitGuard;
use crate::actors::messages::{ChildExited, Drain, Life, Stop};
use crate::policy::Moment;
use crate::policy::restarts::{Restarts, Verdict};
use crate::telemetry::events;

/// How long a child that is retired may finish what it has in flight. A healthy destination answers within it; what hangs is
/// cut and sent again.
pub(super) const GRACE: Duration = Duration::from_secs(2);

/// A child and its present incarnation.
pub(super) struct Ward {
    pub(super) child: Child,
    state: State,
    restarts: Restarts,
    panics: u32,
}

enum State {
    /// Nothing runs: it is switched off, or waits for its start after this incarnation.
    Down { after: Option<u64> },
    /// It ended too often.
    Parked,
    /// It runs.
    Up { handle: Handle, incarnation: u64 },
    /// It was told to end; then its successor starts, or nobody.
    Ending { handle: Handle, incarnation: u64, then: Option<Box<Child>> },
    /// It was told to end; then it stays down until it is started again.
    Resting { handle: Handle, incarnation: u64 },
}

/// What the end of an incarnation means.
pub(super) enum End {
    /// It is not the present one.
    Known,
    /// It was to stay down until it is started again.
    Rested,
    /// It was retired.
    AsAsked,
    /// It ended by itself.
    Unexpected { name: String, verdict: Verdict, panics: u32 },
}

/// What retiring a ward asks for.
pub(super) enum Retirement {
    /// Nothing runs.
    AtOnce,
    /// This incarnation runs and has to be told.
    Begun(Handle, Life),
    /// It was told before.
    Going,
}

impl Ward {
    fn new(child: Child) -> Ward {
        Ward { child, state: State::Down { after: None }, restarts: Restarts::default(), panics: 0 }
    }

    /// Returns whether it is meant to run.
    pub(super) fn is_on(&self) -> bool {
        self.child.factory.is_some()
    }

    /// Returns whether it is a replay that needs records of the log: a passage of a topic lies elsewhere.
    pub(super) fn sends_log_again(&self) -> bool {
        self.child.replayed.as_ref().is_some_and(|replayed| replayed.order.passage.is_none())
    }

    /// Returns whether events wait for it: a replay sends again what nobody waits for.
    pub(super) fn is_waited_for(&self) -> bool {
        self.is_on() && self.child.replayed.is_none()
    }

    /// Returns the position below which it is done.
    pub(super) fn mark(&self) -> u64 {
        self.child.beacon.mark.load(Ordering::Acquire)
    }

    /// Returns whom to ask how it is.
    pub(super) fn handle(&self) -> Option<&Handle> {
        match &self.state {
            State::Up { handle, .. } | State::Ending { handle, .. } | State::Resting { handle, .. } => {
                Some(handle)
            }
            State::Down { .. } | State::Parked => None,
        }
    }

    /// Returns whom to wake: one that is ending looks no more.
    pub(super) fn awake(&self) -> Option<&Handle> {
        self.handle().filter(|_| matches!(self.state, State::Up { .. }))
    }

    /// Returns the state and the reason of a ward that does not answer.
    pub(super) fn words(&self) -> (&'static str, &'static str) {
        match self.state {
            State::Parked => ("held", "parked"),
            State::Ending { .. } => ("draining", "reconfigured"),
            State::Resting { .. } => ("draining", "rebalance"),
            State::Down { .. } | State::Up { .. } => ("held", "restarting"),
        }
    }

    fn incarnation(&self) -> Option<u64> {
        match self.state {
            State::Up { incarnation, .. }
            | State::Ending { incarnation, .. }
            | State::Resting { incarnation, .. } => Some(incarnation),
            State::Down { .. } | State::Parked => None,
        }
    }
}

/// All children by number, and the numbers of the destinations by name.
#[derive(Default)]
pub(super) struct Wards {
    all: BTreeMap<u64, Ward>,
    destinations: BTreeMap<String, u64>,
    incarnations: u64,
    numbers: u64,
}

impl Wards {
    /// Takes a child in and returns its number. It does not run yet.
    pub(super) fn add(&mut self, child: Child) -> u64 {
        let number = self.numbers;
        self.numbers += 1;
        self.all.insert(number, Ward::new(child));
        number
    }

    /// Takes a destination in, by which name it is found again.
    pub(super) fn add_destination(&mut self, child: Child) -> u64 {
        let name = child.name.clone();
        let number = self.add(child);
        self.destinations.insert(name, number);
        number
    }

    pub(super) fn get(&self, number: u64) -> Option<&Ward> {
        self.all.get(&number)
    }

    /// Returns the destination that this ward replays, when it is a replay.
    fn replayed_by(&self, number: u64) -> Option<String> {
        Some(self.get(number)?.child.replayed.as_ref()?.destination.clone())
    }

    /// Takes out a ward that has ended.
    pub(super) fn remove(&mut self, number: u64) {
        self.all.remove(&number);
    }

    /// Returns the number of a configured destination.
    pub(super) fn destination(&self, name: &str) -> Option<u64> {
        self.destinations.get(name).copied()
    }

    /// Returns the name of a ward that is a configured destination.
    fn destination_name(&self, number: u64) -> Option<String> {
        let found = self.destinations.iter().find(|(_, other)| **other == number);
        found.map(|(name, _)| name.clone())
    }

    /// Returns all wards, in the order in which they came.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Ward> {
        self.all.values()
    }

    pub(super) fn numbers(&self) -> Vec<u64> {
        self.all.keys().copied().collect()
    }

    /// Starts a ward that is on and down. A guard that is made is a guard that reports, so none is made for the others.
    pub(super) fn start(&mut self, number: u64, reports: Recipient<ChildExited>) {
        let incarnation = self.incarnations;
        let Some(ward) = self.all.get_mut(&number) else { return };
        let (State::Down { .. }, Some(factory)) = (&ward.state, &ward.child.factory) else { return };
        self.incarnations += 1;
        ward.child.beacon.woken.store(false, Ordering::Release);
        let handle = factory(ExitGuard::new(reports, Life { ward: number, incarnation }));
        ward.state = State::Up { handle, incarnation };
    }

    /// Returns whether the ward still waits to start again after this life.
    pub(super) fn waits_after(&self, life: Life) -> bool {
        let state = self.all.get(&life.ward).map(|ward| &ward.state);
        matches!(state, Some(State::Down { after: Some(after) }) if *after == life.incarnation)
    }

    /// Takes note of an end and says what it means.
    pub(super) fn ended(&mut self, life: Life, now: Moment) -> End {
        let Some(ward) = self.all.get_mut(&life.ward) else { return End::Known };
        if ward.incarnation() != Some(life.incarnation) {
            return End::Known;
        }
        if matches!(ward.state, State::Ending { .. }) {
            return End::AsAsked;
        }
        if matches!(ward.state, State::Resting { .. }) {
            ward.state = State::Down { after: None };
            return End::Rested;
        }
        ward.panics += 1;
        let verdict = ward.restarts.panicked(now);
        ward.state = match verdict {
            Verdict::After(_) => State::Down { after: Some(life.incarnation) },
            Verdict::Park => State::Parked,
        };
        End::Unexpected { name: ward.child.name.clone(), verdict, panics: ward.panics }
    }

    /// Begins the end of a ward, after which `then` takes its place. A later call replaces who that is.
    pub(super) fn retire(&mut self, number: u64, then: Option<Child>) -> Retirement {
        let Some(ward) = self.all.get_mut(&number) else { return Retirement::Going };
        let (retirement, state) = match std::mem::replace(&mut ward.state, State::Parked) {
            State::Up { handle, incarnation } => {
                let begun = Retirement::Begun(handle.clone(), Life { ward: number, incarnation });
                (begun, State::Ending { handle, incarnation, then: then.map(Box::new) })
            }
            State::Ending { handle, incarnation, .. } | State::Resting { handle, incarnation } => {
                (Retirement::Going, State::Ending { handle, incarnation, then: then.map(Box::new) })
            }
            State::Down { .. } | State::Parked => {
                self.succeed(number, then);
                return Retirement::AtOnce;
            }
        };
        ward.state = state;
        retirement
    }

    /// Begins the end of an incarnation after which the ward stays down; returns whom to tell, unless it is told or down.
    pub(super) fn rest(&mut self, number: u64) -> Option<(Handle, Life)> {
        let ward = self.all.get_mut(&number)?;
        let State::Up { handle, incarnation } = &ward.state else { return None };
        let (handle, incarnation) = (handle.clone(), *incarnation);
        ward.state = State::Resting { handle: handle.clone(), incarnation };
        Some((handle, Life { ward: number, incarnation }))
    }

    /// Returns whether any ward is at work, or on its way to its end.
    pub(super) fn is_anyone_at_work(&self) -> bool {
        self.all.values().any(|ward| ward.incarnation().is_some())
    }

    /// Puts the successor of a retired ward in its place, or takes the ward out when there is none.
    pub(super) fn succeed_retired(&mut self, number: u64) {
        let Some(ward) = self.all.get_mut(&number) else { return };
        if let State::Ending { then, .. } = &mut ward.state {
            let then = then.take().map(|child| *child);
            self.succeed(number, then);
        }
    }

    fn succeed(&mut self, number: u64, then: Option<Child>) {
        let Some(child) = then else {
            self.all.remove(&number);
            self.destinations.retain(|_, other| *other != number);
            return;
        };
        let Some(ward) = self.all.get_mut(&number) else { return };
        if ward.is_on() {
            // Both have the same cursor, and the successor's mark was read while its predecessor went on.
            child.beacon.mark.fetch_max(ward.mark(), Ordering::AcqRel);
        }
        *ward = Ward::new(child);
    }

    /// Returns the handle of an incarnation that was told to end and has not.
    fn lingering(&self, life: Life) -> Option<&Handle> {
        match &self.all.get(&life.ward)?.state {
            State::Ending { handle, incarnation, .. } | State::Resting { handle, incarnation }
                if *incarnation == life.incarnation =>
            {
                Some(handle)
            }
            _ => None,
        }
    }
}

impl Supervisor {
    /// Takes a child in and starts it. Its name need not be a destination's; returns its number.
    pub fn add(&mut self, child: Child, ctx: &mut Context<Self>) -> u64 {
        let number = self.wards.add(child);
        self.start_child(number, ctx);
        number
    }

    /// Ends a ward for good. What it has in flight gets two seconds.
    pub fn retire(&mut self, number: u64, ctx: &mut Context<Self>) {
        self.hand_over(number, None, ctx);
    }

    /// Ends a ward and starts `child` in its place, when nothing of it is at work any more.
    pub fn replace(&mut self, number: u64, child: Child, ctx: &mut Context<Self>) {
        self.hand_over(number, Some(child), ctx);
    }

    fn hand_over(&mut self, number: u64, then: Option<Child>, ctx: &mut Context<Self>) {
        let (destination, replayed) = (self.wards.destination_name(number), self.wards.replayed_by(number));
        match self.wards.retire(number, then) {
            Retirement::AtOnce => match replayed {
                Some(destination) => self.replay_retired(&destination, ctx),
                None => self.succeeded(number, destination, ctx),
            },
            Retirement::Begun(handle, life) => {
                let drained = handle.drain.send(Drain).into_actor(self);
                // How much is left is of no interest: the successor reads it from the journal.
                ctx.spawn(drained.map(|_, _, _| ()));
                ctx.run_later(GRACE, move |supervisor, ctx| supervisor.cut(life, ctx));
            }
            Retirement::Going => {}
        }
    }

    pub(super) fn cut(&mut self, life: Life, ctx: &mut Context<Self>) {
        let Some(handle) = self.wards.lingering(life) else { return };
        self.last_cut = Some(tokio::time::Instant::now());
        let stopped = handle.stop.send(Stop).into_actor(self);
        // When nobody hears it, the end is on its way already.
        ctx.spawn(stopped.map(|_, _, _| ()));
    }

    /// Goes on after the end of a ward that was retired.
    pub(super) fn retired(&mut self, number: u64, ctx: &mut Context<Self>) {
        if let Some(destination) = self.wards.replayed_by(number) {
            self.wards.remove(number);
            return self.replay_retired(&destination, ctx);
        }
        let destination = self.wards.destination_name(number);
        self.wards.succeed_retired(number);
        self.succeeded(number, destination, ctx);
    }

    fn succeeded(&mut self, number: u64, destination: Option<String>, ctx: &mut Context<Self>) {
        if let Some(destination) = destination {
            events::DestinationStopped { destination: &destination }.emit(&self.metrics);
        }
        self.start_child(number, ctx);
        self.resume_replay(number, ctx);
    }
}
