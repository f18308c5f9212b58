//! Several routers on one Kafka topic: what they share, what one takes over from another, and the example to start from.
//! The brokers are librdkafka's own, in this process; the routers are processes.

mod example;
mod letters;
mod takeover;

use serde_json::Value;

use crate::support::{Config, Kafka, Oracle, Place, Poison, Receiver, Router, until};

const TOPIC: &str = "journal";
const PARTITIONS: i32 = 8;

/// Brokers with the topics of the routers.
fn cluster() -> Kafka {
    let cluster = Kafka::with(TOPIC, PARTITIONS);
    cluster.create(&format!("{TOPIC}.dead"), 1);
    cluster
}

/// A router on these brokers with a webhook and nothing else; the group notices the loss of a router soon.
fn config(cluster: &Kafka, receiver: &Receiver) -> Config {
    let brokers: Vec<String> = cluster.brokers().split(',').map(str::to_owned).collect();
    let journal = format!(
        "[journal]\nengine = \"kafka\"\n\n[journal.kafka]\nbrokers = {brokers:?}\ntopic = \"{TOPIC}\"\n\
         properties = {{ \"session.timeout.ms\" = 6000, \"heartbeat.interval.ms\" = 500 }}"
    );
    Config::default().table(&journal).webhook("hook", &receiver.url(), "")
}

/// Returns the value of a metric; 0 where it is not there.
async fn metric(router: &Router, name: &str) -> f64 {
    let text = router.get("/metrics").await.text;
    let lines =
        text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse::<f64>().ok());
    lines.sum()
}

/// Waits until a router holds partitions, as many as `is_right` likes.
async fn until_holding(router: &Router, what: &str, is_right: impl Fn(f64) -> bool) {
    until(&format!("the router holds {what} partitions"), 40, async || {
        is_right(metric(router, "opentrack_journal_partitions").await)
    })
    .await;
}

/// Waits until the webhook has every acknowledged event, and fails the test for each way in which the promise was broken:
/// lost, invented, dead, or a user's first deliveries in disorder. Returns how many events arrived more than once.
async fn expect_kept(oracle: &Oracle, receiver: &Receiver) -> usize {
    let place = || Place {
        name: "hook".to_owned(),
        arrived: receiver.taken_ids(),
        dead: Default::default(),
        once: false,
        ordered: true,
    };
    let what = format!("the webhook has all of {} acknowledged events", oracle.owed());
    let arrived = until(&what, 120, async || oracle.missing(&place()) == 0);
    // After the deadline the oracle tells what has not arrived.
    tokio::time::timeout(std::time::Duration::from_secs(60), arrived).await.ok();
    let place = place();
    let breaches = oracle.breaches(&place, Poison::NONE);
    assert!(breaches.is_empty(), "{} broken promises:\n{}", breaches.len(), breaches.join("\n"));
    let mut ids = place.arrived;
    let all = ids.len();
    ids.sort();
    ids.dedup();
    eprintln!("{} acknowledged, {} arrived, {} of them again", oracle.owed(), all, all - ids.len());
    all - ids.len()
}

/// Returns the message ids of the dead letters that a router lists.
async fn dead_letters(router: &Router) -> Vec<String> {
    let body = router.get("/api/dead-letters?limit=100").await.json();
    let letters = body["dead_letters"].as_array().cloned().unwrap_or_default();
    let id = |letter: &Value| letter["message_id"].as_str().expect("it names its event").to_owned();
    let mut ids: Vec<String> = letters.iter().map(id).collect();
    ids.sort();
    ids
}
