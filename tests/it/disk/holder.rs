//! From 80 % of `max_bytes` on, everybody is told which destination holds the space and how long it will last.

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Reply, Router, batch, track, until, until_some};

fn journal_check(ready: &Value) -> Value {
    let checks = ready["checks"].as_array().cloned().unwrap_or_default();
    checks.into_iter().find(|check| check["name"] == "journal").expect("a journal check")
}

/// Sends about this many bytes.
async fn fill(router: &Router, bytes: usize) {
    for n in 0..bytes / 400_000 {
        let mut events: Vec<Value> = (0..20).map(|k| track(&format!("u{k}"), n as u64)).collect();
        events.iter_mut().for_each(|event| event["properties"]["blob"] = json!("x".repeat(19_700)));
        router.post("/v1/batch", &batch(&events)).await.expect_success();
    }
}

#[tokio::test]
async fn from_80_percent_on_ready_metrics_and_the_api_name_the_destination_that_holds_the_space() {
    let receiver = Receiver::scripted(|_| Reply::Status(503));
    let config = Config::new().table("[journal]\nmax_bytes = \"8MiB\"").webhook("hook", &receiver.url(), "");
    let router = Router::start(config).await;
    let metrics = router.get("/metrics").await.text;
    assert!(metrics.contains("opentrack_journal_max_bytes 8388608\n"), "{metrics}");
    assert!(metrics.contains("opentrack_journal_full_in_seconds inf\n"), "{metrics}");
    fill(&router, 4_000_000).await;
    let message = journal_check(&router.get("/ready").await.json())["message"].clone();
    assert!(!message.to_string().contains("hook"), "half full is no news: {message}");

    fill(&router, 2_800_000).await;
    let message = until_some("the forecast is there", 20, async || {
        let ready = router.get("/ready").await;
        assert_eq!(ready.status, 200, "{ready:?}");
        let message = journal_check(&ready.json())["message"].as_str().unwrap_or_default().to_owned();
        message.contains("full in about").then_some(message)
    })
    .await;
    assert!(message.contains("`hook` holds the space: 8"), "{message}");
    let holds = router.destination("hook").await["holds_journal"].clone();
    assert!(holds["percent"].as_u64().is_some_and(|percent| (80..=95).contains(&percent)), "{holds}");
    assert!(holds["full_in_ms"].as_u64().is_some_and(|ms| ms < 3_600_000), "{holds}");
    assert_eq!(router.destination("warehouse").await.get("holds_journal"), None);
    let metrics = router.get("/metrics").await.text;
    assert!(!metrics.contains("opentrack_journal_full_in_seconds inf"), "{metrics}");

    receiver.recover();
    until("nobody holds the space", 20, async || {
        let message = journal_check(&router.get("/ready").await.json())["message"].clone();
        message.to_string().contains("can append")
    })
    .await;
    assert_eq!(router.destination("hook").await.get("holds_journal"), None);
}

#[tokio::test]
async fn durability_os_says_what_it_trades_in_the_log_and_in_ready() {
    let router = Router::start(Config::new().table("[journal]\ndurability = \"os\"")).await;
    let message = journal_check(&router.get("/ready").await.json())["message"].to_string();
    assert!(message.contains("durability os (a power cut loses the last seconds"), "{message}");
    let log = router.log();
    let warned = |line: &&str| line.contains("\"WARN\"") && line.contains("can be lost in a power cut");
    assert_eq!(log.lines().filter(warned).count(), 1, "{log}");
}
