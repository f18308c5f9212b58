//! The settings of `[destinations.<name>]` with `type = "meta_capi"`.
//!
//! Separate so that the whole list of keys can be read in one place. The token is kept from `Debug` and from the generated
//! documentation.

mod check;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::destinations::kit::setting::blank;

/// Where the API is when nothing else is said.
pub(super) const GRAPH: &str = "https://graph.facebook.com";

/// What the destination can be told.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The pixel or dataset that events go to.
    pub pixel_id: String,
    /// Lets us in.
    #[serde(serialize_with = "blank")]
    pub access_token: SecretString,
    /// Version of the API: `v25.0`.
    pub api_version: String,
    /// Shows events in "Test events" of the Events Manager. Empty: they are not shown there.
    pub test_event_code: String,
    /// Where events come from that do not say it. Empty: `system_generated`.
    pub action_source: String,
    /// Of amounts without a currency. Empty: none is invented.
    pub currency: String,
    /// Whether track calls of any other name are sent under it.
    pub custom_events: bool,
    /// Names of track calls, without regard to case, with the name of the event there.
    pub event_map: BTreeMap<String, String>,
    /// Further properties for `custom_data`.
    pub custom_data: Vec<String>,
    /// What a product is called in the catalogue there.
    pub content_id: ContentId,
    /// Which ids of ours are sent as `external_id`.
    pub external_id: ExternalId,
    /// Whether events are marked for Limited Data Use.
    pub limited_data_use: LimitedDataUse,
    /// Another base address, before the version. Empty: that of the Graph API.
    pub endpoint: String,
}

impl Default for Config {
    /// As the shipped configuration says.
    fn default() -> Self {
        Config {
            pixel_id: String::new(),
            access_token: SecretString::from(""),
            api_version: "v25.0".to_owned(),
            test_event_code: String::new(),
            action_source: String::new(),
            currency: String::new(),
            custom_events: false,
            event_map: BTreeMap::new(),
            custom_data: Vec::new(),
            content_id: ContentId::default(),
            external_id: ExternalId::default(),
            limited_data_use: LimitedDataUse::default(),
            endpoint: String::new(),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("pixel_id", &self.pixel_id)
            .field("api_version", &self.api_version)
            .finish_non_exhaustive()
    }
}

/// What a product is called in the catalogue there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContentId {
    /// `product_id`, else `sku`, else `id`.
    #[default]
    ProductId,
    /// `sku`, else `product_id`, else `id`.
    Sku,
}

/// Which ids of ours are sent as `external_id`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExternalId {
    /// The user id and the anonymous id.
    #[default]
    All,
    /// The user id.
    UserId,
    /// None.
    None,
}

/// Whether events are marked for Limited Data Use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitedDataUse {
    /// When the event says so, or its user has refused advertising.
    #[default]
    Auto,
    /// Every event.
    Always,
    /// Only when the event says so.
    Never,
}
