//! Outages of the brokers and of the router.

use std::collections::BTreeSet;

use super::config;
use crate::support::{
    Kafka, Load, Message, Oracle, Place, Poison, Receiver, Router, batch, ids_of, track, until,
};

#[tokio::test]
async fn while_the_brokers_are_down_others_go_on_and_everything_arrives_afterwards() {
    let cluster = Kafka::with("events", 4);
    let receiver = Receiver::start();
    // Short enough that the library gives up and the router tries again.
    let router =
        Router::start(config(&cluster, "timeout = \"2s\"").webhook("hook", &receiver.url(), "")).await;
    cluster.all_down();
    let mut ids = Vec::new();
    for round in 0..5 {
        let events: Vec<_> = (0..40).map(|n| track(&format!("user-{n}"), round)).collect();
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        ids.extend(ids_of(&events));
    }
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    until("the outage is told", 20, async || {
        let kafka = router.destination("kafka").await;
        kafka["last_error"]["message"].as_str().is_some_and(|words| words.contains("127.0.0.1"))
    })
    .await;
    cluster.all_up();
    let mut topic = cluster.read("events", 4);
    let messages = topic.until_all(&ids, 30).await;
    for user in 0..40 {
        let user = format!("user-{user}");
        let mut mine = messages.iter().filter(|message| message.key.as_deref() == Some(&user));
        let last = mine.next_back().expect("the user has messages");
        assert_eq!(last.value["properties"]["n"], 4, "the last message of a key is the latest");
    }
}

#[tokio::test]
async fn kills_under_load_lose_nothing_and_invent_nothing() {
    let cluster = Kafka::with("events", 4);
    let mut router = Router::start(config(&cluster, "")).await;
    let load = Load::start(&router.url(""), 4);
    for _ in 0..3 {
        load.until_more(150).await;
        router.kill9();
        router.start_again().await;
    }
    load.until_more(50).await;
    let oracle = Oracle::new(load.finish());
    let mut topic = cluster.read("events", 4);
    let mut place = || Place {
        name: "kafka".to_owned(),
        arrived: topic.messages().iter().map(|message| Message::id(message).to_owned()).collect(),
        dead: BTreeSet::new(),
        once: false,
        ordered: true,
    };
    until("all is there", 60, async || oracle.missing(&place()) == 0).await;
    assert_eq!(oracle.breaches(&place(), Poison::NONE), Vec::<String>::new());
}
