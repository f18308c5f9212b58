//! What an answer 200 promises: every event has one fate at each destination, users keep their order, and what a client
//! sends twice is there once.

use serde_json::{Value, json};

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until};

/// The first arrivals, in order.
fn firsts(ids: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    ids.into_iter().filter(|id| seen.insert(id.clone())).collect()
}

#[tokio::test]
async fn an_event_that_was_answered_200_survives_a_kill_at_the_next_instant() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let mut ids = Vec::new();
    for round in 0..5 {
        ids.extend(send(&router, &format!("u{round}"), 3).await);
        router.kill9();
        router.start_again().await;
    }
    receiver.until_taken(&ids).await;
    router.until_rows("tracks", &ids).await;
    assert_eq!(router.db().ids("tracks").len(), ids.len(), "nothing was invented and nothing is there twice");
}

#[tokio::test]
async fn every_accepted_event_is_delivered_skipped_dead_or_waiting_and_nothing_else() {
    let receiver = Receiver::scripted(|request| match &request.events()[..] {
        events if events.iter().any(|event| event["userId"] == "poison") => Reply::Status(400),
        events if events.iter().any(|event| event["userId"] == "waits") => Reply::Status(503),
        _ => Reply::Status(200),
    });
    let extra = "batch = { max_events = 1 }\nevents = { exclude = [\"identify\"] }";
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let users = ["a", "b", "poison", "c", "waits", "d"];
    let mut events: Vec<Value> = users.iter().map(|user| track(user, 1)).collect();
    events.push(json!({ "type": "identify", "userId": "e", "messageId": "identified", "traits": {} }));
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    for restarted in [false, true] {
        let fates = |one: &Value| {
            let counts = &one["counts"];
            counts["delivered"] == 4
                && counts["skipped"] == json!({ "filtered": 1 })
                && counts["dead"] == json!({ "rejected": 1 })
                && one["backlog"]["events"] == 1
        };
        until_destination(&router, "hook", &format!("seven fates; restarted: {restarted}"), fates).await;
        if !restarted {
            router.restart().await;
            let before = receiver.requests().len();
            until("what waits is tried again", 10, async || receiver.requests().len() > before).await;
        }
    }
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_sent_again_before_its_users_later_events() {
    let mut first = true;
    let receiver = Receiver::scripted(move |_| match std::mem::take(&mut first) {
        true => Reply::Half(200),
        false => Reply::Status(200),
    });
    let extra = "batch = { max_events = 2, max_delay = \"10ms\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 6).await;
    receiver.until_taken(&ids).await;
    let taken = receiver.taken_ids();
    assert_eq!(taken[..4], [&ids[..2], &ids[..2]].concat(), "the batch without an answer came again at once");
    assert_eq!(firsts(taken), ids);
}

#[tokio::test]
async fn after_a_dead_letter_its_users_later_events_go_on_in_order() {
    let receiver = Receiver::scripted(|request| {
        match request.events().iter().any(|event| event["properties"]["n"] == 1) {
            true => Reply::Status(422),
            false => Reply::Status(200),
        }
    });
    let extra = "batch = { max_events = 2, max_delay = \"10ms\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let mut ids = send(&router, "u", 6).await;
    let dead = ids.remove(1);
    receiver.until_taken(&ids).await;
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
    assert!(router.dead_letters().contains(&dead));
}

#[tokio::test]
async fn the_left_half_of_a_refused_batch_goes_first() {
    let receiver = Receiver::scripted(|request| match request.ids().len() {
        1 => Reply::Status(200),
        _ => Reply::Status(400),
    });
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let ids = send(&router, "u", 8).await;
    receiver.until_taken(&ids).await;
    assert_eq!(receiver.taken_ids(), ids);
    let sizes: Vec<usize> = receiver.requests().iter().map(|one| one.ids().len()).collect();
    assert_eq!(sizes[..4], [8, 4, 2, 1], "halved from the left");
}

#[tokio::test]
async fn what_a_client_sends_again_is_answered_200_and_delivered_once_even_after_a_kill() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let events = [track("u", 1), track("u", 2)];
    for _ in 0..2 {
        router.post("/v1/batch", &batch(&events)).await.expect_success();
    }
    receiver.until_taken(&ids_of(&events)).await;
    assert_eq!(receiver.taken_ids(), ids_of(&events), "each once");
    router.kill9();
    router.start_again().await;
    for _ in 0..2 {
        router.post("/v1/batch", &batch(&events)).await.expect_success();
    }
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_events_duplicate_total 4"), "{metrics}");
    let last = send(&router, "u", 1).await;
    receiver.until_taken(&last).await;
    router.until_rows("tracks", &last).await;
    // What the cursor did not know yet at the kill comes again; what the client sent again does not.
    assert_eq!(firsts(receiver.taken_ids()), [ids_of(&events), last].concat());
    assert!(receiver.taken_ids().len() <= 5, "{:?}", receiver.taken_ids());
    assert_eq!(router.db().ids("tracks").len(), 3);
}
