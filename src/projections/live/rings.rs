//! The last half hour of one site, by second and by minute.
//!
//! Seconds hold how many visitors were seen last in each, minutes what happened in them. Both are rings: what is older than
//! half an hour is written over. Knows no visitor.

use super::hll::Hll;
use crate::projections::active::WINDOWS_MS;

const SECOND_MS: i64 = 1_000;
/// The window of the average.
const SAMPLED_MS: i64 = WINDOWS_MS[1];
const MINUTE_MS: i64 = 60_000;
/// The seconds that the longest window touches, and one that has begun.
const SECONDS: usize = 1_802;
/// Its minutes, likewise.
const MINUTES: usize = 32;

/// See the module.
#[derive(Debug)]
pub(super) struct Rings {
    seconds: Vec<(i64, u64)>,
    /// The newest second in which anybody was seen.
    newest: i64,
    minutes: Vec<Minute>,
}

/// What happened in one minute.
#[derive(Debug, Clone, Default)]
pub(super) struct Minute {
    number: i64,
    pub(super) events: u64,
    pub(super) views: u64,
    who: Hll,
}

impl Default for Rings {
    fn default() -> Self {
        Rings { seconds: vec![(0, 0); SECONDS], newest: 0, minutes: vec![Minute::default(); MINUTES] }
    }
}

impl Rings {
    /// A visitor was seen last in this second.
    pub(super) fn enter(&mut self, second: i64) {
        let Some(slot) = place(second, SECONDS).and_then(|at| self.seconds.get_mut(at)) else { return };
        if slot.0 < second {
            *slot = (second, 0);
        }
        if slot.0 == second {
            slot.1 += 1;
        }
        self.newest = self.newest.max(second);
    }

    /// A visitor was seen again since, or was forgotten.
    pub(super) fn leave(&mut self, second: i64) {
        let slot = place(second, SECONDS).and_then(|at| self.seconds.get_mut(at));
        if let Some((_, count)) = slot.filter(|slot| slot.0 == second) {
            *count = count.saturating_sub(1);
        }
    }

    /// Counts an event of a visitor that happened then.
    pub(super) fn count(&mut self, (at, who): (i64, u64), is_view: bool) {
        let number = at.div_euclid(MINUTE_MS);
        let Some(minute) = place(number, MINUTES).and_then(|at| self.minutes.get_mut(at)) else { return };
        if minute.number < number {
            *minute = Minute { number, ..Minute::default() };
        }
        if minute.number == number {
            minute.events += 1;
            minute.views += u64::from(is_view);
            minute.who.insert(who);
        }
    }

    /// Returns the minute of this number.
    pub(super) fn minute(&self, number: i64) -> Option<&Minute> {
        self.minutes.iter().find(|minute| minute.number == number)
    }

    /// Returns how many visitors are active in each window, exact to the second.
    pub(super) fn counts(&self, now: i64) -> [u64; 3] {
        WINDOWS_MS.map(|window| self.active(window, now))
    }

    /// Returns how many are active in a window, exact to the second.
    fn active(&self, window: i64, now: i64) -> u64 {
        if self.is_over(window, now) {
            return 0;
        }
        let now = now.div_euclid(SECOND_MS);
        let within = now - window / SECOND_MS + 1..=now;
        let slots = within.filter_map(|second| {
            let slot = place(second, SECONDS).and_then(|at| self.seconds.get(at))?;
            (slot.0 == second).then_some(slot.1)
        });
        slots.sum()
    }

    /// Returns how many are active in the window of the average.
    pub(super) fn sample(&self, now: i64, estimated: bool) -> u64 {
        if estimated { self.estimate(SAMPLED_MS, now) } else { self.active(SAMPLED_MS, now) }
    }

    /// Returns whether nobody is active in the window of the average.
    pub(super) fn is_quiet(&self, now: i64) -> bool {
        self.is_over(SAMPLED_MS, now)
    }

    fn is_over(&self, window: i64, now: i64) -> bool {
        self.newest <= now.div_euclid(SECOND_MS) - window / SECOND_MS
    }

    /// Returns about how many are: those of the minutes within a window, and of the one that it cuts through the same part.
    pub(super) fn estimates(&self, now: i64) -> [u64; 3] {
        WINDOWS_MS.map(|window| self.estimate(window, now))
    }

    fn estimate(&self, window: i64, now: i64) -> u64 {
        let (begin, last) = (now - window, now.div_euclid(MINUTE_MS));
        let cut = begin.div_euclid(MINUTE_MS);
        let within = self.who(cut + 1, last);
        let most = self.who(cut, last);
        let left = (MINUTE_MS - begin.rem_euclid(MINUTE_MS)).unsigned_abs();
        within + most.saturating_sub(within) * left / MINUTE_MS.unsigned_abs()
    }

    fn who(&self, first: i64, last: i64) -> u64 {
        let mut who = Hll::default();
        let within = self.minutes.iter().filter(|minute| (first..=last).contains(&minute.number));
        within.for_each(|minute| who.unite(&minute.who));
        who.count()
    }
}

impl Minute {
    /// Takes in what happened at another site.
    pub(super) fn add(&mut self, other: Option<&Minute>) {
        let Some(other) = other else { return };
        self.events += other.events;
        self.views += other.views;
        self.who.unite(&other.who);
    }

    /// Returns about how many visitors there were.
    pub(super) fn visitors(&self) -> u64 {
        self.who.count()
    }
}

fn place(number: i64, of: usize) -> Option<usize> {
    usize::try_from(number.rem_euclid(i64::try_from(of).ok()?)).ok()
}
