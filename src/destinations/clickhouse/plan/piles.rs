//! The rows of one table, gathered and cut into requests. Pure.
//!
//! A request is the same for the same events, whenever it is made: the rows in the order of their events, and a token made of
//! their message ids. A block that comes again is dropped by its token, in the table and in every view that reads it.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use jiff::tz::Offset;
use sha2::{Digest, Sha256};

use super::super::super::Planned;
use super::super::ddl::{Names, quoted};
use super::super::request::{Insert, Request};
use super::super::row::{Keys, Lines, nearest};
use crate::spec::Event;
use crate::warehouse::{Fitted, Table};

/// Most bytes of a request; a larger row goes alone.
const MAX_BYTES: usize = 32_000_000;

/// Most months of a request. Each is a partition, and ClickHouse refuses a block of more than 100:
/// `max_partitions_per_insert_block`.
const MAX_MONTHS: usize = 50;

/// The rows of one table.
#[derive(Debug)]
pub(in super::super) struct Pile {
    table: Arc<Table>,
    keys: Keys,
    lines: Lines,
    rows: Vec<Row>,
}

/// One row.
#[derive(Debug)]
struct Row {
    /// Which event of the plan.
    index: usize,
    /// Which month it is in.
    month: i32,
    /// Its part of the text.
    text: Range<usize>,
}

impl Pile {
    /// Returns a pile without rows.
    pub(in super::super) fn new(table: Arc<Table>) -> Pile {
        let keys = Keys::of(&table);
        Pile { table, keys, lines: Lines::default(), rows: Vec::new() }
    }

    /// Returns whether the table has a place for what has no column.
    pub(super) fn has_unmapped(&self) -> bool {
        self.keys.has_unmapped()
    }

    /// Returns the name of a column by its place.
    pub(super) fn name(&self, index: usize) -> &str {
        self.table.columns.keys().nth(index).map_or("", String::as_str)
    }

    /// Adds the row of an event.
    pub(super) fn row(&mut self, (index, at): (usize, Timestamp), cells: &[Fitted<'_>], unmapped: &str) {
        let text = self.lines.row(&mut self.keys, cells, unmapped);
        self.rows.push(Row { index, month: month(at), text });
    }

    /// Adds the row of an event that is written by somebody else.
    pub(in super::super) fn write(
        &mut self,
        (index, at): (usize, Timestamp),
        row: impl FnOnce(&mut Lines) -> Range<usize>,
    ) {
        let text = row(&mut self.lines);
        self.rows.push(Row { index, month: month(at), text });
    }

    /// Returns the columns that a row had a value for.
    pub(super) fn used(&self) -> Vec<String> {
        self.keys.used(&self.table).into_iter().map(str::to_owned).collect()
    }

    /// Returns the pile without the rows of these events.
    pub(super) fn without(mut self, leaves: &impl Fn(usize) -> bool) -> Pile {
        self.rows.retain(|row| !leaves(row.index));
        self
    }
}

fn month(at: Timestamp) -> i32 {
    let civil = Offset::UTC.to_datetime(nearest(at));
    i32::from(civil.year()) * 12 + i32::from(civil.month())
}

/// Cuts a pile into requests that name these columns.
pub(in super::super) fn cut(
    (names, table): (&Names, &str),
    columns: &[String],
    pile: Pile,
    events: &[Arc<Event>],
) -> Vec<Planned<Request>> {
    let Pile { lines, mut rows, .. } = pile;
    rows.sort_by_key(|row| row.index);
    let columns: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let head = format!("INSERT INTO {} ({}) FORMAT JSONEachRow\n", names.table(table), columns.join(", "));
    let close = |rows: &[Row]| insert((table, &head), rows, &lines.bytes, events);
    let (mut requests, mut start, mut bytes, mut months) = (Vec::new(), 0, 0, BTreeSet::new());
    for (at, row) in rows.iter().enumerate() {
        let is_one_too_many = months.len() >= MAX_MONTHS && !months.contains(&row.month);
        if at > start && (bytes + row.text.len() > MAX_BYTES || is_one_too_many) {
            requests.extend(rows.get(start..at).map(close));
            (start, bytes) = (at, 0);
            months.clear();
        }
        bytes += row.text.len();
        months.insert(row.month);
    }
    requests.extend(rows.get(start..).filter(|rest| !rest.is_empty()).map(close));
    requests
}

fn insert((table, head): (&str, &str), rows: &[Row], lines: &[u8], events: &[Arc<Event>]) -> Planned<Request> {
    let bytes: usize = rows.iter().map(|row| row.text.len()).sum();
    let mut body = Vec::with_capacity(head.len() + bytes);
    body.extend_from_slice(head.as_bytes());
    let mut token = Sha256::new();
    token.update(table.as_bytes());
    for row in rows {
        body.extend_from_slice(lines.get(row.text.clone()).unwrap_or_default());
        token.update([0]);
        token.update(events.get(row.index).map_or("", |event| &*event.head.message_id).as_bytes());
    }
    let token = hex(&token.finalize());
    let insert = Insert {
        table: table.to_owned(),
        token,
        body: Bytes::from(body),
        head: head.len(),
        rows: rows.len(),
    };
    Planned { request: Request::Insert(Arc::new(insert)), events: rows.iter().map(|row| row.index).collect() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
