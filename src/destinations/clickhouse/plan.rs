//! A batch as requests, in Segment's layout: rows sorted by table, what is lacking, and which events wait. Pure and
//! deterministic.
//!
//! All rows of an event go together or not at all: one that waits for a table keeps the others back.

mod piles;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Plan, SchemaCell};
use super::ddl::{self, Names};
use super::request::Request;
use super::row::{instant_of, is_held};
use super::taken::Taken;
use crate::policy::outcome::{Fault, Place, Reason};
use crate::spec::Event;
use crate::warehouse::value::write_json_string;
use crate::warehouse::{
    Clash, Closed, ColumnType, Fit, FittedRow, Lack, Mapper, RowSink, Terms, Unfit, Value, Why,
};

pub(super) use piles::{Pile, cut};

/// How long an event waits whose table or column is on its way.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Columns of a table's key or version: they always have a value.
const NEEDED: [&str; 2] = ["received_at", "timestamp"];

/// Values of one row that their columns do not take.
#[derive(Debug)]
pub(super) struct Clashes {
    /// Which event.
    pub(super) index: usize,
    /// Which table.
    pub(super) table: String,
    /// Which columns.
    pub(super) clashes: Vec<Clash>,
}

/// Maps a batch to requests. Also returns the values that no column takes.
pub(super) fn plan(
    names: &Names,
    mapper: &mut Mapper,
    (cell, taken): (&SchemaCell, &Taken),
    events: &[Arc<Event>],
) -> (Plan<Request>, Vec<Clashes>) {
    let closed = taken.beside(&cell.closed());
    let terms = Terms { closed: &closed, makes_tables: true, changes_tables: true, is_strict: false };
    let mut builder = Builder::new(names, (&closed, taken), events);
    let needs = mapper.sort(events, cell.load(), &terms, &mut builder);
    let (mut plan, clashes) = builder.finish();
    plan.needs = Some(needs).filter(|needs| !needs.is_empty());
    (plan, clashes)
}

/// Takes rows and becomes a plan.
struct Builder<'a> {
    names: &'a Names,
    closed: &'a BTreeMap<String, Closed>,
    taken: &'a Taken,
    events: &'a [Arc<Event>],
    piles: BTreeMap<String, Pile>,
    waiting: BTreeMap<usize, Fault>,
    refused: BTreeMap<usize, Fault>,
    clashes: Vec<Clashes>,
}

impl<'a> Builder<'a> {
    fn new(
        names: &'a Names,
        (closed, taken): (&'a BTreeMap<String, Closed>, &'a Taken),
        events: &'a [Arc<Event>],
    ) -> Builder<'a> {
        Builder {
            names,
            closed,
            taken,
            events,
            piles: BTreeMap::new(),
            waiting: BTreeMap::new(),
            refused: BTreeMap::new(),
            clashes: Vec::new(),
        }
    }

    fn finish(mut self) -> (Plan<Request>, Vec<Clashes>) {
        let mut plan = Plan::default();
        // What waits is planned again, and refused then if it still must be.
        self.refused.retain(|index, _| !self.waiting.contains_key(index));
        let stays = |index: usize| self.waiting.contains_key(&index) || self.refused.contains_key(&index);
        for (table, pile) in self.piles {
            let pile = pile.without(&stays);
            let columns = pile.used();
            plan.requests.extend(cut((self.names, &table), &columns, pile, self.events));
        }
        self.clashes.retain(|clashes| !stays(clashes.index));
        plan.refused = self.refused.into_iter().collect();
        plan.waiting = self.waiting.into_iter().map(|(index, fault)| (index, LOOK_AGAIN, fault)).collect();
        (plan, self.clashes)
    }
}

impl RowSink for Builder<'_> {
    fn is_taken(&self, table: &str) -> bool {
        self.taken.keeps_from(table)
    }

    fn row(&mut self, index: usize, row: FittedRow<'_>) {
        let FittedRow { name, table, mut fit, .. } = row;
        let pile = self.piles.entry(name.clone()).or_insert_with(|| Pile::new(table));
        if !set_aside(pile, &mut fit) {
            let words = format!("the table `{name}` has no `_unmapped` for a time that ClickHouse cannot hold");
            self.refused.entry(index).or_insert_with(|| fault(Reason::Unmappable, words, &name, String::new()));
            return;
        }
        if !fit.conflicts.is_empty() {
            let clashes = std::mem::take(&mut fit.conflicts);
            self.clashes.push(Clashes { index, table: name, clashes });
        }
        let Some(event) = self.events.get(index) else { return };
        pile.row((index, event.receipt.timestamp), &fit.cells, &fit.unmapped);
    }

    fn wait(&mut self, index: usize, lack: Lack) {
        let Lack { table, columns } = lack;
        let words = match columns.is_empty() {
            true => format!("waits for the table `{table}`, which is being made"),
            false => format!("waits for `{}` of the table `{table}`, which is being changed", columns.join("`, `")),
        };
        self.waiting.entry(index).or_insert_with(|| fault(Reason::Schema, words, &table, String::new()));
    }

    fn refuse(&mut self, index: usize, unfit: Unfit) {
        let fault = unfitting(unfit, self.names, self.closed);
        self.refused.entry(index).or_insert(fault);
    }
}

/// Moves instants that no column holds to `_unmapped`; false when there is no such column. Those that a row cannot be without
/// are written as the nearest that can be held.
fn set_aside(pile: &Pile, fit: &mut Fit<'_>) -> bool {
    let is_lost = |kind: ColumnType, value: &Value<'_>| {
        kind == ColumnType::Timestamp && instant_of(value).is_some_and(|at| !is_held(at))
    };
    if !fit.cells.iter().any(|cell| is_lost(cell.column_type, &cell.value)) {
        return true;
    }
    let (cells, has_place) = (std::mem::take(&mut fit.cells), pile.has_unmapped());
    let mut is_kept = true;
    for cell in cells {
        let name = pile.name(cell.index);
        if !is_lost(cell.column_type, &cell.value) || NEEDED.contains(&name) {
            fit.cells.push(cell);
            continue;
        }
        is_kept &= has_place;
        keep(&mut fit.unmapped, name, &cell.value);
        let got = ColumnType::Text;
        fit.conflicts.push(Clash { column: name.to_owned(), have: cell.column_type, got });
    }
    is_kept
}

/// Adds a value to the JSON object of what has no column.
fn keep(unmapped: &mut String, name: &str, value: &Value<'_>) {
    match unmapped.pop() {
        Some(_) => unmapped.push(','),
        None => unmapped.push('{'),
    }
    write_json_string(unmapped, name);
    unmapped.push(':');
    value.write_json(unmapped);
    unmapped.push('}');
}

fn unfitting(unfit: Unfit, names: &Names, closed: &BTreeMap<String, Closed>) -> Fault {
    let Unfit { table, why } = unfit;
    let because = closed.get(&table).map(|closed| format!(": {}", closed.why)).unwrap_or_default();
    match why {
        Why::NoTable(columns) => {
            let words = format!("there is no table `{table}`, and none may be made{because}");
            let ddl = ddl::create_table(names, &table, &columns);
            fault(Reason::SchemaMissingTable, words, &table, ddl)
        }
        Why::NoColumns(columns) => {
            let missing: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            let missing = missing.join("`, `");
            let words = format!("the table `{table}` has no `{missing}`, and none may be added{because}");
            fault(Reason::SchemaMissingColumn, words, &table, ddl::add_columns(names, &table, &columns))
        }
        Why::Conflict(words) => fault(Reason::Unmappable, words, &table, String::new()),
    }
}

/// A fault about one table.
fn fault(reason: Reason, answer: String, table: &str, ddl: String) -> Fault {
    let place = Place { table: table.to_owned(), ddl };
    Fault { place: Some(Box::new(place)), ..Fault::new(reason, None, answer) }
}
