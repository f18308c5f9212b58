//! What librdkafka is told: our settings in its words, its own properties, and which of those would break a promise.
//!
//! Pure, and without the library, so that every rule can be read in one place. Whether a property exists and its value is
//! right is asked of the library itself. Values are never repeated in words.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::{Setting, SettingError};
use super::config::Config;
use crate::kafka;

/// Properties that stay ours, with what to do instead.
const OURS: &[(&str, &str)] = &[
    ("acks", "is always `all`: less would lose events that count as delivered"),
    ("request.required.acks", "is always `all`: less would lose events that count as delivered"),
    ("enable.idempotence", "is always on: without it a retry doubles and disorders events"),
    ("enable.gapless.guarantee", "is off: the router keeps the order of what it sends again"),
    ("max.in.flight", "is what the idempotent producer takes"),
    ("max.in.flight.requests.per.connection", "is what the idempotent producer takes"),
    ("retries", "is the router's: `retry` and `timeout` say how long it tries"),
    ("message.send.max.retries", "is the router's: `retry` and `timeout` say how long it tries"),
    ("message.timeout.ms", "is three quarters of `timeout`"),
    ("delivery.timeout.ms", "is three quarters of `timeout`"),
    ("queuing.strategy", "is first in, first out: anything else disorders events"),
    ("transactional.id", "is not used: the router writes without transactions"),
    ("delivery.report.only.error", "is off: the router must hear of every message"),
    ("compression.codec", "is said by `compression`"),
    ("compression.type", "is said by `compression`"),
];

/// All of them, with those that connect.
fn ours() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    OURS.iter().chain(kafka::CONNECTION)
}

/// What the library does where nobody says otherwise.
const DEFAULTS: &[(&str, &str)] = &[
    ("client.id", "opentrack"),
    // As Java's producer, so that every consumer finds a user's events where other producers put them.
    ("partitioner", "murmur2_random"),
    ("linger.ms", "20"),
    ("batch.size", "1000000"),
    // Beyond what the requests in flight hold; more only costs memory.
    ("queue.buffering.max.messages", "20000"),
    ("queue.buffering.max.kbytes", "32768"),
    // A missing topic and a broker that is back are noticed within a probe of the router.
    ("topic.metadata.propagation.max.ms", "5000"),
    ("topic.metadata.refresh.interval.ms", "30000"),
    ("reconnect.backoff.max.ms", "2000"),
];

/// Returns all properties for these settings.
pub(super) fn properties(config: &Config, timeout: Duration) -> BTreeMap<String, String> {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let mut all: BTreeMap<String, String> = DEFAULTS.iter().map(pair).collect();
    let own = config.properties.iter();
    all.extend(own.map(|(name, value)| (name.clone(), value.expose().to_owned())));
    let mut set = |name: &str, value: String| drop(all.insert(name.to_owned(), value));
    set("acks", "all".to_owned());
    set("enable.idempotence", "true".to_owned());
    set("message.timeout.ms", message_timeout(timeout).as_millis().to_string());
    set("compression.type", config.compression.as_str().to_owned());
    all.extend(kafka::connection(&config.brokers, &config.security));
    all
}

/// How long the library tries: less than a request may take, so that it is the one who gives a message up.
pub(super) fn message_timeout(timeout: Duration) -> Duration {
    (timeout * 3 / 4).max(Duration::from_millis(100))
}

/// How long to wait for room in the library's queue, or for what is known of a topic: both fit beside the time for messages.
pub(super) fn room_timeout(timeout: Duration) -> Duration {
    timeout / 16
}

/// Returns whether a topic that is missing is made with its first event, where the brokers do that.
pub(super) fn makes_topics(config: &Config) -> bool {
    let set = config.properties.get("allow.auto.create.topics").map(|value| value.expose());
    !set.is_some_and(|text| matches!(text.to_ascii_lowercase().as_str(), "false" | "f" | "0"))
}

/// Returns every problem of the settings that can be told without the library.
pub(super) fn problems(config: &Config, setting: &Setting, has_tls: bool) -> Vec<SettingError> {
    let mut found = Vec::new();
    let mut tell = |key, message: String| found.push(SettingError { key, message });
    kafka::problems_of_brokers(&config.brokers).into_iter().for_each(|message| tell("brokers", message));
    let security = kafka::problems_of_security(&config.security, setting.production, has_tls);
    security.into_iter().for_each(|message| tell("security", message));
    for name in config.properties.keys() {
        if let Some((_, why)) = ours().find(|(ours, _)| *ours == kafka::of_library(name)) {
            tell("properties", format!("`{name}` {why}"));
        }
    }
    let partitioner = ["partitioner", "topic.partitioner"].iter().filter_map(|name| config.properties.get(*name));
    if partitioner.into_iter().any(|value| value.expose() == "random") {
        tell("properties", "`partitioner` must look at the key: `random` disorders events".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::super::kit::testing::setting;
    use super::*;

    fn config(text: &str) -> Config {
        toml::from_str(&format!("brokers = [\"a:9092\", \"b\"]\n{text}")).unwrap()
    }

    fn told(text: &str, production: bool, has_tls: bool) -> Vec<String> {
        let found = problems(&config(text), &setting("kafka", production), has_tls);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_nobody_may_change_is_set_last_and_the_rest_may_be_changed() {
        let config = config("compression = \"zstd\"\nproperties = { \"linger.ms\" = 50, \"client.id\" = \"me\" }");
        let all = properties(&config, Duration::from_secs(80));
        let of = |name: &str| all[name].as_str();
        assert_eq!((of("acks"), of("enable.idempotence"), of("partitioner")), ("all", "true", "murmur2_random"));
        assert_eq!((of("linger.ms"), of("client.id"), of("compression.type")), ("50", "me", "zstd"));
        assert_eq!((of("message.timeout.ms"), of("bootstrap.servers")), ("60000", "a:9092,b"));
        assert_eq!(of("security.protocol"), "plaintext");
    }

    #[test]
    fn credentials_and_encryption_make_the_protocol() {
        for (security, protocol) in [
            ("{ tls = true }", "ssl"),
            ("{ sasl = \"plain\", username = \"u\", password = \"p\" }", "sasl_plaintext"),
            ("{ tls = true, sasl = \"scram-sha-512\", username = \"u\", password = \"p\" }", "sasl_ssl"),
        ] {
            let all = properties(&config(&format!("security = {security}")), Duration::from_secs(80));
            assert_eq!(all["security.protocol"], protocol, "{security}");
        }
        let text = "security = { tls = true, ca_file = \"/ca.pem\", sasl = \"scram-sha-256\", username = \"u\", password = \"p\" }";
        let all = properties(&config(text), Duration::from_secs(80));
        assert_eq!((all["sasl.mechanism"].as_str(), all["ssl.ca.location"].as_str()), ("SCRAM-SHA-256", "/ca.pem"));
    }

    #[test]
    fn a_property_that_breaks_a_promise_is_named_and_its_value_is_not() {
        let of_topic = ours().map(|(name, _)| format!("topic.{name}"));
        for name in ours().map(|(name, _)| (*name).to_owned()).chain(of_topic) {
            let told = told(&format!("properties = {{ \"{name}\" = \"geheim\" }}"), false, true);
            assert_eq!(told.len(), 1, "{told:?}");
            assert!(told[0].starts_with(&format!("`properties` `{name}` ")), "{told:?}");
            assert!(!told[0].contains("geheim"), "{told:?}");
        }
        let told = told("properties = { partitioner = \"random\" }", false, true);
        assert_eq!(told, ["`properties` `partitioner` must look at the key: `random` disorders events"]);
        assert_eq!(self::told("properties = { \"topic.partitioner\" = \"random\" }", false, true), told);
    }

    #[test]
    fn encryption_needs_a_build_that_has_it() {
        let expected = "`security` `tls` needs a program that was built with `--features kafka-tls`";
        assert_eq!(told("security = { tls = true }", false, false), [expected]);
        assert!(told("security = { tls = true }", false, true).is_empty());
        let scram = "security = { sasl = \"scram-sha-256\", username = \"u\", password = \"p\" }";
        let expected = "`security` `sasl` needs a program that was built with `--features kafka-tls`";
        assert_eq!(told(scram, false, false), [expected]);
        let plain = "security = { sasl = \"plain\", username = \"u\", password = \"p\" }";
        assert!(told(plain, false, false).is_empty(), "it needs no OpenSSL");
    }

    #[test]
    fn half_a_credential_and_an_open_password_are_refused() {
        let told = |security: &str, production| told(&format!("security = {{ {security} }}"), production, true);
        assert_eq!(told("sasl = \"plain\"", false), ["`security` `sasl` needs `username` and `password`"]);
        assert_eq!(told("username = \"u\"", false), ["`security` `username` needs `sasl`"]);
        let open = "sasl = \"plain\", username = \"u\", password = \"p\"";
        assert_eq!(told(open, true).len(), 1);
        assert!(told(&format!("tls = true, {open}"), true).is_empty());
    }
}
