//! Every class of answer, from the stand-in to what an operator sees; one bad event in a thousand; and every way to misbehave.

use serde_json::json;

use super::scene::{Scene, TOKEN, lead, leads};

#[tokio::test]
async fn one_bad_event_in_a_thousand_costs_22_requests_at_most_and_none_of_the_others() {
    for place in [0, 500, 999] {
        let scene = Scene::start("batch = { max_events = 1000, max_delay = \"10s\" }").await;
        let events = leads(1_000);
        let bad = events[place]["messageId"].clone();
        scene.graph.behave(json!({ "mode": "poison", "event": bad })).await;
        let mut ids = scene.send(&events).await;
        let entry = scene.until_delivered(999).await;
        assert_eq!(entry["counts"]["dead"], json!({ "rejected": 1 }), "{entry}");
        ids.retain(|id| json!(id) != bad);
        assert_eq!(scene.graph.ids().await, ids, "each good one once");
        let extra = scene.graph.seen().await["requests"].as_u64().unwrap() - 1;
        assert!(extra <= 22, "{extra} further requests for the one at {place}");
        let [letter] = scene.dead().try_into().expect("one letter");
        assert_eq!((&letter["message_id"], &letter["status"]), (&bad, &json!(400)), "{letter}");
        let words = "Invalid parameter: The event \\\"Lead\\\" is not valid.: Invalid parameter (code 100, subcode 2804019, fbtrace_id AStandIn)";
        assert!(letter["answer"].to_string().contains(words), "{letter}");
    }
}

#[tokio::test]
async fn what_an_operator_has_to_repair_holds_it_and_kills_nothing() {
    let scene = Scene::start("").await;
    let mut delivered = 0;
    for (code, subcode, reason) in [
        (190, 463, "unauthorized"),
        (102, 0, "unauthorized"),
        (104, 0, "unauthorized"),
        (200, 0, "forbidden"),
        (10, 0, "forbidden"),
        (3, 0, "forbidden"),
        (100, 33, "not_found"),
        (2_635, 0, "gone"),
    ] {
        scene.graph.say(json!({ "code": code, "subcode": subcode })).await;
        scene.send(&leads(3)).await;
        let entry = scene.until("it is held", |one| one["state"] == "held").await;
        assert_eq!(entry["reason"], reason, "{code}/{subcode}: {entry}");
        let words = entry["last_error"]["message"].as_str().unwrap();
        assert!(words.contains(&format!("code {code}")) && words.contains("fbtrace_id"), "{words}");
        scene.graph.be_itself().await;
        delivered += 3;
        let entry = scene.until_delivered(delivered).await;
        assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
    }
}

#[tokio::test]
async fn what_passes_is_tried_again_and_a_limit_is_waited_for() {
    let scene = Scene::start("").await;
    let mut delivered = 0;
    for code in [1, 2, 341, 368, 5_000, 21_009, 4, 17, 32, 613, 80_003, 80_004] {
        scene.graph.say(json!({ "code": code, "status": 400, "transient": false, "times": 2 })).await;
        scene.send(&[lead(1)]).await;
        delivered += 1;
        let entry = scene.until_delivered(delivered).await;
        assert_eq!(entry["counts"]["dead"], json!({}), "{code}: {entry}");
    }
    scene.graph.say(json!({ "code": 80_004, "minutes": 30 })).await;
    scene.send(&[lead(1)]).await;
    let entry = scene.until("it waits", |one| one["state"] == "throttled").await;
    assert!(entry["last_error"]["message"].as_str().unwrap().contains("code 80004"), "{entry}");
    let requests = scene.graph.seen().await["requests"].as_u64().unwrap();
    assert_eq!(requests, 12 * 3 + 1, "it is asked nothing meanwhile");
}

#[tokio::test]
async fn an_error_that_meta_does_not_know_is_tried_ten_times_and_then_isolated() {
    let scene = Scene::start("breaker = { failures = 1000, open_for = \"50ms\" }").await;
    let events = leads(4);
    let bad = events[2]["messageId"].clone();
    scene.graph.say(json!({ "code": 1, "subcode": 99, "status": 500, "event": bad })).await;
    scene.send(&events).await;
    let entry = scene.until_delivered(3).await;
    assert_eq!(entry["counts"]["dead"], json!({ "rejected": 1 }), "{entry}");
    let [letter] = scene.dead().try_into().expect("one letter");
    assert_eq!(letter["message_id"], bad);
    let refused = scene.graph.seen().await["answers"]["500"].as_u64().unwrap();
    assert!((11..=14).contains(&refused), "ten times, and while it was looked for: {refused}");
}

#[tokio::test]
async fn everything_arrives_through_whatever_it_does() {
    let scene = Scene::start("").await;
    let mut sent = 0;
    for behaviour in [
        json!({ "mode": 429, "retry_after": 1, "times": 1 }),
        json!({ "mode": 503, "retry_after": 1, "as_date": true, "times": 1 }),
        json!({ "mode": 500, "times": 2 }),
        json!({ "mode": 401, "times": 2 }),
        json!({ "mode": 403, "times": 1 }),
        json!({ "mode": 404, "times": 1 }),
        json!({ "mode": "html", "times": 1 }),
        json!({ "mode": "lie", "times": 1 }),
        json!({ "mode": "cut", "times": 1 }),
        json!({ "mode": "half", "times": 1 }),
        json!({ "mode": "hang", "times": 1 }),
        json!({ "mode": "slow", "delay": "200ms" }),
    ] {
        scene.graph.behave(behaviour.clone()).await;
        sent += scene.send(&leads(7)).await.len() as u64;
        let entry = scene.until_delivered(sent).await;
        assert_eq!(entry["counts"]["dead"], json!({}), "{behaviour}: {entry}");
        assert_eq!(scene.graph.seen().await["taken"], sent, "{behaviour}");
    }
}

#[tokio::test]
async fn fewer_events_counted_than_sent_are_sent_again_until_all_are() {
    let scene = Scene::start("batch = { max_events = 1000, max_delay = \"1s\" }").await;
    for received in [0, 3] {
        scene.graph.say(json!({ "code": 0, "received": received, "times": 1 })).await;
        let ids = scene.send(&leads(8)).await;
        let sent = 8 * (1 + u64::from(received > 0));
        let entry = scene.until_delivered(sent).await;
        assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
        let taken = scene.graph.ids().await;
        assert!(ids.iter().all(|id| taken.contains(id)), "{received}");
    }
}

#[tokio::test]
async fn no_place_that_an_operator_looks_at_has_the_token() {
    let scene = Scene::start("").await;
    scene.graph.say(json!({ "code": 190 })).await;
    scene.send(&leads(1)).await;
    let entry = scene.until("it is held", |one| one["state"] == "held").await;
    for text in [entry.to_string(), scene.router.log()] {
        assert!(!text.contains(TOKEN), "{text}");
    }
}
