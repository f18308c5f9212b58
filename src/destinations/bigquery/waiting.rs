//! Which events wait for a table or a column, and since when they are here: what the age of the oldest row is told from.
//! Pure and bounded.

use std::collections::HashMap;
use std::time::Duration;

use jiff::Timestamp;

use super::propagation::between;

/// Most events that are remembered; a delivery has fewer unsettled ones.
const MOST: usize = 100_000;

/// An event that waits is planned again within minutes; one that was not for so long was settled by somebody else.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(20 * 60);

/// How often the age is told.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// All that wait.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    events: HashMap<u128, Event>,
    told: Option<Timestamp>,
    /// The last age that was told was zero.
    is_zero: bool,
}

#[derive(Debug)]
struct Event {
    arrived: Timestamp,
    seen: Timestamp,
}

impl Waiting {
    /// Takes note that an event waits; it arrived not later than `arrived`.
    pub(super) fn add(&mut self, event: u128, arrived: Timestamp, now: Timestamp) {
        if self.events.len() < MOST || self.events.contains_key(&event) {
            let known = self.events.entry(event).or_insert(Event { arrived, seen: now });
            *known = Event { arrived: known.arrived.min(arrived), seen: now };
        }
    }

    /// Takes note that an event waits no longer.
    pub(super) fn remove(&mut self, event: u128) {
        self.events.remove(&event);
    }

    /// Returns the age of the oldest event that waits, zero when none does; `None` when that was told a moment ago.
    pub(super) fn tell(&mut self, now: Timestamp) -> Option<Duration> {
        let is_due = self.told.is_none_or(|told| between(told, now) >= TELL_EVERY);
        if self.events.is_empty() {
            self.told = Some(now);
            return (!std::mem::replace(&mut self.is_zero, true)).then_some(Duration::ZERO);
        }
        if !is_due {
            return None;
        }
        self.events.retain(|_, event| between(event.seen, now) < FORGOTTEN_AFTER);
        (self.told, self.is_zero) = (Some(now), self.events.is_empty());
        let oldest = self.events.values().map(|event| event.arrived).min();
        Some(oldest.map_or(Duration::ZERO, |arrived| between(arrived, now)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_age_is_that_of_the_oldest_that_waits_and_zero_when_none_does() {
        let mut waiting = Waiting::default();
        assert_eq!(waiting.tell(at(10)), Some(Duration::ZERO), "the first time it is said");
        assert_eq!(waiting.tell(at(11)), None, "and not again");
        waiting.add(1, at(5), at(12));
        waiting.add(2, at(12), at(12));
        waiting.add(2, at(7), at(12));
        assert_eq!(waiting.tell(at(20)), Some(Duration::from_secs(15)));
        assert_eq!(waiting.tell(at(20)), None, "at most once a second");
        waiting.remove(1);
        assert_eq!(waiting.tell(at(30)), Some(Duration::from_secs(23)));
        waiting.remove(2);
        assert_eq!(waiting.tell(at(30)), Some(Duration::ZERO), "the end is told at once");
    }

    #[test]
    fn an_event_that_never_came_again_is_forgotten_and_there_are_never_too_many() {
        let mut waiting = Waiting::default();
        (0..=MOST as u128).for_each(|event| waiting.add(event, at(0), at(0)));
        assert_eq!(waiting.events.len(), MOST);
        assert_eq!(waiting.tell(at(60)), Some(Duration::from_secs(60)));
        assert_eq!(waiting.tell(at(20 * 60)), Some(Duration::ZERO));
        assert_eq!(waiting.tell(at(20 * 60 + 5)), None);
    }
}
