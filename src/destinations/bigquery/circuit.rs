//! How long a quota that is used up is left alone: longer each time that it still is. Pure; time is an argument.
//!
//! A quota of one table stops that table alone, so it has a circuit of its own beside that of the project.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

/// The first wait after a quota is used up; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(30);

/// The longest wait for a quota.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// Tables whose quotas are remembered; more than these share the circuit of the project.
const MOST_TABLES: usize = 1_000;

/// All quotas.
#[derive(Debug, Default)]
pub(super) struct Circuits {
    whole: Circuit,
    tables: BTreeMap<String, Circuit>,
}

/// One quota.
#[derive(Debug, Default, Clone, Copy)]
struct Circuit {
    hits: u32,
    until: Option<Timestamp>,
}

impl Circuits {
    /// Takes note that a quota is used up, that of one table or that of all. Requests that were on their way together find
    /// that out together, which counts once.
    pub(super) fn hit(&mut self, table: Option<&str>, now: Timestamp) {
        match table.filter(|table| self.tables.len() < MOST_TABLES || self.tables.contains_key(*table)) {
            Some(table) => self.tables.entry(table.to_owned()).or_default().hit(now),
            None => self.whole.hit(now),
        }
    }

    /// Takes note that rows of a table were taken.
    pub(super) fn taken(&mut self, table: &str) {
        self.whole = Circuit::default();
        self.tables.remove(table);
    }

    /// Returns how long the quota of a table, or of all, is left alone.
    pub(super) fn wait(&self, table: Option<&str>) -> Duration {
        table.and_then(|table| self.tables.get(table)).unwrap_or(&self.whole).wait()
    }

    /// Returns whether the quota of all is used up.
    pub(super) fn is_open(&self) -> bool {
        self.whole.hits > 0
    }
}

impl Circuit {
    fn hit(&mut self, now: Timestamp) {
        if self.until.is_some_and(|until| now < until) {
            return;
        }
        self.hits = self.hits.saturating_add(1);
        self.until = now.checked_add(self.wait()).ok();
    }

    fn wait(&self) -> Duration {
        let doubled = self.hits.saturating_sub(1).min(8);
        FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_wait_doubles_from_half_a_minute_to_ten_minutes_and_begins_anew_when_rows_are_taken() {
        let mut circuits = Circuits::default();
        let mut now = 0;
        let mut waits = Vec::new();
        for _ in 0..7 {
            circuits.hit(None, at(now));
            let wait = circuits.wait(None).as_secs();
            now += wait as i64;
            waits.push(wait);
        }
        assert_eq!((waits.as_slice(), circuits.is_open()), (&[30, 60, 120, 240, 480, 600, 600][..], true));
        circuits.taken("t");
        assert!(!circuits.is_open());
        circuits.hit(None, at(now));
        assert_eq!(circuits.wait(None).as_secs(), 30);
    }

    #[test]
    fn requests_that_were_on_their_way_together_count_once() {
        let mut circuits = Circuits::default();
        (0..4).for_each(|second| circuits.hit(None, at(second)));
        assert_eq!(circuits.wait(None).as_secs(), 30);
        circuits.hit(None, at(30));
        assert_eq!(circuits.wait(None).as_secs(), 60);
    }

    #[test]
    fn the_quota_of_one_table_outlasts_the_rows_that_others_are_rid_of() {
        let mut circuits = Circuits::default();
        circuits.hit(Some("a"), at(0));
        circuits.taken("b");
        circuits.hit(Some("a"), at(30));
        assert_eq!((circuits.wait(Some("a")).as_secs(), circuits.wait(Some("b")).as_secs()), (60, 30));
        assert!(!circuits.is_open());
        circuits.taken("a");
        assert_eq!(circuits.wait(Some("a")).as_secs(), 30);
    }
}
