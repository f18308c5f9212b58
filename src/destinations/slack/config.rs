//! The settings of `[destinations.<name>]` with `type = "slack"`. It never holds what every destination has; whether messages
//! can be read is checked where they are compiled.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::destinations::kit::setting::{PrivateNetwork, blank};

/// What an incoming webhook can be told.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The address of the webhook, which is all that is needed to post there: a secret.
    #[serde(serialize_with = "blank")]
    pub url: SecretString,
    /// Messages by event: the name of a track call, or `kind`, or `kind:name`, where `*` stands for any text.
    pub messages: BTreeMap<String, String>,
    /// The message of track calls that have none of their own; empty: they are skipped.
    pub default_message: String,
    /// Who it is from, where the webhook lets that be chosen.
    pub username: String,
    /// `:tada:`, where the webhook lets that be chosen.
    pub icon_emoji: String,
    /// `#orders` or `@ada`, where the webhook lets that be chosen.
    pub channel: String,
    /// Most characters of one message.
    pub max_characters: usize,
    /// Whether addresses in private networks may be contacted.
    pub allow_private_network: PrivateNetwork,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            url: SecretString::default(),
            messages: BTreeMap::new(),
            default_message: String::new(),
            username: String::new(),
            icon_emoji: String::new(),
            channel: String::new(),
            max_characters: 3000,
            allow_private_network: PrivateNetwork::default(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("messages", &self.messages)
            .field("default_message", &self.default_message)
            .field("max_characters", &self.max_characters)
            .finish_non_exhaustive()
    }
}
