//! The thread that reads the partitions of this router into its spool.
//!
//! It never drops a record: while the spool has no room the partitions are paused, and the records wait in the topic. What
//! was read before a rebalance is stored only if its partition is still held since then.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rdkafka::TopicPartitionList;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::topic_partition_list::Offset;
use tokio::time::Instant;

use super::core::Core;
use super::takeover::Seat;
use super::warm;
use crate::journal::embedded::alone::{self, Known};
use crate::journal::follow::Share;
use crate::journal::{Journal as _, JournalError};
use crate::spec::{Event, Kind};
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
/// How often a topic that is not there is looked for, and how often that is said.
const LOOK_EVERY: Duration = Duration::from_secs(1);
const SAY_EVERY: u32 = 30;

/// A record that was read.
struct Read {
    partition: i32,
    offset: u64,
    /// The rebalance in which it was read.
    during: u64,
    /// What it says; `None` when it is no record of ours.
    event: Option<(Known, Arc<Event>)>,
}

/// See the module.
pub(super) struct Reader {
    core: Arc<Core>,
    consumer: BaseConsumer<Seat>,
    /// A destination came of which nothing is known.
    again: Arc<AtomicBool>,
    source: Option<Arc<str>>,
    told: Option<Instant>,
    is_failing: bool,
}

impl Reader {
    /// Prepares the reader. Connects in the background.
    ///
    /// # Errors
    /// `Io`: the library refuses a property.
    pub(super) fn new(core: Arc<Core>, seat: Seat, again: Arc<AtomicBool>) -> Result<Reader, JournalError> {
        let consumer = core.clients.consumer(&core.options.group, seat)?;
        Ok(Reader { core, consumer, again, source: None, told: None, is_failing: false })
    }

    /// Reads until the router stops.
    pub(super) fn run(mut self) {
        self.wait_for_topic();
        let topic = self.core.options.topic.clone();
        if let Err(error) = self.consumer.subscribe(&[&topic]) {
            self.trouble(&error);
        }
        while !self.core.is_stopping() {
            if self.again.swap(false, Ordering::AcqRel) && !self.consumer.context().take_again(&self.consumer)
            {
                self.again.store(true, Ordering::Release);
                self.core.rest(FULL_PAUSE);
            }
            let chunk = self.gather();
            self.store(chunk);
            self.tell();
        }
        self.tell_offsets();
        // The revocation is answered while the consumer is being closed.
        self.consumer.unsubscribe();
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

    fn gather(&mut self) -> Vec<Read> {
        let mut chunk = Vec::new();
        let mut bytes = 0;
        let mut wait = WAIT;
        while chunk.len() < CHUNK && bytes < CHUNK_BYTES {
            match self.consumer.poll(wait) {
                None => break,
                Some(Ok(message)) => {
                    bytes += message.payload().map_or(0, <[u8]>::len);
                    chunk.push(read(&self.core, &mut self.source, &message));
                }
                Some(Err(error)) => self.trouble(&error),
            }
            wait = Duration::ZERO;
        }
        chunk
    }

    /// Says an error once until something is read again; the library goes on by itself.
    fn trouble(&mut self, error: &KafkaError) {
        let is_passing = matches!(error, KafkaError::MessageConsumption(RDKafkaErrorCode::AllBrokersDown));
        if !is_passing && !std::mem::replace(&mut self.is_failing, true) {
            let error = error.to_string();
            events::Trouble { whom: "journal", doing: "read its topic", error: &error }.emit();
        }
    }

    /// Stores a chunk; while there is no room the partitions are paused.
    fn store(&mut self, chunk: Vec<Read>) {
        if chunk.is_empty() {
            return;
        }
        self.is_failing = false;
        self.consumer.context().ears().relax();
        let mut chunk = self.new_ones(chunk);
        let mut is_paused = false;
        while let Err(error) = self.append(&mut chunk) {
            if !std::mem::replace(&mut is_paused, true) {
                events::SpoolWaits { error: &error.to_string() }.emit();
            }
            if self.core.is_stopping() {
                return;
            }
            self.pause(&mut chunk);
            self.tell();
        }
        if is_paused && let Ok(all) = self.consumer.assignment() {
            drop(self.consumer.resume(&all));
        }
    }

    /// Serves the group while no record is wanted. One that comes all the same is kept.
    fn pause(&mut self, chunk: &mut Vec<Read>) {
        if let Ok(all) = self.consumer.assignment() {
            drop(self.consumer.pause(&all));
        }
        let late = match self.consumer.poll(FULL_PAUSE) {
            Some(Ok(message)) => Some(read(&self.core, &mut self.source, &message)),
            _ => None,
        };
        chunk.extend(self.new_ones(late.into_iter().collect()));
    }

    /// Leaves out what was known already and what is no record, and puts partitions together.
    fn new_ones(&self, chunk: Vec<Read>) -> Vec<Read> {
        let mut state = self.core.state();
        let mut duplicates = 0;
        let mut kept = Vec::with_capacity(chunk.len());
        for read in chunk {
            let held = state.index.held(read.partition);
            if !held.is_some_and(|held| held.since <= read.during && held.next <= read.offset) {
                continue;
            }
            let is_new = match (&read.event, state.windows.get_mut(&read.partition)) {
                (Some((known, _)), Some(window)) if !known.is_redelivery => warm::remember(window, known),
                _ => true,
            };
            duplicates += u64::from(!is_new);
            let event = read.event.filter(|_| is_new);
            kept.push(Read { event, ..read });
        }
        drop(state);
        kept.sort_by_key(|read| read.partition);
        self.tell_lost(&kept);
        if duplicates > 0 {
            self.core.tell(|follower| follower.grown(&[], duplicates));
        }
        kept
    }

    /// Counts what the topic gave up before it was read: the library goes on behind it without a word.
    fn tell_lost(&self, chunk: &[Read]) {
        let gaps = self.core.state().index.gaps(chunk.iter().map(|read| (read.partition, read.offset)));
        for (partition, gap) in gaps {
            let Ok((oldest, _)) = self.core.groups.bounds(partition) else { continue };
            let gone = gap.start..gap.end.min(oldest);
            let lost = self.core.state().index.unsettled(partition, &gone);
            for (destination, events) in lost {
                self.core.tell(|follower| follower.lost(&destination, events));
            }
        }
    }

    /// Appends what is still ours. The index comes first: what is in the spool can be read at once.
    fn append(&self, chunk: &mut Vec<Read>) -> Result<(), JournalError> {
        let first = self.core.spool.extent().next.0;
        let events = self.place(first, chunk);
        let kinds: Vec<Kind> = events.iter().map(|event| event.head.kind).collect();
        let appended = if events.is_empty() { Ok(()) } else { self.core.spool.append(events).map(drop) };
        let mut state = self.core.state();
        if let Err(error) = appended {
            state.index.retract(first);
            return Err(error);
        }
        for read in chunk.iter() {
            state.index.read_to(read.partition, read.offset + 1);
        }
        drop(state);
        if !kinds.is_empty() {
            self.core.tell(|follower| follower.grown(&kinds, 0));
        }
        Ok(())
    }

    /// Says where what is still ours is about to lie, and returns it.
    fn place(&self, first: u64, chunk: &mut Vec<Read>) -> Vec<Arc<Event>> {
        let mut state = self.core.state();
        let index = &mut state.index;
        chunk.retain(|read| index.held(read.partition).is_some_and(|held| held.since <= read.during));
        let mut events = Vec::with_capacity(chunk.len());
        for read in chunk.iter() {
            let Some((_, event)) = &read.event else { continue };
            index.add(first + events.len() as u64, read.partition, read.offset);
            events.push(Arc::clone(event));
        }
        events
    }

    /// Tells from time to time how far the routers are, and what the share of this one is.
    fn tell(&mut self) {
        if self.told.is_some_and(|told| told.elapsed() < TELL_EVERY) {
            return;
        }
        self.told = Some(Instant::now());
        self.tell_offsets();
        let partitions = self.core.count();
        let lag = self.consumer.context().ears().lag();
        self.core.tell(|follower| follower.shares(Share { partitions, lag }));
    }

    fn tell_offsets(&self) {
        let mut list = TopicPartitionList::new();
        for (partition, held) in self.core.state().index.partitions() {
            let next = Offset::Offset(i64::try_from(held.next).unwrap_or(i64::MAX));
            drop(list.add_partition_offset(&self.core.options.topic, partition, next));
        }
        if list.count() > 0
            && let Err(error) = self.consumer.commit(&list, CommitMode::Async)
        {
            // It is told again in a second; nothing but where new destinations begin rests on it.
            tracing::debug!(%error, "could not tell how far the routers are");
        }
    }
}

fn read(core: &Core, source: &mut Option<Arc<str>>, message: &BorrowedMessage<'_>) -> Read {
    let (partition, offset) = (message.partition(), u64::try_from(message.offset()).unwrap_or(0));
    let payload = message.payload().unwrap_or_default();
    let known = alone::know(payload);
    let event = known.and_then(|known| Some((known, Arc::new(alone::decode(payload, source)?))));
    if event.is_none() {
        events::ForeignRecord { partition, offset }.emit();
    }
    Read { partition, offset, during: core.rebalance(), event }
}
