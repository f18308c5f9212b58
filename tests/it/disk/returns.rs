//! A destination that was off holds no space; what passed it meanwhile is counted when it returns.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Reply, Router, batch, ids_of, track, until, until_some};

/// Sends ten events of 6 kB, as often as it takes until they are acknowledged; waits until the warehouse has them.
async fn send(router: &Router, n: u64) -> Vec<String> {
    let mut events: Vec<Value> = (0..10).map(|k| track(&format!("u{k}"), n)).collect();
    events.iter_mut().for_each(|event| event["properties"]["blob"] = json!("x".repeat(6_000)));
    let ids = ids_of(&events);
    until_some("the batch is taken", 20, async || {
        (router.post("/v1/batch", &batch(&events)).await.status == 200).then_some(())
    })
    .await;
    router.until_rows("tracks", &ids).await;
    ids
}

/// Stops the router, switches the webhook on or off, and starts it again.
async fn switch(router: &mut Router, on: bool) {
    router.stop().await;
    let path = router.dir().join("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace(&format!("enabled = {}", !on), &format!("enabled = {on}"))).unwrap();
    router.start_again().await;
}

#[tokio::test]
async fn a_destination_that_returns_counts_what_passed_it_as_expired_and_lost() {
    let receiver = Receiver::start();
    let config = Config::new().table("[journal]\nmax_bytes = \"1MiB\"").webhook(
        "hook",
        &receiver.url(),
        "enabled = true",
    );
    let mut router = Router::start(config).await;
    let mut acknowledged = send(&router, 0).await;
    receiver.until_taken(&acknowledged).await;
    switch(&mut router, false).await;
    for n in 1..50 {
        acknowledged.extend(send(&router, n).await);
    }
    switch(&mut router, true).await;
    let last = acknowledged[acknowledged.len() - 10..].to_vec();
    receiver.until_taken(&last).await;
    until("there is no backlog", 20, async || router.destination("hook").await["backlog"]["events"] == 0)
        .await;
    let received: BTreeSet<String> = receiver.taken_ids().into_iter().collect();
    let lost = (acknowledged.len() - received.len()) as u64;
    assert!(lost > 100, "3 MB passed it: {lost}");
    let dead = router.destination("hook").await["counts"]["dead"].clone();
    assert_eq!(dead, json!({ "expired": lost }));
    let metrics = router.get("/metrics").await.text;
    let line = format!("opentrack_events_lost_total{{destination=\"hook\"}} {lost}\n");
    assert!(metrics.contains(&line), "no `{line}` in {metrics}");

    router.kill9();
    router.start_again().await;
    let again = router.destination("hook").await["counts"]["dead"].clone();
    assert_eq!(again, dead, "what was counted once is not counted again");
}

#[tokio::test]
async fn a_replay_that_does_not_get_through_is_no_reason_to_refuse_new_events() {
    let receiver = Receiver::start();
    let config = Config::new().table("[journal]\nmax_bytes = \"1MiB\"").webhook("hook", &receiver.url(), "");
    let router = Router::start(config).await;
    let old = send(&router, 0).await;
    receiver.until_taken(&old).await;
    receiver.follow(move |request| Reply::Status(if request.holds(&old[0]) { 401 } else { 200 }));
    let replay = router.post_text("/api/destinations/hook/replay", "").await;
    assert_eq!(replay.status, 200, "{replay:?}");
    for n in 1..24 {
        let sent = send(&router, n).await;
        receiver.until_taken(&sent).await;
    }
    let journal = router.get("/ready").await.json()["checks"][0].clone();
    assert_eq!(journal["ok"], true, "{journal}");
}
