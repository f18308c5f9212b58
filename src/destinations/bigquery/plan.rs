//! A batch as requests: rows sorted by table and lane, what is lacking, and which events wait. Pure and deterministic.

mod faults;
mod piles;
#[cfg(test)]
pub(super) mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::{Attempt, Plan, SchemaCell};
use super::config::{Config, MissingColumn, WriteMethod};
use super::ddl::{Names, Options};
use super::memory::Memory;
use super::propagation::Lane;
use super::request::Request;
use super::row::{Form, MAX_ROW_BYTES, event_mark};
use crate::policy::outcome::{Fault, Reason};
use crate::spec::Event;
use crate::warehouse::{Clash, Closed, FittedRow, Lack, Mapper, RowSink, Terms, Unfit, Why};
use piles::{Piece, Piles, TableRows};

/// How long a change of a table takes when all is well.
const CHANGE_TAKES: Duration = Duration::from_secs(1);

/// What a plan keeps to.
#[derive(Debug, Clone)]
pub(super) struct Rules {
    /// Where the tables are, for the statements that repair them.
    pub(super) names: Names,
    /// What new tables get.
    pub(super) options: Options,
    /// How rows get there.
    pub(super) write_method: WriteMethod,
    /// Whether rows carry an id.
    pub(super) insert_id: bool,
    /// Whether tables may be made.
    pub(super) makes_tables: bool,
    /// Whether columns may be added and widened.
    pub(super) changes_tables: bool,
    /// Whether an event is refused when a column is missing that may not be added.
    pub(super) is_strict: bool,
    /// How long after a change was asked for it is worth another look.
    pub(super) look_again: Duration,
}

impl Rules {
    /// Returns what the settings say.
    pub(super) fn of(config: &Config) -> Rules {
        let management = config.auto_table_management;
        let may_change = management.changes_tables();
        Rules {
            names: config.names(),
            options: config.table_options(),
            write_method: config.write_method,
            insert_id: config.insert_id,
            makes_tables: management.makes_tables(),
            changes_tables: may_change,
            is_strict: !may_change && config.missing_column == MissingColumn::Strict,
            look_again: config.schema_window + CHANGE_TAKES,
        }
    }
}

/// Values of one row that their columns do not take.
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
    rules: &Rules,
    (mapper, memory): (&mut Mapper, &mut Memory),
    cell: &SchemaCell,
    (events, attempt): (&[Arc<Event>], &Attempt),
) -> (Plan<Request>, Vec<Clashes>) {
    let (schema, closed) = (cell.load(), cell.closed());
    memory.look(&schema, attempt.at);
    let terms = Terms {
        closed: &closed,
        makes_tables: rules.makes_tables,
        changes_tables: rules.changes_tables,
        is_strict: rules.is_strict,
    };
    let mut builder = Builder::new(rules, memory, (cell, &closed), (events, attempt));
    let needs = mapper.sort(events, schema, &terms, &mut builder);
    let (mut plan, clashes) = builder.finish();
    plan.needs = Some(needs).filter(|needs| !needs.is_empty());
    (plan, clashes)
}

/// Takes rows and becomes a plan.
pub(super) struct Builder<'a> {
    rules: &'a Rules,
    memory: &'a mut Memory,
    cell: &'a SchemaCell,
    closed: &'a BTreeMap<String, Closed>,
    events: &'a [Arc<Event>],
    attempt: &'a Attempt,
    /// Whether nothing is streamed.
    only_loads: bool,
    /// By event: what it is known by.
    marks: Vec<u128>,
    /// By event: how many rows it has that are not in yet.
    rows: Vec<usize>,
    piles: Piles,
    waiting: BTreeMap<usize, (Duration, Fault)>,
    refused: BTreeMap<usize, Fault>,
    clashes: Vec<Clashes>,
}

impl<'a> Builder<'a> {
    /// Returns a plan without rows.
    pub(super) fn new(
        rules: &'a Rules,
        memory: &'a mut Memory,
        (cell, closed): (&'a SchemaCell, &'a BTreeMap<String, Closed>),
        (events, attempt): (&'a [Arc<Event>], &'a Attempt),
    ) -> Builder<'a> {
        Builder {
            only_loads: rules.write_method == WriteMethod::Load || memory.only_loads,
            rules,
            memory,
            cell,
            closed,
            events,
            attempt,
            marks: events.iter().map(|event| event_mark(event)).collect(),
            rows: vec![0; events.len()],
            piles: Piles::default(),
            waiting: BTreeMap::new(),
            refused: BTreeMap::new(),
            clashes: Vec::new(),
        }
    }

    /// Returns the plan. No event is missing from it.
    pub(super) fn finish(mut self) -> (Plan<Request>, Vec<Clashes>) {
        let mut plan = Plan::default();
        let piles = std::mem::take(&mut self.piles);
        for (table, pile) in piles.0 {
            self.table(&table, pile, &mut plan);
        }
        for (index, _) in self.rows.iter().enumerate().filter(|(_, rows)| **rows == 0) {
            // All its rows are in, and yet it came again: better twice than never.
            if let Some(mark) = self.marks.get(index) {
                self.memory.ledger.forget(*mark);
            }
            self.waiting.insert(index, (Duration::ZERO, faults::again()));
        }
        self.note_waiting();
        // What waits is planned again, and refused then if it still must be.
        self.refused.retain(|index, _| !self.waiting.contains_key(index));
        plan.refused = self.refused.into_iter().collect();
        plan.waiting = self.waiting.into_iter().map(|(index, (wait, fault))| (index, wait, fault)).collect();
        (plan, self.clashes)
    }

    /// Takes note of when the events that wait have come.
    fn note_waiting(&mut self) {
        for index in self.waiting.keys() {
            if let (Some(mark), Some(event)) = (self.marks.get(*index), self.events.get(*index)) {
                self.memory.waiting.add(*mark, event.receipt.received_at, self.attempt.at);
            }
        }
    }

    /// Adds the requests of one table.
    fn table(&mut self, table: &str, rows: TableRows, plan: &mut Plan<Request>) {
        let now = self.attempt.at;
        let all = |event: usize| self.all_rows(event);
        let (rows, load) = rows.into_lanes(all);
        let send_ids = self.rules.insert_id;
        for lane in rows {
            plan.requests.extend(lane.into_inserts(table, send_ids));
        }
        let Some(load) = load else { return };
        let ledger = &self.memory.ledger;
        let is_overdue = |mark: u128| ledger.row(mark, table).is_some_and(|row| row.is_overdue());
        let is_early = self.attempt.number > 1 || load.marks().any(is_overdue);
        let loads = self.memory.propagation.loads(table);
        match self.only_loads && !load.is_due(loads, is_early, now) {
            true => {
                let wait = load.until_due(loads, now);
                load.events().for_each(|index| wait_for(&mut self.waiting, index, wait, faults::load(table)));
            }
            false => {
                let requests = load.into_loads(table);
                requests.iter().for_each(|_| loads.count(now));
                plan.requests.extend(requests);
            }
        }
    }

    fn all_rows(&self, index: usize) -> usize {
        let (rows, mark) = (self.rows.get(index), self.marks.get(index));
        rows.copied().unwrap_or_default() + mark.map_or(0, |mark| self.memory.ledger.rows_in(*mark))
    }

    /// Returns what an event is known by.
    pub(super) fn mark(&self, index: usize) -> u128 {
        self.marks.get(index).copied().unwrap_or_default()
    }

    /// Counts a row of an event, whatever becomes of it.
    pub(super) fn count(&mut self, index: usize) {
        if let Some(rows) = self.rows.get_mut(index) {
            *rows += 1;
        }
    }

    /// Returns how a row goes that uses these young columns.
    fn lane(&mut self, index: usize, table: &str, uses_young: bool) -> Lane {
        if self.only_loads {
            return Lane::Cold;
        }
        let mark = self.mark(index);
        self.memory.lane((mark, table), uses_young, self.attempt.at)
    }

    /// Puts a row that is written where its lane says.
    fn write(&mut self, index: usize, row: FittedRow<'_>) {
        let FittedRow { name, table, fit, .. } = row;
        let mark = self.mark(index);
        let is_settled = self.memory.propagation.is_settled(&name);
        let of_table = self.piles.table(&name, &table);
        let mut young = Vec::new();
        if !is_settled {
            let names = fit.cells.iter().filter_map(|cell| of_table.name(cell.index));
            young.extend(names.filter(|column| self.memory.propagation.is_young(&name, column)).cloned());
        }
        let lane = self.lane(index, &name, !young.is_empty());
        if let Lane::Wait(wait) = lane {
            return wait_for(&mut self.waiting, index, wait, faults::held(&name));
        }
        let form = if lane == Lane::Cold { Form::Load } else { Form::Insert };
        let (of_table, first_at) = (self.piles.table(&name, &table), self.attempt.first_at);
        let (keys, pile) = of_table.pile(lane);
        let text = pile.text.row(keys, (&fit.cells, &fit.unmapped), (form, first_at));
        if text.len() > MAX_ROW_BYTES {
            pile.text.undo(&text);
            return self.refuse_with(index, faults::too_large(&name));
        }
        let has_unmapped = !fit.unmapped.is_empty();
        pile.pieces.push(Piece { index, mark, text, young, has_unmapped });
    }

    /// Returns whether a missing column refuses its event.
    pub(super) fn is_strict(&self) -> bool {
        self.rules.is_strict
    }

    /// Takes the fault of a row that cannot be written; with several of one event all their repairs are kept.
    pub(super) fn refuse_with(&mut self, index: usize, fault: Fault) {
        match self.refused.get_mut(&index) {
            None => drop(self.refused.insert(index, fault)),
            Some(known) => faults::join(known, fault),
        }
    }
}

impl RowSink for Builder<'_> {
    fn is_written(&self, index: usize, table: &str) -> bool {
        self.memory.ledger.row(self.mark(index), table).is_some_and(|row| row.is_in())
    }

    fn withheld(&self, index: usize, table: &str) -> Vec<String> {
        self.memory.withheld(self.mark(index), table, self.attempt.at)
    }

    fn row(&mut self, index: usize, mut row: FittedRow<'_>) {
        self.count(index);
        if !row.fit.conflicts.is_empty() {
            let clashes = std::mem::take(&mut row.fit.conflicts);
            self.clashes.push(Clashes { index, table: row.name.clone(), clashes });
        }
        self.write(index, row);
    }

    fn wait(&mut self, index: usize, lack: Lack) {
        self.count(index);
        let (wait, fault) = (self.rules.look_again, faults::lacking(&lack));
        wait_for(&mut self.waiting, index, wait, fault);
    }

    fn kept_out(&mut self, columns: usize, tables: usize) {
        let (known, other) = self.memory.kept_out;
        self.memory.kept_out = (known + columns as u64, other + tables as u64);
    }

    fn refuse(&mut self, index: usize, unfit: Unfit) {
        self.count(index);
        if !matches!(unfit.why, Why::Conflict(_)) {
            // Its owner may have repaired it since it was last read.
            self.cell.doubt(&unfit.table);
            if let Some(wait) = self.memory.looks.wait(&unfit.table, self.attempt.at) {
                return wait_for(&mut self.waiting, index, wait, faults::looked_at(&unfit.table));
            }
        }
        let fault = faults::unfit(unfit, self.rules, self.closed);
        self.refuse_with(index, fault);
    }
}

/// An event that waits for several things is worth a look when the first may have come.
fn wait_for(waiting: &mut BTreeMap<usize, (Duration, Fault)>, index: usize, wait: Duration, fault: Fault) {
    let known = waiting.entry(index).or_insert((wait, fault));
    known.0 = known.0.min(wait);
}

/// A fault about one table.
fn fault(reason: Reason, answer: String, table: &str, ddl: String) -> Fault {
    let place = crate::policy::outcome::Place { table: table.to_owned(), ddl };
    Fault { place: Some(Box::new(place)), ..Fault::new(reason, None, answer) }
}
