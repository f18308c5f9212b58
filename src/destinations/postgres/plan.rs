//! A batch as one request: the statements of one transaction, each with its rows as one array for each column. Pure.
//!
//! Rows that are only added come first and states last, both by the names of their tables: a state stays locked until the
//! commit, and every router locks in the same order.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::super::{Attempt, Plan, Planned, SchemaCell};
use super::array::{Array, write, write_unmapped};
use super::ddl;
use super::frozen::Frozen;
use super::live::Fact;
use super::states::{State, States};
use crate::policy::outcome::{Fault, Reason};
use crate::spec::Event;
use crate::warehouse::{Clash, ColumnType, FittedRow, Mapper, SchemaDiff, Sink, Table, UNMAPPED, Value, Write};

/// One transaction.
#[derive(Debug, Clone)]
pub struct Request(Arc<Load>);

impl Request {
    /// Returns a transaction without rows: it shows whether the tables can be read.
    pub(super) fn empty() -> Request {
        Request(Arc::new(Load::default()))
    }

    /// Returns its statements.
    pub(super) fn load(&self) -> &Load {
        &self.0
    }
}

/// The statements of one transaction, in order.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// They are sent without waiting for each other.
    pub(super) statements: Vec<Statement>,
    /// What the events mean to the live tables, in their order.
    pub(super) facts: Vec<Fact>,
}

/// Rows of one table.
#[derive(Debug)]
pub(super) struct Statement {
    /// The table's name.
    pub(super) table: String,
    /// How many rows.
    pub(super) rows: usize,
    /// The columns that at least one row has a value for: the parameters.
    pub(super) columns: Vec<(String, Array)>,
    /// The text; the same for the same columns, however many rows there are.
    pub(super) sql: String,
    /// Whether it returns the ids of the rows that were new.
    pub(super) tells: bool,
}

impl Statement {
    /// Has it tell which rows were new, where a fact asks for that.
    fn tell(&mut self, facts: &[Fact]) {
        self.tells = facts.iter().any(|fact| fact.table == self.table);
        if self.tells {
            self.sql.push_str(ddl::TELL);
        }
    }
}

/// What planning looks at beside the events.
pub(super) struct View<'a> {
    /// The schema that the tables are in.
    pub(super) schema: &'a str,
    /// What the tables look like.
    pub(super) cell: &'a SchemaCell,
    /// Columns that keep their type.
    pub(super) frozen: &'a Frozen,
    /// Whether the live tables are kept.
    pub(super) keeps: bool,
}

/// Maps a batch to one transaction, or says what the schema lacks. The first attempt takes note of conflicts. Returns with
/// it how many values lost characters.
pub(super) fn plan(
    mapper: &mut Mapper,
    events: &[Arc<Event>],
    view: &View<'_>,
    attempt: &Attempt,
) -> (Plan<Request>, u64) {
    let mut builder = Builder::default();
    let needs = mapper.map(events, view.cell.load(), &mut builder);
    let needs = allowed(needs, view);
    if !needs.is_empty() {
        return (Plan { needs: Some(needs), ..Plan::default() }, 0);
    }
    if attempt.number == 1 && !builder.clashes.is_empty() {
        let mut conflicts = view.cell.conflicts();
        for (index, table, clashes) in std::mem::take(&mut builder.clashes) {
            let message_id = events.get(index).map_or("", |event| &*event.head.message_id);
            conflicts.note_row(&table, clashes, message_id);
        }
    }
    let (planned, refused, cut) =
        (std::mem::take(&mut builder.planned), std::mem::take(&mut builder.refused), builder.cut);
    let mut load = builder.into_load(view.schema);
    if view.keeps {
        load.facts = planned.iter().filter_map(|index| Fact::of(events.get(*index)?)).collect();
        load.statements.iter_mut().for_each(|statement| statement.tell(&load.facts));
    }
    let request = Request(Arc::new(load));
    let requests = match planned.is_empty() {
        true => Vec::new(),
        false => vec![Planned { request, events: planned }],
    };
    (Plan { requests, refused, ..Plan::default() }, cut)
}

/// Leaves out what will not be done: columns of a table that takes no more, and types that are not changed: `_unmapped`
/// takes their values. Tables whose name is taken too: `_unmapped` of `tracks` takes the values of their events.
fn allowed(mut needs: SchemaDiff, view: &View<'_>) -> SchemaDiff {
    if needs.is_empty() {
        return needs;
    }
    let closed = view.cell.closed();
    needs.create.retain(|table, _| !view.frozen.keeps_from(table));
    needs.add.retain(|table, _| !closed.contains_key(table));
    needs.widen.retain(|table, columns| {
        columns.retain(|column| !view.frozen.has(table, &column.name));
        !columns.is_empty() && !closed.contains_key(table)
    });
    needs
}

/// The rows of a table that are only added.
struct Pile {
    table: Arc<Table>,
    rows: usize,
    columns: BTreeMap<usize, Array>,
}

impl Pile {
    /// Returns a column, ready for the value of the next row.
    fn column(&mut self, index: usize, kind: ColumnType) -> &mut Array {
        let array = self.columns.entry(index).or_insert_with(|| Array::new(kind));
        array.fill(self.rows);
        array
    }
}

/// The rows of a table that bring states up to date.
struct Updated {
    table: Arc<Table>,
    /// The places of `id` and `received_at`.
    key: [Option<usize>; 2],
    states: States,
}

impl Updated {
    fn new(table: Arc<Table>) -> Updated {
        let key = ["id", "received_at"].map(|key| table.columns.keys().position(|name| name == key));
        Updated { table, key, states: States::default() }
    }
}

#[derive(Default)]
struct Builder {
    added: BTreeMap<String, Pile>,
    updated: BTreeMap<String, Updated>,
    planned: Vec<usize>,
    refused: Vec<(usize, Fault)>,
    clashes: Vec<(usize, String, Vec<Clash>)>,
    cut: u64,
}

impl Sink for Builder {
    fn rows(&mut self, index: usize, rows: Vec<FittedRow<'_>>) {
        let homeless = rows.iter().find(|row| !row.fit.unmapped.is_empty() && row.fit.unmapped_index.is_none());
        if let Some(row) = homeless {
            let words = format!("table `{}` has no column `{UNMAPPED}` for what has no column of its own", row.name);
            return self.refuse(index, words);
        }
        self.planned.push(index);
        for mut row in rows {
            if !row.fit.conflicts.is_empty() {
                self.clashes.push((index, row.name.clone(), std::mem::take(&mut row.fit.conflicts)));
            }
            match row.write {
                Write::Insert => self.add(row),
                Write::Upsert => self.update(row),
            }
        }
    }

    fn refuse(&mut self, index: usize, why: String) {
        self.refused.push((index, Fault::new(Reason::Unmappable, None, why)));
    }
}

impl Builder {
    fn add(&mut self, row: FittedRow<'_>) {
        let FittedRow { name, table, fit, .. } = row;
        let pile = self.added.entry(name).or_insert_with(|| Pile { table, rows: 0, columns: BTreeMap::new() });
        for cell in &fit.cells {
            self.cut += u64::from(pile.column(cell.index, cell.column_type).push(&cell.value));
        }
        if let Some(index) = fit.unmapped_index {
            let kind = kind_of(&pile.table, UNMAPPED);
            let mut value = Vec::with_capacity(fit.unmapped.len() + 1);
            self.cut += u64::from(write_unmapped(&fit.unmapped, kind, &mut value));
            pile.column(index, kind).push_written(&value);
        }
        pile.rows += 1;
    }

    fn update(&mut self, row: FittedRow<'_>) {
        let FittedRow { name, table, fit, .. } = row;
        let updated = self.updated.entry(name).or_insert_with(|| Updated::new(table));
        let (mut id, mut state) = (String::new(), State { at: i64::MIN, cells: BTreeMap::new() });
        let [key, time] = updated.key;
        for cell in &fit.cells {
            let mut value = Vec::new();
            self.cut += u64::from(write(&cell.value, cell.column_type, &mut value));
            match Some(cell.index) {
                place if place == key => id = String::from_utf8_lossy(&value).into_owned(),
                place if place == time => state.at = time_of(&cell.value),
                _ => {}
            }
            state.cells.insert(cell.index, value);
        }
        if let Some(index) = fit.unmapped_index {
            let mut value = Vec::new();
            self.cut += u64::from(write_unmapped(&fit.unmapped, kind_of(&updated.table, UNMAPPED), &mut value));
            state.cells.insert(index, value);
        }
        updated.states.add(&id, state);
    }

    fn into_load(self, schema: &str) -> Load {
        let added = self.added.into_iter().map(|(name, pile)| {
            let Pile { table, rows, columns } = pile;
            statement(schema, (name, &table, Write::Insert), rows, columns)
        });
        let mut statements: Vec<Statement> = added.collect();
        for (name, Updated { table, states, .. }) in self.updated {
            let waves = states.waves().into_iter();
            statements.extend(waves.map(|wave| {
                let rows = wave.len();
                statement(schema, (name.clone(), &table, Write::Upsert), rows, columns_of(&table, wave))
            }));
        }
        Load { statements, facts: Vec::new() }
    }
}

fn kind_of(table: &Table, column: &str) -> ColumnType {
    table.columns.get(column).copied().unwrap_or(ColumnType::Text)
}

fn time_of(value: &Value<'_>) -> i64 {
    match value {
        Value::Time(at, _) => at.as_microsecond(),
        _ => i64::MIN,
    }
}

/// Turns rows into columns.
fn columns_of(table: &Table, rows: Vec<State>) -> BTreeMap<usize, Array> {
    let kinds: Vec<ColumnType> = table.columns.values().copied().collect();
    let mut columns: BTreeMap<usize, Array> = BTreeMap::new();
    for (at, row) in rows.into_iter().enumerate() {
        for (index, value) in row.cells {
            let kind = kinds.get(index).copied().unwrap_or(ColumnType::Text);
            let array = columns.entry(index).or_insert_with(|| Array::new(kind));
            array.fill(at);
            array.push_written(&value);
        }
    }
    columns
}

fn statement(
    schema: &str,
    (name, table, write): (String, &Table, Write),
    rows: usize,
    columns: BTreeMap<usize, Array>,
) -> Statement {
    let mut columns = columns;
    let named = table.columns.keys().enumerate().filter_map(|(index, column)| {
        let mut array = columns.remove(&index)?;
        array.fill(rows);
        Some((column.clone(), array))
    });
    let columns: Vec<(String, Array)> = named.collect();
    let typed: Vec<(&str, ColumnType)> =
        columns.iter().map(|(column, array)| (column.as_str(), array.kind())).collect();
    let sql = ddl::write_rows(schema, &name, &typed, write);
    Statement { table: name, rows, columns, sql, tells: false }
}
