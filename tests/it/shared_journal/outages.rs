//! Brokers that are away, and events that come twice.

use super::{cluster, config, held, repeated, round, send, until_held};
use crate::support::{Receiver, Router, batch, ids_of, until};

#[tokio::test]
async fn without_brokers_the_door_says_503_and_nothing_accepted_is_lost() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let quick = ", \"message.timeout.ms\" = 1500";
    let router = Router::start(config(&cluster, quick).webhook("hook", &receiver.url(), "")).await;
    let before = send(&router, 20, 0).await;
    receiver.until_taken(&before).await;
    cluster.all_down();
    let events = round(20, 1);
    router.post("/v1/batch", &batch(&events)).await.expect_error(503, "overloaded");
    let ready = router.get("/ready").await;
    assert_eq!(ready.status, 503, "{}", ready.text);
    assert!(ready.text.contains("opentrack.journal"), "it is named: {}", ready.text);
    cluster.all_up();
    until("the router is ready again", 20, async || router.get("/ready").await.status == 200).await;
    // A client sends again what was refused; a part of it may be in the topic.
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    receiver.until_taken(&ids_of(&events)).await;
    let last = send(&router, 20, 2).await;
    receiver.until_taken(&last).await;
    assert_eq!(repeated(&receiver), Vec::<String>::new());
}

#[tokio::test]
async fn an_event_that_is_sent_again_to_another_router_is_delivered_once() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let config = config(&cluster, "").webhook("hook", &receiver.url(), "");
    let one = Router::start(config.clone()).await;
    let other = Router::start(config).await;
    let events = round(40, 0);
    one.post("/v1/batch", &batch(&events)).await.expect_success();
    other.post("/v1/batch", &batch(&events)).await.expect_success();
    let marker = send(&other, 40, 1).await;
    receiver.until_taken(&ids_of(&events)).await;
    receiver.until_taken(&marker).await;
    assert_eq!(repeated(&receiver), Vec::<String>::new());
}

#[tokio::test]
async fn what_was_sent_before_a_takeover_is_known_after_it() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let config = config(&cluster, "").webhook("hook", &receiver.url(), "");
    let mut router = Router::start(config.clone()).await;
    let events = round(40, 0);
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    receiver.until_taken(&ids_of(&events)).await;
    router.stop().await;
    let successor = Router::start(config).await;
    successor.post("/v1/batch", &batch(&events)).await.expect_success();
    let marker = send(&successor, 40, 1).await;
    receiver.until_taken(&marker).await;
    assert_eq!(repeated(&receiver), Vec::<String>::new());
    until_held(&successor, 4).await;
    assert_eq!(held(&successor).await, 4);
}
