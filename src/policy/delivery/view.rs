//! What an operator sees of the delivery machine.

use super::Delivery;
use super::gate::{Hold, Permission};
use super::lane::Lane;
use super::order::{self, Keys};
use crate::policy::Moment;
use crate::policy::breaker::State as BreakerState;
use crate::policy::outcome::Reason;
use crate::policy::settled::Settled;

/// Where one event stands at this destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Delivered, skipped or dead.
    Settled,
    /// On its way now.
    InFlight,
    /// The whole destination is held.
    Held {
        /// Why.
        reason: Reason,
        /// When the next probe is due.
        until: Moment,
    },
    /// It alone waits for something of ours.
    Deferred {
        /// What for.
        reason: Reason,
        /// When it is looked at again.
        until: Moment,
    },
    /// None of these.
    Waiting {
        /// It has failed before.
        tried: bool,
        /// What it waits for, when that is not just its turn.
        obstacle: Option<Obstacle>,
        /// When its next attempt is due, when that is known.
        until: Option<Moment>,
    },
}

/// What stands in the way of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Obstacle {
    /// An earlier event of the same user.
    Order,
    /// The other side asked for a pause.
    Throttled,
    /// The destination failed too often.
    BreakerOpen,
    /// An operator ordered a pause.
    Paused,
}

impl Obstacle {
    /// Returns the word used in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Obstacle::Order => "order",
            Obstacle::Throttled => "throttled",
            Obstacle::BreakerOpen => "breaker_open",
            Obstacle::Paused => "paused",
        }
    }
}

impl Delivery {
    /// Returns what is settled, to be stored as the cursor.
    pub fn settled(&self) -> &Settled {
        &self.settled
    }

    /// Returns the position up to which records were read.
    pub fn read_to(&self) -> u64 {
        self.read_to
    }

    /// Returns the number of unsettled events before the end of the journal.
    pub fn backlog(&self) -> u64 {
        self.end.saturating_sub(self.settled.mark()).saturating_sub(self.settled.above())
    }

    /// Returns the oldest unsettled position, when there is one.
    pub fn oldest(&self) -> Option<u64> {
        (self.settled.mark() < self.end).then(|| self.settled.mark())
    }

    /// Returns whether an event is loaded and unsettled.
    pub fn holds(&self, position: u64) -> bool {
        self.slots.contains_key(&position)
    }

    /// Returns the hold, when the destination is held.
    pub fn held(&self) -> Option<&Hold> {
        self.gate.held()
    }

    /// Returns the breaker's state and its consecutive failures.
    pub fn breaker(&self, now: Moment) -> (BreakerState, u32) {
        (self.gate.breaker().state(now), self.gate.breaker().failures())
    }

    /// Returns how many attempts may be in flight now, and how many at most.
    pub fn concurrency(&self) -> (usize, usize) {
        (self.pacing.pace.limit(), self.pacing.pace.cap())
    }

    /// Returns the share of the configured rates that the destination bears at present, above 0 and up to 1.
    pub fn share(&self) -> f64 {
        self.pacing.pace.share()
    }

    /// Returns the state in the operator's words.
    pub fn state(&self, now: Moment) -> &'static str {
        if self.draining {
            "draining"
        } else if self.pacing.paused {
            "paused"
        } else if self.gate.held().is_some() {
            "held"
        } else if self.gate.throttled_until(now).is_some() {
            "throttled"
        } else if !matches!(self.gate.breaker().state(now), BreakerState::Closed) || self.tries_again() {
            "retrying"
        } else {
            "flowing"
        }
    }

    /// Returns whether something that failed waits for its next attempt, or is in the middle of it: a destination that hangs
    /// is asked again at once, and would look well for as long as it hangs.
    fn tries_again(&self) -> bool {
        let has_failed = |lane: &Lane| lane.chunks.front().is_some_and(|chunk| chunk.failures > 0);
        !self.due.is_empty() || self.lanes.values().any(has_failed)
    }

    /// Returns when the next attempt after a failure is due.
    pub fn next_attempt(&self, now: Moment) -> Option<Moment> {
        if self.pacing.paused {
            return None;
        }
        match self.gate.permission(now) {
            Permission::Wait(until) => (!self.slots.is_empty()).then_some(until),
            Permission::Free | Permission::One | Permission::Probe => self.due.first().map(|(due, _)| *due),
        }
    }

    /// Returns where one event stands.
    pub fn standing(&self, position: u64, now: Moment) -> Standing {
        if self.settled.contains(position) {
            return Standing::Settled;
        }
        let slot = self.slots.get(&position);
        let lane = slot.and_then(|slot| self.lanes.get(&slot.lane?));
        let place = lane.and_then(|lane| lane.place(position));
        if let (Some(lane), Some((0, _))) = (lane, place)
            && lane.sent_at.is_some()
        {
            return Standing::InFlight;
        }
        let failures = place.map_or(self.waits.past(position).failures, |(_, chunk)| chunk.failures);
        let tried = failures > 0;
        if self.pacing.paused {
            return Standing::Waiting { tried, obstacle: Some(Obstacle::Paused), until: None };
        }
        let gate = match self.gate.permission(now) {
            Permission::Wait(until) => Some(until),
            Permission::Free | Permission::One | Permission::Probe => None,
        };
        if let Some(hold) = self.gate.held() {
            return Standing::Held { reason: hold.fault.reason, until: gate.unwrap_or(hold.probe_at) };
        }
        let wait = self.waits.get(position);
        if let Some((reason, until)) = wait.and_then(|wait| Some((wait.reason?, wait.due))) {
            return Standing::Deferred { reason, until: until.max(gate.unwrap_or_default()) };
        }
        let is_shelved = slot.is_none() && position < self.read_to;
        if let Some((reason, until)) = self.standing_aside().filter(|_| is_shelved) {
            return Standing::Deferred { reason, until: until.max(now) };
        }
        if is_shelved
            || slot.is_some_and(|slot| slot.lane.is_none() && self.waits_for_another(&slot.keys, position))
        {
            return Standing::Waiting { tried, obstacle: Some(Obstacle::Order), until: None };
        }
        let due = lane.filter(|_| matches!(place, Some((0, _)))).map(|lane| lane.due);
        Standing::Waiting { tried, obstacle: gate.map(|_| self.obstacle(now)), until: due.max(gate) }
    }

    fn obstacle(&self, now: Moment) -> Obstacle {
        let throttled = self.gate.throttled_until(now).is_some();
        if throttled { Obstacle::Throttled } else { Obstacle::BreakerOpen }
    }

    /// Returns whether an earlier event of one of the same users is in a batch that is not done with, or waits by itself.
    fn waits_for_another(&self, keys: &Keys, position: u64) -> bool {
        let first = |key: u64| self.order.first(key, 1).into_iter().next();
        let in_lane = |other: u64| self.slots.get(&other).is_some_and(|slot| slot.lane.is_some());
        let blocks = |other: u64| in_lane(other) || self.waits.get(other).is_some();
        order::distinct(keys).filter_map(first).any(|other| other < position && blocks(other))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::time::Duration;

    use super::*;
    use crate::policy::delivery::{Action, Fate, Input, Item};
    use crate::policy::outcome::{Fault, Outcome};
    use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};

    const ONE: NonZeroUsize = NonZeroUsize::MIN;

    fn at(seconds: u64) -> Moment {
        Duration::from_secs(seconds)
    }

    /// Six events of the users 1, 2, 1, 3, 3, 4 and one that is not read yet; batches of two, one at a time.
    fn machine() -> Delivery {
        let patience = Patience {
            batch: BatchLimits { max_events: ONE.saturating_add(1), max_bytes: 1 << 20, max_delay: at(0) },
            retry: Retry { initial: at(10), max: at(10), give_up_after: at(1_000_000) },
            breaker: BreakerSettings { failures: 2, open_for: at(60) },
            probe_every: at(30),
            concurrency: ONE,
            rate_limit: RateLimit::default(),
            timeout: at(10),
        };
        let mut machine = Delivery::new(patience, Settled::default(), 1);
        let users = [1, 2, 1, 3, 3, 4];
        let items =
            users.iter().zip(0..).map(|(user, position)| Item { position, bytes: 1, keys: [*user, 0, 0] });
        let items = items.collect();
        assert!(!machine.on(Input::Woken { end: 7 }, at(0)).is_empty());
        let sent = sent(&machine.on(Input::Fetched { from: 0, through: 6, items }, at(0)));
        assert_eq!(sent, [0, 1]);
        machine
    }

    fn sent(actions: &[Action]) -> Vec<u64> {
        let positions = actions.iter().filter_map(|action| match action {
            Action::Send { positions, .. } => Some(positions.clone()),
            _ => None,
        });
        positions.flatten().collect()
    }

    fn report(machine: &mut Delivery, lane: u64, positions: &[u64], fate: &Fate, now: Moment) -> Vec<Action> {
        let fates = positions.iter().map(|position| (*position, fate.clone())).collect();
        machine.on(Input::Reported { lane, fates, answered: false, waited: Duration::ZERO }, now)
    }

    fn fault(reason: Reason) -> Fault {
        Fault { reason, status: None, answer: String::new(), place: None }
    }

    fn waiting(obstacle: Option<Obstacle>, until: Option<u64>) -> Standing {
        Standing::Waiting { tried: false, obstacle, until: until.map(at) }
    }

    #[test]
    fn an_event_is_in_flight_or_behind_its_user_or_waits_for_its_turn() {
        let mut machine = machine();
        let standings = [0, 1, 2, 3, 6].map(|position| machine.standing(position, at(1)));
        let order = waiting(Some(Obstacle::Order), None);
        let turn = waiting(None, None);
        assert_eq!(standings, [Standing::InFlight, Standing::InFlight, order, turn, turn]);
        report(&mut machine, 0, &[0, 1], &Fate::Settled, at(2)).clear();
        assert_eq!(machine.standing(0, at(2)), Standing::Settled);
        assert_eq!(machine.standing(2, at(2)), Standing::InFlight);
    }

    #[test]
    fn an_event_that_failed_waits_until_it_is_due_or_the_breaker_lets_it_through() {
        let mut machine = machine();
        let failed = Fate::Failed(Outcome::Transient(fault(Reason::ServerError)));
        assert_eq!(sent(&report(&mut machine, 0, &[0, 1], &failed, at(1))), [3, 4], "others go on");
        let Standing::Waiting { tried: true, obstacle: None, until: Some(until) } =
            machine.standing(0, at(1))
        else {
            panic!("{:?}", machine.standing(0, at(1)))
        };
        assert!((at(1)..=at(11)).contains(&until), "{until:?}");
        assert_eq!(machine.standing(2, at(1)), waiting(Some(Obstacle::Order), None));
        report(&mut machine, 1, &[3, 4], &failed, at(2)).clear();
        let open =
            |tried| Standing::Waiting { tried, obstacle: Some(Obstacle::BreakerOpen), until: Some(at(62)) };
        assert_eq!([0, 5, 6].map(|at_| machine.standing(at_, at(2))), [open(true), open(false), open(false)]);
    }

    #[test]
    fn a_hold_and_a_pause_concern_every_event() {
        let mut held = machine();
        let broken = Fate::Failed(Outcome::Broken(fault(Reason::Unauthorized)));
        report(&mut held, 0, &[0, 1], &broken, at(1)).clear();
        let expected = Standing::Held { reason: Reason::Unauthorized, until: at(31) };
        assert_eq!([0, 2, 5, 6].map(|position| held.standing(position, at(1))), [expected; 4]);
        assert_eq!(sent(&held.on(Input::Tick, at(31))), [0], "the probe");
        assert_eq!(held.standing(0, at(31)), Standing::InFlight);
        assert!(matches!(held.standing(1, at(31)), Standing::Held { .. }));

        let mut throttled = machine();
        let wait = Some(at(100));
        let fate = Fate::Failed(Outcome::Throttled { wait, fault: fault(Reason::Throttled) });
        report(&mut throttled, 0, &[0, 1], &fate, at(1)).clear();
        let paused = waiting(Some(Obstacle::Throttled), Some(101));
        assert_eq!([0, 5, 6].map(|position| throttled.standing(position, at(1))), [paused; 3]);
    }
}
