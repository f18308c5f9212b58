//! Notes of deliveries in numbered files of lines, which go when everything that they speak of is gone.
//!
//! Separate from dead letters and rejected events because it is asked by position: of each file the span of positions per
//! destination is known, so that a question opens only files that can matter. A full file ends with its spans; those of a
//! file that was left behind by a kill are found by reading it, when they are first needed. Notes of attempts are bounded
//! in space, notes of fates by the journal itself: without them a skipped event would look like a delivered one.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::Options;
use super::files::{self, failed};
use super::redact;
use crate::journal::attempts::{self, Note};
use crate::journal::{JournalError, Position};
use crate::spec::Seeker;

/// A file is full at this size, or earlier in a small journal.
const FULL_FILE: u64 = 8 << 20;
const SMALLEST_FILE: u64 = 64 << 10;
/// Most bytes of notes of attempts; an eighth of the journal where that is less.
const MAX_ATTEMPTS: u64 = 1 << 30;
const MIN_ATTEMPTS: u64 = 1 << 20;
/// A file left behind that is no larger than this is read at the first note and gone on with.
const GO_ON: u64 = 256 << 10;
/// The spans at the end of a file are looked for in this many bytes.
const LAST_BYTES: u64 = 16 << 10;

/// All notes of a journal.
#[derive(Debug)]
pub(super) struct Notes {
    attempts: NoteFiles,
    fates: NoteFiles,
}

impl Notes {
    /// Lists the files below the journal's directory, which are created when missing. Reads none of them.
    pub(super) fn open(options: &Options) -> Result<Self, JournalError> {
        let full = (options.max_bytes / 128).clamp(SMALLEST_FILE, FULL_FILE);
        let most = (options.max_bytes / 8).clamp(MIN_ATTEMPTS, MAX_ATTEMPTS);
        Ok(Notes {
            attempts: NoteFiles::open(options.dir.join("attempts"), full, most)?,
            fates: NoteFiles::open(options.dir.join("fates"), full, u64::MAX)?,
        })
    }

    /// Appends notes; see the trait.
    pub(super) fn append(&self, notes: &[Note]) -> Result<(), JournalError> {
        let fates = self.fates.append(notes.iter().filter(|note| note.is_fate()));
        self.attempts.append(notes.iter().filter(|note| !note.is_fate())).and(fates)
    }

    /// Returns every note about this position.
    pub(super) fn about(&self, position: Position) -> Result<Vec<Note>, JournalError> {
        let mut notes = self.attempts.about(position)?;
        notes.append(&mut self.fates.about(position)?);
        Ok(notes)
    }

    /// Overwrites the ids of these people where the other side's words repeat them.
    pub(super) fn redact(&self, seeker: &Seeker<'_>) -> Result<(), JournalError> {
        self.attempts.redact(seeker)?;
        self.fates.redact(seeker)
    }

    /// Gives up what speaks only of positions below `first`.
    pub(super) fn retain(&self, first: Position) -> Result<(), JournalError> {
        self.attempts.retain(first.0)?;
        self.fates.retain(first.0)
    }
}

/// The span of positions that a file speaks of, by destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spans {
    spans: BTreeMap<String, (u64, u64)>,
}

impl Spans {
    fn add(&mut self, note: &Note) {
        let Range { start, end } = note.span();
        match self.spans.get_mut(&note.destination) {
            Some(span) => *span = (span.0.min(start), span.1.max(end)),
            None => {
                self.spans.insert(note.destination.clone(), (start, end));
            }
        }
    }

    fn may_cover(&self, position: u64) -> bool {
        self.spans.values().any(|(start, end)| (*start..*end).contains(&position))
    }

    fn end(&self) -> u64 {
        self.spans.values().map(|(_, end)| *end).max().unwrap_or(0)
    }
}

/// One sort of notes.
#[derive(Debug)]
struct NoteFiles {
    dir: PathBuf,
    full: u64,
    most: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// In the order of their numbers; the last is written while `active` is there.
    known: Vec<Known>,
    active: Option<Active>,
}

/// A file that is not written any more, or the one that is.
#[derive(Debug, Clone)]
struct Known {
    number: u64,
    bytes: u64,
    /// `None` until it is needed.
    spans: Option<Arc<Spans>>,
}

#[derive(Debug)]
struct Active {
    file: File,
    spans: Spans,
    /// The last write failed half way, or the file was left without a line feed at its end.
    torn: bool,
}

impl NoteFiles {
    fn open(dir: PathBuf, full: u64, most: u64) -> Result<Self, JournalError> {
        files::make_dir(&dir)?;
        let number = |name: String| name.strip_suffix(".ndjson").and_then(|stem| stem.parse().ok());
        let mut numbers: Vec<u64> = files::names(&dir)?.into_iter().filter_map(number).collect();
        numbers.sort_unstable();
        let mut known = Vec::with_capacity(numbers.len());
        for number in numbers {
            let path = file_path(&dir, number);
            let bytes = path.metadata().map_err(failed("inspect", &path))?.len();
            known.push(Known { number, bytes, spans: None });
        }
        Ok(NoteFiles { dir, full, most, state: Mutex::new(State { known, active: None }) })
    }

    fn append<'a>(&self, notes: impl Iterator<Item = &'a Note> + Clone) -> Result<(), JournalError> {
        let mut lines = Vec::new();
        for note in notes.clone() {
            attempts::write(note, &mut lines).map_err(unwritable)?;
        }
        if lines.is_empty() {
            return Ok(());
        }
        let mut state = self.state();
        self.write(&mut state, &lines)?;
        if let Some(active) = &mut state.active {
            notes.for_each(|note| active.spans.add(note));
        }
        let is_full = state.known.last().is_some_and(|last| last.bytes >= self.full);
        if is_full { self.seal(&mut state) } else { Ok(()) }
    }

    /// Returns the notes about a position. The files are read without holding up whoever writes.
    fn about(&self, position: Position) -> Result<Vec<Note>, JournalError> {
        let mut notes = Vec::new();
        for known in self.with_spans()? {
            if !known.spans.is_some_and(|spans| spans.may_cover(position.0)) {
                continue;
            }
            let text = self.text(known.number, 0)?;
            let lines = text.split(|byte| *byte == b'\n');
            let about = lines.filter(|line| attempts::line_covers(line, position));
            notes.extend(about.filter_map(attempts::read));
        }
        Ok(notes)
    }

    /// Removes the oldest files while they speak of nothing at or after `first`.
    fn retain(&self, first: u64) -> Result<(), JournalError> {
        loop {
            let Some(oldest) = self.oldest_sealed() else { return Ok(()) };
            let spans = match oldest.spans {
                Some(spans) => spans,
                None => self.find_spans(oldest.number)?,
            };
            let mut state = self.state();
            let is_same = state.known.first().is_some_and(|known| known.number == oldest.number);
            if spans.end() > first || !is_same {
                return Ok(());
            }
            self.remove_oldest(&mut state)?;
        }
    }

    fn redact(&self, seeker: &Seeker<'_>) -> Result<(), JournalError> {
        let numbers: Vec<u64> = self.state().known.iter().map(|known| known.number).collect();
        let mut judge = |_, line: &[u8], _| redact::of_others(seeker, line);
        for number in numbers.iter().rev().skip(1).rev() {
            redact::file(&file_path(&self.dir, *number), (*number, 0..u64::MAX), &mut judge)?;
        }
        let last = numbers.last().copied().unwrap_or(0);
        let state = self.state();
        for number in state.known.iter().map(|known| known.number).filter(|number| *number >= last) {
            redact::file(&file_path(&self.dir, number), (number, 0..u64::MAX), &mut judge)?;
        }
        Ok(())
    }

    fn oldest_sealed(&self) -> Option<Known> {
        let state = self.state();
        let sealed = state.known.len() - usize::from(state.active.is_some());
        state.known.first().filter(|_| sealed > 0).cloned()
    }

    fn write(&self, state: &mut State, lines: &[u8]) -> Result<(), JournalError> {
        if state.active.is_none() {
            self.begin(state)?;
        }
        let State { known, active: Some(active) } = state else { return Ok(()) };
        let Some(last) = known.last_mut() else { return Ok(()) };
        let path = file_path(&self.dir, last.number);
        let start = last.bytes;
        let lead: &[u8] = if active.torn { b"\n" } else { b"" };
        let bytes = [lead, lines].concat();
        if let Err(error) = files::write_at(&active.file, &bytes, start) {
            active.torn = active.file.set_len(start).is_err();
            return Err(failed("append to", &path)(error));
        }
        last.bytes = start + bytes.len() as u64;
        active.torn = false;
        Ok(())
    }

    /// Goes on with the last file when it is small, else begins another.
    fn begin(&self, state: &mut State) -> Result<(), JournalError> {
        if let Some(last) = state.known.last().filter(|last| last.bytes <= GO_ON.min(self.full / 2)) {
            let path = file_path(&self.dir, last.number);
            let text = self.text(last.number, 0)?;
            let torn = text.last().is_some_and(|byte| *byte != b'\n');
            state.active = Some(Active { file: files::open(&path)?, spans: spans_of(&text), torn });
            return Ok(());
        }
        let number = state.known.last().map_or(0, |last| last.number + 1);
        let file = files::create(&file_path(&self.dir, number))?;
        state.known.push(Known { number, bytes: 0, spans: None });
        state.active = Some(Active { file, spans: Spans::default(), torn: false });
        Ok(())
    }

    /// Ends the file that is written, and gives up the oldest ones when there are too many bytes.
    fn seal(&self, state: &mut State) -> Result<(), JournalError> {
        let Some(spans) = state.active.as_ref().map(|active| active.spans.clone()) else { return Ok(()) };
        let mut line = serde_json::to_vec(&spans).map_err(unwritable)?;
        line.push(b'\n');
        self.write(state, &line)?;
        state.active = None;
        if let Some(last) = state.known.last_mut() {
            last.spans = Some(Arc::new(spans));
        }
        let mut bytes: u64 = state.known.iter().map(|known| known.bytes).sum();
        while bytes > self.most && state.known.len() > 1 {
            bytes -= state.known.first().map_or(0, |known| known.bytes);
            self.remove_oldest(state)?;
        }
        Ok(())
    }

    fn remove_oldest(&self, state: &mut State) -> Result<(), JournalError> {
        let Some(oldest) = state.known.first() else { return Ok(()) };
        files::remove(&file_path(&self.dir, oldest.number))?;
        state.known.remove(0);
        Ok(())
    }

    /// Returns all files with their spans, looking for those that are not known yet.
    fn with_spans(&self) -> Result<Vec<Known>, JournalError> {
        let mut all = {
            let state = self.state();
            let mut all = state.known.clone();
            if let (Some(active), Some(last)) = (&state.active, all.last_mut()) {
                last.spans = Some(Arc::new(active.spans.clone()));
            }
            all
        };
        for known in all.iter_mut().filter(|known| known.spans.is_none()) {
            known.spans = Some(self.find_spans(known.number)?);
        }
        Ok(all)
    }

    /// Returns the spans of a file that is not written any more, from its last line or from all of it.
    fn find_spans(&self, number: u64) -> Result<Arc<Spans>, JournalError> {
        let end = self.text(number, LAST_BYTES)?;
        let last = end.strip_suffix(b"\n").and_then(|text| text.rsplit(|byte| *byte == b'\n').next());
        let spans = match last.and_then(|line| serde_json::from_slice(line).ok()) {
            Some(spans) => spans,
            None => spans_of(&self.text(number, 0)?),
        };
        let spans = Arc::new(spans);
        let mut state = self.state();
        // A file that was gone on with meanwhile keeps its own.
        let is_active =
            state.active.is_some() && state.known.last().is_some_and(|last| last.number == number);
        let known = state.known.iter_mut().find(|known| known.number == number);
        if let Some(known) = known.filter(|_| !is_active) {
            known.spans = Some(Arc::clone(&spans));
        }
        Ok(spans)
    }

    /// Returns a file's text, or its last bytes; nothing when it was given up meanwhile.
    fn text(&self, number: u64, last: u64) -> Result<Vec<u8>, JournalError> {
        let path = file_path(&self.dir, number);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            opened => opened.map_err(failed("open", &path))?,
        };
        let bytes = file.metadata().map_err(failed("inspect", &path))?.len();
        let start = if last == 0 { 0 } else { bytes.saturating_sub(last) };
        let mut text = vec![0; (bytes - start) as usize];
        let read = files::read_at(&file, &mut text, start).map_err(failed("read", &path))?;
        text.truncate(read);
        Ok(text)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn file_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.ndjson"))
}

fn spans_of(text: &[u8]) -> Spans {
    let mut spans = Spans::default();
    let notes = text.split(|byte| *byte == b'\n').filter_map(attempts::read);
    notes.for_each(|note| spans.add(&note));
    spans
}

fn unwritable(error: serde_json::Error) -> JournalError {
    JournalError::Io { context: "could not write a note as JSON".to_owned(), source: error.into() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::journal::fixtures::{attempt_note, fate_note};

    fn files_of(dir: &Path, full: u64, most: u64) -> NoteFiles {
        NoteFiles::open(dir.to_owned(), full, most).unwrap()
    }

    fn add(files: &NoteFiles, destination: &str, range: Range<u64>) {
        files
            .append([attempt_note(destination, &[(range.start, range.end)], "delivered", "")].iter())
            .unwrap();
    }

    fn count(files: &NoteFiles, position: u64) -> usize {
        files.about(Position(position)).unwrap().len()
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names = files::names(dir).unwrap();
        names.sort();
        names
    }

    #[test]
    fn notes_are_found_by_position_in_the_order_in_which_they_were_kept_over_a_start() {
        let dir = tempfile::tempdir().unwrap();
        let files = files_of(dir.path(), 400, u64::MAX);
        let note = |n: u64, range: Range<u64>| {
            attempt_note("a", &[(range.start, range.end)], "transient", &format!("no {n}"))
        };
        for n in 0..10 {
            files.append([note(n, n..n + 3), note(n + 100, 50..60)].iter()).unwrap();
        }
        assert!(names(dir.path()).len() > 3, "{:?}", names(dir.path()));
        let wanted = vec![note(3, 3..6), note(4, 4..7), note(5, 5..8)];
        assert_eq!(files.about(Position(5)).unwrap(), wanted);
        let again = files_of(dir.path(), 400, u64::MAX);
        assert_eq!(again.about(Position(5)).unwrap(), wanted);
        again.append([note(7, 5..6)].iter()).unwrap();
        assert_eq!(again.about(Position(5)).unwrap().len(), 4);
        assert_eq!(count(&again, 12), 0);
        assert_eq!(count(&again, 59), 10);
    }

    #[test]
    fn a_question_opens_only_files_that_can_matter() {
        let dir = tempfile::tempdir().unwrap();
        let files = files_of(dir.path(), 60, u64::MAX);
        for n in 0..5 {
            add(&files, "fast", n * 1000..n * 1000 + 1000);
            add(&files, "slow", n..n + 1);
        }
        assert_eq!((count(&files, 4), count(&files, 2500)), (2, 1));
        // A file that cannot be read is not noticed by questions that do not need it.
        let of_2500 = file_path(dir.path(), 4);
        fs::remove_file(&of_2500).unwrap();
        fs::create_dir(&of_2500).unwrap();
        assert!(files.about(Position(2500)).is_err(), "this is the file");
        assert_eq!((count(&files, 4), count(&files, 3500)), (2, 1));
    }

    #[test]
    fn a_start_reads_only_the_end_of_a_full_file() {
        let dir = tempfile::tempdir().unwrap();
        let files = files_of(dir.path(), 60, u64::MAX);
        add(&files, "a", 0..10);
        let path = file_path(dir.path(), 0);
        let text = fs::read(&path).unwrap();
        assert!(text.ends_with(b"{\"spans\":{\"a\":[0,10]}}\n"), "{}", String::from_utf8_lossy(&text));
        let damaged: Vec<u8> = text.iter().map(|byte| if *byte == b'1' { b'2' } else { *byte }).collect();
        let spans = b"{\"spans\":{\"a\":[0,10]}}\n";
        fs::write(&path, [&damaged[..damaged.len() - spans.len()], spans].concat()).unwrap();
        assert_eq!(files_of(dir.path(), 60, u64::MAX).find_spans(0).unwrap().end(), 10, "its text says 20");
    }

    #[test]
    fn a_torn_last_line_is_passed_over_and_gone_on_behind() {
        let dir = tempfile::tempdir().unwrap();
        let files = files_of(dir.path(), 1 << 20, u64::MAX);
        add(&files, "a", 0..10);
        add(&files, "a", 5..15);
        let path = file_path(dir.path(), 0);
        let text = fs::read(&path).unwrap();
        fs::write(&path, &text[..text.len() - 7]).unwrap();
        let files = files_of(dir.path(), 1 << 20, u64::MAX);
        assert_eq!((count(&files, 7), count(&files, 12)), (1, 0));
        add(&files, "a", 7..8);
        assert_eq!((count(&files, 7), names(dir.path()).len()), (2, 1));
        assert_eq!(count(&files_of(dir.path(), 1 << 20, u64::MAX), 7), 2);
    }

    #[test]
    fn a_file_goes_when_everything_in_it_is_gone_from_the_journal() {
        let dir = tempfile::tempdir().unwrap();
        let files = files_of(dir.path(), 60, u64::MAX);
        (0..4).for_each(|n| add(&files, "a", n * 10..n * 10 + 10));
        for reopened in [false, true] {
            let fresh = files_of(dir.path(), 60, u64::MAX);
            let files = if reopened { &fresh } else { &files };
            let first = if reopened { 39 } else { 15 };
            files.retain(first).unwrap();
            assert_eq!(names(dir.path()).len(), if reopened { 1 } else { 3 });
            assert_eq!(count(files, 35), 1);
        }
        let files = files_of(dir.path(), 60, u64::MAX);
        files.retain(40).unwrap();
        assert!(names(dir.path()).is_empty());
        add(&files, "a", 40..50);
        assert_eq!(count(&files, 45), 1);
    }

    #[test]
    fn attempts_take_bounded_space_and_fates_stay() {
        let dir = tempfile::tempdir().unwrap();
        let mut options = crate::journal::embedded::tests::options(dir.path());
        options.max_bytes = 1 << 20;
        let notes = Notes::open(&options).unwrap();
        notes.append(&[fate_note("a", &[(0, 1)], "dead", "rejected")]).unwrap();
        let answer = "x".repeat(1000);
        for n in 0..2000 {
            notes.append(&[attempt_note("a", &[(n, n + 1)], "refused", &answer)]).unwrap();
        }
        let bytes = |name: &str| -> u64 {
            let dir = dir.path().join(name);
            names(&dir).iter().map(|name| dir.join(name).metadata().unwrap().len()).sum()
        };
        assert!((900 << 10..1100 << 10).contains(&bytes("attempts")), "{}", bytes("attempts"));
        assert!(notes.about(Position(0)).unwrap().iter().all(Note::is_fate));
        assert_eq!(notes.about(Position(0)).unwrap().len(), 1);
        assert_eq!(notes.about(Position(1999)).unwrap().len(), 1);
    }
}
