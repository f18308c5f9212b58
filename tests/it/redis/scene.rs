//! A router beside a Redis, with patience short enough for a test, and the visitors of a shop.

use serde_json::{Value, json};

use crate::support::{Config, Router, Site, fresh_id, until};

/// Adds the destination `live` with this address; `extra` are further lines.
pub(super) fn live(config: Config, url: &str, extra: &str) -> Config {
    config.table(&format!(
        "[destinations.live]\ntype = \"redis\"\nurl = \"{url}\"\n\
         batch = {{ max_delay = \"50ms\" }}\n\
         retry = {{ initial = \"50ms\", max = \"200ms\" }}\n\
         breaker = {{ failures = 3, open_for = \"200ms\" }}\n\
         hold = {{ probe_every = \"200ms\" }}\n{extra}"
    ))
}

/// Returns a time zone where it is about noon: a day of it does not end while a test runs.
#[expect(clippy::disallowed_methods, reason = "the router has no other clock either")]
pub(super) fn zone_of_noon() -> String {
    let hour = jiff::Timestamp::now().as_second().div_euclid(3_600).rem_euclid(24);
    // The signs of these names are the other way around: east of Greenwich is minus.
    match 12 - hour {
        0 => "Etc/UTC".to_owned(),
        east @ 1.. => format!("Etc/GMT-{east}"),
        west => format!("Etc/GMT+{}", -west),
    }
}

/// The same, with days that do not end while the test runs.
pub(super) fn live_at_noon(config: Config, url: &str) -> Config {
    live(config, url, "").table(&format!("[realtime]\ntime_zone = \"{}\"", zone_of_noon()))
}

/// The same, where events belong to the site.
pub(super) fn of_site(config: Config, site: &Site) -> Config {
    live(config, &site.url, "").table(&format!("[sources.{}]\nwrite_keys = [\"key\"]", site.name))
}

/// A page that a visitor looks at.
pub(super) fn page(visitor: &str, path: &str) -> Value {
    json!({
        "type": "page", "anonymousId": visitor, "messageId": fresh_id("page"),
        "context": { "page": { "path": path } }, "properties": { "path": path },
    })
}

/// An order that the shop's server tells of.
pub(super) fn order(id: &str, revenue: &Value, currency: &str) -> Value {
    json!({
        "type": "track", "event": "Order Completed", "userId": "u", "messageId": fresh_id("order"),
        "properties": { "order_id": id, "revenue": revenue, "currency": currency },
    })
}

/// Waits until the destination is in this state, and returns its entry.
pub(super) async fn until_state(router: &Router, state: &str) -> Value {
    until(&format!("it is {state}"), 20, async || router.destination("live").await["state"] == state).await;
    router.destination("live").await
}

/// Waits until so many events were delivered.
pub(super) async fn until_delivered(router: &Router, count: u64) {
    until(&format!("{count} events are delivered"), 30, async || {
        router.destination("live").await["counts"]["delivered"].as_u64() >= Some(count)
    })
    .await;
}
