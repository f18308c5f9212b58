//! The way into the topic: a group of events is handed to the library, and is accepted when every broker that must have it
//! has it.
//!
//! One group at a time. When a part of a group fails, the rest may be in the topic all the same: whoever sends it again is
//! caught by the window of message ids. A producer that is fatally ill, or was made for other batches, is replaced before the
//! next part. Where brokers may refuse a batch for its size, a group goes in waves: what follows is handed over when all
//! before it is settled.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use tokio::time::Instant;

use super::batches::Batch;
use super::clients::{Clients, Ears};
use super::doubt::{self, Doubt};
use super::io;
use crate::journal::JournalError;
use crate::journal::embedded::alone;
use crate::spec::Event;
use crate::telemetry::clock;

/// How long a full queue is left alone before the next look.
const FULL_PAUSE: Duration = Duration::from_millis(5);
/// How much longer than the library itself a group is waited for.
const GRACE: Duration = Duration::from_secs(2);
/// How long the question whether the topic can be reached may take.
const QUESTION: Duration = Duration::from_secs(2);

/// Bytes that a record may have in a batch beside its key and its value.
const RECORD_FRAME: u64 = 70;

type Live = ThreadedProducer<Ears>;

/// See the module.
pub(super) struct Producer {
    clients: Clients,
    topic: String,
    live: Mutex<Option<(Batch, Arc<Live>)>>,
    doubt: Doubt,
}

/// The messages of a group that are on their way.
#[derive(Debug, Default)]
pub(super) struct Group {
    state: Mutex<Waiting>,
    changed: Condvar,
}

/// What a message carries along: its place in its group.
#[derive(Debug)]
pub(super) struct Ticket {
    group: Arc<Group>,
    n: usize,
}

impl Ticket {
    /// Takes note of what became of the message.
    pub(super) fn settle(&self, failed: Option<RDKafkaErrorCode>) {
        self.group.settle(self.n, failed);
    }
}

#[derive(Debug, Default)]
struct Waiting {
    open: usize,
    /// What failed otherwise than by its size, for any of them.
    failed: Option<RDKafkaErrorCode>,
    /// The places of messages that were refused for their size.
    too_large: Vec<usize>,
}

impl Group {
    fn with<T>(&self, change: impl FnOnce(&mut Waiting) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn settle(&self, n: usize, failed: Option<RDKafkaErrorCode>) {
        let is_last = self.with(|waiting| {
            waiting.open = waiting.open.saturating_sub(1);
            match failed {
                Some(RDKafkaErrorCode::MessageSizeTooLarge) => waiting.too_large.push(n),
                failed => waiting.failed = waiting.failed.or(failed),
            }
            waiting.open == 0
        });
        if is_last {
            self.changed.notify_all();
        }
    }

    /// Waits until no message is on its way, or not for longer than this.
    fn wait(&self, limit: Duration) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, limit, |waiting| waiting.open > 0);
        waited.unwrap_or_else(PoisonError::into_inner).0.open == 0
    }
}

impl Producer {
    pub(super) fn new(clients: Clients, topic: &str) -> Producer {
        Producer { clients, topic: topic.to_owned(), live: Mutex::default(), doubt: Doubt::default() }
    }

    /// Returns the producer, a new one where there is none for such batches. It connects by itself, in the background.
    fn live(&self, batch: Batch) -> Result<Arc<Live>, JournalError> {
        let mut place = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, live)) = place.as_ref().filter(|(made_for, _)| *made_for == batch) {
            return Ok(Arc::clone(live));
        }
        let live = Arc::new(self.clients.producer(batch)?);
        *place = Some((batch, Arc::clone(&live)));
        Ok(live)
    }

    /// Sends a group and returns when the topic has all of it but the returned places: those events are larger than it takes.
    /// Blocks.
    ///
    /// # Errors
    /// `Io`; a part of the group may be in the topic.
    pub(super) fn append(&self, events: &[Arc<Event>]) -> Result<Vec<usize>, JournalError> {
        let appended = self.append_parts(events);
        match &appended {
            Ok(too_large) if too_large.len() < events.len() => self.doubt.forget(),
            // Nothing was to be stored.
            Ok(_) => {}
            Err(error) => self.doubt.failed(Instant::now(), error.to_string()),
        }
        appended
    }

    fn append_parts(&self, events: &[Arc<Event>]) -> Result<Vec<usize>, JournalError> {
        let (mut too_large, mut is_in_doubt, mut was_refused) = (Vec::new(), false, false);
        let mut parts: Vec<Vec<usize>> = vec![(0..events.len()).collect()];
        // Brokers refuse a batch of the library as a whole: what is too large by itself is found by halves.
        while let Some(mut part) = parts.pop() {
            // What is known may change between two parts.
            let present = self.clients.batches.present();
            let batch = if is_in_doubt { present.one_at_a_time() } else { present };
            let Sent { handed_over, mut refused } = self.send(events, &part, batch)?;
            let is_alone = part.len() == 1;
            let rest = part.split_off(handed_over);
            refused.sort_unstable();
            if is_alone {
                too_large.append(&mut refused);
            }
            is_in_doubt |= !refused.is_empty();
            was_refused |= !refused.is_empty();
            let later = refused.split_off(refused.len().div_ceil(2));
            // The last one is the next.
            parts.extend([rest, later, refused].into_iter().filter(|part| !part.is_empty()));
        }
        if was_refused && too_large.is_empty() {
            // Not because of one of them.
            self.clients.batches.refused();
        }
        Ok(too_large)
    }

    /// Sends the first of a part of a group, or all of it where batches may go together.
    fn send(&self, events: &[Arc<Event>], part: &[usize], batch: Batch) -> Result<Sent, JournalError> {
        let live = self.live(batch)?;
        let deadline = Instant::now() + self.clients.patience + GRACE;
        let group = Arc::new(Group::default());
        let handed_over = match batch {
            Batch::UpTo(_) => self.hand_over_all(&live, (events, part), &group, deadline)?,
            Batch::OneAtATime(_) => self.hand_over_a_wave(&live, (events, part), &group, batch)?,
        };
        let is_done = group.wait(deadline.saturating_duration_since(Instant::now()));
        let (failed, refused) =
            group.with(|waiting| (waiting.failed, std::mem::take(&mut waiting.too_large)));
        if !is_done || live.client().fatal_error().is_some() {
            // What it still holds must not arrive after it was sent again.
            self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        match failed {
            None if is_done => Ok(Sent { handed_over, refused }),
            failed => Err(self.refused(&live, failed)),
        }
    }

    fn hand_over_all(
        &self,
        live: &Live,
        (events, part): (&[Arc<Event>], &[usize]),
        group: &Arc<Group>,
        deadline: Instant,
    ) -> Result<usize, JournalError> {
        for (n, event) in part.iter().filter_map(|n| Some((*n, events.get(*n)?))) {
            self.hand_over(live, (event, &encoded(event)?), (group, n), deadline);
        }
        Ok(part.len())
    }

    /// Hands over what the library certainly makes one batch of in each partition; returns how many events that is. It waits for
    /// more from the first of a batch on, and half of that time is for us.
    fn hand_over_a_wave(
        &self,
        live: &Live,
        (events, part): (&[Arc<Event>], &[usize]),
        group: &Arc<Group>,
        batch: Batch,
    ) -> Result<usize, JournalError> {
        let most = self.clients.wave(batch);
        let (mut wave, mut bytes) = (Vec::new(), 0);
        for (n, event) in part.iter().filter_map(|n| Some((*n, events.get(*n)?))) {
            let value = encoded(event)?;
            bytes += (key(event).len() + value.len()) as u64 + RECORD_FRAME;
            if !wave.is_empty() && (bytes > most.bytes || wave.len() as u64 >= most.events) {
                break;
            }
            wave.push((n, event, value));
        }
        let begun = Instant::now();
        let mut handed_over = 0;
        for (n, event, value) in &wave {
            if handed_over > 0 && begun.elapsed() >= self.clients.linger / 2 {
                break;
            }
            // The queue has room for twice as much.
            self.hand_over(live, (event, value), (group, *n), begun);
            handed_over += 1;
        }
        Ok(handed_over)
    }

    fn hand_over(
        &self,
        live: &Live,
        (event, value): (&Event, &[u8]),
        (group, n): (&Arc<Group>, usize),
        deadline: Instant,
    ) {
        let ticket = Box::new(Ticket { group: Arc::clone(group), n });
        group.with(|waiting| waiting.open += 1);
        let at = time(event).as_millisecond().max(1);
        let mut record =
            BaseRecord::with_opaque_to(&self.topic, ticket).key(key(event)).payload(value).timestamp(at);
        while let Err((error, unsent)) = live.send(record) {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            if code != RDKafkaErrorCode::QueueFull || Instant::now() >= deadline {
                unsent.delivery_opaque.settle(Some(code));
                break;
            }
            // Ends early only when everything that was handed over is settled, and then there is room.
            group.wait(FULL_PAUSE);
            record = unsent;
        }
    }

    fn refused(&self, live: &Live, code: Option<RDKafkaErrorCode>) -> JournalError {
        let code = code.unwrap_or(RDKafkaErrorCode::MessageTimedOut);
        let words = match code {
            RDKafkaErrorCode::MessageTimedOut => {
                live.client().context().trouble().unwrap_or_else(|| code.to_string())
            }
            other => other.to_string(),
        };
        io(&format!("could not write to the topic `{}`", self.topic), &words)
    }

    /// Asks whether the topic would take a group. Blocks.
    ///
    /// # Errors
    /// `Io`: it cannot be reached, the brokers show why it takes none, or it took none a moment ago.
    pub(super) fn probe(&self) -> Result<(), JournalError> {
        let live = self.live(self.clients.batches.present())?;
        let context = format!("could not reach the topic `{}`", self.topic);
        let metadata = live.client().fetch_metadata(Some(&self.topic), QUESTION);
        let shown = metadata.map_err(|error| error.to_string());
        let shown =
            shown.and_then(|metadata| doubt::shown(&metadata, &self.topic, &self.clients.least_in_sync));
        self.doubt.judge(Instant::now(), shown).map_err(|why| io(&context, &why))
    }
}

/// What came of a part.
struct Sent {
    /// How many of its events were handed over, the first ones.
    handed_over: usize,
    /// The places that were refused for their size, or for that of their batch.
    refused: Vec<usize>,
}

fn encoded(event: &Event) -> Result<Vec<u8>, JournalError> {
    alone::encode(event).ok_or_else(|| JournalError::Full("an event of more than 4 GiB".to_owned()))
}

/// Returns what decides the partition, and so which events stay in order: the same key as that of the destination.
fn key(event: &Event) -> &str {
    let head = &event.head;
    head.user_id.as_deref().or(head.anonymous_id.as_deref()).unwrap_or(&head.message_id)
}

/// Returns when a record begins to grow old. A dead letter that is sent again is taken now, whenever it came: brokers delete by
/// that time, and refuse what is too far from theirs (`message.timestamp.before.max.ms`) with all that goes with it.
fn time(event: &Event) -> Timestamp {
    let receipt = &event.receipt;
    if receipt.redelivery.is_some() { clock::now() } else { receipt.received_at }
}
