//! A router with a database, and with patience short enough for a test.

use serde_json::Value;

use crate::support::{Config, Postgres, Router, until};

/// Adds the destination `pg` with this address; `extra` are further lines.
pub(super) fn pg(config: Config, url: &str, extra: &str) -> Config {
    config.table(&format!(
        "[destinations.pg]\ntype = \"postgres\"\nurl = \"{url}\"\n\
         batch = {{ max_delay = \"50ms\" }}\n\
         retry = {{ initial = \"50ms\", max = \"200ms\" }}\n\
         breaker = {{ failures = 3, open_for = \"200ms\" }}\n\
         hold = {{ probe_every = \"200ms\" }}\n{extra}"
    ))
}

/// A router beside an empty database; `None` to skip.
pub(super) async fn scene(extra: &str) -> Option<(Postgres, Router)> {
    let database = Postgres::new().await?;
    let router = Router::start(pg(Config::default(), &database.url(), extra)).await;
    Some((database, router))
}

/// Waits until the destination is in this state, and returns its entry.
pub(super) async fn until_state(router: &Router, state: &str) -> Value {
    until(&format!("it is {state}"), 20, async || router.destination("pg").await["state"] == state).await;
    router.destination("pg").await
}

/// Waits until so many events were delivered.
pub(super) async fn until_delivered(router: &Router, count: u64) {
    until(&format!("{count} events are delivered"), 30, async || {
        router.destination("pg").await["counts"]["delivered"].as_u64() >= Some(count)
    })
    .await;
}
