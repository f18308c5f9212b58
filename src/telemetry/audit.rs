//! `audit.log`: what operators did, one JSON object a line, in a file that is only ever appended to.
//!
//! Separate from the log because it is kept, and for other readers. An entry is written after the answer was decided, so that it
//! tells the outcome. Four files of 16 MiB are kept. Strangers who try are told in the file a few times a minute and counted
//! beyond that, so that they cannot push out what was done. An entry holds no secret, no event and no trait.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use super::events::{AuditUnwritten, OperatorActed};

/// The file, in `data_dir`; the older ones have `.1` to `.3` behind their name.
pub const FILE: &str = "audit.log";
/// A file that is longer is put aside.
const FULL: u64 = 16 << 20;
/// How many are kept beside the one that is written.
const OLDER: u32 = 3;
/// How many requests of strangers are told in a minute.
const STRANGERS: u32 = 30;

/// One thing that an operator did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry<'a> {
    /// When it was answered.
    pub at: Timestamp,
    /// Who: `token:PRINT`, `session:PRINT`, `local` where nobody is asked, `nobody` where nothing valid was shown.
    pub actor: &'a str,
    /// Peer or, behind a trusted proxy, client; empty where it is not known.
    pub address: &'a str,
    /// Method and path, with the query that says what was asked for.
    pub action: &'a str,
    /// Status of the answer.
    pub status: u16,
    /// `done`, `refused` or `failed`.
    pub outcome: &'a str,
}

impl Entry<'_> {
    fn is_by_stranger(&self) -> bool {
        self.actor == "nobody"
    }
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    entry: &'a Entry<'a>,
    /// Requests of strangers that were not told since the one before.
    #[serde(skip_serializing_if = "is_zero")]
    untold: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The file of one router.
#[derive(Debug)]
pub struct Book {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    file: Option<File>,
    bytes: u64,
    /// The minute since 1970 in which strangers are counted, and how many there were.
    minute: i64,
    strangers: u32,
    untold: u64,
    has_failed: bool,
}

impl Book {
    /// Returns the book in this directory. Opens nothing yet.
    pub fn of(data_dir: &Path) -> Book {
        Book { path: data_dir.join(FILE), state: Mutex::default() }
    }

    /// Appends an entry and says it in the log. Where the file cannot be written the log says that, once.
    pub fn add(&self, entry: &Entry<'_>) {
        let Entry { actor, action, status, outcome, .. } = *entry;
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if entry.is_by_stranger() && !state.has_room_for_a_stranger(entry.at) {
            return;
        }
        OperatorActed { actor, action, status, outcome }.emit();
        match state.append(&self.path, entry) {
            Ok(()) => state.has_failed = false,
            Err(error) => {
                state.file = None;
                if !std::mem::replace(&mut state.has_failed, true) {
                    AuditUnwritten { path: &self.path, problem: &error.to_string() }.emit();
                }
            }
        }
    }
}

impl State {
    fn has_room_for_a_stranger(&mut self, at: Timestamp) -> bool {
        let minute = at.as_second().div_euclid(60);
        if self.minute != minute {
            (self.minute, self.strangers) = (minute, 0);
        }
        self.strangers = self.strangers.saturating_add(1);
        let has_room = self.strangers <= STRANGERS;
        self.untold += u64::from(!has_room);
        has_room
    }

    fn append(&mut self, path: &Path, entry: &Entry<'_>) -> std::io::Result<()> {
        let mut line = Vec::new();
        serde_json::to_writer(&mut line, &Line { entry, untold: self.untold })?;
        line.push(b'\n');
        if self.file.is_some() && self.bytes + line.len() as u64 > FULL {
            self.file = None;
            put_aside(path)?;
        }
        if self.file.is_none() {
            let mut file = OpenOptions::new().read(true).create(true).append(true).mode(0o600).open(path)?;
            self.bytes = file.metadata()?.len();
            // After a write that was cut short the file is opened anew: half an entry must not swallow the next one.
            if is_torn(&mut file, self.bytes)? {
                line.insert(0, b'\n');
            }
            self.file = Some(file);
        }
        // In one write, so that another process that appends does not come between.
        if let Some(file) = &mut self.file {
            file.write_all(&line)?;
        }
        self.bytes += line.len() as u64;
        self.untold = 0;
        Ok(())
    }
}

/// Returns whether the last entry has no end.
fn is_torn(file: &mut File, bytes: u64) -> std::io::Result<bool> {
    let Some(last) = bytes.checked_sub(1) else { return Ok(false) };
    let mut end = [0];
    file.seek(SeekFrom::Start(last))?;
    file.read_exact(&mut end)?;
    Ok(end != [b'\n'])
}

fn put_aside(path: &Path) -> std::io::Result<()> {
    let older = |number: u32| path.with_extension(format!("log.{number}"));
    for number in (1..OLDER).rev() {
        match std::fs::rename(older(number), older(number + 1)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    std::fs::rename(path, older(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn entry<'a>(actor: &'a str, action: &'a str) -> Entry<'a> {
        let at = "2026-11-27T12:00:00Z".parse().unwrap();
        Entry { at, actor, address: "203.0.113.9", action, status: 200, outcome: "done" }
    }

    fn lines(dir: &Path) -> Vec<serde_json::Value> {
        let text = std::fs::read_to_string(dir.join(FILE)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn entries_are_appended_also_by_the_next_process_and_nobody_else_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        Book::of(dir.path()).add(&entry("token:1", "POST /a"));
        Book::of(dir.path()).add(&entry("token:2", "POST /b\n{}"));
        let lines = lines(dir.path());
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["actor"], "token:1");
        assert_eq!(lines[1]["action"], "POST /b\n{}");
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn strangers_do_not_push_out_what_was_done() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::of(dir.path());
        let refused = Entry { status: 401, outcome: "refused", ..entry("nobody", "POST /api/session") };
        // Nobody's session can be ended by anybody.
        let left = entry("nobody", "DELETE /api/session");
        for _ in 0..500 {
            book.add(&refused);
            book.add(&left);
        }
        book.add(&entry("local", "POST /api/destinations/crm/pause"));
        let lines = lines(dir.path());
        assert_eq!(lines.len(), STRANGERS as usize + 1);
        assert_eq!(lines[STRANGERS as usize]["untold"], 1000 - STRANGERS);
        let mut later = refused.clone();
        later.at += std::time::Duration::from_secs(60);
        book.add(&later);
        assert_eq!(self::lines(dir.path()).len(), STRANGERS as usize + 2);
    }

    /// The disk was full in the middle of an entry.
    #[test]
    fn half_an_entry_spoils_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::of(dir.path());
        book.add(&entry("local", "first"));
        let path = dir.path().join(FILE);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"at\":\"2026-").unwrap();
        book.state.lock().unwrap().file = None;
        book.add(&entry("local", "second"));
        book.add(&entry("local", "third"));
        let text = std::fs::read_to_string(&path).unwrap();
        let read: Vec<_> =
            text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok()).collect();
        assert_eq!(text.lines().count(), 4, "{text}");
        assert_eq!(
            read.iter().map(|line| line["action"].as_str().unwrap()).collect::<Vec<_>>(),
            ["first", "second", "third"]
        );
    }

    #[test]
    fn a_full_file_is_put_aside_and_four_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        let book = Book::of(dir.path());
        for round in 0..6 {
            book.add(&entry("local", &format!("round {round}")));
            book.state.lock().unwrap().bytes = FULL;
        }
        let mut names: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        assert_eq!(names, ["audit.log", "audit.log.1", "audit.log.2", "audit.log.3"]);
        assert_eq!(lines(dir.path())[0]["action"], "round 5");
    }
}
