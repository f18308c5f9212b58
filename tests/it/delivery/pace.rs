//! How fast a destination is asked: the configured rates, fewer requests at once when it asks for less, and a stop in the
//! middle of many requests.

use std::time::Duration;

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until};

#[tokio::test]
async fn a_stop_in_the_middle_of_many_single_requests_is_clean_and_nothing_is_delivered_twice() {
    let receiver = Receiver::scripted(|_| Reply::Slow(Duration::from_millis(200), 200));
    let extra = "format = \"single\"\nbatch = { max_events = 500, max_delay = \"100ms\" }";
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 300).await;
    until("a few were taken", 20, async || receiver.taken_ids().len() >= 3).await;
    router.stop().await;
    let taken = receiver.taken_ids().len();
    assert!(taken < 100, "the stop waited for {taken} requests");
    receiver.follow(|_| Reply::Status(200));
    router.start_again().await;
    receiver.until_taken(&ids).await;
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
}

#[tokio::test]
async fn a_stop_does_not_wait_for_permits() {
    let receiver = Receiver::start();
    let extra = "format = \"single\"\nrate_limit = { requests_per_second = 2 }";
    let mut router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 400).await;
    until("the first burst was taken", 20, async || receiver.taken_ids().len() >= 2).await;
    router.stop().await;
    let taken = receiver.taken_ids();
    assert!(taken.len() < 50, "{} requests at two a second", taken.len());
    assert_eq!(taken, ids[..taken.len()]);
}

#[tokio::test]
async fn requests_are_no_more_than_the_rate_allows() {
    let receiver = Receiver::start();
    let extra = "format = \"single\"\ntimeout = \"1s\"\nrate_limit = { requests_per_second = 4 }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    // Of many users, so that they may go in parallel.
    let mut ids = Vec::new();
    for user in 0..14 {
        ids.extend(send(&router, &format!("u{user}"), 1).await);
    }
    receiver.until_taken(&ids).await;
    let requests = receiver.requests();
    assert_eq!(requests.len(), 14, "waiting for a permit is no timeout");
    let took = requests[13].at.duration_since(requests[0].at);
    assert!(took >= Duration::from_millis(2_000), "4 at once and 10 more at 4 a second, in {took:?}");
    let entry =
        until_destination(&router, "hook", "all arrived", |one| one["counts"]["delivered"] == 14).await;
    assert_eq!(entry["state"], "flowing", "{entry}");
}

#[tokio::test]
async fn events_are_no_more_than_the_rate_allows() {
    let receiver = Receiver::start();
    let extra = "rate_limit = { events_per_second = 20 }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 80).await;
    receiver.until_taken(&ids).await;
    let requests = receiver.requests();
    assert!(requests.iter().all(|request| request.ids().len() <= 20), "batches are cut to a second's worth");
    let took = requests[requests.len() - 1].at.duration_since(requests[0].at);
    assert!(took >= Duration::from_millis(2_500), "20 at once and 60 more at 20 a second, in {took:?}");
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
}

#[tokio::test]
async fn a_destination_that_throttles_is_asked_less_at_once_and_then_as_much_as_before() {
    let mut left = 4;
    let receiver = Receiver::scripted(move |_| {
        left -= 1;
        if left >= 0 { Reply::throttle(1) } else { Reply::Status(200) }
    });
    let extra = "concurrency = 8\nbatch = { max_events = 2, max_delay = \"20ms\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let mut ids = Vec::new();
    for user in 0..8 {
        ids.extend(send(&router, &format!("u{user}"), 2).await);
    }
    let entry = until_destination(&router, "hook", "its limit is lower", |one| {
        one["concurrency"]["limit"].as_u64().is_some_and(|limit| limit < 8)
    })
    .await;
    assert_eq!(entry["concurrency"]["cap"], 8, "{entry}");
    receiver.until_taken(&ids).await;
    // One batch of many users, so that there is always as much to send as may be in flight.
    let crowd: Vec<_> = (0..600).map(|user| track(&format!("v{user}"), 0)).collect();
    router.post("/v1/batch", &batch(&crowd)).await.expect_success();
    ids.extend(ids_of(&crowd));
    until_destination(&router, "hook", "its limit is back", |one| one["concurrency"]["limit"] == 8).await;
    receiver.until_taken(&ids).await;
    assert_eq!(receiver.taken_ids().len(), ids.len(), "each once");
}

#[tokio::test]
async fn an_event_for_a_quiet_destination_does_not_wait_for_company() {
    let receiver = Receiver::start();
    let extra = "batch = { max_events = 500, max_delay = \"2m\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 1).await;
    receiver.until_taken(&ids).await;
}
