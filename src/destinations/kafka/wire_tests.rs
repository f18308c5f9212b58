//! The wire against librdkafka's own brokers: what is waited for, what is given up, and what never comes late.

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::message::Message as _;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

use super::*;
use crate::destinations::Client as _;
use crate::destinations::kit::testing::{attempt, event, setting, word};

type Cluster = MockCluster<'static, DefaultProducerContext>;

/// One broker with the topic `events` of one partition.
fn cluster() -> Cluster {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic("events", 1, 1).unwrap();
    cluster
}

fn kafka(brokers: &str, text: &str, timeout: Duration) -> (Kafka, Wire) {
    let config: Config = toml::from_str(&format!("brokers = [\"{brokers}\"]\n{text}")).unwrap();
    Kafka::new(config, &Setting { timeout, ..setting("kafka", false) }).unwrap()
}

fn events(user: &str, ids: std::ops::Range<usize>, padding: usize) -> Vec<Arc<Event>> {
    let event_of = |id| {
        let text = format!(
            r#"{{"type":"track","event":"E","userId":"{user}","messageId":"{user}-{id}","properties":{{"p":"{}"}}}}"#,
            "x".repeat(padding)
        );
        event(&text)
    };
    ids.map(event_of).collect()
}

fn request(kafka: &Kafka, events: &[Arc<Event>]) -> Request {
    kafka.plan(events, &attempt(1)).requests.remove(0).request
}

/// Sends and judges.
async fn sent((kafka, wire): &(Kafka, Wire), events: &[Arc<Event>]) -> Vec<Outcome> {
    let request = request(kafka, events);
    let reply = wire.send(&request).await;
    kafka.judge(&request, events.len(), &reply)
}

fn words(outcomes: &[Outcome]) -> Vec<String> {
    let mut words: Vec<String> = outcomes.iter().map(word).collect();
    words.dedup();
    words
}

/// Returns the message ids that the topic holds, once so many are there and nothing more comes.
fn held(cluster: &Cluster, count: usize) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .set("group.id", "reader")
        .set("enable.partition.eof", "true")
        .create()
        .unwrap();
    let mut places = TopicPartitionList::new();
    places.add_partition_offset("events", 0, Offset::Beginning).unwrap();
    consumer.assign(&places).unwrap();
    let mut ids = Vec::new();
    loop {
        match consumer.poll(Duration::from_secs(10)).expect("the end of the topic is told") {
            Ok(message) => {
                let value: serde_json::Value = serde_json::from_slice(message.payload().unwrap()).unwrap();
                ids.push(value["messageId"].as_str().unwrap().to_owned());
            }
            Err(rdkafka::error::KafkaError::PartitionEOF(_)) if ids.len() >= count => return ids,
            Err(_) => {}
        }
    }
}

fn word_of(word: &str) -> Vec<String> {
    vec![word.to_owned()]
}

fn ids(user: &str, range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|id| format!("{user}-{id}")).collect()
}

const LONG: Duration = Duration::from_secs(40);

#[tokio::test]
async fn every_compression_arrives() {
    for compression in ["lz4", "zstd", "gzip", "snappy", "none"] {
        let cluster = cluster();
        let text = format!("compression = \"{compression}\"");
        let pair = kafka(&cluster.bootstrap_servers(), &text, LONG);
        assert_eq!(words(&sent(&pair, &events("u", 0..50, 200)).await), ["delivered"], "{compression}");
        assert_eq!(held(&cluster, 50), ids("u", 0..50), "{compression}");
    }
}

#[tokio::test]
async fn a_full_queue_is_waited_for() {
    let cluster = cluster();
    let text = "properties = { \"queue.buffering.max.messages\" = 10, \"linger.ms\" = 1 }";
    let pair = kafka(&cluster.bootstrap_servers(), text, LONG);
    assert_eq!(words(&sent(&pair, &events("u", 0..300, 10)).await), ["delivered"]);
    assert_eq!(held(&cluster, 300), ids("u", 0..300));
}

#[tokio::test]
async fn when_nobody_takes_anything_the_rest_of_a_full_queue_is_refused_in_order() {
    let cluster = cluster();
    let text = "properties = { \"queue.buffering.max.messages\" = 10 }";
    let pair = kafka(&cluster.bootstrap_servers(), text, Duration::from_secs(2));
    cluster.broker_down(1).unwrap();
    let outcomes = sent(&pair, &events("u", 0..30, 10)).await;
    assert_eq!(words(&outcomes), ["transient timeout"]);
    cluster.broker_up(1).unwrap();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    assert_eq!(words(&sent(&pair, &events("v", 0..1, 0)).await), ["delivered"]);
    assert_eq!(held(&cluster, 1), ids("v", 0..1), "what was given up does not come late");
}

#[tokio::test]
async fn an_outage_is_told_with_its_cause() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", Duration::from_secs(2));
    cluster.broker_down(1).unwrap();
    let outcomes = sent(&pair, &events("u", 0..2, 0)).await;
    let Outcome::Transient(fault) = &outcomes[0] else { panic!("{outcomes:?}") };
    assert_eq!(words(&outcomes), ["transient timeout"]);
    assert!(fault.answer.contains("127.0.0.1"), "{}", fault.answer);
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_to_be_repaired() {
    let pair = kafka("no-such-host.invalid:9092", "", Duration::from_secs(2));
    let outcomes = sent(&pair, &events("u", 0..1, 0)).await;
    assert_eq!(words(&outcomes), ["broken dns"], "{outcomes:?}");
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_never_comes_after_what_is_sent_again() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    assert_eq!(words(&sent(&pair, &events("u", 0..1, 0)).await), ["delivered"]);
    cluster.broker_down(1).unwrap();
    let request = request(&pair.0, &events("u", 1..3, 0));
    let given_up = tokio::time::timeout(Duration::from_millis(200), pair.1.send(&request)).await;
    assert!(given_up.is_err());
    cluster.broker_up(1).unwrap();
    assert_eq!(words(&sent(&pair, &events("u", 5..6, 0)).await), ["delivered"]);
    assert_eq!(held(&cluster, 2), ["u-0", "u-5"]);
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_never_comes_though_nothing_else_is_sent() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    assert_eq!(words(&sent(&pair, &events("u", 0..1, 0)).await), ["delivered"]);
    cluster.broker_down(1).unwrap();
    let request = request(&pair.0, &events("u", 1..3, 0));
    let given_up = tokio::time::timeout(Duration::from_millis(200), pair.1.send(&request)).await;
    assert!(given_up.is_err());
    let producer = pair.1.present().await.unwrap();
    assert!(producer.is_emptied(LONG / 4), "it holds nothing, though the broker is away");
    cluster.broker_up(1).unwrap();
    assert_eq!(held(&cluster, 1), ids("u", 0..1));
}

#[tokio::test]
async fn a_fatally_ill_producer_is_replaced() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    assert_eq!(words(&sent(&pair, &events("u", 0..1, 0)).await), ["delivered"]);
    let desynchronised = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    cluster.request_errors(RDKafkaApiKey::Produce, &[desynchronised]);
    let outcomes = sent(&pair, &events("u", 1..3, 0)).await;
    assert_eq!(words(&outcomes), ["transient server_error"], "{outcomes:?}");
    assert_eq!(words(&sent(&pair, &events("u", 1..3, 0)).await), ["delivered"]);
    assert_eq!(held(&cluster, 3), ids("u", 0..3));
}

#[tokio::test]
async fn a_producer_that_may_not_be_idempotent_is_told_and_made_anew() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    let forbidden = RDKafkaRespErr::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED;
    cluster.request_errors(RDKafkaApiKey::InitProducerId, &[forbidden]);
    let outcomes = sent(&pair, &events("u", 0..2, 0)).await;
    assert_eq!(words(&outcomes), ["broken forbidden"], "{outcomes:?}");
    assert_eq!(words(&sent(&pair, &events("u", 0..2, 0)).await), ["delivered"]);
}

#[tokio::test]
async fn a_message_that_is_too_large_here_is_refused_alone() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    let mut batch = events("u", 0..3, 0);
    batch[1] = events("u", 1..2, 1_000_100).remove(0);
    let told: Vec<String> = sent(&pair, &batch).await.iter().map(word).collect();
    assert_eq!(told, ["delivered", "refused too_large", "delivered"]);
}

#[tokio::test]
async fn messages_that_are_too_large_there_together_are_suspects() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    cluster.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    assert_eq!(words(&sent(&pair, &events("u", 0..3, 0)).await), ["suspect too_large"]);
    assert_eq!(words(&sent(&pair, &events("u", 0..3, 0)).await), ["delivered"]);
    assert_eq!(held(&cluster, 3), ids("u", 0..3));
}

#[tokio::test]
async fn an_event_that_went_with_a_refused_one_of_another_request_is_sent_alone_and_lives() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "properties = { \"linger.ms\" = 300 }", LONG);
    cluster.request_errors(RDKafkaApiKey::Produce, &[RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    let (innocent, others) = (events("u", 0..1, 0), events("v", 0..3, 0));
    let (alone, together) = tokio::join!(sent(&pair, &innocent), sent(&pair, &others));
    assert_eq!((words(&alone), words(&together)), (word_of("delivered"), word_of("suspect too_large")));
    assert_eq!(held(&cluster, 1), ids("u", 0..1));
}

#[tokio::test]
async fn an_event_that_is_refused_with_nothing_else_on_its_way_is_to_blame() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    let large = RDKafkaRespErr::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE;
    cluster.request_errors(RDKafkaApiKey::Produce, &[large, large]);
    assert_eq!(words(&sent(&pair, &events("u", 0..1, 0)).await), ["refused too_large"]);
    assert_eq!(words(&sent(&pair, &events("v", 0..2, 0)).await), ["delivered"], "the way is free again");
}

#[tokio::test]
async fn a_topic_that_was_missing_is_used_as_soon_as_it_is_there() {
    let cluster = MockCluster::new(1).unwrap();
    let text = "properties = { \"allow.auto.create.topics\" = false, \"topic.metadata.propagation.max.ms\" = 200 }";
    let pair = kafka(&cluster.bootstrap_servers(), text, LONG);
    for _ in 0..2 {
        assert_eq!(words(&sent(&pair, &events("u", 0..2, 0)).await), ["broken not_found"]);
    }
    cluster.create_topic("events", 1, 1).unwrap();
    assert_eq!(words(&sent(&pair, &events("u", 0..2, 0)).await), ["delivered"]);
}

#[tokio::test]
async fn a_forbidden_topic_is_used_as_soon_as_it_is_allowed() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "", LONG);
    cluster.topic_error("events", RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED).unwrap();
    for _ in 0..2 {
        assert_eq!(words(&sent(&pair, &events("u", 0..2, 0)).await), ["broken forbidden"]);
    }
    cluster.topic_error("events", RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR).unwrap();
    assert_eq!(words(&sent(&pair, &events("u", 0..2, 0)).await), ["delivered"]);
}

#[tokio::test]
async fn credentials_that_are_not_taken_are_told_long_before_the_time_out() {
    let cluster = cluster();
    let text = "security = { sasl = \"plain\", username = \"u\", password = \"geheim0123\" }";
    let pair = kafka(&cluster.bootstrap_servers(), text, LONG);
    let begun = tokio::time::Instant::now();
    let outcomes = sent(&pair, &events("u", 0..2, 0)).await;
    assert_eq!(words(&outcomes), ["broken unauthorized"], "{outcomes:?}");
    assert!(begun.elapsed() < LONG / 2 && !format!("{outcomes:?}").contains("geheim"), "{outcomes:?}");
}

#[tokio::test]
async fn a_probe_says_what_is_missing_and_makes_nothing() {
    let cluster = cluster();
    let probe = async |text: &str| {
        let (kafka, wire) = kafka(&cluster.bootstrap_servers(), text, LONG);
        let [question] = kafka.probe().try_into().unwrap();
        kafka.judge(&question, 1, &wire.send(&question).await).remove(0)
    };
    let kept = "properties = { \"allow.auto.create.topics\" = false }";
    assert_eq!(probe(kept).await, Outcome::Delivered);
    assert_eq!(probe("topic = \"orders\"").await, Outcome::Delivered, "the first event makes it");
    // These brokers make every topic that a producer asks for.
    for _ in 0..2 {
        let outcome = probe(&format!("topic = \"orders\"\n{kept}")).await;
        let Outcome::Broken(fault) = &outcome else { panic!("{outcome:?}") };
        assert_eq!(fault.reason.as_str(), "not_found");
        assert!(fault.answer.starts_with("topic `orders`: "), "{}", fault.answer);
    }
}

#[cfg(feature = "kafka-tls")]
#[tokio::test]
async fn brokers_that_do_not_encrypt_are_to_be_repaired() {
    let cluster = cluster();
    let pair = kafka(&cluster.bootstrap_servers(), "security = { tls = true }", Duration::from_secs(2));
    let outcomes = sent(&pair, &events("u", 0..2, 0)).await;
    assert_eq!(words(&outcomes), ["broken tls"], "{outcomes:?}");
}

#[cfg(feature = "kafka-tls")]
#[tokio::test]
async fn certificates_that_cannot_be_read_are_told_at_once() {
    let pair = kafka("localhost:1", "security = { tls = true, ca_file = \"/nowhere/ca.pem\" }", LONG);
    let outcomes = sent(&pair, &events("u", 0..1, 0)).await;
    assert_eq!(words(&outcomes), ["broken tls"], "{outcomes:?}");
    assert!(format!("{outcomes:?}").contains("ssl.ca.location failed"), "{outcomes:?}");
}
