//! One segment: a log file, its table, and once sealed its index file.
//!
//! Separate so that lookups within a segment do not know of the others. The lock on the table is never held over I/O.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::batch::Batch;
use super::codec::{self, IdHash};
use super::files::{self, failed};
use super::scan::Scanner;
use super::table::{self, ID_BYTES, Table};
use crate::journal::JournalError;

/// Below this many index entries one read is cheaper than further steps.
const LAST_STEP: u64 = 256;

/// A run of records that begins at `first`.
#[derive(Debug)]
pub(super) struct Segment {
    /// The position of the first record.
    pub(super) first: u64,
    /// The log file.
    pub(super) path: PathBuf,
    /// No record will be added.
    pub(super) sealed: AtomicBool,
    /// The ids are in the index file and not in the table.
    pub(super) indexed: AtomicBool,
    /// Given up: its files are gone or going.
    pub(super) gone: AtomicBool,
    /// Bytes of its files.
    pub(super) disk: AtomicU64,
    table: RwLock<Table>,
    /// Held while the index file is written, so that an erasure and the sealing do not overwrite each other.
    indexing: Mutex<()>,
    /// Held by whoever reads records, and alone by whoever overwrites one: nobody sees half of both.
    pub(super) steady: RwLock<()>,
}

impl Segment {
    /// Makes the segment of a log file of `disk` bytes.
    pub(super) fn new(dir: &Path, first: u64, table: Table, disk: u64) -> Self {
        Segment {
            first,
            path: log_path(dir, first),
            sealed: AtomicBool::new(false),
            indexed: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            disk: AtomicU64::new(disk),
            table: RwLock::new(table),
            indexing: Mutex::new(()),
            steady: RwLock::new(()),
        }
    }

    /// Returns the table for a short look.
    pub(super) fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the table for a short change.
    pub(super) fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the position after the last record.
    pub(super) fn next(&self) -> u64 {
        self.first + self.table().count
    }

    /// Returns the index file's path.
    pub(super) fn index_path(&self) -> PathBuf {
        self.path.with_extension("idx")
    }

    /// Writes the index file, cuts the log to its records and lets go of the ids in memory.
    pub(super) fn write_index(&self) -> Result<(), JournalError> {
        let _indexing = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.indexed.load(Ordering::Acquire) {
            return Ok(());
        }
        let mut table = self.table().clone();
        table.ids.sort_unstable();
        let bytes = table.to_bytes(self.first);
        files::replace(&self.index_path(), &bytes, true)?;
        let log = files::open(&self.path)?;
        log.set_len(table.end).map_err(failed("truncate", &self.path))?;
        let disk = table.end + bytes.len() as u64;
        let mut table = self.table_mut();
        table.ids = Vec::new();
        self.indexed.store(true, Ordering::Release);
        self.disk.store(disk, Ordering::Relaxed);
        Ok(())
    }

    /// Removes both files.
    pub(super) fn delete(&self) -> Result<(), JournalError> {
        self.gone.store(true, Ordering::Release);
        files::remove(&self.index_path())?;
        files::remove(&self.path)
    }

    /// Adds the records from `from` on to `batch` until it is full or the segment ends.
    pub(super) fn read_into(&self, file: &File, from: u64, batch: &mut Batch) -> Result<(), JournalError> {
        let wanted = from.saturating_sub(self.first);
        let _steady = self.steady();
        let Some((mut scanner, start, count)) = self.scanner(file, wanted, batch.chunk()) else {
            return Ok(());
        };
        for record in start..count {
            let position = self.first + record;
            let Some(bytes) = scanner.claim()? else { return batch.damaged(position, &self.path) };
            let len = bytes.len();
            let asked = record >= wanted;
            if asked && !batch.fits(len) {
                return Ok(());
            }
            if asked && batch.add(position, bytes).is_none() {
                return batch.damaged(position, &self.path);
            }
            scanner.pass(len);
        }
        Ok(())
    }

    /// Returns the newest record with this hash.
    pub(super) fn find(&self, hash: &IdHash) -> Result<Option<u64>, JournalError> {
        let blocks = {
            let table = self.table();
            if !self.indexed.load(Ordering::Acquire) {
                return Ok(table.find(hash).map(|record| self.first + record));
            }
            table.blocks.len()
        };
        let path = self.index_path();
        let file = File::open(&path).map_err(failed("open", &path))?;
        let bytes = file.metadata().map_err(failed("inspect", &path))?.len();
        let start = table::ids_offset(blocks);
        let (mut low, mut high) = (0, bytes.saturating_sub(start + 4) / ID_BYTES as u64);
        while high - low > LAST_STEP {
            let middle = low.midpoint(high);
            let entry = ids_at(&file, &path, start, middle..middle + 1)?;
            match entry.first() {
                Some(id) if id.hash <= *hash => low = middle,
                _ => high = middle,
            }
        }
        // The newest of equal hashes sorts last, so the entry that was last seen as not greater is still in the range.
        let ids = ids_at(&file, &path, start, low..high)?;
        let hit = ids.iter().rev().find(|id| id.hash == *hash);
        Ok(hit.map(|id| self.first + id.number()))
    }

    /// Returns every record with this hash, oldest first.
    pub(super) fn find_all(&self, hash: &IdHash) -> Result<Vec<u64>, JournalError> {
        let Some(newest) = self.find(hash)? else { return Ok(Vec::new()) };
        if !self.indexed.load(Ordering::Acquire) {
            let found = self.table().find_all(hash);
            // Sealed in the meantime: its ids are on disk now.
            if !found.is_empty() {
                return Ok(found.into_iter().map(|record| self.first + record).collect());
            }
        }
        let mut found = self.find_in_index(hash)?;
        if found.is_empty() {
            found.push(newest);
        }
        Ok(found)
    }

    /// Reads the whole index file: records that repeat others are rare, and so is the wish to see them.
    fn find_in_index(&self, hash: &IdHash) -> Result<Vec<u64>, JournalError> {
        let path = self.index_path();
        let bytes = std::fs::read(&path).map_err(failed("read", &path))?;
        let damaged = || JournalError::Damaged(format!("index `{}`", path.display()));
        let table = Table::from_bytes(&bytes, self.first).ok_or_else(damaged)?;
        Ok(table.find_all(hash).into_iter().map(|record| self.first + record).collect())
    }

    /// Returns the position of the first record received at or after `at` microseconds.
    pub(super) fn position_at(&self, file: &File, at: i64) -> Result<Option<u64>, JournalError> {
        let Some(block) = self.table().block_at_time(at) else { return Ok(None) };
        let _steady = self.steady();
        let Some((mut scanner, start, count)) = self.scanner(file, block, 64 << 10) else { return Ok(None) };
        for record in start..count {
            let position = self.first + record;
            let Some((len, summary)) = scanner.next(position)? else { return Ok(Some(position)) };
            if summary.is_some_and(|summary| summary.received_at >= at) {
                return Ok(Some(position));
            }
            scanner.pass(len);
        }
        Ok(None)
    }

    /// Overwrites records and forgets their ids; the segment is sealed and the positions are its own, in order. A record that was
    /// overwritten in part before is overwritten like any other: its length is where it always was. Returns how many lie behind
    /// a damage that hides where they begin: readers do not find them either.
    pub(super) fn erase(&self, file: &File, positions: &[u64]) -> Result<u64, JournalError> {
        // A start that finds no index reads the records, and would stop at one that is overwritten in part.
        self.write_index()?;
        let blanks = self.blanks(file, positions)?;
        let lost = positions.len().saturating_sub(blanks.len()) as u64;
        for (offset, blank) in blanks {
            let _alone = self.steady.write().unwrap_or_else(PoisonError::into_inner);
            files::write_at(file, &blank, offset).map_err(failed("write", &self.path))?;
        }
        file.sync_data().map_err(failed("sync", &self.path))?;
        self.forget(positions)?;
        Ok(lost)
    }

    /// Returns what to write, and where. What cannot be found in one block hides nothing of the next.
    fn blanks(&self, file: &File, positions: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
        let mut blanks = Vec::with_capacity(positions.len());
        for wanted in positions.chunk_by(|one, next| self.block_number(*one) == self.block_number(*next)) {
            blanks.extend(self.blanks_of_block(file, wanted)?);
        }
        Ok(blanks)
    }

    fn block_number(&self, position: u64) -> u64 {
        position.saturating_sub(self.first) / table::BLOCK
    }

    /// Only when every length in a block is right does the last record end where the next block begins. When one is not, what
    /// lies behind it may be others', so that only a record whose checksum holds is known to be the one that is wanted.
    fn blanks_of_block(&self, file: &File, wanted: &[u64]) -> Result<Vec<(u64, Vec<u8>)>, JournalError> {
        let number = wanted.first().map_or(0, |position| self.block_number(*position));
        let (records, bytes) = {
            let table = self.table();
            let Some((begin, start)) = table.block_of(number * table::BLOCK) else { return Ok(Vec::new()) };
            let next = start + table::BLOCK;
            let end = table.block_of(next).map_or(table.end, |(offset, _)| offset);
            (start..next.min(table.count), begin..end)
        };
        let end = bytes.end;
        let mut scanner = Scanner::new(file, &self.path, bytes, 1 << 20);
        let mut found = Vec::with_capacity(wanted.len());
        for position in records.map(|record| self.first + record) {
            let offset = scanner.offset;
            let Some(bytes) = scanner.claim()? else { break };
            let len = bytes.len();
            if wanted.binary_search(&position).is_ok() {
                found.push((position, offset, bytes.to_vec()));
            }
            scanner.pass(len);
        }
        let is_whole = scanner.offset == end;
        let theirs = found.into_iter().filter_map(|(position, offset, mut record)| {
            let is_it = is_whole || codec::check(&record, position).is_some();
            is_it.then(|| codec::erase(&mut record, position)).flatten().map(|()| (offset, record))
        });
        Ok(theirs.collect())
    }

    fn forget(&self, positions: &[u64]) -> Result<(), JournalError> {
        let stays = |id: &table::Id| positions.binary_search(&(self.first + id.number())).is_err();
        let _indexing = self.indexing.lock().unwrap_or_else(PoisonError::into_inner);
        self.table_mut().ids.retain(stays);
        let path = self.index_path();
        let bytes = std::fs::read(&path).map_err(failed("read", &path))?;
        let Some(mut table) = Table::from_bytes(&bytes, self.first) else {
            // Nothing is found by it, and the next start makes it anew from the records.
            tracing::error!(index = %path.display(), "an index of the journal is damaged, and nothing was taken out of it");
            return Ok(());
        };
        table.ids.retain(stays);
        files::replace(&path, &table.to_bytes(self.first), true)
    }

    fn steady(&self) -> RwLockReadGuard<'_, ()> {
        self.steady.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a scanner at the block that holds `record`, the block's first record and the number of records.
    fn scanner<'a>(&'a self, file: &'a File, record: u64, chunk: usize) -> Option<(Scanner<'a>, u64, u64)> {
        let table = self.table();
        let (offset, start) = table.block_of(record)?;
        Some((Scanner::new(file, &self.path, offset..table.end, chunk), start, table.count))
    }
}

/// Returns the path of the log file that begins at `first`.
pub(super) fn log_path(dir: &Path, first: u64) -> PathBuf {
    dir.join(format!("{first:020}.log"))
}

/// Shared by everyone who reads or writes it.
pub(super) type Shared = Arc<Segment>;

fn ids_at(
    file: &File,
    path: &Path,
    start: u64,
    range: std::ops::Range<u64>,
) -> Result<Vec<table::Id>, JournalError> {
    let mut bytes = vec![0; (range.end - range.start) as usize * ID_BYTES];
    let read = files::read_at(file, &mut bytes, start + range.start * ID_BYTES as u64);
    bytes.truncate(read.map_err(failed("read", path))?);
    Ok(bytes.chunks_exact(ID_BYTES).filter_map(table::id_from).collect())
}
