//! A cluster of brokers in this process, which speaks Kafka's protocol over TCP to whoever connects, and a reader of all
//! that its topics hold.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, Producer as _};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;

/// Brokers of a cluster; their ids begin at 1.
const BROKERS: i32 = 3;

/// The cluster.
pub(crate) struct Kafka(MockCluster<'static, DefaultProducerContext>);

impl Kafka {
    /// Starts three brokers without topics.
    pub(crate) fn start() -> Kafka {
        Kafka(MockCluster::new(BROKERS).expect("brokers can be made"))
    }

    /// Starts three brokers with one topic.
    pub(crate) fn with(topic: &str, partitions: i32) -> Kafka {
        let cluster = Kafka::start();
        cluster.create(topic, partitions);
        cluster
    }

    pub(crate) fn create(&self, topic: &str, partitions: i32) {
        self.0.create_topic(topic, partitions, BROKERS).expect("a topic can be made");
    }

    /// Returns the addresses of all brokers.
    pub(crate) fn brokers(&self) -> String {
        self.0.bootstrap_servers()
    }

    /// Answers the next requests of a kind with these errors.
    pub(crate) fn answer_next(&self, requests: RDKafkaApiKey, errors: &[RDKafkaRespErr]) {
        self.0.request_errors(requests, errors);
    }

    /// Answers requests of a kind as they deserve again.
    pub(crate) fn answer_no_more(&self, requests: RDKafkaApiKey) {
        self.0.clear_request_errors(requests);
    }

    pub(crate) fn all_down(&self) {
        (1..=BROKERS).for_each(|broker| self.0.broker_down(broker).expect("a broker can be taken down"));
    }

    pub(crate) fn all_up(&self) {
        (1..=BROKERS).for_each(|broker| self.0.broker_up(broker).expect("a broker can be taken up"));
    }

    /// Every answer takes this long from now on.
    pub(crate) fn answer_after(&self, delay: Duration) {
        let slow = |broker| self.0.broker_round_trip_time(broker, delay).expect("a broker can be slowed");
        (1..=BROKERS).for_each(slow);
    }

    /// Returns the sum of the offsets that a consumer group has stored for a topic.
    pub(crate) fn committed(&self, group: &str, topic: &str, partitions: i32) -> i64 {
        self.marks(group, topic, 0..partitions).into_iter().sum()
    }

    /// Returns the offset that a consumer group has stored for a partition, 0 without any.
    pub(crate) fn mark(&self, group: &str, topic: &str, partition: i32) -> i64 {
        self.marks(group, topic, partition..partition + 1).into_iter().sum()
    }

    fn marks(&self, group: &str, topic: &str, partitions: Range<i32>) -> Vec<i64> {
        let mut places = TopicPartitionList::new();
        for partition in partitions {
            places.add_partition(topic, partition);
        }
        let stored = self
            .consumer(group)
            .committed_offsets(places, Duration::from_secs(5))
            .expect("the brokers answer");
        let offsets = stored.elements().into_iter().map(|one| one.offset().to_raw().unwrap_or_default());
        offsets.filter(|offset| *offset > 0).collect()
    }

    /// Stores an offset for every partition of a topic, as a consumer group that has no members.
    pub(crate) fn commit(&self, group: &str, topic: &str, partitions: i32, offset: i64) {
        let mut places = TopicPartitionList::new();
        for partition in 0..partitions {
            places.add_partition_offset(topic, partition, Offset::Offset(offset)).expect("an offset");
        }
        self.consumer(group).commit(&places, CommitMode::Sync).expect("the brokers answer");
    }

    /// Stores for a group that never had a member the offsets that another one has, with words beside them.
    pub(crate) fn copy_marks(&self, (from, to): (&str, &str), topic: &str, partitions: i32, words: &str) {
        let mut places = TopicPartitionList::new();
        for partition in 0..partitions {
            let mut one = places.add_partition(topic, partition);
            one.set_offset(Offset::Offset(self.mark(from, topic, partition))).expect("an offset");
            one.set_metadata(words);
        }
        self.consumer(to).commit(&places, CommitMode::Sync).expect("the brokers answer");
    }

    fn consumer(&self, group: &str) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", self.brokers())
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "20")
            .create()
            .expect("a consumer can be made")
    }

    /// Returns some record of a topic as its bytes, with its partition.
    pub(crate) fn record(&self, topic: &str, partitions: i32) -> (i32, Vec<u8>) {
        let consumer = self.consumer("reader");
        let mut places = TopicPartitionList::new();
        for partition in 0..partitions {
            places.add_partition_offset(topic, partition, Offset::Beginning).expect("a place to begin");
        }
        consumer.assign(&places).expect("partitions can be assigned");
        loop {
            if let Some(Ok(message)) = consumer.poll(Duration::from_secs(1)) {
                return (message.partition(), message.payload().unwrap_or_default().to_vec());
            }
        }
    }

    /// Writes bytes to a partition and returns their offset.
    pub(crate) fn produce(&self, topic: &str, partition: i32, payload: &[u8]) -> i64 {
        let producer: BaseProducer =
            ClientConfig::new().set("bootstrap.servers", self.brokers()).create().expect("a producer");
        let record = BaseRecord::<(), [u8]>::to(topic).partition(partition).payload(payload);
        producer.send(record).map_err(|(error, _)| error).expect("room for a message");
        producer.flush(Duration::from_secs(10)).expect("the brokers answer");
        let end = producer.client().fetch_watermarks(topic, partition, Duration::from_secs(5));
        end.expect("the brokers answer").1 - 1
    }

    /// Begins to read a topic at its beginning.
    pub(crate) fn read(&self, topic: &str, partitions: i32) -> Topic {
        // Not as a member of a group, which would wait three seconds for others.
        let consumer = self.consumer("reader");
        let mut places = TopicPartitionList::new();
        for partition in 0..partitions {
            places.add_partition_offset(topic, partition, Offset::Beginning).expect("a place to begin");
        }
        consumer.assign(&places).expect("partitions can be assigned");
        Topic { consumer, messages: Vec::new() }
    }
}

/// What a topic holds, as far as it was read.
pub(crate) struct Topic {
    consumer: BaseConsumer,
    messages: Vec<Message>,
}

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) partition: i32,
    pub(crate) key: Option<String>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) value: Value,
}

impl Message {
    fn of(message: &BorrowedMessage<'_>) -> Message {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
        let headers = message.headers().into_iter().flat_map(|headers| headers.iter());
        Message {
            partition: message.partition(),
            key: message.key().map(text),
            headers: headers.map(|one| (one.key.to_owned(), text(one.value.unwrap_or_default()))).collect(),
            value: serde_json::from_slice(message.payload().unwrap_or_default()).expect("a value is JSON"),
        }
    }

    pub(crate) fn id(&self) -> &str {
        &self.headers["messageId"]
    }
}

impl Topic {
    /// Returns everything that can be read by now, in the order of each partition.
    pub(crate) fn messages(&mut self) -> &[Message] {
        while let Some(message) = self.consumer.poll(Duration::from_millis(10)) {
            match message {
                Ok(message) => self.messages.push(Message::of(&message)),
                // Brokers that are down, leaders that move: it goes on by itself.
                Err(KafkaError::MessageConsumption(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
        &self.messages
    }

    /// Waits until so many messages are there.
    pub(crate) async fn until(&mut self, count: usize, seconds: u64) -> &[Message] {
        let what = format!("the topic holds {count} messages");
        super::until(&what, seconds, async || self.messages().len() >= count).await;
        &self.messages
    }

    /// Waits until every one of these events is there.
    pub(crate) async fn until_all(&mut self, ids: &[String], seconds: u64) -> &[Message] {
        let what = format!("the topic holds {} events", ids.len());
        super::until(&what, seconds, async || {
            let found: std::collections::HashSet<&str> = self.messages().iter().map(Message::id).collect();
            ids.iter().all(|id| found.contains(id.as_str()))
        })
        .await;
        &self.messages
    }
}
