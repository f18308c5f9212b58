//! What is wrong with one event: its code, its status alone and within a batch, its entry at `/api/rejected`, and that
//! a good neighbour never pays for it.

use serde_json::{Value, json};

use crate::support::{Config, Router, fresh_id, ids_of, track, until};

/// A bad call of each sort, as JSON text without `messageId`, and its code.
fn bad_calls() -> Vec<(String, &'static str)> {
    let long = "x".repeat(10_000);
    let cases = [
        (json!({ "type": "track", "event": "e" }), "missing_identity"),
        (json!({ "type": "track", "event": "e", "userId": null, "anonymousId": null }), "missing_identity"),
        (json!({ "type": "track", "event": "e", "userId": "" }), "missing_identity"),
        (json!({ "type": "track", "userId": "u" }), "missing_event"),
        (json!({ "type": "track", "userId": "u", "event": "" }), "missing_event"),
        (json!({ "type": "group", "userId": "u" }), "missing_group_id"),
        (json!({ "type": "alias", "userId": "u" }), "missing_previous_id"),
        (json!({ "type": "alias", "previousId": "u" }), "missing_user_id"),
        (json!({ "type": "fly", "userId": "u" }), "unknown_type"),
        (json!({ "userId": "u" }), "unknown_type"),
        (json!({ "type": 7, "userId": "u" }), "unknown_type"),
        (json!({ "type": "track", "event": "e", "userId": {} }), "wrong_type"),
        (json!({ "type": "track", "event": "e", "userId": ["u"] }), "wrong_type"),
        (json!({ "type": "track", "event": "e", "userId": true }), "wrong_type"),
        (json!({ "type": "track", "event": {}, "userId": "u" }), "wrong_type"),
        (json!({ "type": "track", "event": "e", "userId": "u", "properties": [1] }), "wrong_type"),
        (json!({ "type": "identify", "userId": "u", "traits": "none" }), "wrong_type"),
        (json!({ "type": "track", "event": "e", "userId": "u", "messageId": long }), "too_long"),
        (
            json!({ "type": "track", "event": "e", "userId": "u", "timestamp": "0000-01-01T00:00:00Z" }),
            "bad_timestamp",
        ),
        (
            json!({ "type": "track", "event": "e", "userId": "u", "timestamp": "99999-01-01T00:00:00Z" }),
            "bad_timestamp",
        ),
        (json!({ "type": "track", "event": "e", "userId": "u", "timestamp": "yesterday" }), "bad_timestamp"),
        (json!([1, 2]), "not_an_object"),
        (json!("text"), "not_an_object"),
        (json!(null), "not_an_object"),
    ];
    cases.into_iter().map(|(call, code)| (call.to_string(), code)).collect()
}

#[tokio::test]
async fn a_bad_event_in_a_batch_is_set_aside_alone() {
    let router = Router::start(Config::new()).await;
    let mut good = Vec::new();
    for (text, code) in bad_calls() {
        let (before, after) = (track("u", 1), track("u", 2));
        let body = format!("{{\"batch\":[{before},{text},{after}]}}");
        let answer = router.post_text("/v1/batch", body).await;
        answer.expect_success();
        let verdict = answer.json();
        assert_eq!(verdict["accepted"], 2, "{text}: {verdict}");
        assert_eq!(verdict["rejected"].as_array().map(Vec::len), Some(1), "{text}: {verdict}");
        assert_eq!(verdict["rejected"][0]["index"], 1, "{text}: {verdict}");
        assert_eq!(verdict["rejected"][0]["code"], code, "{text}: {verdict}");
        assert!(verdict["rejected"][0]["message"].is_string(), "{text}: {verdict}");
        good.extend(ids_of(&[before, after]));
    }
    router.until_rows("tracks", &good).await;
    assert_eq!(router.db().ids("tracks").len(), good.len());
}

#[tokio::test]
async fn a_bad_single_event_is_a_400_with_its_code() {
    let router = Router::start(Config::new()).await;
    for (text, code) in bad_calls() {
        let call: Value = serde_json::from_str(&text).unwrap();
        let path = match call["type"].as_str() {
            Some("fly") => continue,
            Some(kind) => format!("/v1/{kind}"),
            None if code == "unknown_type" => continue,
            None => "/v1/track".to_owned(),
        };
        let answer = router.post_text(&path, text.clone()).await;
        answer.expect_error(400, code);
        let body = answer.json();
        assert_eq!(body["error"], "Invalid payload", "{text}: {body}");
        assert_eq!(body["details"][0]["code"], code, "{text}: {body}");
    }
}

#[tokio::test]
async fn ids_that_are_numbers_are_refused_by_their_path() {
    let router = Router::start(Config::new()).await;
    let call = json!({ "userId": 42, "event": "Counted", "messageId": fresh_id("number") });
    let answer = router.post("/v1/track", &call).await;
    answer.expect_error(400, "wrong_type");
    assert_eq!(answer.json()["details"][0]["path"], "userId");
}

#[tokio::test]
async fn a_batch_of_only_bad_events_is_still_a_200() {
    let router = Router::start(Config::new()).await;
    let answer = router.post("/v1/batch", &json!({ "batch": [{ "type": "track" }, 7] })).await;
    answer.expect_success();
    assert_eq!(answer.json()["accepted"], 0);
    assert_eq!(answer.json()["rejected"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn rejected_events_are_listed_with_their_text_and_survive_a_restart() {
    let mut router = Router::start(Config::new()).await;
    let id = fresh_id("bad");
    let bad = json!({ "type": "track", "userId": "u", "messageId": id, "properties": { "kept": "ü" } });
    router.post("/v1/batch", &json!({ "batch": [bad, track("u", 1)] })).await.expect_success();
    router.post("/v1/identify", &json!({ "traits": {} })).await.expect_error(400, "missing_identity");
    let listed = async |router: &Router| {
        until("both are listed", 10, async || {
            router.get("/api/rejected").await.json()["rejected"].as_array().map(Vec::len) == Some(2)
        })
        .await;
        router.get("/api/rejected").await.json()["rejected"].clone()
    };
    let first = listed(&router).await;
    let entry = first.as_array().unwrap().iter().find(|one| one["message_id"] == id.as_str()).unwrap();
    assert_eq!(entry["code"], "missing_event", "{entry}");
    assert!(
        entry["message"].is_string() && entry["at"].is_string() && entry["source"].is_string(),
        "{entry}"
    );
    assert!(entry["event"].to_string().contains("kept"), "{entry}");
    router.restart().await;
    assert_eq!(listed(&router).await, first);
}
