//! Every form in which clients send good calls: paths, content types, encodings, batches.

use serde_json::{Value, json};

use crate::support::{Answer, Config, Router, basic, fresh_id, gzip};

/// A call of each kind, by path, and the table where it ends.
const KINDS: [(&str, &str, &str); 6] = [
    ("track", "t", "tracks"),
    ("identify", "i", "identifies"),
    ("page", "p", "pages"),
    ("screen", "s", "screens"),
    ("group", "g", "groups"),
    ("alias", "a", "aliases"),
];

/// Returns a call that is complete for every kind, without `type`.
fn call(id: &str) -> Value {
    json!({
        "messageId": id, "userId": "u", "event": "Seen", "name": "n", "groupId": "g", "previousId": "p",
        "properties": {}, "traits": {},
    })
}

#[tokio::test]
async fn every_path_long_short_and_with_a_slash_takes_its_kind() {
    let router = Router::start(Config::new()).await;
    for (long, short, table) in KINDS {
        let paths =
            [format!("/v1/{long}"), format!("/v1/{short}"), format!("/v1/{long}/"), format!("/v1/{short}/")];
        let mut ids = Vec::new();
        for path in paths {
            let id = fresh_id(long);
            let answer = router.post(&path, &call(&id)).await;
            assert_eq!((answer.status, &answer.text), (200, &r#"{"success":true}"#.to_owned()), "{path}");
            ids.push(id);
        }
        router.until_rows(table, &ids).await;
        assert_eq!(
            router.db().ids(table),
            {
                ids.sort();
                ids
            },
            "{table}"
        );
    }
}

#[tokio::test]
async fn every_batch_path_takes_all_six_kinds() {
    let router = Router::start(Config::new()).await;
    for path in ["/v1/batch", "/v1/import", "/v1/b", "/v1/batch/", "/v1/import/", "/v1/b/"] {
        let calls: Vec<Value> = KINDS
            .iter()
            .map(|(kind, ..)| {
                let mut call = call(&fresh_id(kind));
                call["type"] = json!(kind);
                call
            })
            .collect();
        let answer = router.post(path, &json!({ "batch": calls, "sentAt": "2026-01-02T03:04:05Z" })).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        assert_eq!(answer.json(), json!({ "success": true, "accepted": 6 }), "{path}");
        for ((_, _, table), call) in KINDS.iter().zip(&calls) {
            let id = call["messageId"].as_str().unwrap().to_owned();
            router.until_rows(table, &[id]).await;
        }
    }
}

async fn send(router: &Router, headers: &[(&str, &str)], body: Vec<u8>, path: &str) -> Answer {
    let mut request = router.request("POST", path).body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.send().await.expect("the router answers")).await
}

#[tokio::test]
async fn the_body_is_json_whatever_the_headers_say() {
    let router = Router::start(Config::new()).await;
    let (with_colon, without_colon) = (basic("key:"), basic("key"));
    let variants: [&[(&str, &str)]; 9] = [
        &[],
        &[("content-type", "application/json; charset=utf-8")],
        &[("content-type", "text/plain")],
        &[("content-type", "text/plain;charset=UTF-8"), ("origin", "https://shop.example")],
        &[("content-type", "application/octet-stream")],
        &[("authorization", &with_colon)],
        &[("authorization", &without_colon)],
        &[("authorization", "Bearer token")],
        &[("content-type", "application/x-www-form-urlencoded"), ("content-encoding", "gzip")],
    ];
    let mut ids = Vec::new();
    for headers in variants {
        let id = fresh_id("h");
        let mut call = call(&id);
        call["writeKey"] = json!("key");
        let mut body = call.to_string().into_bytes();
        if headers.contains(&("content-encoding", "gzip")) {
            body = gzip(&body);
        }
        send(&router, headers, body, "/v1/track").await.expect_success();
        ids.push(id);
    }
    router.until_rows("tracks", &ids).await;
}

#[tokio::test]
async fn a_chunked_body_without_a_length_is_taken() {
    let router = Router::start(Config::new()).await;
    let id = fresh_id("chunked");
    let text = call(&id).to_string();
    let request = format!(
        "POST /v1/track HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n{:x}\r\n{text}\r\n0\r\n\r\n",
        text.len()
    );
    let port = router.port();
    let answer =
        tokio::task::spawn_blocking(move || super::hostile::raw(port, request.as_bytes())).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    router.until_rows("tracks", &[id]).await;
}

#[tokio::test]
async fn context_and_integrations_of_a_batch_are_merged_into_each_call() {
    let router = Router::start(Config::new()).await;
    let (first, second) = (fresh_id("c"), fresh_id("c"));
    let mut own = call(&second);
    own["context"] = json!({ "app": { "name": "own" } });
    let mut batch =
        json!({ "batch": [call(&first), own], "context": { "app": { "name": "shared" }, "locale": "de" } });
    for one in batch["batch"].as_array_mut().unwrap() {
        one["type"] = json!("track");
    }
    router.post("/v1/batch", &batch).await.expect_success();
    router.until_rows("tracks", &[first.clone(), second.clone()]).await;
    let rows = router.db().rows("tracks");
    let of = |id: &str| rows.iter().find(|row| row["id"] == id).expect("it was waited for");
    assert_eq!(of(&first)["context_app_name"], "shared");
    assert_eq!(of(&second)["context_app_name"], "own");
    assert_eq!(of(&second)["context_locale"], "de");
}

#[tokio::test]
async fn a_call_without_id_and_time_gets_both() {
    let router = Router::start(Config::new()).await;
    router.post("/v1/track", &json!({ "userId": "u", "event": "Bare" })).await.expect_success();
    crate::support::until("the row is there", 20, async || router.db().rows("bare").len() == 1).await;
    let row = router.db().rows("bare").remove(0);
    assert!(row["id"].as_str().is_some_and(|id| id.len() >= 32), "{row:?}");
    let millis =
        |column: &str| row[column].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!(millis("timestamp"), millis("received_at"));
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_and_the_original_is_kept() {
    let router = Router::start(Config::new()).await;
    let id = fresh_id("skew");
    let mut skewed = call(&id);
    skewed["timestamp"] = json!("2020-01-01T00:00:00.000Z");
    skewed["sentAt"] = json!("2020-01-01T00:00:10.000Z");
    router.post("/v1/track", &skewed).await.expect_success();
    router.until_rows("seen", &[id]).await;
    let row = router.db().rows("seen").remove(0);
    let millis =
        |column: &str| row[column].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond();
    assert_eq!(millis("received_at") - millis("timestamp"), 10_000, "{row:?}");
    assert_eq!(row["original_timestamp"], "2020-01-01T00:00:00.000Z");
    assert_eq!(row["sent_at"], "2020-01-01T00:00:10.000Z");
}

#[tokio::test]
async fn the_same_message_id_is_stored_once() {
    let router = Router::start(Config::new()).await;
    let (id, last) = (fresh_id("twice"), fresh_id("last"));
    for _ in 0..3 {
        router.post("/v1/track", &call(&id)).await.expect_success();
    }
    let mut twin = call(&id);
    twin["type"] = json!("track");
    router.post("/v1/batch", &json!({ "batch": [twin, twin] })).await.expect_success();
    router.post("/v1/track", &call(&last)).await.expect_success();
    router.until_rows("tracks", &[id.clone(), last.clone()]).await;
    assert_eq!(router.db().ids("tracks"), {
        let mut ids = [id, last];
        ids.sort();
        ids
    });
}
