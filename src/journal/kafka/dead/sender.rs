//! Hands records of dead letters to the brokers and waits for each of them.
//!
//! Everything goes to one partition, so that every router hears it in one order. Blocks for a few seconds at most; a producer
//! that is fatally ill is replaced before the next records. Decides nothing about what was not taken.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rdkafka::ClientConfig;
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

use super::PARTITION;
use crate::journal::LetterKey;
use crate::telemetry::events::JournalLibrarySaid;

/// How long the library tries before it gives a record up. The outbox tries on; a burial waits this long once in an outage.
const TRIES_FOR_MS: &str = "5000";
/// Larger than any letter: what is too large is for the brokers to say.
const LARGEST: &str = "8000000";

/// What the library is told on top of how it connects.
const PROPERTIES: &[(&str, &str)] = &[
    ("client.id", "opentrack-dead-letters"),
    ("acks", "all"),
    ("enable.idempotence", "true"),
    ("message.timeout.ms", TRIES_FOR_MS),
    ("message.max.bytes", LARGEST),
    ("compression.type", "lz4"),
    ("linger.ms", "2"),
    // A topic that brokers make by themselves has their retention, which is shorter than that of letters.
    ("allow.auto.create.topics", "false"),
    ("topic.metadata.propagation.max.ms", "1000"),
    ("reconnect.backoff.max.ms", "2000"),
];

/// One record: a letter, or the end of one.
pub(super) struct Parcel<'a> {
    pub(super) key: LetterKey,
    /// The line of the letter; `None` when it is gone.
    pub(super) line: Option<&'a [u8]>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Sent {
    /// All brokers that must have it have it.
    Taken,
    /// Not now.
    NotNow(String),
    /// Never: it is not to be tried again.
    Never(String),
}

/// Sends records.
pub(super) struct Sender {
    topic: String,
    config: ClientConfig,
    producer: Mutex<Option<Arc<Producer>>>,
}

type Producer = ThreadedProducer<Ears>;

impl Sender {
    /// Returns a sender without a producer yet. `connection` says how the library connects.
    pub(super) fn new(topic: &str, connection: &BTreeMap<String, String>) -> Sender {
        let config = client_config(connection, PROPERTIES);
        Sender { topic: topic.to_owned(), config, producer: Mutex::default() }
    }

    /// Sends records in their order and returns what became of each. Brokers refuse what the library puts together as a whole,
    /// so those that were refused are sent once more, each alone.
    pub(super) fn send(&self, parcels: &[Parcel<'_>]) -> Vec<Sent> {
        let mut sent = self.send_together(parcels);
        if parcels.len() > 1 {
            for (parcel, sent) in
                parcels.iter().zip(&mut sent).filter(|(_, sent)| matches!(sent, Sent::Never(_)))
            {
                self.send_together(std::slice::from_ref(parcel)).into_iter().for_each(|again| *sent = again);
            }
        }
        sent
    }

    fn send_together(&self, parcels: &[Parcel<'_>]) -> Vec<Sent> {
        let producer = match self.producer() {
            Ok(producer) => producer,
            Err(error) => return vec![Sent::NotNow(error.to_string()); parcels.len()],
        };
        let (to, from) = mpsc::channel();
        let mut sent = vec![Sent::Taken; parcels.len()];
        for (index, parcel) in parcels.iter().enumerate() {
            if let Err(error) = self.offer(&producer, parcel, Ticket { index, to: to.clone() }) {
                set(&mut sent, index, judge(&error));
            }
        }
        drop(to);
        // Ends when the library has settled every ticket, which the time of a message bounds.
        from.iter().for_each(|(index, what)| set(&mut sent, index, what));
        sent
    }

    fn offer(&self, producer: &Producer, parcel: &Parcel<'_>, ticket: Ticket) -> Result<(), KafkaError> {
        let key = parcel.key.to_string();
        let mut record =
            BaseRecord::with_opaque_to(&self.topic, Box::new(ticket)).partition(PARTITION).key(&key);
        record.payload = parcel.line;
        producer.send(record).map_err(|(error, _)| error)
    }

    /// Returns the producer, a new one where the old one is fatally ill.
    fn producer(&self) -> Result<Arc<Producer>, KafkaError> {
        let mut place = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(producer) = place.as_ref().filter(|producer| producer.client().fatal_error().is_none()) {
            return Ok(Arc::clone(producer));
        }
        let producer: Arc<Producer> = Arc::new(self.config.create_with_context(Ears)?);
        *place = Some(Arc::clone(&producer));
        Ok(producer)
    }
}

fn set(sent: &mut [Sent], index: usize, what: Sent) {
    if let Some(place) = sent.get_mut(index) {
        *place = what;
    }
}

/// A record that is larger than the brokers take, or that their rules refuse, stays what it is; everything else may pass.
fn judge(error: &KafkaError) -> Sent {
    let words = error.to_string();
    match error.rdkafka_error_code() {
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
            | RDKafkaErrorCode::InvalidMessageSize
            | RDKafkaErrorCode::InvalidRecord
            | RDKafkaErrorCode::PolicyViolation,
        ) => Sent::Never(words),
        _ => Sent::NotNow(words),
    }
}

/// Returns the library's settings: how it connects, and what we want of it.
pub(super) fn client_config(connection: &BTreeMap<String, String>, own: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    for (name, value) in connection {
        config.set(name, value);
    }
    for (name, value) in own {
        config.set(*name, *value);
    }
    config
}

/// Who waits for one record.
pub(super) struct Ticket {
    index: usize,
    to: mpsc::Sender<(usize, Sent)>,
}

/// What the library calls back.
pub(super) struct Ears;

impl ClientContext for Ears {
    /// What matters is told once by whoever waits; the library repeats itself with every attempt.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, words: &str) {
        let grave =
            matches!(level, RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical);
        JournalLibrarySaid { grave, facility, words }.emit();
    }

    fn error(&self, _: KafkaError, _: &str) {}
}

impl ProducerContext for Ears {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        let what = result.as_ref().map_or_else(|(error, _)| judge(error), |_| Sent::Taken);
        // Whoever asked waits until the last ticket is gone.
        drop(ticket.to.send((ticket.index, what)));
    }
}

impl rdkafka::consumer::ConsumerContext for Ears {}
