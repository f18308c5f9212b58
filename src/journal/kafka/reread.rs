//! Reads a passage of the topic once more, for a replay.
//!
//! Apart from what this router holds and has in its spool: nothing is stored, so that a replay takes no room there, and nobody
//! but the one who reads gets the records. Messages that a client sent twice are known by their ids as in the first reading. It is
//! no member of any group.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::{Offset, TopicPartitionList};
use tokio::time::Instant;

use super::clients::Ears;
use super::core::Core;
use super::sieve::Sieve;
use super::single::Single;
use crate::journal::replay::Place;
use crate::journal::{JournalError, Looked, Passage, PassageReader, Position, ReadLimit, Record};
use crate::spec::Event;

/// How long one look takes at most once it has got on: what follows may be nothing that is wanted.
const LOOK: Duration = Duration::from_secs(2);
/// How long the brokers may be silent.
const SILENCE: Duration = Duration::from_secs(10);
/// How soon it is noticed that the router stops.
pub(super) const WAIT: Duration = Duration::from_millis(50);
/// Most records that are read back for their ids when a replay goes on in the middle.
const READ_BACK: u64 = 100_000;

/// See the module.
pub(super) struct Reread {
    core: Arc<Core>,
    passage: Passage,
    run: Mutex<Option<Run>>,
    /// Reads single records again, so that the run goes on where it is.
    single: Mutex<Option<Single>>,
}

impl Reread {
    /// Connects when something is read.
    pub(super) fn new(core: Arc<Core>, passage: Passage) -> Reread {
        Reread { core, passage, run: Mutex::default(), single: Mutex::default() }
    }
}

impl fmt::Debug for Reread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reread").field("passage", &self.passage).finish_non_exhaustive()
    }
}

impl Drop for Reread {
    /// Closing a client may take a moment, and nobody's thread is to wait for it.
    fn drop(&mut self) {
        let (run, single) = (lock(&self.run).take(), lock(&self.single).take());
        if run.is_some() || single.is_some() {
            let thread = std::thread::Builder::new().name("journal replay".to_owned());
            // Without a thread they are closed here.
            drop(thread.spawn(move || drop((run, single))));
        }
    }
}

fn lock<T>(place: &Mutex<T>) -> MutexGuard<'_, T> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}

impl PassageReader for Reread {
    fn read(&self, from: Position, limit: ReadLimit) -> Result<Looked, JournalError> {
        let mut place = lock(&self.run);
        // After an error a new client is made.
        let mut run = match place.take() {
            Some(run) if run.next == from.0 => run,
            _ => Run::begin(&self.core, &self.passage, from.0)?,
        };
        let records = run.look(&self.core, &self.passage, limit)?;
        let through = Position(run.next);
        if run.place.is_some() {
            *place = Some(run);
        }
        Ok(Looked { records, through })
    }

    fn one(&self, position: Position) -> Result<Option<Arc<Event>>, JournalError> {
        let Some(at) = self.passage.place(position.0) else { return Ok(None) };
        let mut place = lock(&self.single);
        let mut single = match place.take() {
            Some(single) => single,
            None => Single::new(&self.core)?,
        };
        let event = single.read(&self.core, &at)?;
        *place = Some(single);
        Ok(event)
    }
}

/// A reading of the passage in order.
struct Run {
    consumer: BaseConsumer<Ears>,
    /// Everything before this position was looked at.
    next: u64,
    /// The stretch of that; `None` at the end.
    place: Option<Place>,
    sieve: Sieve,
    tail: Tail,
}

/// What is known of the end of a stretch, where no message showed that it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tail {
    /// Nothing.
    Unknown,
    /// The partition has no more.
    Seen,
    /// The partition had no more, and was asked once again since it reached as far as the stretch.
    Asked,
    /// It has no more after that.
    SeenAgain,
}

/// What may still be taken at once.
struct Basket {
    records: Vec<Record>,
    bytes: usize,
    limit: ReadLimit,
}

impl Basket {
    fn is_full(&self) -> bool {
        !self.records.is_empty()
            && (self.records.len() >= self.limit.records || self.bytes >= self.limit.bytes)
    }

    fn put(&mut self, record: Record) {
        self.bytes += record.event.size();
        self.records.push(record);
    }
}

impl Run {
    fn begin(core: &Core, passage: &Passage, from: u64) -> Result<Run, JournalError> {
        let consumer = core.clients.rereader(&core.options.group)?;
        let sieve = Sieve::new(core, passage);
        let mut run = Run { consumer, next: from, place: None, sieve, tail: Tail::Unknown };
        run.go_to(core, passage, from)?;
        Ok(run)
    }

    /// Goes to a position. What lies before it in its stretch is read back, so that what came twice is known.
    fn go_to(&mut self, core: &Core, passage: &Passage, position: u64) -> Result<(), JournalError> {
        self.next = position;
        self.place = passage.place(position);
        self.sieve = Sieve::new(core, passage);
        self.tail = Tail::Unknown;
        let Some(at) = self.place else { return Ok(()) };
        let back = at.offset.saturating_sub(READ_BACK).max(at.stretch.from);
        assign(&self.consumer, core, at.stretch.partition, back)
    }

    /// Looks at what follows, until enough is there, or nothing more that could be had at once.
    fn look(
        &mut self,
        core: &Core,
        passage: &Passage,
        limit: ReadLimit,
    ) -> Result<Vec<Record>, JournalError> {
        let (begun, first) = (Instant::now(), self.next);
        let mut basket = Basket { records: Vec::new(), bytes: 0, limit };
        let mut silence = Silence::new();
        while let Some(at) = self.place {
            let is_late = self.next > first && begun.elapsed() >= LOOK;
            if basket.is_full() || is_late {
                break;
            }
            let has_some = !basket.records.is_empty();
            match self.step(&at, if has_some { Duration::ZERO } else { WAIT }, &mut silence) {
                Step::Nothing | Step::Tail if has_some => break,
                Step::Nothing => silence.check(core)?,
                Step::Tail => self.judge_tail(core, &at)?,
                Step::Passed => {}
                // It is read again: what is before it goes first.
                Step::Newer(_) if has_some => {
                    self.go_to(core, passage, self.next)?;
                    break;
                }
                Step::Newer(version) => return Err(newer(&at, version)),
                Step::Found(record) if !passage.wants(record.event.receipt.received_at) => {}
                Step::Found(record) => basket.put(record),
            }
            let end = at.base + at.stretch.len();
            if self.next >= end {
                self.go_to(core, passage, end)?;
            }
        }
        Ok(basket.records)
    }

    /// Decides what it means that a partition has no more, though the stretch goes on: what is left of it are no messages, or the
    /// partition's new leader does not know yet how far it reaches. Then nothing may be passed over.
    fn judge_tail(&mut self, core: &Core, at: &Place) -> Result<(), JournalError> {
        let (partition, until) = (at.stretch.partition, at.stretch.until);
        let (_, newest) = core.groups.bounds(partition)?;
        if newest < until {
            let words = format!(
                "partition {partition} ends at {newest}, and had {until} when the replay was ordered"
            );
            return Err(super::io("could not read the topic again", &words));
        }
        if self.tail == Tail::SeenAgain {
            self.next = at.base + at.stretch.len();
            return Ok(());
        }
        self.tail = Tail::Asked;
        assign(&self.consumer, core, partition, at.stretch.from + (self.next - at.base))
    }

    /// Takes the next message of a stretch.
    fn step(&mut self, at: &Place, wait: Duration, silence: &mut Silence) -> Step {
        if matches!(self.tail, Tail::Seen | Tail::SeenAgain) {
            return Step::Tail;
        }
        let message = match self.consumer.poll(wait) {
            None => return Step::Nothing,
            Some(Ok(message)) => message,
            Some(Err(KafkaError::PartitionEOF(partition))) if partition == at.stretch.partition => {
                self.tail = if self.tail == Tail::Asked { Tail::SeenAgain } else { Tail::Seen };
                return Step::Tail;
            }
            Some(Err(error)) => {
                silence.trouble = Some(error.to_string());
                return Step::Nothing;
            }
        };
        silence.since = Instant::now();
        let offset = u64::try_from(message.offset()).unwrap_or(0);
        let taken = self.sieve.take(at, self.next, offset, message.payload().unwrap_or_default());
        if let Some(version) = taken.newer {
            return Step::Newer(version);
        }
        self.next = self.next.max(taken.next);
        let position = Position(taken.next.saturating_sub(1));
        taken.event.map_or(Step::Passed, |event| Step::Found(Record { position, event }))
    }
}

/// What came next.
enum Step {
    /// Nothing yet.
    Nothing,
    /// The partition has no more, though the stretch goes on.
    Tail,
    /// A message that is no event for this replay.
    Passed,
    /// A record of a version that this router does not know.
    Newer(u8),
    /// An event.
    Found(Record),
}

/// Says that a record cannot be read by this router.
pub(super) fn newer(at: &Place, version: u8) -> JournalError {
    let partition = at.stretch.partition;
    let words = format!("a record of partition {partition} is of version {version}: upgrade this router");
    super::io("could not read the topic again", &words)
}

/// Since when nothing was heard, and why.
pub(super) struct Silence {
    since: Instant,
    pub(super) trouble: Option<String>,
}

impl Silence {
    pub(super) fn new() -> Silence {
        Silence { since: Instant::now(), trouble: None }
    }

    /// Fails when it lasts too long, or the router stops.
    pub(super) fn check(&mut self, core: &Core) -> Result<(), JournalError> {
        let words = if core.is_stopping() {
            "the router stops".to_owned()
        } else if self.since.elapsed() >= SILENCE {
            self.trouble
                .take()
                .unwrap_or_else(|| format!("the brokers are silent for {} s", SILENCE.as_secs()))
        } else {
            return Ok(());
        };
        Err(super::io("could not read the topic again", &words))
    }
}

/// Goes on with a partition from an offset.
pub(super) fn assign(
    consumer: &BaseConsumer<Ears>,
    core: &Core,
    partition: i32,
    offset: u64,
) -> Result<(), JournalError> {
    let failed = |error| super::io("could not read the topic again", &error);
    let mut list = TopicPartitionList::new();
    let from = Offset::Offset(i64::try_from(offset).unwrap_or(i64::MAX));
    list.add_partition_offset(&core.options.topic, partition, from).map_err(failed)?;
    consumer.assign(&list).map_err(failed)
}
