//! Which rows BigQuery can take by streaming yet: its streaming side learns of new tables and columns minutes after they
//! were made, and says yes and no in turns meanwhile. Pure; time is an argument.
//!
//! Rows go by one of three lanes. *Hot*: everything that they use is settled. *Probation*: they use a column that is young,
//! or a fresh table, so they go apart from the others and may be refused. *Cold*: they have waited so long that a load job
//! takes them, which is never misled. What is young settles only by being accepted: what `tables.get` shows proves nothing.

mod loads;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::warehouse::{Schema, Table};

pub(super) use loads::Loads;

/// Requests in a row that must be accepted before something counts as settled.
const ACCEPTED: u32 = 3;

/// Load jobs a day and table that the cold lane may use; the rest of BigQuery's 1,500 stays free.
const COLD_LOADS: u32 = 300;

/// The first wait after a refusal; it doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest wait between two tries.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long a table counts as one that flows after it took rows.
const FLOWS_FOR: Duration = Duration::from_secs(60);

/// Tables that are remembered after they are gone.
const MAX_TABLES: usize = 20_000;

/// How patient we are with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// How old something must be before it can settle.
    pub(super) settle: Duration,
    /// How long a row waits before a load job takes it.
    pub(super) cold_after: Duration,
    /// How long nothing is streamed into a table that was made again.
    pub(super) recreate_hold: Duration,
}

/// How a row goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// With the others.
    Hot,
    /// Apart.
    Probation,
    /// By a load job.
    Cold,
    /// Not yet: it is worth another look after this time.
    Wait(Duration),
}

/// What one answer said of a table's rows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Heard<'a> {
    /// Whether any row was taken.
    pub(super) any_taken: bool,
    /// Young columns that some row of the request uses.
    pub(super) young: &'a [String],
    /// Columns that rows were refused for.
    pub(super) unknown: &'a [String],
}

/// Something that is not settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unsettled {
    since: Timestamp,
    accepted: u32,
    refused: u32,
}

/// What is known of one table.
#[derive(Debug, Default)]
struct Known {
    /// As last seen; `None` when it is gone.
    table: Option<Arc<Table>>,
    fresh: Option<Unsettled>,
    /// When it was noticed that it had been made again, as that was told.
    made_again: Option<Timestamp>,
    young: BTreeMap<String, Unsettled>,
    loads: Loads,
    taken_at: Option<Timestamp>,
}

/// What is known of all tables.
#[derive(Debug)]
pub(super) struct Propagation {
    pace: Pace,
    seen: Option<Arc<Schema>>,
    tables: BTreeMap<String, Known>,
    latest: Timestamp,
}

impl Unsettled {
    fn since(now: Timestamp) -> Unsettled {
        Unsettled { since: now, accepted: 0, refused: 0 }
    }

    fn accept(&mut self) {
        self.accepted = self.accepted.saturating_add(1);
        self.refused = 0;
    }

    fn refuse(&mut self) {
        self.accepted = 0;
        self.refused = self.refused.saturating_add(1);
    }

    fn is_settled(&self, now: Timestamp, settle: Duration) -> bool {
        self.accepted >= ACCEPTED && between(self.since, now) >= settle
    }

    /// Two seconds after the first refusal, then twice as long each time.
    fn wait(&self) -> Duration {
        let doubled = self.refused.saturating_sub(1).min(8);
        FIRST_WAIT.saturating_mul(1 << doubled).min(LONGEST_WAIT)
    }
}

impl Propagation {
    /// Returns what is known at the start: nothing.
    pub(super) fn new(pace: Pace) -> Propagation {
        Propagation { pace, seen: None, tables: BTreeMap::new(), latest: Timestamp::UNIX_EPOCH }
    }

    /// Compares the schema with the one before: what has appeared is young. What the first schema has is settled.
    pub(super) fn look(&mut self, schema: &Arc<Schema>, now: Timestamp) {
        self.latest = self.latest.max(now);
        let is_same = self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, schema));
        let is_first = self.seen.is_none();
        if is_same {
            return;
        }
        for (name, known) in &mut self.tables {
            if known.table.is_some() && !schema.tables.contains_key(name) {
                *known = Known { made_again: known.made_again, loads: known.loads, ..Known::default() };
            }
        }
        if self.tables.len() > MAX_TABLES {
            self.tables.retain(|_, known| known.table.is_some());
        }
        for (name, table) in &schema.tables {
            let known = match self.tables.get_mut(name) {
                Some(known) => known,
                None => self.tables.entry(name.clone()).or_default(),
            };
            known.see(table, is_first, now);
        }
        self.seen = Some(Arc::clone(schema));
    }

    /// Takes note of tables that were made again, and when that was noticed: they are fresh once more. Whatever is still on
    /// its way to the table before says nothing of this one.
    pub(super) fn hold(&mut self, tables: &BTreeMap<String, Timestamp>, now: Timestamp) {
        for (name, at) in tables {
            let Some(known) = self.tables.get_mut(name) else { continue };
            if known.table.is_some() && known.made_again != Some(*at) {
                known.made_again = Some(*at);
                known.fresh = Some(Unsettled::since((*at).min(now)));
                known.young.clear();
            }
        }
    }

    /// Returns whether every column of a table may be streamed to.
    pub(super) fn is_settled(&self, table: &str) -> bool {
        self.tables.get(table).is_none_or(|known| known.fresh.is_none() && known.young.is_empty())
    }

    /// Returns whether a column is young.
    pub(super) fn is_young(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|known| known.young.contains_key(column))
    }

    /// Returns the young columns of a table.
    pub(super) fn young(&self, table: &str) -> impl Iterator<Item = &String> {
        self.tables.get(table).into_iter().flat_map(|known| known.young.keys())
    }

    /// Returns how a row goes that has waited for so long, `None` when it was never tried.
    pub(super) fn lane(
        &self,
        table: &str,
        uses_young: bool,
        waited: Option<Duration>,
        now: Timestamp,
    ) -> Lane {
        let Some(known) = self.tables.get(table) else { return Lane::Hot };
        if known.fresh.is_none() && !uses_young {
            return Lane::Hot;
        }
        let waited = waited.unwrap_or_default();
        let is_cold =
            waited >= self.pace.cold_after && known.loads.is_due(now, self.pace.cold_after, COLD_LOADS);
        let held = known.held(now, self.pace.recreate_hold);
        match held.is_zero() {
            _ if is_cold => Lane::Cold,
            false => {
                let until_due = known.loads.until_due(now, self.pace.cold_after);
                let until_cold = self.pace.cold_after.saturating_sub(waited).max(until_due);
                let pause = if until_cold.is_zero() { LONGEST_WAIT } else { until_cold };
                Lane::Wait(held.min(pause))
            }
            true => Lane::Probation,
        }
    }

    /// Returns the load jobs of a table, to ask and to count.
    pub(super) fn loads(&mut self, table: &str) -> &mut Loads {
        match self.tables.contains_key(table) {
            true => {}
            false => drop(self.tables.insert(table.to_owned(), Known::default())),
        }
        &mut self.tables.entry(table.to_owned()).or_default().loads
    }

    /// Takes note of an answer to streamed rows.
    pub(super) fn heard(&mut self, table: &str, heard: Heard<'_>, now: Timestamp) {
        self.latest = self.latest.max(now);
        let Pace { settle, recreate_hold, .. } = self.pace;
        let Some(known) = self.tables.get_mut(table) else { return };
        for column in heard.unknown {
            let young = known.young.entry(column.clone()).or_insert_with(|| Unsettled::since(now));
            young.refuse();
        }
        if !heard.any_taken {
            return;
        }
        known.taken_at = Some(now);
        let accepted = heard.young.iter().filter(|column| !heard.unknown.contains(column));
        for column in accepted {
            if let Some(young) = known.young.get_mut(column) {
                young.accept();
            }
        }
        known.young.retain(|_, young| !young.is_settled(now, settle));
        let is_held = !known.held(now, recreate_hold).is_zero();
        if let Some(fresh) = known.fresh.as_mut().filter(|_| !is_held) {
            fresh.accept();
            if fresh.is_settled(now, settle) {
                known.fresh = None;
            }
        }
    }

    /// Takes note of rows that a load job took.
    pub(super) fn loaded(&mut self, table: &str, now: Timestamp) {
        self.latest = self.latest.max(now);
        if let Some(known) = self.tables.get_mut(table) {
            known.taken_at = Some(now);
        }
    }

    /// Takes note that a table is said not to be there. Returns whether that is a surprise: the table was settled.
    pub(super) fn no_table(&mut self, table: &str, now: Timestamp) -> bool {
        self.latest = self.latest.max(now);
        let Some(known) = self.tables.get_mut(table) else { return true };
        let is_surprise = known.fresh.is_none();
        known.fresh.get_or_insert_with(|| Unsettled::since(now)).refuse();
        is_surprise
    }

    /// Takes note that a table may not be written to: it is none that flows.
    pub(super) fn denied(&mut self, table: &str) {
        if let Some(known) = self.tables.get_mut(table) {
            known.taken_at = None;
        }
    }

    /// Returns how long until a row is worth another try that was refused for a column.
    pub(super) fn field_wait(&self, table: &str, column: &str) -> Duration {
        let young = self.tables.get(table).and_then(|known| known.young.get(column));
        young.map_or(FIRST_WAIT, Unsettled::wait)
    }

    /// Returns how long until rows are worth another try whose table is not there.
    pub(super) fn table_wait(&self, table: &str) -> Duration {
        let fresh = self.tables.get(table).and_then(|known| known.fresh);
        fresh.map_or(FIRST_WAIT, |fresh| fresh.wait())
    }

    /// Returns whether another table took rows a short while ago.
    pub(super) fn others_flow(&self, table: &str) -> bool {
        let flows = |known: &Known| known.taken_at.is_some_and(|at| between(at, self.latest) <= FLOWS_FOR);
        self.tables.iter().any(|(name, known)| name != table && flows(known))
    }

    /// Returns the time of the latest thing that was told.
    pub(super) fn latest(&self) -> Timestamp {
        self.latest
    }
}

impl Known {
    /// Returns how long nothing is to be streamed yet.
    fn held(&self, now: Timestamp, hold: Duration) -> Duration {
        self.made_again.map_or(Duration::ZERO, |at| hold.saturating_sub(between(at, now)))
    }

    fn see(&mut self, table: &Arc<Table>, is_first: bool, now: Timestamp) {
        let before = self.table.replace(Arc::clone(table));
        match before {
            None if is_first => {}
            None => {
                self.fresh = Some(Unsettled::since(now));
                self.young.clear();
            }
            Some(before) if Arc::ptr_eq(&before, table) => {}
            Some(before) => {
                // A column whose type has changed is as young as a new one: the old type is still in use over there.
                let is_new = |(name, kind): &(&String, &_)| before.columns.get(*name) != Some(*kind);
                for (name, _) in table.columns.iter().filter(is_new) {
                    self.young.insert(name.clone(), Unsettled::since(now));
                }
                self.young.retain(|name, _| table.columns.contains_key(name));
            }
        }
    }
}

/// Returns the time from one instant to another, zero when that is in the past.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
