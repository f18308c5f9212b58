//! The default engine: a segmented append-only log in a directory of its own.
//!
//! A group becomes durable by one write and one sync into space that is allocated ahead; reads come from memory or from
//! disk and never wait for a commit. Positions may have gaps where records were erased or could not be read. One process at
//! a time; whoever opens the journal holds the lock. Never knows a destination beyond its name.
//!
//! ```text
//! DIR/00000000000000000000.log  records   .idx  ids, times and offsets of a sealed segment   next.tmp  the next segment
//! DIR/dropped                   DIR/cursors/NAME.cursor .synced   DIR/dead/*.ndjson   DIR/rejected/*.ndjson
//! DIR/orders/NAME.json          DIR/attempts/*.ndjson         DIR/fates/*.ndjson
//! ```

#[cfg(feature = "kafka")]
pub(super) mod alone;
mod attempts;
mod batch;
mod codec;
mod cursors;
mod dedupe;
mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod letters;
mod lines;
mod log;
#[doc(hidden)]
pub mod measured;
mod orders;
mod phrases;
mod recovery;
mod redact;
#[cfg(test)]
mod redelivery_tests;
mod room;
mod scan;
mod segment;
mod table;
mod tail;
#[cfg(test)]
mod tests;
mod walk;
mod worker;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use self::attempts::Notes;
use self::cursors::Cursors;
#[cfg(feature = "kafka")]
pub(super) use self::dedupe::Dedupe;
use self::letters::Letters;
use self::lines::Lines;
use self::log::Log;
use self::orders::OrderFiles;
use self::worker::Worker;
use self::writer::Writer;
use super::{
    Appended, Cursor, DeadLetter, Dropped, Extent, Journal, JournalError, Letter, LetterCounts, LetterFilter,
    LetterId, LetterPage, Note, Orders, PageLimit, Position, ReadLimit, Record, RejectedPage, Walk, render,
};
use crate::spec::{Event, People, Rejected};

const SMALLEST_SEGMENT: u64 = 64 << 10;
const LARGEST_SEGMENT: u64 = 64 << 20;
/// Rejected events are kept to 64 MiB: they are an operator's help, not data.
const REJECTED_FILES: usize = 4;

/// How the journal is kept.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where its files are; created when missing.
    pub dir: PathBuf,
    /// Whether an append waits for `fdatasync`.
    pub fsync: bool,
    /// Most bytes of the log, allocated space included. Cursors, dead letters, rejected events and notes of attempts come on
    /// top.
    pub max_bytes: u64,
    /// Whether the oldest records go when there is no room, settled or not; otherwise an append is refused.
    pub drop_oldest: bool,
    /// How long settled records are kept.
    pub retention: Duration,
    /// How long a message id is remembered; zero switches it off.
    pub dedupe_window: Duration,
    /// How many are remembered at most; zero switches it off.
    pub dedupe_max_ids: usize,
    /// Most bytes of events kept in memory.
    pub tail_bytes: usize,
}

impl Options {
    /// Returns the usual size of a segment: an eighth of `max_bytes`, between 64 KiB and 64 MiB. A larger group gets a
    /// segment of its own size.
    pub fn segment_bytes(&self) -> u64 {
        (self.max_bytes / 8).clamp(SMALLEST_SEGMENT, LARGEST_SEGMENT)
    }
}

/// The log in a directory.
#[derive(Debug)]
pub struct EmbeddedJournal {
    // The worker goes first: it finishes its jobs before the rest is dropped.
    worker: Worker,
    log: Arc<Log>,
    writer: Mutex<Writer>,
    cursors: Cursors,
    dead: Letters,
    rejected: Lines,
    orders: OrderFiles,
    notes: Notes,
}

impl EmbeddedJournal {
    /// Opens the journal, or begins one. `now` bounds the window of remembered ids.
    ///
    /// # Errors
    /// `Io`, and `Full` when not even small files can be created. A torn tail or a damaged index is repaired.
    pub fn open(options: Options, now: Timestamp) -> Result<EmbeddedJournal, JournalError> {
        let sub = |name: &str| options.dir.join(name);
        let (cursors, dead, rejected) = (sub("cursors"), sub("dead"), sub("rejected"));
        let orders = sub("orders");
        for dir in [&cursors, &dead, &rejected, &orders] {
            files::make_dir(dir)?;
        }
        let cursors = Cursors::new(cursors);
        let orders = OrderFiles::new(orders);
        let dead = Letters::open(dead)?;
        let rejected = Lines::open(rejected, REJECTED_FILES)?;
        let notes = Notes::open(&options)?;
        let (log, writer) = recovery::open(options, &cursors, now)?;
        let log = Arc::new(log);
        let worker = Worker::start(Arc::clone(&log));
        let writer = Mutex::new(writer);
        Ok(EmbeddedJournal { worker, log, writer, cursors, dead, rejected, orders, notes })
    }

    /// Returns how many bytes dead letters take. They are bounded by their retention alone.
    ///
    /// # Errors
    /// `Io`.
    pub fn dead_letter_bytes(&self) -> Result<u64, JournalError> {
        self.dead.bytes()
    }

    /// Keeps letters that other routers have too: lines without their line feeds, durably. Returns where each one is.
    ///
    /// # Errors
    /// `Io` and `Full`; none of them is kept.
    #[cfg(feature = "kafka")]
    pub(in crate::journal) fn keep_letters(&self, lines: &[Vec<u8>]) -> Result<Vec<LetterId>, JournalError> {
        self.dead.keep(lines)
    }

    /// Returns the line of a letter as it was kept; `None` when it was taken out.
    ///
    /// # Errors
    /// `Io`.
    #[cfg(feature = "kafka")]
    pub(in crate::journal) fn letter_line(&self, id: LetterId) -> Result<Option<Vec<u8>>, JournalError> {
        self.dead.line(id)
    }

    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Journal for EmbeddedJournal {
    fn append(&self, events: Vec<Arc<Event>>) -> Result<Appended, JournalError> {
        self.writer().append(&self.log, &self.worker, events)
    }

    fn prepare(&self) -> Result<(), JournalError> {
        self.writer().prepare(&self.log, &self.worker)
    }

    fn read(&self, from: Position, limit: ReadLimit) -> Result<Vec<Record>, JournalError> {
        match self.log.tail_read(from, limit) {
            Some(records) => Ok(records),
            None => self.log.read(from.0, limit),
        }
    }

    fn tail(&self, from: Position, limit: ReadLimit) -> Option<Vec<Record>> {
        self.log.tail_read(from, limit)
    }

    fn extent(&self) -> Extent {
        self.log.extent()
    }

    fn dropped(&self) -> Vec<Dropped> {
        self.log.room.dropped()
    }

    fn bytes_since(&self, from: Position) -> u64 {
        self.log.bytes_since(from.0)
    }

    fn find(&self, message_id: &str) -> Result<Option<Record>, JournalError> {
        self.log.find(message_id)
    }

    fn history(&self, message_id: &str) -> Result<Vec<Record>, JournalError> {
        self.log.history(message_id)
    }

    fn position_at(&self, at: Timestamp) -> Result<Position, JournalError> {
        self.log.position_at(at)
    }

    fn erase(&self, positions: &[Position]) -> Result<u64, JournalError> {
        let mut positions: Vec<u64> = positions.iter().map(|position| position.0).collect();
        positions.sort_unstable();
        positions.dedup();
        self.writer().seal_for(&positions, &self.log, &self.worker)?;
        self.log.erase(&positions)
    }

    fn redact(&self, people: &People) -> Result<u64, JournalError> {
        let seeker = redact::seeker(people)?;
        let gone = self.dead.redact(&seeker)? + self.rejected.redact(&mut redact::of_rejected(&seeker))?;
        self.notes.redact(&seeker)?;
        Ok(gone)
    }

    fn retain(&self, floor: Position, now: Timestamp) -> Result<u64, JournalError> {
        let gone = self.log.retain(floor.0, now)?;
        self.notes.retain(self.log.extent().first)?;
        Ok(gone)
    }

    fn cursor(&self, destination: &str) -> Result<Option<Cursor>, JournalError> {
        self.cursors.load(destination, self.extent().first)
    }

    fn commit(&self, destination: &str, cursor: &Cursor) -> Result<(), JournalError> {
        self.cursors.store(destination, cursor)
    }

    fn forget(&self, destination: &str) -> Result<(), JournalError> {
        self.cursors.remove(destination)
    }

    fn orders(&self, destination: &str) -> Result<Orders, JournalError> {
        self.orders.load(destination)
    }

    fn give_orders(&self, destination: &str, orders: &Orders) -> Result<(), JournalError> {
        self.orders.store(destination, orders)
    }

    fn bury(&self, letters: &[DeadLetter]) -> Result<(), JournalError> {
        self.dead.bury(letters)
    }

    fn letters(
        &self,
        filter: &LetterFilter,
        walk: Walk,
        limit: PageLimit,
    ) -> Result<LetterPage, JournalError> {
        self.dead.page(filter, walk, limit)
    }

    fn letters_end(&self) -> LetterId {
        self.dead.end()
    }

    fn take_out(&self, letters: &[Letter]) -> Result<u64, JournalError> {
        self.dead.take_out(letters)
    }

    fn expire_letters(&self, before: Timestamp) -> Result<LetterCounts, JournalError> {
        self.dead.expire(before)
    }

    fn letter_counts(&self) -> LetterCounts {
        self.dead.counts()
    }

    fn note(&self, notes: &[Note]) -> Result<(), JournalError> {
        self.notes.append(notes)
    }

    fn notes_about(&self, position: Position) -> Result<Vec<Note>, JournalError> {
        self.notes.about(position)
    }

    fn keep_rejected(&self, rejected: &[Rejected]) -> Result<(), JournalError> {
        self.rejected.append(&rendered(render::rejected(rejected))?, false).map(drop)
    }

    fn rejected(&self, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError> {
        self.rejected.page(limit, cursor)
    }

    fn close(&self) -> Result<(), JournalError> {
        self.writer().sync()?;
        self.cursors.close()?;
        self.rejected.sync()
    }
}

/// Lists the dead letters of a journal that nobody has open, newest first, without changing anything.
///
/// # Errors
/// `Io`; a directory that is not there has no letters.
pub fn letters_of(
    dir: &Path,
    filter: &LetterFilter,
    from: Option<LetterId>,
    limit: PageLimit,
) -> Result<LetterPage, JournalError> {
    let dir = dir.join("dead");
    letters::page(&dir, &numbers_of(&dir)?, (filter, Walk::Back(from), limit))
}

/// Lists the rejected events of a journal that nobody has open, newest first, without changing anything.
///
/// # Errors
/// `Io`; a directory that is not there has none.
pub fn rejected_of(dir: &Path, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError> {
    let dir = dir.join("rejected");
    lines::page(&dir, &numbers_of(&dir)?, limit, cursor)
}

fn numbers_of(dir: &Path) -> Result<Vec<u64>, JournalError> {
    match dir.try_exists() {
        Ok(false) => Ok(Vec::new()),
        _ => walk::numbers(dir),
    }
}

fn rendered(lines: serde_json::Result<Vec<u8>>) -> Result<Vec<u8>, JournalError> {
    let context = "could not write a line of JSON".to_owned();
    lines.map_err(|error| JournalError::Io { context, source: error.into() })
}
