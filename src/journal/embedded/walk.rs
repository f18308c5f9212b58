//! Reading files of lines, newest or oldest first.
//!
//! Separate from writing them because a command reads them beside a router, or without one, and must change nothing. A
//! line that does not begin with `{` is passed over: it was taken out, or is what a kill left of one.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::ops::{ControlFlow, Range};
use std::path::{Path, PathBuf};

use super::files::{self, failed};
use crate::journal::{JournalError, LetterId};

/// First read of a page, doubled until the page is full.
const FIRST_READ: u64 = 256 << 10;
/// Reads of a walk forth.
const BUFFER: usize = 256 << 10;

/// Where a line begins.
pub(super) type Place = LetterId;

/// Looks at a line; `Break` means that this one was not taken, and ends the walk.
pub(super) type Visit<'a> = dyn FnMut(Place, &[u8]) -> ControlFlow<()> + 'a;

/// Returns the path of a file.
pub(super) fn file_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.ndjson"))
}

/// Returns the numbers of the files in a directory, ascending.
pub(super) fn numbers(dir: &Path) -> Result<Vec<u64>, JournalError> {
    let number = |name: &String| name.strip_suffix(".ndjson").and_then(|stem| stem.parse().ok());
    let mut numbers: Vec<u64> = files::names(dir)?.iter().filter_map(number).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Walks over the lines before `from`, newest first; returns where to go on when the visitor ends the walk.
pub(super) fn back(
    dir: &Path,
    numbers: &[u64],
    from: Option<Place>,
    visit: &mut Visit<'_>,
) -> Result<Option<Place>, JournalError> {
    let from = from.unwrap_or(Place { file: u64::MAX, offset: u64::MAX });
    for file in numbers.iter().rev().copied().filter(|number| *number <= from.file) {
        let offset = if file == from.file { from.offset } else { u64::MAX };
        let next = back_in(dir, Place { file, offset }, visit)?;
        if next.is_some() {
            return Ok(next);
        }
    }
    Ok(None)
}

fn back_in(dir: &Path, before: Place, visit: &mut Visit<'_>) -> Result<Option<Place>, JournalError> {
    let Some((file, path)) = open(dir, before.file)? else { return Ok(None) };
    let mut end = file.metadata().map_err(failed("inspect", &path))?.len().min(before.offset);
    let mut window = FIRST_READ;
    while end > 0 {
        let start = end.saturating_sub(window);
        let mut bytes = vec![0; (end - start) as usize];
        files::read_at(&file, &mut bytes, start).map_err(failed("read", &path))?;
        let lines = whole_lines(&bytes, start == 0);
        // Not even one line: it is longer than the window.
        window = if lines.is_empty() { window * 2 } else { FIRST_READ };
        for range in lines {
            let line = bytes.get(range.clone()).unwrap_or_default();
            let place = Place { file: before.file, offset: start + range.start as u64 };
            if is_there(line) && visit(place, line).is_break() {
                return Ok(Some(Place { file: before.file, offset: end }));
            }
            end = place.offset;
        }
    }
    Ok(None)
}

/// Walks over the lines from `from` on and before `until`, oldest first; returns the line at which the visitor ended the
/// walk.
pub(super) fn forth(
    dir: &Path,
    numbers: &[u64],
    range: Range<Place>,
    visit: &mut Visit<'_>,
) -> Result<Option<Place>, JournalError> {
    let wanted = |number: &u64| (range.start.file..=range.end.file).contains(number);
    for file in numbers.iter().copied().filter(wanted) {
        let start = if file == range.start.file { range.start.offset } else { 0 };
        let end = if file == range.end.file { range.end.offset } else { u64::MAX };
        let next = forth_in(dir, file, start..end, visit)?;
        if next.is_some() {
            return Ok(next);
        }
    }
    Ok(None)
}

fn forth_in(
    dir: &Path,
    number: u64,
    range: Range<u64>,
    visit: &mut Visit<'_>,
) -> Result<Option<Place>, JournalError> {
    let Some((file, path)) = open(dir, number)? else { return Ok(None) };
    let mut reader = BufReader::with_capacity(BUFFER, file);
    reader.seek(SeekFrom::Start(range.start)).map_err(failed("read", &path))?;
    let mut place = Place { file: number, offset: range.start };
    let mut line = Vec::new();
    while place.offset < range.end {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(failed("read", &path))?;
        if read == 0 {
            break;
        }
        let text = line.strip_suffix(b"\n").unwrap_or(&line);
        if is_there(text) && visit(place, text).is_break() {
            return Ok(Some(place));
        }
        place.offset += read as u64;
    }
    Ok(None)
}

/// Looks at the line at a place, if one begins there.
pub(super) fn at(dir: &Path, place: Place, visit: &mut Visit<'_>) -> Result<(), JournalError> {
    let Some((file, path)) = open(dir, place.file)? else { return Ok(()) };
    if place.offset >= file.metadata().map_err(failed("inspect", &path))?.len() {
        return Ok(());
    }
    let mut before = [0];
    let read = files::read_at(&file, &mut before, place.offset.saturating_sub(1));
    read.map_err(failed("read", &path))?;
    if place.offset == 0 || before == *b"\n" {
        let one = place.offset..place.offset.saturating_add(1);
        forth_in(dir, place.file, one, visit)?;
    }
    Ok(())
}

/// Opens a file for reading; one that is gone has no lines.
fn open(dir: &Path, number: u64) -> Result<Option<(File, PathBuf)>, JournalError> {
    let path = file_path(dir, number);
    match File::open(&path) {
        Ok(file) => Ok(Some((file, path))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("open", &path)(error)),
    }
}

fn is_there(line: &[u8]) -> bool {
    line.first() == Some(&b'{')
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
