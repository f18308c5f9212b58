//! How far each destination has got, one small file each.
//!
//! Separate from the log because it changes with deliveries, not with appends. Each commit replaces the file in one step,
//! which survives a kill; at most once a second a synced copy is kept beside it, which survives a power cut. Never decides
//! what is settled.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::files::{self, failed};
use crate::journal::{Cursor, JournalError, Position};

const SYNC_EVERY: Duration = Duration::from_secs(1);
const NEWEST: &str = "cursor";
const SYNCED: &str = "synced";
/// What the file name of a replay's cursor has and no destination's: `~`, escaped.
const REPLAY: &str = "%7E";

/// The cursor files.
#[derive(Debug)]
pub(super) struct Cursors {
    dir: PathBuf,
    states: Mutex<HashMap<String, Arc<Mutex<State>>>>,
}

/// One destination's file.
#[derive(Debug, Default)]
struct State {
    synced: Option<Instant>,
    /// What is written and not yet synced.
    unsynced: Option<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    mark: u64,
    /// Settled ranges as earlier releases wrote them; empty where `runs` says it. An earlier release that reads a newer file
    /// sends again what is above the mark.
    settled: Vec<Range<u64>>,
    /// For each settled range its distance from the end of the one before, or from the mark, and its length: a fifth of the
    /// bytes, since there may be 100,000 and every commit writes them.
    #[serde(default)]
    runs: Vec<(u64, u64)>,
    counts: BTreeMap<String, u64>,
}

impl Cursors {
    /// Uses `dir`, which exists.
    pub(super) fn new(dir: PathBuf) -> Self {
        Cursors { dir, states: Mutex::default() }
    }

    /// Returns a destination's cursor: the newest sound one. When there are files and none is sound it begins at `oldest`:
    /// sending again what was delivered is allowed, skipping what was not is never.
    pub(super) fn load(&self, destination: &str, oldest: Position) -> Result<Option<Cursor>, JournalError> {
        self.load_file(&escaped(destination), oldest)
    }

    /// Stores a destination's cursor.
    pub(super) fn store(&self, destination: &str, cursor: &Cursor) -> Result<(), JournalError> {
        let name = escaped(destination);
        let bytes = to_bytes(cursor)?;
        let state = {
            let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(states.entry(name.clone()).or_default())
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        files::replace(&self.path(&name, NEWEST), &bytes, false)?;
        if state.synced.is_some_and(|at| at.elapsed() < SYNC_EVERY) {
            state.unsynced = Some(bytes);
            return Ok(());
        }
        files::replace(&self.path(&name, SYNCED), &bytes, true)?;
        *state = State { synced: Some(Instant::now()), unsynced: None };
        Ok(())
    }

    /// Removes a cursor that nobody will go on from.
    pub(super) fn remove(&self, destination: &str) -> Result<(), JournalError> {
        let name = escaped(destination);
        self.states.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        files::remove(&self.path(&name, SYNCED))?;
        files::remove(&self.path(&name, NEWEST))
    }

    /// Syncs what is not yet synced.
    pub(super) fn close(&self) -> Result<(), JournalError> {
        let states = self.states.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for (name, state) in states {
            let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(bytes) = state.unsynced.take() {
                files::replace(&self.path(&name, SYNCED), &bytes, true)?;
            }
        }
        files::sync_dir(&self.dir)
    }

    /// Returns the position behind everything that any destination has settled. Those of a replay may be of a passage of a topic,
    /// and nothing else is behind what its destination had settled.
    pub(super) fn highest(&self) -> Result<u64, JournalError> {
        let mut highest = 0;
        for file in files::names(&self.dir)? {
            let Some((name, _)) = file.rsplit_once('.').filter(|(name, _)| !name.contains(REPLAY)) else {
                continue;
            };
            if let Some(cursor) = self.load_file(name, Position(0))? {
                let settled = cursor.settled.last().map_or(0, |range| range.end);
                highest = highest.max(cursor.mark.0).max(settled);
            }
        }
        Ok(highest)
    }

    fn load_file(&self, name: &str, oldest: Position) -> Result<Option<Cursor>, JournalError> {
        let mut damaged = Vec::new();
        for ending in [NEWEST, SYNCED] {
            let Some(bytes) = read_if_any(&self.path(name, ending))? else { continue };
            if let Some(cursor) = from_bytes(&bytes) {
                warn_about(&damaged, true);
                return Ok(Some(cursor));
            }
            damaged.push(self.path(name, ending));
        }
        warn_about(&damaged, false);
        Ok((!damaged.is_empty()).then(|| Cursor { mark: oldest, ..Cursor::default() }))
    }

    fn path(&self, name: &str, ending: &str) -> PathBuf {
        self.dir.join(format!("{name}.{ending}"))
    }
}

fn read_if_any(path: &Path) -> Result<Option<Vec<u8>>, JournalError> {
    match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some).map_err(failed("read", path)),
    }
}

fn warn_about(damaged: &[PathBuf], has_fallback: bool) {
    if !damaged.is_empty() {
        tracing::warn!(files = ?damaged, has_fallback, "cursor files are damaged; without a fallback the destination begins at the oldest event");
    }
}

/// A checksum in hexadecimal, a line feed, JSON.
fn to_bytes(cursor: &Cursor) -> Result<Vec<u8>, JournalError> {
    let mark = cursor.mark.0;
    let (settled, runs) = match to_runs(mark, &cursor.settled) {
        Some(runs) => (Vec::new(), runs),
        None => (cursor.settled.clone(), Vec::new()),
    };
    let stored = Stored { mark, settled, runs, counts: cursor.counts.clone() };
    let json = serde_json::to_vec(&stored).map_err(|error| JournalError::Io {
        context: "could not write a cursor as JSON".to_owned(),
        source: error.into(),
    })?;
    let mut bytes = format!("{:08x}\n", crc32fast::hash(&json)).into_bytes();
    bytes.extend_from_slice(&json);
    Ok(bytes)
}

fn from_bytes(bytes: &[u8]) -> Option<Cursor> {
    let (crc, json) = bytes.split_at_checked(9)?;
    let crc = u32::from_str_radix(std::str::from_utf8(crc.get(..8)?).ok()?, 16).ok()?;
    if crc != crc32fast::hash(json) {
        return None;
    }
    let stored: Stored = serde_json::from_slice(json).ok()?;
    let mut settled = stored.settled;
    settled.extend(from_runs(stored.mark, &stored.runs)?);
    Some(Cursor { mark: Position(stored.mark), settled, counts: stored.counts })
}

/// Returns ranges as distances and lengths; `None` when they are not in order above the mark.
fn to_runs(mark: u64, ranges: &[Range<u64>]) -> Option<Vec<(u64, u64)>> {
    let mut at = mark;
    let run = |range: &Range<u64>| {
        let run = (range.start.checked_sub(at)?, range.end.checked_sub(range.start)?);
        at = range.end;
        Some(run)
    };
    ranges.iter().map(run).collect()
}

fn from_runs(mark: u64, runs: &[(u64, u64)]) -> Option<Vec<Range<u64>>> {
    let mut at = mark;
    let range = |(distance, length): &(u64, u64)| {
        let start = at.checked_add(*distance)?;
        at = start.checked_add(*length)?;
        Some(start..at)
    };
    runs.iter().map(range).collect()
}

/// Returns a file name for a destination's name: everything but letters, digits, `-` and `_` as `%XX`.
pub(super) fn escaped(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cursor(mark: u64) -> Cursor {
        let counts = BTreeMap::from([("delivered".to_owned(), mark)]);
        Cursor { mark: Position(mark), settled: vec![mark + 2..mark + 5, mark + 7..mark + 9], counts }
    }

    #[test]
    fn a_replay_says_nothing_of_where_the_log_ends() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = Cursors::new(dir.path().to_owned());
        cursors.store("crm", &cursor(5)).unwrap();
        cursors.store("crm~replay", &cursor(7_000)).unwrap();
        assert_eq!(cursors.highest().unwrap(), 14);
    }

    #[test]
    fn ranges_are_stored_by_distance_and_those_of_an_earlier_release_are_read() {
        let text = String::from_utf8(to_bytes(&cursor(7)).unwrap()).unwrap();
        insta::assert_snapshot!(text.split_once('\n').unwrap().1, @r#"{"mark":7,"settled":[],"runs":[[2,3],[2,2]],"counts":{"delivered":7}}"#);
        let json =
            r#"{"mark":7,"settled":[{"start":9,"end":12},{"start":14,"end":16}],"counts":{"delivered":7}}"#;
        let earlier = format!("{:08x}\n{json}", crc32fast::hash(json.as_bytes()));
        assert_eq!(from_bytes(earlier.as_bytes()), Some(cursor(7)));
        let disorderly = Cursor { settled: vec![20..21, 9..12, 1..2], ..cursor(7) };
        assert_eq!(from_bytes(&to_bytes(&disorderly).unwrap()), Some(disorderly));
    }

    #[test]
    fn a_hundred_thousand_ranges_take_less_than_a_megabyte() {
        let settled = (0..100_000).map(|n| 50_000_001 + n * 2..50_000_002 + n * 2).collect();
        let cursor = Cursor { mark: Position(50_000_000), settled, counts: BTreeMap::new() };
        let bytes = to_bytes(&cursor).unwrap();
        assert!(bytes.len() < 1_000_000, "{}", bytes.len());
        assert_eq!(from_bytes(&bytes), Some(cursor));
    }

    #[test]
    fn a_cursor_survives_under_any_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["plain", "../up", "a.b c%", "ü"] {
            let cursors = Cursors::new(dir.path().to_owned());
            assert_eq!(cursors.load(name, Position(0)).unwrap(), None);
            cursors.store(name, &cursor(7)).unwrap();
            cursors.store(name, &cursor(8)).unwrap();
            let again = Cursors::new(dir.path().to_owned());
            assert_eq!(again.load(name, Position(0)).unwrap(), Some(cursor(8)));
        }
        assert_eq!(Cursors::new(dir.path().to_owned()).highest().unwrap(), 17);
    }

    #[test]
    fn a_damaged_cursor_falls_back_to_the_synced_one_and_then_to_the_oldest_event() {
        let dir = tempfile::tempdir().unwrap();
        let cursors = Cursors::new(dir.path().to_owned());
        cursors.store("a", &cursor(1)).unwrap();
        cursors.store("a", &cursor(2)).unwrap();
        fs::write(dir.path().join("a.cursor"), b"").unwrap();
        assert_eq!(cursors.load("a", Position(0)).unwrap(), Some(cursor(1)));
        cursors.close().unwrap();
        assert_eq!(cursors.load("a", Position(0)).unwrap(), Some(cursor(2)));
        fs::write(dir.path().join("a.synced"), b"12345678\n{}").unwrap();
        let begins_anew = Cursor { mark: Position(7), ..Cursor::default() };
        assert_eq!(cursors.load("a", Position(7)).unwrap(), Some(begins_anew));
    }
}
