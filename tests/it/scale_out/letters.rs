//! Dead letters: buried by one router, listed, sent again and dropped by any.

use super::{PARTITIONS, TOPIC, cluster, config, dead_letters, until_holding};
use crate::support::{Kafka, Received, Receiver, Reply, Router, ids_of, track, until};

#[tokio::test]
async fn a_letter_is_listed_by_every_router_and_sent_again_by_any() {
    let (cluster, receiver) = (cluster(), Receiver::scripted(|_| Reply::Status(422)));
    let one = Router::start(config(&cluster, &receiver)).await;
    let other = Router::start(config(&cluster, &receiver)).await;
    until_holding(&one, "some", |held| held > 0.0).await;
    let events: Vec<_> = ["u1", "u2", "u3"].into_iter().map(|user| track(user, 1)).collect();
    for event in &events {
        one.post("/v1/track", event).await.expect_success();
    }
    let mut ids = ids_of(&events);
    ids.sort();
    for router in [&one, &other] {
        until("a router lists the letters", 30, async || dead_letters(router).await == ids).await;
    }
    receiver.recover();
    let answer = other.post_text("/api/dead-letters/retry?destination=hook", "").await;
    assert_eq!((answer.status, answer.json()["count"].as_u64()), (200, Some(3)), "{}", answer.text);
    receiver.until_taken(&ids).await;
    for router in [&one, &other] {
        until("no router lists them", 30, async || dead_letters(router).await.is_empty()).await;
    }
    let mut taken = receiver.taken_ids();
    taken.sort();
    assert_eq!(taken, ids, "each once");
}

#[tokio::test]
async fn a_missing_topic_of_dead_letters_holds_up_no_delivery_and_is_told_everything_once_it_is_there() {
    let refuse_u1 = |request: &Received| {
        let is_poison = request.body.windows(4).any(|window| window == b"\"u1\"");
        Reply::Status(if is_poison { 422 } else { 200 })
    };
    let (cluster, receiver) = (Kafka::with(TOPIC, PARTITIONS), Receiver::scripted(refuse_u1));
    let one = Router::start(config(&cluster, &receiver)).await;
    until_holding(&one, "some", |held| held > 0.0).await;
    let (dead, fine) = (track("u1", 1), track("u2", 1));
    one.post("/v1/track", &dead).await.expect_success();
    one.post("/v1/track", &fine).await.expect_success();
    receiver.until_taken(&ids_of(&[fine])).await;
    let ids = ids_of(&[dead]);
    until("the router lists the letter that it buried", 30, async || dead_letters(&one).await == ids).await;
    assert!(one.log().contains("dead letters are kept here"), "{}", one.log());
    cluster.create(&format!("{TOPIC}.dead"), 1);
    let other = Router::start(config(&cluster, &receiver)).await;
    until("another router lists it", 60, async || dead_letters(&other).await == ids).await;
}
