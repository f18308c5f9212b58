//! Unmodified SDKs against the real router: what they sent is in the warehouse, field by field, once, and nothing else
//! is there.

mod clients;
mod driver;
mod expected;
mod outages;

use serde_json::json;

use crate::support::{Config, Receiver, Router, node, track};
pub(crate) use clients::{SEGMENT_NODE, Sdk};
use driver::{CALLS, Driver, finish};
use expected::expect_warehouse;

/// Lets the client make its six calls to this router; says false when it is not installed and the test is to be skipped.
pub(crate) async fn makes_its_calls(sdk: Sdk, router: &Router) -> bool {
    let Some(driver) = Driver::of(sdk) else { return false };
    assert_eq!(driver.run(&router.url("")).await.delivered, CALLS);
    true
}

/// Starts a router, lets the client make its calls, and compares the warehouse.
async fn arrives(sdk: Sdk) {
    let Some(driver) = Driver::of(sdk) else { return };
    let prefix = driver.prefix.clone();
    let router = Router::start(Config::new()).await;
    let said = driver.run(&router.url("")).await;
    assert_eq!(said.delivered, CALLS);
    expect_warehouse(&router, &prefix, sdk).await;
    assert_eq!(router.get("/api/rejected").await.json()["rejected"], json!([]));
}

#[tokio::test]
async fn everything_that_analytics_node_sends_is_in_the_warehouse() {
    arrives(clients::ANALYTICS_NODE).await;
}

#[tokio::test]
async fn everything_that_segment_node_sends_is_in_the_warehouse() {
    arrives(clients::SEGMENT_NODE).await;
}

#[tokio::test]
async fn everything_that_rudder_node_sends_is_in_the_warehouse() {
    arrives(clients::RUDDER_NODE).await;
}

#[tokio::test]
async fn everything_that_cdp_node_sends_is_in_the_warehouse() {
    arrives(clients::CDP_NODE).await;
}

#[tokio::test]
async fn everything_that_segment_python_sends_is_in_the_warehouse() {
    arrives(clients::SEGMENT_PYTHON).await;
}

#[tokio::test]
async fn everything_that_analytics_python_sends_is_in_the_warehouse() {
    arrives(clients::ANALYTICS_PYTHON).await;
}

#[tokio::test]
async fn everything_that_rudder_python_sends_is_in_the_warehouse() {
    arrives(clients::RUDDER_PYTHON).await;
}

#[tokio::test]
async fn everything_that_the_rust_crate_sends_is_in_the_warehouse() {
    arrives(clients::SEGMENT_RUST).await;
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
