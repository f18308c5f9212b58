//! What stays as it is: columns whose type cannot be changed, since that would write a large table anew or break a view, and
//! names of tables that something else has already.
//!
//! Found out when tables are read or changed, and looked at by every plan after it: a value that does not fit is then kept
//! in `_unmapped`, and an event whose table's name is taken in `tracks`. Columns are forgotten at the next start, and when
//! somebody has changed one by hand it is not asked for any more; names are found out again with every look at all tables.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most columns, and most names, that are remembered; those beyond are found out again.
const MOST: usize = 10_000;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Frozen {
    columns: Mutex<BTreeSet<(String, String)>>,
    names: Mutex<Names>,
}

#[derive(Debug, Default)]
struct Names {
    taken: BTreeSet<String>,
    /// Those that an event asked for, and that were told of.
    asked: BTreeSet<String>,
    /// Those that are to be told of.
    news: Vec<String>,
}

impl Frozen {
    /// Takes note of a column.
    pub(super) fn add(&self, table: &str, column: &str) {
        let mut all = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST {
            all.insert((table.to_owned(), column.to_owned()));
        }
    }

    /// Returns whether the column keeps its type.
    pub(super) fn has(&self, table: &str, column: &str) -> bool {
        let all = self.columns.lock().unwrap_or_else(PoisonError::into_inner);
        !all.is_empty() && all.contains(&(table.to_owned(), column.to_owned()))
    }

    /// Takes note of a name that is taken.
    pub(super) fn take(&self, table: &str) {
        let mut names = self.names();
        if names.taken.len() >= MOST {
            names.taken.clear();
        }
        names.taken.insert(table.to_owned());
    }

    /// Keeps only these of the names that are taken.
    pub(super) fn take_only(&self, tables: BTreeSet<String>) {
        self.names().taken = tables;
    }

    /// Returns whether something else has the name.
    pub(super) fn is_taken(&self, table: &str) -> bool {
        self.names().taken.contains(table)
    }

    /// Returns whether something else has the name of a table that an event asks for, and remembers that it does.
    pub(super) fn keeps_from(&self, table: &str) -> bool {
        let mut names = self.names();
        let is_taken = names.taken.contains(table);
        if is_taken && names.asked.len() < MOST && names.asked.insert(table.to_owned()) {
            names.news.push(table.to_owned());
        }
        is_taken
    }

    /// Returns the names that events asked for and that something else still has.
    pub(super) fn in_the_way(&self) -> Vec<String> {
        let names = self.names();
        names.asked.intersection(&names.taken).cloned().collect()
    }

    /// Takes the names that events asked for and that nobody was told of.
    pub(super) fn news(&self) -> Vec<String> {
        std::mem::take(&mut self.names().news)
    }

    fn names(&self) -> MutexGuard<'_, Names> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_events_ask_for_are_in_the_way_and_only_while_they_are_taken() {
        let frozen = Frozen::default();
        frozen.take_only(["orders", "invoices"].map(str::to_owned).into());
        assert!(frozen.in_the_way().is_empty());
        assert!(frozen.keeps_from("orders") && !frozen.keeps_from("viewed"));
        assert_eq!(frozen.in_the_way(), ["orders"]);
        frozen.take_only(["invoices"].map(str::to_owned).into());
        assert!(frozen.in_the_way().is_empty());
    }
}
