//! What one destination has done so far: totals that survive a restart, and rates over the last minute.

use std::collections::{BTreeMap, VecDeque};

use crate::actors::messages::{Counts, Rate};

/// Totals by fate and the counts of the last sixty seconds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    totals: BTreeMap<String, u64>,
    now: (u64, u64),
    seconds: VecDeque<(u64, u64)>,
}

/// Seconds over which rates are taken.
const WINDOW: usize = 60;

impl Tally {
    pub(super) fn new(totals: BTreeMap<String, u64>) -> Self {
        Tally { totals, ..Tally::default() }
    }

    pub(super) fn totals(&self) -> &BTreeMap<String, u64> {
        &self.totals
    }

    pub(super) fn arrived(&mut self, count: u64) {
        self.now.0 += count;
    }

    pub(super) fn delivered(&mut self, count: u64) {
        self.add("delivered".to_owned(), count);
    }

    pub(super) fn skipped(&mut self, reason: &str, count: u64) {
        self.add(format!("skipped.{reason}"), count);
    }

    pub(super) fn buried(&mut self, reason: &str, count: u64) {
        self.add(format!("dead.{reason}"), count);
    }

    fn add(&mut self, fate: String, count: u64) {
        if count > 0 {
            *self.totals.entry(fate).or_default() += count;
            self.now.1 += count;
        }
    }

    /// A second has passed.
    pub(super) fn tick(&mut self) {
        self.seconds.push_back(std::mem::take(&mut self.now));
        if self.seconds.len() > WINDOW {
            self.seconds.pop_front();
        }
    }

    pub(super) fn rate(&self) -> Rate {
        let seconds = self.seconds.len().max(1) as f64;
        let sum = |pick: fn(&(u64, u64)) -> u64| self.seconds.iter().map(pick).sum::<u64>() as f64;
        Rate { incoming: sum(|second| second.0) / seconds, outgoing: sum(|second| second.1) / seconds }
    }

    pub(super) fn counts(&self) -> Counts {
        let by = |prefix: &str| {
            let named =
                |(fate, count): (&String, &u64)| Some((fate.strip_prefix(prefix)?.to_owned(), *count));
            self.totals.iter().filter_map(named).collect()
        };
        let delivered = self.totals.get("delivered").copied().unwrap_or(0);
        Counts { delivered, skipped: by("skipped."), dead: by("dead.") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_sorted_by_fate_and_reason() {
        let mut tally = Tally::new(BTreeMap::from([("delivered".into(), 5)]));
        tally.delivered(2);
        tally.skipped("filtered", 3);
        tally.buried("rejected", 1);
        tally.skipped("filtered", 0);
        let counts = tally.counts();
        assert_eq!(counts.delivered, 7);
        assert_eq!(counts.skipped, BTreeMap::from([("filtered".into(), 3)]));
        assert_eq!(counts.dead, BTreeMap::from([("rejected".into(), 1)]));
    }

    #[test]
    fn rates_forget_what_is_older_than_a_minute() {
        let mut tally = Tally::default();
        tally.arrived(600);
        tally.delivered(60);
        tally.tick();
        (0..59).for_each(|_| tally.tick());
        assert_eq!((tally.rate().incoming, tally.rate().outgoing), (10.0, 1.0));
        tally.tick();
        assert_eq!((tally.rate().incoming, tally.rate().outgoing), (0.0, 0.0));
    }
}
