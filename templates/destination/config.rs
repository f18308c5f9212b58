//! The settings of `[destinations.<name>]` with `type = "parrot"`. It never holds what every destination has.

use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::destinations::kit::setting::{PrivateNetwork, blank};

/// What Parrot can be told.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The token of the workspace.
    #[serde(serialize_with = "blank")]
    pub token: SecretString,
    /// The API's address.
    pub url: String,
    /// Whether addresses in private networks may be contacted.
    pub allow_private_network: PrivateNetwork,
}

impl Default for Config {
    fn default() -> Self {
        let url = "https://api.parrot.example".to_owned();
        Config { token: SecretString::default(), url, allow_private_network: PrivateNetwork::default() }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("url", &self.url).finish_non_exhaustive()
    }
}
