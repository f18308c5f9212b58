//! The path of an event through the topic, restarts and outages of one router.

use super::{cluster, config};
use crate::support::{Receiver, Router, batch, ids_of, track};

#[tokio::test]
async fn an_event_goes_through_the_topic_and_arrives_once() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let events: Vec<_> = (0..50).map(|n| track(&format!("user-{n}"), n)).collect();
    let ids = ids_of(&events);
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    let mut taken = receiver.taken_ids();
    taken.sort();
    let mut sent = ids.clone();
    sent.sort();
    assert_eq!(taken, sent, "each once");
}
