//! The log as everyone sees it: the list of segments, the hot tail, the space it takes.
//!
//! Separate from the writer so that reads never wait for a commit. Locks are short; none is held over I/O.

use std::collections::VecDeque;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use jiff::Timestamp;

use super::Options;
use super::batch::Batch;
use super::codec;
use super::files;
use super::room::Room;
use super::segment::{Segment, Shared};
use super::tail::Tail;
use crate::journal::{Extent, JournalError, Position, ReadLimit, Record};

/// Log files kept open for reading.
const OPEN_FILES: usize = 64;

/// An allocated file that waits to become the next segment.
#[derive(Debug)]
pub(super) struct Spare {
    /// Its file.
    pub(super) file: File,
    /// Bytes allocated.
    pub(super) bytes: u64,
}

/// What appends, reads and housekeeping share.
#[derive(Debug)]
pub(super) struct Log {
    /// As opened.
    pub(super) options: Options,
    segments: RwLock<Vec<Shared>>,
    next: AtomicU64,
    tail: RwLock<Tail>,
    open: Mutex<VecDeque<(u64, Arc<File>)>>,
    /// The file prepared for the next segment.
    pub(super) spare: Mutex<Option<Spare>>,
    spare_bytes: AtomicU64,
    /// What every destination has settled, as last told.
    floor: AtomicU64,
    /// The disk itself was full: give up settled segments although `max_bytes` is not reached.
    starved: AtomicBool,
    /// What was dropped for want of room.
    pub(super) room: Room,
}

impl Log {
    /// Makes the log of what recovery found.
    pub(super) fn new(options: Options, segments: Vec<Shared>, next: u64) -> Self {
        let room = Room::open(&options.dir);
        let tail = RwLock::new(Tail::new(next, options.tail_bytes));
        Log {
            options,
            segments: RwLock::new(segments),
            next: AtomicU64::new(next),
            tail,
            open: Mutex::default(),
            spare: Mutex::default(),
            spare_bytes: AtomicU64::new(0),
            floor: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            room,
        }
    }

    /// Returns the position of the next record.
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Makes a durable group visible.
    pub(super) fn publish(&self, group: Vec<Record>, next: u64) {
        self.tail_mut().push(group, next);
        self.next.store(next, Ordering::Release);
    }

    /// Adds a new last segment.
    pub(super) fn add(&self, segment: Shared) {
        self.list_mut().push(segment);
    }

    /// Takes a segment without records out of the list again.
    pub(super) fn drop_empty(&self, segment: &Segment) -> Result<(), JournalError> {
        self.list_mut().retain(|known| known.first != segment.first);
        self.close_file(segment.first);
        segment.delete()
    }

    /// Remembers or forgets how many bytes the prepared file takes.
    pub(super) fn set_spare_bytes(&self, bytes: u64) {
        self.spare_bytes.store(with_index(bytes), Ordering::Relaxed);
    }

    /// Returns the path of the prepared file.
    pub(super) fn spare_path(&self) -> PathBuf {
        self.options.dir.join("next.tmp")
    }

    /// Returns what the journal holds.
    pub(super) fn extent(&self) -> Extent {
        let next = self.next();
        let list = self.list();
        let oldest = list.iter().find(|segment| segment.table().count > 0).map_or(next, |found| found.first);
        Extent {
            first: Position(oldest.min(next)),
            next: Position(next),
            bytes: self.used(&list),
            max_bytes: self.options.max_bytes,
            dropped: self.room.below(),
        }
    }

    /// Returns about how many bytes of records lie at or after `from`.
    pub(super) fn bytes_since(&self, from: u64) -> u64 {
        let size = |segment: &Shared| {
            let table = segment.table();
            let start = match from.checked_sub(segment.first) {
                None => 0,
                Some(record) => table.block_of(record).map_or(table.end, |(offset, _)| offset),
            };
            table.end - start
        };
        if from >= self.next() { 0 } else { self.list().iter().map(size).sum() }
    }

    /// Reads from memory alone.
    pub(super) fn tail_read(&self, from: Position, limit: ReadLimit) -> Option<Vec<Record>> {
        self.tail.read().unwrap_or_else(PoisonError::into_inner).read(from, limit)
    }

    /// Reads from disk.
    pub(super) fn read(&self, from: u64, limit: ReadLimit) -> Result<Vec<Record>, JournalError> {
        let mut batch = Batch::new(limit);
        for segment in self.segments_from(from) {
            if segment.next() <= from {
                continue;
            }
            match self.file(&segment).and_then(|file| segment.read_into(&file, from, &mut batch)) {
                Err(_) if segment.gone.load(Ordering::Acquire) => {}
                result => result?,
            }
            if batch.full {
                break;
            }
        }
        Ok(batch.records)
    }

    /// Returns the newest record with this message id.
    pub(super) fn find(&self, message_id: &str) -> Result<Option<Record>, JournalError> {
        let hash = codec::id_hash(message_id);
        let segments: Vec<Shared> = self.list().iter().rev().map(Arc::clone).collect();
        for segment in segments {
            let Some(position) = segment.find(&hash)? else { continue };
            let one = ReadLimit { records: 1, bytes: 0 };
            let found = self.read(position, one)?.into_iter().next();
            let same = |record: &Record| *record.event.head.message_id == *message_id;
            if let Some(record) = found.filter(same) {
                return Ok(Some(record));
            }
        }
        Ok(None)
    }

    /// Returns every record with this message id, newest first.
    pub(super) fn history(&self, message_id: &str) -> Result<Vec<Record>, JournalError> {
        let hash = codec::id_hash(message_id);
        let segments: Vec<Shared> = self.list().iter().rev().map(Arc::clone).collect();
        let mut found = Vec::new();
        for segment in segments {
            for position in segment.find_all(&hash)?.into_iter().rev() {
                let one = ReadLimit { records: 1, bytes: 0 };
                let read = self.read(position, one)?.into_iter().next();
                found.extend(read.filter(|record| record.position.0 == position));
            }
        }
        found.retain(|record: &Record| *record.event.head.message_id == *message_id);
        Ok(found)
    }

    /// Returns the position of the first record received at or after `at`.
    pub(super) fn position_at(&self, at: Timestamp) -> Result<Position, JournalError> {
        let micros = i64::try_from((at.as_nanosecond() + 999).div_euclid(1_000)).unwrap_or(i64::MAX);
        for segment in self.segments_from(0) {
            if segment.table().newest < micros {
                continue;
            }
            if let Some(position) = segment.position_at(&*self.file(&segment)?, micros)? {
                return Ok(Position(position));
            }
        }
        Ok(Position(self.next()))
    }

    /// Overwrites records of sealed segments; the positions are sorted. Returns how many could not be found for damage.
    pub(super) fn erase(&self, positions: &[u64]) -> Result<u64, JournalError> {
        let mut lost = 0;
        let segments: Vec<Shared> = self.list().iter().map(Arc::clone).collect();
        for segment in segments {
            let place = |position: u64| positions.partition_point(|known| *known < position);
            let own = positions.get(place(segment.first)..place(segment.next())).unwrap_or_default();
            if own.is_empty() {
                continue;
            }
            match self.file(&segment).and_then(|file| segment.erase(&file, own)) {
                Err(_) if segment.gone.load(Ordering::Acquire) => {}
                result => lost += result?,
            }
        }
        let mut tail = self.tail_mut();
        positions.iter().for_each(|position| tail.remove(*position));
        Ok(lost)
    }

    /// Gives up segments below `floor` that are older than the retention, or the oldest while space is short.
    pub(super) fn retain(&self, floor: u64, now: Timestamp) -> Result<u64, JournalError> {
        self.floor.store(floor, Ordering::Release);
        let old = now.as_microsecond().saturating_sub(micros(self.options.retention));
        let held = self.spare_bytes.load(Ordering::Relaxed);
        let wanted = with_index(self.options.segment_bytes()).saturating_sub(held);
        let starved = self.starved.swap(false, Ordering::AcqRel);
        // The last segment stays: its name tells the next start where the positions go on.
        self.give_up(1, floor, |segment, used, gone| {
            let short = used + wanted > self.options.max_bytes || (starved && gone == 0);
            segment.table().newest < old || short
        })
    }

    /// Makes room for a file of `bytes`, giving up settled segments when that helps, and then the oldest of the others
    /// where that is wanted. Nothing is dropped for a file that would not fit into an empty journal either.
    pub(super) fn make_room(&self, bytes: u64) -> Result<(), JournalError> {
        let (max, bytes) = (self.options.max_bytes, with_index(bytes));
        self.give_up(0, self.floor(), |_, used, _| used + bytes > max)?;
        if self.options.drop_oldest && bytes <= max {
            self.drop_oldest(0, |used, _| used + bytes > max)?;
        }
        let used = self.used(&self.list());
        if used + bytes > max {
            return Err(JournalError::Full(format!("{used} of {max} bytes used, {bytes} more needed")));
        }
        Ok(())
    }

    /// Returns whether a file of `bytes` fits without giving anything up.
    pub(super) fn has_room(&self, bytes: u64) -> bool {
        self.used(&self.list()) + with_index(bytes) <= self.options.max_bytes
    }

    /// Remembers that the disk refused space.
    pub(super) fn note_starved(&self, error: &JournalError) {
        if matches!(error, JournalError::Full(_)) {
            self.starved.store(true, Ordering::Release);
        }
    }

    /// Makes room on a disk that is full below `max_bytes`: gives up the oldest segment, where that is wanted and it is not
    /// the last. Returns whether there was one.
    pub(super) fn make_room_on_disk(&self) -> Result<bool, JournalError> {
        if self.give_up(1, self.floor(), |_, _, gone| gone == 0)? > 0 {
            return Ok(true);
        }
        Ok(self.options.drop_oldest && self.drop_oldest(1, |_, gone| gone == 0)? > 0)
    }

    /// Gives up the oldest segments whether or not they are settled, while `due` says so of the bytes used and the segments
    /// gone.
    fn drop_oldest(&self, keep: usize, due: impl Fn(u64, u64) -> bool) -> Result<u64, JournalError> {
        let gone = self.take_sealed(keep, u64::MAX, |segment, used, gone| {
            let due = due(used, gone);
            if due {
                self.room.raise(segment.next());
            }
            due
        });
        let (Some(oldest), Some(newest)) = (gone.first(), gone.last()) else { return Ok(0) };
        self.room.note(oldest.first, newest.next());
        let removed = self.remove(&gone);
        self.room.write_down();
        removed
    }

    fn floor(&self) -> u64 {
        self.floor.load(Ordering::Acquire)
    }

    /// Gives up sealed segments that lie wholly below `floor`, oldest first; returns how many records went.
    fn give_up(
        &self,
        keep: usize,
        floor: u64,
        due: impl Fn(&Segment, u64, u64) -> bool,
    ) -> Result<u64, JournalError> {
        self.remove(&self.take_sealed(keep, floor, due))
    }

    fn remove(&self, gone: &[Shared]) -> Result<u64, JournalError> {
        for segment in gone {
            self.close_file(segment.first);
            segment.delete()?;
        }
        if !gone.is_empty() {
            files::sync_dir(&self.options.dir)?;
        }
        Ok(gone.iter().map(|segment| segment.table().count).sum())
    }

    fn take_sealed(&self, keep: usize, floor: u64, due: impl Fn(&Segment, u64, u64) -> bool) -> Vec<Shared> {
        let mut gone = Vec::new();
        let mut list = self.list_mut();
        while let Some(oldest) = list.first().filter(|_| list.len() > keep) {
            let settled = oldest.sealed.load(Ordering::Acquire) && oldest.next() <= floor;
            if !settled || !due(oldest, self.used(&list), gone.len() as u64) {
                break;
            }
            gone.push(list.remove(0));
        }
        gone
    }

    fn used(&self, list: &[Shared]) -> u64 {
        let size = |segment: &Shared| {
            let disk = segment.disk.load(Ordering::Relaxed);
            if segment.indexed.load(Ordering::Acquire) { disk } else { with_index(disk) }
        };
        let files: u64 = list.iter().map(size).sum();
        files + self.spare_bytes.load(Ordering::Relaxed)
    }

    fn segments_from(&self, from: u64) -> Vec<Shared> {
        let list = self.list();
        let after = list.partition_point(|segment| segment.first <= from);
        list.get(after.saturating_sub(1)..).unwrap_or_default().to_vec()
    }

    fn file(&self, segment: &Segment) -> Result<Arc<File>, JournalError> {
        let known =
            self.open_files().iter().find(|(first, _)| *first == segment.first).map(|f| Arc::clone(&f.1));
        if let Some(file) = known {
            return Ok(file);
        }
        let file = Arc::new(files::open(&segment.path)?);
        let mut open = self.open_files();
        if open.len() >= OPEN_FILES {
            open.pop_front();
        }
        open.push_back((segment.first, Arc::clone(&file)));
        Ok(file)
    }

    fn close_file(&self, first: u64) {
        self.open_files().retain(|(open, _)| *open != first);
    }

    fn open_files(&self) -> std::sync::MutexGuard<'_, VecDeque<(u64, Arc<File>)>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tail_mut(&self) -> RwLockWriteGuard<'_, Tail> {
        self.tail.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn list(&self) -> RwLockReadGuard<'_, Vec<Shared>> {
        self.segments.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn list_mut(&self) -> RwLockWriteGuard<'_, Vec<Shared>> {
        self.segments.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the bytes of a log file with room for its index, which takes a sixteenth with records of 320 bytes.
fn with_index(bytes: u64) -> u64 {
    bytes + bytes / 16
}

/// Returns a duration in microseconds, as many as fit.
pub(super) fn micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
