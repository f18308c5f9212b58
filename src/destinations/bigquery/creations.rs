//! When each table was made, so that one that was deleted and made again is told from the one before it: streaming may
//! still take rows for the old one, and they vanish. Pure; time is an argument.
//!
//! Only a table that was known can be one that was made again. One that nobody here has ever seen is new, however young it
//! is, so that a first start on an empty dataset waits for nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::propagation::between;

/// Most tables that are remembered; those that are gone are forgotten first.
const MOST: usize = 20_000;

/// What is known of one table, there or gone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Creation {
    /// When it was made, as the dataset says it, in milliseconds since 1970. An emulator may not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    made_ms: Option<i64>,
    /// When it was noticed that it had been made again, by our own clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    again_at: Option<Timestamp>,
    /// It was not there when it was last looked for.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_gone: bool,
}

/// What is known of all tables.
#[derive(Debug, Default)]
pub(super) struct Creations {
    tables: BTreeMap<String, Creation>,
    /// How long rows may vanish that are streamed into a table that was made again.
    hold: Duration,
}

impl Creations {
    /// Returns what is known at the start: nothing.
    pub(super) fn new(hold: Duration) -> Creations {
        Creations { tables: BTreeMap::new(), hold }
    }

    /// Goes on where a process before this one ended. What it has noticed in our future counts from now on: its clock, or
    /// ours, was wrong.
    pub(super) fn recall(&mut self, tables: BTreeMap<String, Creation>, now: Timestamp) {
        let not_later = |creation: Creation| Creation {
            again_at: creation.again_at.map(|at| at.min(now)),
            ..creation
        };
        self.tables = tables.into_iter().map(|(name, creation)| (name, not_later(creation))).collect();
    }

    /// Takes note of a table as it was read.
    pub(super) fn seen(&mut self, table: &str, made_ms: Option<i64>, now: Timestamp) {
        let hold = self.hold;
        let Some(known) = self.tables.get_mut(table) else {
            return self.insert(table, Creation { made_ms, ..Creation::default() });
        };
        let is_another = match (known.made_ms, made_ms) {
            (Some(before), Some(made)) => before != made,
            // It was known before creations were. Who made it within the hold may have done so since.
            (None, Some(made)) => known.is_gone || is_young(made, now, hold),
            (_, None) => known.is_gone,
        };
        known.is_gone = false;
        known.made_ms = made_ms.or(known.made_ms);
        if is_another {
            known.again_at = Some(now);
        }
    }

    /// Takes note of a table that we made: when it was known, it was made again.
    pub(super) fn made(&mut self, table: &str, made_ms: Option<i64>, now: Timestamp) {
        let again_at = self.tables.contains_key(table).then_some(now);
        self.insert(table, Creation { made_ms, again_at, is_gone: false });
    }

    /// Takes note that a table is not there.
    pub(super) fn gone(&mut self, table: &str) {
        if let Some(known) = self.tables.get_mut(table) {
            known.is_gone = true;
        }
    }

    /// Takes note of all tables that there are.
    pub(super) fn all_seen(&mut self, tables: &BTreeMap<String, Option<i64>>, now: Timestamp) {
        for (table, made_ms) in tables {
            self.seen(table, *made_ms, now);
        }
        let missing = self.tables.iter_mut().filter(|(table, _)| !tables.contains_key(*table));
        missing.for_each(|(_, creation)| creation.is_gone = true);
    }

    /// Returns what is kept for the next start.
    pub(super) fn kept(&self) -> &BTreeMap<String, Creation> {
        &self.tables
    }

    /// Returns the tables that were made again within the hold, and when that was noticed.
    pub(super) fn again(&self, now: Timestamp) -> BTreeMap<String, Timestamp> {
        let held = |(table, creation): (&String, &Creation)| {
            let at = creation.again_at.filter(|at| between(*at, now) < self.hold)?;
            Some((table.clone(), at))
        };
        self.tables.iter().filter_map(held).collect()
    }

    fn insert(&mut self, table: &str, creation: Creation) {
        if self.tables.len() >= MOST {
            self.tables.retain(|_, creation| !creation.is_gone);
        }
        self.tables.insert(table.to_owned(), creation);
    }
}

/// The dataset's clock is not ours: what it says to be made in our future is young.
fn is_young(made_ms: i64, now: Timestamp, hold: Duration) -> bool {
    Timestamp::from_millisecond(made_ms).is_ok_and(|made| between(made, now) < hold)
}

/// Tables that were made again a short while ago, and when that was noticed: what the wire tells the plan. Told before the
/// schema that has them is published, and read after it.
#[derive(Debug, Default)]
pub(super) struct MadeAgain(ArcSwap<BTreeMap<String, Timestamp>>);

impl MadeAgain {
    /// Returns what was last told.
    pub(super) fn load(&self) -> Arc<BTreeMap<String, Timestamp>> {
        self.0.load_full()
    }

    /// Tells it anew.
    pub(super) fn tell(&self, tables: BTreeMap<String, Timestamp>) {
        if **self.0.load() != tables {
            self.0.store(Arc::new(tables));
        }
    }
}
