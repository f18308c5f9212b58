//! Routers whose journal is a topic, against librdkafka's own brokers in this process.

mod path;

use crate::support::{Config, Kafka};

const TOPIC: &str = "opentrack.journal";

/// Partitions of the topic.
const PARTITIONS: i32 = 4;

fn cluster() -> Kafka {
    Kafka::with(TOPIC, PARTITIONS)
}

/// A router whose journal is this cluster's topic, with the embedded warehouse and times short enough for a test.
fn config(cluster: &Kafka, properties: &str) -> Config {
    let brokers: Vec<String> = cluster.brokers().split(',').map(str::to_owned).collect();
    Config::new().table(&format!(
        "[journal]\nengine = \"kafka\"\n[journal.kafka]\nbrokers = {brokers:?}\n\
         properties = {{ \"session.timeout.ms\" = 6000, \"heartbeat.interval.ms\" = 500{properties} }}"
    ))
}
