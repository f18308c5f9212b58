//! Opening: what is on disk becomes the log again, cut at the last whole record.
//!
//! Separate because it runs once and may be slow per segment but not in their number: sealed segments are known by their
//! index files alone. A torn tail, a lost index or a leftover file is never a reason not to start.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use jiff::Timestamp;

use super::Options;
use super::cursors::Cursors;
use super::dedupe::Dedupe;
use super::files::{self, failed};
use super::log::{Log, micros};
use super::scan;
use super::segment::{Segment, Shared, log_path};
use super::table::{self, BLOCK, Table};
use super::writer::{Active, Writer};
use crate::journal::JournalError;

/// Opens the log in `options.dir`.
pub(super) fn open(
    options: Options,
    cursors: &Cursors,
    now: Timestamp,
) -> Result<(Log, Writer), JournalError> {
    let firsts = tidy(&options.dir)?;
    let mut segments = Vec::new();
    let mut active = None;
    for (at, first) in firsts.iter().enumerate() {
        let following = firsts.get(at + 1).copied();
        match load(&options.dir, *first, following)? {
            Loaded::Sealed(segment) => {
                segments.push(segment);
                let_go(&segments, options.dedupe_max_ids);
            }
            Loaded::Active(found) => {
                segments.push(Arc::clone(&found.segment));
                active = Some(found);
            }
            Loaded::Empty => {}
        }
    }
    let found = segments.last().map_or(0, |segment| segment.next());
    // A power cut without fsync can lose records that a destination had settled: their positions are not used again.
    let next = found.max(cursors.highest()?);
    if next > found {
        tracing::warn!(found, next, "cursors are ahead of the journal; it goes on behind them");
        active = seal(active)?;
    }
    let dedupe = remember(&options, &segments, now)?;
    segments
        .iter()
        .filter(|s| s.indexed.load(Ordering::Relaxed))
        .for_each(|s| s.table_mut().ids = Vec::new());
    files::sync_dir(&options.dir)?;
    Ok((Log::new(options, segments, next), Writer::new(active, dedupe)))
}

/// Lets go of ids for which newer segments leave no room in the window, so that a start takes no more memory than running.
fn let_go(segments: &[Shared], max_ids: usize) {
    let mut newer = 0;
    for segment in segments.iter().rev() {
        let mut table = segment.table_mut();
        if newer >= max_ids && segment.indexed.load(Ordering::Relaxed) {
            table.ids = Vec::new();
        }
        newer += table.ids.len();
    }
}

enum Loaded {
    Sealed(Shared),
    Active(Active),
    Empty,
}

/// Removes leftovers and returns where the segments begin, in order.
fn tidy(dir: &Path) -> Result<Vec<u64>, JournalError> {
    let names = files::names(dir)?;
    let number = |name: &String, ending: &str| name.strip_suffix(ending).and_then(|stem| stem.parse().ok());
    let mut firsts: Vec<u64> = names.iter().filter_map(|name| number(name, ".log")).collect();
    firsts.sort_unstable();
    for name in &names {
        let orphan = number(name, ".idx").is_some_and(|first| firsts.binary_search(&first).is_err());
        if orphan || name.ends_with(".tmp") {
            files::remove(&dir.join(name))?;
        }
    }
    Ok(firsts)
}

fn load(dir: &Path, first: u64, following: Option<u64>) -> Result<Loaded, JournalError> {
    let path = log_path(dir, first);
    let log = files::open(&path)?;
    let len = log.metadata().map_err(failed("inspect", &path))?.len();
    if let Some((table, bytes)) = index(dir, first, len) {
        let segment = Segment::new(dir, first, table, len + bytes);
        segment.indexed.store(true, Ordering::Relaxed);
        segment.sealed.store(true, Ordering::Relaxed);
        return Ok(Loaded::Sealed(Arc::new(segment)));
    }
    let table = scan::build(&log, &path, first, following.map_or(u64::MAX, |next| next - first))?;
    // A process that was killed before its sync leaves records in the page cache alone. From here on their senders are told
    // that they are duplicates, which is a promise too.
    log.sync_data().map_err(failed("sync", &path))?;
    match following {
        Some(_) if table.count == 0 => {
            tracing::error!(path = %path.display(), "a segment of the journal has no readable record");
            Ok(Loaded::Empty)
        }
        Some(_) => rebuild(dir, first, table, len).map(Loaded::Sealed),
        None => resume(Segment::new(dir, first, table, len), log, len).map(Loaded::Active),
    }
}

/// Reads the index file of a sealed segment, when there is a sound one.
fn index(dir: &Path, first: u64, log_bytes: u64) -> Option<(Table, u64)> {
    let path = log_path(dir, first).with_extension("idx");
    let bytes = fs::read(&path).ok()?;
    let table = Table::from_bytes(&bytes, first).filter(|table| table.end <= log_bytes);
    if table.is_none() {
        tracing::warn!(path = %path.display(), "an index of the journal is damaged and built again");
    }
    table.map(|table| (table, bytes.len() as u64))
}

fn rebuild(dir: &Path, first: u64, table: Table, len: u64) -> Result<Shared, JournalError> {
    let segment = Segment::new(dir, first, table, len);
    segment.sealed.store(true, Ordering::Relaxed);
    let ids = {
        let mut ids = segment.table().ids.clone();
        ids.sort_unstable();
        ids
    };
    match segment.write_index() {
        Ok(()) => segment.table_mut().ids = ids,
        // The ids stay in memory until a start finds room for them: without this start no room would ever come.
        Err(JournalError::Full(why)) => tracing::warn!(why, "an index of the journal has no room"),
        Err(error) => return Err(error),
    }
    Ok(Arc::new(segment))
}

/// Cuts the last segment at its last whole record and makes it ready for the next append.
fn resume(segment: Segment, file: File, len: u64) -> Result<Active, JournalError> {
    let end = segment.table().end;
    if scan::has_tail(&file, &segment.path, end)? {
        let next = segment.next();
        tracing::warn!(next, offset = end, "the journal's torn tail is cut at the last whole record");
        // Whole records behind the torn one must not come back once others are written before them.
        file.set_len(end).map_err(failed("truncate", &segment.path))?;
        file.sync_all().map_err(failed("sync", &segment.path))?;
    }
    let size = match files::allocate(&file, &segment.path, len.max(1)) {
        Ok(()) => len,
        // Without room the segment is full; it goes on in another one as soon as there is some.
        Err(JournalError::Full(_)) => end,
        Err(error) => return Err(error),
    };
    segment.disk.store(size, Ordering::Relaxed);
    Ok(Active { segment: Arc::new(segment), file, size, written: end })
}

fn seal(active: Option<Active>) -> Result<Option<Active>, JournalError> {
    if let Some(active) = active {
        active.segment.sealed.store(true, Ordering::Relaxed);
    }
    Ok(None)
}

/// Fills the window of known ids from the tables, oldest first, as far back as it reaches.
fn remember(options: &Options, segments: &[Shared], now: Timestamp) -> Result<Dedupe, JournalError> {
    let window = micros(options.dedupe_window);
    let horizon = now.as_microsecond().saturating_sub(window);
    let mut dedupe = Dedupe::new(window, options.dedupe_max_ids);
    let mut missing = options.dedupe_max_ids;
    let mut wanted = Vec::new();
    for segment in segments.iter().rev() {
        if missing == 0 || segment.table().newest < horizon {
            continue;
        }
        missing = missing.saturating_sub(segment.table().ids.len());
        wanted.push(segment);
    }
    for segment in wanted.iter().rev() {
        let table = segment.table();
        let mut ids = table.ids.clone();
        ids.sort_unstable_by_key(table::Id::number);
        // A repeated record must not keep its id known for longer.
        for id in ids.into_iter().filter(|id| !id.is_redelivery()) {
            let block = table.blocks.get((id.number() / BLOCK) as usize);
            dedupe.insert(id.hash, block.map_or(table.newest, |block| block.newest));
        }
        dedupe.expire(now.as_microsecond());
    }
    Ok(dedupe)
}
