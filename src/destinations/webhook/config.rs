//! The settings of `[destinations.<name>]` with `type = "webhook"`.
//!
//! Separate so that the whole list of keys can be read in one place. Secrets are kept from `Debug` and from the generated
//! documentation; addresses and headers are checked when the client is built.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize, Serializer};

pub use crate::destinations::kit::setting::PrivateNetwork;
use crate::destinations::kit::setting::blank;

/// What a webhook can be told.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where to post; `http://` or `https://`. A user and password in it become basic authentication.
    pub url: String,
    /// Signs every request by Standard Webhooks: `whsec_` and base64, or any text, used as bytes. Empty: unsigned.
    #[serde(serialize_with = "blank")]
    pub secret: SecretString,
    /// Headers to add to every request.
    #[serde(serialize_with = "blank_values")]
    pub headers: BTreeMap<String, SecretString>,
    /// How events become bodies.
    pub format: Format,
    /// Whether bodies above 1 KiB are sent as gzip.
    pub compression: Compression,
    /// Whether addresses in private networks may be contacted.
    pub allow_private_network: PrivateNetwork,
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("headers", &self.headers.keys())
            .field("format", &self.format)
            .field("compression", &self.compression)
            .field("allow_private_network", &self.allow_private_network)
            .finish_non_exhaustive()
    }
}

/// How events become bodies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// `{"batch":[…],"sentAt":"…"}`, what Segment's own batch endpoint takes.
    #[default]
    Batch,
    /// A JSON array of events.
    Array,
    /// One event on each line.
    Ndjson,
    /// One request for each event, whose body is the event.
    Single,
}

/// Whether bodies above 1 KiB are sent as gzip.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compression {
    /// Unless the address leads to this machine, where the processor costs more than the bytes.
    #[default]
    Auto,
    /// Always.
    Gzip,
    /// Never.
    None,
}

fn blank_values<S: Serializer>(
    headers: &BTreeMap<String, SecretString>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(headers.keys().map(|name| (name, "")))
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
        url = ""
        secret = ""
        format = "batch"
        compression = "auto"
        allow_private_network = "auto"

        [headers]
        "#);
        assert_eq!(toml::to_string(&parse(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn neither_secrets_nor_the_address_are_printed_or_serialised() {
        let config = parse(
            "url = \"https://u:geheim@example.com/geheim\"\nsecret = \"geheim\"\nheaders = { authorization = \"geheim\" }",
        )
        .unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
        let written = toml::to_string(&Config { url: String::new(), ..config }).unwrap();
        assert!(!written.contains("geheim"), "{written}");
    }

    #[test]
    fn an_unknown_key_or_word_is_an_error() {
        assert!(parse("colour = 1").unwrap_err().contains("unknown field `colour`"));
        assert!(parse("format = \"xml\"").unwrap_err().contains("unknown variant `xml`"));
    }
}
