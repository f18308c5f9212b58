//! Rows gathered by table and lane, and cut into requests. Pure.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;

use super::super::super::Planned;
use super::super::propagation::{Lane, Loads};
use super::super::request::{Mark, Request, Row, Rows};
use super::super::row::{Keys, Text, insert_id, job};
use crate::warehouse::Table;

/// Most rows of a request, as Google advises: <https://cloud.google.com/bigquery/quotas#streaming_inserts>.
const MAX_ROWS: usize = 500;

/// Most bytes of a request that is streamed; a larger row goes alone. Half of Google's limit, which is of a form that we
/// do not see.
const MAX_BYTES: usize = 5_000_000;

/// Most bytes of a load job.
const MAX_LOAD_BYTES: usize = 32_000_000;

/// How often a table is loaded when rows are loaded only: 720 of 1,500 changes a day.
const LOAD_EVERY: Duration = Duration::from_secs(120);

/// Rows or bytes that make a load job worth while before its time.
const FULL_LOAD: (usize, usize) = (1_000, 2_000_000);

/// Load jobs a day and table that are made before their time; the rest is for those in time.
const EARLY_LOADS: u32 = 600;

/// All rows of a plan, by table.
#[derive(Debug, Default)]
pub(super) struct Piles(pub(super) BTreeMap<String, TableRows>);

/// The rows of one table.
#[derive(Debug)]
pub(super) struct TableRows {
    names: Vec<String>,
    keys: Keys,
    hot: Pile,
    probation: Pile,
    load: Pile,
}

/// Rows that go together.
#[derive(Debug, Default)]
pub(super) struct Pile {
    /// Their texts.
    pub(super) text: Text,
    /// In any order.
    pub(super) pieces: Vec<Piece>,
}

/// One row.
#[derive(Debug)]
pub(super) struct Piece {
    /// Which event of the plan.
    pub(super) index: usize,
    /// What the event is known by.
    pub(super) mark: u128,
    /// Its part of the text.
    pub(super) text: Range<usize>,
    /// Young columns that it uses.
    pub(super) young: Vec<String>,
    /// Whether some of it is in `_unmapped`.
    pub(super) has_unmapped: bool,
}

/// A pile whose rows are in the order of their events, with how many rows each event has.
pub(super) struct Sorted {
    bytes: Vec<u8>,
    pieces: Vec<(Piece, usize)>,
}

impl Piles {
    /// Returns the rows of a table.
    pub(super) fn table(&mut self, name: &str, table: &Table) -> &mut TableRows {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), TableRows::new(table));
        }
        self.0.entry(name.to_owned()).or_insert_with(|| TableRows::new(table))
    }
}

impl TableRows {
    fn new(table: &Table) -> TableRows {
        TableRows {
            names: table.columns.keys().cloned().collect(),
            keys: Keys::of(table),
            hot: Pile::default(),
            probation: Pile::default(),
            load: Pile::default(),
        }
    }

    /// Returns the name of a column by its place.
    pub(super) fn name(&self, index: usize) -> Option<&String> {
        self.names.get(index)
    }

    /// Returns the keys of the table and the pile of a lane.
    pub(super) fn pile(&mut self, lane: Lane) -> (&Keys, &mut Pile) {
        let pile = match lane {
            Lane::Hot => &mut self.hot,
            Lane::Probation => &mut self.probation,
            Lane::Cold | Lane::Wait(_) => &mut self.load,
        };
        (&self.keys, pile)
    }

    /// Returns what is streamed, and what is loaded; `rows_of` says how many rows an event has.
    pub(super) fn into_lanes(self, rows_of: impl Fn(usize) -> usize) -> ([Sorted; 2], Option<Sorted>) {
        let sorted = |pile: Pile| {
            let mut pieces: Vec<(Piece, usize)> = pile
                .pieces
                .into_iter()
                .map(|piece| (rows_of(piece.index), piece))
                .map(|(of, it)| (it, of))
                .collect();
            pieces.sort_by_key(|(piece, _)| piece.index);
            Sorted { bytes: pile.text.bytes, pieces }
        };
        let load = Some(self.load).filter(|load| !load.pieces.is_empty());
        ([sorted(self.hot), sorted(self.probation)], load.map(sorted))
    }
}

impl Sorted {
    /// Returns its events.
    pub(super) fn events(&self) -> impl Iterator<Item = usize> {
        self.pieces.iter().map(|(piece, _)| piece.index)
    }

    /// Returns what the events of its rows are known by.
    pub(super) fn marks(&self) -> impl Iterator<Item = u128> {
        self.pieces.iter().map(|(piece, _)| piece.mark)
    }

    /// Returns whether these rows are worth a load job now, where all rows are loaded: many, or some that were tried before,
    /// or when it is time.
    pub(super) fn is_due(&self, loads: &Loads, were_tried: bool, now: Timestamp) -> bool {
        let is_full = self.pieces.len() >= FULL_LOAD.0 || self.bytes.len() >= FULL_LOAD.1;
        let is_early = (is_full || were_tried) && loads.today(now) < EARLY_LOADS;
        is_early || self.until_due(loads, now).is_zero()
    }

    /// Returns how long until they are in any case.
    pub(super) fn until_due(&self, loads: &Loads, now: Timestamp) -> Duration {
        loads.until_due(now, LOAD_EVERY)
    }

    /// Cuts the rows into requests that are streamed.
    pub(super) fn into_inserts(self, table: &str, send_ids: bool) -> Vec<Planned<Request>> {
        self.cut(table, (MAX_ROWS, MAX_BYTES), &|rows| {
            if !send_ids {
                rows.rows.iter_mut().for_each(|row| row.insert_id.clear());
            }
            Request::Insert(Arc::new(std::mem::take(rows)))
        })
    }

    /// Cuts the rows into load jobs.
    pub(super) fn into_loads(self, table: &str) -> Vec<Planned<Request>> {
        self.cut(table, (usize::MAX, MAX_LOAD_BYTES), &|rows| {
            rows.job = job(rows.rows.iter().map(|row| row.insert_id.as_str()));
            Request::Load(Arc::new(std::mem::take(rows)))
        })
    }

    fn cut(
        self,
        table: &str,
        (most_rows, most_bytes): (usize, usize),
        request: &dyn Fn(&mut Rows) -> Request,
    ) -> Vec<Planned<Request>> {
        let mut requests = Vec::new();
        let (mut open, mut bytes) = (Vec::new(), 0);
        for piece in self.pieces {
            let size = piece.0.text.len() + 1;
            if !open.is_empty() && (open.len() >= most_rows || bytes + size > most_bytes) {
                requests.push(close(table, &self.bytes, std::mem::take(&mut open), request));
                bytes = 0;
            }
            bytes += size;
            open.push(piece);
        }
        if !open.is_empty() {
            requests.push(close(table, &self.bytes, open, request));
        }
        requests
    }
}

fn close(
    table: &str,
    bytes: &[u8],
    pieces: Vec<(Piece, usize)>,
    request: &dyn Fn(&mut Rows) -> Request,
) -> Planned<Request> {
    let mut rows = Rows { table: table.to_owned(), ..Rows::default() };
    let bytes_of_all = pieces.iter().map(|(piece, _)| piece.text.len() + 1).sum();
    let (mut text, mut events) = (Vec::with_capacity(bytes_of_all), Vec::with_capacity(pieces.len()));
    rows.rows.reserve_exact(pieces.len());
    rows.marks.reserve_exact(pieces.len());
    for (piece, of) in pieces {
        let start = text.len();
        text.extend_from_slice(bytes.get(piece.text).unwrap_or_default());
        let range = start..text.len();
        text.push(b'\n');
        rows.rows.push(Row { event: events.len(), text: range, insert_id: insert_id(piece.mark, table) });
        rows.marks.push(Mark { event: piece.mark, of, has_unmapped: piece.has_unmapped });
        events.push(piece.index);
        for column in piece.young {
            if let Err(place) = rows.young.binary_search(&column) {
                rows.young.insert(place, column);
            }
        }
    }
    rows.text = Bytes::from(text);
    Planned { request: request(&mut rows), events }
}
