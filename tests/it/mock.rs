//! `opentrack mock webhook`: a router delivers to it through everything that it can do wrong, and everything arrives.

use std::io::{BufRead, Read};

use serde_json::{Value, json};

use crate::support::{
    Config, Router, StandIn, batch, fresh_id, http, ids_of, opentrack, track, until, until_some,
};

fn start(arguments: &[&str]) -> StandIn {
    StandIn::start("webhook", arguments)
}

async fn router(mock: &StandIn, extra: &str) -> Router {
    Router::start(Config::new().webhook("hook", &format!("{}in", mock.url), extra)).await
}

/// Sends events of one user in one batch, and returns their ids.
async fn send(router: &Router, user: &str, count: u64) -> Vec<String> {
    let events: Vec<Value> = (0..count).map(|n| track(user, n)).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    ids_of(&events)
}

async fn until_entry(router: &Router, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    until_some(what, 25, async || Some(router.destination("hook").await).filter(|one| check(one))).await
}

#[tokio::test]
async fn everything_arrives_through_whatever_it_does() {
    let mock = start(&["--secret", "geheim-of-the-hook", "--quiet"]);
    let router = router(&mock, "secret = \"geheim-of-the-hook\"\ntimeout = \"2s\"").await;
    let mut sent = 0;
    for (behaviour, label) in [
        (json!({ "mode": 429, "retry_after": 1, "times": 1 }), "429"),
        (json!({ "mode": 503, "retry_after": 1, "as_date": true, "times": 1 }), "503"),
        (json!({ "mode": 500, "times": 2 }), "500"),
        (json!({ "mode": "html", "times": 1 }), "502"),
        (json!({ "mode": 401, "times": 2 }), "401"),
        (json!({ "mode": 410, "times": 1 }), "410"),
        (json!({ "mode": "cut", "times": 1 }), "cut"),
        (json!({ "mode": "half", "times": 1 }), "half"),
        (json!({ "mode": "hang", "times": 1 }), "hang"),
        (json!({ "mode": "slow", "delay": "200ms" }), "200"),
    ] {
        mock.behave(behaviour).await;
        let before = mock.answers(label).await;
        sent += send(&router, label, 7).await.len();
        mock.until_taken(sent).await;
        assert!(mock.answers(label).await > before, "it did answer {label}");
    }
    let entry = until_entry(&router, "all is delivered", |one| one["counts"]["delivered"] == sent).await;
    assert_eq!(entry["counts"]["dead"], json!({}), "{entry}");
}

#[tokio::test]
async fn a_part_that_is_refused_dies_and_the_rest_arrives() {
    let mock = start(&["--mode", "partial", "--event", "Bad Thing"]);
    let router = router(&mock, "").await;
    let mut events: Vec<Value> = (0..9).map(|n| track("u", n)).collect();
    events[4]["event"] = "Bad Thing".into();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    mock.until_taken(8).await;
    let entry = until_entry(&router, "one is dead", |one| one["counts"]["dead"]["rejected"] == 1).await;
    assert_eq!((&entry["counts"]["delivered"], mock.answers("207").await), (&json!(8), 1), "{entry}");
}

#[tokio::test]
async fn poison_is_isolated_and_the_rest_arrives() {
    let mock = start(&[]);
    let router = router(&mock, "").await;
    let events: Vec<Value> = (0..16).map(|n| track("u", n)).collect();
    mock.behave(json!({ "mode": "poison", "event": events[5]["messageId"] })).await;
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    mock.until_taken(15).await;
    let entry = until_entry(&router, "one is dead", |one| one["counts"]["dead"]["rejected"] == 1).await;
    assert_eq!(entry["counts"]["delivered"], 15, "{entry}");
    let refused = mock.answers("422").await;
    assert!((2..=5).contains(&refused), "halved until it was alone: {refused}");
}

#[tokio::test]
async fn a_wrong_secret_holds_the_destination() {
    let mock = start(&["--secret", "one-secret"]);
    let router = router(&mock, "secret = \"another-secret\"").await;
    send(&router, "u", 3).await;
    let entry = until_entry(&router, "it is held", |one| one["state"] == "held").await;
    assert_eq!(entry["reason"], "unauthorized", "{entry}");
    assert!(entry["last_error"]["message"].as_str().unwrap().contains("webhook-signature"), "{entry}");
    assert_eq!(mock.seen().await["taken"], 0);
}

#[tokio::test]
async fn every_format_is_understood_packed_or_not() {
    let mock = start(&["--quiet"]);
    let url = &mock.url;
    let mut config = Config::new();
    for (name, extra) in [
        ("one", "format = \"single\""),
        ("two", "format = \"array\"\ncompression = \"gzip\""),
        ("three", "format = \"ndjson\"\ncompression = \"gzip\""),
        ("four", "format = \"batch\"\ncompression = \"gzip\""),
    ] {
        config = config.webhook(name, &format!("{url}{name}"), extra);
    }
    let router = Router::start(config).await;
    send(&router, "u", 20).await;
    until("all four have sent all", 25, async || mock.seen().await["events"] == 80).await;
    let seen = mock.seen().await;
    assert_eq!((&seen["taken"], &seen["repeated"]), (&json!(20), &json!(60)), "{seen}");
    assert_eq!(seen["answers"].as_object().unwrap().keys().collect::<Vec<_>>(), ["200"]);
}

#[tokio::test]
async fn a_line_for_each_request_and_a_clean_end() {
    let mut mock = start(&["--mode", "418", "--times", "1"]);
    let id = fresh_id("m");
    for status in [418, 200] {
        let answer = mock.post("in", &json!([{ "messageId": id }])).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    mock.signal();
    let lines: Vec<String> = mock.stdout.by_ref().lines().map(Result::unwrap).collect();
    assert_eq!(lines, ["POST /in - events=1 answer=418", "POST /in - events=1 answer=200"]);
    assert_eq!(mock.child.wait().unwrap().code(), Some(0));
}

#[tokio::test]
async fn a_request_that_hangs_is_let_go_when_it_is_told_otherwise() {
    let mock = start(&["--mode", "hang", "--quiet"]);
    let url = format!("{}in", mock.url);
    let hanging = http().post(url).body("[]").send();
    let telling = async {
        until("the request was seen", 10, async || mock.seen().await["requests"] == 1).await;
        mock.post("_mock/reset", &Value::Null).await
    };
    let (answer, told) = tokio::join!(hanging, telling);
    assert!(answer.is_err_and(|error| !error.is_timeout()), "it is cut, and not by the client");
    assert_eq!(told.status, 200);
    assert_eq!(mock.seen().await["requests"], 0, "all is forgotten");
}

#[tokio::test]
async fn wrong_orders_are_refused_with_what_is_possible() {
    let run = |arguments: &[&str]| {
        let output = opentrack().arg("mock").args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for (arguments, part) in [
        (&["fax"][..], "no stand-in for `fax`; there are webhook"),
        (&["webhook", "--mode", "explode"], "there are ok, a status from 200 to 599, hang"),
        (&["webhook", "--mode", "poison"], "needs `event`"),
        (&["webhook", "--secret", "whsec_!"], "the secret has no base64"),
        (&[], "KIND"),
    ] {
        let (code, words) = run(arguments);
        assert_eq!(code, Some(64), "{arguments:?}: {words}");
        assert!(words.contains(part), "{arguments:?}: {words}");
    }
    let mock = start(&["--quiet"]);
    let answer = mock.post("_mock/behave", &json!({ "mode": "explode" })).await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["modes"].as_str().unwrap().contains("poison"), "{answer:?}");
    let port = mock.url.trim_end_matches('/').rsplit(':').next().unwrap();
    let (code, words) = run(&["webhook", "--port", port]);
    assert_eq!(code, Some(69), "{words}");
}
