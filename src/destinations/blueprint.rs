//! What a warehouse says about its tables without touching them: for `opentrack schema`, which shows people what events
//! would change before they do.

use std::sync::Arc;
use std::time::Duration;

use crate::spec::Event;
use crate::warehouse::{ColumnType, Conflict, SchemaDiff};

/// See the module. Pure: all of it is about the schema that the destination holds.
pub trait Blueprint {
    /// Returns what these events would need, whatever the settings let the router change itself.
    fn wanted(&self, events: &[Arc<Event>]) -> SchemaDiff;

    /// Returns the statements that carry out these changes, to be run in order; each is safe to run again, as far as
    /// the store has such a form.
    fn ddl(&self, diff: &SchemaDiff) -> Vec<String>;

    /// Returns the store's own word for a type.
    fn type_word(&self, column_type: ColumnType) -> &'static str;

    /// Returns what rows of these sizes in bytes cost, in words; `None` where rows are free.
    fn price(&self, rows: &[usize]) -> Option<String> {
        let _ = rows;
        None
    }

    /// Returns what to run about values that their column does not take: a statement that repairs it, or a query that
    /// reads both. `None` where the table is not known.
    fn repair(&self, conflict: &Conflict) -> Option<String> {
        let _ = conflict;
        None
    }

    /// Returns the statements of the views that belong to the tables, each with the view's name.
    fn views(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    /// Returns a query that counts who did these things one after the other, the last at most so long after the first.
    fn funnel(&self, steps: &[String], within: Duration) -> Option<String> {
        let _ = (steps, within);
        None
    }
}

/// Which state of the tables is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// As the router last knew them, without asking anybody.
    Known,
    /// As they are now.
    Now,
}
