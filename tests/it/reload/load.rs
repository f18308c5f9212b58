//! Ten changes under load.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::support::{Config, Load, Oracle, Poison, Received, Receiver, Reply, Router, expect_kept};

const A_MOMENT: Duration = Duration::from_millis(500);

/// Whoever was followed sends no more. What it had sent may still be on its way to the receiver for a moment.
fn expect_one_at_a_time(requests: &[Received]) {
    let mut followed: BTreeMap<u32, Instant> = BTreeMap::new();
    for request in requests {
        let round: u32 = request.headers["x-round"].parse().expect("a number");
        followed.entry(round).or_insert(request.at);
        let since = followed.range(round + 1..).next().map(|(_, first)| request.at - *first);
        assert!(since.is_none_or(|since| since < A_MOMENT), "round {round} still sent after {since:?}");
    }
    assert!(followed.len() > 5, "most rounds sent something: {followed:?}");
}

/// Each round has other settings for one webhook and another limit; every second one has a third webhook.
fn config(round: u32, steady: &Receiver, changing: &Receiver) -> Config {
    let extra = format!("headers = {{ x-round = \"{round}\" }}\nconcurrency = {}", round % 3 + 1);
    let rate = 90_000 + round;
    let config = Config::new()
        .webhook("steady", &steady.url(), "")
        .webhook("changing", &changing.url(), &extra)
        .table(&format!("[limits]\nper_source = {{ events_per_second = {rate}, burst = 100000 }}"));
    if round.is_multiple_of(2) {
        return config;
    }
    config.webhook("comes-and-goes", &steady.url(), "events = { include = [\"page\"] }")
}

#[tokio::test]
async fn ten_changes_under_load_lose_nothing_and_keep_the_order() {
    let steady = Receiver::start();
    let mut count = 0;
    // Fails, dawdles and hangs, so that it is changed in every state that there is.
    let changing = Receiver::scripted(move |_| {
        count += 1;
        match count % 12 {
            3 | 4 => Reply::Status(503),
            7 => Reply::Slow(Duration::from_secs(3), 200),
            10 => Reply::Hang,
            11 => Reply::Cut,
            _ => Reply::Status(200),
        }
    });
    let mut router = Router::start(config(0, &steady, &changing)).await;
    let load = Load::start(&router.url(""), 4);
    for round in 1..=10 {
        load.until_more(100).await;
        router.reconfigure(config(round, &steady, &changing)).await;
    }
    load.until_more(50).await;
    let oracle = Oracle::new(load.finish());
    changing.recover();
    let receivers = [("steady", &steady, Poison::NONE), ("changing", &changing, Poison::NONE)];
    expect_kept(&router, &oracle, &receivers).await;
    expect_one_at_a_time(&changing.requests());
    let mut taken = steady.taken_ids();
    let all = taken.len();
    taken.sort();
    taken.dedup();
    assert_eq!(taken.len(), all, "a destination that is not touched gets nothing twice");
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_events_lost_total{destination=\"changing\"} 0"), "{metrics}");
    assert!(!router.log().contains("panicked"), "{}", router.log());
}
