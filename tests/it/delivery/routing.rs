//! Which events a destination gets, and in which form.

use serde_json::{Value, json};

use super::until_destination;
use crate::support::{Config, Receiver, Router, batch, fresh_id, ids_of, track};

/// A track call with this name.
fn named(name: &str) -> Value {
    let mut event = track("u", 1);
    event["event"] = json!(name);
    event
}

#[tokio::test]
async fn integrations_stop_the_webhook_but_never_the_warehouse() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let cases = [
        (json!({}), true),
        (json!({ "All": true }), true),
        (json!({ "All": false }), false),
        (json!({ "All": false, "hook": true }), true),
        (json!({ "All": false, "HOOK": { "option": 1 } }), true),
        (json!({ "All": false, "Webhook": true }), true),
        (json!({ "hook": false }), false),
        (json!({ "Segment.io": true, "Some Cloud": false }), true),
    ];
    let mut events: Vec<Value> = Vec::new();
    for (integrations, _) in &cases {
        let mut event = track("u", 1);
        event["integrations"] = integrations.clone();
        events.push(event);
    }
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    let ids = ids_of(&events);
    let wanted: Vec<String> =
        ids.iter().zip(&cases).filter(|(_, (_, wanted))| *wanted).map(|(id, _)| id.clone()).collect();
    receiver.until_taken(&wanted).await;
    router.until_rows("tracks", &ids).await;
    let skipped = ids.len() - wanted.len();
    until_destination(&router, "hook", "the others are skipped", |one| {
        one["counts"]["skipped"] == json!({ "integrations": skipped })
    })
    .await;
    assert_eq!(receiver.taken_ids(), wanted);
}

#[tokio::test]
async fn a_warehouse_is_switched_off_by_its_own_key_alone() {
    let router = Router::start(Config::new()).await;
    let mut off = track("u", 1);
    off["integrations"] = json!({ "Warehouses": { "all": false } });
    let mut named_off = track("u", 2);
    named_off["integrations"] = json!({ "warehouse": false });
    let mut on = track("u", 3);
    on["integrations"] = json!({ "All": false });
    router.post("/v1/batch", &batch(&[off, named_off, on.clone()])).await.expect_success();
    router.until_rows("tracks", &ids_of(std::slice::from_ref(&on))).await;
    assert_eq!(router.db().ids("tracks"), ids_of(&[on]));
}

#[tokio::test]
async fn the_events_filter_includes_and_excludes() {
    let (some, rest) = (Receiver::start(), Receiver::start());
    let config = Config::new()
        .webhook("some", &some.url(), "events = { include = [\"track:Order *\", \"identify\"] }")
        .webhook("rest", &rest.url(), "events = { exclude = [\"track:Order *\"] }");
    let router = Router::start(config).await;
    let order = named("Order Completed");
    let almost = named("Reorder");
    let mut identify = json!({ "type": "identify", "userId": "u", "traits": {} });
    identify["messageId"] = json!(fresh_id("i"));
    let all = [order.clone(), almost.clone(), identify.clone()];
    router.post("/v1/batch", &batch(&all)).await.expect_success();
    some.until_taken(&ids_of(&[order, identify.clone()])).await;
    rest.until_taken(&ids_of(&[almost, identify])).await;
    let skipped = |count: u64| move |one: &Value| one["counts"]["skipped"] == json!({ "filtered": count });
    until_destination(&router, "some", "the others are skipped", skipped(1)).await;
    until_destination(&router, "rest", "the order is skipped", skipped(1)).await;
    assert_eq!((some.taken_ids().len(), rest.taken_ids().len()), (2, 2));
    router.until_rows("tracks", &ids_of(&all[..2])).await;
}

#[tokio::test]
async fn each_format_has_its_shape() {
    for format in ["batch", "array", "ndjson", "single"] {
        let receiver = Receiver::start();
        let extra = format!("format = \"{format}\"\nheaders = {{ x-team = \"data\" }}");
        let router = Router::start(Config::new().webhook("hook", &receiver.url(), &extra)).await;
        let events = [track("u", 1), track("u", 2)];
        router.post("/v1/batch", &batch(&events)).await.expect_success();
        until_destination(&router, "hook", "both arrived", |one| one["counts"]["delivered"] == 2).await;
        let requests = receiver.requests();
        assert!(requests.iter().all(|request| request.headers["x-team"] == "data"));
        let seen: Vec<Value> = requests.iter().flat_map(|request| events_of(format, &request.body)).collect();
        assert_eq!(ids_of(&seen), ids_of(&events), "{format}");
    }
}

/// Reads a body of this format and of no other.
fn events_of(format: &str, body: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(body).expect("the body is text");
    let value =
        |text: &str| serde_json::from_str::<Value>(text).unwrap_or_else(|_| panic!("{format}: {text}"));
    match format {
        "batch" => {
            assert!(value(text)["sentAt"].is_string(), "{text}");
            value(text)["batch"].as_array().cloned().expect("a list of events")
        }
        "array" => value(text).as_array().cloned().expect("a list of events"),
        "single" => vec![value(text)],
        _ => text.lines().map(value).collect(),
    }
}

#[tokio::test]
async fn the_webhook_sees_the_event_as_it_was_sent() {
    let receiver = Receiver::start();
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), "")).await;
    let id = fresh_id("exact");
    let text = format!(
        "{{\"type\":\"track\",\"event\":\"Exact\",\"userId\":\"u\",\"messageId\":\"{id}\",\
         \"timestamp\":\"2026-01-02T03:04:05.678Z\",\
         \"properties\":{{\"price\":42.00,\"big\":12345678901234567890123,\"text\":\"日本 \\u00fc\"}}}}"
    );
    router.post_text("/v1/track", text).await.expect_success();
    receiver.until_taken(&[id]).await;
    let body = String::from_utf8(receiver.requests().remove(0).body).unwrap();
    assert!(body.contains("42.00") && body.contains("12345678901234567890123"), "{body}");
    let event = receiver.taken().remove(0);
    assert_eq!(event["properties"]["text"], "日本 ü");
    assert_eq!(event["timestamp"], "2026-01-02T03:04:05.678Z");
    assert!(event["receivedAt"].is_string(), "{event}");
}
