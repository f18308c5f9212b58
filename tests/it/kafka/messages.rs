//! What a message looks like to a consumer.

use serde_json::json;

use super::config;
use crate::support::{Kafka, Router, batch, ids_of, track};

#[tokio::test]
async fn an_event_is_a_message_with_key_headers_and_the_whole_event() {
    let cluster = Kafka::with("events", 4);
    let router = Router::start(config(&cluster, "")).await;
    let event = track("ada", 7);
    assert_eq!(router.post("/v1/batch", &batch(std::slice::from_ref(&event))).await.status, 200);
    let mut topic = cluster.read("events", 4);
    let message = topic.until(1, 20).await[0].clone();
    assert_eq!(message.key.as_deref(), Some("ada"));
    assert_eq!(message.value["properties"], json!({ "n": 7 }));
    let expected = [
        ("type", "track"),
        ("event", "Thing Done"),
        ("schema", "opentrack/1"),
        ("content-type", "application/json"),
    ];
    for (name, value) in expected {
        assert_eq!(message.headers[name], value, "{name}");
    }
    assert_eq!(message.id(), event["messageId"].as_str().unwrap());
    assert_eq!(message.headers["receivedAt"], message.value["receivedAt"].as_str().unwrap());
    assert!(!message.headers.values().any(|value| value == "key"), "the write key is nobody's business");
    router.until_rows("tracks", &ids_of(&[event])).await;
}

#[tokio::test]
async fn events_go_to_the_topics_that_the_settings_say() {
    let cluster = Kafka::start();
    ["events.page", "events.track", "orders"].iter().for_each(|topic| cluster.create(topic, 2));
    let extra = "topic = \"events.{type}\"\ntopics = { \"Order Completed\" = \"orders\" }";
    let router = Router::start(config(&cluster, extra)).await;
    let events = [
        json!({ "type": "page", "name": "Home", "userId": "u", "messageId": "to events.page" }),
        json!({ "type": "track", "event": "Thing Done", "userId": "u", "messageId": "to events.track" }),
        json!({ "type": "track", "event": "Order Completed", "userId": "u", "messageId": "to orders" }),
    ];
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    for topic in ["events.page", "events.track", "orders"] {
        let messages = cluster.read(topic, 2).until(1, 20).await.to_vec();
        let ids: Vec<&str> = messages.iter().map(crate::support::Message::id).collect();
        assert_eq!(ids, [format!("to {topic}")]);
    }
}
