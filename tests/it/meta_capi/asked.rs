//! What the command line tells about it: the exact requests, and whether it can be delivered to.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};

use super::scene::{Graph, PIXEL, TOKEN};
use crate::support::opentrack;

fn run(graph: &Graph, (token, pixel): (&str, &str), arguments: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    let text = format!(
        "[destinations.meta]\ntype = \"meta_capi\"\npixel_id = \"{pixel}\"\naccess_token = \"{token}\"\nendpoint = \"{}\"\n\
         test_event_code = \"TEST1\"\n",
        graph.url
    );
    fs::write(dir.path().join("config.toml"), text).unwrap();
    let order = json!({ "type": "track", "event": "Order Completed", "userId": "u", "messageId": "m-1",
                        "properties": { "revenue": 1, "currency": "EUR" } });
    fs::write(dir.path().join("events.json"), order.to_string()).unwrap();
    opentrack().args(arguments).current_dir(dir.path()).output().unwrap()
}

#[tokio::test]
async fn the_probe_tells_a_wrong_token_a_missing_right_and_an_unknown_pixel() {
    let graph = Graph::start();
    let probe = |token: &str, pixel: &str| {
        let output = run(&graph, (token, pixel), &["check", "--probe"]);
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!text.contains(TOKEN) && !text.contains("EAAwrong"), "{text}");
        (output.status.code(), text)
    };
    let (code, text) = probe(TOKEN, PIXEL);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("probe of meta: ok"), "{text}");
    let (code, text) = probe("EAAwrong-token", PIXEL);
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains("unauthorized") && text.contains("code 190"), "{text}");
    let (code, text) = probe(TOKEN, "999");
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains("not_found") && text.contains("missing permissions"), "{text}");
    graph.say(json!({ "code": 200, "status": 403 })).await;
    let (code, text) = probe(TOKEN, PIXEL);
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains("forbidden") && text.contains("code 200"), "{text}");
    assert_eq!(graph.seen().await["events"], 0, "no event is sent for it");
}

#[tokio::test]
async fn explain_shows_the_exact_request_with_the_token_masked_and_sends_nothing() {
    let graph = Graph::start();
    let output = run(&graph, (TOKEN, PIXEL), &["explain", "events.json", "--destination", "meta", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains(TOKEN), "{text}");
    let entries: Value = serde_json::from_str(&text).unwrap();
    let shown = &entries[0]["destinations"][0];
    assert_eq!((&shown["name"], &shown["verdict"]), (&json!("meta"), &json!("send")), "{shown}");
    let request = &shown["requests"][0];
    assert_eq!(request["url"], format!("{}v25.0/{PIXEL}/events", graph.url));
    assert_eq!(request["headers"], json!({ "authorization": "***", "content-type": "application/json" }));
    let body = &request["body"];
    assert_eq!(
        (&body["data"][0]["event_name"], &body["test_event_code"]),
        (&json!("Purchase"), &json!("TEST1")),
        "{body}"
    );
    assert_eq!(graph.seen().await["requests"], 0);
}
