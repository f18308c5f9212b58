//! What one read collects: events rebuilt from records, within its limits.
//!
//! Separate so that "at least one record", "stop before a damaged one" and "pass over an erased one" are decided once.

use std::path::Path;
use std::sync::Arc;

use super::codec;
use crate::journal::{JournalError, Position, ReadLimit, Record};
use crate::spec::Event;

/// Records read so far.
#[derive(Debug)]
pub(super) struct Batch {
    /// In the order of their positions.
    pub(super) records: Vec<Record>,
    /// Nothing more is to be added.
    pub(super) full: bool,
    bytes: usize,
    limit: ReadLimit,
    source: Option<Arc<str>>,
}

impl Batch {
    /// Starts empty.
    pub(super) fn new(limit: ReadLimit) -> Self {
        Batch { records: Vec::new(), full: false, bytes: 0, limit, source: None }
    }

    /// Returns how many bytes to ask of the disk at once.
    pub(super) fn chunk(&self) -> usize {
        let guess = self.limit.records.saturating_mul(1 << 10).min(self.limit.bytes);
        guess.clamp(16 << 10, 1 << 20)
    }

    /// Returns whether a record of `len` bytes may be added; the first one always may.
    pub(super) fn fits(&mut self, len: usize) -> bool {
        let over = self.records.len() >= self.limit.records || self.bytes + len > self.limit.bytes;
        self.full = over && !self.records.is_empty();
        !self.full
    }

    /// Adds a record, or nothing for an erased one; `None` when it is damaged.
    pub(super) fn add(&mut self, position: u64, record: &[u8]) -> Option<()> {
        codec::check(record, position)?;
        let Some((receipt, raw)) = codec::decode(record, &mut self.source).ok()? else { return Some(()) };
        self.bytes += raw.len();
        let event = Event::restore_proven(raw, receipt).ok()?;
        self.records.push(Record { position: Position(position), event: Arc::new(event) });
        Some(())
    }

    /// Ends before a damaged record; an error when there is nothing before it.
    pub(super) fn damaged(&mut self, position: u64, path: &Path) -> Result<(), JournalError> {
        self.full = true;
        if self.records.is_empty() {
            return Err(JournalError::Damaged(format!("record {position} of `{}`", path.display())));
        }
        Ok(())
    }
}
