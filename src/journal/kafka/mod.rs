//! The engine for several routers: the truth is a Kafka topic, and what this router works on lies in a spool on its disk.
//!
//! An event is accepted when the topic has it. The partitions that this router holds are read into the spool, from which the
//! destinations are served as with the embedded engine; how far each of them is goes back to Kafka as the offsets of a
//! consumer group of its own. See `docs/adr/0007-the-kafka-journal.md`. Never knows a destination beyond its name.

#[cfg_attr(not(test), expect(dead_code, reason = "the engine is not wired yet"))]
mod dead;

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::{
    Appended, Cursor, DeadLetter, Dropped, EmbeddedJournal, Extent, Journal, JournalError, Letter,
    LetterCounts, LetterFilter, LetterId, LetterPage, Note, Orders, PageLimit, Position, ReadLimit, Record,
    RejectedPage, Walk,
};
use crate::spec::{Event, Rejected};

/// How the topic is reached and used.
#[derive(Clone)]
pub struct Options {
    /// The topic of accepted events. Dead letters are in `<topic>.dead`.
    pub topic: String,
    /// The consumer group of the routers; that of a destination is `<group>.<destination>`.
    pub group: String,
    /// What every client of the library is told: addresses, credentials, and what the operator adds.
    pub client: BTreeMap<String, String>,
    /// How long a message id is remembered; zero switches it off.
    pub dedupe_window: std::time::Duration,
    /// How many are remembered at most, over all partitions; zero switches it off.
    pub dedupe_max_ids: usize,
    /// Most bytes of one event.
    pub max_event_bytes: usize,
}

/// The engine. See the module.
pub struct KafkaJournal {
    options: Options,
    spool: EmbeddedJournal,
}

impl KafkaJournal {
    /// Opens the engine over a spool, which must remember no ids. Connects to nothing yet.
    ///
    /// # Errors
    /// `Io` and `Full`, of the spool.
    pub fn open(options: Options, spool: EmbeddedJournal) -> Result<KafkaJournal, JournalError> {
        Ok(KafkaJournal { options, spool })
    }

    /// Returns how the topic is reached and used.
    pub fn options(&self) -> &Options {
        &self.options
    }
}

impl Journal for KafkaJournal {
    fn append(&self, events: Vec<std::sync::Arc<Event>>) -> Result<Appended, JournalError> {
        self.spool.append(events)
    }

    fn prepare(&self) -> Result<(), JournalError> {
        self.spool.prepare()
    }

    fn read(&self, from: Position, limit: ReadLimit) -> Result<Vec<Record>, JournalError> {
        self.spool.read(from, limit)
    }

    fn tail(&self, from: Position, limit: ReadLimit) -> Option<Vec<Record>> {
        self.spool.tail(from, limit)
    }

    fn extent(&self) -> Extent {
        self.spool.extent()
    }

    fn dropped(&self) -> Vec<Dropped> {
        self.spool.dropped()
    }

    fn bytes_since(&self, from: Position) -> u64 {
        self.spool.bytes_since(from)
    }

    fn find(&self, message_id: &str) -> Result<Option<Record>, JournalError> {
        self.spool.find(message_id)
    }

    fn history(&self, message_id: &str) -> Result<Vec<Record>, JournalError> {
        self.spool.history(message_id)
    }

    fn position_at(&self, at: Timestamp) -> Result<Position, JournalError> {
        self.spool.position_at(at)
    }

    fn erase(&self, position: Position) -> Result<(), JournalError> {
        self.spool.erase(position)
    }

    fn retain(&self, floor: Position, now: Timestamp) -> Result<u64, JournalError> {
        self.spool.retain(floor, now)
    }

    fn cursor(&self, destination: &str) -> Result<Option<Cursor>, JournalError> {
        self.spool.cursor(destination)
    }

    fn commit(&self, destination: &str, cursor: &Cursor) -> Result<(), JournalError> {
        self.spool.commit(destination, cursor)
    }

    fn forget(&self, destination: &str) -> Result<(), JournalError> {
        self.spool.forget(destination)
    }

    fn orders(&self, destination: &str) -> Result<Orders, JournalError> {
        self.spool.orders(destination)
    }

    fn give_orders(&self, destination: &str, orders: &Orders) -> Result<(), JournalError> {
        self.spool.give_orders(destination, orders)
    }

    fn bury(&self, letters: &[DeadLetter]) -> Result<(), JournalError> {
        self.spool.bury(letters)
    }

    fn note(&self, notes: &[Note]) -> Result<(), JournalError> {
        self.spool.note(notes)
    }

    fn notes_about(&self, position: Position) -> Result<Vec<Note>, JournalError> {
        self.spool.notes_about(position)
    }

    fn letters(
        &self,
        filter: &LetterFilter,
        walk: Walk,
        limit: PageLimit,
    ) -> Result<LetterPage, JournalError> {
        self.spool.letters(filter, walk, limit)
    }

    fn letters_end(&self) -> LetterId {
        self.spool.letters_end()
    }

    fn take_out(&self, letters: &[Letter]) -> Result<u64, JournalError> {
        self.spool.take_out(letters)
    }

    fn expire_letters(&self, before: Timestamp) -> Result<LetterCounts, JournalError> {
        self.spool.expire_letters(before)
    }

    fn letter_counts(&self) -> LetterCounts {
        self.spool.letter_counts()
    }

    fn keep_rejected(&self, rejected: &[Rejected]) -> Result<(), JournalError> {
        self.spool.keep_rejected(rejected)
    }

    fn rejected(&self, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError> {
        self.spool.rejected(limit, cursor)
    }

    fn close(&self) -> Result<(), JournalError> {
        self.spool.close()
    }
}
