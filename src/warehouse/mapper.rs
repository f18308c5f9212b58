//! One batch of events to the rows of a schema, or to what the schema lacks: the way that all warehouses share.
//!
//! Holds what is worth keeping between batches (known paths, looked-up columns). Never knows how a store writes a row.

use std::collections::HashSet;
use std::sync::Arc;

use super::columns::Columns;
use super::diff::{Guards, Needs, OnTypeConflict, diff};
use super::fit::{Fit, fit};
use super::flatten::Leaf;
use super::layout::Layout;
use super::names::Dialect;
use super::rows::{RowDraft, Write, rows};
use super::schema::{Schema, SchemaDiff, Table};
use crate::spec::Event;

/// Events whose columns were cut by a guard and that are remembered, so that planning them again adds no more.
const MAX_CUT: usize = 10_000;

/// One row with the table that it is for.
#[derive(Debug)]
pub struct FittedRow<'a> {
    /// The table's name.
    pub name: String,
    /// The table as the row was fitted to it.
    pub table: Arc<Table>,
    /// How it is written.
    pub write: Write,
    /// Its values.
    pub fit: Fit<'a>,
}

/// Takes the rows of one event after the other.
pub trait Sink {
    /// Takes all rows of the event at `index`.
    fn rows(&mut self, index: usize, rows: Vec<FittedRow<'_>>);
    /// Takes word that the event at `index` does not fit and must be refused, with the reason.
    fn refuse(&mut self, index: usize, why: String);
}

/// The shared way from events to rows.
#[derive(Debug)]
pub struct Mapper {
    columns: Columns,
    layout: Layout,
    guards: Guards,
    max_depth: usize,
    cut: HashSet<Box<str>>,
}

impl Mapper {
    /// Returns a mapper that knows no paths yet.
    pub fn new(dialect: Dialect, guards: Guards, max_depth: usize) -> Mapper {
        let (columns, layout) = (Columns::new(dialect), Layout::default());
        Mapper { columns, layout, guards, max_depth, cut: HashSet::new() }
    }

    /// Maps a batch and gives every event's rows to `sink`. When the schema lacks something, returns what; then the
    /// rows that were given are void.
    pub fn map(&mut self, events: &[Arc<Event>], schema: Arc<Schema>, sink: &mut impl Sink) -> SchemaDiff {
        self.columns.trim();
        self.layout.refresh(schema, &self.columns);
        if self.cut.len() > MAX_CUT {
            self.cut.clear();
        }
        let (mut needs, mut cut) = (Needs::default(), Vec::new());
        for (index, event) in events.iter().enumerate() {
            let drafts = rows(event, &mut self.columns, self.max_depth).drafts;
            if !self.see(event, &drafts, &mut needs) {
                cut.push(event.head.message_id.clone());
            }
            match self.fit(drafts) {
                Ok(rows) => sink.rows(index, rows),
                Err(why) => sink.refuse(index, why),
            }
        }
        if needs.is_empty() {
            return SchemaDiff::default();
        }
        self.cut.extend(cut);
        diff(&needs, self.layout.schema(), &self.guards)
    }

    /// Collects what an event lacks; false when the guard cut some of it.
    fn see(&mut self, event: &Event, drafts: &[RowDraft<'_>], needs: &mut Needs) -> bool {
        let is_cut = !self.cut.is_empty() && self.cut.contains(&event.head.message_id);
        let most_new = if is_cut { 0 } else { self.guards.max_new_columns_per_event };
        let mut is_whole = true;
        for draft in drafts {
            is_whole &= needs.see(draft, self.layout.table(&draft.table), &self.columns, most_new);
        }
        is_whole
    }

    fn fit<'a>(&mut self, mut drafts: Vec<RowDraft<'a>>) -> Result<Vec<FittedRow<'a>>, String> {
        let mut homeless = self.homeless(&mut drafts);
        let mut rows = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let Some(view) = self.layout.table(&draft.table) else { continue };
            let (name, write, table) = (draft.table.clone(), draft.write, Arc::clone(view.table()));
            let fit = fit(draft, std::mem::take(&mut homeless), view, &self.columns);
            if self.guards.on_type_conflict == OnTypeConflict::Reject && !fit.conflicts.is_empty() {
                return Err(format!(
                    "column `{}` of table `{name}` does not take the value",
                    fit.conflicts.join("`, `")
                ));
            }
            rows.push(FittedRow { name, table, write, fit });
        }
        Ok(rows)
    }

    /// Takes the values of an event's own table when there is no such table; the row before keeps them.
    fn homeless<'a>(&mut self, drafts: &mut Vec<RowDraft<'a>>) -> Vec<Leaf<'a>> {
        let Some(at) = drafts.iter().position(|draft| draft.is_event_table) else { return Vec::new() };
        if drafts.get(at).is_none_or(|draft| self.layout.table(&draft.table).is_some()) {
            return Vec::new();
        }
        let RowDraft { cells, unmapped, .. } = drafts.remove(at);
        // What the narrow row has too is not homeless.
        let is_own = |leaf: &Leaf<'a>| self.columns.is_custom(leaf.id);
        cells.into_iter().chain(unmapped).filter(is_own).collect()
    }
}
