//! Unmodified SDKs against the real router: what they sent is in the warehouse, field by field, once, and nothing else
//! is there.

mod expected;

use std::io::Read;
use std::net::TcpListener;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Config, Receiver, Router, free_port, fresh_id, node, python, track, until_some};
use expected::{Client, expect_warehouse};

/// Runs a driver script to its end and returns what it printed, as JSON.
async fn finish(mut command: Command) -> Value {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the script starts");
    let status = until_some("the script ends", 30, async || child.try_wait().expect("it can be asked")).await;
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().expect("it is piped").read_to_string(&mut out).expect("the output is text");
    child.stderr.take().expect("it is piped").read_to_string(&mut err).expect("the output is text");
    assert!(status.success(), "the script failed: {out}\n{err}");
    serde_json::from_str(&out).unwrap_or_else(|_| panic!("not JSON: {out}"))
}

/// Starts a router, lets the script send its calls, and compares the warehouse.
async fn run(mut command: Command, client: Client) {
    let router = Router::start(Config::new()).await;
    let prefix = fresh_id("sdk");
    command.env("HOST", router.url("")).env("PREFIX", &prefix);
    assert_eq!(finish(command).await["sent"], 6);
    expect_warehouse(&router, &prefix, client).await;
    assert_eq!(router.get("/api/rejected").await.json()["rejected"], json!([]));
}

#[tokio::test]
async fn everything_that_analytics_node_sends_is_in_the_warehouse() {
    if let Some(script) = node("analytics_node.mjs") {
        run(script, Client { name: "analytics-node", version: "6.2.0" }).await;
    }
}

#[tokio::test]
async fn everything_that_segment_node_sends_is_in_the_warehouse() {
    if let Some(script) = node("segment_node.mjs") {
        run(script, Client { name: "@segment/analytics-node", version: "3.1.0" }).await;
    }
}

#[tokio::test]
async fn everything_that_segment_python_sends_is_in_the_warehouse() {
    if let Some(script) = python("segment_python.py") {
        run(script, Client { name: "analytics-python", version: "2.4.0" }).await;
    }
}

#[tokio::test]
async fn an_sdk_that_found_the_router_down_delivers_everything_once_when_it_is_up() {
    let Some(mut script) = node("segment_node.mjs") else { return };
    let port = free_port();
    let silent = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
    let prefix = fresh_id("sdk");
    script.env("HOST", format!("http://127.0.0.1:{port}")).env("PREFIX", &prefix).env("RETRIES", "10");
    let first_try = tokio::task::spawn_blocking(move || drop(silent.accept()));
    let start_later = async {
        first_try.await.expect("the client connects");
        Router::start_at(port, Config::new()).await
    };
    let (printed, router) = tokio::join!(finish(script), start_later);
    assert!(printed["requests"].as_u64() >= Some(2), "the client did not try again: {printed}");
    expect_warehouse(&router, &prefix, Client { name: "@segment/analytics-node", version: "3.1.0" }).await;
}

#[tokio::test]
async fn the_official_library_verifies_a_webhook_delivery() {
    let Some(mut script) = node("verify_webhook.mjs") else { return };
    let receiver = Receiver::start();
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let extra = format!("secret = \"{secret}\"");
    let router = Router::start(Config::new().webhook("hook", &receiver.url(), &extra)).await;
    let event = track("signed", 1);
    router.post("/v1/track", &event).await.expect_success();
    receiver.until_taken(&crate::support::ids_of(&[event])).await;
    let delivery = receiver.requests().remove(0);
    let body = String::from_utf8(delivery.body).expect("the body is text");
    let input = json!({ "secret": secret, "headers": delivery.headers, "body": body }).to_string();
    let file = router.dir().join("delivery.json");
    std::fs::write(&file, input).expect("the file can be written");
    script.stdin(std::fs::File::open(&file).expect("it was just written"));
    assert_eq!(finish(script).await["verified"], true);
}
