//! What a `User-Agent` and the client hints beside it tell: browser, operating system, device, and whether it is a bot.
//!
//! The rules are those of uap-core and the expressions of crawler-user-agents, as published (`device/LICENSES.md`); only the
//! class of a device and what hints change is our own. Building the rules takes a while and some memory, so that one reader
//! is made, away from the door, and shared; answers are kept in a [`Cache`]. Never decides what becomes of a bot's events.

mod cache;
mod class;
mod hints;
#[cfg(test)]
mod tests;

use std::io::Read;

use flate2::read::GzDecoder;
use regex::{RegexSet, RegexSetBuilder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use ua_parser::{Extractor, Regexes};

pub use cache::Cache;
pub use class::Class;
pub use hints::Hints;

const RULES: &[u8] = include_bytes!("device/rules.json.gz");
const CRAWLERS: &[u8] = include_bytes!("device/crawlers.json.gz");
/// What uap-core calls what it does not know.
pub(super) const OTHER: &str = "Other";
/// What uap-core calls the device of a bot.
const SPIDER: &str = "Spider";
/// Longest text that is looked at, in bytes; browsers stay below a thousand. The time an expression takes grows with it.
const LONGEST: usize = 2_048;
/// Room for the compiled expressions of all bots together, in bytes; they take less than half of it.
const CRAWLER_BYTES: usize = 64 << 20;

/// What is known of who sent something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Facts {
    /// The program.
    pub browser: Browser,
    /// What it runs on.
    pub os: System,
    /// What that runs on.
    pub device: Device,
    /// It says itself that it is no person.
    pub bot: bool,
}

/// A program and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Browser {
    /// The product; `Other` when unknown.
    pub family: String,
    /// First part of the version.
    pub major: Option<String>,
    /// Second part.
    pub minor: Option<String>,
    /// Third part.
    pub patch: Option<String>,
}

/// An operating system and its version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct System {
    /// The product; `Other` when unknown.
    pub family: String,
    /// First part of the version.
    pub major: Option<String>,
    /// Second part.
    pub minor: Option<String>,
    /// Third part.
    pub patch: Option<String>,
    /// Fourth part.
    pub patch_minor: Option<String>,
}

/// A thing in somebody's hand or room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// What people call it; `Other` when unknown.
    pub family: String,
    /// Who makes it.
    pub brand: Option<String>,
    /// What the maker calls it.
    pub model: Option<String>,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub class: Option<Class>,
}

/// The compiled rules; some tens of megabytes, so make one.
pub struct Reader {
    rules: Extractor<'static>,
    crawlers: RegexSet,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    /// Compiles the rules, which takes about half a second.
    ///
    /// # Errors
    /// What is wrong with the rules; those that are shipped have been tried.
    pub fn new() -> Result<Reader, String> {
        let rules: Regexes<'static> = unpacked(RULES)?;
        let rules = Extractor::try_from(rules).map_err(|error| format!("the rules for devices: {error}"))?;
        let crawlers: Vec<String> = unpacked(CRAWLERS)?;
        let crawlers = RegexSetBuilder::new(crawlers).size_limit(CRAWLER_BYTES).build();
        Ok(Reader {
            rules,
            crawlers: crawlers.map_err(|error| format!("the expressions for bots: {error}"))?,
        })
    }

    /// Returns what these tell together. What a hint says, holds; what none says, is read from the text.
    pub fn read(&self, user_agent: &str, hints: &Hints) -> Facts {
        let text = cut(user_agent);
        let (mut browser, mut os) = (self.browser(text), self.os(text));
        let mut device =
            hints.model().map_or_else(|| self.device(text), |model| self.device_by_model(text, model));
        let bot = self.crawlers.is_match(text) || device.family == SPIDER;
        device.class = class::of(text, &os, &device, bot);
        hints.correct(&mut browser, &mut os, &mut device);
        Facts { browser, os, device, bot }
    }

    fn browser(&self, text: &str) -> Browser {
        let found = self.rules.ua.extract(text).unwrap_or_default().into_owned();
        let [major, minor, patch] = [found.major, found.minor, found.patch].map(present);
        Browser { family: named(found.family), major, minor, patch }
    }

    fn os(&self, text: &str) -> System {
        let found = self.rules.os.extract(text).unwrap_or_default().into_owned();
        let [major, minor, patch, patch_minor] =
            [found.major, found.minor, found.patch, found.patch_minor].map(present);
        System { family: named(found.os), major, minor, patch, patch_minor }
    }

    fn device(&self, text: &str) -> Device {
        let found = self.rules.dev.extract(text).unwrap_or_default().into_owned();
        let [brand, model] = [found.brand, found.model].map(present);
        Device { family: named(found.device), brand, model, class: None }
    }

    /// Browsers write one and the same model into every text and tell the real one by a hint: the rules read it as if it
    /// stood where it used to.
    fn device_by_model(&self, text: &str, model: &str) -> Device {
        if !text.contains("Android") {
            return Device { model: Some(model.to_owned()), ..self.device(text) };
        }
        let place = format!(
            "Mozilla/5.0 (Linux; Android 10; {model}) AppleWebKit/537.36 (KHTML, like Gecko) \
                             Chrome/130.0.0.0 Mobile Safari/537.36"
        );
        Device { model: Some(model.to_owned()), ..self.device(cut(&place)) }
    }
}

fn unpacked<T: DeserializeOwned>(packed: &[u8]) -> Result<T, String> {
    let mut text = String::new();
    GzDecoder::new(packed)
        .read_to_string(&mut text)
        .map_err(|error| format!("a table of devices: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("a table of devices: {error}"))
}

fn cut(text: &str) -> &str {
    let end = text.floor_char_boundary(LONGEST);
    text.get(..end).unwrap_or(text)
}

fn named(family: String) -> String {
    if family.is_empty() { OTHER.to_owned() } else { family }
}

fn present(part: Option<String>) -> Option<String> {
    part.filter(|part| !part.is_empty())
}
