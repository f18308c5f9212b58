//! Kafka, against librdkafka's own brokers in this process: nothing here needs a service.

mod cli;
mod faults;
mod messages;
mod order;
mod refusals;

use crate::support::{Config, Kafka};

/// As on clusters that make no topic by themselves; and does not wait long for one that may be on its way.
const MAKES_NO_TOPIC: &str =
    "properties = { \"allow.auto.create.topics\" = false, \"topic.metadata.propagation.max.ms\" = 200 }";

/// A router with this cluster as a destination, with patience short enough for a test, and the embedded warehouse.
fn config(cluster: &Kafka, extra: &str) -> Config {
    let brokers: Vec<String> = cluster.brokers().split(',').map(str::to_owned).collect();
    Config::new().table(&format!(
        "[destinations.kafka]\nbrokers = {brokers:?}\n\
         retry = {{ initial = \"50ms\", max = \"200ms\" }}\n\
         breaker = {{ failures = 3, open_for = \"200ms\" }}\n\
         hold = {{ probe_every = \"200ms\" }}\n{extra}"
    ))
}
