//! Walking over the records of a log file in large reads.
//!
//! Separate because recovery, reads, time search and erasure walk the same way. Never decides what a bad record means.

use std::fs::File;
use std::path::Path;

use super::codec::{self, HEADER, Summary};
use super::files;
use super::table::Table;
use crate::journal::JournalError;

/// A position in a log file with a window of bytes around it.
#[derive(Debug)]
pub(super) struct Scanner<'a> {
    file: &'a File,
    path: &'a Path,
    /// Where the next record begins.
    pub(super) offset: u64,
    end: u64,
    window: Vec<u8>,
    window_at: u64,
    chunk: usize,
}

impl<'a> Scanner<'a> {
    /// Starts at `offset`; bytes from `end` on do not exist. Reads `chunk` bytes at a time.
    pub(super) fn new(file: &'a File, path: &'a Path, range: std::ops::Range<u64>, chunk: usize) -> Self {
        let (offset, end) = (range.start, range.end);
        Scanner { file, path, offset, end, window: Vec::new(), window_at: offset, chunk }
    }

    /// Returns the bytes that claim to be the next record, unchecked; `None` when nothing there can be one.
    pub(super) fn claim(&mut self) -> Result<Option<&[u8]>, JournalError> {
        self.claim_at(self.offset)
    }

    /// Goes behind the next record, whether it is sound or not.
    pub(super) fn pass(&mut self, len: usize) {
        self.offset += len as u64;
    }

    /// Returns length and summary of the next record when it is sound; `(length, None)` when it is damaged but the one
    /// behind it is sound; `None` at the end of what can be read.
    pub(super) fn next(&mut self, position: u64) -> Result<Option<(usize, Option<Summary>)>, JournalError> {
        let Some(record) = self.claim()? else { return Ok(None) };
        let len = record.len();
        if let Some(summary) = codec::check(record, position) {
            return Ok(Some((len, Some(summary))));
        }
        if let Some(version) = codec::newer(record, position) {
            return Err(JournalError::Io {
                context: format!("read record {position} of `{}`", self.path.display()),
                source: std::io::Error::other(format!("it is of version {version}: a newer router wrote it")),
            });
        }
        let behind = self.claim_at(self.offset + len as u64)?;
        let sound = behind.and_then(|record| codec::check(record, position + 1)).is_some();
        Ok(sound.then_some((len, None)))
    }

    fn claim_at(&mut self, at: u64) -> Result<Option<&[u8]>, JournalError> {
        if self.end.saturating_sub(at) < HEADER as u64 {
            return Ok(None);
        }
        let claimed = codec::claimed_len(self.bytes(at, HEADER)?);
        match claimed.filter(|len| *len as u64 <= self.end - at) {
            Some(len) => self.bytes(at, len).map(|record| (record.len() == len).then_some(record)),
            None => Ok(None),
        }
    }

    /// Returns `len` bytes at `at`, fewer when the file is shorter.
    fn bytes(&mut self, at: u64, len: usize) -> Result<&[u8], JournalError> {
        let held = at >= self.window_at && at + len as u64 <= self.window_at + self.window.len() as u64;
        if !held {
            let want = (len.max(self.chunk) as u64).min(self.end.saturating_sub(at)) as usize;
            self.window.resize(want, 0);
            let read = files::read_at(self.file, &mut self.window, at);
            let read = read.map_err(files::failed("read", self.path))?;
            self.window.truncate(read);
            self.window_at = at;
        }
        let start = (at - self.window_at) as usize;
        let stop = (start + len).min(self.window.len());
        Ok(self.window.get(start..stop).unwrap_or_default())
    }
}

/// Builds the table of a log file from its records, up to `limit` of them.
pub(super) fn build(file: &File, path: &Path, first: u64, limit: u64) -> Result<Table, JournalError> {
    let end = file.metadata().map_err(files::failed("inspect", path))?.len();
    let mut scanner = Scanner::new(file, path, 0..end, 1 << 20);
    let mut table = Table::default();
    while table.count < limit {
        let Some((len, summary)) = scanner.next(first + table.count)? else { break };
        if summary.is_none() {
            tracing::error!(position = first + table.count, "a record of the journal is damaged");
        }
        table.push(len, summary);
        scanner.pass(len);
    }
    Ok(table)
}

/// Returns whether a log file has anything but zeros from `offset` on.
pub(super) fn has_tail(file: &File, path: &Path, offset: u64) -> Result<bool, JournalError> {
    let mut buffer = vec![0; 1 << 20];
    let mut at = offset;
    loop {
        let read = files::read_at(file, &mut buffer, at).map_err(files::failed("read", path))?;
        let bytes = buffer.get(..read).unwrap_or_default();
        if read == 0 || bytes.iter().any(|byte| *byte != 0) {
            return Ok(read != 0);
        }
        at += read as u64;
    }
}
