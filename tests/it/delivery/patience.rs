//! Waiting as asked, holding until the repair, and remembering over a restart.

use std::time::Duration;

use serde_json::json;

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router, until};

#[tokio::test]
async fn retry_after_is_respected_to_the_second() {
    let mut first = true;
    let receiver = Receiver::scripted(move |_| match std::mem::take(&mut first) {
        true => Reply::throttle(2),
        false => Reply::Status(200),
    });
    let extra = "concurrency = 1";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let mut ids = send(&router, "u", 3).await;
    until("the first attempt was throttled", 10, async || !receiver.requests().is_empty()).await;
    ids.extend(send(&router, "v", 3).await);
    receiver.until_taken(&ids).await;
    let requests = receiver.requests();
    let wait = requests[1].at.duration_since(requests[0].at);
    assert!(wait >= Duration::from_millis(1950), "the next attempt came after {wait:?}");
    let entry =
        until_destination(&router, "hook", "all arrived", |one| one["counts"]["delivered"] == 6).await;
    assert_eq!(entry["breaker"]["state"], "closed", "being throttled is no failure: {entry}");
}

#[tokio::test]
async fn an_unauthorized_destination_is_held_and_resumes_after_the_repair() {
    for status in [401, 403, 404, 410] {
        let receiver = Receiver::scripted(move |_| Reply::Status(status));
        let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
        let ids = send(&router, "u", 8).await;
        let entry = until_destination(&router, "hook", "it is held", |one| one["state"] == "held").await;
        assert_eq!(entry["last_error"]["status"], status, "{entry}");
        assert!(entry["reason"].as_str().is_some_and(|text| !text.is_empty()), "{entry}");
        until("it is probed", 10, async || receiver.requests().len() >= 4).await;
        let probes = receiver.requests().split_off(2);
        assert!(probes.iter().all(|probe| probe.ids().len() == 1), "a probe is one event");
        assert_eq!(
            router.get("/ready").await.status,
            200,
            "a sick destination does not make the router unready"
        );
        receiver.recover();
        receiver.until_taken(&ids).await;
        let entry = until_destination(&router, "hook", "it flows", |one| one["state"] == "flowing").await;
        assert_eq!(entry["counts"]["dead"], json!({}), "no event died of a {status}: {entry}");
        assert_eq!(receiver.taken_ids(), ids, "each once and in order");
    }
}

#[tokio::test]
async fn a_clean_restart_delivers_nothing_twice() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let mut ids = send(&router, "u", 30).await;
    receiver.until_taken(&ids).await;
    for round in 0..2 {
        router.restart().await;
        let more = send(&router, "u", 10 + round).await;
        receiver.until_taken(&more).await;
        ids.extend(more);
    }
    router.stop().await;
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
    assert_eq!(router.db().ids("tracks").len(), ids.len());
}

#[tokio::test]
async fn what_is_unsettled_at_a_stop_is_delivered_after_the_start_and_the_rest_is_not_repeated() {
    let receiver = Receiver::start();
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let first = send(&router, "u", 10).await;
    receiver.until_taken(&first).await;
    receiver.follow(|_| Reply::Status(503));
    let second = send(&router, "v", 10).await;
    until("the second part failed", 10, async || {
        receiver.requests().iter().any(|one| one.status == Some(503))
    })
    .await;
    router.stop().await;
    receiver.recover();
    router.start_again().await;
    receiver.until_taken(&second).await;
    assert_eq!(receiver.taken_ids(), [first, second].concat());
    let entry =
        until_destination(&router, "hook", "the counts survived", |one| one["counts"]["delivered"] == 20)
            .await;
    assert_eq!(entry["backlog"]["events"], 0, "{entry}");
}

#[tokio::test]
async fn the_order_of_a_user_is_kept_while_others_overtake() {
    let mut left = 4;
    let receiver = Receiver::scripted(move |request| {
        let slow = request.events().iter().any(|event| event["userId"] == "slow");
        if slow && left > 0 {
            left -= 1;
            return Reply::Status(500);
        }
        Reply::Status(200)
    });
    let extra = "batch = { max_events = 3, max_delay = \"20ms\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let mut slow = Vec::new();
    let mut all = Vec::new();
    for round in 0..10 {
        let mine = send(&router, "slow", 2).await;
        all.extend(send(&router, &format!("fast{round}"), 2).await);
        slow.extend(mine);
    }
    all.extend(slow.clone());
    receiver.until_taken(&all).await;
    let taken = receiver.taken();
    let of_slow: Vec<_> = taken.iter().filter(|event| event["userId"] == "slow").cloned().collect();
    assert_eq!(crate::support::ids_of(&of_slow), slow);
}

#[tokio::test]
async fn a_retry_is_byte_identical() {
    let mut left = 2;
    let receiver = Receiver::scripted(move |_| {
        left -= 1;
        if left >= 0 { Reply::Status(500) } else { Reply::Status(200) }
    });
    let extra = "secret = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 4).await;
    receiver.until_taken(&ids).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 3);
    for retry in &requests[1..] {
        assert_eq!(retry.body, requests[0].body);
        assert_eq!(retry.headers["webhook-id"], requests[0].headers["webhook-id"]);
    }
}
