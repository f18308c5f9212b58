//! Routers whose journal is a topic, against librdkafka's own brokers in this process.

mod destinations;
mod outages;
mod path;
mod replay;
mod space;
mod takeover;
mod trouble;

use serde_json::Value;

use crate::support::{Config, Kafka, Receiver, Router, batch, ids_of, track};

const TOPIC: &str = "opentrack.journal";

/// Partitions of the topic.
const PARTITIONS: i32 = 4;

fn cluster() -> Kafka {
    Kafka::with(TOPIC, PARTITIONS)
}

/// A router whose journal is this cluster's topic, with the embedded warehouse and times short enough for a test; `properties`
/// are further ones of the library.
fn config(cluster: &Kafka, properties: &str) -> Config {
    with_journal(cluster, "", properties)
}

/// The same with further lines of `[journal]`.
fn with_journal(cluster: &Kafka, journal: &str, properties: &str) -> Config {
    let brokers: Vec<String> = cluster.brokers().split(',').map(str::to_owned).collect();
    Config::new().table(&format!(
        "[journal]\nengine = \"kafka\"\n{journal}\n[journal.kafka]\nbrokers = {brokers:?}\n\
         properties = {{ \"session.timeout.ms\" = 6000, \"heartbeat.interval.ms\" = 500{properties} }}"
    ))
}

/// One event for each of so many users, which are in all partitions.
fn round(users: usize, n: u64) -> Vec<Value> {
    (0..users).map(|user| track(&format!("user-{user}"), n)).collect()
}

/// Sends a round and returns the ids.
async fn send(router: &Router, users: usize, n: u64) -> Vec<String> {
    let events = round(users, n);
    router.post("/v1/batch", &batch(&events)).await.expect_success();
    ids_of(&events)
}

/// Returns the ids that were taken more than once.
fn repeated(receiver: &Receiver) -> Vec<String> {
    let mut ids = receiver.taken_ids();
    ids.sort();
    ids.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| pair[0].clone()).collect()
}

/// Returns the users whose events were not taken in the order of their numbers.
fn disordered(receiver: &Receiver) -> Vec<String> {
    let mut last = std::collections::BTreeMap::<String, u64>::new();
    let mut found = Vec::new();
    for event in receiver.taken() {
        let user = event["userId"].as_str().unwrap_or_default().to_owned();
        let n = event["properties"]["n"].as_u64().unwrap_or_default();
        if last.get(&user).is_some_and(|before| *before > n) {
            found.push(format!("{user}: {n} after {}", last[&user]));
        }
        last.insert(user, n);
    }
    found
}

/// Returns how many partitions a router holds, by its metrics.
async fn held(router: &Router) -> u64 {
    let metrics = router.get("/metrics").await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("opentrack_journal_partitions "));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}

/// Waits until a router holds so many partitions.
async fn until_held(router: &Router, count: u64) {
    crate::support::until(&format!("the router holds {count} partitions"), 30, async || {
        held(router).await == count
    })
    .await;
}
