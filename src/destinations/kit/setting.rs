//! Settings that several destinations have: whether private networks may be contacted, and secrets that are never written.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Whether addresses in private networks may be contacted: `true`, `false` or `"auto"`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PrivateNetwork {
    /// In development only.
    #[default]
    Auto,
    /// Yes.
    Allowed,
    /// No.
    Refused,
}

impl PrivateNetwork {
    /// Returns the decision for this environment.
    pub fn allowed(self, production: bool) -> bool {
        match self {
            PrivateNetwork::Auto => !production,
            PrivateNetwork::Allowed => true,
            PrivateNetwork::Refused => false,
        }
    }
}

impl Serialize for PrivateNetwork {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            PrivateNetwork::Auto => serializer.serialize_str("auto"),
            PrivateNetwork::Allowed => serializer.serialize_bool(true),
            PrivateNetwork::Refused => serializer.serialize_bool(false),
        }
    }
}

impl<'de> Deserialize<'de> for PrivateNetwork {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PrivateNetworkVisitor)
    }
}

struct PrivateNetworkVisitor;

impl de::Visitor<'_> for PrivateNetworkVisitor {
    type Value = PrivateNetwork;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or \"auto\"")
    }

    fn visit_bool<E: de::Error>(self, allowed: bool) -> Result<PrivateNetwork, E> {
        Ok(if allowed { PrivateNetwork::Allowed } else { PrivateNetwork::Refused })
    }

    /// Values from the environment arrive as text.
    fn visit_str<E: de::Error>(self, text: &str) -> Result<PrivateNetwork, E> {
        match text {
            "auto" => Ok(PrivateNetwork::Auto),
            "true" => Ok(PrivateNetwork::Allowed),
            "false" => Ok(PrivateNetwork::Refused),
            other => Err(E::invalid_value(de::Unexpected::Str(other), &self)),
        }
    }
}

/// Writes a secret as nothing: what serialises settings makes documentation of them.
///
/// # Errors
/// Those of the serializer.
pub fn blank<S: Serializer>(_: &SecretString, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct Config {
        allow_private_network: PrivateNetwork,
    }

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn private_networks_are_allowed_by_word_by_truth_and_by_environment() {
        let table = [
            ("\"auto\"", true, false),
            ("\"auto\"", false, true),
            ("true", true, true),
            ("\"true\"", true, true),
            ("false", false, false),
        ];
        for (value, production, allowed) in table {
            let config = parse(&format!("allow_private_network = {value}")).unwrap();
            assert_eq!(config.allow_private_network.allowed(production), allowed, "{value} {production}");
        }
        let message = parse("allow_private_network = \"maybe\"").unwrap_err();
        assert!(message.contains("true, false or \"auto\""), "{message}");
    }
}
