//! One batch of events to the rows of a schema, or to what the schema lacks: the way that all warehouses share.
//!
//! Holds what is worth keeping between batches (known paths, looked-up columns). Never knows how a store writes a row.

use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use super::columns::Columns;
use super::diff::{Guards, Needs, OnTypeConflict, diff};
use super::fit::{Fit, fit};
use super::flatten::Leaf;
use super::lack::{Lacking, lacking, within};
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
    pub(super) columns: Columns,
    pub(super) layout: Layout,
    pub(super) guards: Guards,
    pub(super) max_depth: usize,
    cut: HashMap<Box<str>, HashSet<u64>>,
}

impl Mapper {
    /// Returns a mapper that knows no paths yet.
    pub fn new(dialect: Dialect, guards: Guards, max_depth: usize) -> Mapper {
        let (columns, layout) = (Columns::new(dialect), Layout::default());
        Mapper { columns, layout, guards, max_depth, cut: HashMap::new() }
    }

    /// Maps a batch and gives every event's rows to `sink`. When the schema lacks something, returns what; then the
    /// rows that were given are void.
    pub fn map(&mut self, events: &[Arc<Event>], schema: Arc<Schema>, sink: &mut impl Sink) -> SchemaDiff {
        self.begin(schema);
        let mut needs = Needs::default();
        for (index, event) in events.iter().enumerate() {
            let drafts = rows(event, &mut self.columns, self.max_depth).drafts;
            let lacking = self.lacking(&drafts);
            if lacking.iter().any(|of_row| !of_row.is_empty()) {
                let asked = drafts.iter().map(|draft| draft.table.as_str()).zip(&lacking);
                self.see(event, &asked.collect::<Vec<_>>(), &mut needs);
            }
            match self.fit(drafts) {
                Ok(rows) => sink.rows(index, rows),
                Err(why) => sink.refuse(index, why),
            }
        }
        if needs.is_empty() {
            return SchemaDiff::default();
        }
        diff(&needs, self.layout.schema(), &self.guards)
    }

    /// Makes ready for a batch.
    pub(super) fn begin(&mut self, schema: Arc<Schema>) {
        self.columns.trim();
        self.layout.refresh(schema, &self.columns);
        if self.cut.len() > MAX_CUT {
            self.cut.clear();
        }
    }

    /// Returns what each row of an event lacks of its table.
    pub(super) fn lacking(&mut self, drafts: &[RowDraft<'_>]) -> Vec<Vec<Lacking>> {
        let of_row = |draft: &RowDraft<'_>| lacking(draft, self.layout.table(&draft.table), &self.columns);
        drafts.iter().map(of_row).collect()
    }

    /// Collects what an event lacks, as far as the guard lets one event go; what it was let to ask for the first time
    /// is all that it may ask for.
    pub(super) fn see(&mut self, event: &Event, asked: &[(&str, &Vec<Lacking>)], needs: &mut Needs) {
        if let Some(only) = self.cut.get(&*event.head.message_id) {
            for (table, lacking) in asked {
                let may = |it: &&Lacking| it.types.is_standard || only.contains(&key(table, &it.name));
                lacking.iter().filter(may).for_each(|it| needs.add(table, it));
            }
            return;
        }
        let most = self.guards.max_new_columns_per_event;
        let mut is_whole = true;
        for (table, lacking) in asked {
            let mut count = 0;
            within(lacking, most).for_each(|it| {
                needs.add(table, it);
                count += 1;
            });
            is_whole &= count == lacking.len();
        }
        if !is_whole {
            let let_through = asked.iter().flat_map(|(table, lacking)| {
                within(lacking, most).map(|it| key(table, &it.name)).collect::<Vec<_>>()
            });
            self.cut.insert((&*event.head.message_id).into(), let_through.collect());
        }
    }

    fn fit<'a>(&mut self, mut drafts: Vec<RowDraft<'a>>) -> Result<Vec<FittedRow<'a>>, String> {
        let mut homeless = self.homeless(&mut drafts);
        let mut rows = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let fitted = self.fit_row(draft, std::mem::take(&mut homeless), &[]);
            rows.extend(fitted.transpose().map_err(|(_, words)| words)?);
        }
        Ok(rows)
    }

    /// Fits one row; `None` when there is no such table, the table and words when a value must not be kept aside.
    pub(super) fn fit_row<'a>(
        &mut self,
        mut draft: RowDraft<'a>,
        more: Vec<Leaf<'a>>,
        withheld: &[String],
    ) -> Option<Result<FittedRow<'a>, (String, String)>> {
        let view = self.layout.table(&draft.table)?;
        let (name, write, table) = (std::mem::take(&mut draft.table), draft.write, Arc::clone(view.table()));
        let fit = fit(draft, more, view, (&self.columns, withheld));
        if self.guards.on_type_conflict == OnTypeConflict::Reject && !fit.conflicts.is_empty() {
            let columns: Vec<&str> = fit.conflicts.iter().map(|clash| clash.column.as_str()).collect();
            let columns = columns.join("`, `");
            let words = format!("column `{columns}` of table `{name}` does not take the value");
            return Some(Err((name, words)));
        }
        Some(Ok(FittedRow { name, table, write, fit }))
    }

    /// Takes the values of an event's own table when there is no such table; the row before keeps them.
    fn homeless<'a>(&mut self, drafts: &mut Vec<RowDraft<'a>>) -> Vec<Leaf<'a>> {
        let Some(at) = drafts.iter().position(|draft| draft.is_event_table) else { return Vec::new() };
        if drafts.get(at).is_none_or(|draft| self.layout.table(&draft.table).is_some()) {
            return Vec::new();
        }
        let draft = drafts.remove(at);
        self.leaves(draft)
    }

    /// Returns the values of a row that is not written; what the narrow row has too is not among them.
    pub(super) fn leaves<'a>(&self, draft: RowDraft<'a>) -> Vec<Leaf<'a>> {
        let RowDraft { cells, unmapped, .. } = draft;
        let is_own = |leaf: &Leaf<'a>| self.columns.is_custom(leaf.id);
        cells.into_iter().chain(unmapped).filter(is_own).collect()
    }
}

/// A column of a table as a number, to remember many of them.
fn key(table: &str, column: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (table, column).hash(&mut hasher);
    hasher.finish()
}
