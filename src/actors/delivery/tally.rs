//! What one destination has done so far: totals that survive a restart, rates over the last minute, and how long delivery took
//! in the last minutes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::actors::messages::{Counts, LatencyMs, Rate};
use crate::projections::sketch::{Bin, Sketch};

/// Totals by fate and the counts of the last sixty seconds.
#[derive(Debug, Default)]
pub(super) struct Tally {
    totals: BTreeMap<String, u64>,
    /// Arrived and settled, in the present second.
    now: (u64, u64),
    /// The same, of the last seconds.
    seconds: VecDeque<(u64, u64)>,
    /// Records that were read, and how many of them were wanted.
    read: (u64, u64),
    /// Where the journal ended at the last look.
    end: Option<u64>,
    latencies: Latencies,
}

/// How long deliveries took, in seconds: of this span, and of the one before it.
#[derive(Debug, Default)]
struct Latencies {
    present: Sketch,
    before: Sketch,
    /// Seconds of this span that have passed.
    passed: usize,
}

impl Latencies {
    fn tick(&mut self) {
        self.passed += 1;
        if self.passed == SPAN {
            self.passed = 0;
            self.before = std::mem::take(&mut self.present);
        }
    }

    fn shown(&self) -> Option<LatencyMs> {
        let mut both = self.before.clone();
        both.merge(&self.present);
        let millis = |percent| both.percentile(percent).map(|seconds| (seconds * 1_000.0).round() as u64);
        Some(LatencyMs { p50: millis(50)?, p95: millis(95)? })
    }
}

/// Seconds over which rates are taken.
const WINDOW: usize = 60;
/// Seconds that say how fast a backlog drains: a destination that has just come back is not judged by its absence.
const RECENT: usize = 10;
/// Seconds after which latencies begin to be forgotten: long enough for a destination with a few events a minute.
const SPAN: usize = 300;

impl Tally {
    pub(super) fn new(totals: BTreeMap<String, u64>) -> Self {
        Tally { totals, ..Tally::default() }
    }

    pub(super) fn totals(&self) -> &BTreeMap<String, u64> {
        &self.totals
    }

    /// Records were read, of which so many are wanted.
    pub(super) fn read(&mut self, records: u64, wanted: u64) {
        self.read.0 += records;
        self.read.1 += wanted;
    }

    /// The journal ends here now. What has come since the last look counts as arrived, though it may be read much later;
    /// as large a part of it is taken to be wanted as of what was read.
    pub(super) fn grown_to(&mut self, end: u64) {
        let records = self.end.replace(end).map_or(0, |before| end.saturating_sub(before));
        self.now.0 += (records as f64 * self.wanted_share()).round() as u64;
    }

    fn wanted_share(&self) -> f64 {
        let (read, wanted) = self.read;
        if read == 0 { 1.0 } else { wanted as f64 / read as f64 }
    }

    pub(super) fn delivered(&mut self, count: u64) {
        self.now.1 += count;
        self.add("delivered".to_owned(), count);
    }

    /// So long it took from the acceptance of each event to its delivery.
    pub(super) fn took(&mut self, latencies: &[Duration]) {
        let bins = latencies.iter().filter_map(|latency| Bin::of(latency.as_secs_f64()));
        bins.for_each(|bin| {
            self.latencies.present.add(bin);
        });
    }

    pub(super) fn latency(&self) -> Option<LatencyMs> {
        self.latencies.shown()
    }

    /// What was never meant for the destination is no part of its rates.
    pub(super) fn skipped(&mut self, reason: &str, count: u64) {
        self.add(format!("skipped.{reason}"), count);
    }

    pub(super) fn buried(&mut self, reason: &str, count: u64) {
        self.now.1 += count;
        self.add(format!("dead.{reason}"), count);
    }

    fn add(&mut self, fate: String, count: u64) {
        if count > 0 {
            *self.totals.entry(fate).or_default() += count;
        }
    }

    /// A second has passed.
    pub(super) fn tick(&mut self) {
        self.latencies.tick();
        self.seconds.push_back(std::mem::take(&mut self.now));
        if self.seconds.len() > WINDOW {
            self.seconds.pop_front();
        }
    }

    pub(super) fn rate(&self) -> Rate {
        self.rate_over(WINDOW)
    }

    /// Returns how long so many events take at the rates of the last seconds; `None` when they do not become fewer.
    pub(super) fn drain_time(&self, backlog: u64) -> Option<Duration> {
        let rate = self.rate_over(RECENT);
        let speed = rate.outgoing - rate.incoming;
        let events = backlog as f64 * self.wanted_share();
        (backlog > 0 && speed > 0.0).then(|| Duration::try_from_secs_f64(events / speed).ok()).flatten()
    }

    fn rate_over(&self, window: usize) -> Rate {
        let recent = || self.seconds.iter().rev().take(window);
        let seconds = recent().count().max(1) as f64;
        let sum = |pick: fn(&(u64, u64)) -> u64| recent().map(pick).sum::<u64>() as f64;
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
        tally.grown_to(1000);
        tally.grown_to(1600);
        tally.delivered(60);
        tally.tick();
        (0..59).for_each(|_| tally.tick());
        assert_eq!((tally.rate().incoming, tally.rate().outgoing), (10.0, 1.0));
        tally.tick();
        assert_eq!((tally.rate().incoming, tally.rate().outgoing), (0.0, 0.0));
    }

    #[test]
    fn latency_is_that_of_the_last_minutes_and_nothing_before_the_first_delivery() {
        let mut tally = Tally::default();
        assert_eq!(tally.latency(), None);
        let taken: Vec<Duration> = (1..=100).map(|n| Duration::from_millis(n * 10)).collect();
        tally.took(&taken);
        let about = |shown: u64, wanted: u64| shown.abs_diff(wanted) * 100 <= wanted;
        let shown = tally.latency().unwrap();
        assert!(about(shown.p50, 500) && about(shown.p95, 950), "{shown:?}");
        (0..SPAN).for_each(|_| tally.tick());
        tally.took(&[Duration::from_secs(60)]);
        let shown = tally.latency().unwrap();
        assert!(about(shown.p50, 510) && about(shown.p95, 960), "the span before still counts: {shown:?}");
        (0..SPAN).for_each(|_| tally.tick());
        let shown = tally.latency().unwrap();
        assert!(about(shown.p50, 60_000) && about(shown.p95, 60_000), "{shown:?}");
        (0..SPAN).for_each(|_| tally.tick());
        assert_eq!(tally.latency(), None, "all is forgotten");
    }

    #[test]
    fn what_is_read_late_arrived_when_it_came() {
        let mut tally = Tally::default();
        tally.grown_to(5000);
        tally.read(100, 25);
        tally.grown_to(5400);
        tally.tick();
        assert_eq!(tally.rate().incoming, 100.0, "a quarter of what came is wanted");
    }

    #[test]
    fn the_time_to_drain_is_that_of_the_last_seconds() {
        let mut tally = Tally::default();
        (0..50).for_each(|_| tally.tick());
        assert_eq!(tally.drain_time(300), None, "nothing goes out");
        for _ in 0..10 {
            tally.delivered(30);
            tally.tick();
        }
        assert_eq!(tally.drain_time(300), Some(Duration::from_secs(10)));
        assert_eq!(tally.drain_time(0), None);
    }
}
