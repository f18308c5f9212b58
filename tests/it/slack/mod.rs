//! Alerts through the real binary to `opentrack mock slack`: what a channel sees, and what an operator sees when it sees nothing.

use std::fs;

use serde_json::{Value, json};

use crate::support::{Config, Router, StandIn, batch, fresh_id, opentrack, until, until_some};

const SECRET: &str = "aGeheim0123456789012345";

fn url(mock: &StandIn) -> String {
    format!("{}services/T0/B0/{SECRET}", mock.url)
}

/// The tables of a destination `alerts` that posts orders as fast as a test wants them.
fn table(mock: &StandIn) -> String {
    format!(
        "[destinations.alerts]\ntype = \"slack\"\nurl = \"{}\"\n\
         batch = {{ max_delay = \"50ms\" }}\nrate_limit = {{ requests_per_second = 50 }}\n\
         retry = {{ initial = \"50ms\", max = \"200ms\" }}\nhold = {{ probe_every = \"200ms\" }}\n\
         [destinations.alerts.messages]\n\"Order *\" = \"{{event}} *{{properties.id}}* by {{userId}}\"\n",
        url(mock)
    )
}

async fn start(arguments: &[&str]) -> (StandIn, Router) {
    let mock = StandIn::start("slack", &[arguments, &["--quiet"]].concat());
    let router = Router::start(Config::new().table(&table(&mock))).await;
    (mock, router)
}

fn order(id: impl Into<Value>) -> Value {
    json!({
        "type": "track", "event": "Order Completed", "userId": "u1", "messageId": fresh_id("m"),
        "properties": { "id": id.into() },
    })
}

async fn send(router: &Router, events: &[Value]) {
    router.post("/v1/batch", &batch(events)).await.expect_success();
}

async fn until_entry(router: &Router, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    until_some(what, 25, async || Some(router.destination("alerts").await).filter(|one| check(one))).await
}

#[tokio::test]
async fn chosen_events_become_alerts_and_their_values_are_only_text() {
    let (mock, router) = start(&["--secret", SECRET]).await;
    let page = json!({ "type": "page", "userId": "u1", "name": "Pricing" });
    let other = json!({ "type": "track", "event": "Else", "userId": "u1" });
    send(&router, &[order("o-1"), page, other, order("<!channel> & co")]).await;
    mock.until_taken(2).await;
    let seen = mock.seen().await;
    let lines = "Order Completed *o-1* by u1\nOrder Completed *&lt;!channel&gt; &amp; co* by u1";
    assert_eq!((&seen["messages"], &seen["last_messages"]), (&json!(1), &json!([lines])), "{seen}");
    let entry = until_entry(&router, "both are delivered", |one| one["counts"]["delivered"] == 2).await;
    assert_eq!(entry["counts"]["skipped"]["unsupported"], 2, "{entry}");
}

#[tokio::test]
async fn a_thousand_orders_are_some_dozens_of_messages_with_every_order_in_them() {
    let (mock, router) = start(&[]).await;
    let orders: Vec<Value> = (0..1000).map(order).collect();
    for part in orders.chunks(250) {
        send(&router, part).await;
    }
    mock.until_taken(1000).await;
    let seen = mock.seen().await;
    let messages = seen["messages"].as_u64().unwrap();
    assert!((10..=40).contains(&messages), "{messages}");
    assert_eq!((&seen["events"], &seen["repeated"]), (&json!(1000), &json!(0)));
    let last = seen["last_messages"].as_array().unwrap().last().unwrap().as_str().unwrap();
    assert!(last.ends_with("Order Completed *999* by u1"), "{last}");
}

#[tokio::test]
async fn every_alert_arrives_whatever_the_webhook_says_about_itself() {
    let (mock, router) = start(&["--secret", SECRET]).await;
    let mut sent = 0;
    for (behaviour, label) in [
        (json!({ "mode": 429, "retry_after": 1, "times": 1 }), "429"),
        (json!({ "mode": 500, "times": 2 }), "500"),
        (json!({ "mode": 404, "times": 2 }), "404"),
        (json!({ "mode": 403, "times": 1 }), "403"),
        (json!({ "mode": 410, "times": 1 }), "410"),
        (json!({ "mode": "html", "times": 1 }), "502"),
        (json!({ "mode": "cut", "times": 1 }), "cut"),
    ] {
        mock.behave(behaviour).await;
        send(&router, &[order(format!("{label}-1")), order(format!("{label}-2"))]).await;
        sent += 2;
        mock.until_taken(sent).await;
        assert!(mock.answers(label).await > 0, "it did answer {label}");
    }
    let entry = until_entry(&router, "all is delivered", |one| one["counts"]["delivered"] == sent).await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
}

#[tokio::test]
async fn an_alert_that_is_refused_dies_alone() {
    let (mock, router) = start(&[]).await;
    mock.behave(json!({ "mode": "poison", "event": "Order Completed *o-5* by u1" })).await;
    let orders: Vec<Value> = (0..12).map(|n| order(format!("o-{n}"))).collect();
    send(&router, &orders).await;
    mock.until_taken(11).await;
    let entry = until_entry(&router, "one is dead", |one| one["counts"]["dead"]["rejected"] == 1).await;
    assert_eq!(entry["counts"]["delivered"], 11, "{entry}");
}

#[tokio::test]
async fn a_webhook_that_is_gone_holds_its_alerts_and_its_address_is_told_to_nobody() {
    let (mock, router) = start(&["--secret", "another-end"]).await;
    send(&router, &[order("o-1")]).await;
    let entry = until_entry(&router, "it is held", |one| one["state"] == "held").await;
    assert_eq!(
        (&entry["reason"], &entry["last_error"]["message"]),
        (&json!("forbidden"), &json!("invalid_token"))
    );
    let everything = [entry.to_string(), router.log(), router.get("/metrics").await.text].concat();
    assert!(!everything.contains("Geheim"), "{everything}");
    assert_eq!(mock.seen().await["messages"], 0);
}

#[tokio::test]
async fn a_probe_posts_nothing_and_explain_masks_the_address() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("config.toml");
    let run = |mock: &StandIn, arguments: &[&str]| {
        fs::write(&config, table(mock)).unwrap();
        let output = opentrack().args(arguments).arg("--config").arg(&config).output().unwrap();
        let words = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(words).unwrap())
    };
    let right = StandIn::start("slack", &["--secret", SECRET, "--quiet"]);
    let (code, words) = run(&right, &["check", "--probe"]);
    assert!(code == Some(0) && words.contains("probe of alerts: ok\n"), "{code:?} {words}");
    let seen = right.seen().await;
    assert_eq!((&seen["answers"], &seen["messages"]), (&json!({ "400": 1 }), &json!(0)), "{seen}");
    let wrong = StandIn::start("slack", &["--secret", "another-end", "--quiet"]);
    let (code, words) = run(&wrong, &["check", "--probe"]);
    assert!(
        code != Some(0) && words.contains("invalid_token") && !words.contains("Geheim"),
        "{code:?} {words}"
    );
    let event = dir.path().join("event.json");
    fs::write(&event, order("o-1").to_string()).unwrap();
    let (code, words) = run(&right, &["explain", event.to_str().unwrap(), "--destination", "alerts"]);
    assert!(code == Some(0) && words.contains("Order Completed *o-1* by u1"), "{code:?} {words}");
    assert!(words.contains("services/T0/B0/***") && !words.contains("Geheim"), "{words}");
    until("nothing was posted", 1, async || right.seen().await["requests"] == 1).await;
}
