//! What connects to Kafka and how it signs in: settings that every user of it shares.
//!
//! Pure, and without the library. Passwords are kept from `Debug` and from the generated documentation, and so are the values
//! of properties, where a key's password may stand. Values are never repeated in words.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Encryption and credentials.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Security {
    /// Whether connections are encrypted.
    pub tls: bool,
    /// Certificates that the brokers' are checked against; empty for those of the system.
    pub ca_file: PathBuf,
    /// How to sign in.
    pub sasl: Sasl,
    /// Who signs in.
    pub username: String,
    /// With which password.
    #[serde(serialize_with = "blank")]
    pub password: SecretString,
}

/// How to sign in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sasl {
    /// Not at all.
    #[default]
    #[serde(rename = "")]
    None,
    /// The password is sent as it is.
    #[serde(rename = "plain")]
    Plain,
    /// SCRAM-SHA-256.
    #[serde(rename = "scram-sha-256")]
    ScramSha256,
    /// SCRAM-SHA-512.
    #[serde(rename = "scram-sha-512")]
    ScramSha512,
}

impl Sasl {
    /// Returns Kafka's name of the mechanism.
    pub const fn mechanism(self) -> Option<&'static str> {
        match self {
            Sasl::None => None,
            Sasl::Plain => Some("PLAIN"),
            Sasl::ScramSha256 => Some("SCRAM-SHA-256"),
            Sasl::ScramSha512 => Some("SCRAM-SHA-512"),
        }
    }
}

/// The value of a property, written as text, number or truth. It may be a password.
#[derive(Clone)]
pub struct Property(SecretString);

impl Property {
    /// Returns the value for the library, which alone may see it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl Serialize for Property {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        blank(&self.0, serializer)
    }
}

impl<'de> Deserialize<'de> for Property {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PropertyVisitor)
    }
}

struct PropertyVisitor;

impl de::Visitor<'_> for PropertyVisitor {
    type Value = Property;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, a number or a boolean")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Property, E> {
        Ok(Property(SecretString::from(text)))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Property, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Property, E> {
        self.visit_str(&number.to_string())
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Property, E> {
        self.visit_str(if truth { "true" } else { "false" })
    }
}

fn blank<S: Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("")
}

/// Returns the library's properties for these addresses and credentials.
pub fn connection(brokers: &[String], security: &Security) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: String| drop(all.insert(name.to_owned(), value));
    set("bootstrap.servers", brokers.join(","));
    let protocol = match (security.tls, security.sasl) {
        (false, Sasl::None) => "plaintext",
        (true, Sasl::None) => "ssl",
        (false, _) => "sasl_plaintext",
        (true, _) => "sasl_ssl",
    };
    set("security.protocol", protocol.to_owned());
    if let Some(mechanism) = security.sasl.mechanism() {
        set("sasl.mechanism", mechanism.to_owned());
        set("sasl.username", security.username.clone());
        set("sasl.password", security.password.expose_secret().to_owned());
    }
    if !security.ca_file.as_os_str().is_empty() {
        set("ssl.ca.location", security.ca_file.display().to_string());
    }
    all
}

/// Properties that connect, with the setting that says them.
pub const CONNECTION: &[(&str, &str)] = &[
    ("bootstrap.servers", "is said by `brokers`"),
    ("metadata.broker.list", "is said by `brokers`"),
    ("security.protocol", "is said by `security`"),
    ("ssl.ca.location", "is said by `security.ca_file`"),
    ("sasl.mechanism", "is said by `security.sasl`"),
    ("sasl.mechanisms", "is said by `security.sasl`"),
    ("sasl.username", "is said by `security.username`"),
    ("sasl.password", "is said by `security.password`"),
    ("log.queue", "is on: the library's words go to the router's log"),
    ("test.mock.num.brokers", "would send events to nowhere"),
];

/// Returns the library's own name of a property: it takes those of a topic with `topic.` before them, too.
pub fn of_library(name: &str) -> &str {
    name.strip_prefix("topic.").unwrap_or(name)
}

/// Returns what is wrong with the addresses, in words.
pub fn problems_of_brokers(brokers: &[String]) -> Vec<String> {
    if brokers.is_empty() {
        return vec!["must name at least one broker".to_owned()];
    }
    let odd = brokers.iter().filter(|broker| !is_broker(broker));
    odd.map(|broker| format!("must be `host` or `host:port` each, not \"{broker}\"")).collect()
}

fn is_broker(text: &str) -> bool {
    let fit = |host: &str| !host.is_empty() && !host.contains([',', '/', ' ', '@']);
    match text.rsplit_once(':') {
        Some((host, port)) => fit(host) && port.parse::<u16>().is_ok(),
        None => fit(text),
    }
}

/// Returns what is wrong with the credentials, in words.
pub fn problems_of_security(security: &Security, production: bool, has_tls: bool) -> Vec<String> {
    let mut found = Vec::new();
    let is_scram = matches!(security.sasl, Sasl::ScramSha256 | Sasl::ScramSha512);
    if !has_tls && (security.tls || is_scram) {
        let what = if security.tls { "tls" } else { "sasl" };
        found.push(format!("`{what}` needs a program that was built with `--features kafka-tls`"));
    }
    let has_name = !security.username.is_empty() && !security.password.expose_secret().is_empty();
    if security.sasl != Sasl::None && !has_name {
        found.push("`sasl` needs `username` and `password`".to_owned());
    }
    if security.sasl == Sasl::None && !security.username.is_empty() {
        found.push("`username` needs `sasl`".to_owned());
    }
    if production && security.sasl == Sasl::Plain && !security.tls {
        found.push("`sasl = \"plain\"` sends the password as it is: in production it needs `tls`".to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_a_host_with_or_without_a_port() {
        for (broker, is_right) in [
            ("localhost:9092", true),
            ("kafka", true),
            ("[::1]:9092", true),
            ("kafka:port", false),
            ("http://kafka:9092", false),
            ("a:1,b:2", false),
            ("", false),
        ] {
            assert_eq!(is_broker(broker), is_right, "{broker}");
        }
    }
}
