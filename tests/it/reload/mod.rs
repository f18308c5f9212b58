//! A configuration that changes while the router runs: nothing is lost, nobody who is not meant notices, and what is wrong
//! is refused as a whole.

mod destinations;
mod files;
mod load;
mod sources;

use serde_json::Value;

use crate::support::{Config, Router, batch, ids_of, track};

/// Sends `count` events of one user in one batch and returns their ids in order.
async fn send(router: &Router, user: &str, count: u64) -> Vec<String> {
    let events: Vec<Value> = (0..count).map(|n| track(user, n)).collect();
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    ids_of(&events)
}

/// Returns the line of `/ready` about the configuration.
async fn config_check(router: &Router) -> Value {
    let ready = router.get("/ready").await;
    assert_eq!(ready.status, 200, "{ready:?}");
    let checks = ready.json()["checks"].as_array().cloned().expect("a list of checks");
    checks.into_iter().find(|check| check["name"] == "config").expect("a check of the configuration")
}

/// Waits until a destination's entry of `/api/destinations` satisfies `check`.
async fn until_destination(router: &Router, name: &str, what: &str, check: impl Fn(&Value) -> bool) {
    crate::support::until(&format!("`{name}`: {what}"), 20, async || check(&router.destination(name).await))
        .await;
}

/// The warehouse and a webhook that is held for ever once it is refused.
fn with_hook(url: &str, extra: &str) -> Config {
    Config::new().table(&format!(
        "[destinations.hook]\ntype = \"webhook\"\nurl = \"{url}\"\nhold = {{ probe_every = \"1h\" }}\n\
         breaker = {{ open_for = \"1h\" }}\nretry = {{ initial = \"50ms\", max = \"200ms\" }}\n{extra}"
    ))
}
