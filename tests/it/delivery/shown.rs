//! What an operator sees of a destination while it is well and while it is not, in the same words everywhere.

use serde_json::{Value, json};

use super::{send, until_destination};
use crate::support::{Config, Receiver, Reply, Router};

/// Waits until the destination is in this state with this backlog, and returns its entry.
async fn until_state(router: &Router, state: &str, backlog: u64) -> Value {
    until_destination(router, "hook", &format!("{state} with {backlog} waiting"), |one| {
        one["state"] == state && one["backlog"]["events"] == backlog
    })
    .await
}

#[tokio::test]
async fn the_state_of_a_destination_follows_its_answers() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "concurrency = 1")).await;
    let mut ids = send(&router, "u", 2).await;
    let flowing = until_state(&router, "flowing", 0).await;
    assert_eq!((&flowing["reason"], &flowing["oldest_age_ms"]), (&Value::Null, &json!(0)), "{flowing}");

    receiver.follow(|_| Reply::With(500, Vec::new(), "out of coffee".into()));
    ids.extend(send(&router, "u", 3).await);
    let retrying = until_state(&router, "retrying", 3).await;
    assert!(retrying["backlog"]["bytes"].as_u64().is_some_and(|bytes| bytes > 100), "{retrying}");
    assert_eq!(retrying["last_error"]["status"], 500, "{retrying}");
    assert!(retrying["reason"].to_string().contains("out of coffee"), "{retrying}");
    let entry = until_destination(&router, "hook", "the next attempt is told", |one| {
        one["next_attempt_at"].is_string()
    })
    .await;
    assert_eq!(entry["counts"]["delivered"], 2, "{entry}");
    until_destination(&router, "hook", "the oldest grows old", |one| {
        one["oldest_age_ms"].as_u64().is_some_and(|age| age > 0)
    })
    .await;

    receiver.follow(|_| Reply::throttle(1));
    let throttled = until_state(&router, "throttled", 3).await;
    assert_eq!(throttled["last_error"]["status"], 429, "{throttled}");

    receiver.follow(|_| Reply::With(401, Vec::new(), "who are you".into()));
    let held = until_state(&router, "held", 3).await;
    assert_eq!(held["reason"], "unauthorized", "{held}");

    receiver.recover();
    let well = until_state(&router, "flowing", 0).await;
    assert_eq!(well["counts"], json!({ "delivered": 5, "skipped": {}, "dead": {} }), "{well}");
    assert_eq!(receiver.taken_ids(), ids);
}

#[tokio::test]
async fn the_command_line_and_the_metrics_tell_the_state_as_the_api_does() {
    let receiver = Receiver::scripted(|_| Reply::Status(403));
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    send(&router, "u", 4).await;
    until_state(&router, "held", 4).await;
    let output = router.run(&["destinations"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line =
        text.lines().find(|line| line.contains("hook")).unwrap_or_else(|| panic!("no `hook` in {text}"));
    assert!(line.contains("held") && line.contains('4'), "{line}");
    crate::support::until("the backlog is measured", 10, async || {
        let metrics = router.get("/metrics").await.text;
        metrics.contains("opentrack_delivery_backlog_events{destination=\"hook\"} 4")
    })
    .await;
}

#[tokio::test]
async fn while_a_backlog_drains_the_time_that_it_will_take_is_told() {
    let receiver = Receiver::scripted(|_| Reply::Status(401));
    let extra = "rate_limit = { events_per_second = 40 }";
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), extra)).await;
    let ids = send(&router, "u", 300).await;
    let held = until_destination(&router, "hook", "it is held", |one| one["state"] == "held").await;
    assert_eq!(held["drain_eta_ms"], Value::Null, "nothing drains: {held}");
    receiver.recover();
    let draining = until_destination(&router, "hook", "its time to drain is told", |one| {
        one["drain_eta_ms"].is_number()
    })
    .await;
    let (eta, waits) =
        (draining["drain_eta_ms"].as_u64().unwrap(), draining["backlog"]["events"].as_u64().unwrap());
    assert!(eta > 0 && waits > 0, "{draining}");
    receiver.until_taken(&ids).await;
}
