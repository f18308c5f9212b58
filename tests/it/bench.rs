//! `opentrack bench` at a running router: what it sends, what it says, and whom it spares.

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Router, free_port, opentrack};

const KEY: &str = "a-key-of-the-bench";
const SMALL: [&str; 7] = ["--json", "bench", "--events", "330", "--batch", "50", "--connections"];

fn of(receiver: &Receiver) -> Config {
    let source = format!("[sources.web]\nwrite_keys = [\"{KEY}\"]");
    Config::new().webhook("hook", &receiver.url(), "").table(&source)
}

/// Runs it; returns its exit code and what it says.
fn bench(router: &Router, more: &[&str]) -> (Option<i32>, Value) {
    let arguments: Vec<&str> = SMALL.iter().chain(&["3"]).chain(more).copied().collect();
    let output = router.run(&arguments);
    let said = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no JSON: {output:?}"));
    (output.status.code(), said)
}

#[tokio::test]
async fn bench_tells_what_was_taken_and_what_it_cost_and_spares_destinations() {
    let receiver = Receiver::start();
    let router = Router::start(of(&receiver)).await;
    let (exit, said) = bench(&router, &["--write-key", KEY]);
    assert_eq!(exit, Some(0), "{said}");
    let told =
        ["events", "accepted", "batch", "connections", "delivered", "rate", "left"].map(|name| &said[name]);
    assert_eq!(
        told,
        [&json!(330), &json!(330), &json!(50), &json!(3), &json!(false), &Value::Null, &json!(0)]
    );
    assert_eq!(said["answers"], json!({ "200": 7 }));
    let known = ["events_per_second", "seconds", "cpu_us_per_event", "resident_bytes"];
    for value in
        known.map(|name| &said[name]).into_iter().chain(said["latency_ms"].as_object().unwrap().values())
    {
        assert!(value.as_f64().is_some_and(|value| value > 0.0), "{said}");
    }
    // Each destination has settled everything by then, without having been asked for anything.
    let skipped = router.destination("hook").await["counts"]["skipped"].clone();
    assert_eq!(skipped, json!({ "integrations": 330 }));
    assert!(receiver.requests().is_empty(), "destinations are spared");

    // Another run is of other events.
    let (exit, said) = bench(&router, &["--write-key", KEY, "--deliver"]);
    assert_eq!((exit, &said["accepted"], &said["left"]), (Some(0), &json!(330), &json!(0)), "{said}");
    assert_eq!(receiver.taken_ids().len(), 330, "it waits until destinations have them");
    let words = router.run(&["bench", "--events", "10", "--write-key", KEY, "--rate", "1000"]);
    let words = String::from_utf8(words.stdout).unwrap();
    assert!(
        words.starts_with("sent      10 events, 100 a request, 16 connections, 1000 a second\n"),
        "{words}"
    );
    assert!(words.contains("\naccepted  10 in ") && words.contains("\nsizing    "), "{words}");
}

#[tokio::test]
async fn bench_fails_where_events_are_refused_or_nobody_is_there() {
    let receiver = Receiver::start();
    let router = Router::start(of(&receiver)).await;
    let (exit, said) = bench(&router, &["--write-key", "a-wrong-one"]);
    assert_eq!(
        (exit, &said["accepted"], &said["answers"]),
        (Some(1), &json!(0), &json!({ "401": 7 })),
        "{said}"
    );
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let output = opentrack().args(SMALL).args(["3", "--url", &nobody]).output().unwrap();
    assert_eq!(output.status.code(), Some(69), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
}
