//! What became of the rows of events that are not done yet: which are in, and since when and for what the others wait.
//!
//! An event with a row in each of two tables is planned again when one of them was refused; the other must not be sent
//! twice. Bounded: what is forgotten is sent again, which the views drop. Pure.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::time::Duration;

use jiff::Timestamp;

use super::propagation::between;

/// Events after which the older half is forgotten. A delivery has at most 20,000 unsettled.
const GENERATION: usize = 30_000;

/// Columns of one row whose values may go to `_unmapped` because their column refuses them.
const MOST_WITHHELD: usize = 10;

/// What is known of one row.
#[derive(Debug, Default)]
pub(super) struct RowMemory {
    table: Box<str>,
    is_in: bool,
    /// Since when it waits for its table or a column.
    since: Option<Timestamp>,
    /// Columns that it was refused for because they are not there.
    blamed: Vec<String>,
    /// Columns that refused its value twice.
    withheld: Vec<String>,
    casts: u8,
    /// Whether a load job had it in vain.
    was_loaded: bool,
}

type Rows = HashMap<u128, Vec<RowMemory>, BuildHasherDefault<OfMark>>;

/// A mark is half of a SHA-256, so that nobody can choose marks that meet: part of it is as good as a hash of it.
#[derive(Debug, Default)]
struct OfMark(u64);

impl Hasher for OfMark {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, mark: u128) {
        self.0 = mark as u64;
    }
}

/// What is known of all of them, by event.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    recent: Rows,
    older: Rows,
}

impl Ledger {
    /// Returns what is known of a row.
    pub(super) fn row(&self, event: u128, table: &str) -> Option<&RowMemory> {
        let rows = self.recent.get(&event).or_else(|| self.older.get(&event))?;
        rows.iter().find(|row| &*row.table == table)
    }

    /// Returns how many rows of an event are in.
    pub(super) fn rows_in(&self, event: u128) -> usize {
        let rows = self.recent.get(&event).or_else(|| self.older.get(&event));
        rows.map_or(0, |rows| rows.iter().filter(|row| row.is_in).count())
    }

    /// Returns the place for what becomes known of a row.
    pub(super) fn row_mut(&mut self, event: u128, table: &str) -> &mut RowMemory {
        if !self.recent.contains_key(&event) {
            if self.recent.len() >= GENERATION {
                self.older = std::mem::take(&mut self.recent);
            }
            let known = self.older.remove(&event).unwrap_or_default();
            self.recent.insert(event, known);
        }
        let rows = self.recent.entry(event).or_default();
        let place = rows.iter().position(|row| &*row.table == table).unwrap_or(rows.len());
        if place == rows.len() {
            rows.push(RowMemory { table: table.into(), ..RowMemory::default() });
        }
        #[expect(clippy::indexing_slicing, reason = "the place was found or made above")]
        &mut rows[place]
    }

    /// Takes note that a row is in; an event all of whose `of` rows are in is forgotten.
    pub(super) fn taken(&mut self, event: u128, table: &str, of: usize) {
        let others = self.rows_in(event) - usize::from(self.row(event, table).is_some_and(|row| row.is_in));
        if others + 1 >= of {
            self.forget(event);
        } else {
            let row = self.row_mut(event, table);
            *row = RowMemory { table: table.into(), is_in: true, ..RowMemory::default() };
        }
    }

    /// Forgets an event.
    pub(super) fn forget(&mut self, event: u128) {
        self.recent.remove(&event);
        self.older.remove(&event);
    }

    /// Returns how many events are remembered.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.recent.len() + self.older.len()
    }
}

impl RowMemory {
    /// Returns whether it is in its table.
    pub(super) fn is_in(&self) -> bool {
        self.is_in
    }

    /// Takes note that it waits, and returns for how long already.
    pub(super) fn waits(&mut self, now: Timestamp) -> Duration {
        between(*self.since.get_or_insert(now), now)
    }

    /// Returns for how long it waits; `None` when it was never tried.
    pub(super) fn waited(&self, now: Timestamp) -> Option<Duration> {
        self.since.map(|since| between(since, now))
    }

    /// Takes note that a load job had it in vain.
    pub(super) fn was_loaded(&mut self) {
        self.was_loaded = true;
    }

    /// Returns whether a load job had it in vain, so that it does not wait for the time of the next.
    pub(super) fn is_overdue(&self) -> bool {
        self.was_loaded
    }

    /// Takes note that it was refused for a column that is not there.
    pub(super) fn blame(&mut self, column: &str) {
        if !self.blamed.iter().any(|known| known == column) {
            self.blamed.push(column.to_owned());
        }
    }

    /// Returns the columns that it was refused for.
    pub(super) fn blamed(&self) -> &[String] {
        &self.blamed
    }

    /// Returns the columns whose values go to `_unmapped`.
    pub(super) fn withheld(&self) -> &[String] {
        &self.withheld
    }

    /// Takes note that a value was refused by its column, where that is known. Returns whether the row is worth another
    /// try: as it is the first time, then without the value.
    pub(super) fn cast_refused(&mut self, column: Option<&str>) -> bool {
        self.casts = self.casts.saturating_add(1);
        if self.casts == 1 {
            return true;
        }
        let Some(column) = column.filter(|column| !self.withheld.iter().any(|known| known == column)) else {
            return false;
        };
        self.withheld.push(column.to_owned());
        self.withheld.len() <= MOST_WITHHELD
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_row_that_is_in_is_known_until_all_rows_of_its_event_are() {
        let mut ledger = Ledger::default();
        ledger.taken(1, "tracks", 2);
        assert!(ledger.row(1, "tracks").unwrap().is_in() && ledger.row(1, "one").is_none());
        ledger.taken(1, "tracks", 2);
        assert_eq!(ledger.len(), 1, "the same row twice is one row");
        ledger.taken(1, "one", 2);
        assert_eq!(ledger.len(), 0);
        ledger.taken(2, "pages", 1);
        assert_eq!(ledger.len(), 0, "nothing is to be known of an event with one row");
    }

    #[test]
    fn a_row_waits_since_it_was_first_told_so() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.row_mut(1, "one").waits(at(10)), Duration::ZERO);
        assert_eq!(ledger.row_mut(1, "one").waits(at(40)), Duration::from_secs(30));
        assert_eq!(ledger.row(1, "one").unwrap().waited(at(50)), Some(Duration::from_secs(40)));
        ledger.row_mut(1, "one").blame("a");
        ledger.row_mut(1, "one").blame("a");
        assert_eq!(ledger.row(1, "one").unwrap().blamed(), ["a"]);
    }

    #[test]
    fn a_value_is_tried_twice_and_then_withheld_and_an_unknown_one_is_given_up() {
        let mut row = RowMemory::default();
        assert!(row.cast_refused(Some("n")) && row.withheld().is_empty());
        assert!(row.cast_refused(Some("n")));
        assert_eq!(row.withheld(), ["n"]);
        assert!(row.cast_refused(Some("m")), "another column is another matter");
        assert!(!row.cast_refused(Some("n")), "withheld, and still refused");
        let mut nameless = RowMemory::default();
        assert!(nameless.cast_refused(None) && !nameless.cast_refused(None));
    }

    #[test]
    fn the_oldest_events_are_forgotten_and_memory_stays_bounded() {
        let mut ledger = Ledger::default();
        for event in 0..(3 * GENERATION as u128) {
            ledger.row_mut(event, "one").waits(at(0));
        }
        assert!(ledger.len() <= 2 * GENERATION);
        assert!(ledger.row(0, "one").is_none());
        assert!(ledger.row(3 * GENERATION as u128 - 1, "one").is_some());
    }
}
