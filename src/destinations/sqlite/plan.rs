//! A batch as one request: all rows of all tables, ready to be bound. Pure.
//!
//! Values are copied once into one text, so that a request owns three allocations and not one per value.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use super::super::{Attempt, Plan, Planned, SchemaCell};
use crate::policy::outcome::{Fault, Reason};
use crate::spec::Event;
use crate::warehouse::{Clash, ColumnType, Fitted, FittedRow, Mapper, Sink, Table, Value, Write};

/// One transaction.
#[derive(Debug, Clone)]
pub struct Request(Arc<Load>);

impl Request {
    /// Returns a transaction without rows: it shows whether the file can be written.
    pub fn empty() -> Request {
        Request(Arc::new(Load::default()))
    }

    /// Returns the rows.
    pub fn load(&self) -> &Load {
        &self.0
    }
}

/// The rows of one transaction.
#[derive(Debug, Default)]
pub struct Load {
    /// All texts, one after the other.
    pub text: String,
    /// All values, row after row.
    pub cells: Vec<Cell>,
    /// The tables that get rows, in the order of their first row.
    pub tables: Vec<TableRows>,
}

/// One value and its place in the order of the table's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Place of the column, from 0.
    pub column: usize,
    /// The value.
    pub value: Stored,
}

/// A value as SQLite stores it.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// INTEGER.
    Int(i64),
    /// REAL.
    Real(f64),
    /// TEXT: a part of [`Load::text`].
    Text(Range<usize>),
}

/// The rows of one table.
#[derive(Debug)]
pub struct TableRows {
    /// The table's name.
    pub name: String,
    /// The table as the rows were fitted to it.
    pub table: Arc<Table>,
    /// How they are written.
    pub write: Write,
    /// The rows.
    pub rows: Vec<Row>,
}

/// One row.
#[derive(Debug)]
pub struct Row {
    /// Which event of the request it belongs to.
    pub event: usize,
    /// Its part of [`Load::cells`].
    pub cells: Range<usize>,
}

/// Maps a batch to one transaction, or says what the schema lacks. The first attempt takes note of conflicts.
pub(super) fn plan(
    mapper: &mut Mapper,
    events: &[Arc<Event>],
    cell: &SchemaCell,
    attempt: &Attempt,
) -> Plan<Request> {
    let mut builder = Builder::default();
    let needs = mapper.map(events, cell.load(), &mut builder);
    if !needs.is_empty() {
        return Plan { needs: Some(needs), ..Plan::default() };
    }
    let Builder { load, refused, planned, clashes, .. } = builder;
    if attempt.number == 1 && !clashes.is_empty() {
        let mut conflicts = cell.conflicts();
        for (index, table, clashes) in clashes {
            let message_id = events.get(index).map_or("", |event| &*event.head.message_id);
            conflicts.note_row(&table, clashes, message_id);
        }
    }
    let requests = match planned.is_empty() {
        true => Vec::new(),
        false => vec![Planned { request: Request(Arc::new(load)), events: planned }],
    };
    Plan { requests, refused, ..Plan::default() }
}

#[derive(Default)]
struct Builder {
    load: Load,
    places: HashMap<String, usize>,
    planned: Vec<usize>,
    refused: Vec<(usize, Fault)>,
    clashes: Vec<(usize, String, Vec<Clash>)>,
}

impl Sink for Builder {
    fn rows(&mut self, index: usize, rows: Vec<FittedRow<'_>>) {
        let event = self.planned.len();
        self.planned.push(index);
        for mut row in rows {
            if !row.fit.conflicts.is_empty() {
                self.clashes.push((index, row.name.clone(), std::mem::take(&mut row.fit.conflicts)));
            }
            self.row(event, row);
        }
    }

    fn refuse(&mut self, index: usize, why: String) {
        self.refused.push((index, Fault { reason: Reason::Unmappable, status: None, answer: why, place: None }));
    }
}

impl Builder {
    fn row(&mut self, event: usize, row: FittedRow<'_>) {
        let start = self.load.cells.len();
        for cell in &row.fit.cells {
            let value = self.load.store(cell);
            self.load.cells.push(Cell { column: cell.index, value });
        }
        if let Some(column) = row.fit.unmapped_index {
            let value = self.load.text(|out| out.push_str(&row.fit.unmapped));
            self.load.cells.push(Cell { column, value });
        }
        let cells = start..self.load.cells.len();
        self.table(row).push(Row { event, cells });
    }

    fn table(&mut self, row: FittedRow<'_>) -> &mut Vec<Row> {
        let known = self.places.get(&row.name).copied();
        let place = known.unwrap_or_else(|| {
            let FittedRow { name, table, write, .. } = row;
            self.places.insert(name.clone(), self.load.tables.len());
            self.load.tables.push(TableRows { name, table, write, rows: Vec::new() });
            self.load.tables.len() - 1
        });
        #[expect(clippy::indexing_slicing, reason = "every place was given out by the push above")]
        &mut self.load.tables[place].rows
    }
}

impl Load {
    fn store(&mut self, cell: &Fitted<'_>) -> Stored {
        match (&cell.value, cell.column_type) {
            (value, ColumnType::Text | ColumnType::Timestamp) => self.text(|out| value.write_text(out)),
            (Value::Bool(on), _) => Stored::Int(i64::from(*on)),
            (Value::Int(number), _) => Stored::Int(*number),
            (Value::Float(number, _), _) => Stored::Real(*number),
            (value, _) => self.text(|out| value.write_text(out)),
        }
    }

    fn text(&mut self, write: impl FnOnce(&mut String)) -> Stored {
        let start = self.text.len();
        write(&mut self.text);
        Stored::Text(start..self.text.len())
    }

    /// Returns a part of the text.
    pub fn part(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}
