//! What the door keeps to: keys, limits and bounds.

use serde_json::json;

use crate::support::{Config, Router, basic, batch, track};

fn with_key(key: &str, extra: &str) -> Config {
    Config::new().table(&format!("[sources.web]\nwrite_keys = [\"{key}\"]\n{extra}"))
}

async fn status(router: &Router, key: &str, events: u64) -> u16 {
    let events: Vec<_> = (0..events).map(|n| track("u", n)).collect();
    let request = router.request("POST", "/v1/batch").header("authorization", basic(&format!("{key}:")));
    request.body(batch(&events).to_string()).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_write_key_is_exchanged() {
    let mut router = Router::start(with_key("old", "")).await;
    assert_eq!((status(&router, "old", 1).await, status(&router, "new", 1).await), (200, 401));
    router.reconfigure(with_key("new", "")).await;
    assert_eq!((status(&router, "old", 1).await, status(&router, "new", 1).await), (401, 200));
    router.reconfigure(with_key("new", "[sources.app]\nwrite_keys = [\"old\"]")).await;
    assert_eq!((status(&router, "old", 1).await, status(&router, "new", 1).await), (200, 200));
    let log = router.log();
    assert!(log.contains("changed sources.web") && log.contains("added sources.app"), "{log}");
}

#[tokio::test]
async fn limits_come_go_and_keep_their_counts() {
    let limited = |burst: u32| {
        let limits = format!("[limits]\nper_source = {{ events_per_second = 1, burst = {burst} }}");
        with_key("key", &limits)
    };
    let mut router = Router::start(with_key("key", "")).await;
    assert_eq!(status(&router, "key", 5000).await, 200);
    router.reconfigure(limited(4000)).await;
    assert_eq!((status(&router, "key", 4000).await, status(&router, "key", 4000).await), (200, 429));
    let same = limited(4000).webhook("hook", "http://127.0.0.1:9/", "");
    router.reconfigure(same).await;
    assert_eq!(status(&router, "key", 4000).await, 429, "the limit did not begin anew");
    router.reconfigure(limited(3000)).await;
    assert_eq!((status(&router, "key", 3000).await, status(&router, "key", 3000).await), (200, 429));
    router.reconfigure(with_key("key", "")).await;
    assert_eq!(status(&router, "key", 5000).await, 200);
}

#[tokio::test]
async fn the_bounds_of_events_and_bodies_change() {
    let mut router = Router::start(Config::new()).await;
    let mut event = track("u", 1);
    event["properties"]["filler"] = json!("x".repeat(4000));
    router.post("/v1/track", &event).await.expect_success();
    router.reconfigure(Config::new().server("max_event_bytes = \"2KiB\"")).await;
    router.post("/v1/track", &event).await.expect_error(400, "too_large");
    router.reconfigure(Config::new().server("max_body_bytes = \"1KiB\"")).await;
    router.post("/v1/track", &event).await.expect_error(400, "body_too_large");
    router.reconfigure(Config::new()).await;
    event["messageId"] = json!("afterwards");
    router.post("/v1/track", &event).await.expect_success();
}
