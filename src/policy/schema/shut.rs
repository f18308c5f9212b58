//! Tables that may not be changed: denied for a while, or full until the process starts again.
//!
//! What is wanted of them meanwhile is kept, so that an operator can carry it out by hand.

use std::collections::BTreeMap;

use super::parts::{by_table, missing};
use crate::policy::Moment;
use crate::policy::outcome::Fault;
use crate::warehouse::{Closed, Schema, SchemaDiff};

/// Most columns that are kept as wanted, for each table.
const MOST_WANTED: usize = 2_000;

/// One such table.
#[derive(Debug, Clone)]
struct Shut {
    /// Nothing may be changed before this moment; `None`: only that no columns may be added, for ever.
    until: Option<Moment>,
    fault: Fault,
    wanted: SchemaDiff,
}

/// All of them. See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct ShutTables {
    all: BTreeMap<String, Shut>,
    /// Something has changed that was not published.
    changed: bool,
}

impl ShutTables {
    /// Closes the tables of a change.
    pub(super) fn shut(&mut self, diff: SchemaDiff, until: Option<Moment>, fault: &Fault) {
        for (table, wanted) in by_table(diff) {
            let wanted = match self.all.remove(&table) {
                Some(before) => before.wanted.merge(wanted),
                None => wanted,
            };
            self.all.insert(table, Shut { until, fault: fault.clone(), wanted });
            self.changed = true;
        }
    }

    /// Takes out of a change what may not be done. Returns the fault of one of its tables when there was something.
    pub(super) fn refuse(&mut self, diff: &mut SchemaDiff) -> Option<Fault> {
        let mut refused = None;
        let tables: Vec<String> = super::parts::tables(diff).into_iter().cloned().collect();
        for table in tables {
            let Some(shut) = self.all.get_mut(&table) else { continue };
            let mut taken = SchemaDiff::default();
            taken.add.extend(diff.add.remove_entry(&table));
            if shut.until.is_some() {
                taken.create.extend(diff.create.remove_entry(&table));
                taken.widen.extend(diff.widen.remove_entry(&table));
            }
            if taken.is_empty() {
                continue;
            }
            refused = Some(shut.fault.clone());
            let joined = shut.wanted.clone().merge(taken);
            if joined != shut.wanted && size(&joined) <= MOST_WANTED {
                shut.wanted = joined;
                self.changed = true;
            }
        }
        refused
    }

    /// Opens the tables whose time is over; returns what is wanted of them.
    pub(super) fn reopen(&mut self, now: Moment) -> SchemaDiff {
        let over = |shut: &Shut| shut.until.is_some_and(|until| until <= now);
        let open: Vec<String> =
            self.all.iter().filter(|(_, shut)| over(shut)).map(|(table, _)| table.clone()).collect();
        let mut wanted = SchemaDiff::default();
        for shut in open.iter().filter_map(|table| self.all.remove(table)) {
            wanted = wanted.merge(shut.wanted);
            self.changed = true;
        }
        wanted
    }

    /// Opens the tables of which somebody has made all that was wanted.
    pub(super) fn review(&mut self, schema: &Schema) {
        let before = self.all.len();
        self.all.retain(|_, shut| !missing(shut.wanted.clone(), schema).is_empty());
        self.changed |= self.all.len() != before;
    }

    /// Returns when the next table is opened.
    pub(super) fn due(&self) -> Option<Moment> {
        self.all.values().filter_map(|shut| shut.until).min()
    }

    /// Returns all of them when something has changed since the last time.
    pub(super) fn news(&mut self) -> Option<BTreeMap<String, Closed>> {
        std::mem::take(&mut self.changed).then(|| {
            let closed = |shut: &Shut| Closed { why: shut.fault.answer.clone(), wanted: shut.wanted.clone() };
            self.all.iter().map(|(table, shut)| (table.clone(), closed(shut))).collect()
        })
    }
}

fn size(diff: &SchemaDiff) -> usize {
    let of = |tables: &BTreeMap<String, Vec<_>>| tables.values().map(Vec::len).sum::<usize>();
    of(&diff.create) + of(&diff.add) + of(&diff.widen)
}
