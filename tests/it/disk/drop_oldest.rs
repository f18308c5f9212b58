//! `on_full = "drop_oldest"`: new events are taken whatever a destination does; what it has not had and has no room any
//! more is counted, event by event, and everybody else has everything.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until};

const USERS: u64 = 5;
/// Events of a batch, about 60 kB together.
const BATCH: u64 = 20;

fn config(receiver: &Receiver) -> Config {
    let warehouse = "[destinations.warehouse]\ntype = \"sqlite\"\nbatch = { max_delay = \"10ms\" }";
    let journal = "[journal]\nmax_bytes = \"1MiB\"\non_full = \"drop_oldest\"";
    Config::default().table(warehouse).table(journal).webhook(
        "hook",
        &receiver.url(),
        "batch = { max_events = 50 }",
    )
}

/// Sends batches, each acknowledged, and waits after each until the warehouse has it; returns the ids in order.
async fn send(router: &Router, numbers: std::ops::Range<u64>) -> Vec<String> {
    let mut sent = Vec::new();
    for start in numbers.step_by(BATCH as usize) {
        let events: Vec<Value> = (start..start + BATCH).map(event).collect();
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        sent.extend(ids_of(&events));
        router.until_rows("tracks", &ids_of(&events)).await;
    }
    sent
}

fn event(n: u64) -> Value {
    let mut event = track(&format!("user-{}", n % USERS), n);
    event["properties"]["blob"] = json!("x".repeat(3_000));
    event
}

async fn dead(router: &Router, name: &str) -> u64 {
    router.destination(name).await["counts"]["dead"]["journal_full"].as_u64().unwrap_or(0)
}

async fn until_quiet(router: &Router, name: &str) {
    until(&format!("`{name}` has no backlog"), 25, async || {
        router.destination(name).await["backlog"]["events"] == 0
    })
    .await;
}

/// Asserts that each acknowledged event was received or is counted as lost, never both, and in the order of each user.
async fn expect_one_fate_each(router: &Router, receiver: &Receiver, acknowledged: &[String]) {
    until_quiet(router, "hook").await;
    let received: BTreeSet<String> = receiver.taken_ids().into_iter().collect();
    assert!(received.iter().all(|id| acknowledged.contains(id)), "nothing was invented");
    assert!(received.contains(acknowledged.last().expect("some were sent")), "the newest data survives");
    let lost = dead(router, "hook").await;
    assert_eq!(received.len() as u64 + lost, acknowledged.len() as u64, "{lost} are counted as lost");
    assert!(lost > acknowledged.len() as u64 / 2, "the journal holds a fifth of it: {lost}");
    expect_order(receiver);
    router.until_rows("tracks", acknowledged).await;
    assert_eq!(dead(router, "warehouse").await, 0, "a destination that keeps up loses nothing");
}

fn expect_order(receiver: &Receiver) {
    let taken = receiver.taken();
    for user in 0..USERS {
        let own = taken.iter().filter(|event| event["userId"] == format!("user-{user}"));
        let order: Vec<u64> = own.filter_map(|event| event["properties"]["n"].as_u64()).collect();
        assert!(order.is_sorted(), "user {user}: {order:?}");
    }
}

#[tokio::test]
async fn with_drop_oldest_new_events_are_taken_and_each_dropped_one_is_counted_where_it_was_not_settled() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let router = Router::start(config(&receiver)).await;
    let acknowledged = send(&router, 0..1_700).await;
    receiver.recover();
    expect_one_fate_each(&router, &receiver, &acknowledged).await;
    let lost = dead(&router, "hook").await;
    let metrics = router.get("/metrics").await.text;
    let line = |text: String| assert!(metrics.contains(&text), "no `{text}` in {metrics}");
    line(format!("opentrack_events_lost_total{{destination=\"hook\"}} {lost}\n"));
    line("opentrack_events_lost_total{destination=\"warehouse\"} 0\n".to_owned());
    let outcome = "destination=\"hook\",outcome=\"dead\",reason=\"journal_full\"";
    line(format!("opentrack_delivery_events_total{{{outcome}}} {lost}\n"));
    let log = router.log();
    let warned = log.lines().filter(|line| line.contains("the journal is full: dropped the oldest"));
    assert!(warned.filter(|line| line.contains("hook")).count() > 3, "{log}");
}

#[tokio::test]
async fn a_kill_while_the_oldest_are_dropped_changes_no_count() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let mut router = Router::start(config(&receiver)).await;
    let mut acknowledged = Vec::new();
    for part in 0..4 {
        acknowledged.extend(send(&router, part * 400..(part + 1) * 400).await);
        router.kill9();
        router.start_again().await;
    }
    receiver.recover();
    expect_one_fate_each(&router, &receiver, &acknowledged).await;
}
