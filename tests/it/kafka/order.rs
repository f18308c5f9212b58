//! Order of a user and no repetition, whatever the brokers do meanwhile.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::Value;

use super::config;
use crate::support::{Kafka, Message, Router, batch, track};

const USERS: u64 = 40;
const EVENTS: u64 = 10_000;

/// Users take turns, and number their events.
fn all() -> Vec<Value> {
    (0..EVENTS).map(|n| track(&format!("user-{}", n % USERS), n / USERS)).collect()
}

/// The numbers of each user's events, in the order of their partition.
fn by_user(messages: &[Message]) -> BTreeMap<(String, i32), Vec<u64>> {
    let mut users: BTreeMap<_, Vec<u64>> = BTreeMap::new();
    for message in messages {
        let user = message.value["userId"].as_str().unwrap().to_owned();
        let number = message.value["properties"]["n"].as_u64().unwrap();
        users.entry((user, message.partition)).or_default().push(number);
    }
    users
}

#[tokio::test]
async fn ten_thousand_events_are_there_once_and_in_the_order_of_their_users_through_faults() {
    let cluster = Kafka::with("events", 4);
    let router = Router::start(config(&cluster, "")).await;
    let moved = RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION;
    // No cut: these brokers do not look at the sequence numbers of a producer without transactions, so they take twice what
    // was on its way then.
    let late = RDKafkaRespErr::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT;
    for (number, events) in all().chunks(500).enumerate() {
        if number % 4 == 1 {
            cluster.answer_next(RDKafkaApiKey::Produce, &[moved, late]);
        }
        router.post("/v1/batch", &batch(events)).await.expect_success();
    }
    let mut topic = cluster.read("events", 4);
    let messages = topic.until(EVENTS as usize, 60).await;
    assert_eq!(messages.len(), EVENTS as usize, "nothing is there twice");
    let ids: HashSet<&str> = messages.iter().map(Message::id).collect();
    assert_eq!(ids.len(), EVENTS as usize);
    let users = by_user(messages);
    assert_eq!(users.len(), USERS as usize, "a user is in one partition");
    let in_order: Vec<u64> = (0..EVENTS / USERS).collect();
    for (user, numbers) in &users {
        assert_eq!(numbers, &in_order, "{user:?}");
    }
    let partitions: HashSet<i32> = messages.iter().map(|message| message.partition).collect();
    assert_eq!(partitions.len(), 4, "the keys are spread");
}

#[tokio::test]
async fn brokers_that_are_far_away_get_everything_once() {
    let cluster = Kafka::with("events", 4);
    let router = Router::start(config(&cluster, "")).await;
    cluster.answer_after(Duration::from_millis(300));
    for events in all()[..2_000].chunks(500) {
        router.post("/v1/batch", &batch(events)).await.expect_success();
    }
    let mut topic = cluster.read("events", 4);
    let messages = topic.until(2_000, 60).await;
    assert_eq!(messages.len(), 2_000);
    assert!(by_user(messages).values().all(|numbers| numbers.is_sorted()));
}
