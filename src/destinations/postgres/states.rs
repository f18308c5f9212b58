//! The rows of one batch that bring states up to date (`users`, `accounts`), such that no statement has one `id` twice and
//! the end is the same as if they had come one after the other. Pure.
//!
//! PostgreSQL refuses to update a row twice in one statement (error 21000). Joining the rows of an `id` into one would give
//! an old value the time of a new one, and with it the right to replace what another router has written in between. So only
//! a row that a later one outdoes in every column is left out, and what remains of one `id` goes in statements one after
//! the other. Each is sorted by `id`: two routers that update the same rows then never wait for each other crosswise.

use std::collections::BTreeMap;

/// One row: values as they go over the wire, by the place of their column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// When its event was received, in microseconds.
    pub(super) at: i64,
    /// What it has a value for.
    pub(super) cells: BTreeMap<usize, Vec<u8>>,
}

impl State {
    /// Returns whether nothing of an earlier row is left after this one.
    fn outdoes(&self, earlier: &State) -> bool {
        self.at >= earlier.at && earlier.cells.keys().all(|column| self.cells.contains_key(column))
    }
}

/// Rows by their `id`, in the order of their events.
#[derive(Debug, Default)]
pub(super) struct States(BTreeMap<String, Vec<State>>);

impl States {
    /// Adds the row of the next event.
    pub(super) fn add(&mut self, id: &str, state: State) {
        match self.0.get_mut(id) {
            None => drop(self.0.insert(id.to_owned(), vec![state])),
            Some(rows) => {
                while rows.last().is_some_and(|last| state.outdoes(last)) {
                    rows.pop();
                }
                rows.push(state);
            }
        }
    }

    /// Returns the rows of each statement: the first of every `id`, then the second of those that have one, and so on.
    pub(super) fn waves(self) -> Vec<Vec<State>> {
        let mut waves: Vec<Vec<State>> = Vec::new();
        for rows in self.0.into_values() {
            for (wave, row) in rows.into_iter().enumerate() {
                match waves.get_mut(wave) {
                    Some(rows) => rows.push(row),
                    None => waves.push(vec![row]),
                }
            }
        }
        waves
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ID: usize = 0;

    fn state(at: i64, cells: &[(usize, u8)]) -> State {
        let cells = cells.iter().map(|(column, value)| (*column, vec![*value]));
        State { at, cells: cells.chain([(ID, vec![0])]).collect() }
    }

    fn waves(rows: Vec<(&str, State)>) -> Vec<Vec<State>> {
        let mut states = States::default();
        rows.into_iter().for_each(|(id, row)| states.add(id, row));
        states.waves()
    }

    #[test]
    fn a_row_that_a_later_one_outdoes_is_left_out() {
        let rows = vec![("a", state(1, &[(1, 1)])), ("a", state(2, &[(1, 2), (2, 2)])), ("a", state(2, &[(1, 3), (2, 3)]))];
        assert_eq!(waves(rows), [[state(2, &[(1, 3), (2, 3)])]]);
    }

    #[test]
    fn an_older_row_or_one_with_more_columns_stays_in_its_place() {
        let (first, second, late) = (state(5, &[(1, 1)]), state(6, &[(2, 2)]), state(3, &[(1, 9), (2, 9)]));
        let rows = vec![("a", first.clone()), ("b", second.clone()), ("a", second.clone()), ("a", late.clone())];
        assert_eq!(waves(rows), [vec![first, second.clone()], vec![second], vec![late]]);
    }

    /// What the statement does with one row, as `ddl::write_rows` says it.
    fn upsert(table: &mut BTreeMap<String, State>, id: &str, row: &State) {
        let Some(old) = table.get_mut(id) else { return drop(table.insert(id.to_owned(), row.clone())) };
        let is_newer = row.at >= old.at;
        for (column, value) in &row.cells {
            match old.cells.get_mut(column) {
                Some(before) if is_newer => before.clone_from(value),
                Some(_) => {}
                None => drop(old.cells.insert(*column, value.clone())),
            }
        }
        old.at = old.at.max(row.at);
    }

    proptest! {
        /// Where times go up, as they do in a batch, leaving rows out and sorting changes nothing, whatever is there before.
        #[test]
        fn waves_end_like_one_row_after_the_other(
            rows in proptest::collection::vec((0..3_u8, proptest::collection::btree_map(1..4_usize, any::<u8>(), 0..3)), 0..12),
            before in proptest::option::of((0..20_i64, proptest::collection::btree_map(1..4_usize, any::<u8>(), 0..3))),
        ) {
            let make = |at: i64, cells: BTreeMap<usize, u8>| state(at, &cells.into_iter().collect::<Vec<_>>());
            let rows: Vec<(String, State)> =
                rows.into_iter().enumerate().map(|(at, (id, cells))| (id.to_string(), make(at as i64 + 4, cells))).collect();
            let newest = before.as_ref().map_or(i64::MIN, |(at, _)| *at);
            let start: BTreeMap<String, State> =
                before.into_iter().map(|(at, cells)| ("0".to_owned(), make(at, cells))).collect();
            let (mut wanted, mut found, mut states) = (start.clone(), start, States::default());
            for (id, row) in &rows {
                upsert(&mut wanted, id, row);
                states.add(id, row.clone());
            }
            let mut by_id: BTreeMap<String, Vec<State>> = states.0.clone();
            for wave in states.waves() {
                let mut ids = std::collections::BTreeSet::new();
                for row in wave {
                    let id = by_id.iter().find(|(_, rows)| rows.first() == Some(&row)).map(|(id, _)| id.clone()).unwrap();
                    by_id.get_mut(&id).unwrap().remove(0);
                    prop_assert!(ids.insert(id.clone()), "one id twice in a statement");
                    upsert(&mut found, &id, &row);
                }
            }
            // Behind something newer, which of two old values fills a gap is of no importance; nothing newer is replaced.
            if rows.first().is_none_or(|(_, first)| first.at >= newest) {
                prop_assert_eq!(found, wanted);
            } else {
                prop_assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
            }
        }
    }
}
