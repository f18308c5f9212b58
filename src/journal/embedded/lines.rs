//! Lines of JSON in files of limited size: dead letters and rejected events.
//!
//! Separate because neither is part of the log: they are read by people, newest first, and a torn last line is passed over.

use std::fs::File;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::value::RawValue;

use super::files::{self, failed};
use crate::journal::{JournalError, RejectedPage};

/// A file that has reached this size is followed by another.
const FILE_BYTES: u64 = 16 << 20;
/// First read of a page, doubled until the page is full.
const FIRST_READ: u64 = 256 << 10;

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
        let number = |name: &String| name.strip_suffix(".ndjson").and_then(|stem| stem.parse().ok());
        let mut numbers: Vec<u64> = files::names(&dir)?.iter().filter_map(number).collect();
        numbers.sort_unstable();
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

    /// Appends whole lines, each with its line feed, and syncs them when `durable`.
    pub(super) fn append(&self, lines: &[u8], durable: bool) -> Result<(), JournalError> {
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
        Ok(())
    }

    /// Makes what was appended durable.
    pub(super) fn sync(&self) -> Result<(), JournalError> {
        let state = self.state();
        state.file.sync_data().map_err(failed("sync", &self.current(&state)))
    }

    /// Returns how many bytes the files take.
    pub(super) fn bytes(&self) -> Result<u64, JournalError> {
        let numbers = self.state().numbers.clone();
        let paths = numbers.into_iter().map(|number| file_path(&self.dir, number));
        paths.map(|path| Ok(path.metadata().map_err(failed("inspect", &path))?.len())).sum()
    }

    /// Returns up to `limit` lines, newest first, older than `cursor`.
    pub(super) fn page(&self, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError> {
        let numbers = self.state().numbers.clone();
        let from = cursor.and_then(parse_cursor).unwrap_or((u64::MAX, u64::MAX));
        let mut page = RejectedPage::default();
        for number in numbers.into_iter().rev().filter(|number| *number <= from.0) {
            let end = if number == from.0 { from.1 } else { u64::MAX };
            if let Some(next) = self.page_of(number, end, limit, &mut page)? {
                page.next = Some(next);
                break;
            }
        }
        Ok(page)
    }

    /// Adds lines of one file that end at or before `end`; returns where to go on when the page is full.
    fn page_of(
        &self,
        number: u64,
        end: u64,
        limit: usize,
        page: &mut RejectedPage,
    ) -> Result<Option<String>, JournalError> {
        let path = file_path(&self.dir, number);
        let Ok(file) = File::open(&path) else { return Ok(None) };
        let mut end = file.metadata().map_err(failed("inspect", &path))?.len().min(end);
        let mut window = FIRST_READ;
        while end > 0 {
            let start = end.saturating_sub(window);
            let mut bytes = vec![0; (end - start) as usize];
            files::read_at(&file, &mut bytes, start).map_err(failed("read", &path))?;
            let before = end;
            let lines = whole_lines(&bytes, start == 0);
            let room = limit.saturating_sub(page.rejected.len());
            for line in lines.iter().take(room) {
                end = start + line.start as u64;
                page.rejected.extend(bytes.get(line.clone()).and_then(parsed));
            }
            if lines.len() > room {
                return Ok(Some(format!("{number}-{end}")));
            }
            // Not even one line: it is longer than the window.
            window = if end == before { window * 2 } else { FIRST_READ };
        }
        Ok(None)
    }

    fn rotate(&self, state: &mut State) -> Result<(), JournalError> {
        let number = state.numbers.last().map_or(0, |last| last + 1);
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
        file_path(&self.dir, state.numbers.last().copied().unwrap_or(0))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.ndjson"))
}

fn parse_cursor(cursor: &str) -> Option<(u64, u64)> {
    let (number, end) = cursor.split_once('-')?;
    Some((number.parse().ok()?, end.parse().ok()?))
}

/// Returns where the lines in `bytes` are, newest first; the oldest counts only when it is known to begin there.
fn whole_lines(bytes: &[u8], from_start: bool) -> Vec<Range<usize>> {
    let mut stop = bytes.strip_suffix(b"\n").unwrap_or(bytes).len();
    let mut lines = Vec::new();
    while let Some(feed) = bytes.get(..stop).and_then(|text| memchr::memrchr(b'\n', text)) {
        lines.push(feed + 1..stop);
        stop = feed;
    }
    if from_start {
        lines.push(0..stop);
    }
    lines
}

fn parsed(line: &[u8]) -> Option<Arc<RawValue>> {
    let text = String::from_utf8(line.to_vec()).ok().filter(|text| text.starts_with('{'))?;
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
