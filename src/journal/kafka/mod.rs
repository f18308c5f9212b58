//! The engine for several routers: the truth is a Kafka topic, and what this router works on lies in a spool on its disk.
//!
//! An event is accepted when the topic has it. The partitions that this router holds are read into the spool, from which the
//! destinations are served as with the embedded engine; how far each of them is goes back to Kafka as the offsets of a
//! consumer group of its own. See `docs/adr/0007-the-kafka-journal.md`. Never knows a destination beyond its name.

mod anchor;
mod batches;
mod begin;
mod clients;
mod committer;
mod core;
mod dead;
mod doubt;
mod gaps;
mod groups;
mod immortal;
mod inbox;
mod index;
mod limits;
mod marks;
mod passage;
mod producer;
mod reader;
mod reread;
mod sieve;
mod single;
mod takeover;
#[cfg(test)]
mod tests;
mod warm;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use super::{
    Appended, Cursor, DeadLetter, Dropped, EmbeddedJournal, Extent, Follower, Journal, JournalError, Letter,
    LetterCounts, LetterFilter, LetterId, LetterPage, NoPortion, Note, Orders, PageLimit, Passage,
    PassageReader, Portion, Position, ReadLimit, Record, RejectedPage, Served, Walk, Wanted,
};
use crate::spec::{Event, People, Rejected};
use crate::telemetry::events;
use committer::Committer;
use core::{Core, Matter};
use dead::DeadTopic;
use producer::Producer;
use reader::Reader;
use reread::Reread;
use takeover::{Seat, TELLING};

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
    pub dedupe_window: Duration,
    /// How many are remembered at most, over all partitions; zero switches it off.
    pub dedupe_max_ids: usize,
    /// Most bytes of one event.
    pub max_event_bytes: usize,
    /// Most bytes that the topic takes at once as an operator has it, until the brokers say something else; 0 when nobody said.
    pub max_message_bytes: u64,
    /// Where it keeps what it must remember of the topic of dead letters; created when missing.
    pub dir: PathBuf,
}

/// The engine. See the module.
pub struct KafkaJournal {
    core: Arc<Core>,
    producer: Producer,
    dead: DeadTopic,
    threads: Mutex<Option<Threads>>,
    again: Arc<AtomicBool>,
}

/// What runs while the journal is followed.
struct Threads {
    reader: JoinHandle<()>,
    committer: Arc<Committer>,
}

impl KafkaJournal {
    /// Opens the engine over a spool, which must remember no ids, and begins to follow the topic of dead letters. Reads no
    /// event yet.
    ///
    /// # Errors
    /// `Io`: a file that cannot be opened, or a property that the library refuses.
    pub fn open(options: Options, spool: EmbeddedJournal) -> Result<KafkaJournal, JournalError> {
        let spool = Arc::new(spool);
        let topic = format!("{}.dead", options.topic);
        let dead =
            DeadTopic::open(Arc::clone(&spool), &options.dir, (&topic, &options.group), &options.client)?;
        let core = Arc::new(Core::new(options, spool));
        let producer = Producer::new(core.clients.clone(), &core.options.topic);
        Ok(KafkaJournal { core, producer, dead, threads: Mutex::default(), again: Arc::default() })
    }

    /// Returns how the topic is reached and used.
    pub fn options(&self) -> &Options {
        &self.core.options
    }

    fn start(&self) -> Result<Threads, JournalError> {
        let committer = Arc::new(Committer::start(Arc::clone(&self.core))?);
        let (core, marks) = (Arc::clone(&self.core), Arc::clone(&committer));
        let again = Arc::clone(&self.again);
        let make = move || {
            let seat = Seat::new(Arc::clone(&core), Arc::clone(&marks));
            Reader::new(Arc::clone(&core), seat, Arc::clone(&again))
        };
        let (core, first) = (Arc::clone(&self.core), make()?);
        let thread = std::thread::Builder::new().name("journal reader".to_owned());
        let remake = move |ends| core.begin_again(ends, make());
        let core = Arc::clone(&self.core);
        let rest = move |pause| {
            core.rest(pause);
            !core.is_stopping()
        };
        let reader = thread.spawn(move || immortal::keep(first, Reader::run, rest, remake));
        let reader = reader.map_err(|error| io("could not start a thread", &error))?;
        Ok(Threads { reader, committer })
    }

    fn stop(&self) {
        self.core.stop();
        let Some(Threads { reader, committer }) =
            self.threads.lock().unwrap_or_else(PoisonError::into_inner).take()
        else {
            return;
        };
        if reader.join().is_err() {
            events::Trouble { whom: "journal", doing: "read its topic", error: "the thread panicked" }.emit();
        }
        committer.end(TELLING);
    }
}

/// Returns an error of the brokers, or of the library.
fn io(context: &str, error: &dyn fmt::Display) -> JournalError {
    JournalError::Io { context: context.to_owned(), source: std::io::Error::other(error.to_string()) }
}

/// Returns what an operator is told while batches are smaller than they might be.
fn reduced(topic: &str) -> String {
    format!(
        "`{topic}` refused several events at once for their size: smaller batches go one at a time for some minutes or until \
         the router hears of another limit. Raise its `max.message.bytes`, and let the routers read it (DescribeConfigs)"
    )
}

impl Journal for KafkaJournal {
    /// The positions are only that there are any: which ones, the router says that reads them.
    fn append(&self, events: Vec<Arc<Event>>) -> Result<Appended, JournalError> {
        let begun = tokio::time::Instant::now();
        let too_large = self.producer.append(&events)?;
        if self.core.clients.batches.are_reduced() {
            self.core.complain(Matter::Batches, Some(reduced(&self.core.options.topic)));
        }
        let next = self.core.spool.extent().next;
        let positions = (0..events.len()).map(|n| (!too_large.contains(&n)).then_some(next)).collect();
        Ok(Appended { positions, too_large, next, took: begun.elapsed() })
    }

    fn prepare(&self) -> Result<(), JournalError> {
        self.producer.probe()
    }

    fn read(&self, from: Position, limit: ReadLimit) -> Result<Vec<Record>, JournalError> {
        self.core.spool.read(from, limit)
    }

    fn tail(&self, from: Position, limit: ReadLimit) -> Option<Vec<Record>> {
        self.core.spool.tail(from, limit)
    }

    fn extent(&self) -> Extent {
        self.core.spool.extent()
    }

    fn dropped(&self) -> Vec<Dropped> {
        self.core.spool.dropped()
    }

    fn bytes_since(&self, from: Position) -> u64 {
        self.core.spool.bytes_since(from)
    }

    fn find(&self, message_id: &str) -> Result<Option<Record>, JournalError> {
        self.core.spool.find(message_id)
    }

    fn history(&self, message_id: &str) -> Result<Vec<Record>, JournalError> {
        self.core.spool.history(message_id)
    }

    fn position_at(&self, at: Timestamp) -> Result<Position, JournalError> {
        self.core.spool.position_at(at)
    }

    fn portion(&self, wanted: &Wanted) -> Result<Portion, NoPortion> {
        passage::portion(&self.core, wanted)
    }

    fn reread(&self, passage: &Passage) -> Result<Arc<dyn PassageReader>, String> {
        let ours = &self.core.options.topic;
        if passage.topic != *ours {
            let topic = &passage.topic;
            return Err(format!(
                "it is of the topic `{topic}`, and the journal is `{ours}` now; stop the replay"
            ));
        }
        Ok(Arc::new(Reread::new(Arc::clone(&self.core), passage.clone())))
    }

    fn erase(&self, positions: &[Position]) -> Result<u64, JournalError> {
        self.core.spool.erase(positions)
    }

    fn redact(&self, people: &People) -> Result<u64, JournalError> {
        self.dead.redact(people)
    }

    fn retain(&self, floor: Position, now: Timestamp) -> Result<u64, JournalError> {
        self.core.spool.retain(floor, now)
    }

    fn cursor(&self, destination: &str) -> Result<Option<Cursor>, JournalError> {
        self.core.cursor(destination)
    }

    fn commit(&self, destination: &str, cursor: &Cursor) -> Result<(), JournalError> {
        self.core.spool.commit(destination, cursor)
    }

    fn forget(&self, destination: &str) -> Result<(), JournalError> {
        self.core.spool.forget(destination)
    }

    fn orders(&self, destination: &str) -> Result<Orders, JournalError> {
        self.core.spool.orders(destination)
    }

    fn give_orders(&self, destination: &str, orders: &Orders) -> Result<(), JournalError> {
        self.core.spool.give_orders(destination, orders)
    }

    fn bury(&self, letters: &[DeadLetter]) -> Result<(), JournalError> {
        self.dead.bury(letters)
    }

    fn note(&self, notes: &[Note]) -> Result<(), JournalError> {
        self.core.spool.note(notes)
    }

    fn notes_about(&self, position: Position) -> Result<Vec<Note>, JournalError> {
        self.core.spool.notes_about(position)
    }

    fn letters(
        &self,
        filter: &LetterFilter,
        walk: Walk,
        limit: PageLimit,
    ) -> Result<LetterPage, JournalError> {
        self.core.spool.letters(filter, walk, limit)
    }

    fn letters_end(&self) -> LetterId {
        self.core.spool.letters_end()
    }

    fn take_out(&self, letters: &[Letter]) -> Result<u64, JournalError> {
        self.dead.take_out(letters)
    }

    fn expire_letters(&self, before: Timestamp) -> Result<LetterCounts, JournalError> {
        self.dead.expire(before)
    }

    fn letter_counts(&self) -> LetterCounts {
        self.core.spool.letter_counts()
    }

    fn keep_rejected(&self, rejected: &[Rejected]) -> Result<(), JournalError> {
        self.core.spool.keep_rejected(rejected)
    }

    fn rejected(&self, limit: usize, cursor: Option<&str>) -> Result<RejectedPage, JournalError> {
        self.core.spool.rejected(limit, cursor)
    }

    fn serve(&self, destinations: Vec<Served>) {
        self.again.store(self.core.serve(destinations), Ordering::Release);
    }

    fn follow(&self, follower: Arc<dyn Follower>) {
        if self.core.follower.set(follower).is_err() {
            return;
        }
        match self.start() {
            Ok(threads) => *self.threads.lock().unwrap_or_else(PoisonError::into_inner) = Some(threads),
            Err(error) => {
                self.core
                    .complain(Matter::Thread, Some(format!("it reads nothing: {error}; restart the router")));
            }
        }
    }

    fn trouble(&self) -> Option<String> {
        let threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        if threads.as_ref().is_some_and(|threads| threads.reader.is_finished()) {
            return Some("its reader has ended: restart the router".to_owned());
        }
        self.core.trouble()
    }

    fn passed_over(&self, cursor: &str, range: Range<u64>) -> Vec<Range<u64>> {
        self.core.passed_over(cursor, range)
    }

    fn close(&self) -> Result<(), JournalError> {
        self.stop();
        self.dead.close();
        self.core.spool.close()
    }
}
