//! The log of schema changes: the last thousand in memory, and lines of JSON on disk that survive a restart.
//!
//! It is history, not data: nothing depends on it, so a line that a kill has torn is passed over, and nothing is synced.
//! Every function blocks.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Most changes that are kept in memory.
const MOST_KEPT: usize = 1_000;
/// Most columns whose beginning is kept in memory.
const MOST_BEGINNINGS: usize = 20_000;
/// A file that would become larger is put aside, in place of the one that was put aside before.
const MOST_BYTES: u64 = 1 << 20;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Change {
    pub(super) at: Timestamp,
    pub(super) table: String,
    /// As `messages::ShownChange` says it.
    pub(super) change: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) column: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) reason: Option<String>,
    /// The columns of a table that was made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) columns: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct ChangeLog {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The files were read.
    loaded: bool,
    /// The end of the file is that of a line.
    whole: bool,
    kept: VecDeque<Change>,
    since: Beginnings,
}

/// When columns were made, by table.
#[derive(Debug, Clone, Default)]
pub(super) struct Beginnings {
    tables: BTreeMap<String, BTreeMap<String, Timestamp>>,
    columns: usize,
}

impl Beginnings {
    pub(super) fn of(&self, table: &str, column: &str) -> Option<Timestamp> {
        self.tables.get(table)?.get(column).copied()
    }

    fn see(&mut self, change: &Change) {
        let begins = matches!(change.change.as_str(), "create_table" | "add_column");
        for column in change.columns.iter().chain(&change.column).filter(|_| begins) {
            let table = self.tables.entry(change.table.clone()).or_default();
            if table.contains_key(column) || self.columns < MOST_BEGINNINGS {
                self.columns += usize::from(table.insert(column.clone(), change.at).is_none());
            }
        }
    }
}

impl ChangeLog {
    /// Returns the log that is kept in this file. Reads nothing yet.
    pub(super) fn new(path: PathBuf) -> Self {
        ChangeLog { path, state: Mutex::default() }
    }

    /// Adds changes, in memory also when the disk fails.
    pub(super) fn record(&self, changes: Vec<Change>) -> io::Result<()> {
        let mut state = self.loaded();
        let mut text = String::new();
        for change in changes {
            text.push_str(&serde_json::to_string(&change)?);
            text.push('\n');
            state.see(change);
        }
        self.append(&mut state, &text)
    }

    /// Returns what is kept, oldest first, and when columns were made.
    pub(super) fn read(&self) -> (Vec<Change>, Beginnings) {
        let state = self.loaded();
        (state.kept.iter().cloned().collect(), state.since.clone())
    }

    fn loaded(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.loaded {
            state.loaded = true;
            for path in [self.aside(), self.path.clone()] {
                lines(&path).into_iter().for_each(|change| state.see(change));
            }
        }
        state
    }

    fn aside(&self) -> PathBuf {
        self.path.with_extension("log.1")
    }

    fn append(&self, state: &mut State, text: &str) -> io::Result<()> {
        let mut file = open(&self.path)?;
        let bytes = file.metadata()?.len();
        if bytes > 0 && bytes.saturating_add(text.len() as u64) > MOST_BYTES {
            std::fs::rename(&self.path, self.aside())?;
            (file, state.whole) = (open(&self.path)?, true);
        }
        let torn = !state.whole && !ends_a_line(&mut file)?;
        state.whole = false;
        if torn {
            file.write_all(b"\n")?;
        }
        file.write_all(text.as_bytes())?;
        state.whole = true;
        Ok(())
    }
}

impl State {
    fn see(&mut self, change: Change) {
        self.since.see(&change);
        if self.kept.len() >= MOST_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(change);
    }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)
}

fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

/// Returns the lines of a file that are whole; none when it cannot be read.
fn lines(path: &Path) -> Vec<Change> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(2 * MOST_BYTES).read_to_end(&mut bytes));
    if read.is_err() {
        return Vec::new();
    }
    bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(column: &str) -> Change {
        Change {
            at: Timestamp::from_second(1_700_000_000).unwrap(),
            table: "viewed".to_owned(),
            change: "add_column".to_owned(),
            column: Some(column.to_owned()),
            from: None,
            to: Some("int".to_owned()),
            reason: None,
            columns: Vec::new(),
        }
    }

    fn columns(log: &ChangeLog) -> Vec<String> {
        log.read().0.into_iter().filter_map(|change| change.column).collect()
    }

    #[test]
    fn changes_survive_a_restart_and_a_torn_line_does_no_harm() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("schema/w.log");
        let log = ChangeLog::new(path.clone());
        log.record(vec![change("a"), change("b")]).unwrap();
        let mut text = std::fs::read(&path).unwrap();
        text.truncate(text.len() - 9);
        std::fs::write(&path, text).unwrap();
        let log = ChangeLog::new(path.clone());
        assert_eq!(columns(&log), ["a"]);
        log.record(vec![change("c")]).unwrap();
        assert_eq!(columns(&log), ["a", "c"]);
        assert_eq!(columns(&ChangeLog::new(path)), ["a", "c"]);
    }

    #[test]
    fn memory_and_disk_are_bounded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.log");
        let log = ChangeLog::new(path.clone());
        let long = "x".repeat(1000);
        for round in 0..30 {
            log.record((0..100).map(|n| change(&format!("{long}{round}_{n}"))).collect()).unwrap();
        }
        assert_eq!(log.read().0.len(), MOST_KEPT);
        let sizes = [path.clone(), path.with_extension("log.1")].map(|path| path.metadata().unwrap().len());
        assert!(sizes.iter().all(|size| (1..=MOST_BYTES).contains(size)), "{sizes:?}");
        assert_eq!(columns(&ChangeLog::new(path)).last(), Some(&format!("{long}29_99")));
    }

    #[test]
    fn a_column_began_when_its_table_was_made_or_it_was_added() {
        let folder = tempfile::tempdir().unwrap();
        let log = ChangeLog::new(folder.path().join("w.log"));
        let made = Change {
            change: "create_table".to_owned(),
            column: None,
            columns: vec!["id".to_owned()],
            ..change("")
        };
        let denied = Change { change: "denied".to_owned(), ..change("c") };
        log.record(vec![made, change("a"), denied]).unwrap();
        let since = log.read().1;
        let known = ["id", "a", "c"].map(|column| since.of("viewed", column).is_some());
        assert_eq!(known, [true, true, false]);
    }
}
