//! Tables of others whose names our events would have: an application's `orders` in the database that is ours to write.
//!
//! They are told by what every table of Segment's layout has and theirs hardly do. They are neither written nor changed; the
//! store finds them, the plan keeps the events of such a name in `tracks`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::warehouse::names::BUILT_IN_TABLES;
use crate::warehouse::{Closed, SchemaDiff};

/// Most names that are remembered because an event asked for them.
const MOST: usize = 10_000;

/// The names that are taken, as the store last saw them.
#[derive(Debug, Default)]
pub(super) struct Taken {
    names: Mutex<Arc<BTreeSet<String>>>,
    /// Those that an event asked for.
    asked: Mutex<BTreeSet<String>>,
}

impl Taken {
    /// Returns whether a name is taken.
    pub(super) fn holds(&self, table: &str) -> bool {
        self.all().contains(table)
    }

    /// Returns whether the name of a table is taken that an event asks for, and remembers that it does.
    pub(super) fn keeps_from(&self, table: &str) -> bool {
        let is_taken = self.holds(table);
        if is_taken {
            let mut asked = self.asked();
            if asked.len() < MOST && !asked.contains(table) {
                asked.insert(table.to_owned());
            }
        }
        is_taken
    }

    /// Returns the names that events asked for and that are still taken.
    pub(super) fn in_the_way(&self) -> Vec<String> {
        let names = self.all();
        self.asked().intersection(&names).cloned().collect()
    }

    fn asked(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of all names that are taken.
    pub(super) fn store(&self, names: BTreeSet<String>) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(names);
    }

    /// Takes note of one name.
    pub(super) fn note(&self, table: &str, is_taken: bool) {
        let mut names = (*self.all()).clone();
        let _ = if is_taken { names.insert(table.to_owned()) } else { names.remove(table) };
        self.store(names);
    }

    /// Returns what is closed, and beside it the tables of others, which are never asked for. Tables that every event or call
    /// of a kind needs are not among them: the store holds everything until their names are free.
    pub(super) fn beside(&self, closed: &Arc<BTreeMap<String, Closed>>) -> Arc<BTreeMap<String, Closed>> {
        let names = self.all();
        if names.is_empty() {
            return Arc::clone(closed);
        }
        let mut all = (**closed).clone();
        for name in names.iter().filter(|name| !BUILT_IN_TABLES.contains(&name.as_str())) {
            all.insert(name.clone(), Closed { why: words(name), wanted: SchemaDiff::default() });
        }
        Arc::new(all)
    }

    fn all(&self) -> Arc<BTreeSet<String>> {
        Arc::clone(&self.names.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns what is wrong with a table of somebody else.
pub(super) fn words(table: &str) -> String {
    format!("the table `{table}` is not ours: it has no `id` of `String` and no `received_at` of `DateTime64`")
}

/// Returns what an operator is told of a name that is in the way.
pub(super) fn advice(table: &str) -> String {
    format!("{}; events of its name stay in `tracks`: rename it, or give the router another `database`", words(table))
}

/// Returns whether a table with these columns, by name and ClickHouse's word for the type, is one that we may write.
pub(super) fn is_ours(columns: &BTreeMap<String, String>) -> bool {
    let is = |name: &str, word: &str| {
        let kind = columns.get(name).map(|kind| kind.trim_start_matches("LowCardinality(").trim_start_matches("Nullable("));
        kind.is_some_and(|kind| kind.starts_with(word))
    };
    is("id", "String") && is("received_at", "DateTime64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_ours_by_its_id_and_arrival() {
        for (id, received_at, wanted) in [
            ("String", "DateTime64(6, 'UTC')", true),
            ("Nullable(String)", "Nullable(DateTime64(3))", true),
            ("LowCardinality(Nullable(String))", "DateTime64(9)", true),
            ("UInt64", "DateTime64(6, 'UTC')", false),
            ("UUID", "DateTime64(6, 'UTC')", false),
            ("String", "DateTime", false),
        ] {
            let columns = [("id", id), ("received_at", received_at), ("total", "Float64")];
            let columns: BTreeMap<_, _> = columns.map(|(name, kind)| (name.to_owned(), kind.to_owned())).into();
            assert_eq!(is_ours(&columns), wanted, "{id} {received_at}");
        }
        assert!(!is_ours(&BTreeMap::new()));
    }

    #[test]
    fn a_name_that_is_taken_is_closed_unless_every_event_needs_it() {
        let taken = Taken::default();
        let closed = Arc::default();
        assert!(taken.beside(&closed).is_empty());
        taken.note("orders", true);
        taken.note("tracks", true);
        assert_eq!(taken.beside(&closed).keys().collect::<Vec<_>>(), ["orders"]);
        taken.note("orders", false);
        assert!(!taken.holds("orders") && taken.holds("tracks"));
    }

    #[test]
    fn only_names_that_events_ask_for_are_in_the_way_and_only_while_they_are_taken() {
        let taken = Taken::default();
        taken.store(["orders", "invoices"].map(str::to_owned).into());
        assert!(taken.in_the_way().is_empty());
        assert!(taken.keeps_from("orders") && !taken.keeps_from("viewed"));
        assert_eq!(taken.in_the_way(), ["orders"]);
        taken.note("orders", false);
        assert!(taken.in_the_way().is_empty());
    }
}
