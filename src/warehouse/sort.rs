//! The rows of a batch one by one: which can be written now, which wait for a change of their table, and which have no
//! place there.
//!
//! For stores whose tables change in seconds: what waits must not keep the rest. Where a table may not be changed, its
//! rows go as they are, and what would repair it is said.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diff::{Needs, diff};
use super::flatten::Leaf;
use super::lack::Lacking;
use super::mapper::{FittedRow, Mapper};
use super::rows::{RowDraft, Write, rows};
use super::schema::{Closed, Column, Schema, SchemaDiff};
use super::{LOADED_AT, UNMAPPED};
use crate::spec::Event;

/// What may be changed.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// Tables that may not be changed at present.
    pub closed: &'a BTreeMap<String, Closed>,
    /// Whether tables may be made.
    pub makes_tables: bool,
    /// Whether columns may be added and widened.
    pub changes_tables: bool,
    /// Whether an event is refused when a column is missing that may not be added; otherwise `_unmapped` takes its
    /// values.
    pub is_strict: bool,
}

/// What a row waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Its table.
    pub table: String,
    /// The columns that are on their way; empty while the whole table is.
    pub columns: Vec<String>,
}

/// A row that cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unfit {
    /// Its table.
    pub table: String,
    /// Why.
    pub why: Why,
}

/// Why a row cannot be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// There is no such table, and none may be made: with these columns it would do.
    NoTable(Vec<Column>),
    /// These columns are missing, and none may be added.
    NoColumns(Vec<Column>),
    /// A value does not fit its column and must not be kept aside, in words.
    Conflict(String),
}

/// Takes the rows of a batch, each on its own.
pub trait RowSink {
    /// Returns whether the row of the event at `index` in this table is already written.
    fn is_written(&self, index: usize, table: &str) -> bool {
        let _ = (index, table);
        false
    }

    /// Returns the columns of a row that get no value: their values are kept in `_unmapped`.
    fn withheld(&self, index: usize, table: &str) -> Vec<String> {
        let _ = (index, table);
        Vec::new()
    }

    /// Returns whether the name of a table is taken by something that is not ours: its events stay in the narrow table.
    fn is_taken(&self, table: &str) -> bool {
        let _ = table;
        false
    }

    /// Takes a row that can be written now.
    fn row(&mut self, index: usize, row: FittedRow<'_>);
    /// Takes word of a row that waits.
    fn wait(&mut self, index: usize, lack: Lack);
    /// Takes word of columns and tables that a bound kept from being made; their values are kept in `_unmapped`.
    fn kept_out(&mut self, columns: usize, tables: usize) {
        let _ = (columns, tables);
    }
    /// Takes word of a row that cannot be written.
    fn refuse(&mut self, index: usize, unfit: Unfit);
}

/// An event with rows that lack something.
struct Aside<'a> {
    index: usize,
    drafts: Vec<(RowDraft<'a>, Vec<Lacking>)>,
}

/// What becomes of one row.
enum Fate {
    Write,
    Wait(Vec<String>),
    /// The row before keeps its values.
    Homeless,
    Unfit(Why),
}

impl Mapper {
    /// Maps a batch row by row. Rows that update a state are left out: they are not for a store that only appends.
    /// Returns what must change so that the waiting rows can be written.
    pub fn sort(
        &mut self,
        events: &[Arc<Event>],
        schema: Arc<Schema>,
        terms: &Terms<'_>,
        sink: &mut impl RowSink,
    ) -> SchemaDiff {
        self.begin(schema);
        let (mut needs, mut aside) = (Needs::default(), Vec::new());
        for (index, event) in events.iter().enumerate() {
            let mut drafts = rows(event, &mut self.columns, self.max_depth).drafts;
            drafts.retain(|draft| draft.write == Write::Insert && !sink.is_written(index, &draft.table));
            let lacking = self.lacking(&drafts);
            if lacking.iter().all(Vec::is_empty) {
                drafts.into_iter().for_each(|draft| self.write((index, draft), Vec::new(), sink));
                continue;
            }
            self.ask(event, (&drafts, &lacking), terms, &mut needs);
            aside.push(Aside { index, drafts: drafts.into_iter().zip(lacking).collect() });
        }
        let change = if needs.is_empty() {
            SchemaDiff::default()
        } else {
            diff(&needs, self.layout.schema(), &self.guards)
        };
        aside.into_iter().for_each(|event| self.conclude(event, (&change, terms), sink));
        change
    }

    /// Collects what the rows of an event lack of tables that may be changed.
    fn ask(
        &mut self,
        event: &Event,
        (drafts, lacking): (&[RowDraft<'_>], &[Vec<Lacking>]),
        terms: &Terms<'_>,
        needs: &mut Needs,
    ) {
        let mut asked = Vec::with_capacity(drafts.len());
        for (draft, lacking) in drafts.iter().zip(lacking).filter(|(_, lacking)| !lacking.is_empty()) {
            let exists = self.layout.table(&draft.table).is_some();
            if terms.may_change(&draft.table, exists) {
                asked.push((draft.table.as_str(), lacking));
            }
        }
        if !asked.is_empty() {
            self.see(event, &asked, needs);
        }
    }

    fn conclude(
        &mut self,
        event: Aside<'_>,
        (change, terms): (&SchemaDiff, &Terms<'_>),
        sink: &mut impl RowSink,
    ) {
        let Aside { index, drafts } = event;
        let mut concluded: Vec<(RowDraft<'_>, Fate)> = Vec::with_capacity(drafts.len());
        let mut homeless = Vec::new();
        for (draft, lacking) in drafts {
            let missing = lacking.iter().filter(|it| is_of_event(it)).count();
            let may_change = terms.may_change(&draft.table, self.layout.table(&draft.table).is_some());
            let fate = match self.fate((&draft, lacking), change, terms) {
                Fate::Unfit(Why::NoTable(_)) if draft.is_event_table && sink.is_taken(&draft.table) => {
                    Fate::Homeless
                }
                fate => fate,
            };
            match fate {
                Fate::Homeless if concluded.is_empty() => {
                    let columns = self.table_of(&draft);
                    concluded.push((draft, Fate::Unfit(Why::NoTable(columns))));
                }
                Fate::Homeless => {
                    sink.kept_out(0, 1);
                    homeless = self.leaves(draft);
                }
                fate => {
                    // What is missing, may be made and does not come was kept out by a bound.
                    let is_kept_out = may_change && matches!(fate, Fate::Write);
                    sink.kept_out(missing * usize::from(is_kept_out), 0);
                    concluded.push((draft, fate));
                }
            }
        }
        for (draft, fate) in concluded {
            let table = draft.table.clone();
            match fate {
                Fate::Wait(columns) => sink.wait(index, Lack { table, columns }),
                Fate::Unfit(why) => sink.refuse(index, Unfit { table, why }),
                Fate::Write | Fate::Homeless => {
                    self.write((index, draft), std::mem::take(&mut homeless), sink)
                }
            }
        }
    }

    fn fate(
        &mut self,
        (draft, lacking): (&RowDraft<'_>, Vec<Lacking>),
        change: &SchemaDiff,
        terms: &Terms<'_>,
    ) -> Fate {
        let exists = self.layout.table(&draft.table).is_some();
        let may_change = terms.may_change(&draft.table, exists);
        if !exists {
            return match change.create.contains_key(&draft.table) {
                true => Fate::Wait(Vec::new()),
                false if may_change && draft.is_event_table => Fate::Homeless,
                false => Fate::Unfit(Why::NoTable(self.table_of(draft))),
            };
        }
        if may_change {
            let comes = |it: &Lacking| {
                let kinds = [&change.add, &change.widen];
                kinds.iter().any(|kind| kind.get(&draft.table).is_some_and(|all| has(all, &it.name)))
            };
            let coming: Vec<String> = lacking.into_iter().filter(comes).map(|it| it.name).collect();
            return if coming.is_empty() { Fate::Write } else { Fate::Wait(coming) };
        }
        let missing: Vec<Column> = lacking.iter().filter(|it| is_of_event(it)).map(column_of).collect();
        match terms.is_strict && !missing.is_empty() {
            true => Fate::Unfit(Why::NoColumns(by_name(missing))),
            false => Fate::Write,
        }
    }

    /// Fits a row and hands it on, unless something of it would be lost.
    fn write<'a>(
        &mut self,
        (index, draft): (usize, RowDraft<'a>),
        more: Vec<Leaf<'a>>,
        sink: &mut impl RowSink,
    ) {
        // Only a table without `_unmapped` can lose something, and only one that may not be changed is without.
        let has_place = self.layout.table(&draft.table).is_some_and(|view| view.named(UNMAPPED).is_some());
        let spare = (!has_place).then(|| draft.clone());
        let withheld = sink.withheld(index, &draft.table);
        match self.fit_row(draft, more, &withheld) {
            Some(Ok(row)) if row.fit.unmapped.is_empty() || has_place => sink.row(index, row),
            Some(Ok(FittedRow { name: table, .. })) => {
                let lacking = self.lacking(spare.as_slice());
                let missing = lacking.iter().flatten().filter(|it| is_of_event(it)).map(column_of);
                let unmapped =
                    Column { name: UNMAPPED.to_owned(), column_type: self.columns.dialect().unmapped };
                let why = Why::NoColumns(by_name(missing.chain([unmapped]).collect()));
                sink.refuse(index, Unfit { table, why });
            }
            Some(Err((table, words))) => sink.refuse(index, Unfit { table, why: Why::Conflict(words) }),
            None => {}
        }
    }

    /// Returns the columns of a table that is made for one row.
    fn table_of(&self, draft: &RowDraft<'_>) -> Vec<Column> {
        let lacking = super::lack::lacking(draft, None, &self.columns);
        by_name(lacking.iter().map(column_of).collect())
    }
}

impl Terms<'_> {
    /// Returns whether a table may be made or changed.
    fn may_change(&self, table: &str, exists: bool) -> bool {
        let may = if exists { self.changes_tables } else { self.makes_tables };
        may && !self.closed.contains_key(table)
    }
}

fn has(columns: &[Column], name: &str) -> bool {
    columns.iter().any(|column| column.name == name)
}

/// A missing column that holds a value of the event.
fn is_of_event(lacking: &Lacking) -> bool {
    !lacking.is_there && lacking.name != UNMAPPED && lacking.name != LOADED_AT
}

fn column_of(lacking: &Lacking) -> Column {
    Column { name: lacking.name.clone(), column_type: lacking.types.decide() }
}

fn by_name(mut columns: Vec<Column>) -> Vec<Column> {
    columns.sort_by(|one, other| one.name.cmp(&other.name));
    columns.dedup_by(|one, other| one.name == other.name);
    columns
}
