//! Values that their column does not take, counted by column, so that an operator can see what to repair.
//!
//! Bounded: a stream that invents columns does not grow it. Never holds a value, only which event had the last one.

use std::collections::BTreeMap;

use super::fit::Clash;
use super::schema::ColumnType;

/// Most pairs of column and type that are told apart.
pub const MAX_CONFLICTS: usize = 200;

/// What a column has and what it was given.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Conflict {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What the column takes.
    pub have: ColumnType,
    /// What came.
    pub got: ColumnType,
}

/// How often that happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many values.
    pub count: u64,
    /// The message id of the last event.
    pub last: String,
}

/// All conflicts that were seen. See the module.
#[derive(Debug, Default)]
pub struct Conflicts {
    seen: BTreeMap<Conflict, Tally>,
    beyond: u64,
}

impl Conflicts {
    /// Takes note of one value.
    pub fn note(&mut self, conflict: Conflict, message_id: &str) {
        if self.seen.len() >= MAX_CONFLICTS && !self.seen.contains_key(&conflict) {
            self.beyond = self.beyond.saturating_add(1);
            return;
        }
        let tally = self.seen.entry(conflict).or_default();
        tally.count = tally.count.saturating_add(1);
        message_id.clone_into(&mut tally.last);
    }

    /// Takes note of the conflicts of one row.
    pub fn note_row(&mut self, table: &str, clashes: Vec<Clash>, message_id: &str) {
        for Clash { column, have, got } in clashes {
            self.note(Conflict { table: table.to_owned(), column, have, got }, message_id);
        }
    }

    /// Returns all conflicts in order.
    pub fn all(&self) -> impl Iterator<Item = (&Conflict, &Tally)> {
        self.seen.iter()
    }

    /// Returns how many values were of columns beyond the bound.
    pub fn beyond(&self) -> u64 {
        self.beyond
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conflict(column: usize) -> Conflict {
        Conflict {
            table: "t".to_owned(),
            column: column.to_string(),
            have: ColumnType::Int,
            got: ColumnType::Text,
        }
    }

    #[test]
    fn conflicts_are_counted_by_column_and_bounded() {
        let mut conflicts = Conflicts::default();
        (0..=MAX_CONFLICTS).for_each(|column| conflicts.note(conflict(column), "m1"));
        conflicts.note(conflict(0), "m2");
        assert_eq!((conflicts.all().count(), conflicts.beyond()), (MAX_CONFLICTS, 1));
        let (_, first) = conflicts.all().next().unwrap();
        assert_eq!(first, &Tally { count: 2, last: "m2".to_owned() });
    }
}
