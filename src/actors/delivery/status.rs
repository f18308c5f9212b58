//! What an operator sees of one destination, and the log lines when it changes.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use actix::prelude::*;

use super::{Delivery, DestinationStatus, attempt};
use crate::actors::messages::{Backlog, BreakerStatus, ConcurrencyStatus, ReplayStatus};
use crate::destinations::Destination;
use crate::journal::Position;
use crate::policy::breaker::State;
use crate::telemetry::{BreakerState, clock, events};

impl<D: Destination> Delivery<D> {
    pub(super) fn status(&self) -> DestinationStatus {
        let now = self.now();
        let backlog = self.backlog();
        let rate = self.tally.rate();
        let machine = self.machine.as_ref();
        let (breaker, failures) = machine.map_or((State::Closed, 0), |machine| machine.breaker(now));
        DestinationStatus {
            name: self.parts.name.clone(),
            kind: D::KIND,
            enabled: true,
            state: self.state(),
            reason: self.reason(),
            backlog,
            oldest_age_ms: millis(self.oldest_age()),
            rate,
            latency_ms: self.tally.latency(),
            last_error: self.last_error.clone(),
            breaker: BreakerStatus {
                state: word(breaker).as_str(),
                failures,
                reopens_at: until(breaker).map(|at| self.wall(at)),
            },
            concurrency: machine.map(|machine| machine.concurrency()).map(concurrency),
            next_attempt_at: machine.and_then(|machine| machine.next_attempt(now)).map(|at| self.wall(at)),
            drain_eta_ms: self.tally.drain_time(backlog.events).map(millis),
            counts: self.tally.counts(),
            replay: self.replay_status(),
            holds_journal: None,
        }
    }

    fn replay_status(&self) -> Option<ReplayStatus> {
        let scope = self.parts.replay.as_ref()?;
        let (order, counts) = (&scope.order, self.tally.counts());
        let position = self.parts.beacon.mark.load(Ordering::Acquire).clamp(order.from, order.until);
        Some(ReplayStatus {
            from: order.from,
            until: order.until,
            position,
            left: self.machine.as_ref().map_or(order.until - position, |machine| machine.backlog()),
            delivered: counts.delivered,
            dead: counts.dead.values().sum(),
            state: self.state(),
            reason: self.reason(),
            started_at: order.at,
        })
    }

    fn reason(&self) -> Option<String> {
        let Some(machine) = &self.machine else {
            let failed = self.last_error.as_ref().map(|error| error.message.clone());
            return (self.state() == "held")
                .then(|| failed.unwrap_or_else(|| DestinationStatus::PREPARING.to_owned()));
        };
        let held = machine.held().map(|hold| hold.fault.reason.as_str().to_owned());
        let failing = !matches!(self.state(), "flowing" | "paused" | "draining");
        held.or_else(|| self.last_error.as_ref().filter(|_| failing).map(|error| error.message.clone()))
    }

    /// Returns the state in the operator's words. Before the wire is prepared nothing flows, whether or not a preparation has
    /// failed; what waits for a change of the schema that fails is retried, though the machine knows of no failure.
    fn state(&self) -> &'static str {
        match &self.machine {
            None if self.ordered_pause == Some(true) => "paused",
            None => "held",
            Some(machine) => match machine.state(self.now()) {
                "flowing" if self.orders.is_failing() && machine.backlog() > 0 => "retrying",
                state => state,
            },
        }
    }

    fn backlog(&self) -> Backlog {
        let Some(machine) = &self.machine else {
            return Backlog::above(
                self.parts.journal.as_ref(),
                self.parts.beacon.mark.load(Ordering::Acquire),
            );
        };
        let events = machine.backlog();
        let from = machine.oldest();
        let bytes = from.map_or(0, |from| self.parts.journal.bytes_since(Position(from)));
        Backlog { events, bytes: if events == 0 { 0 } else { bytes } }
    }

    fn oldest_age(&self) -> Duration {
        let age = |(_, at): (u64, jiff::Timestamp)| clock::now().duration_since(at).unsigned_abs();
        self.oldest.map_or(Duration::ZERO, age)
    }

    /// Sets the gauges; reads the oldest event's time when that event has changed.
    pub(super) fn measure(&mut self, ctx: &mut Context<Self>) {
        let backlog = self.backlog();
        let oldest = self.oldest_age();
        let destination = self.parts.name.as_str();
        if self.parts.replay.is_none() {
            events::BacklogMeasured { destination, events: backlog.events, bytes: backlog.bytes, oldest }
                .emit(&self.parts.metrics);
        }
        let position =
            self.machine.as_ref().filter(|_| backlog.events > 0).and_then(|machine| machine.oldest());
        match position {
            None => self.oldest = None,
            Some(position) if self.oldest.is_some_and(|(known, _)| known == position) => {}
            Some(position) => self.find_age(position, ctx),
        }
    }

    /// Asks for the time of an event; one question at a time, since a disk that hangs answers none.
    fn find_age(&mut self, position: u64, ctx: &mut Context<Self>) {
        // Nobody is told how old the oldest event of a replay is, and a topic is not to be asked for that.
        if self.parts.replay.is_some() || std::mem::replace(&mut self.asking_age, true) {
            return;
        }
        let journal = Arc::clone(&self.parts.journal);
        let read = tokio::task::spawn_blocking(move || attempt::read_one(journal.as_ref(), position));
        ctx.spawn(read.into_actor(self).map(move |read, delivery, _| {
            delivery.asking_age = false;
            if let Ok(Ok(Some(event))) = read {
                delivery.oldest = Some((position, event.receipt.received_at));
            }
        }));
    }

    /// Says when the breaker or the hold has changed.
    pub(super) fn tell_changes(&mut self) {
        let Some(machine) = self.machine.as_ref().filter(|_| self.parts.replay.is_none()) else { return };
        let (state, failures) = machine.breaker(self.now());
        let destination = self.parts.name.as_str();
        if word(state) != self.breaker {
            self.breaker = word(state);
            events::BreakerChanged { destination, state: self.breaker, failures }.emit(&self.parts.metrics);
        }
        match machine.held() {
            Some(hold) if !self.held => {
                let (reason, status) = (hold.fault.reason.as_str(), hold.fault.status);
                events::DestinationHeld { destination, reason, status }.emit();
            }
            None if self.held => events::DestinationReleased { destination }.emit(),
            Some(_) | None => {}
        }
        self.held = machine.held().is_some();
    }
}

fn concurrency((limit, cap): (usize, usize)) -> ConcurrencyStatus {
    ConcurrencyStatus { limit, cap }
}

fn word(state: State) -> BreakerState {
    match state {
        State::Closed => BreakerState::Closed,
        State::Open { .. } => BreakerState::Open,
        State::HalfOpen => BreakerState::HalfOpen,
    }
}

fn until(state: State) -> Option<Duration> {
    match state {
        State::Open { until } => Some(until),
        State::Closed | State::HalfOpen => None,
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
