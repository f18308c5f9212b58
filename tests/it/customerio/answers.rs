//! What the router does about every kind of answer: nothing is lost, and only what is refused for good dies.

use serde_json::{Value, json};

use super::stand_in::{StandIn, send, until_delivered, until_entry};
use crate::support::{Config, Router, fresh_id, track};

fn tracks(user: &str, count: u64) -> Vec<Value> {
    (0..count).map(|n| track(user, n)).collect()
}

#[tokio::test]
async fn everything_arrives_through_whatever_it_does_and_each_event_once() {
    let stand_in = StandIn::start(&[]);
    let router = stand_in.router("timeout = \"2s\"").await;
    let mut sent = 0;
    for (behaviour, label) in [
        (json!({ "mode": 429, "retry_after": 1, "times": 1 }), "429"),
        (json!({ "mode": 503, "times": 2 }), "503"),
        (json!({ "mode": 401, "times": 1 }), "401"),
        (json!({ "mode": 403, "times": 1 }), "403"),
        (json!({ "mode": "html", "times": 1 }), "502"),
        (json!({ "mode": "lie", "times": 1 }), "200"),
        (json!({ "mode": "cut", "times": 1 }), "cut"),
        (json!({ "mode": "half", "times": 1 }), "half"),
        (json!({ "mode": "hang", "times": 1 }), "hang"),
    ] {
        stand_in.behave(behaviour).await;
        send(&router, &tracks(label, 7)).await;
        sent += 7;
        stand_in.until_events(sent).await;
        let answers = stand_in.seen().await["answers"].clone();
        assert!(answers[label].as_u64() >= Some(1), "it did answer {label}: {answers}");
    }
    until_delivered(&router, sent).await;
    let world = stand_in.world().await;
    assert_eq!(world["events"].as_array().map(Vec::len), Some(sent), "each event once");
    assert_eq!(world["duplicates"], 7, "the answer that was cut in half had been meant");
}

#[tokio::test]
async fn a_207_kills_what_it_names_with_field_and_message_and_the_rest_arrives() {
    let stand_in = StandIn::start(&[]);
    let router = stand_in.router("").await;
    let mut events = tracks("u", 5);
    events[2] = json!({
        "type": "group", "groupId": "acme", "userId": "u", "messageId": fresh_id("m"),
        "traits": { "object_type_id": "no number" },
    });
    send(&router, &events).await;
    stand_in.until_events(4).await;
    let entry = until_entry(&router, "one is dead", |one| one["counts"]["dead"]["rejected"] == 1).await;
    assert_eq!(entry["counts"]["delivered"], 4, "{entry}");
    assert_eq!(stand_in.seen().await["answers"]["207"], 1, "nothing was sent twice");
    let letters = router.get("/api/dead-letters").await.json();
    let letter = &letters["dead_letters"][0];
    let said = "identifiers.object_type_id: must be a number as a text (invalid)";
    assert_eq!((&letter["status"], &letter["answer"]), (&json!(207), &json!(said)), "{letter}");
    assert_eq!(letter["message_id"], events[2]["messageId"]);
}

#[tokio::test]
async fn one_event_that_spoils_a_request_is_found_and_the_rest_arrives() {
    let stand_in = StandIn::start(&[]);
    let router = stand_in.router("").await;
    let mut events = tracks("u", 16);
    events[5]["event"] = "Poison".into();
    stand_in.behave(json!({ "mode": "poison", "event": "Poison" })).await;
    send(&router, &events).await;
    stand_in.until_events(15).await;
    let entry = until_entry(&router, "one is dead", |one| one["counts"]["dead"]["rejected"] == 1).await;
    assert_eq!(entry["counts"]["delivered"], 15, "{entry}");
}

#[tokio::test]
async fn a_wrong_key_holds_everything_until_it_is_right_and_then_all_arrives() {
    let stand_in = StandIn::start(&[]);
    let wrong = Config::new().table(&stand_in.table("wrong-0123456789", ""));
    let mut router = Router::start(wrong).await;
    send(&router, &tracks("u", 20)).await;
    let entry = until_entry(&router, "it is held", |one| one["state"] == "held").await;
    assert_eq!((&entry["reason"], &entry["counts"]["dead"]), (&json!("unauthorized"), &json!({})), "{entry}");
    assert!(!router.log().contains("wrong-0123456789"), "no key in the log");
    router.reconfigure(Config::new().table(&stand_in.table("key-0123456789", ""))).await;
    stand_in.until_events(20).await;
    until_delivered(&router, 20).await;
    assert_eq!(stand_in.seen().await["duplicates"], 0);
}

#[tokio::test]
async fn a_merge_with_somebody_unknown_is_done_and_no_dead_letter() {
    let stand_in = StandIn::start(&[]);
    let router = stand_in.router("").await;
    let alias = json!({ "type": "alias", "userId": "u", "previousId": "nobody", "messageId": fresh_id("m") });
    send(&router, &[track("u", 0), alias, track("u", 1)]).await;
    until_delivered(&router, 3).await;
    let seen = stand_in.seen().await;
    assert_eq!(
        (&seen["answers"]["207"], &seen["requests"]),
        (&json!(1), &json!(3)),
        "the merge went alone: {seen}"
    );
}
