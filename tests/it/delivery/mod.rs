//! Delivery to webhooks that misbehave in every way of the contract: nobody else notices, nothing is lost, every event
//! has one fate.

mod answers;
mod consent;
mod fates;
mod faults;
mod pace;
mod patience;
mod privacy;
mod routing;
mod settings;
mod shown;
mod signature;

use serde_json::Value;

use crate::support::{Router, batch, ids_of, track};

/// Sends `count` events of one user in one batch and returns their ids in order.
async fn send(router: &Router, user: &str, count: u64) -> Vec<String> {
    let events: Vec<Value> = (0..count).map(|n| track(user, n)).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    ids_of(&events)
}

/// Waits until a destination's entry of `/api/destinations` satisfies `check`, and returns it.
async fn until_destination(router: &Router, name: &str, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let seen = crate::support::until_some(what, 60, async || {
        last = router.destination(name).await;
        Some(last.clone()).filter(|one| check(one))
    });
    let seen = tokio::time::timeout(std::time::Duration::from_secs(20), seen).await;
    seen.unwrap_or_else(|_| panic!("gave up waiting until `{name}`: {what}; last seen: {last}"))
}
