//! The settings of `[destinations.<name>]` with `type = "customerio"`.
//!
//! Separate so that the whole list of keys can be read in one place. Secrets are kept from `Debug` and from the generated
//! documentation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::destinations::kit::setting::blank;

/// Events that mean more than that they happened.
pub const SEMANTIC_EVENTS: [&str; 14] = [
    "Application Installed",
    "Application Opened",
    "Application Uninstalled",
    "Device Created",
    "Device Updated",
    "Device Created or Updated",
    "Device Deleted",
    "User Deleted",
    "User Suppressed",
    "User Unsuppressed",
    "Object Deleted",
    "Relationship Deleted",
    "Report Delivery Event",
    "Report Content Event",
];

/// What Customer.io can be told about.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Site id of the Track API.
    pub site_id: String,
    /// Key of the Track API.
    #[serde(serialize_with = "blank")]
    pub api_key: SecretString,
    /// The data center of the account.
    pub region: Region,
    /// What a page is called.
    pub page_name: PageName,
    /// Which of [`SEMANTIC_EVENTS`] mean what Segment says they do.
    pub semantic_events: Semantic,
    /// What is done with what is too long.
    pub oversize: Oversize,
    /// Our names of track events, with the names that they get there.
    pub event_map: BTreeMap<String, String>,
    /// Names of attributes, or paths with dots, that are never sent.
    pub drop_attributes: BTreeSet<String>,
    /// Whether objects in attributes become attributes with dots in their names.
    pub flatten: bool,
    /// Whether texts that are ISO 8601 instants become seconds since 1970.
    pub iso_dates: bool,
    /// Whether `from_address`, `recipient` and `reply_to` are kept out of events.
    pub strip_overrides: bool,
    /// The type of an object that names none.
    pub object_type_id: String,
    /// Another base address: a stand-in, a proxy. Empty: that of the region.
    pub endpoint: String,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            site_id: String::new(),
            api_key: SecretString::default(),
            region: Region::Us,
            page_name: PageName::Url,
            semantic_events: Semantic::All,
            oversize: Oversize::Truncate,
            event_map: BTreeMap::new(),
            drop_attributes: BTreeSet::new(),
            flatten: false,
            iso_dates: true,
            strip_overrides: true,
            object_type_id: "1".to_owned(),
            endpoint: String::new(),
        }
    }
}

impl Config {
    /// Returns the address that paths are below.
    pub fn base_url(&self) -> &str {
        if self.endpoint.is_empty() { self.region.host() } else { &self.endpoint }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config")
            .field("region", &self.region)
            .field("page_name", &self.page_name)
            .field("semantic_events", &self.semantic_events)
            .field("oversize", &self.oversize)
            .finish_non_exhaustive()
    }
}

/// A data center.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Region {
    /// In the United States.
    #[default]
    #[serde(rename = "US", alias = "us")]
    Us,
    /// In the European Union.
    #[serde(rename = "EU", alias = "eu")]
    Eu,
}

impl Region {
    /// Returns the address of its Track API.
    pub const fn host(self) -> &'static str {
        match self {
            Region::Us => "https://track.customer.io",
            Region::Eu => "https://track-eu.customer.io",
        }
    }

    /// Returns the setting's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Region::Us => "US",
            Region::Eu => "EU",
        }
    }

    /// Returns the region that Customer.io calls so.
    pub fn named(word: &str) -> Option<Region> {
        [Region::Us, Region::Eu].into_iter().find(|region| region.as_str().eq_ignore_ascii_case(word))
    }
}

/// What a page is called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PageName {
    /// By its address, which Customer.io's triggers for pages look at.
    #[default]
    Url,
    /// By its name.
    Name,
}

/// What is done with what is too long.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Oversize {
    /// It is cut, and counted.
    #[default]
    Truncate,
    /// The event becomes a dead letter.
    Reject,
}

/// Which events mean what Segment says they do: all, none, or those that are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Semantic {
    /// All of [`SEMANTIC_EVENTS`].
    #[default]
    All,
    /// None: they are ordinary events.
    None,
    /// These.
    Only(BTreeSet<String>),
}

impl Semantic {
    /// Returns whether an event of this name means what Segment says it does.
    pub fn is_on(&self, name: &str) -> bool {
        match self {
            Semantic::All => true,
            Semantic::None => false,
            Semantic::Only(names) => names.contains(name),
        }
    }
}

impl Serialize for Semantic {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Semantic::All => serializer.serialize_bool(true),
            Semantic::None => serializer.serialize_bool(false),
            Semantic::Only(names) => names.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Semantic {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SemanticVisitor)
    }
}

struct SemanticVisitor;

impl<'de> de::Visitor<'de> for SemanticVisitor {
    type Value = Semantic;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true, false or a list of events")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<Semantic, E> {
        Ok(if on { Semantic::All } else { Semantic::None })
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Semantic, A::Error> {
        let mut names = BTreeSet::new();
        while let Some(name) = list.next_element::<String>()? {
            if !SEMANTIC_EVENTS.contains(&name.as_str()) {
                let known = SEMANTIC_EVENTS.join(", ");
                return Err(de::Error::custom(format!("`{name}` is no semantic event; there are {known}")));
            }
            names.insert(name);
        }
        Ok(Semantic::Only(names))
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
        insta::assert_snapshot!(text);
        assert_eq!(toml::to_string(&parse(&text).unwrap()).unwrap(), text);
    }

    #[test]
    fn the_key_is_neither_printed_nor_serialised() {
        let config = parse("site_id = \"geheim\"\napi_key = \"geheim\"\nendpoint = \"https://geheim\"").unwrap();
        assert!(!format!("{config:?}").contains("geheim"));
        let written = toml::to_string(&Config { site_id: String::new(), endpoint: String::new(), ..config });
        assert!(!written.unwrap().contains("geheim"));
    }

    #[test]
    fn an_unknown_key_or_word_is_an_error() {
        assert!(parse("colour = 1").unwrap_err().contains("unknown field `colour`"));
        assert!(parse("region = \"DE\"").unwrap_err().contains("unknown variant `DE`"));
        assert!(parse("oversize = \"drop\"").unwrap_err().contains("unknown variant `drop`"));
        assert!(parse("page_name = \"title\"").unwrap_err().contains("unknown variant `title`"));
        let message = parse("semantic_events = [\"User Deletd\"]").unwrap_err();
        assert!(message.contains("`User Deletd` is no semantic event; there are Application Installed,"), "{message}");
        assert!(parse("semantic_events = \"yes\"").unwrap_err().contains("true, false or a list of events"));
    }

    #[test]
    fn semantic_events_are_all_none_or_those_that_are_listed() {
        let on = |text: &str, name: &str| parse(text).unwrap().semantic_events.is_on(name);
        for name in SEMANTIC_EVENTS {
            assert!(on("", name) && on("semantic_events = true", name), "{name}");
            assert!(!on("semantic_events = false", name) && !on("semantic_events = []", name), "{name}");
        }
        let two = "semantic_events = [\"User Suppressed\", \"Application Opened\"]";
        assert!(on(two, "User Suppressed") && on(two, "Application Opened") && !on(two, "User Deleted"));
    }

    #[test]
    fn the_region_decides_the_host_unless_an_endpoint_does() {
        assert_eq!(parse("").unwrap().base_url(), "https://track.customer.io");
        assert_eq!(parse("region = \"EU\"").unwrap().base_url(), "https://track-eu.customer.io");
        assert_eq!(parse("region = \"eu\"").unwrap().base_url(), "https://track-eu.customer.io");
        let own = parse("region = \"EU\"\nendpoint = \"http://127.0.0.1:4010/\"").unwrap();
        assert_eq!(own.base_url(), "http://127.0.0.1:4010/");
        assert_eq!((Region::named("eu"), Region::named("US"), Region::named("apac")), (Some(Region::Eu), Some(Region::Us), None));
    }
}
