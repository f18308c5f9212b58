//! Bodies that no honest client sends, or only by accident: the answer is in the contract, the neighbour arrives, the
//! process stays healthy and small.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{Answer, Config, Router, fresh_id, gzip, ids_of, track};

/// More than a debug build needs at any time; a body that is held in memory several times over needs more.
const MEMORY_MIB: u64 = 300;

/// Sends bytes over a plain connection and returns what comes back; empty when nothing does.
pub(super) fn raw(port: u16, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("the router listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout can be set");
    stream.write_all(bytes).ok();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn post_raw(router: &Router, request: Vec<u8>) -> String {
    let port = router.port();
    tokio::task::spawn_blocking(move || raw(port, &request)).await.expect("the thread ends")
}

/// The router is ready, small, and takes and stores an event.
async fn expect_healthy(router: &Router) {
    assert_eq!(router.get("/health").await.status, 200);
    let event = track("healthy", 1);
    router.post("/v1/track", &event).await.expect_success();
    router.until_rows("tracks", &ids_of(&[event])).await;
    let memory = router.memory_mib();
    assert!(memory < MEMORY_MIB, "the router takes {memory} MiB");
}

#[tokio::test]
async fn bodies_that_are_no_json_are_400_invalid_json() {
    let router = Router::start(Config::new()).await;
    let bodies: [&[u8]; 8] =
        [b"", b" ", b"{", b"hello", b"{\"batch\":[}", b"{\"batch\":[1,]}x", b"a=b&c=d", b"\x00\x01\x02"];
    for body in bodies {
        let answer = router.post_text("/v1/batch", body.to_vec()).await;
        answer.expect_error(400, "invalid_json");
        // A single call is the body: both codes say the same of it.
        let single = router.post_text("/v1/track", body.to_vec()).await;
        assert_eq!(single.status, 400, "{:?}: {single:?}", String::from_utf8_lossy(body));
        let code = single.json()["code"].clone();
        assert!(code == "invalid_json" || code == "bad_json", "{single:?}");
    }
    expect_healthy(&router).await;
}

#[tokio::test]
async fn an_empty_batch_is_fine_and_a_batch_of_another_type_is_not() {
    let router = Router::start(Config::new()).await;
    let empty = router.post("/v1/batch", &json!({ "batch": [] })).await;
    empty.expect_success();
    assert_eq!(empty.json()["accepted"], 0);
    for body in [json!({ "batch": {} }), json!({ "batch": "x" }), json!({ "batch": 7 }), json!({}), json!([])]
    {
        let answer = router.post("/v1/batch", &body).await;
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.json()["code"].is_string(), "{body}: {answer:?}");
    }
}

/// Sends raw JSON text of one event between two good ones; returns the verdicts after both good ones were stored.
async fn between_good_ones(router: &Router, text: &str) -> Value {
    let (before, after) = (track("u", 1), track("u", 2));
    let answer = router.post_text("/v1/batch", format!("{{\"batch\":[{before},{text},{after}]}}")).await;
    answer.expect_success();
    router.until_rows("tracks", &ids_of(&[before, after])).await;
    answer.json()
}

#[tokio::test]
async fn a_million_levels_spoil_only_their_own_event() {
    let router = Router::start(Config::new()).await;
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let levels = if open == "[" { 1_000_000 } else { 500_000 };
        let deep = format!("{}1{}", open.repeat(levels), close.repeat(levels));
        let event = format!(
            "{{\"type\":\"track\",\"event\":\"e\",\"userId\":\"u\",\"properties\":{{\"deep\":{deep}}}}}"
        );
        let verdict = between_good_ones(&router, &event).await;
        assert_eq!(verdict["accepted"], 2);
        let code = verdict["rejected"][0]["code"].as_str().unwrap_or_default();
        assert!(["too_deep", "too_large"].contains(&code), "{verdict}");
    }
    expect_healthy(&router).await;
}

#[tokio::test]
async fn nan_from_python_becomes_null_and_costs_nothing() {
    let router = Router::start(Config::new()).await;
    let id = fresh_id("nan");
    let text = format!(
        "{{\"type\":\"track\",\"event\":\"Measured\",\"userId\":\"u\",\"messageId\":\"{id}\",\
         \"properties\":{{\"a\":NaN,\"b\":Infinity,\"c\":-Infinity,\"d\":1,\"text\":\"NaN stays\"}}}}"
    );
    let verdict = between_good_ones(&router, &text).await;
    assert_eq!(verdict["accepted"], 3, "{verdict}");
    router.until_rows("measured", &[id]).await;
    let row = router.db().rows("measured").remove(0);
    assert_eq!((&row["d"], &row["text"]), (&json!(1), &json!("NaN stays")));
    assert!(!row.contains_key("a") && !row.contains_key("b") && !row.contains_key("c"), "{row:?}");
}

#[tokio::test]
async fn half_of_a_surrogate_pair_becomes_a_replacement_character() {
    let router = Router::start(Config::new()).await;
    let id = fresh_id("half");
    let text = format!(
        "{{\"type\":\"track\",\"event\":\"Cut\",\"userId\":\"u\",\"messageId\":\"{id}\",\
         \"properties\":{{\"first\":\"a\\ud83d\",\"second\":\"\\ude00b\",\"whole\":\"\\ud83d\\ude00\"}}}}"
    );
    let verdict = between_good_ones(&router, &text).await;
    assert_eq!(verdict["accepted"], 3, "{verdict}");
    router.until_rows("cut", &[id]).await;
    let row = router.db().rows("cut").remove(0);
    assert_eq!(row["first"], "a\u{fffd}");
    assert_eq!(row["second"], "\u{fffd}b");
    assert_eq!(row["whole"], "😀");
}

#[tokio::test]
async fn invalid_utf8_is_refused_and_never_stored() {
    let router = Router::start(Config::new()).await;
    let body = b"{\"event\":\"\xff\xfe\",\"userId\":\"u\"}".to_vec();
    let answer = router.post_text("/v1/track", body).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    expect_healthy(&router).await;
    assert_eq!(router.db().ids("tracks").len(), 1);
}

#[tokio::test]
async fn an_oversize_event_is_set_aside_alone() {
    let router = Router::start(Config::new()).await;
    let mut large = track("u", 1);
    large["properties"]["blob"] = json!("x".repeat(1_200_000));
    let verdict = between_good_ones(&router, &large.to_string()).await;
    assert_eq!(verdict["rejected"][0]["code"], "too_large");
    router.post("/v1/track", &large).await.expect_error(400, "too_large");
}

#[tokio::test]
async fn a_batch_of_four_mebibytes_is_taken() {
    let router = Router::start(Config::new()).await;
    let events: Vec<Value> = (0..40)
        .map(|n| {
            let mut event = track("u", n);
            event["properties"]["blob"] = json!("x".repeat(100_000));
            event
        })
        .collect();
    let answer = router.post("/v1/batch", &json!({ "batch": events })).await;
    answer.expect_success();
    assert_eq!(answer.json()["accepted"], 40);
    router.until_rows("tracks", &ids_of(&events)).await;
}

#[tokio::test]
async fn a_gzip_bomb_is_cut_at_the_limit() {
    let router = Router::start(Config::new()).await;
    let bomb = gzip(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 2 << 20, "it is small on the wire");
    let request = router.request("POST", "/v1/batch").header("content-encoding", "gzip").body(bomb);
    let answer = Answer::read(request.send().await.expect("the router answers")).await;
    answer.expect_error(400, "body_too_large");
    expect_healthy(&router).await;
}

#[tokio::test]
async fn millions_of_calls_in_a_few_kilobytes_do_not_become_gigabytes() {
    let router = Router::start(Config::new()).await;
    for element in ["1", "{}", "NaN"] {
        let count = (5 << 20) / (element.len() + 1) - 10;
        let body = gzip(format!("{{\"batch\":[{}]}}", vec![element; count].join(",")).as_bytes());
        let request = router.request("POST", "/v1/batch").header("content-encoding", "gzip").body(body);
        let answer = Answer::read(request.send().await.expect("the router answers")).await;
        answer.expect_error(400, "body_too_large");
    }
    expect_healthy(&router).await;
}

#[tokio::test]
async fn a_body_of_a_hundred_megabytes_is_refused() {
    let router = Router::start(Config::new()).await;
    let body = vec![b' '; 100_000_000];
    let mut request = format!(
        "POST /v1/batch HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend(body);
    let answer = post_raw(&router, request).await;
    // A client that goes on sending after the answer may find the connection reset before it has read it.
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    expect_healthy(&router).await;
}

#[tokio::test]
async fn a_body_just_above_the_limit_gets_its_answer() {
    let router = Router::start(Config::new()).await;
    router.post_text("/v1/batch", vec![b' '; (5 << 20) + 1]).await.expect_error(400, "body_too_large");
    expect_healthy(&router).await;
}

#[tokio::test]
async fn broken_and_unknown_encodings_are_refused() {
    let router = Router::start(Config::new()).await;
    let whole = gzip(track("u", 1).to_string().as_bytes());
    let half = whole[..whole.len() / 2].to_vec();
    for (encoding, body) in [("gzip", b"not gzip".to_vec()), ("gzip", half), ("made-up", b"{}".to_vec())] {
        let request = router.request("POST", "/v1/track").header("content-encoding", encoding).body(body);
        Answer::read(request.send().await.unwrap()).await.expect_error(400, "bad_encoding");
    }
    expect_healthy(&router).await;
}

#[tokio::test]
async fn requests_that_are_no_http_end_and_harm_nobody() {
    let router = Router::start(Config::new()).await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GARBAGE\r\n\r\n",
        b"POST /v1/track\r\n\r\n",
    ] {
        let answer = post_raw(&router, bytes.to_vec()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    expect_healthy(&router).await;
}
