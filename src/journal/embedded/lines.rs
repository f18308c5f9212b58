//! Lines of JSON in files of limited size: dead letters and rejected events.
//!
//! Separate because neither is part of the log: they are read by people, newest first, and a torn last line is passed over.

use std::fs::File;
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;

use super::files::{self, failed};
use super::redact;
use super::walk::{self, Place, Visit, file_path};
use crate::journal::{JournalError, RejectedPage};

/// A file that has reached this size is followed by another.
const FILE_BYTES: u64 = 16 << 20;
/// Most bytes of one page of rejected events.
const PAGE_BYTES: usize = 16 << 20;
/// The first byte of a line that was taken out. One byte is written whole or not at all.
const TAKEN_OUT: u8 = b'-';

/// A set of numbered files of lines.
#[derive(Debug)]
pub(super) struct Lines {
    dir: PathBuf,
    keep_files: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Numbers of the files, ascending.
    numbers: Vec<u64>,
    file: File,
    len: u64,
    /// The last write failed half way, or the file ends without a line feed.
    torn: bool,
}

impl Lines {
    /// Opens the files in `dir`, which exists; the oldest go when there are more than `keep_files`.
    pub(super) fn open(dir: PathBuf, keep_files: usize) -> Result<Self, JournalError> {
        let mut numbers = walk::numbers(&dir)?;
        let path = file_path(&dir, numbers.last().copied().unwrap_or(0));
        let file = if numbers.is_empty() { files::create(&path)? } else { files::open(&path)? };
        if numbers.is_empty() {
            numbers.push(0);
            files::sync_dir(&dir)?;
        }
        let len = file.metadata().map_err(failed("inspect", &path))?.len();
        let mut last = [b'\n'];
        let read = files::read_at(&file, &mut last, len.saturating_sub(1));
        read.map_err(failed("read", &path))?;
        let state = State { numbers, file, len, torn: last != *b"\n" };
        Ok(Lines { dir, keep_files, state: Mutex::new(state) })
    }

    /// Appends whole lines, each with its line feed, and syncs them when `durable`. Returns where the first one begins; all
    /// are in one file.
    pub(super) fn append(&self, lines: &[u8], durable: bool) -> Result<Place, JournalError> {
        let mut state = self.state();
        if state.len >= FILE_BYTES {
            self.rotate(&mut state)?;
        }
        let path = self.current(&state);
        let start = state.len;
        let lead: &[u8] = if state.torn { b"\n" } else { b"" };
        let bytes = [lead, lines].concat();
        let written = files::write_at(&state.file, &bytes, start);
        let synced = written.and_then(|()| if durable { state.file.sync_data() } else { Ok(()) });
        if let Err(error) = synced {
            state.torn = state.file.set_len(start).is_err();
            return Err(failed("append to", &path)(error));
        }
        state.len = start + bytes.len() as u64;
        state.torn = false;
        Ok(Place { file: state.number(), offset: start + lead.len() as u64 })
    }

    /// Makes what was appended durable.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let state = self.state();
        state.file.sync_data().map_err(failed("sync", &self.current(&state)))
    }

    /// Returns how many bytes the files take.
    pub(super) fn bytes(&self) -> Result<u64, JournalError> {
        let numbers = self.numbers();
        let paths = numbers.into_iter().map(|number| file_path(&self.dir, number));
        paths.map(|path| Ok(path.metadata().map_err(failed("inspect", &path))?.len())).sum()
    }

    /// Returns the numbers of the files, ascending; the last one is written.
    pub(super) fn numbers(&self) -> Vec<u64> {
        self.state().numbers.clone()
    }

    /// Returns the directory.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns where the next line begins at the earliest.
    pub(super) fn end(&self) -> Place {
        let state = self.state();
        Place { file: state.number(), offset: state.len }
    }

    /// Returns up to `limit` lines, newest first, older than `cursor`.
    pub(super) fn page(&self, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError> {
        page(&self.dir, &self.numbers(), limit, cursor)
    }

    /// Walks over the lines of the range, oldest first; see [`walk::forth`].
    pub(super) fn forth(
        &self,
        range: Range<Place>,
        visit: &mut Visit<'_>,
    ) -> Result<Option<Place>, JournalError> {
        walk::forth(&self.dir, &self.numbers(), range, visit)
    }

    /// Takes lines of one file out, durably; returns for each of them whether it was still there.
    pub(super) fn take_out(&self, number: u64, offsets: &[u64]) -> Result<Vec<bool>, JournalError> {
        let path = file_path(&self.dir, number);
        if !self.numbers().contains(&number) {
            return Ok(vec![false; offsets.len()]);
        }
        let file = files::open(&path)?;
        let take = |offset: &u64| {
            let mut first = [0];
            files::read_at(&file, &mut first, *offset).map_err(failed("read", &path))?;
            let is_there = first == *b"{";
            if is_there {
                files::write_at(&file, &[TAKEN_OUT], *offset).map_err(failed("write", &path))?;
            }
            Ok(is_there)
        };
        let taken = offsets.iter().map(take).collect::<Result<Vec<bool>, JournalError>>()?;
        file.sync_data().map_err(failed("sync", &path))?;
        Ok(taken)
    }

    /// Overwrites what is to go of every line, durably; returns how many lines went that were still there. Appending waits only
    /// while what was appended meanwhile is looked at.
    pub(super) fn redact(&self, judge: &mut redact::Judge<'_>) -> Result<u64, JournalError> {
        let (numbers, end) = (self.numbers(), self.end());
        let mut gone = 0;
        for number in numbers.into_iter().filter(|number| *number <= end.file) {
            let until = if number == end.file { end.offset } else { u64::MAX };
            gone += redact::file(&file_path(&self.dir, number), (number, 0..until), judge)?;
        }
        let state = self.state();
        for number in state.numbers.iter().copied().filter(|number| *number >= end.file) {
            let from = if number == end.file { end.offset } else { 0 };
            gone += redact::file(&file_path(&self.dir, number), (number, from..u64::MAX), judge)?;
        }
        Ok(gone)
    }

    /// Removes a file; never the one that is written.
    pub(super) fn remove(&self, number: u64) -> Result<(), JournalError> {
        let mut state = self.state();
        if number == state.number() {
            return Ok(());
        }
        files::remove(&file_path(&self.dir, number))?;
        state.numbers.retain(|known| *known != number);
        files::sync_dir(&self.dir)
    }

    fn rotate(&self, state: &mut State) -> Result<(), JournalError> {
        let number = state.number() + 1;
        state.file.sync_data().map_err(failed("sync", &self.current(state)))?;
        state.file = files::create(&file_path(&self.dir, number))?;
        state.numbers.push(number);
        state.len = 0;
        state.torn = false;
        while state.numbers.len() > self.keep_files {
            files::remove(&file_path(&self.dir, state.numbers.remove(0)))?;
        }
        files::sync_dir(&self.dir)
    }

    fn current(&self, state: &State) -> PathBuf {
        file_path(&self.dir, state.number())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Returns the number of the file that is written.
    fn number(&self) -> u64 {
        self.numbers.last().copied().unwrap_or(0)
    }
}

/// Returns up to `limit` lines, newest first, older than `cursor`; a cursor that is none stands for the newest.
pub(super) fn page(
    dir: &Path,
    numbers: &[u64],
    limit: usize,
    cursor: Option<&str>,
) -> Result<RejectedPage, JournalError> {
    let mut page = RejectedPage::default();
    let mut bytes = 0;
    let from = cursor.and_then(|cursor| cursor.parse().ok());
    let next = walk::back(dir, numbers, from, &mut |_, line| {
        let full = page.rejected.len() >= limit || bytes + line.len() > PAGE_BYTES;
        if full && !page.rejected.is_empty() {
            return ControlFlow::Break(());
        }
        bytes += line.len();
        page.rejected.extend(parsed(line));
        ControlFlow::Continue(())
    })?;
    page.next = next.map(|next| next.to_string());
    Ok(page)
}

fn parsed(line: &[u8]) -> Option<Arc<RawValue>> {
    let text = String::from_utf8(line.to_vec()).ok()?;
    RawValue::from_string(text).ok().map(Arc::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(range: std::ops::Range<usize>, pad: usize) -> Vec<u8> {
        range
            .map(|n| format!("{{\"n\":{n},\"pad\":\"{}\"}}\n", "x".repeat(pad)))
            .collect::<String>()
            .into_bytes()
    }

    fn all(lines: &Lines, limit: usize) -> Vec<u64> {
        let (mut found, mut cursor) = (Vec::new(), None);
        loop {
            let page = lines.page(limit, cursor.as_deref()).unwrap();
            assert!(page.rejected.len() <= limit);
            for line in &page.rejected {
                let value: serde_json::Value = serde_json::from_str(line.get()).unwrap();
                found.push(value["n"].as_u64().unwrap());
            }
            cursor = page.next;
            if cursor.is_none() {
                return found;
            }
        }
    }

    #[test]
    fn pages_run_backwards_over_all_files() {
        let dir = tempfile::tempdir().unwrap();
        let store = Lines::open(dir.path().to_owned(), 3).unwrap();
        for n in 0..40 {
            store.append(&lines(n..n + 1, 900_000), false).unwrap();
        }
        assert_eq!(files::names(dir.path()).unwrap().len(), 3);
        assert_eq!(all(&store, 7), (0..40).rev().collect::<Vec<_>>());
    }

    #[test]
    fn a_torn_last_line_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = file_path(dir.path(), 0);
        std::fs::write(&path, [lines(0..2, 1), b"{\"n\":9,\"pa".to_vec()].concat()).unwrap();
        let store = Lines::open(dir.path().to_owned(), 3).unwrap();
        assert_eq!(all(&store, 1), [1, 0]);
        store.append(&lines(2..4, 1), true).unwrap();
        assert_eq!(all(&store, 1), [3, 2, 1, 0]);
        assert_eq!(all(&Lines::open(dir.path().to_owned(), 3).unwrap(), 100), [3, 2, 1, 0]);
    }
}
