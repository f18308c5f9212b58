//! `[journal]` and `[journal.kafka]`: their keys, defaults and bounds.
//!
//! The shipped file says the same defaults with an explanation each; a test compares the two. What a property of the library
//! may be is known to the library alone; those that would break a promise are refused here.

use std::collections::BTreeMap;
use std::time::Duration;

use super::environment::Environment;
use super::node::{Node, Value};
use super::read;
use super::section::{Section, Wrong};
use super::settings::{Durability, Journal, OnFull, SharedJournal};
use crate::kafka::{self, Sasl, Security};

/// Below this no segment of the journal holds a batch.
const SMALLEST_JOURNAL: u64 = 1 << 20;
/// Kafka's own limit of a name (`org.apache.kafka.common.internals.Topic`), less what is added to it.
const LONGEST_NAME: usize = 200;

/// Properties that the journal's promises rest on, with what to do instead.
const OURS: &[(&str, &str)] = &[
    ("acks", "is always `all`: less would lose events that were acknowledged"),
    ("request.required.acks", "is always `all`: less would lose events that were acknowledged"),
    ("enable.idempotence", "is always on: without it a retry doubles and disorders events"),
    ("enable.gapless.guarantee", "is off: who sends a group again keeps its order"),
    ("max.in.flight", "is what the idempotent producer takes"),
    ("max.in.flight.requests.per.connection", "is what the idempotent producer takes"),
    ("retries", "is not bounded: `message.timeout.ms` says how long an event is tried"),
    ("message.send.max.retries", "is not bounded: `message.timeout.ms` says how long an event is tried"),
    ("queuing.strategy", "is first in, first out: anything else disorders events"),
    ("delivery.report.only.error", "is off: the router must hear of every event"),
    ("partitioner", "is always `murmur2_random`: a user's events belong into one partition"),
    ("transactional.id", "is not used"),
    // Two names of one property: which of them is heard would be chance.
    ("delivery.timeout.ms", "is said by `message.timeout.ms`"),
    ("queue.buffering.max.ms", "is said by `linger.ms`"),
    ("compression.codec", "is said by `compression.type`"),
    ("group.id", "is said by `group`"),
    ("group.instance.id", "is not used: a router that stops gives its partitions back at once"),
    ("group.protocol", "is always `classic`: the other one knows no `cooperative-sticky`"),
    ("group.protocol.type", "is always `consumer`"),
    ("group.remote.assignor", "is not used: `group.protocol` is always `classic`"),
    ("enable.auto.commit", "is off: an offset is stored when its event is settled"),
    ("auto.commit.enable", "is off: an offset is stored when its event is settled"),
    ("enable.auto.offset.store", "is off: an offset is stored when its event is settled"),
    ("offset.store.method", "is always `broker`: the other routers must know it"),
    ("enable.partition.eof", "is the router's: it waits for more at the end of a partition"),
    ("auto.offset.reset", "is not used: the marks of the destinations say where to begin"),
    ("partition.assignment.strategy", "is always `cooperative-sticky`: what stays goes on meanwhile"),
    ("isolation.level", "is always `read_committed`"),
    ("allow.auto.create.topics", "is off: how many partitions there are is an operator's to say"),
    ("message.max.bytes", "follows from `max_event_bytes`"),
];

/// Reads `[journal]`.
pub(super) fn journal(section: &mut Section<'_>, production: bool, environment: &Environment) -> Journal {
    let is_shared = section.value("engine", false, read::word(&[("embedded", false), ("kafka", true)]));
    if is_shared && !cfg!(feature = "kafka") {
        section.wrong("engine", "needs a program that was built with the feature `kafka`");
    }
    let shared = section.within("kafka", |section| kafka(section, (is_shared, production), environment));
    let day = Duration::from_secs(24 * 60 * 60);
    let durability = read::word(&[("fsync", Durability::Fsync), ("os", Durability::Os)]);
    let on_full = read::word(&[("reject", OnFull::Reject), ("drop_oldest", OnFull::DropOldest)]);
    let journal = Journal {
        shared: shared.filter(|_| is_shared),
        durability: section.value("durability", Durability::Fsync, durability),
        max_bytes: section.value("max_bytes", 10 << 30, read::size(SMALLEST_JOURNAL)),
        retention: section.value("retention", 7 * day, read::duration),
        dead_letter_retention: section.value("dead_letter_retention", 90 * day, read::duration),
        on_full: section.value("on_full", OnFull::Reject, on_full),
        dedupe_window: section.value("dedupe_window", day, read::duration),
        dedupe_max_ids: section.value("dedupe_max_ids", 2_000_000, read::integer(0)),
    };
    if journal.durability == Durability::Os && !is_shared {
        section.report.warn(
            "`durability` in [journal] is \"os\": events of the last seconds can be lost in a power cut",
        );
    }
    journal
}

/// Reads `[journal.kafka]`; without the engine only its form matters.
fn kafka(
    section: &mut Section<'_>,
    (is_on, production): (bool, bool),
    environment: &Environment,
) -> Option<SharedJournal> {
    let mut brokers = section.value("brokers", Vec::new(), read::list(read::text));
    if let Some(text) = environment.filled("KAFKA_BROKERS").filter(|_| is_on && brokers.is_empty()) {
        brokers = text.split(',').map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
    }
    let topic = section.value("topic", "opentrack.journal".to_owned(), name);
    let group = section.value("group", "opentrack".to_owned(), name);
    let max_message_bytes = section.value("max_message_bytes", 0, read::size(0));
    let security = section.within("security", security);
    let properties = section.within("properties", properties);
    if !is_on {
        return None;
    }
    if brokers.is_empty() {
        section.wrong("brokers", "must name at least one broker (KAFKA_BROKERS)");
    } else {
        kafka::problems_of_brokers(&brokers)
            .into_iter()
            .for_each(|problem| section.wrong("brokers", problem));
    }
    let problems = kafka::problems_of_security(&security, production, cfg!(feature = "kafka-tls"));
    problems.into_iter().for_each(|problem| section.wrong("security", problem));
    let mut client = properties;
    client.extend(kafka::connection(&brokers, &security));
    Some(SharedJournal { topic, group, client, max_message_bytes })
}

/// Reads the name of a topic or a group.
fn name(node: &Node) -> Result<String, Wrong> {
    let name = read::text(node)?;
    let is_fit = |one: char| one.is_ascii_alphanumeric() || matches!(one, '.' | '_' | '-');
    if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_fit) {
        let message = format!("must have 1 to {LONGEST_NAME} letters, digits, `.`, `_` and `-`");
        return Err(Wrong::at(node, message));
    }
    Ok(name)
}

fn security(section: &mut Section<'_>) -> Security {
    let words = read::word(&[
        ("", Sasl::None),
        ("plain", Sasl::Plain),
        ("scram-sha-256", Sasl::ScramSha256),
        ("scram-sha-512", Sasl::ScramSha512),
    ]);
    Security {
        tls: section.value("tls", false, read::boolean),
        ca_file: section.value("ca_file", String::new(), read::text).into(),
        sasl: section.value("sasl", Sasl::None, words),
        username: section.value("username", String::new(), read::text),
        password: section.value("password", String::new(), secret).into(),
    }
}

/// Reads a text that is not repeated in a problem.
fn secret(node: &Node) -> Result<String, Wrong> {
    read::text(node).map_err(|_| Wrong::at(node, "must be a string"))
}

fn properties(section: &mut Section<'_>) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, field) in section.rest() {
        let ours = OURS.iter().chain(kafka::CONNECTION).find(|(ours, _)| *ours == kafka::of_library(name));
        let value = match (ours, &field.node.value) {
            (Some((_, why)), _) => Err(*why),
            (None, Value::Text(text)) => Ok(text.clone()),
            (None, Value::Integer(number)) => Ok(number.to_string()),
            (None, Value::Float(number)) => Ok(number.to_string()),
            (None, Value::Boolean(truth)) => Ok(truth.to_string()),
            (None, _) => Err("must be a string, a number or a boolean"),
        };
        match value {
            Ok(value) => drop(found.insert(name.to_owned(), value)),
            Err(why) => section.add(name, Wrong::at(&field.node, why)),
        }
    }
    found
}
