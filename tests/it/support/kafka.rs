//! A cluster of brokers in this process, which speaks Kafka's protocol over TCP to whoever connects, and a reader of all
//! that its topics hold.

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, Headers as _, Message as _};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
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
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.brokers())
            .set("group.id", group)
            .create()
            .expect("a consumer can be made");
        let mut places = TopicPartitionList::new();
        places.add_partition_range(topic, 0, partitions - 1);
        let stored = consumer.committed_offsets(places, Duration::from_secs(5)).expect("the brokers answer");
        let offsets = stored.elements().into_iter().map(|one| one.offset().to_raw().unwrap_or_default());
        offsets.filter(|offset| *offset > 0).sum()
    }

    /// Begins to read a topic at its beginning.
    pub(crate) fn read(&self, topic: &str, partitions: i32) -> Topic {
        // Not as a member of a group, which would wait three seconds for others.
        let consumer: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.brokers())
            .set("group.id", "reader")
            .set("enable.auto.commit", "false")
            .set("fetch.wait.max.ms", "20")
            .create()
            .expect("a consumer can be made");
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
