//! One outbound request, not yet on the wire. Pure.

use std::sync::Arc;

use bytes::Bytes;

/// What is sent.
#[derive(Debug, Clone)]
pub enum Request {
    /// Rows of one table.
    Insert(Arc<Insert>),
    /// Asks who is there and whether we may look; carries no event.
    Probe,
}

/// Rows of one table, with the statement before them: what goes over the wire before compression.
#[derive(Debug, Default)]
pub struct Insert {
    /// The table, without its database.
    pub table: String,
    /// What the block is known by: the same rows of the same events never count twice.
    pub token: String,
    /// The statement and a row on each line after it.
    pub body: Bytes,
    /// How long the statement is, its line break included.
    pub head: usize,
    /// How many rows there are.
    pub rows: usize,
}

impl Insert {
    /// Returns the rows, one on each line.
    pub fn lines(&self) -> &[u8] {
        self.body.get(self.head..).unwrap_or_default()
    }
}
