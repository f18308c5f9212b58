//! What the tables would have to become for some events: statements and words, nothing done. Pure.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::{Attempt, Blueprint, Destination};
use super::{Postgres, ddl, types};
use crate::spec::Event;
use crate::warehouse::{Column, ColumnType, Conflict, SchemaDiff, UNMAPPED};

impl Blueprint for Postgres {
    fn wanted(&self, events: &[Arc<Event>]) -> SchemaDiff {
        // Rows are thrown away, so the time does not matter.
        let attempt = Attempt { number: 1, first_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH };
        self.plan(events, &attempt).needs.unwrap_or_default()
    }

    fn ddl(&self, diff: &SchemaDiff) -> Vec<String> {
        ddl::statements(&self.schema_name, diff)
    }

    fn type_word(&self, column_type: ColumnType) -> &'static str {
        types::word(column_type)
    }

    fn repair(&self, conflict: &Conflict) -> Option<String> {
        let is_wider = (conflict.have, conflict.got) == (ColumnType::Int, ColumnType::Float);
        Some(if is_wider { self.widened(conflict) } else { self.both(conflict) })
    }
}

impl Postgres {
    /// Returns the statement that was too much to be run unasked: it writes the table anew.
    fn widened(&self, conflict: &Conflict) -> String {
        let column = Column { name: conflict.column.clone(), column_type: conflict.got };
        ddl::widen(&self.schema_name, &conflict.table, &[column])
    }

    /// Returns the query that reads the column, and what it did not take.
    fn both(&self, conflict: &Conflict) -> String {
        let (column, table) = (ddl::quoted(&conflict.column), ddl::table_name(&self.schema_name, &conflict.table));
        let kept = format!("{}->>{}", ddl::quoted(UNMAPPED), ddl::text(&conflict.column));
        format!("SELECT \"id\", coalesce({column}::text, {kept}) AS {column} FROM {table}")
    }
}
