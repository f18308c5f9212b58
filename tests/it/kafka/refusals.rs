//! What the brokers do not take: one message, or a topic.

use serde_json::{Value, json};

use super::{MAKES_NO_TOPIC, config};
use crate::support::{Kafka, Router, batch, fresh_id, ids_of, track, until};

#[tokio::test]
async fn a_message_that_is_too_large_is_one_dead_letter() {
    let cluster = Kafka::with("events", 2);
    let router = Router::start(config(&cluster, "")).await;
    let mut events: Vec<Value> = (0..4).map(|n| track("ada", n)).collect();
    events[1]["properties"]["text"] = json!("x".repeat(1_000_000));
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let mut ids = ids_of(&events);
    let large = ids.remove(1);
    let mut topic = cluster.read("events", 2);
    topic.until_all(&ids, 20).await;
    until("one is dead", 20, async || {
        router.destination("kafka").await["counts"]["dead"] == json!({ "too_large": 1 })
    })
    .await;
    assert!(router.dead_letters().contains(&large));
    assert_eq!(topic.messages().len(), 3);
}

#[tokio::test]
async fn a_missing_topic_holds_the_destination_until_it_is_made() {
    let cluster = Kafka::start();
    let router = Router::start(config(&cluster, MAKES_NO_TOPIC)).await;
    let events: Vec<Value> = (0..10).map(|n| track("ada", n)).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    until("the destination is held", 20, async || {
        let kafka = router.destination("kafka").await;
        kafka["state"] == "held" && kafka.to_string().contains("topic `events`")
    })
    .await;
    cluster.create("events", 2);
    let mut topic = cluster.read("events", 2);
    let messages = topic.until_all(&ids_of(&events), 20).await;
    assert_eq!(messages.len(), 10);
    assert_eq!(router.destination("kafka").await["counts"]["dead"], json!({}));
}

#[tokio::test]
async fn a_missing_topic_among_several_holds_only_its_own_events() {
    let cluster = Kafka::with("events", 2);
    let extra = format!("topics = {{ \"Order Completed\" = \"orders\" }}\n{MAKES_NO_TOPIC}");
    let router = Router::start(config(&cluster, &extra)).await;
    let order = json!({
        "type": "track", "event": "Order Completed", "userId": "bob", "messageId": fresh_id("order"),
    });
    let events: Vec<Value> = (0..10).map(|n| track("ada", n)).collect();
    router.post("/v1/track", &order).await.expect_success();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let mut topic = cluster.read("events", 2);
    topic.until_all(&ids_of(&events), 20).await;
    until("the missing topic is told", 20, async || {
        let kafka = router.destination("kafka").await;
        kafka["state"] == "flowing"
            && kafka["backlog"]["events"] == 1
            && kafka["last_error"].to_string().contains("topic `orders`")
    })
    .await;
}
