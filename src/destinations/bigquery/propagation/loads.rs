//! How many load jobs a table has had: BigQuery allows 1,500 changes of a table a day, failed jobs among them, and there is
//! no way to get more. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::between;

const SECONDS_A_DAY: i64 = 24 * 60 * 60;

/// The load jobs of one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) struct Loads {
    day: i64,
    count: u32,
    last: Option<Timestamp>,
}

impl Loads {
    /// Returns whether another job is due, `every` so often and at most `most` a day.
    pub(in super::super) fn is_due(&self, now: Timestamp, every: Duration, most: u32) -> bool {
        self.today(now) < most && self.until_due(now, every).is_zero()
    }

    /// Returns how long until a job is due that comes `every` so often.
    pub(in super::super) fn until_due(&self, now: Timestamp, every: Duration) -> Duration {
        self.last.map_or(Duration::ZERO, |last| every.saturating_sub(between(last, now)))
    }

    /// Returns how many there were today, by UTC.
    pub(in super::super) fn today(&self, now: Timestamp) -> u32 {
        if day(now) == self.day { self.count } else { 0 }
    }

    /// Counts one.
    pub(in super::super) fn count(&mut self, now: Timestamp) {
        self.count = self.today(now).saturating_add(1);
        self.day = day(now);
        self.last = Some(now);
    }
}

fn day(at: Timestamp) -> i64 {
    at.as_second().div_euclid(SECONDS_A_DAY)
}
