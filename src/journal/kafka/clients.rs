//! What the library is told, for each of the clients that the journal has, and what it says by itself.
//!
//! The properties that the promises rest on come last: nobody can change them. Never sends or reads anything.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rdkafka::admin::AdminClient;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{ProducerContext, ThreadedProducer};
use rdkafka::{ClientContext, Statistics};

use super::batches::{Batch, Batches};
use super::doubt::LeastInSync;
use super::producer::Ticket;
use super::{Options, io};
use crate::journal::JournalError;
use crate::telemetry::events::JournalLibrarySaid;

/// What every client is told where the operator says nothing else.
const USUAL: &[(&str, &str)] = &[
    ("client.id", "opentrack"),
    // A broker that is back and a topic that is new are noticed soon.
    ("topic.metadata.refresh.interval.ms", "10000"),
    ("topic.metadata.propagation.max.ms", "1000"),
    ("reconnect.backoff.max.ms", "1000"),
];

/// The producer: it waits little, since a group is handed over whole, and gives up before whoever sends to the door does.
const PRODUCER: &[(&str, &str)] = &[
    ("partitioner", "murmur2_random"),
    ("compression.type", "lz4"),
    ("linger.ms", "1"),
    ("batch.size", "1000000"),
    ("message.timeout.ms", "10000"),
    ("queue.buffering.max.messages", "50000"),
    ("queue.buffering.max.kbytes", "65536"),
];

/// The reader: a member that is gone is missed after ten seconds, and what is read ahead takes little memory.
const READER: &[(&str, &str)] = &[
    ("session.timeout.ms", "10000"),
    ("heartbeat.interval.ms", "2000"),
    ("fetch.wait.max.ms", "100"),
    ("queued.min.messages", "10000"),
    // All partitions share that queue, so that it is full again and again. The library's own pause is a second for each of
    // them, in which nothing is read though the queue is empty after milliseconds.
    ("fetch.queue.backoff.ms", "5"),
    ("queued.max.messages.kbytes", "16384"),
    ("statistics.interval.ms", "2000"),
];

/// What the promises of the producer rest on.
const PRODUCER_OURS: &[(&str, &str)] =
    &[("acks", "all"), ("enable.idempotence", "true"), ("allow.auto.create.topics", "false")];

/// What the promises of whoever reads rest on.
const READER_OURS: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "false"),
    ("auto.offset.reset", "earliest"),
    ("partition.assignment.strategy", "cooperative-sticky"),
    ("isolation.level", "read_committed"),
    ("allow.auto.create.topics", "false"),
];

/// How long the library waits for more at least, where a partition has one batch at a time: many times what it takes to hand a
/// batch over, also for a thread that has to wait for a processor.
const LINGER: Duration = Duration::from_millis(10);

/// Messages of a batch where nobody says how many, in librdkafka's words `batch.num.messages`.
const LIBRARY_BATCH: u64 = 10_000;

/// What the library puts into one batch at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Wave {
    pub(super) bytes: u64,
    pub(super) events: u64,
}

/// Makes the clients.
#[derive(Clone)]
pub(super) struct Clients {
    operator: BTreeMap<String, String>,
    max_event_bytes: usize,
    /// How much the topic takes at once.
    pub(super) batches: Arc<Batches>,
    /// How many replicas the topic wants.
    pub(super) least_in_sync: LeastInSync,
    /// How long the library tries to send one message.
    pub(super) patience: Duration,
    /// How long the library waits for more where a partition has one batch at a time: what is handed over within it is one.
    pub(super) linger: Duration,
    /// What the library puts into one batch, whatever the topic takes.
    most: Wave,
}

impl Clients {
    pub(super) fn new(options: &Options) -> Clients {
        let max_event_bytes = options.max_event_bytes;
        let batches = Arc::new(Batches::new(max_event_bytes));
        batches.limited(options.max_message_bytes);
        let operator = options.client.clone();
        let config = config(&operator, PRODUCER, PRODUCER_OURS);
        let number = |name| config.get(name).and_then(|text| text.parse::<u64>().ok());
        let patience = Duration::from_millis(number("message.timeout.ms").unwrap_or(10_000));
        let linger = LINGER.max(Duration::from_millis(number("linger.ms").unwrap_or(0)));
        let most = most(number);
        let least_in_sync = LeastInSync::default();
        Clients { operator, max_event_bytes, batches, least_in_sync, patience, linger, most }
    }

    fn config(&self, usual: &[(&str, &str)], ours: &[(&str, &str)]) -> ClientConfig {
        config(&self.operator, usual, ours)
    }

    /// Makes the producer, for such batches or what the operator says, whichever is less.
    pub(super) fn producer(&self, batch: Batch) -> Result<ThreadedProducer<Ears>, JournalError> {
        let mut config = self.config(PRODUCER, PRODUCER_OURS);
        config.set("batch.size", self.wave(batch).bytes.to_string());
        if matches!(batch, Batch::OneAtATime(_)) {
            config.set("linger.ms", self.linger.as_millis().to_string());
        }
        // The library's own bound must not be below what the door takes; a record has a little beside the text.
        config.set("message.max.bytes", (self.max_event_bytes + (64 << 10)).max(1_000_000).to_string());
        make(&config, Ears::default())
    }

    /// Returns what the library certainly puts into one batch of a partition, when it is handed over in time.
    pub(super) fn wave(&self, batch: Batch) -> Wave {
        let (Batch::UpTo(bytes) | Batch::OneAtATime(bytes)) = batch;
        Wave { bytes: bytes.min(self.most.bytes), ..self.most }
    }

    /// Makes a client that asks about the topic.
    pub(super) fn admin(&self) -> Result<AdminClient<Ears>, JournalError> {
        make(&self.config(&[], &[]), Ears::default())
    }

    /// Makes a consumer of a group, which is no member of it unless it subscribes.
    pub(super) fn consumer<C: ConsumerContext + 'static>(
        &self,
        group: &str,
        context: C,
    ) -> Result<BaseConsumer<C>, JournalError> {
        let mut config = self.config(READER, READER_OURS);
        config.set("group.id", group);
        make(&config, context)
    }

    /// Makes a consumer that reads a part of the topic once more, and says where a partition ends.
    pub(super) fn rereader(&self, group: &str) -> Result<BaseConsumer<Ears>, JournalError> {
        let mut config = self.config(READER, READER_OURS);
        config.set("group.id", group);
        config.set("enable.partition.eof", "true");
        config.set("statistics.interval.ms", "0");
        make(&config, Ears::default())
    }
}

fn config(
    operator: &BTreeMap<String, String>,
    usual: &[(&str, &str)],
    ours: &[(&str, &str)],
) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set_log_level(RDKafkaLogLevel::Warning);
    for (name, value) in USUAL.iter().chain(usual) {
        config.set(*name, *value);
    }
    for (name, value) in operator {
        config.set(name, value);
    }
    for (name, value) in ours {
        config.set(*name, *value);
    }
    config
}

/// Returns what the library puts into one batch by these properties of it.
fn most(number: impl Fn(&'static str) -> Option<u64>) -> Wave {
    let least = |one: Option<u64>, other: Option<u64>| one.into_iter().chain(other).min();
    // Half of the queue: what is settled leaves it a moment later.
    let room = |name, unit| number(name).map(|size| (size.saturating_mul(unit) / 2).max(1));
    let bytes = least(number("batch.size"), room("queue.buffering.max.kbytes", 1 << 10));
    let events =
        least(number("batch.num.messages").or(Some(LIBRARY_BATCH)), room("queue.buffering.max.messages", 1));
    Wave { bytes: bytes.unwrap_or(u64::MAX), events: events.unwrap_or(LIBRARY_BATCH) }
}

fn make<C: ClientContext, T: FromClientConfigAndContext<C>>(
    config: &ClientConfig,
    context: C,
) -> Result<T, JournalError> {
    config.create_with_context(context).map_err(|error| io("could not make a client of Kafka", &error))
}

/// Listens to one client.
#[derive(Debug, Default, Clone)]
pub(super) struct Ears {
    heard: Arc<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// The last trouble since all was well.
    trouble: Mutex<Option<String>>,
    /// Said loudly since then.
    has_complained: AtomicBool,
    /// Events of the partitions held that are not read yet, by the library's statistics.
    lag: Mutex<u64>,
}

impl Ears {
    /// Returns the last trouble since all was well.
    pub(super) fn trouble(&self) -> Option<String> {
        self.heard.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All is well.
    pub(super) fn relax(&self) {
        self.heard.has_complained.store(false, Ordering::Relaxed);
        self.heard.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Returns how many events were not read yet, when that was last counted.
    pub(super) fn lag(&self) -> u64 {
        *self.heard.lag.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClientContext for Ears {
    /// The first complaint after a success is loud; an outage repeats it with every attempt to connect.
    fn log(&self, level: RDKafkaLogLevel, facility: &str, words: &str) {
        let grave = match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => true,
            // Every client is told everything, and says which of it is not for its kind.
            RDKafkaLogLevel::Error | RDKafkaLogLevel::Warning => {
                facility != "CONFWARN" && !self.heard.has_complained.swap(true, Ordering::Relaxed)
            }
            RDKafkaLogLevel::Notice | RDKafkaLogLevel::Info | RDKafkaLogLevel::Debug => false,
        };
        JournalLibrarySaid { grave, facility, words }.emit();
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let mut trouble = self.heard.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        // The sum of several troubles says less than one of them.
        let is_sum = error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown);
        if trouble.is_none() || !is_sum {
            *trouble = Some(reason.to_owned());
        }
    }

    fn stats(&self, statistics: Statistics) {
        let partitions = statistics.topics.values().flat_map(|topic| topic.partitions.values());
        let lag =
            partitions.filter(|one| one.desired).map(|one| u64::try_from(one.consumer_lag).unwrap_or(0));
        *self.heard.lag.lock().unwrap_or_else(PoisonError::into_inner) = lag.sum();
    }
}

impl ConsumerContext for Ears {}

impl ProducerContext for Ears {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &rdkafka::producer::DeliveryResult<'_>, ticket: Box<Ticket>) {
        match result {
            Ok(_) => {
                self.relax();
                ticket.settle(None);
            }
            Err((error, _)) => {
                ticket.settle(Some(error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Fail)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_operator_changes_what_is_usual_and_no_promise() {
        let less = [
            ("acks", "1"),
            ("enable.idempotence", "false"),
            ("enable.auto.commit", "true"),
            ("enable.auto.offset.store", "true"),
            ("auto.offset.reset", "latest"),
            ("linger.ms", "50"),
            ("session.timeout.ms", "30000"),
        ];
        let producer = config(&told(&less), PRODUCER, PRODUCER_OURS);
        let of = |name| producer.get(name).unwrap();
        assert_eq!((of("acks"), of("enable.idempotence"), of("linger.ms")), ("all", "true", "50"));
        assert_eq!(of("partitioner"), "murmur2_random");
        let reader = config(&told(&less), READER, READER_OURS);
        let of = |name| reader.get(name).unwrap();
        assert_eq!((of("enable.auto.commit"), of("enable.auto.offset.store")), ("false", "false"));
        assert_eq!((of("auto.offset.reset"), of("session.timeout.ms")), ("earliest", "30000"));
    }

    #[test]
    fn a_wave_is_within_a_batch_and_half_of_the_queue() {
        let wave = |pairs: &[(&str, &str)]| {
            let config = config(&told(pairs), PRODUCER, PRODUCER_OURS);
            most(|name| config.get(name).and_then(|text| text.parse().ok()))
        };
        assert_eq!(wave(&[]), Wave { bytes: 1_000_000, events: 10_000 });
        let small = [("batch.num.messages", "5"), ("queue.buffering.max.kbytes", "100")];
        assert_eq!(wave(&small), Wave { bytes: 51_200, events: 5 });
        assert_eq!(wave(&[("queue.buffering.max.messages", "9"), ("batch.size", "70")]).events, 4);
    }
}
