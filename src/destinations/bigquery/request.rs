//! What goes to BigQuery: rows for one table, by one of two ways.
//!
//! Made by `plan`, sent by the client, and asked again by `judge`, which needs to know which row is of which event. Bodies
//! are JSON as Google reads it, not yet compressed.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;

/// One request.
#[derive(Debug, Clone)]
pub enum Request {
    /// `tabledata.insertAll`: rows that can be queried at once.
    Insert(Arc<Rows>),
    /// A load job of newline-delimited JSON: free, and never misled by what a table looked like a minute ago.
    Load(Arc<Rows>),
    /// Reads the dataset: tries address, credentials and rights, and sends no event.
    Probe,
}

/// Rows for one table.
#[derive(Debug, Default)]
pub struct Rows {
    /// The table's name.
    pub table: String,
    /// The rows, in the order in which they are sent.
    pub rows: Vec<Row>,
    /// One JSON object for each row, each followed by a newline.
    pub text: Bytes,
    /// Names the load job, so that the same rows never become two: a hash of the insert ids in order. Empty for rows that are
    /// streamed.
    pub job: String,
    /// Columns that are younger than the time it takes them to settle, and are used by some row.
    pub young: Vec<String>,
    /// One for each row, in the same order: how `plan` knows it again. Nothing of it goes over the wire.
    pub marks: Vec<Mark>,
}

/// How a row is known again when its event is planned once more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// Of the event: a hash of source and message id.
    pub event: u128,
    /// How many rows the event has, in all tables.
    pub of: usize,
    /// Whether some value of the row is kept in `_unmapped`.
    pub has_unmapped: bool,
}

/// One row.
#[derive(Debug, Clone)]
pub struct Row {
    /// Place of its event among those of the request.
    pub event: usize,
    /// Its part of [`Rows::text`], without the newline.
    pub text: Range<usize>,
    /// Tells a repeated row: a hash of source, message id and table, at most 128 characters.
    /// Empty: none is sent.
    pub insert_id: String,
}
