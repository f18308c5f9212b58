//! The settings of `[destinations.<name>]` with `type = "kafka"`.
//!
//! Separate so that the whole list of keys can be read in one place. Passwords are kept from `Debug` and from the generated
//! documentation, and so are the values of `properties`, where a key's password may stand.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::kafka::{Property, Security};
use crate::policy::patience::{BatchLimits, BreakerSettings, Patience, RateLimit, Retry};

/// The block of the shipped configuration.
pub(super) const BLOCK: &str = r#"[destinations.kafka]
brokers = []                        # ["host:9092", …]; set: Kafka is on
topic = "events"                    # with {type} and {source}: "events.{type}"
topics = {}                         # track events by their name: { "Order Completed" = "orders" }
key = "user_id"                     # decides the partition: user_id | anonymous_id | group_id | none
compression = "lz4"                 # lz4 | zstd | gzip | snappy | none
security = { tls = false, ca_file = "", sasl = "", username = "", password = "" } # sasl: plain | scram-sha-256 | scram-sha-512
properties = {}                     # any property of librdkafka: { "linger.ms" = 50 }
"#;

/// What Kafka can be told.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Addresses to begin with, each `host` or `host:port`.
    pub brokers: Vec<String>,
    /// The topic of most events, with `{type}` and `{source}`.
    pub topic: String,
    /// Topics of track events by their name.
    pub topics: BTreeMap<String, String>,
    /// Which id is the key.
    pub key: Key,
    /// How batches are compressed.
    pub compression: Compression,
    /// Encryption and credentials.
    pub security: Security,
    /// Further properties of librdkafka.
    pub properties: BTreeMap<String, Property>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            brokers: Vec::new(),
            topic: "events".to_owned(),
            topics: BTreeMap::new(),
            key: Key::default(),
            compression: Compression::default(),
            security: Security::default(),
            properties: BTreeMap::new(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("brokers", &self.brokers)
            .field("topic", &self.topic)
            .field("topics", &self.topics)
            .field("key", &self.key)
            .field("compression", &self.compression)
            .field("properties", &self.properties.keys())
            .finish_non_exhaustive()
    }
}

/// Which id is the key of a message, and so which events stay in order. Where an event lacks it, the next best is taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// `userId`, else `anonymousId`, else `messageId`.
    #[default]
    UserId,
    /// `anonymousId`, else `userId`, else `messageId`: a visitor stays in one partition when they sign in.
    AnonymousId,
    /// `groupId` of a group call, else `context.groupId`, else as `user_id`.
    GroupId,
    /// No key: partitions fill evenly, and there is no order.
    None,
}

/// How batches are compressed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Fast.
    #[default]
    Lz4,
    /// Smaller, and still fast.
    Zstd,
    /// For old consumers.
    Gzip,
    /// Fast.
    Snappy,
    /// Not at all.
    None,
}

impl Compression {
    /// Returns librdkafka's word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Compression::Lz4 => "lz4",
            Compression::Zstd => "zstd",
            Compression::Gzip => "gzip",
            Compression::Snappy => "snappy",
            Compression::None => "none",
        }
    }
}

/// Returns the patience of a log that takes much at once and is on the same network.
pub(super) fn patience() -> Patience {
    Patience {
        batch: BatchLimits {
            max_events: NonZeroUsize::new(1_000).unwrap_or(NonZeroUsize::MIN),
            max_bytes: 1024 * 1024,
            max_delay: Duration::from_millis(100),
        },
        retry: Retry::default(),
        breaker: BreakerSettings::default(),
        probe_every: Duration::from_secs(30),
        concurrency: NonZeroUsize::new(4).unwrap_or(NonZeroUsize::MIN),
        rate_limit: RateLimit::default(),
        // Three quarters of it are librdkafka's own: it tries again without doubling or disordering, and we cannot.
        timeout: Duration::from_secs(80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn the_defaults_list_every_key_and_parse_back() {
        let text = toml::to_string(&Config::default()).unwrap();
        insta::assert_snapshot!(text, @r#"
        brokers = []
        topic = "events"
        key = "user_id"
        compression = "lz4"

        [topics]

        [security]
        tls = false
        ca_file = ""
        sasl = ""
        username = ""
        password = ""

        [properties]
        "#);
        assert_eq!(toml::to_string(&parse(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn the_block_says_the_defaults() {
        let table: toml::Table = BLOCK.parse().unwrap();
        let own = toml::to_string(&table["destinations"]["kafka"]).unwrap();
        assert_eq!(
            toml::to_string(&parse(&own).unwrap()).unwrap(),
            toml::to_string(&Config::default()).unwrap()
        );
    }

    #[test]
    fn passwords_are_neither_printed_nor_serialised() {
        let config = parse(
            "security = { sasl = \"plain\", password = \"geheim\" }\nproperties = { \"ssl.key.password\" = \"geheim\" }",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
        let written = toml::to_string(&config).unwrap();
        assert!(!written.contains("geheim") && written.contains("ssl.key.password"), "{written}");
    }

    #[test]
    fn a_property_may_be_text_a_number_or_a_truth() {
        let config = parse("properties = { a = \"x\", b = 5, c = true, d = 0.5 }").unwrap();
        let values: Vec<&str> = config.properties.values().map(|value| value.expose()).collect();
        assert_eq!(values, ["x", "5", "true", "0.5"]);
        assert!(parse("properties = { a = [] }").unwrap_err().contains("a string, a number or a boolean"));
    }

    #[test]
    fn an_unknown_key_or_word_is_an_error() {
        assert!(parse("colour = 1").unwrap_err().contains("unknown field `colour`"));
        assert!(parse("key = \"email\"").unwrap_err().contains("unknown variant `email`"));
        assert!(parse("security = { ssl = true }").unwrap_err().contains("unknown field `ssl`"));
    }
}
