//! `[journal.kafka]`: what is read, and what is refused.

use super::*;

#[test]
fn the_brokers_of_the_journal_come_from_the_file_or_the_environment() {
    let settings = |text: &str, env: &[(&str, &str)]| load_text(text, env).unwrap().settings.journal.shared;
    assert_eq!(settings("", &[("KAFKA_BROKERS", "a:1")]), None, "it is not the engine");
    let shared = settings("[journal]\nengine = \"kafka\"\n", &[("KAFKA_BROKERS", "a:1, b:2")]).unwrap();
    assert_eq!((shared.topic.as_str(), shared.group.as_str()), ("opentrack.journal", "opentrack"));
    assert_eq!((shared.client["bootstrap.servers"].as_str(), shared.max_message_bytes), ("a:1,b:2", 0));
    let text = "[journal]\nengine = \"kafka\"\n[journal.kafka]\nbrokers = [\"c:3\"]\ntopic = \"t\"\nmax_message_bytes = \"2MiB\"\n\
                security = { sasl = \"plain\", username = \"u\", password = \"hunter2\" }\n\
                properties = { \"client.rack\" = \"x\", \"session.timeout.ms\" = 6000 }\n";
    let shared = settings(text, &[("KAFKA_BROKERS", "a:1")]).unwrap();
    assert_eq!((shared.client["bootstrap.servers"].as_str(), shared.max_message_bytes), ("c:3", 2 << 20));
    assert_eq!(
        (shared.client["session.timeout.ms"].as_str(), shared.client["client.rack"].as_str()),
        ("6000", "x")
    );
    assert_eq!(shared.client["sasl.password"], "hunter2");
    assert!(!format!("{shared:?}").contains("hunter2"));
}

/// Properties that would break a promise, and how that is said.
const BREAKING: [(&str, &str); 33] = [
    ("acks", "is always `all`"),
    ("topic.acks", "is always `all`"),
    ("request.required.acks", "is always `all`"),
    ("enable.idempotence", "is always on"),
    ("enable.gapless.guarantee", "is off"),
    ("max.in.flight", "is what the idempotent producer takes"),
    ("max.in.flight.requests.per.connection", "is what the idempotent producer takes"),
    ("retries", "is not bounded: `message.timeout.ms`"),
    ("message.send.max.retries", "is not bounded: `message.timeout.ms`"),
    ("queuing.strategy", "is first in, first out"),
    ("delivery.report.only.error", "is off: the router must hear of every event"),
    ("partitioner", "is always `murmur2_random`"),
    ("topic.partitioner", "is always `murmur2_random`"),
    ("transactional.id", "is not used"),
    ("delivery.timeout.ms", "is said by `message.timeout.ms`"),
    ("queue.buffering.max.ms", "is said by `linger.ms`"),
    ("compression.codec", "is said by `compression.type`"),
    ("group.id", "is said by `group`"),
    ("group.instance.id", "is not used: a router that stops"),
    ("group.protocol", "is always `classic`"),
    ("group.protocol.type", "is always `consumer`"),
    ("group.remote.assignor", "is not used"),
    ("enable.auto.commit", "is off"),
    ("auto.commit.enable", "is off"),
    ("enable.auto.offset.store", "is off"),
    ("offset.store.method", "is always `broker`"),
    ("auto.offset.reset", "is not used"),
    ("partition.assignment.strategy", "is always `cooperative-sticky`"),
    ("isolation.level", "is always `read_committed`"),
    ("enable.partition.eof", "is the router's"),
    ("allow.auto.create.topics", "is off"),
    ("message.max.bytes", "follows from `max_event_bytes`"),
    ("test.mock.num.brokers", "would send events to nowhere"),
];

#[test]
fn a_property_that_would_break_a_promise_of_the_journal_is_named_with_the_reason() {
    let mut passed = Vec::new();
    for (name, why) in BREAKING {
        let text = format!(
            "[journal]\nengine = \"kafka\"\n[journal.kafka]\nbrokers = [\"a:1\"]\n\
             properties = {{ \"{name}\" = \"geheim\", \"linger.ms\" = 5 }}\n"
        );
        let Err(told) = load_text(&text, &[]) else {
            passed.push(name);
            continue;
        };
        let told = told.to_string();
        assert!(told.contains(&format!("`{name}` in [journal.kafka.properties] {why}")), "{told}");
        assert!(!told.contains("geheim") && told.lines().count() == 1, "{told}");
    }
    assert!(passed.is_empty(), "{passed:?}");
}

#[test]
fn what_the_journal_cannot_share_is_named_with_its_place() {
    let text = "[journal]\nengine = \"kafka\"\n[journal.kafka]\ntopic = \"a b\"\ngroup = \"\"\n\
                properties = { acks = 1, \"group.id\" = \"geheim\", x = [] }\nsecurity = { sasl = \"plain\" }\n";
    let told = refused(text, &[]);
    for expected in [
        "config.toml:4:9: `topic` in [journal.kafka] must have 1 to 200 letters",
        "config.toml:5:9: `group` in [journal.kafka] must have 1 to 200 letters",
        "`acks` in [journal.kafka.properties] is always `all`",
        "`group.id` in [journal.kafka.properties] is said by `group`",
        "`x` in [journal.kafka.properties] must be a string, a number or a boolean",
        "`brokers` in [journal.kafka] must name at least one broker (KAFKA_BROKERS)",
        "`security` in [journal.kafka] `sasl` needs `username` and `password`",
    ] {
        assert!(told.contains(expected), "{expected}\n{told}");
    }
    assert!(!told.contains("geheim"), "{told}");
}
