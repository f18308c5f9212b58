//! The thread that reads the partitions of this router into its spool.
//!
//! It never drops a record: while the spool has no room the partitions are paused, and the records wait in the topic. The
//! group and new destinations are served all the while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message as _;
use rdkafka::topic_partition_list::Offset;
use tokio::time::Instant;

use super::core::{Core, Matter};
use super::inbox::{Inbox, Read};
use super::limits;
use super::takeover::Seat;
use crate::journal::JournalError;
use crate::journal::follow::Share;
use crate::telemetry::events;

/// Most records that are stored at once, and most bytes of them.
const CHUNK: usize = 1_000;
const CHUNK_BYTES: usize = 2 << 20;
/// How long the first record of a chunk is waited for.
const WAIT: Duration = Duration::from_millis(100);
/// How soon a spool without room is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(200);
/// How often the routers' own offsets are told, and the share.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// How long a reader must have worked for its predecessor's end to be forgotten.
const SOUND: Duration = Duration::from_secs(60);
/// How often a topic that is not there is looked for, and how often that is said.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SAY_EVERY: u32 = 30;

/// How soon brokers that did not answer are asked again, at first and in the end: reading goes on in between.
const ASK_AGAIN: Duration = Duration::from_millis(500);
const ASK_AGAIN_MOST: Duration = Duration::from_secs(8);

/// See the module.
pub(super) struct Reader {
    core: Arc<Core>,
    consumer: BaseConsumer<Seat>,
    /// A destination came of which nothing is known.
    again: Arc<AtomicBool>,
    inbox: Inbox,
    source: Option<Arc<str>>,
    /// The spool has no room, or cannot be written: the partitions are paused.
    is_full: bool,
    /// When brokers that did not answer are asked again, and how long after that.
    ask_at: Option<Instant>,
    ask_again: Duration,
    told: Option<Instant>,
    is_failing: bool,
    /// When it began, until it has gone well for long enough.
    begun: Option<Instant>,
}

impl Reader {
    /// Prepares the reader. Connects in the background.
    ///
    /// # Errors
    /// `Io`: the library refuses a property.
    pub(super) fn new(core: Arc<Core>, seat: Seat, again: Arc<AtomicBool>) -> Result<Reader, JournalError> {
        let consumer = core.clients.consumer(&core.options.group, seat)?;
        Ok(Reader {
            inbox: Inbox::new(Arc::clone(&core)),
            core,
            consumer,
            again,
            source: None,
            is_full: false,
            ask_at: None,
            ask_again: ASK_AGAIN,
            told: None,
            is_failing: false,
            begun: Some(Instant::now()),
        })
    }

    /// Reads until the router stops.
    pub(super) fn run(&mut self) {
        self.wait_for_topic();
        limits::look(&self.core);
        let topic = self.core.options.topic.clone();
        if let Err(error) = self.consumer.subscribe(&[&topic]) {
            self.trouble(&error);
        }
        while !self.core.is_stopping() {
            self.take();
            if self.is_full {
                self.wait_for_room()
            } else {
                self.gather()
            }
            self.store();
            self.tell();
        }
        self.tell_offsets();
        // The revocation is answered while the consumer is being closed.
        self.consumer.unsubscribe();
    }

    /// Begins to read what the group gave, and takes everything again for a destination that came. What cannot be done now is
    /// tried again later.
    fn take(&mut self) {
        if self.ask_at.is_some_and(|at| Instant::now() < at) {
            return;
        }
        let again = self.again.swap(false, Ordering::AcqRel);
        let seat = self.consumer.context();
        if seat.take_given(&self.consumer) && (!again || seat.take_again(&self.consumer)) {
            (self.ask_at, self.ask_again) = (None, ASK_AGAIN);
            return;
        }
        self.again.fetch_or(again, Ordering::AcqRel);
        self.ask_at = Some(Instant::now() + self.ask_again);
        self.ask_again = (self.ask_again * 2).min(ASK_AGAIN_MOST);
    }

    /// Waits for the topic, which is an operator's to make: its partitions decide how many routers can share the work.
    fn wait_for_topic(&self) {
        let mut looks = 0_u32;
        while !self.core.is_stopping() {
            match self.core.groups.partitions() {
                Ok(1..) => return,
                Ok(0) if looks.is_multiple_of(SAY_EVERY) => {
                    events::JournalTopicMissing { topic: &self.core.options.topic }.emit();
                }
                Ok(_) => {}
                Err(error) if looks.is_multiple_of(SAY_EVERY) => {
                    let error = error.to_string();
                    events::Trouble { whom: "journal", doing: "look for its topic", error: &error }.emit();
                }
                Err(_) => {}
            }
            looks = looks.wrapping_add(1);
            self.core.count();
            self.core.rest(LOOK_EVERY);
        }
    }

    fn gather(&mut self) {
        let mut bytes = 0;
        let mut wait = WAIT;
        for _ in 0..CHUNK {
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    bytes += message.payload().map_or(0, <[u8]>::len);
                    self.inbox.put(Read::new(&self.core, &mut self.source, &message));
                }
                Some(Err(error)) => self.trouble(&error),
            }
            if bytes >= CHUNK_BYTES {
                break;
            }
            wait = Duration::ZERO;
        }
        if bytes > 0 {
            self.is_failing = false;
            self.consumer.context().ears().relax();
        }
    }

    /// Serves the group while no record is wanted. One that comes all the same is kept.
    fn wait_for_room(&mut self) {
        if let Ok(all) = self.consumer.assignment() {
            drop(self.consumer.pause(&all));
        }
        if let Some(Ok(message)) = self.consumer.poll(FULL_PAUSE) {
            self.inbox.put(Read::new(&self.core, &mut self.source, &message));
        }
    }

    /// Says an error once until something is read again; the library goes on by itself.
    fn trouble(&mut self, error: &KafkaError) {
        let is_passing = matches!(error, KafkaError::MessageConsumption(RDKafkaErrorCode::AllBrokersDown));
        if !is_passing && !std::mem::replace(&mut self.is_failing, true) {
            let error = error.to_string();
            events::Trouble { whom: "journal", doing: "read its topic", error: &error }.emit();
        }
    }

    /// Stores what was read. When there is no room it waits, and the partitions with it.
    fn store(&mut self) {
        loop {
            let blocked = self.inbox.sift();
            drop(self.consumer.pause(&self.list(&blocked)));
            if self.inbox.is_empty() {
                return;
            }
            if let Err(error) = self.inbox.append() {
                return self.wait_for_space(&error);
            }
            if std::mem::take(&mut self.is_full) {
                self.core.complain(Matter::Spool, None);
                self.resume();
            }
        }
    }

    fn wait_for_space(&mut self, error: &JournalError) {
        self.core.complain(Matter::Spool, Some(self.core.without_room(error)));
        if !std::mem::replace(&mut self.is_full, true) {
            events::SpoolWaits { error: &error.to_string() }.emit();
        }
    }

    fn resume(&self) {
        let open: Vec<i32> = {
            let state = self.core.state();
            let blocked: Vec<i32> = state.index.blocked().map(|(partition, _)| partition).collect();
            state.index.partitions().map(|(one, _)| one).filter(|one| !blocked.contains(one)).collect()
        };
        drop(self.consumer.resume(&self.list(&open)));
    }

    fn list(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.core.options.topic, *partition);
        }
        list
    }

    /// Tells from time to time how far the routers are, and what the share of this one is.
    fn tell(&mut self) {
        if self.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        if self.begun.is_some_and(|begun| begun.elapsed() >= SOUND) {
            self.begun = None;
            self.core.complain(Matter::Thread, None);
        }
        self.tell_offsets();
        let partitions = self.core.count();
        let lag = self.consumer.context().ears().lag();
        let blocked = self.core.state().index.blocked().count() as u64;
        self.core.tell(|follower| follower.shares(Share { partitions, lag, blocked }));
    }

    fn tell_offsets(&self) {
        let list = self.offsets();
        let told = if list.count() == 0 { Ok(()) } else { self.consumer.commit(&list, CommitMode::Async) };
        if let Err(error) = told {
            // It is told again in a second; where new destinations begin rests on it, and what tells a topic from another one.
            tracing::debug!(%error, "could not tell how far the routers are");
        }
    }

    /// Returns what comes next of each partition, with the last record before it.
    fn offsets(&self) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for (partition, held) in self.core.state().index.partitions() {
            let next = Offset::Offset(i64::try_from(held.next).unwrap_or(i64::MAX));
            let mut one = list.add_partition(&self.core.options.topic, partition);
            drop(one.set_offset(next));
            one.set_metadata(held.anchor.map(|anchor| anchor.words()).unwrap_or_default());
        }
        list
    }
}
