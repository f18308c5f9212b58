//! The way into the topic: a group of events is handed to the library, and is accepted when every broker that must have it
//! has it.
//!
//! One group at a time: what a producer says of its messages is of that one. When a part of a group fails, the rest may be in the
//! topic all the same: whoever sends it again is caught by the window of message ids. A producer that is fatally ill, or was made
//! for other batches, is replaced before the next part. Where brokers may refuse a batch for its size, a group goes in waves:
//! what follows is handed over when all before it is settled.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseRecord, Producer as _, ThreadedProducer};
use tokio::time::Instant;

use super::batches::Batch;
use super::clients::Clients;
use super::group::{Desk, Failures};
use super::io;
use crate::journal::JournalError;
use crate::journal::embedded::alone;
use crate::spec::Event;

/// How long a full queue is left alone before the next look.
const FULL_PAUSE: Duration = Duration::from_millis(5);
/// How much longer than the library itself a group is waited for.
const GRACE: Duration = Duration::from_secs(2);
/// How long the question whether the topic can be reached may take.
const QUESTION: Duration = Duration::from_secs(2);

/// Bytes that a record may have in a batch beside its key and its value.
const RECORD_FRAME: u64 = 70;

type Live = ThreadedProducer<Desk>;

/// See the module.
pub(super) struct Producer {
    clients: Clients,
    topic: String,
    live: Mutex<Option<(Batch, Arc<Live>)>>,
    /// The records of the one group that is being sent.
    records: Mutex<Vec<u8>>,
}

impl Producer {
    pub(super) fn new(clients: Clients, topic: &str) -> Producer {
        Producer { clients, topic: topic.to_owned(), live: Mutex::default(), records: Mutex::default() }
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
        let (mut too_large, mut is_in_doubt, mut was_refused) = (Vec::new(), false, false);
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parts: Vec<Vec<usize>> = vec![(0..events.len()).collect()];
        // Brokers refuse a batch of the library as a whole: what is too large by itself is found by halves.
        while let Some(mut part) = parts.pop() {
            // What is known may change between two parts.
            let present = self.clients.batches.present();
            let batch = if is_in_doubt { present.one_at_a_time() } else { present };
            let Sent { handed_over, mut refused } = self.send((events, &part), batch, &mut records)?;
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
    fn send(
        &self,
        (events, part): (&[Arc<Event>], &[usize]),
        batch: Batch,
        records: &mut Vec<u8>,
    ) -> Result<Sent, JournalError> {
        let live = self.live(batch)?;
        let deadline = Instant::now() + self.clients.patience + GRACE;
        let part = part.iter().filter_map(|place| Some((*place, events.get(*place)?.as_ref()))).collect();
        let handed_over = match batch {
            Batch::UpTo(_) => self.hand_over_all((&live, records), part, deadline),
            Batch::OneAtATime(_) => self.hand_over_a_wave((&live, records), part, batch),
        };
        let group = &live.client().context().group;
        let is_done = group.wait(0, deadline.saturating_duration_since(Instant::now()));
        let Failures { failed, too_large } = group.take();
        if !is_done || live.client().fatal_error().is_some() {
            // What it still holds must not arrive after it was sent again, nor be counted with what comes next.
            self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
        }
        match failed {
            None if is_done => Ok(Sent { handed_over, refused: too_large }),
            failed => Err(self.refused(&live, failed)),
        }
    }

    fn hand_over_all(
        &self,
        (live, records): (&Live, &mut Vec<u8>),
        part: Vec<(usize, &Event)>,
        deadline: Instant,
    ) -> usize {
        let mut handing = Handing::begin(live, &self.topic, (part.len(), deadline));
        for (place, event) in part {
            records.clear();
            let record = add(records, event);
            handing.over(place, event, records.get(record).unwrap_or_default());
        }
        handing.end()
    }

    /// Hands over what the library certainly makes one batch of in each partition; returns how many events that is. It waits for
    /// more from the first of a batch on, and half of that time is for us.
    fn hand_over_a_wave(
        &self,
        (live, records): (&Live, &mut Vec<u8>),
        part: Vec<(usize, &Event)>,
        batch: Batch,
    ) -> usize {
        let most = self.clients.wave(batch);
        records.clear();
        let (mut wave, mut bytes) = (Vec::new(), 0);
        for (place, event) in part {
            let record = add(records, event);
            bytes += (key(event).len() + record.len()) as u64 + RECORD_FRAME;
            if !wave.is_empty() && (bytes > most.bytes || wave.len() as u64 >= most.events) {
                break;
            }
            wave.push((place, event, record));
        }
        let begun = Instant::now();
        // The queue has room for twice as much.
        let mut handing = Handing::begin(live, &self.topic, (wave.len(), begun));
        for (place, event, record) in wave {
            if handing.done > 0 && begun.elapsed() >= self.clients.linger / 2 {
                break;
            }
            handing.over(place, event, records.get(record).unwrap_or_default());
        }
        handing.end()
    }

    fn refused(&self, live: &Live, code: Option<RDKafkaErrorCode>) -> JournalError {
        let code = code.unwrap_or(RDKafkaErrorCode::MessageTimedOut);
        let words = match code {
            RDKafkaErrorCode::MessageTimedOut => {
                live.client().context().ears.trouble().unwrap_or_else(|| code.to_string())
            }
            other => other.to_string(),
        };
        io(&format!("could not write to the topic `{}`", self.topic), &words)
    }

    /// Asks whether the topic can be reached. Blocks.
    ///
    /// # Errors
    /// `Io`.
    pub(super) fn probe(&self) -> Result<(), JournalError> {
        let live = self.live(self.clients.batches.present())?;
        let context = format!("could not reach the topic `{}`", self.topic);
        let metadata = live.client().fetch_metadata(Some(&self.topic), QUESTION);
        let metadata = metadata.map_err(|error| io(&context, &error))?;
        let found = metadata.topics().iter().find(|found| found.name() == self.topic);
        match found.map(|found| (found.error(), found.partitions().len())) {
            Some((None, 1..)) => Ok(()),
            Some((Some(error), _)) => Err(io(&context, &RDKafkaErrorCode::from(error))),
            Some((None, _)) | None => Err(io(&context, &RDKafkaErrorCode::UnknownTopicOrPartition)),
        }
    }
}

/// What came of a part.
struct Sent {
    /// How many of its events were handed over, the first ones.
    handed_over: usize,
    /// The places that were refused for their size, or for that of their batch.
    refused: Vec<usize>,
}

/// Messages that are being handed over to the library, in their order.
struct Handing<'a> {
    live: &'a Live,
    topic: &'a str,
    /// How many they are together.
    messages: usize,
    /// How many of them were handed over.
    done: usize,
    /// Until when a queue without room is tried again.
    deadline: Instant,
}

impl<'a> Handing<'a> {
    fn begin(live: &'a Live, topic: &'a str, (messages, deadline): (usize, Instant)) -> Handing<'a> {
        live.client().context().group.begin(messages);
        Handing { live, topic, messages, done: 0, deadline }
    }

    /// Hands over the next one, the record of an event.
    fn over(&mut self, place: usize, event: &Event, record: &[u8]) {
        let group = &self.live.client().context().group;
        if record.is_empty() {
            self.done += 1;
            return group.settle(place, Some(RDKafkaErrorCode::MessageSizeTooLarge));
        }
        let at = event.receipt.received_at.as_millisecond().max(1);
        let mut message =
            BaseRecord::with_opaque_to(self.topic, place).key(key(event)).payload(record).timestamp(at);
        while let Err((error, unsent)) = self.live.send(message) {
            let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail);
            if code != RDKafkaErrorCode::QueueFull || Instant::now() >= self.deadline {
                group.settle(place, Some(code));
                break;
            }
            // Ends early only when everything that was handed over is settled, and then there is room.
            group.wait(self.messages - self.done, FULL_PAUSE);
            message = unsent;
        }
        self.done += 1;
    }

    /// Returns how many were handed over. The others are not waited for.
    fn end(self) -> usize {
        self.live.client().context().group.withdraw(self.messages - self.done);
        self.done
    }
}

/// Appends an event as a record and returns where it is: nowhere for one that is larger than a record can be.
fn add(records: &mut Vec<u8>, event: &Event) -> Range<usize> {
    let start = records.len();
    if alone::encode_to(records, event).is_none() {
        records.truncate(start);
    }
    start..records.len()
}

/// Returns what decides the partition, and so which events stay in order: the same key as that of the destination.
fn key(event: &Event) -> &str {
    let head = &event.head;
    head.user_id.as_deref().or(head.anonymous_id.as_deref()).unwrap_or(&head.message_id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::fixtures::event;
    use crate::journal::kafka::tests::{Scene, scene};

    #[test]
    fn what_is_not_handed_over_in_time_is_left_for_the_next_wave() {
        let Scene { core, .. } = &scene();
        let producer = Producer::new(core.clients.clone(), "t");
        let live = producer.live(core.clients.batches.present()).unwrap();
        let group = &live.client().context().group;
        let (event, mut records) = (event("m1", 10), Vec::new());
        let record = add(&mut records, &event);
        let mut handing = Handing::begin(&live, "t", (3, Instant::now()));
        handing.over(4, &event, &records[record]);
        handing.over(7, &event, &[]);
        assert_eq!(handing.end(), 2);
        assert!(group.wait(0, Duration::from_secs(60)), "nobody waits for the third");
        let Failures { failed, too_large } = group.take();
        assert_eq!((failed, too_large), (None, vec![7]), "what is no record is larger than one can be");
        let stored = || [0, 1].map(|partition| core.groups.bounds(partition).unwrap().1).iter().sum::<u64>();
        assert_eq!(stored(), 1);
    }
}
