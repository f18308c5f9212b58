//! Durability and order: the log that every accepted event is in before anyone is told so, and what each destination has
//! done with it.
//!
//! Everything above the [`Journal`] trait is the same for every engine. Calls block: the writer runs `append` off the
//! actor threads, deliveries look into the hot tail first. Never knows a destination beyond its name.

pub mod attempts;
pub mod embedded;
pub mod erasure;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod follow;
#[cfg(feature = "kafka")]
pub mod kafka;
mod letter_line;
pub mod letters;
pub mod memory;
mod orders;
mod render;
pub mod replay;
pub mod timeline;
pub mod trace;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::spec::{Event, People, Rejected};

pub use attempts::Note;
pub use embedded::{EmbeddedJournal, Options};
pub use follow::{Begins, Follower, Served};
#[cfg(feature = "kafka")]
pub use kafka::KafkaJournal;
pub use letters::{
    Letter, LetterCounts, LetterFilter, LetterId, LetterKey, LetterList, LetterPage, PageLimit, Walk,
};
pub use memory::MemoryJournal;
pub use orders::{Orders, ReplayOrder};
pub use replay::{Looked, NoPortion, Passage, PassageReader, Portion, Wanted};

/// The place of a record in the journal: 0, 1, 2, … in the order of acknowledgement. Never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Position(pub u64);

/// An event with a durable position.
#[derive(Debug, Clone)]
pub struct Record {
    /// Where it is.
    pub position: Position,
    /// What it is.
    pub event: Arc<Event>,
}

/// How much one read may return. At least one record is returned when there is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadLimit {
    /// Most records.
    pub records: usize,
    /// Most bytes of raw text.
    pub bytes: usize,
}

/// How far one destination has got.
///
/// Every position below `mark` is settled; so is every position in `settled` (sorted, disjoint, half-open ranges above
/// `mark`). All others wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor {
    /// The low-water mark.
    pub mark: Position,
    /// What is settled above it.
    pub settled: Vec<std::ops::Range<u64>>,
    /// Totals by fate (`delivered`, `skipped.REASON`, `dead.REASON`) since the destination exists.
    pub counts: BTreeMap<String, u64>,
}

/// What an append did with a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// For each event of the group: its position, or `None` for a duplicate within the window.
    pub positions: Vec<Option<Position>>,
    /// The places in the group of events that are larger than the journal can take: those are not stored.
    pub too_large: Vec<usize>,
    /// The position after the last record.
    pub next: Position,
    /// How long the commit took.
    pub took: std::time::Duration,
}

/// What the journal holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// The oldest record that is still there.
    pub first: Position,
    /// The position of the next record.
    pub next: Position,
    /// Bytes on disk, preallocated space included.
    pub bytes: u64,
    /// The most bytes it may take.
    pub max_bytes: u64,
    /// Below this position records were given up that somebody had not settled, because there was no room.
    pub dropped: Position,
}

/// Records that were given up because there was no room, settled or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropped {
    /// The first of them.
    pub first: Position,
    /// The position after the last.
    pub next: Position,
}

/// An event that a destination will never take, with the other side's reason.
#[derive(Debug, Clone)]
pub struct DeadLetter {
    /// Which destination.
    pub destination: String,
    /// Where the event is.
    pub position: Position,
    /// From the closed list.
    pub reason: &'static str,
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// The other side's words.
    pub answer: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was buried.
    pub at: Timestamp,
    /// The table that refused the row, where that is known.
    pub table: Option<String>,
    /// Statements that repair it, where some would.
    pub ddl: Option<String>,
    /// The event.
    pub event: Arc<Event>,
}

/// One page of rejected events, newest first.
#[derive(Debug, Clone, Default)]
pub struct RejectedPage {
    /// The stored lines, one JSON object each: `{message_id, source, code, message, path, at, event}`.
    pub rejected: Vec<Arc<serde_json::value::RawValue>>,
    /// Where the next page starts.
    pub next: Option<String>,
}

/// Why the journal could not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// `max_bytes` is reached, or the disk is full: refuse new events, keep what is there.
    #[error("the journal is full: {0}")]
    Full(String),
    /// The disk failed: stop accepting until an append works again.
    #[error("{context}: {source}")]
    Io {
        /// What was being done to which file.
        context: String,
        /// The system's word.
        source: std::io::Error,
    },
    /// Bytes that should be a record are not. Never at the torn tail, which is cut.
    #[error("the journal is damaged: {0}")]
    Damaged(String),
}

/// A durable log of events with a cursor per destination. Every method may block.
pub trait Journal: Send + Sync + 'static {
    /// Appends a group and returns when it is durable. Duplicates (by `message_id`, within the window and within the
    /// group) are not appended. Called by one thread at a time. After an error nothing of the group is in the log.
    ///
    /// # Errors
    /// `Full` and `Io`; the group may be tried again.
    fn append(&self, events: Vec<Arc<Event>>) -> Result<Appended, JournalError>;

    /// Makes room for the next record when there is none, without waiting for one.
    ///
    /// # Errors
    /// What an append would fail with.
    fn prepare(&self) -> Result<(), JournalError>;

    /// Returns records from `from` on, in order; empty when `from` is the end. Positions below the oldest record are
    /// skipped, and so are erased records: positions may have gaps.
    ///
    /// # Errors
    /// `Io`, and `Damaged` when the first record cannot be read; a read that starts at the position behind it goes on.
    fn read(&self, from: Position, limit: ReadLimit) -> Result<Vec<Record>, JournalError>;

    /// Like [`read`](Journal::read) from memory alone: `None` when `from` is not in the hot tail. Never blocks on disk.
    fn tail(&self, from: Position, limit: ReadLimit) -> Option<Vec<Record>>;

    /// Returns what the journal holds. Never blocks on disk.
    fn extent(&self) -> Extent;

    /// Returns what was dropped for want of room since this was last asked. Never blocks on disk.
    fn dropped(&self) -> Vec<Dropped>;

    /// Returns about how many bytes of records lie at or after `from`. Never blocks on disk.
    fn bytes_since(&self, from: Position) -> u64;

    /// Returns the newest record with this message id.
    ///
    /// # Errors
    /// `Io` and `Damaged`.
    fn find(&self, message_id: &str) -> Result<Option<Record>, JournalError>;

    /// Returns every record with this message id, newest first: as it was accepted, and as often as it was stored again.
    ///
    /// # Errors
    /// `Io` and `Damaged`.
    fn history(&self, message_id: &str) -> Result<Vec<Record>, JournalError>;

    /// Returns the position of the first record received at or after `at`.
    ///
    /// # Errors
    /// `Io` and `Damaged`.
    fn position_at(&self, at: Timestamp) -> Result<Position, JournalError>;

    /// Returns what there is of what is to be sent again. May take as long as brokers do to answer, less than a minute.
    ///
    /// # Errors
    /// See [`NoPortion`].
    fn portion(&self, wanted: &Wanted) -> Result<Portion, NoPortion> {
        replay::of_log(self.extent(), |at| self.position_at(at), wanted)
    }

    /// Returns who reads a passage. Asks nobody.
    ///
    /// # Errors
    /// In words: the passage is of another journal than this one.
    fn reread(&self, passage: &Passage) -> Result<Arc<dyn PassageReader>, String> {
        Err(format!("the topic `{}` is not this router's journal any more; stop the replay", passage.topic))
    }

    /// Overwrites the text of records in place, so that nothing of them can be read any more; their positions stay. May be done
    /// again, also for records that an interrupted call has overwritten in part. Returns how many are so damaged that where they
    /// are cannot be told: these are left, and can be read by nobody.
    ///
    /// # Errors
    /// `Io` and `Full`; some of them may be overwritten.
    fn erase(&self, positions: &[Position]) -> Result<u64, JournalError>;

    /// Overwrites what is kept beside the records and is about these people: dead letters and rejected events. Where others'
    /// letters, rejected events or the notes of deliveries mention one of their ids, the id alone is overwritten. Returns how
    /// many letters and rejected events went. May be done again.
    ///
    /// # Errors
    /// `Io`; some of it may be overwritten.
    fn redact(&self, people: &People) -> Result<u64, JournalError>;

    /// Gives up sealed segments that lie wholly below `floor` and are older than the retention, and the oldest of those
    /// below `floor` while the journal is above `max_bytes`. Returns how many records went.
    ///
    /// # Errors
    /// `Io`.
    fn retain(&self, floor: Position, now: Timestamp) -> Result<u64, JournalError>;

    /// Returns a destination's cursor; `None` when it never had one. A damaged one without a fallback begins at the oldest
    /// record.
    ///
    /// # Errors
    /// `Io`.
    fn cursor(&self, destination: &str) -> Result<Option<Cursor>, JournalError>;

    /// Stores a destination's cursor so that it survives a kill of the process.
    ///
    /// # Errors
    /// `Io`.
    fn commit(&self, destination: &str, cursor: &Cursor) -> Result<(), JournalError>;

    /// Removes a cursor that nobody will go on from.
    ///
    /// # Errors
    /// `Io`.
    fn forget(&self, destination: &str) -> Result<(), JournalError>;

    /// Returns what an operator has ordered for a destination.
    ///
    /// # Errors
    /// `Io`.
    fn orders(&self, destination: &str) -> Result<Orders, JournalError>;

    /// Replaces what is ordered for a destination and returns when it is durable.
    ///
    /// # Errors
    /// `Io` and `Full`.
    fn give_orders(&self, destination: &str, orders: &Orders) -> Result<(), JournalError>;

    /// Appends dead letters and returns when they are durable.
    ///
    /// # Errors
    /// `Io`.
    fn bury(&self, letters: &[DeadLetter]) -> Result<(), JournalError>;

    /// Keeps what deliveries have to say about events. Survives a kill of the process, not a power cut. Notes of attempts
    /// are bounded in space, the oldest go first; notes of fates are kept as long as the events.
    ///
    /// # Errors
    /// `Io` and `Full`.
    fn note(&self, notes: &[Note]) -> Result<(), JournalError>;

    /// Returns every note about the event at this position, in the order in which they were kept. Reads from disk.
    ///
    /// # Errors
    /// `Io`.
    fn notes_about(&self, position: Position) -> Result<Vec<Note>, JournalError>;

    /// Returns a page of the letters that `filter` admits. A letter that is taken out meanwhile may still be in it.
    ///
    /// # Errors
    /// `Io`.
    fn letters(
        &self,
        filter: &LetterFilter,
        walk: Walk,
        limit: PageLimit,
    ) -> Result<LetterPage, JournalError>;

    /// Returns the id that the next letter will have at least: every letter so far has a smaller one. Reads nothing, but waits
    /// while letters are being written.
    fn letters_end(&self) -> LetterId;

    /// Takes letters out for good and returns how many of them were still there, when that is durable.
    ///
    /// # Errors
    /// `Io`; some of them may be out.
    fn take_out(&self, letters: &[Letter]) -> Result<u64, JournalError>;

    /// Takes out all letters that were buried before an instant, and returns how many that were.
    ///
    /// # Errors
    /// `Io`; some of them may be out.
    fn expire_letters(&self, before: Timestamp) -> Result<LetterCounts, JournalError>;

    /// Returns how many letters there are. Reads nothing, but waits while letters are being written.
    fn letter_counts(&self) -> LetterCounts;

    /// Keeps rejected events with their reasons.
    ///
    /// # Errors
    /// `Io`.
    fn keep_rejected(&self, rejected: &[Rejected]) -> Result<(), JournalError>;

    /// Lists rejected events, newest first.
    ///
    /// # Errors
    /// `Io`.
    fn rejected(&self, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError>;

    /// Says which destinations there are, and where each begins of which nothing is known. Only an engine that shares its
    /// events with other routers asks.
    fn serve(&self, _destinations: Vec<Served>) {}

    /// Begins to tell this follower what the journal does by itself; once, when the destinations are there. An engine that does
    /// nothing by itself tells nothing.
    fn follow(&self, _follower: Arc<dyn Follower>) {}

    /// Returns the positions of a range that are none of the business of whoever has this cursor: another router has their
    /// events, or they were settled before they came to lie here. Never blocks on disk.
    fn passed_over(&self, _cursor: &str, _range: std::ops::Range<u64>) -> Vec<std::ops::Range<u64>> {
        Vec::new()
    }

    /// Returns what keeps the journal from doing what it does by itself, in words, when that has lasted for a while. Events can
    /// be accepted all the same. Never blocks.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Makes everything durable before the process ends.
    ///
    /// # Errors
    /// `Io`.
    fn close(&self) -> Result<(), JournalError>;
}
