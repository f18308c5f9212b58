//! The settings that every destination has: batches, concurrency, timeout.

use serde_json::Value;

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until};

#[tokio::test]
async fn a_batch_waits_for_company_and_goes_when_it_is_full() {
    let receiver = Receiver::start();
    let extra = "batch = { max_events = 6, max_delay = \"1h\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    // The first event of a quiet destination goes at once.
    let mut ids = send(&router, "t", 1).await;
    receiver.until_taken(&ids).await;
    ids.extend(send(&router, "u", 5).await);
    router.until_rows("tracks", &ids).await;
    assert_eq!(receiver.requests().len(), 1, "five of six waited");
    ids.extend(send(&router, "v", 8).await);
    until("two batches have come", 10, async || receiver.requests().len() == 3).await;
    let sizes: Vec<usize> = receiver.requests().iter().map(|one| one.ids().len()).collect();
    assert_eq!(sizes, [1, 6, 6]);
    until_destination(&router, "hook", "one waits for company", |one| one["backlog"]["events"] == 1).await;
}

#[tokio::test]
async fn a_batch_keeps_to_max_bytes_and_max_delay() {
    let receiver = Receiver::start();
    let extra = "batch = { max_events = 100, max_bytes = \"1KiB\", max_delay = \"20ms\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let events: Vec<Value> = (0..40).map(|n| track("u", n)).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let ids = ids_of(&events);
    receiver.until_taken(&ids).await;
    // Counted as they were sent; what the router adds to an event is not.
    let longest = events.iter().map(|event| event.to_string().len()).max().expect("there are some");
    for request in receiver.requests() {
        assert!(
            request.ids().len() <= 1024 / (longest - 3),
            "{} events of {longest} bytes",
            request.ids().len()
        );
    }
    assert!(receiver.requests().len() < 40, "no company at all");
    assert_eq!(receiver.taken_ids(), ids, "each once and in order");
}

#[tokio::test]
async fn no_more_requests_are_on_their_way_than_the_concurrency_allows() {
    let receiver = Receiver::scripted(|_| Reply::Hang);
    let extra = "concurrency = 2\nbatch = { max_events = 2, max_delay = \"10ms\" }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let mut ids = Vec::new();
    for round in 0..10 {
        ids.extend(send(&router, &format!("u{round}"), 2).await);
    }
    until("two requests hang", 10, async || receiver.requests().len() == 2).await;
    router.until_rows("tracks", &ids).await;
    let more = send(&router, "last", 2).await;
    router.until_rows("tracks", &more).await;
    assert_eq!(receiver.requests().len(), 2);
    receiver.recover();
    receiver.until_taken(&[ids, more].concat()).await;
}

#[tokio::test]
async fn a_request_that_takes_longer_than_the_timeout_is_given_up_and_sent_again() {
    let mut first = true;
    let receiver = Receiver::scripted(move |_| match std::mem::take(&mut first) {
        true => Reply::Hang,
        false => Reply::Status(200),
    });
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "timeout = \"300ms\"")).await;
    let ids = send(&router, "u", 3).await;
    receiver.until_taken(&ids).await;
    let requests = receiver.requests();
    let wait = requests[1].at.duration_since(requests[0].at).as_millis();
    assert!(wait >= 290, "sent again after {wait} ms");
    let entry = router.destination("hook").await;
    assert_eq!(entry["last_error"]["status"], Value::Null, "{entry}");
}
