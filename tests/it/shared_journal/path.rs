//! The path of an event through the topic, and restarts of one router.

use super::{cluster, config, repeated, send};
use crate::support::{Receiver, Reply, Router, until};

#[tokio::test]
async fn an_event_goes_through_the_topic_and_arrives_once_also_after_a_restart() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let mut router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let first = send(&router, 50, 0).await;
    receiver.until_taken(&first).await;
    router.until_rows("tracks", &first).await;
    router.restart().await;
    let second = send(&router, 50, 1).await;
    receiver.until_taken(&second).await;
    router.until_rows("tracks", &second).await;
    assert_eq!(receiver.taken_ids().len(), 100, "repeated: {:?}", repeated(&receiver));
    // It knows its part of the topic alone, and what it took over twice.
    let report = router.get("/api/stats/events").await;
    report.expect_error(404, "not_found");
    assert!(report.json()["message"].as_str().unwrap().contains("ClickHouse"), "{report:?}");
    let hook = router.destination("hook").await;
    assert_eq!(hook["counts"]["delivered"], 100, "counts outlive a restart: {hook}");
}

#[tokio::test]
async fn what_was_not_delivered_comes_again_after_a_kill_that_took_the_disk_along() {
    let cluster = cluster();
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let mut router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let mut ids = send(&router, 40, 0).await;
    ids.extend(send(&router, 40, 1).await);
    until("it was tried", 20, async || !receiver.requests().is_empty()).await;
    until("all of it is read", 10, async || cluster.committed("opentrack", super::TOPIC, 4) == 80).await;
    router.kill9();
    std::fs::remove_dir_all(router.data()).unwrap();
    receiver.recover();
    router.start_again().await;
    receiver.until_taken(&ids).await;
    assert_eq!(super::disordered(&receiver), Vec::<String>::new());
}

#[tokio::test]
async fn a_kill_in_the_middle_repeats_little_and_loses_nothing() {
    let cluster = cluster();
    let receiver = Receiver::start();
    let mut router = Router::start(config(&cluster, "").webhook("hook", &receiver.url(), "")).await;
    let early = send(&router, 40, 0).await;
    receiver.until_taken(&early).await;
    // Marks are told once a second.
    until("the marks are told", 10, async || cluster.committed("opentrack.hook", super::TOPIC, 4) == 40)
        .await;
    let late = send(&router, 40, 1).await;
    router.kill9();
    router.start_again().await;
    receiver.until_taken(&late).await;
    let again = repeated(&receiver);
    assert!(again.iter().all(|id| late.contains(id)), "settled and told: {again:?}");
}
